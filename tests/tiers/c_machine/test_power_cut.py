"""The power of the whole machine goes while it records, again and again; nothing that was on the medium is lost."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from sealing.records import Boot, Break, BreakOrigin, Resume, SessionEnd, SessionStart
from tests.tiers.c_machine.agency import Agency
from tests.tiers.c_machine.evidence import Promises, bodies
from tests.tiers.c_machine.machine import Image
from tests.tiers.c_machine.medium import Medium
from tests.tiers.c_machine.unit import BenchUnit

CUTS = int(os.environ.get("RECORDER_POWER_CUTS", "3"))
SEED = int(os.environ.get("RECORDER_POWER_SEED", "0")) or random.SystemRandom().randrange(1, 1 << 32)
_LONGEST_SECONDS = 12.0


@pytest.mark.requirement("R8", "all")
@pytest.mark.requirement("R10", "all")
def test_no_promise_is_broken_by_power_cuts(image: Image, agency: Agency, medium: Medium, tmp_path: Path) -> None:
    """SF-25, SF-30, CS-9: after each cut the chain verifies, with every fragment that the medium had confirmed."""
    chance, promises = random.Random(SEED), Promises()
    print(f"RECORDER_POWER_SEED={SEED} RECORDER_POWER_CUTS={CUTS}")  # noqa: T201 -- shown when it fails
    for cut in range(1, CUTS + 1):
        with BenchUnit(image, medium, tmp_path / "machine") as unit:
            unit.wait_ready()
            record(unit, first=cut == 1)
            unit.pass_time(chance.uniform(0.0, _LONGEST_SECONDS))
            unit.cut_power()
        spool = medium.take_out(tmp_path / "taken-out")
        before = promises.fragments
        promises.hold(spool, unit.synced, agency.trust)
        assert promises.fragments > before, f"cut {cut}: no fragment of this start was on the medium"
        assert_recovered(spool, cut)
    assert promises.fragments >= CUTS


def record(unit: BenchUnit, *, first: bool) -> None:
    """See it record: after a press at first, then because it was recording when the power went."""
    if first:
        unit.press()
    else:
        # Off for longer than the profile lets a unit resume by itself: lamp and voice say so, and a press resumes. It
        # may say so a moment behind its start, and one that resumes by itself need never be seen to wait.
        goes_on = "the recording goes on, or waits for a press"
        unit.wait_for(lambda said: unit.has_footage or said["recorder"]["state"] == "interrupted", goes_on)
        if not unit.has_footage:
            unit.press()
    unit.wait_until_recording()


def assert_recovered(spool: Path, boots: int) -> None:
    """One session, one BOOT for each start; each cut is a break that names the power, and was resumed."""
    assert [boot.boot_number for boot in bodies(spool, Boot)] == list(range(1, boots + 1))
    assert len(bodies(spool, SessionStart)) == 1
    assert bodies(spool, SessionEnd) == []
    cuts = [each for each in bodies(spool, Break) if each.cause == "power-loss"]
    assert len(cuts) == boots - 1
    assert all(each.origin is BreakOrigin.MACHINE for each in cuts)
    assert len(bodies(spool, Resume)) >= boots - 1

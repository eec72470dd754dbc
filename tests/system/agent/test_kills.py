"""The daemon, killed at random moments, again and again: every start recovers and next to nothing is lost."""

import random
from bisect import bisect_right
from dataclasses import dataclass, field

import pytest

from hw_sim.files import read_lines
from sealing.framing import RecordHeader, open_header
from sealing.reader import SealedFile, sealed_files
from sealing.records import Boot, Fragment
from sealing.verifier import verify_chain
from tests.support.provisioned_unit import SMALL, DaemonProcess, ProvisionedUnit, running

pytestmark = [pytest.mark.system, pytest.mark.timeout(1200)]

KILLS = 50
SPEED = 4
"""World seconds in a real one: the world's frames come faster than the machine forgets."""
FRAMES_PER_SECOND = 5
OPEN_GROUP_FRAMES = FRAMES_PER_SECOND
QUEUED_FRAMES = 2 * FRAMES_PER_SECOND
"""One whole group that waits for its sound, and what the disk had not synced yet."""
RECORDING_FOR_HOURS = "press record\nafter 9 h\n"


@dataclass
class ProcessLife:
    """What camera and chain say of one start of the agent."""

    boot: Boot
    began_boottime_ns: int
    sealed: list[Fragment] = field(default_factory=list)
    given_ns: list[int] = field(default_factory=list)
    """Capture times of the frames that the camera handed over."""


def headers(unit: ProvisionedUnit) -> list[RecordHeader]:
    """Every whole record of the spool."""
    found = []
    for path in sealed_files(unit.paths.spool):
        with SealedFile(path) as file:
            file.check_magic()
            while file.next_offset_bytes < path.stat().st_size and (record := file.next_record()) is not None:
                found.append(open_header(record.header)[1])
    return found


def lives(unit: ProvisionedUnit) -> list[ProcessLife]:
    """Each start with the footage that it sealed and the frames that it was given."""
    told: list[ProcessLife] = []
    for header in headers(unit):
        if isinstance(header.body, Boot):
            told.append(ProcessLife(header.body, header.boottime_ns))
        elif isinstance(header.body, Fragment):
            told[-1].sealed.append(header.body)
    begins = [life.began_boottime_ns for life in told]
    for entry in read_lines(unit.world / "truth.jsonl"):
        if entry["kind"] == "camera_frame":
            taken_ns = int(entry["captured_boottime_ns"] or 0)
            told[bisect_right(begins, taken_ns) - 1].given_ns.append(taken_ns)
    return told


def kill_at_some_moment(daemon: DaemonProcess, chance: random.Random) -> None:
    """Every other one while it starts, the others while it records, however fast the machine is."""
    if chance.random() < 0.5:
        daemon.listen_for(chance.uniform(0.2, 1.4))
    else:
        daemon.wait_for("READY=1")
        daemon.listen_for(chance.uniform(0.0, 1.2))
    daemon.kill()


@pytest.mark.requirement("R6", "all")
def test_fifty_kills_lose_at_most_the_open_group_and_what_was_queued(unit: ProvisionedUnit) -> None:
    chance = random.Random(20_26)
    unit.set_options({**SMALL, "speed": SPEED}, RECORDING_FOR_HOURS)
    with running(unit) as first:
        first.wait_for("STATUS=recording")
    for _ in range(KILLS - 1):
        kill_at_some_moment(DaemonProcess(unit), chance)
    with running(unit) as last:
        last.listen_for(3.0)
        assert last.terminate() == 0, last.tail()

    report = verify_chain([unit.paths.spool], unit.trust)
    (session,) = report.sessions
    assert session.end_reason == "stop"
    assert session.breaks, "no kill came while it recorded"
    assert {each.cause for each in session.breaks} == {"crash"}

    told = lives(unit)
    assert len(told) > KILLS // 3, "too few starts came as far as BOOT to prove anything"
    assert [life.boot.clean for life in told] == [True] + [False] * (len(told) - 1)
    for life in told:
        sealed = sum(fragment.frame_count for fragment in life.sealed)
        lost = len(life.given_ns) - sealed
        assert lost <= OPEN_GROUP_FRAMES + QUEUED_FRAMES, (life.boot, len(life.given_ns), sealed)
        at = 0
        for fragment in life.sealed:
            assert fragment.captured_boottime_ns == life.given_ns[at], "a frame is missing inside a run"
            at += fragment.frame_count

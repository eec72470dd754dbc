"""Two verifiers under random damage: neither stumbles, neither calls it clean, and they agree whether it is."""

import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from sealing.errors import NotSealedError
from sealing.findings import Severity
from tests.vectors.generate import VECTORS
from tests.vectors.judging import authority, by_the_first, by_the_second

BASES = (
    "00-good-chain",
    "00b-good-chain-with-a-counter",
    "00c-good-chain-of-suite-2",
    "26b-good-chain-with-an-anchor",
    "50e-revoked-afterwards-receipted-before",
    "60c-recipients-of-yesterday",
)
MILD = {"TAIL_OPEN", "UNCLEAN_STOP", "MEDIUM_FAULT", "PRUNED", "TORN_CHANGED", "COUNTS_DIFFER", "STALE", "CLOCK_WRONG"}
Damage = Callable[[bytes, random.Random], bytes]


def flip(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]


def overwrite(data: bytes, chance: random.Random) -> bytes:
    at, length = chance.randrange(len(data)), chance.choice([1, 2, 4, 8, 40])
    return data[:at] + chance.randbytes(length) + data[at + length :]


def cut(data: bytes, chance: random.Random) -> bytes:
    return data[: chance.randrange(len(data))]


def leave_out(data: bytes, chance: random.Random) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + data[at + chance.randrange(1, 300) :]


def repeat(data: bytes, chance: random.Random) -> bytes:
    at, length = chance.randrange(len(data)), chance.randrange(1, 300)
    return data[: at + length] + data[at:]


def fuzz(folder: Path, seed: int) -> None:
    """One damaged copy of a good chain, put before both."""
    chance = random.Random(seed)
    shutil.copytree(VECTORS / chance.choice(BASES), folder)
    path = chance.choice(sorted(folder.glob("*.evs")))
    whole = path.read_bytes()
    damage: Damage = chance.choice([flip, flip, overwrite, cut, leave_out, repeat])
    data = damage(whole, chance)
    path.write_bytes(data)
    theirs = {fault.code for fault in by_the_second(folder, authority())}
    try:
        report = by_the_first(folder, authority())
    except NotSealedError:
        assert "NOT_SEALED" in theirs
    else:
        errors = [finding for finding in report.findings if finding.severity is Severity.ERROR]
        assert (data == whole) == (not report.findings), f"seed {seed}"
        assert bool(errors) == bool(theirs - MILD), f"seed {seed}: {report.verdicts} against {theirs}"
    finally:
        shutil.rmtree(folder)


@pytest.mark.parametrize("start", range(0, 250, 50))
def test_both_verifiers_see_damage(tmp_path: Path, start: int) -> None:
    for seed in range(start, start + 50):
        fuzz(tmp_path / "damaged", seed)


@pytest.mark.soak
def test_both_verifiers_see_damage_for_ten_minutes(tmp_path: Path) -> None:
    for seed in range(1_000, 13_000):
        fuzz(tmp_path / "damaged", seed)

"""Whatever is done to the demo's sealed files: `recorder verify` refuses them and names file, record and fault."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.cli.main import run
from sealing.report import ChainError
from sealing.trust import Trust
from sealing.verifier import verify_chain
from tests.system.demo.played import SMALL, Played, play

pytestmark = [pytest.mark.system, pytest.mark.timeout(1800)]

SLOW = ("--option", "frames_per_second=10", "--seconds", "30")
RANGE_BYTES = 4096


@pytest.fixture(scope="module", name="demo")
def demo_fixture(tmp_path_factory: pytest.TempPathFactory, voices: Path) -> Played:
    return play(tmp_path_factory.mktemp("tampering") / "out", "demo", *SMALL, *SLOW, voices=voices)


@pytest.fixture
def copy(demo: Played, tmp_path: Path) -> Path:
    """The sealed files under other names of the same bytes; what a test alters it replaces first."""
    folder = tmp_path / "sealed"
    folder.mkdir()
    for path in demo.sealed():
        os.link(path, folder / path.name)
    return folder


def replace(path: Path, data: bytes) -> None:
    """Give a file other bytes without touching the original's."""
    path.unlink()
    path.write_bytes(data)


def refused(demo: Played, folder: Path) -> ChainError:
    with pytest.raises(ChainError) as caught:
        verify_chain([folder], Trust.load(demo.out / "trust"))
    fault = caught.value.report.first_fault
    assert fault is not None
    assert fault.place.file
    assert fault.code
    assert fault.detail
    return caught.value


def a_place(seed: int, folder: Path) -> tuple[random.Random, Path, bytes]:
    chance = random.Random(seed)
    path = chance.choice(sorted(folder.iterdir()))
    return chance, path, path.read_bytes()


def flip(chance: random.Random, data: bytes) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + bytes([data[at] ^ 1 << chance.randrange(8)]) + data[at + 1 :]


def cut(chance: random.Random, data: bytes) -> bytes:
    at = chance.randrange(len(data))
    return data[:at] + data[at + 1 + chance.randrange(RANGE_BYTES) :]


def insert(chance: random.Random, data: bytes) -> bytes:
    at = chance.randrange(len(data) + 1)
    return data[:at] + chance.randbytes(1 + chance.randrange(RANGE_BYTES)) + data[at:]


def repeat(chance: random.Random, data: bytes) -> bytes:
    at = chance.randrange(len(data))
    end = at + 1 + chance.randrange(RANGE_BYTES)
    return data[:end] + data[at:end] + data[end:]


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("alter", [flip, cut, insert, repeat])
def test_no_altered_range_of_bytes_passes(
    demo: Played, copy: Path, seed: int, alter: Callable[[random.Random, bytes], bytes]
) -> None:
    chance, path, data = a_place(seed, copy)
    replace(path, alter(chance, data))
    named = {finding.place.file for finding in refused(demo, copy).report.findings}
    assert path.name in named


def test_no_file_can_be_dropped(demo: Played, copy: Path) -> None:
    for path in demo.sealed():
        (copy / path.name).unlink()
        error = refused(demo, copy)
        assert error.report.first_fault is not None
        os.link(path, copy / path.name)


def test_no_two_files_can_be_swapped(demo: Played, copy: Path) -> None:
    chance = random.Random(1)
    names = [path.name for path in demo.sealed()]
    for _ in range(6):
        one, other = (copy / name for name in chance.sample(names, 2))
        first, second = one.read_bytes(), other.read_bytes()
        replace(one, second)
        replace(other, first)
        refused(demo, copy)
        replace(one, first)
        replace(other, second)


def test_the_command_says_which_file_and_record(demo: Played, copy: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = sorted(copy.iterdir())[2]
    data = path.read_bytes()
    replace(path, data[:-100] + bytes([data[-100] ^ 1]) + data[-99:])
    assert run(["--lang", "en", "verify", str(copy), "--trust", str(demo.out / "trust")]) == 1
    told = capsys.readouterr()
    assert path.name in told.out + told.err
    shutil.rmtree(copy)


def test_untouched_files_pass(demo: Played, copy: Path) -> None:
    report = verify_chain([copy], Trust.load(demo.out / "trust"))
    assert report.intact
    assert len(list((demo.out / "trust" / "receipts").iterdir())) == len(demo.sealed())

"""What a vector is: a row of the attack catalogue, what is done to a folder, what a verifier has to say."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from sealing.framing import file_name
from sealing.limits import MAGIC
from tests.support.forging import Raw, records_of, rewrite
from tests.support.recordings import copy_of_film

FOOTAGE, SECOND_FOOTAGE, LAST = file_name(3), file_name(4), file_name(9)
Make = Callable[[Path], None]


@dataclass(frozen=True)
class Case:
    """One file set."""

    row: str
    name: str
    expect: frozenset[str]
    make: Make
    part: bool = False
    """Whoever judges it is told that it is a part of a chain."""
    suite: int = 1


CASES: list[Case] = []


def case(row: str, name: str, *expect: str, part: bool = False, suite: int = 1) -> Callable[[Make], Make]:
    """Register what fills an empty folder."""

    def register(make: Make) -> Make:
        CASES.append(Case(row, name, frozenset(expect), make, part, suite))
        return make

    return register


def spoiled(row: str, name: str, *expect: str, part: bool = False) -> Callable[[Make], Make]:
    """Register what spoils a copy of the good chain."""

    def register(make: Make) -> Make:
        def fill(folder: Path) -> None:
            folder.rmdir()
            copy_of_film(folder)
            make(folder)

        return case(row, name, *expect, part=part)(fill)

    return register


def edit(path: Path, index: int, change: Callable[[Raw], Raw]) -> None:
    """Put another record in one record's place."""
    rewrite(path, lambda found: [*found[:index], change(found[index]), *found[index + 1 :]])


def flipped(data: bytes, at: int) -> bytes:
    """The bytes with one bit turned."""
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]


def offset_of(path: Path, index: int) -> int:
    """Where a record stands in its file."""
    return len(MAGIC) + sum(len(record.data) for record in records_of(path)[:index])

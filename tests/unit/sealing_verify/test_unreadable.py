"""Stretches that cannot be read: the report names what they held, record by record."""

from pathlib import Path

from sealing.findings import Code, Finding
from sealing.framing import file_name
from sealing.limits import MAGIC
from sealing.verifier import examine_chain
from tests.support.forging import records_of
from tests.support.recordings import trust
from tests.vectors.cases import flipped, offset_of

FOOTAGE = file_name(3)


def spoil(path: Path, offset: int, data: bytes) -> None:
    whole = path.read_bytes()
    path.write_bytes(whole[:offset] + data + whole[offset + len(data) :])


def found_in(folder: Path) -> list[tuple[Code, str, int | None]]:
    return [(each.code, each.place.file, each.place.sequence) for each in examine_chain([folder], trust()).findings]


def gap_in(folder: Path) -> Finding:
    return next(each for each in examine_chain([folder], trust()).findings if each.code is Code.GAP)


def sequences(path: Path) -> list[int]:
    return [each.read.sequence for each in records_of(path)]


def test_what_stood_behind_a_length_that_cannot_be_followed_is_named(film_copy: Path) -> None:
    """SF-10: the unreadable record itself is the fault, those behind it are the gap."""
    numbers = sequences(film_copy / FOOTAGE)
    spoil(film_copy / FOOTAGE, offset_of(film_copy / FOOTAGE, 2), b"\xff" * 8)
    assert found_in(film_copy) == [(Code.MALFORMED, FOOTAGE, numbers[2]), (Code.GAP, file_name(4), numbers[3])]
    assert f"records {numbers[3]} to {numbers[-1]} " in gap_in(film_copy).detail


def test_an_unreadable_last_record_leaves_no_gap(film_copy: Path) -> None:
    """SF-10: it may stand for the one record that is expected."""
    numbers = sequences(film_copy / FOOTAGE)
    spoil(film_copy / FOOTAGE, offset_of(film_copy / FOOTAGE, len(numbers) - 1), b"\xff" * 8)
    assert found_in(film_copy) == [(Code.MALFORMED, FOOTAGE, numbers[-1])]


def test_a_file_that_is_cut_off_misses_all_that_came_behind(film_copy: Path) -> None:
    """SF-16: one record is torn, the others are gone."""
    numbers, path = sequences(film_copy / FOOTAGE), film_copy / FOOTAGE
    path.write_bytes(path.read_bytes()[: offset_of(path, 2) + 20])
    assert found_in(film_copy) == [(Code.TORN_TAIL, FOOTAGE, numbers[2]), (Code.GAP, file_name(4), numbers[3])]
    assert f"records {numbers[3]} to {numbers[-1]} " in gap_in(film_copy).detail


def test_a_file_with_another_magic_misses_all_of_its_records(film_copy: Path) -> None:
    """SF-8."""
    numbers, path = sequences(film_copy / FOOTAGE), film_copy / FOOTAGE
    path.write_bytes(flipped(path.read_bytes(), 0))
    assert found_in(film_copy) == [(Code.NOT_SEALED, FOOTAGE, numbers[0]), (Code.GAP, file_name(4), numbers[0])]
    assert f"records {numbers[0]} to {numbers[-1]} " in gap_in(film_copy).detail


def test_a_file_that_was_emptied_misses_all_of_its_records(film_copy: Path) -> None:
    """SF-16: the magic alone is no file."""
    numbers = sequences(film_copy / FOOTAGE)
    (film_copy / FOOTAGE).write_bytes(MAGIC)
    assert found_in(film_copy) == [(Code.TORN_TAIL, FOOTAGE, numbers[0]), (Code.GAP, file_name(4), numbers[0])]


def test_rubbish_behind_a_closed_file_stands_for_no_record(film_copy: Path) -> None:
    """SF-16: whoever drops a file cannot hide it behind rubbish at the end of the one before."""
    second = sequences(film_copy / file_name(4))
    (film_copy / file_name(4)).unlink()
    path = film_copy / FOOTAGE
    path.write_bytes(path.read_bytes() + b"\xff" * 30)
    assert found_in(film_copy)[-1] == (Code.GAP, file_name(5), second[0])
    assert f"records {second[0]} to {second[-1]} " in gap_in(film_copy).detail

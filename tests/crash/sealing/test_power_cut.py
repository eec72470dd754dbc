"""The power goes at every operation of the writer, with every part of what was not synced lost or kept."""

import itertools
from random import Random

import pytest

from sealing import framing
from sealing.records import Boot, Event
from sealing.recovery import recover
from tests.support import chain_check, chains
from tests.support.clocks import ManualClock
from tests.support.faulty_storage import FaultyStorage, PowerCutError
from tests.support.memory_storage import MemoryStorage
from tests.support.sealing_scenario import Day, whole_day_types


def operations_of_a_day() -> int:
    storage = FaultyStorage(MemoryStorage())
    Day(storage).run()
    return len(storage.operations)


OPERATIONS = operations_of_a_day()


def assert_goes_on(medium: MemoryStorage, day: Day) -> None:
    """The unit starts again, nothing durable is missing, and the chain is one."""
    day.clock.reboot("boot-2")
    writer = chains.start_writer(medium, day.clock)
    reference = writer.seal(Event("back", None, ()))
    records = {record.header.sequence: record for record in chain_check.counted_records(medium)}
    assert records[reference.sequence].hash == reference.hash
    missing = {each.file_number for each in day.durable if each.sequence not in records}
    assert missing <= {day.footage}
    assert not missing or framing.file_name(day.footage) not in medium.files
    assert all(records[each.sequence].hash == each.hash for each in day.durable if each.sequence in records)
    writer.halt("stop")
    assert chains.start_writer(medium, day.clock).recovery.clean


def test_an_undisturbed_day_is_one_chain() -> None:
    medium = MemoryStorage()
    day = Day(medium)
    day.run()
    assert [record.header.type for record in chain_check.counted_records(medium)] == whole_day_types()
    assert_goes_on(medium, day)


@pytest.mark.parametrize(
    ("kept", "zeros"), [(0.0, False), (0.4, False), (1.0, False), (0.0, True), (0.6, True)], ids=str
)
def test_power_cut_at_every_operation_loses_nothing_synced(kept: float, zeros: bool) -> None:
    """SF-25, SF-27, SF-28: what a call returned for is in the chain after the next start."""
    for operation, partial in itertools.product(range(1, OPERATIONS + 1), (0.0, 1.0)):
        medium = MemoryStorage()
        storage = FaultyStorage(medium)
        storage.cut_power_at(operation, partial)
        day = Day(storage)
        with pytest.raises(PowerCutError):
            day.run()
        medium.lose_unsynced(kept, zeros=zeros)
        assert_goes_on(medium, day)


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_a_cut_that_leaves_holes_in_what_was_not_synced(seed: int) -> None:
    """SF-25, SF-27: a medium writes the sectors of an append in any order."""
    chance = Random(seed)
    for operation in range(1, OPERATIONS + 1):
        medium = MemoryStorage()
        storage = FaultyStorage(medium)
        storage.cut_power_at(operation, 1.0)
        day = Day(storage)
        with pytest.raises(PowerCutError):
            day.run()
        medium.lose_sectors(chance)
        assert_goes_on(medium, day)


def test_power_cut_during_recovery_of_a_power_cut() -> None:
    """SF-28: every start that gets nowhere leaves a dropped file at most, and the next one names it."""
    for first, second in itertools.product(range(1, OPERATIONS + 1, 3), range(1, 6)):
        medium = MemoryStorage()
        storage = FaultyStorage(medium)
        storage.cut_power_at(first, 0.5)
        day = Day(storage)
        with pytest.raises(PowerCutError):
            day.run()
        again = FaultyStorage(medium)
        again.cut_power_at(second, 0.5)
        try:
            chains.start_writer(again, day.clock)
        except PowerCutError:
            medium.lose_unsynced(0.5)
        assert_goes_on(medium, day)


def day_with_open_footage() -> MemoryStorage:
    medium = MemoryStorage()
    writer = chains.start_writer(medium)
    writer.open_footage(chains.run_facts())
    for number in range(3):
        writer.append_fragment(chains.fragment(number), chains.media(number, 200))
    return medium


def test_a_cut_at_every_byte_of_the_last_record_is_named_exactly() -> None:
    """SF-27: BOOT names the torn bytes, all records in front of them count."""
    whole = day_with_open_footage()
    records = chain_check.counted_records(whole)
    last, name = records[-1], "00000002.evs"
    for length in range(last.offset_bytes, last.offset_bytes + last.length_bytes):
        medium = whole.copy()
        del medium.files[name][length:]
        writer = chains.start_writer(medium, ManualClock())
        found = chain_check.counted_records(medium)
        boot = found[-1].header.body
        assert [each.hash for each in found[: len(records) - 1]] == [each.hash for each in records[:-1]]
        assert isinstance(boot, Boot)
        torn = length - last.offset_bytes
        assert (boot.torn_file, boot.torn_bytes) == ((2, torn) if torn else (None, 0))
        assert not boot.clean
        assert chains.last_fragment(writer.recovery) == chains.fragment_at(1)


def test_a_cut_at_every_byte_of_a_files_beginning_drops_the_file() -> None:
    """SF-28: without OPEN and what has to follow it, nothing in the file counts."""
    whole = MemoryStorage()
    chains.start_writer(whole).halt("stop")
    end = chain_check.counted_records(whole)[-1]
    chains.start_writer(whole)
    name = "00000002.evs"
    for kept in range(len(whole.files[name])):
        medium = whole.copy()
        del medium.files[name][kept:]
        found = recover(medium, chains.identity(), "boot-1")
        assert found.dropped_files == (2,)
        assert found.clean
        assert (found.place.sequence, found.place.previous_hash) == (end.header.sequence + 1, end.hash)


@pytest.mark.parametrize("kept", [0, 3, 8, 100, 1200])
def test_a_dropped_file_is_set_aside_and_named(kept: int) -> None:
    """SF-28, SF-15: BOOT names its number, the bytes stay."""
    medium = MemoryStorage()
    chains.start_writer(medium).halt("stop")
    chains.start_writer(medium)
    del medium.files["00000002.evs"][kept:]
    chains.start_writer(medium)
    boot = chain_check.counted_records(medium)[-1].header.body
    assert isinstance(boot, Boot)
    assert boot.dropped_files == (2,)
    assert medium.names() == ["00000001.evs", "00000002.torn", "00000003.evs"]
    assert len(medium.files["00000002.torn"]) == kept

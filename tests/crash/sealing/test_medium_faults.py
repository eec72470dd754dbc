"""The medium fails at every operation of the writer and works again: nothing is lost, and the chain says so."""

import itertools

import pytest

from sealing.errors import StorageFaultError
from sealing.records import Close, Event, Fragment, Open, Torn
from tests.support import chain_check, chains
from tests.support.clocks import ManualClock
from tests.support.faulty_storage import FaultyStorage
from tests.support.memory_storage import MemoryStorage
from tests.support.sealing_scenario import Day

CODES = ("EIO", "ENOSPC", "EROFS")


def operations_of_a_day() -> int:
    storage = FaultyStorage(MemoryStorage())
    Day(storage).run()
    return len(storage.operations)


@pytest.mark.parametrize("times", [1, 4])
def test_every_failing_operation_is_survived_and_nothing_is_lost(times: int) -> None:
    """SF-30: errors, short writes, errors of the sync, of the file's creation, and faults of the retry."""
    for operation, partial in itertools.product(range(1, operations_of_a_day() + 1), (0.0, 0.5, 1.0)):
        medium = MemoryStorage()
        storage = FaultyStorage(medium)
        storage.fail_at(operation, CODES[operation % 3], partial=partial, times=times)
        day = Day(storage)
        day.run_stubbornly()
        records = {record.header.sequence: record for record in chain_check.counted_records(medium)}
        missing = [each for each in day.durable if each.sequence not in records]
        assert {each.file_number for each in missing} <= {day.footage}
        assert all("says where file" in str(refusal) for refusal in day.refusals)
        assert sum(isinstance(each.header.body, Event) for each in records.values()) == 2
        day.clock.reboot("boot-2")
        assert chains.start_writer(medium, day.clock).recovery.clean
        chain_check.counted_records(medium)


def footage_with_a_fault(partial: float) -> tuple[MemoryStorage, FaultyStorage]:
    medium = MemoryStorage()
    storage = FaultyStorage(medium)
    writer = chains.start_writer(storage)
    writer.open_footage(chains.run_facts())
    writer.append_fragment(chains.fragment(0), chains.INIT + chains.media(0))
    storage.fail_at(1, "EIO", partial=partial)
    with pytest.raises(StorageFaultError, match="Input/output error"):
        writer.append_fragment(chains.fragment(1), chains.media(1))
    writer.append_fragment(chains.fragment(1), chains.media(1))
    writer.append_fragment(chains.fragment(2), chains.media(2))
    writer.close_footage(chains.close_facts(3))
    writer.halt("stop")
    return medium, storage


@pytest.mark.parametrize("partial", [0.0, 0.3, 1.0])
def test_a_run_of_footage_goes_on_in_a_new_file(partial: float) -> None:
    """SF-30, SF-38: TORN names the bytes, the fragments go on, numbers inside the file begin again."""
    medium, _ = footage_with_a_fault(partial)
    records = chain_check.counted_records(medium)
    torn = next(record.header.body for record in records if isinstance(record.header.body, Torn))
    assert torn.torn_file == 2
    assert torn.code == "EIO"
    assert (torn.torn_bytes > 0) == (partial > 0)
    fragments = [record.header.body for record in records if isinstance(record.header.body, Fragment)]
    assert [(each.index, each.first_frame) for each in fragments] == [(0, 0), (0, 30), (1, 60)]
    runs = [record.header.body.run for record in records if isinstance(record.header.body, Open)]
    assert [(run.run_file, run.first_frame, run.first_sample) for run in runs if run] == [(0, 0, 0), (1, 30, 48_000)]
    closes = [record.header.body for record in records if isinstance(record.header.body, Close)]
    assert [each.fragments for each in closes] == [0, 2, 0]


def test_the_new_file_of_a_run_carries_the_init_segment_again() -> None:
    medium, _ = footage_with_a_fault(1.0)
    lengths = [
        record.header.payload_length
        for record in chain_check.counted_records(medium)
        if isinstance(record.header.body, Fragment)
    ]
    tag, size = 16, len(chains.media(0))
    assert lengths == [size + len(chains.INIT) + tag, size + len(chains.INIT) + tag, size + tag]


def test_an_event_during_a_fault_goes_into_a_ledger_file_and_the_run_goes_on_behind_it() -> None:
    medium = MemoryStorage()
    storage = FaultyStorage(medium)
    writer = chains.start_writer(storage)
    writer.open_footage(chains.run_facts())
    writer.append_fragment(chains.fragment(0), chains.media(0))
    storage.fail_at(2, "EIO")
    with pytest.raises(StorageFaultError):
        writer.append_fragment(chains.fragment(1), chains.media(1))
    assert writer.seal(Event("fault", None, ())).file_number == 3
    assert writer.append_fragment(chains.fragment(1), chains.media(1)).file_number == 4
    writer.halt("stop")
    chain_check.counted_records(medium)


def test_files_that_cannot_even_be_begun_are_named() -> None:
    """SF-15: a number that was used up is named in dropped_files."""
    medium = MemoryStorage()
    storage = FaultyStorage(medium)
    writer = chains.start_writer(storage)
    writer.roll_ledger("dock")
    for operation, partial in ((2, 0.0), (3, 0.5), (3, 1.0)):
        storage.fail_at(operation, "ENOSPC", partial=partial)
        with pytest.raises(StorageFaultError):
            writer.seal(Event("x", None, ()))
    reference = writer.seal(Event("x", None, ()))
    assert reference.file_number == 5
    torn = next(each.header.body for each in chain_check.counted_records(medium) if isinstance(each.header.body, Torn))
    assert torn == Torn(1, 0, None, (2, 3, 4), "ENOSPC")
    assert medium.names() == ["00000001.evs", "00000002.torn", "00000003.torn", "00000004.torn", "00000005.evs"]


def test_power_cut_while_a_fault_is_not_yet_sealed() -> None:
    """What was torn by the fault is torn for the next start as well, or a whole record that simply counts."""
    for partial in (0.0, 0.5, 1.0):
        medium = MemoryStorage()
        storage = FaultyStorage(medium)
        clock = ManualClock()
        writer = chains.start_writer(storage, clock)
        writer.open_footage(chains.run_facts())
        storage.fail_at(1, "EIO", partial=partial)
        with pytest.raises(StorageFaultError):
            writer.append_fragment(chains.fragment(0), chains.media(0))
        clock.reboot("boot-2")
        recovery = chains.start_writer(medium, clock).recovery
        assert (recovery.torn_bytes > 0) == (partial == 0.5)
        chain_check.counted_records(medium)

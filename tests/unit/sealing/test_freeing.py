"""Freeing files (SF-32, SF-33)."""

from functools import partial

import pytest

from sealing.errors import DeletionRefusedError, StorageFaultError
from sealing.framing import file_name
from sealing.records import Delete, Event, Open
from sealing.references import StoreReceipt
from sealing.writer import ChainWriter
from tests.support import chain_check, chains
from tests.support.faulty_storage import FaultyStorage, PowerCutError
from tests.support.memory_storage import MemoryStorage


def three_footage_files(storage: MemoryStorage | FaultyStorage) -> ChainWriter:
    """Files 2, 3 and 4 carry one fragment each; a ledger file is open behind them."""
    writer = chains.start_writer(storage)
    for number in range(3):
        writer.open_footage(chains.run_facts(1, 30 * number, 48_000 * number))
        writer.append_fragment(chains.fragment(number), chains.media(number))
        writer.close_footage(chains.close_facts(number + 1))
    writer.seal(Event("docked", None, ()))
    return writer


def take_receipt(writer: ChainWriter, medium: MemoryStorage, number: int) -> None:
    file_id = chain_check.scan(medium, number).identity().digest()
    writer.seal_receipt(StoreReceipt(number, file_id, bytes([number]) * 32, "store-1", number))


def test_a_receipted_file_is_freed_and_the_hole_is_bridged() -> None:
    """SF-32: DELETE names what was there."""
    medium = MemoryStorage()
    writer = three_footage_files(medium)
    gone = chain_check.scan(medium, 2)
    take_receipt(writer, medium, 2)
    reference = writer.free_file(2)
    records = chain_check.counted_records(medium)
    assert "00000002.evs" not in medium.files
    assert [file.number for file in writer.sealed_files()] == [1, 3, 4]
    body = next(record.header.body for record in records if record.header.sequence == reference.sequence)
    assert body == Delete(
        file_number=2,
        file_id=gone.identity().digest(),
        first_sequence=gone.records[0].header.sequence,
        last_sequence=gone.records[-1].header.sequence,
        hash_before=gone.records[0].header.previous_hash,
        head_after=gone.records[-1].hash,
        receipt_hash=bytes([2]) * 32,
        epoch_after=1,
        boot_after=1,
    )


def test_what_may_not_be_freed() -> None:
    """SF-33: the open file, the newest that has ended, anything without a receipt."""
    medium = MemoryStorage()
    writer = three_footage_files(medium)
    take_receipt(writer, medium, 4)
    with pytest.raises(DeletionRefusedError, match="open or not in the spool"):
        writer.free_file(5)
    with pytest.raises(DeletionRefusedError, match="newest"):
        writer.free_file(4)
    with pytest.raises(DeletionRefusedError, match="no sealed receipt"):
        writer.free_file(3)
    assert not [file for file in writer.sealed_files() if file.freeable]
    assert medium.names() == [file_name(number) for number in range(1, 6)]


def test_delete_is_on_the_medium_before_the_file_goes() -> None:
    """SF-32: a cut between the two is finished by the next start."""
    medium = MemoryStorage()
    storage = FaultyStorage(medium)
    writer = three_footage_files(storage)
    take_receipt(writer, medium, 2)
    storage.cut_power_at(3)
    with pytest.raises(PowerCutError):
        writer.free_file(2)
    assert storage.operations[-3:] == ["append", "sync", "replace"]
    medium.lose_unsynced(0.0)
    assert "00000002.evs" in medium.files
    assert any(isinstance(each.header.body, Delete) for each in chain_check.counted_records(medium))
    chains.start_writer(medium)
    assert "00000002.evs" not in medium.files
    chain_check.counted_records(medium)


def test_a_cut_before_delete_is_synced_keeps_the_file() -> None:
    """SF-32."""
    medium = MemoryStorage()
    storage = FaultyStorage(medium)
    writer = three_footage_files(storage)
    take_receipt(writer, medium, 2)
    storage.cut_power_at(2)
    with pytest.raises(PowerCutError):
        writer.free_file(2)
    medium.lose_unsynced(0.0)
    chains.start_writer(medium)
    assert "00000002.evs" in medium.files
    chain_check.counted_records(medium)


def test_a_file_that_cannot_be_unlinked_may_be_freed_again() -> None:
    medium = MemoryStorage()
    storage = FaultyStorage(medium)
    writer = three_footage_files(storage)
    take_receipt(writer, medium, 2)
    storage.fail_at(3, "EIO")
    with pytest.raises(StorageFaultError, match="file 2 cannot be freed"):
        writer.free_file(2)
    writer.free_file(2)
    assert "00000002.evs" not in medium.files
    chain_check.counted_records(medium)


def test_receipts_are_known_after_a_restart() -> None:
    """Section 7: the agent hands over what it keeps beside the spool."""
    medium = MemoryStorage()
    three_footage_files(medium).halt("stop")
    writer = chains.start_writer(medium, receipted={2: bytes(32), 3: bytes(32), 99: bytes(32)})
    assert [file.number for file in writer.sealed_files() if file.freeable] == [2, 3]
    writer.free_file(3)
    writer.free_file(2)
    chain_check.counted_records(medium)


def test_a_file_that_says_where_another_ends_stays_as_long_as_that() -> None:
    """SF-33: without it nobody could tell which bytes of the other one count."""
    medium = MemoryStorage()
    chains.start_writer(medium)
    medium.files["00000001.evs"].extend(b"torn")
    chains.start_writer(medium).halt("stop")
    writer = chains.start_writer(medium, receipted={1: bytes(32), 2: bytes(32)})
    writer.roll_ledger("dock")
    with pytest.raises(DeletionRefusedError, match="says where file 1 ends"):
        writer.free_file(2)
    writer.free_file(1)
    writer.free_file(2)
    chain_check.counted_records(medium)


def test_a_deletion_that_goes_with_its_file_is_sealed_again() -> None:
    """SF-33: otherwise nobody could bridge the hole that it accounts for."""
    medium = MemoryStorage()
    writer = three_footage_files(medium)
    take_receipt(writer, medium, 3)
    writer.free_file(3)
    writer.roll_ledger("dock")
    take_receipt(writer, medium, 5)
    writer.seal(Event("docked", None, ()))
    writer.roll_ledger("dock")
    writer.free_file(5)
    bodies = [record.header.body for record in chain_check.counted_records(medium)]
    assert [body.file_number for body in bodies if isinstance(body, Delete)] == [3, 5]


def test_a_ledger_file_is_freed_only_after_its_receipt_was_named() -> None:
    """SF-34: DELETE rests on a receipt that the chain knows."""
    medium = MemoryStorage()
    writer = three_footage_files(medium)
    take_receipt(writer, medium, 1)
    writer.free_file(1)
    records = chain_check.counted_records(medium)
    opened = next(each.header.body for each in records if each.file_number == 6)
    assert isinstance(opened, Open)
    assert opened.ledger_receipts == (bytes([1]) * 32,)
    take_receipt(writer, medium, 5)
    writer.open_footage(chains.run_facts(2, 90, 144_000))
    with pytest.raises(DeletionRefusedError, match="named by the next ledger file"):
        writer.free_file(5)


def test_leftovers_behind_the_counted_end_are_no_part_of_delete() -> None:
    """SF-30: after a failed sync a whole record may be left over; DELETE ends where the next file goes on."""
    medium = MemoryStorage()
    storage = FaultyStorage(medium)
    writer = chains.start_writer(storage)
    writer.open_footage(chains.run_facts())
    writer.append_fragment(chains.fragment(0), chains.media(0))
    storage.fail_at(2, "EIO")
    step = partial(writer.append_fragment, chains.fragment(1), chains.media(1))
    with pytest.raises(StorageFaultError):
        step()
    step()
    writer.close_footage(chains.close_facts(2))
    writer.roll_ledger("dock")
    writer.seal(Event("docked", None, ()))
    found = chain_check.scan(medium, 2)
    assert len(found.records) == 3
    counted = found.until(found.records[2].header.sequence)
    torn = bytes(medium.files["00000002.evs"])[counted.end_bytes :]
    writer.seal_receipt(StoreReceipt(2, counted.identity().digest(torn), bytes(32), "store-1", 1))
    writer.free_file(2)
    bodies = [record.header.body for record in chain_check.counted_records(medium)]
    delete = next(body for body in bodies if isinstance(body, Delete))
    assert delete.last_sequence == counted.records[-1].header.sequence
    assert delete.file_id == counted.identity().digest(torn)

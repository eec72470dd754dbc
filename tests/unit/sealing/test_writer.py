"""What the writer puts where, and what it refuses (`sealing/FORMAT.md`, sections 2 to 7)."""

from dataclasses import replace
from functools import partial

import pytest

from sealing import codec
from sealing.errors import BodyError, ReserveReachedError, WriterStateError
from sealing.framing import ChainRecord, file_name
from sealing.limits import EPOCH_RECORDS_MAX, MAGIC
from sealing.records import (
    Alive,
    Boot,
    Break,
    BreakOrigin,
    Close,
    DockChange,
    Epoch,
    Event,
    FileKind,
    FileOrigin,
    Fragment,
    Halt,
    Mark,
    Open,
    RecordType,
    Resume,
)
from sealing.references import StoreReceipt
from sealing.scan import scan_file
from sealing.suites import SUITE_1
from sealing.wraps import content_cipher
from tests.support import chain_check, chains
from tests.support.clocks import ManualClock
from tests.support.faulty_storage import FaultyStorage
from tests.support.memory_storage import MemoryStorage


def event(code: str = "test") -> Event:
    return Event(code, None, ())


def types(records: list[ChainRecord]) -> list[str]:
    return [record.header.type.name for record in records]


def opens(records: list[ChainRecord]) -> list[Open]:
    return [record.header.body for record in records if isinstance(record.header.body, Open)]


def test_a_first_start_opens_a_ledger_file_with_boot() -> None:
    """SF-29, SF-8, SF-13: the chain begins at 1 behind zeros."""
    medium = MemoryStorage()
    writer = chains.start_writer(medium)
    records = chain_check.counted_records(medium)
    assert types(records) == ["OPEN", "BOOT"]
    assert records[0].header.sequence == 1
    assert medium.files["00000001.evs"].startswith(MAGIC)
    opened, boot = opens(records)[0], records[1].header.body
    assert (opened.kind, opened.origin, opened.run) == (FileKind.LEDGER, FileOrigin.START, None)
    assert isinstance(boot, Boot)
    assert (boot.boot_number, boot.clean, boot.reason, boot.simulated) == (1, True, "first-start", True)
    assert writer.recovery.snapshot is None


def test_a_session_is_laid_out_in_one_line_of_files() -> None:
    """SF-14, SF-15, SF-16, SF-31: a ledger file ends where footage begins, and the other way round."""
    medium = MemoryStorage()
    writer = chains.start_writer(medium)
    writer.seal(event())
    assert writer.open_footage(chains.run_facts()) == 2
    writer.append_fragment(chains.fragment(0), chains.media(0))
    mark = writer.seal(Mark(chains.SESSION, 1, 3, 10**9, 10**9, None))
    writer.append_fragment(chains.fragment(1), chains.media(1))
    assert mark.file_number == 2
    writer.close_footage(chains.close_facts(2))
    assert writer.open_footage(replace(chains.run_facts(), first_frame=60, first_sample=96_000)) == 3
    writer.close_footage(chains.close_facts(2))
    writer.seal(event())
    writer.halt("stop")
    records = chain_check.counted_records(medium)
    assert types(records) == [
        *("OPEN", "BOOT", "EVENT", "CLOSE"),
        *("OPEN", "FRAGMENT", "MARK", "FRAGMENT", "CLOSE"),
        *("OPEN", "CLOSE"),
        *("OPEN", "EVENT", "HALT", "CLOSE"),
    ]
    assert [opened.origin.value for opened in opens(records)] == ["start", "next", "next", "next"]
    assert [opened.run.run_file for opened in opens(records) if opened.run is not None] == [0, 1]
    reasons = [record.header.body.reason for record in records if isinstance(record.header.body, Close)]
    assert reasons == ["footage", "time", "time", "stop"]


def test_every_record_is_one_append_and_one_sync() -> None:
    """SF-11, SF-25, SF-26: nothing is reported before its sync; a file's beginning is one append."""
    storage = FaultyStorage(MemoryStorage())
    writer = chains.start_writer(storage)
    assert storage.operations == ["create", "append", "sync"]
    writer.seal(event())
    assert storage.operations[3:] == ["append", "sync"]
    writer.open_footage(chains.run_facts())
    assert storage.operations[5:] == ["append", "sync", "create", "append", "sync"]
    assert not any(storage.unsynced.values())


def test_fragments_are_numbered_by_the_writer_and_open_for_recipients_only() -> None:
    """SF-24, SF-36, SF-38: the index counts from 0 in each file; the payload needs a recipient's key."""
    medium = MemoryStorage()
    writer = chains.start_writer(medium)
    for number in (0, 1):
        writer.open_footage(chains.run_facts(1, 30 * number, 48_000 * number))
        writer.append_fragment(replace(chains.fragment(number), index=77), chains.media(number))
        writer.close_footage(chains.close_facts(1))
    records = [record for record in chain_check.counted_records(medium) if record.file_number in {2, 3}]
    for number in (0, 1):
        opened, fragment, _ = records[3 * number : 3 * number + 3]
        assert isinstance(fragment.header.body, Fragment)
        assert fragment.header.body.index == 0
        assert isinstance(opened.header.body, Open)
        end = fragment.offset_bytes + fragment.length_bytes
        sealed = bytes(medium.files[file_name(2 + number)])[end - fragment.header.payload_length : end]
        assert chains.media(number)[:100] not in sealed
        for key in (chains.agency().custodian, chains.agency().escrow):
            cipher = content_cipher(opened.header.body, chains.DEVICE_ID, key)
            assert cipher.decrypt(fragment.header.sequence, RecordType.FRAGMENT, sealed) == chains.media(number)
    assert len({opened.salt for opened in opens(records)}) == 2


def test_names_are_encrypted_and_codes_are_not() -> None:
    """SF-36."""
    medium = MemoryStorage()
    writer = chains.start_writer(medium)
    reference = writer.seal(event("checked-out"), {"officers": ["甲某", "乙某"]})
    data = bytes(medium.files["00000001.evs"])
    assert "甲某".encode() not in data
    assert b"checked-out" in data
    records = chain_check.counted_records(medium)
    record = records[reference.sequence - 1]
    end = record.offset_bytes + record.length_bytes
    cipher = content_cipher(opens(records)[0], chains.DEVICE_ID, chains.agency().escrow)
    clear = cipher.decrypt(record.header.sequence, RecordType.EVENT, data[end - record.header.payload_length : end])
    assert codec.decode_private(clear) == {"officers": ["甲某", "乙某"]}


def test_a_refused_body_leaves_the_chain_and_the_nonces_alone() -> None:
    """SF-21: the next record may use the place, since nothing was encrypted for it."""
    medium = MemoryStorage()
    writer = chains.start_writer(medium)
    before = dict(medium.files)
    for bad in (Mark(b"x", 1, 0, 0, 0, None), Event("x" * 300, None, ())):
        with pytest.raises(BodyError):
            writer.seal(bad, {"a": "b"})
    with pytest.raises(BodyError, match="private"):
        writer.seal(event(), {"a": "x" * 70_000})
    assert medium.files == before
    assert writer.seal(event(), {"a": "b"}).sequence == 3


def test_calls_out_of_order_are_refused_and_change_nothing() -> None:
    medium = MemoryStorage()
    writer = chains.start_writer(medium)
    with pytest.raises(WriterStateError, match="no footage"):
        writer.append_fragment(chains.fragment(0), b"x")
    with pytest.raises(WriterStateError, match="no footage"):
        writer.close_footage(chains.close_facts(0))
    with pytest.raises(WriterStateError, match="by the writer alone"):
        writer.seal(Halt("x"))  # type: ignore[arg-type]
    writer.open_footage(chains.run_facts())
    with pytest.raises(WriterStateError, match="run 1"):
        writer.open_footage(chains.run_facts())
    with pytest.raises(BodyError, match="0 bytes"):
        writer.append_fragment(chains.fragment(0), b"")
    writer.roll_ledger("dock")
    assert types(chain_check.counted_records(medium)) == ["OPEN", "BOOT", "CLOSE", "OPEN"]
    writer.halt("stop")
    with pytest.raises(WriterStateError, match="halted"):
        writer.seal(event())
    assert types(chain_check.counted_records(medium))[-4:] == ["CLOSE", "OPEN", "HALT", "CLOSE"]


def test_at_dock_a_ledger_file_of_bookkeeping_alone_stays_open_sf_60() -> None:
    medium = MemoryStorage()
    writer = chains.start_writer(medium)
    writer.roll_ledger("dock", for_news_alone=True)
    assert types(chain_check.counted_records(medium))[-1] == "CLOSE", "BOOT is news"
    writer.seal(DockChange(docked=True))
    writer.seal(Alive(90, 1))
    writer.roll_ledger("dock", for_news_alone=True)
    assert types(chain_check.counted_records(medium))[-3:] == ["OPEN", "DOCK", "ALIVE"]
    writer.seal(event())
    writer.roll_ledger("dock", for_news_alone=True)
    assert types(chain_check.counted_records(medium))[-2:] == ["EVENT", "CLOSE"]


def test_a_ledger_file_ends_by_size_and_with_the_day() -> None:
    medium, clock = MemoryStorage(), ManualClock()
    writer = chains.start_writer(medium, clock, chain_policy=chains.policy(ledger_bytes=4_000))
    while writer.seal(event(), {"text": "x" * 500}).file_number == 1:
        pass
    clock.advance(86_400)
    assert writer.seal(event()).file_number == 3
    bodies = [record.header.body for record in chain_check.counted_records(medium)]
    assert [body.reason for body in bodies if isinstance(body, Close)] == ["ledger-full", "daily"]
    assert 4_000 <= len(medium.files["00000001.evs"]) < 6_000


def test_footage_leaves_the_reserve_to_the_ledger() -> None:
    """SF-35."""
    medium = MemoryStorage(total_bytes=1 << 20)
    writer = chains.start_writer(medium, chain_policy=chains.policy(reserve_bytes=900_000))
    writer.open_footage(chains.run_facts())
    writer.append_fragment(chains.fragment(0), bytes(50_000))
    with pytest.raises(ReserveReachedError, match="900000 are kept"):
        writer.append_fragment(chains.fragment(1), bytes(100_000))
    writer.seal(event("full"))
    writer.close_footage(chains.close_facts(1))
    medium.total_bytes = 900_000
    with pytest.raises(ReserveReachedError):
        writer.open_footage(chains.run_facts(2))
    writer.seal(event("still sealed"))
    chain_check.counted_records(medium)


def test_a_new_epoch_begins_by_age_and_by_count() -> None:
    """SF-19, SF-42: EPOCH is signed by the old key, at most 600 records by one key."""
    medium, clock = MemoryStorage(), ManualClock()
    writer = chains.start_writer(medium, clock)
    for _ in range(EPOCH_RECORDS_MAX + 10):
        writer.seal(event())
    clock.advance(601)
    writer.seal(event())
    records = chain_check.counted_records(medium)
    changes = [record for record in records if isinstance(record.header.body, Epoch)]
    assert [record.header.epoch for record in changes] == [1, 2]
    assert changes[0].header.sequence == EPOCH_RECORDS_MAX
    assert changes[1].header.sequence == records[-1].header.sequence - 1
    assert [sum(record.header.epoch == epoch for record in records) for epoch in (1, 2, 3)] == [600, 14, 1]


def test_the_state_in_force_stands_in_the_next_open() -> None:
    medium = MemoryStorage()
    writer = chains.start_writer(medium)
    writer.set_state(chains.snapshot(state="recording"))
    writer.open_footage(chains.run_facts())
    assert [opened.snapshot.state for opened in opens(chain_check.counted_records(medium))] == ["idle", "recording"]
    with pytest.raises(BodyError):
        writer.set_state(chains.snapshot(state="x" * 300))


def test_an_open_behind_a_break_names_it_until_it_is_resumed() -> None:
    """CS-9: the agent learns the number of a BREAK only when it is sealed; a file may have to be opened before."""
    medium = MemoryStorage()
    writer = chains.start_writer(medium)
    session = bytes(range(16))
    counting = replace(chains.snapshot(state="interrupted"), session_id=session, breaks=2)
    stands = Break(session, 2, BreakOrigin.MACHINE, "storage-full", True, 9, 5, 5, 5, 1)
    sequence = writer.seal(stands).sequence
    writer.set_state(counting)
    writer.roll_ledger("daily")
    writer.seal(Event("docked", None, ()))
    writer.set_state(replace(counting, breaks=1))
    writer.roll_ledger("daily")
    writer.seal(Resume(session, sequence, 10, 6, 6, 6, 1, True, 2, True))
    writer.set_state(counting)
    writer.roll_ledger("daily")
    writer.seal(Event("docked", None, ()))
    found = [opened.snapshot for opened in opens(chain_check.counted_records(medium))][1:]
    assert [(state.break_sequence, state.break_cause) for state in found] == [
        (sequence, "storage-full"),
        (None, None),
        (None, None),
    ]


def file_id(medium: MemoryStorage, number: int) -> bytes:
    key = SUITE_1.device_key(chains.identity().signer.public_key_der())
    return scan_file(partial(medium.read, file_name(number)), number, key).identity().digest()


def receipt(medium: MemoryStorage, number: int) -> StoreReceipt:
    return StoreReceipt(number, file_id(medium, number), bytes([number]) * 32, "store-1", number)


def test_receipts_for_footage_are_sealed_and_those_for_ledger_files_are_named() -> None:
    """SF-34: sealing a receipt for a ledger file would make another file that needs one."""
    medium = MemoryStorage()
    writer = chains.start_writer(medium)
    writer.open_footage(chains.run_facts())
    writer.close_footage(chains.close_facts(0))
    footage = writer.seal_receipt(receipt(medium, 2))
    assert footage is not None
    assert writer.seal_receipt(receipt(medium, 1)) is None
    writer.roll_ledger("dock")
    writer.seal(event())
    assert opens(chain_check.counted_records(medium))[-1].ledger_receipts == (bytes([1]) * 32,)
    writer.roll_ledger("dock")
    writer.seal(event())
    assert opens(chain_check.counted_records(medium))[-1].ledger_receipts == ()


def test_a_receipt_for_other_bytes_is_refused() -> None:
    """SF-34: whatever is freed later is exactly what the store has."""
    medium = MemoryStorage()
    writer = chains.start_writer(medium)
    writer.roll_ledger("dock")
    with pytest.raises(WriterStateError, match="upload the file again"):
        writer.seal_receipt(replace(receipt(medium, 1), file_id=bytes(32)))
    with pytest.raises(WriterStateError, match="file 7 is open or not in the spool"):
        writer.seal_receipt(StoreReceipt(7, bytes(32), bytes(32), "store-1", 1))


def test_a_start_names_known_ledger_receipts_again() -> None:
    """SF-34."""
    medium = MemoryStorage()
    chains.start_writer(medium).halt("stop")
    chains.start_writer(medium, receipted={1: bytes([9]) * 32, 5: bytes(32)})
    assert opens(chain_check.counted_records(medium))[-1].ledger_receipts == (bytes([9]) * 32,)

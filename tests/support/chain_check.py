"""What every chain has to be after whatever happened: a short check for tests of the writing side.

It follows `sealing/FORMAT.md`, section 6 and 7: one unbroken sequence over all files, each ending where the one behind
it says. It is no verifier: it trusts the unit's own device key and raises AssertionError.
"""

from functools import partial
from itertools import pairwise

from hal.ports import Storage
from sealing import framing
from sealing.framing import FIRST_PREVIOUS_HASH, ChainRecord
from sealing.identity import DeviceIdentity
from sealing.records import Boot, Delete, Epoch, FileOrigin, Open, Torn
from sealing.recovery import measure_torn, spool_numbers
from sealing.scan import Scan, scan_file
from sealing.suites import SUITE_1
from tests.support import chains


def counted_records(storage: Storage, unit: DeviceIdentity | None = None) -> list[ChainRecord]:
    """Check the chain in a spool and return all records that count, in order; files that were freed are bridged."""
    numbers, _ = spool_numbers(storage)
    scans = [scan(storage, number, unit) for number in numbers]
    dropped = {number for found in scans for number in _dropped(found)}
    scans = [found for found in scans if found.file_number not in dropped]
    records: list[ChainRecord] = []
    for found, behind in zip(scans, [*scans[1:], None], strict=True):
        assert found.has_whole_beginning, f"file {found.file_number}: {found.problem}"
        records += _counted(storage, found, behind)
    _check_sequence(records)
    _check_epochs(records)
    return records


def scan(storage: Storage, number: int, unit: DeviceIdentity | None = None) -> Scan:
    """Walk over one file with the key of the tests' unit."""
    key = SUITE_1.device_key((unit or chains.identity()).signer.public_key_der())
    return scan_file(partial(storage.read, framing.file_name(number)), number, key)


def _counted(storage: Storage, found: Scan, behind: Scan | None) -> tuple[ChainRecord, ...]:
    if behind is None:
        return found.records
    origin = behind.opened.origin
    if found.records[-1].header.sequence + 1 < behind.records[0].header.sequence:
        return found.records  # a file between them was freed, and its DELETE says how this one ended
    if origin is FileOrigin.NEXT:
        assert found.closed
        assert not found.problem
        return found.records
    end = found.until(behind.records[0].header.sequence)
    second = behind.records[1].header.body
    torn = measure_torn(storage, end.file_number, end.end_bytes, SUITE_1)
    assert isinstance(second, Boot | Torn)
    if second.torn_file == end.file_number:
        assert (second.torn_bytes, second.torn_hash) == torn
    else:
        assert torn == (0, None), f"file {end.file_number} has a torn end that nobody names"
    return end.records


def _check_sequence(records: list[ChainRecord]) -> None:
    freed = {body.last_sequence: body for body in (each.header.body for each in records) if isinstance(body, Delete)}
    sequence, previous = 1, FIRST_PREVIOUS_HASH
    for record in records:
        while sequence < record.header.sequence:
            hole = next(body for body in freed.values() if body.first_sequence == sequence)
            assert hole.hash_before == previous
            sequence, previous = hole.last_sequence + 1, hole.head_after
        assert (record.header.sequence, record.header.previous_hash) == (sequence, previous)
        sequence, previous = sequence + 1, record.hash


def _check_epochs(records: list[ChainRecord]) -> None:
    """Epochs and boots count on where they begin, and nowhere else; over a hole nothing can be said."""
    for before, record in pairwise(records):
        if record.header.sequence == before.header.sequence + 1:
            begun = _starts(record) + isinstance(before.header.body, Epoch)
            assert record.header.epoch == before.header.epoch + begun
            assert record.header.boot_number == before.header.boot_number + _starts(record)


def _starts(record: ChainRecord) -> bool:
    return isinstance(record.header.body, Open) and record.header.body.origin is FileOrigin.START


def _dropped(found: Scan) -> tuple[int, ...]:
    if len(found.records) > 1 and isinstance(found.records[1].header.body, Boot | Torn):
        return found.records[1].header.body.dropped_files
    return ()

"""Where the chain goes on after whatever ended the last run.

Rules of this module: it reads and judges, and it renames what never had a whole beginning; it writes no record.
It reads back from the highest numbered file to the last one with a whole beginning, whatever the spool's size
(`FORMAT.md`, section 6).
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Final

from hal.ports import Storage
from sealing import framing, scan
from sealing.errors import ForeignSpoolError, MalformedError, StorageFaultError
from sealing.foreign import FOREIGN_FILES, files_beside, is_foreign_name, refuse_foreign, set_aside
from sealing.framing import DROPPED_SUFFIX, FILE_SUFFIX, FIRST_PREVIOUS_HASH, ChainRecord
from sealing.identity import DeviceIdentity, SoftwareFacts
from sealing.limits import LIST_ITEMS_MAX, SEQUENCE_FIRST
from sealing.records import Boot, Close, Delete, Epoch, Event, Halt, StateSnapshot
from sealing.scan import Scan
from sealing.sealer import Place
from sealing.standing_faults import Standing, standing_in, tells_of_faults
from sealing.suites import Suite

log = logging.getLogger(__name__)

Replay = Callable[[StateSnapshot, tuple[ChainRecord, ...]], StateSnapshot]
"""Brings a snapshot up to date with the records that were sealed behind it (the session machine's business)."""

CLEAN: Final = "clean"
CRASH: Final = "crash"
WATCHDOG: Final = "watchdog"
POWER_LOSS: Final = "power-loss"
FIRST_START: Final = "first-start"
_BEGINNINGS_MAX: Final = 16
"""So many starts in a row that came no further than their BOOT are looked behind."""


@dataclass(frozen=True, slots=True)
class Recovery:
    """What the last run left, and where this one goes on."""

    snapshot: StateSnapshot | None
    """State in the last whole OPEN; None at the first start."""
    records: tuple[ChainRecord, ...]
    """Everything whole behind that OPEN, in order, without payloads."""
    clean: bool
    reason: str
    """clean, crash, watchdog, power-loss or first-start."""
    boot_number: int
    """Number of this start."""
    last_utc_ns: int | None
    """Civil time of the last whole record."""
    last_epoch: int
    """Number of the last epoch on the chain, 0 at the first start."""
    place: Place
    """Where the next record goes."""
    last_file: int | None
    """Number of the last file with a whole beginning."""
    torn_bytes: int
    """Bytes behind that file's last whole record."""
    torn_hash: bytes | None
    dropped_files: tuple[int, ...]
    """Numbers behind it that never had a whole beginning."""
    standing_faults: Standing = field(default_factory=dict)
    """Faults that were found and are not over, with the FAULT that found each (SF-63)."""
    beside: tuple[tuple[str, int], ...] = ()
    """Units of other chains whose files lie in the spool, with the number of their files (SF-41)."""

    @property
    def next_file(self) -> int:
        """Number of the file that will be opened (SF-15)."""
        return max((self.last_file or 0, *self.dropped_files)) + 1

    def foreign_files(self) -> Event:
        """Make the EVENT that says whose files lie beside the chain (SF-41)."""
        return Event(FOREIGN_FILES, None, self.beside)

    def boot(self, software: SoftwareFacts, boot_id: str, tick_seconds: int | None = None) -> Boot:
        """Make the BOOT of this start (SF-27, SF-28, SF-29) with what this run promises (SF-43, SF-45)."""
        return Boot(
            boot_number=self.boot_number,
            clean=self.clean,
            torn_file=self.last_file if self.torn_bytes else None,
            torn_bytes=self.torn_bytes,
            torn_hash=self.torn_hash,
            dropped_files=self.dropped_files,
            software_version=software.version,
            driver_set=software.driver_set,
            simulated=software.simulated,
            kernel_boot_id=boot_id,
            reason=self.reason,
            alive_seconds=software.alive_seconds,
            tick_seconds=tick_seconds,
        )


def recover(storage: Storage, identity: DeviceIdentity, boot_id: str, *, by_watchdog: bool = False) -> Recovery:
    """Find the end of the chain in the spool.

    Args:
        storage: The spool.
        identity: Whose chain it has to be.
        boot_id: Kernel boot id now: another one means that the power was gone, not only the process.
        by_watchdog: The service manager ended the run before: told from any other crash; whatever else the spool says
            stands.

    Raises:
        StorageFaultError: The medium failed, or too many files never had a whole beginning.
    """
    try:
        found = _recover_beside(storage, identity, boot_id)
    except OSError as error:
        raise StorageFaultError(f"the spool cannot be read: {error}; check the medium") from error
    return replace(found, reason=WATCHDOG) if by_watchdog and found.reason == CRASH else found


def _recover_beside(storage: Storage, identity: DeviceIdentity, boot_id: str) -> Recovery:
    """Leave another chain's files as they are, under other names, and go on beside them (SF-41)."""
    try:
        found = _recover(storage, identity, boot_id)
    except ForeignSpoolError as error:
        log.warning("%s; this unit keeps them under other names and records beside them", error)
        set_aside(storage, identity)
        found = _recover(storage, identity, boot_id)
    beside = files_beside(storage)
    if beside:
        told = ", ".join(f"{count} of {unit}" for unit, count in beside)
        log.error("files of other chains lie in the spool (%s); take them to the store, this unit does not", told)
    return replace(found, beside=beside)


def set_dropped_aside(storage: Storage, dropped: Sequence[int]) -> None:
    """Rename files without a whole beginning to `*.torn` (SF-28); one that is gone or renamed already stays.

    Raises:
        OSError: The medium failed.
    """
    present = set(storage.names())
    for number in dropped:
        if framing.file_name(number) in present:
            storage.replace(framing.file_name(number), framing.dropped_name(number))


def finish_deletions(storage: Storage, recovery: Recovery) -> None:
    """Unlink files whose DELETE is sealed and which a crash left behind (SF-32).

    Raises:
        OSError: The medium failed.
    """
    present = set(storage.names())
    for record in recovery.records:
        body = record.header.body
        if isinstance(body, Delete) and framing.file_name(body.file_number) in present:
            storage.replace(framing.file_name(body.file_number), None)


def spool_numbers(storage: Storage) -> tuple[list[int], list[int]]:
    """Numbers of the sealed and of the dropped files, ascending; other names are ignored.

    Raises:
        OSError: The medium failed.
    """
    found: dict[str, list[int]] = {FILE_SUFFIX: [], DROPPED_SUFFIX: []}
    for name in storage.names():
        try:
            number, suffix = framing.parse_name(name)
        except MalformedError:
            if not is_foreign_name(name):
                log.warning("%s in the spool is not a file of the chain", name)
            continue
        found[suffix].append(number)
    return sorted(found[FILE_SUFFIX]), sorted(found[DROPPED_SUFFIX])


def scan_spool_file(storage: Storage, number: int, identity: DeviceIdentity) -> Scan:
    """Walk over one file of this device's chain.

    Raises:
        OSError: The medium failed.
    """
    device_key = identity.family.device_key(identity.signer.public_key_der())
    return scan.scan_file(partial(storage.read, framing.file_name(number)), number, device_key)


def _recover(storage: Storage, identity: DeviceIdentity, boot_id: str) -> Recovery:
    sealed, set_aside = spool_numbers(storage)
    dropped: list[int] = []
    last: Scan | None = None
    while sealed and last is None:
        number = sealed.pop()
        refuse_foreign(storage, number, identity)
        found = scan_spool_file(storage, number, identity)
        if found.has_whole_beginning:
            last = found
        else:
            log.warning("file %d has no whole beginning: %s", number, found.problem or "it ends behind its OPEN")
            dropped.append(number)
    floor = last.file_number if last is not None else 0
    dropped += [number for number in set_aside if number > floor]
    if len(dropped) >= LIST_ITEMS_MAX:
        raise StorageFaultError(f"{len(dropped)} files in a row have no whole beginning; replace the medium")
    if last is None:
        return _first_start(tuple(sorted(dropped)))
    judged = _judge(storage, last, tuple(sorted(set(dropped))), boot_id, identity.family)
    return replace(judged, standing_faults=_standing(storage, last, sealed, identity))


def _standing(storage: Storage, last: Scan, earlier: Sequence[int], identity: DeviceIdentity) -> Standing:
    """Which faults stand; files that a cut ended in their beginning say nothing of it, the one before them does."""
    records = list(last.records)
    for number in earlier[: -_BEGINNINGS_MAX - 1 : -1]:
        if tells_of_faults(records):
            break
        found = scan_spool_file(storage, number, identity)
        records = [*found.until(records[0].header.sequence).records, *records]
    return standing_in(records)


def _first_start(dropped: tuple[int, ...]) -> Recovery:
    return Recovery(
        snapshot=None,
        records=(),
        clean=True,
        reason=FIRST_START,
        boot_number=1,
        last_utc_ns=None,
        last_epoch=0,
        place=Place(SEQUENCE_FIRST, FIRST_PREVIOUS_HASH),
        last_file=None,
        torn_bytes=0,
        torn_hash=None,
        dropped_files=dropped,
    )


def _judge(storage: Storage, last: Scan, dropped: tuple[int, ...], boot_id: str, family: Suite) -> Recovery:
    newest = last.records[-1]
    torn_bytes, torn_hash = measure_torn(storage, last.file_number, last.end_bytes, family)
    clean = not torn_bytes and _ended_in_order(last.records)
    return Recovery(
        snapshot=last.opened.snapshot,
        records=last.records[1:],
        clean=clean,
        reason=_reason(clean, last, boot_id),
        boot_number=newest.header.boot_number + 1,
        last_utc_ns=newest.header.utc_ns,
        last_epoch=newest.header.epoch + isinstance(newest.header.body, Epoch),
        place=Place(newest.header.sequence + 1, newest.hash),
        last_file=last.file_number,
        torn_bytes=torn_bytes,
        torn_hash=torn_hash,
        dropped_files=dropped,
    )


def measure_torn(storage: Storage, number: int, end_bytes: int, family: Suite) -> tuple[int, bytes | None]:
    """Count and hash the bytes behind the last record of a file that counts (SF-27); no hash for no bytes.

    Raises:
        OSError: The medium failed.
    """
    running, count = family.hasher(), 0
    for piece in scan.pieces(partial(storage.read, framing.file_name(number)), end_bytes):
        running.update(piece)
        count += len(piece)
    return count, running.digest() if count else None


def _ended_in_order(records: Sequence[ChainRecord]) -> bool:
    """Whether the last two records are HALT and CLOSE (SF-40)."""
    return [type(record.header.body) for record in records[-2:]] == [Halt, Close]


def _reason(clean: bool, last: Scan, boot_id: str) -> str:
    if clean:
        return CLEAN
    starts = [record.header.body for record in last.records if isinstance(record.header.body, Boot)]
    last_boot_id = starts[-1].kernel_boot_id if starts else last.opened.snapshot.boot_id
    return CRASH if last_boot_id == boot_id else POWER_LOSS

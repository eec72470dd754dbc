"""The files of the chain on their way to the medium: opening, appending, ending, and giving up when the medium fails.

Rules of this module: it knows files and records, and nothing of sessions, receipts or when a file should end. Either a
call returns and what it wrote is on the medium, or it raises and the chain is as it was before; the next file then
goes on behind the last synced record (`FORMAT.md`, SF-25, SF-30).
"""

from __future__ import annotations

import contextlib
import errno
import logging
import os
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from hal.errors import HardwareError, StorageFullError
from hal.ports import Clock, Storage
from sealing import codec, standing_faults, ticks
from sealing.appender import FileInWriting
from sealing.encoding import Plain
from sealing.errors import ReserveReachedError, SealingError, StorageFaultError, WriterStateError
from sealing.framing import file_name
from sealing.identity import DeviceIdentity, SealingPolicy
from sealing.keys import EpochIssuer
from sealing.limits import ANCHOR_REACH_RECORDS_MAX, CONTENT_KEY_BYTES, LIST_ITEMS_MAX, SALT_BYTES
from sealing.recordbuffer import RecordBuffer
from sealing.records import (
    Alive,
    Anchor,
    Body,
    Boot,
    Close,
    Delete,
    DockChange,
    Epoch,
    Fault,
    FileKind,
    FileOrigin,
    Open,
    ReceiptSeal,
    RunFacts,
    StateSnapshot,
    Tick,
    Torn,
)
from sealing.recovery import Recovery, measure_torn, set_dropped_aside
from sealing.references import RecordReference
from sealing.sealer import SealedRecord, Sealer, Stamp
from sealing.suites import ContentCipher
from sealing.ticks import Counter
from sealing.wraps import wrap_content_key

log = logging.getLogger(__name__)

_KEY_RETRY_NS: Final = 60 * 1_000_000_000
"""How soon a device key that did not answer is asked again."""


_KEY_FAULT: Final = ("device-key", "no-answer")

_BOOKKEEPING: Final = (Epoch, Tick, Anchor, ReceiptSeal, Delete, Alive, DockChange)
"""What keeping, sending and freeing earlier records adds to the chain by itself."""


@dataclass(frozen=True, slots=True)
class FileFacts:
    """What a new file's OPEN says beside keys and place."""

    kind: FileKind
    run: RunFacts | None
    snapshot: StateSnapshot
    ledger_receipts: tuple[bytes, ...] = ()


@dataclass(frozen=True, slots=True)
class _Fault:
    """A file that was given up, until a TORN that names it is on the medium."""

    file_number: int
    end_bytes: int
    code: str
    spoiled: tuple[int, ...] = ()


class ChainOutput:
    """Appends records to the chain's files, one file open at a time.

    Args:
        storage: The spool.
        clock: Stamps the records.
        identity: Whose chain it is.
        policy: Recipients and suite.
        recovery: Where the chain goes on.
    """

    def __init__(
        self, storage: Storage, clock: Clock, identity: DeviceIdentity, policy: SealingPolicy, recovery: Recovery
    ) -> None:
        self.file: FileInWriting | None = None
        """The open file."""
        self.last_sealed_ns = 0
        """Boottime of the last record."""
        self.tells_news = False
        """Whether the open file holds more than bookkeeping (SF-60)."""
        self._storage = storage
        self._clock = clock
        self._identity = identity
        self._recipients = policy.recipients
        self._reserve_bytes = policy.reserve_bytes
        self._suite = policy.check()
        self._buffer = RecordBuffer()
        issuer = EpochIssuer(self._suite, identity.device_id, identity.signer)
        self._sealer = Sealer(
            self._suite, identity.device_id, recovery.boot_number, issuer, recovery.place, recovery.last_epoch
        )
        self._next_number = recovery.next_file
        self._last_end = (recovery.last_file or 0, 0)
        self._fault: _Fault | None = None
        self._key_failed_ns: int | None = None
        """Boottime at which the device key last did not answer."""
        self._standing = recovery.standing_faults
        self._faults_told = True
        """The open file says which faults stood when it was opened (SF-63)."""
        self._tick_first = False
        """The open file is a start's, whose TICK stands behind its BOOT (SF-43)."""
        self._recent = deque(
            ((record.header.sequence, record.hash) for record in recovery.records), maxlen=ANCHOR_REACH_RECORDS_MAX
        )

    @property
    def last_ended(self) -> int:
        """Number of the last file that ended, in order or not."""
        return self._last_end[0]

    def begin(self, facts: FileFacts, boot: Boot | None = None) -> FileInWriting:
        """Open a new file and put its whole beginning on the medium.

        Args:
            facts: What its OPEN says.
            boot: BOOT of a start, which then stands behind OPEN.

        Raises:
            StorageFaultError: The medium failed; no file is open.
            BodyError: A value of the facts is outside its range; nothing was written.
            WriterStateError: A file is open.
        """
        if self.file is not None:
            raise WriterStateError(f"file {self.file.number} is open; one file is open at a time")
        second = boot or self._torn()
        salt, content_key = os.urandom(SALT_BYTES), os.urandom(CONTENT_KEY_BYTES)
        opened = self._open_body(facts, second, salt, content_key)
        stamp = self._stamp()
        records = [self._sealer.seal(opened, b"", stamp)]
        if second is not None:
            records.append(self._sealer.seal(second, b"", stamp, records[0].after))
        self.file = self._create(facts, records, self._suite.cipher(content_key, salt))
        self.tells_news = second is not None
        self._next_number += 1
        self._fault, self._tick_first = None, boot is not None
        self._faults_told = not self._standing
        for record in records:
            self._commit(record)
        return self.file

    def append(self, body: Body, clear_payload: bytes = b"") -> RecordReference:
        """Encrypt, sign and append one record to the open file.

        Raises:
            BodyError: The body has a value outside its range; nothing was written.
            StorageFaultError: The medium failed; the record does not count and no file is open any more.
            WriterStateError: No file is open.
        """
        file = self._open_file()
        # Before anything is encrypted: a body refused afterwards would leave its nonce used (SF-21).
        fields = codec.check_body(body)
        self._rotate_epoch(file)
        self._restate_faults(file)
        return self._append(file, body, clear_payload, fields)

    def attest(self, counter: Counter) -> RecordReference:
        """Append a TICK that binds the counter to exactly this place of the chain (SF-43).

        Raises:
            SealingError: The counter did not answer; nothing was written.
            StorageFaultError: As `append`.
            WriterStateError: No file is open.
        """
        file = self._open_file()
        self._rotate_epoch(file)
        if not self._tick_first:
            self._restate_faults(file)
        place = self._sealer.place
        bound_to = ticks.binding(self._suite, self._identity.device_id, place.sequence, place.previous_hash)
        found = counter.attest(bound_to)
        self._tick_first = False
        return self._append(file, Tick(counter.kind, found.value, found.attestation, found.signature), b"")

    def stands(self, part: str, code: str) -> bool:
        """Whether this fault was found and is not over."""
        return (part, code) in self._standing

    def knows(self, sequence: int, record_hash: bytes) -> bool:
        """Whether one of the last records is this one (SF-46)."""
        return (sequence, record_hash) in self._recent

    def _append(
        self, file: FileInWriting, body: Body, clear_payload: bytes, fields: dict[int, Plain] | None = None
    ) -> RecordReference:
        stamp = self._stamp()
        sequence = self._sealer.place.sequence
        payload = file.encrypt(sequence, body.TYPE, clear_payload) if clear_payload else b""
        record = self._sealer.seal(body, payload, stamp, fields=fields)
        self._put(file, record)
        return RecordReference(sequence, record.hash, file.number, stamp.utc_ns, stamp.boottime_ns)

    def close(self, facts: Close) -> RecordReference:
        """End the open file in order.

        Raises:
            StorageFaultError: The medium failed; the file ends without CLOSE.
            WriterStateError: No file is open.
        """
        reference = self.append(facts)
        self._end(self._open_file())
        return reference

    def keep_reserve(self, wanted_bytes: int) -> None:
        """Refuse footage that would eat into the reserve for ledger records (SF-35).

        Raises:
            ReserveReachedError: It would.
            StorageFaultError: The medium does not say what room it has.
        """
        try:
            free = self._storage.usage().free_bytes
        except (HardwareError, OSError) as error:
            raise StorageFaultError(f"the medium does not say what room it has: {error}") from error
        if free - wanted_bytes < self._reserve_bytes:
            raise ReserveReachedError(
                f"{free} bytes are free and {self._reserve_bytes} are kept for ledger records; "
                "upload and free files, or end the recording"
            )

    def abandon(self) -> None:
        """Give the open file back as it stands, sealing nothing."""
        if self.file is not None:
            self._end(self.file)

    def _open_file(self) -> FileInWriting:
        if self.file is None:
            raise WriterStateError("no file is open")
        return self.file

    def _rotate_epoch(self, file: FileInWriting) -> None:
        """Change the epoch key when it is due (SF-42): EPOCH is signed by the old one (SF-19)."""
        now_ns = self._clock.boottime_ns()
        asked_lately = self._key_failed_ns is not None and now_ns - self._key_failed_ns < _KEY_RETRY_NS
        if asked_lately or not self._sealer.epoch_is_due(now_ns):
            return
        try:
            key = self._sealer.next_epoch()
        except SealingError as error:
            self._note_key(file, now_ns, error)
            return
        if self._key_failed_ns is not None:
            self._note_key(file, None, None)
            key = self._sealer.next_epoch()
        self._put(file, self._sealer.seal(Epoch(key.encoded), b"", self._stamp()))
        self._sealer.begin_epoch(key)

    def _restate_faults(self, file: FileInWriting) -> None:
        """Say in a new file which faults stand (SF-63); a device key that certified this start's epoch works again."""
        if self._faults_told:
            return
        self._faults_told = True
        if self._key_failed_ns is None and self.stands(*_KEY_FAULT):
            self._append(file, Fault(*_KEY_FAULT, present=False), b"")
        event = standing_faults.restated(self._standing)
        if event is not None:
            self._append(file, event, b"")

    def _note_key(self, file: FileInWriting, failed_ns: int | None, error: SealingError | None) -> None:
        """Evidence goes on under the old epoch while the device key does not answer, and the chain says so."""
        if error is not None:
            log.error("the device key did not certify a new epoch: %s", error)
        known, self._key_failed_ns = self._key_failed_ns, failed_ns
        if (known is None) is not (failed_ns is None):
            present = failed_ns is not None
            self._put(file, self._sealer.seal(Fault(*_KEY_FAULT, present), b"", self._stamp()))

    def _put(self, file: FileInWriting, record: SealedRecord) -> None:
        try:
            file.add(record)
        except OSError as error:
            self._end(file)
            self._fault = _Fault(file.number, file.synced_bytes, error_code(error))
            raise StorageFaultError(
                f"record {record.header.sequence} cannot be put into file {file.number}: {error}"
            ) from error
        self._commit(record)
        self.tells_news = self.tells_news or _is_news(record.header.body)

    def _commit(self, record: SealedRecord) -> None:
        self.last_sealed_ns = record.header.boottime_ns
        self._sealer.commit(record)
        self._recent.append((record.header.sequence, record.hash))
        self._standing = standing_faults.after(self._standing, record.header.body, record.header.sequence)

    def _end(self, file: FileInWriting) -> None:
        self.file = None
        self._last_end = (file.number, file.synced_bytes)
        # A handle that fails to close has nothing unsynced that counts; the medium's fault was said already.
        with contextlib.suppress(OSError):
            file.end()

    def _create(self, facts: FileFacts, records: Sequence[SealedRecord], cipher: ContentCipher) -> FileInWriting:
        number = self._next_number
        try:
            # SF-26: `create` returns with the directory entry on the medium.
            handle = self._storage.create(file_name(number))
            file = FileInWriting(number, facts.kind, facts.run, handle, cipher, self._suite, self._buffer)
            try:
                file.begin(records)
            except OSError:
                file.end()
                raise
        except OSError as error:
            self._spoil(number, error)
            raise StorageFaultError(f"file {number} cannot be begun: {error}") from error
        return file

    def _spoil(self, number: int, error: OSError) -> None:
        """Remember a number under which no beginning could be written, unless there is certainly no such file."""
        try:
            present = file_name(number) in self._storage.names()
        except OSError:
            present = True
        code = error_code(error)
        fault = self._fault or _Fault(*self._last_end, code)
        if present:
            fault = replace(fault, code=code, spoiled=(*fault.spoiled, number))
            self._next_number += 1
        self._fault = fault if present or self._fault else None

    def _torn(self) -> Torn | None:
        """What the next file has to say of the one that was given up (SF-30); None when the last ended in order.

        Raises:
            StorageFaultError: The medium cannot even be read, or it has spoiled too many files.
        """
        fault = self._fault
        if fault is None:
            return None
        if len(fault.spoiled) >= LIST_ITEMS_MAX:
            raise StorageFaultError(f"{len(fault.spoiled)} files in a row could not be begun; replace the medium")
        try:
            torn_bytes, torn_hash = measure_torn(self._storage, fault.file_number, fault.end_bytes, self._suite)
            set_dropped_aside(self._storage, fault.spoiled)
        except OSError as error:
            raise StorageFaultError(f"file {fault.file_number} cannot be read back: {error}") from error
        log.warning("file %d was given up (%s); %d bytes of it do not count", fault.file_number, fault.code, torn_bytes)
        return Torn(fault.file_number, torn_bytes, torn_hash, fault.spoiled, fault.code)

    def _open_body(self, facts: FileFacts, second: Boot | Torn | None, salt: bytes, content_key: bytes) -> Open:
        origins = {Boot: FileOrigin.START, Torn: FileOrigin.FAULT, type(None): FileOrigin.NEXT}
        device_id = self._identity.device_id
        return Open(
            kind=facts.kind,
            file_number=self._next_number,
            suite=self._suite.number,
            salt=salt,
            commitment=self._suite.commitment(content_key, salt),
            wraps=wrap_content_key(self._suite, content_key, device_id, salt, self._recipients),
            snapshot=facts.snapshot,
            run=facts.run,
            ledger_receipts=facts.ledger_receipts,
            origin=origins[type(second)],
            epoch_certificate=self._sealer.epoch_certificate,
            device_certificate=self._identity.certificate_der,
        )

    def _stamp(self) -> Stamp:
        reading = self._clock.read()
        return Stamp(reading.utc_ns, reading.boottime_ns, reading.source.value, reading.uncertainty_ns)


def _is_news(body: Body) -> bool:
    return not isinstance(body, _BOOKKEEPING) and not standing_faults.is_restated(body)


def error_code(error: OSError) -> str:
    """Name of a system error: ENOSPC, EIO, EROFS; the class's name when it has no number."""
    if isinstance(error, StorageFullError):
        return "ENOSPC"
    return errno.errorcode.get(error.errno or 0, type(error).__name__)

"""What of one file counts: the walk over its records that recovery and deletion share.

Rules of this module: bytes come from a function that is handed in; nothing is held but headers. It stops at the first
record that is not whole and says where; a forged length never makes it read more than the limits allow. Which device
key may have certified the file's epochs is the caller's to say.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from typing import Final

from sealing import cose, epochs, framing
from sealing.cose import PublicKey, Sign1
from sealing.epochs import EpochCertificate
from sealing.errors import BadSignatureError, MalformedError, SealingError
from sealing.fileid import FileIdentity
from sealing.framing import PREFIX_BYTES, ChainRecord, RecordHeader
from sealing.limits import FILE_BYTES_MAX, MAGIC
from sealing.records import Close, Epoch, FileKind, FileOrigin, Open, RecordType
from sealing.suites import Suite, suite

ReadAt = Callable[[int, int], bytes]
"""Reads up to a number of bytes from an offset; shorter only at the end of the file."""

CHUNK_BYTES: Final = 1 << 20
_WINDOW_BYTES: Final = 1 << 16
_BEGINNING: Final = {FileOrigin.START: RecordType.BOOT, FileOrigin.FAULT: RecordType.TORN}


@dataclass(frozen=True, slots=True)
class Scan:
    """One file as far as it is whole."""

    file_number: int
    records: tuple[ChainRecord, ...]
    end_bytes: int
    """Where the last whole record ends: what stands behind it is torn."""
    headers: tuple[tuple[bytes, bytes], ...] = field(repr=False)
    """Framing and header of each record, as they stand in the file."""
    problem: str
    """Why the walk stopped, empty at a clean end."""

    @property
    def opened(self) -> Open:
        """The file's OPEN; only there when the file has a whole beginning."""
        body = self.records[0].header.body
        if not isinstance(body, Open):
            raise MalformedError(f"file {self.file_number} does not begin with OPEN")
        return body

    @property
    def kind(self) -> FileKind:
        """The file's kind; only there when the file has a whole beginning."""
        return self.opened.kind

    @property
    def closed(self) -> bool:
        """Whether the file was ended in order."""
        return bool(self.records) and isinstance(self.records[-1].header.body, Close)

    @property
    def has_whole_beginning(self) -> bool:
        """Whether OPEN and the record that its origin asks for are there (SF-28)."""
        if not self.records:
            return False
        wanted = _BEGINNING.get(self.opened.origin)
        return wanted is None or (len(self.records) > 1 and self.records[1].header.type is wanted)

    def identity(self) -> FileIdentity:
        """Return the file id's state over the whole records; only there when the file has a whole beginning."""
        identity = FileIdentity(suite(self.opened.suite))
        for prefix, header in self.headers:
            identity.add_record(prefix, header)
        return identity

    def until(self, sequence: int) -> Scan:
        """Return what stands in front of a sequence number."""
        kept = sum(1 for record in self.records if record.header.sequence < sequence)
        if kept == len(self.records):
            return self
        end = self.records[kept].offset_bytes
        return replace(self, records=self.records[:kept], headers=self.headers[:kept], end_bytes=end)


def scan_file(read: ReadAt, file_number: int, device_key: PublicKey) -> Scan:
    """Walk over a file's records as long as they are whole.

    Args:
        read: Reads the file.
        file_number: Its number, which OPEN has to repeat.
        device_key: The key that has to have certified every epoch in the file.

    Raises:
        OSError: The medium failed.
    """
    walk = _Walk(read, file_number, device_key)
    problem = ""
    try:
        for _ in walk.steps():
            pass
    except SealingError as error:
        problem = str(error)
    walk.drop_damaged_end()
    return Scan(file_number, tuple(walk.records), walk.end_bytes, tuple(walk.headers), problem)


def read_opened(read: ReadAt) -> RecordHeader | None:
    """Return the header of a file's first record, unverified; None when there is no well-formed one.

    Raises:
        OSError: The medium failed.
    """
    start = len(MAGIC)
    try:
        header_length, _ = framing.decode_prefix(read(start, PREFIX_BYTES))
        _, header = framing.open_header(read(start + PREFIX_BYTES, header_length))
    except SealingError:
        return None
    return header if isinstance(header.body, Open) else None


def pieces(read: ReadAt, offset_bytes: int) -> Iterator[bytes]:
    """Read from an offset to the end, piece by piece.

    Raises:
        OSError: The medium failed.
    """
    while piece := read(offset_bytes, CHUNK_BYTES):
        yield piece
        offset_bytes += len(piece)


class _Walk:
    """The state of one walk."""

    def __init__(self, read: ReadAt, file_number: int, device_key: PublicKey) -> None:
        self.read = read
        self.file_number = file_number
        self.device_key = device_key
        self.records: list[ChainRecord] = []
        self.end_bytes = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self._suite: Suite | None = None
        self._epoch: EpochCertificate | None = None
        self._window = b""
        self._window_offset = 0

    def steps(self) -> Iterator[None]:
        """Read record after record; ends at a clean end, raises at anything that is not whole."""
        if self._at(0, len(MAGIC)) != MAGIC:
            raise MalformedError(f"file {self.file_number} does not begin with the magic of a sealed file")
        self.end_bytes = len(MAGIC)
        while prefix := self._at(self.end_bytes, PREFIX_BYTES):
            if self.records and self.records[-1].header.type is RecordType.CLOSE:
                raise MalformedError(f"file {self.file_number}: bytes behind CLOSE")
            self._step(prefix)
            yield

    def drop_damaged_end(self) -> None:
        """Take back records at the end whose payload did not reach the medium as it was hashed.

        Each record is synced before the next is appended, so a power cut can only have hurt the last: one good
        payload ends the search.
        """
        while self.records and not self._payload_is_whole(self.records[-1]):
            damaged = self.records.pop()
            self.headers.pop()
            self.end_bytes = damaged.offset_bytes

    def _step(self, prefix: bytes) -> None:
        offset = self.end_bytes
        header_length, payload_length = framing.decode_prefix(prefix)
        data = self._at(offset + PREFIX_BYTES, header_length)
        if len(data) != header_length:
            raise MalformedError(f"file {self.file_number}: the header at {offset} is cut off")
        message, header = framing.open_header(data)
        if header.payload_length != payload_length:
            raise MalformedError(f"file {self.file_number}: payload length in framing and header differ at {offset}")
        used = self._suite_of(header)
        self._check_place(header)
        self._verify(message, header, used)
        end = offset + PREFIX_BYTES + header_length + payload_length
        self._check_end(end)
        self.records.append(ChainRecord(header, used.digest(data), self.file_number, offset, end - offset))
        self.headers.append((prefix, data))
        self.end_bytes = end

    def _suite_of(self, header: RecordHeader) -> Suite:
        if isinstance(header.body, Open):
            self._suite = suite(header.body.suite)
        if self._suite is None:
            raise MalformedError(f"file {self.file_number} does not begin with OPEN")
        return self._suite

    def _check_place(self, header: RecordHeader) -> None:
        """Check that the record follows on the one before it (SF-13, SF-14), and OPEN on nothing."""
        if isinstance(header.body, Open) is bool(self.records):
            raise MalformedError(f"file {self.file_number}: OPEN stands elsewhere than at the beginning")
        if isinstance(header.body, Open) and header.body.file_number != self.file_number:
            raise MalformedError(f"file {self.file_number} says that it is file {header.body.file_number}")
        if self.records:
            last = self.records[-1]
            if (header.sequence, header.previous_hash) != (last.header.sequence + 1, last.hash):
                raise MalformedError(f"record {header.sequence} does not follow on {last.header.sequence}")

    def _verify(self, message: Sign1, header: RecordHeader, used: Suite) -> None:
        """Check the signature against the epoch in force (SF-17)."""
        if isinstance(header.body, Open):
            self._epoch = self._certified(header.body.epoch_certificate, header)
        if self._epoch is None or header.epoch != self._epoch.epoch:
            raise BadSignatureError(f"record {header.sequence} names epoch {header.epoch}, which is not in force")
        if message.key_id != used.key_id(self._epoch.public_key) or message.algorithm is not used.record_algorithm:
            raise BadSignatureError(f"record {header.sequence} is signed by another key than its epoch's")
        cose.verify_sign1(message, cose.RECORD, used.record_key(self._epoch.public_key))
        if isinstance(header.body, Epoch):
            self._epoch = self._certified(header.body.epoch_certificate, header)

    def _certified(self, data: bytes, header: RecordHeader) -> EpochCertificate:
        certificate = epochs.verify_certificate(data, self.device_key)
        if (certificate.device_id, certificate.boot_number) != (header.device_id, header.boot_number):
            raise BadSignatureError(f"record {header.sequence} carries an epoch certificate of elsewhere")
        return certificate

    def _check_end(self, end: int) -> None:
        if end > FILE_BYTES_MAX:
            raise MalformedError(f"file {self.file_number} is longer than {FILE_BYTES_MAX} bytes")
        if len(self._at(end - 1, 1)) != 1:
            raise MalformedError(f"file {self.file_number} ends inside a record, before {end}")

    def _payload_is_whole(self, record: ChainRecord) -> bool:
        expected = record.header.payload_hash
        if expected is None or self._suite is None:
            return True
        running = self._suite.hasher()
        length = record.header.payload_length
        offset = record.offset_bytes + record.length_bytes - length
        for start in range(offset, offset + length, CHUNK_BYTES):
            running.update(self.read(start, min(CHUNK_BYTES, offset + length - start)))
        return running.digest() == expected

    def _at(self, offset: int, length: int) -> bytes:
        """Read through a small window, so that headers do not cost a read each."""
        start = offset - self._window_offset
        if start < 0 or start + length > len(self._window):
            self._window = self.read(offset, max(length, _WINDOW_BYTES))
            self._window_offset, start = offset, 0
        return self._window[start : start + length]

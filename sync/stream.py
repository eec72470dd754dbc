"""One pass over the bytes of a sealed file, in whatever pieces they come.

Rules of this module: no I/O, no keys; bounded memory (one header). What a record means is the examiner's matter. Used
by the store on arrival and by the unit when it reads its own disk again.

Where the torn end of a file begins is said beforehand; the file id commits to it, and the record that closes an unclean
stop names it. Everything in front has to be whole records.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final, Protocol

from sealing.cose import Sign1
from sealing.errors import MalformedError, NotSealedError, SealingError
from sealing.fileid import FileIdentity
from sealing.framing import PREFIX_BYTES, RecordHeader, decode_prefix, open_header
from sealing.limits import MAGIC
from sealing.records import Open
from sealing.suites import Hasher, Suite, suite
from sync.errors import ContentError

_MAGIC_BYTES: Final = len(MAGIC)


class Examiner(Protocol):
    """Looks at every whole record in order, payload hash already checked."""

    def record(self, message: Sign1, header: RecordHeader, digest: bytes) -> None:
        """Take a record.

        Args:
            message: Its signed envelope.
            header: What it says.
            digest: Suite hash of the envelope's bytes.

        Raises:
            ContentError: It cannot stand here.
            SealingError: As above, found by the format's own checks.
        """
        ...


class SealedStream:
    """Cuts pieces into records, checks framing and payload hashes, accumulates the file id.

    Args:
        size_bytes: Length of the whole file.
        examiner: Sees every whole record.
        torn_bytes: Bytes at the file's end that do not count as records.
    """

    def __init__(self, size_bytes: int, examiner: Examiner, torn_bytes: int = 0) -> None:
        self._size = size_bytes
        self._limit = size_bytes - torn_bytes
        self._examiner = examiner
        self._suite: Suite | None = None
        self._identity: FileIdentity | None = None
        self._pending = bytearray()
        self._wanted = _MAGIC_BYTES
        self._take = self._magic
        self._prefix = b""
        self._payload_left = 0
        self._record: tuple[Sign1, RecordHeader, bytes, bytes] | None = None
        self._payload_hash: Hasher | None = None
        self.seen_bytes = 0
        """Bytes fed so far."""
        self.whole_bytes = 0
        """Length of magic and whole records; what lies behind is torn."""
        self.failure: ContentError | None = None
        """What is wrong with the records, if anything is; nothing behind it is looked at."""
        self.torn_bytes = torn_bytes

    def feed(self, data: bytes | memoryview) -> None:
        """Take the next piece, of any length."""
        view = memoryview(data)
        position = 0
        while position < len(view) and self.failure is None and self.seen_bytes + position < self._limit:
            position += self._step(view[position:])
        self.seen_bytes += len(view)

    def _step(self, view: memoryview) -> int:
        try:
            if self._payload_left:
                return self._payload(view)
            used = min(self._wanted - len(self._pending), len(view))
            self._pending += view[:used]
            if len(self._pending) == self._wanted:
                piece = bytes(self._pending)
                self._pending.clear()
                self._take(piece)
        except ContentError as error:
            self.failure = error
            return len(view)
        except SealingError as error:
            self.failure = _as_content_error(error)
            return len(view)
        return used

    def _magic(self, piece: bytes) -> None:
        if piece != MAGIC:
            raise NotSealedError(f"the file begins with {piece.hex()}, not as a sealed file does")
        self.whole_bytes = _MAGIC_BYTES
        self._wanted, self._take = PREFIX_BYTES, self._framing

    def _framing(self, piece: bytes) -> None:
        header_length, payload_length = decode_prefix(piece)
        end = self.whole_bytes + PREFIX_BYTES + header_length + payload_length
        if end > self._limit:
            raise ContentError("malformed", f"the record at byte {self.whole_bytes} ends behind the file's end")
        self._prefix = piece
        self._wanted, self._take = header_length, self._header

    def _header(self, piece: bytes) -> None:
        message, header = open_header(piece)
        payload_length = decode_prefix(self._prefix)[1]
        if header.payload_length != payload_length:
            raise ContentError("payload", f"record {header.sequence}: framing and header differ in payload length")
        if self._suite is None:
            self._suite = _suite_of(header)
            self._identity = FileIdentity(self._suite)
        self._record = (message, header, self._suite.digest(piece), piece)
        self._payload_left = payload_length
        self._payload_hash = self._suite.hasher()
        if payload_length == 0:
            self._finish_record()

    def _payload(self, view: memoryview) -> int:
        used = min(self._payload_left, len(view))
        if self._payload_hash is not None:
            self._payload_hash.update(view[:used])
        self._payload_left -= used
        if self._payload_left == 0:
            self._finish_record()
        return used

    def _finish_record(self) -> None:
        if self._record is None or self._payload_hash is None or self._identity is None:
            raise MalformedError("a payload without a record")
        message, header, digest, piece = self._record
        if header.payload_hash is not None and self._payload_hash.digest() != header.payload_hash:
            raise ContentError("payload", f"payload of record {header.sequence} has another hash than its header says")
        self._examiner.record(message, header, digest)
        self._identity.add_record(self._prefix, piece)
        self.whole_bytes += PREFIX_BYTES + len(piece) + header.payload_length
        self._record = None
        self._wanted, self._take = PREFIX_BYTES, self._framing

    def finish(self, torn: Iterable[bytes]) -> bytes:
        """Say that the file has ended, and return its id.

        Args:
            torn: The torn end, in order.

        Raises:
            ContentError: Something in front of the torn end is not a whole record, or is wrong.
        """
        if self.failure is not None:
            raise self.failure
        if self._identity is None or self.whole_bytes != self._limit:
            raise ContentError("malformed", f"whole records end at byte {self.whole_bytes}, not at {self._limit}")
        return self._identity.digest_of_torn(self.torn_bytes, torn)


def _suite_of(header: RecordHeader) -> Suite:
    if not isinstance(header.body, Open):
        raise ContentError("sequence", f"the file begins with {header.type.name}, not with OPEN")
    return suite(header.body.suite)


def _as_content_error(error: SealingError) -> ContentError:
    return ContentError("not-sealed" if isinstance(error, NotSealedError) else "malformed", str(error))

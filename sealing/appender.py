"""One file while it is being written.

Rules of this module: one append for what belongs together, one sync, and only then does it count (`FORMAT.md`, SF-11,
SF-25). The content key lives here and goes when the file ends (SF-24).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from sealing.errors import WriterStateError
from sealing.fileid import FileIdentity
from sealing.limits import MAGIC, TAG_BYTES
from sealing.recordbuffer import RecordBuffer
from sealing.records import FileKind, RunFacts
from sealing.sealer import SealedRecord
from sealing.suites import ContentCipher, Suite


class AppendOnlyFile(Protocol):
    """What a file has to offer (`hal.ports.StorageFile`)."""

    def append(self, data: bytes | memoryview) -> None:
        """Append all of `data` with one write; raises OSError."""
        ...

    def sync(self) -> None:
        """Put everything appended on the medium; raises OSError."""
        ...

    def close(self) -> None:
        """Give the handle back."""
        ...


class FileInWriting:
    """The open file.

    Args:
        number: Its number.
        kind: Footage or ledger.
        run: What footage belongs to, None in a ledger file.
        handle: The empty file.
        cipher: Encrypts its payloads.
        suite: The suite in force.
        buffer: Where its records are put together.
    """

    def __init__(
        self,
        number: int,
        kind: FileKind,
        run: RunFacts | None,
        handle: AppendOnlyFile,
        cipher: ContentCipher,
        suite: Suite,
        buffer: RecordBuffer,
    ) -> None:
        self.number = number
        self.kind = kind
        self.run = run
        self.fragments = 0
        self.synced_bytes = 0
        self.opened_utc_ns = 0
        self._handle = handle
        self._cipher: ContentCipher | None = cipher
        self._buffer = buffer
        self._identity = FileIdentity(suite)
        self._encrypted = 0

    def begin(self, records: Sequence[SealedRecord]) -> None:
        """Put magic and the whole beginning on the medium (SF-8).

        Raises:
            OSError: The medium failed; nothing of it counts.
        """
        parts = (record.prefix + record.header_bytes for record in records)
        self._put(b"".join((MAGIC, *parts)), records)
        self.opened_utc_ns = records[0].header.utc_ns

    def add(self, record: SealedRecord) -> None:
        """Put the next record on the medium.

        Raises:
            OSError: The medium failed; the record does not count.
        """
        if record.payload:
            self._put(self._buffer.frame(record.prefix, record.header_bytes, len(record.payload)), [record])
        else:
            self._put(record.prefix + record.header_bytes, [record])

    def encrypt(self, sequence: int, record_type: int, plaintext: bytes) -> memoryview:
        """Encrypt the payload of the record that comes next; what is returned holds until that record is added.

        Raises:
            WriterStateError: The file has ended, or a payload was encrypted for this place before: doing so again
                would use a nonce twice (SF-21).
        """
        if self._cipher is None or sequence <= self._encrypted:
            raise WriterStateError(f"file {self.number} must not encrypt anything for record {sequence} (again)")
        self._encrypted = sequence
        ciphertext = self._buffer.payload(len(plaintext) + TAG_BYTES)
        self._cipher.encrypt_into(sequence, record_type, plaintext, ciphertext)
        return ciphertext

    def file_id(self, torn: bytes = b"") -> bytes:
        """Return the file id as the file stands."""
        return self._identity.digest(torn)

    def end(self) -> None:
        """Forget the content key and give the handle back."""
        self._cipher = None
        self._handle.close()

    def _put(self, data: bytes | memoryview, records: Sequence[SealedRecord]) -> None:
        self._handle.append(data)
        self._handle.sync()
        self.synced_bytes += len(data)
        for record in records:
            self._identity.add_record(record.prefix, record.header_bytes)

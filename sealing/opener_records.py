"""Decrypts verified files, record by record.

Rules of this module: only files that a verification found intact come here, and only their records that count. One
payload is held at a time (step 15 of `FORMAT.md`, section 8).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from sealing import codec
from sealing.errors import UndecryptableError
from sealing.framing import RecordHeader, open_header
from sealing.reader import FramedRecord, SealedFile
from sealing.records import Open, RunFacts
from sealing.report import FileFacts
from sealing.suites import SUITE_1, ContentCipher, RecipientPrivateKey, Suite, suite
from sealing.wraps import content_cipher


@dataclass(frozen=True, slots=True)
class ClearRecord:
    """A record with its payload in the clear."""

    header: RecordHeader
    file: str
    payload: bytes
    """Empty where the record has none."""
    run: RunFacts | None
    """Facts of the footage file that it stands in."""
    suite: Suite
    """The file's suite."""


def clear_records(path: Path, facts: FileFacts, recipient_keys: Sequence[RecipientPrivateKey]) -> Iterator[ClearRecord]:
    """Decrypt a file.

    Args:
        path: The file.
        facts: What its verification found.
        recipient_keys: Private keys; the first that the file is sealed to is used.

    Raises:
        UndecryptableError: No key fits, or a payload does not open.
        MalformedError: The file changed since it was verified.
    """
    with SealedFile(path) as file:
        file.check_magic()
        cipher, opened = None, None
        while (record := file.next_record()) is not None:
            header = open_header(record.header)[1]
            if isinstance(header.body, Open):
                opened = header.body
                cipher = _cipher(opened, header.device_id, recipient_keys)
            payload = _payload(file, record, header, cipher)
            used = SUITE_1 if opened is None else suite(opened.suite)
            yield ClearRecord(header, path.name, payload, None if opened is None else opened.run, used)
            if header.sequence == facts.last_sequence:
                return


def words_of(record: ClearRecord) -> dict[str, codec.PrivateValue] | None:
    """The words of an event; None where it has none."""
    return codec.decode_private(record.payload) if record.payload else None


def _cipher(opened: Open, device_id: str, recipient_keys: Sequence[RecipientPrivateKey]) -> ContentCipher:
    failure: UndecryptableError | None = None
    for key in recipient_keys:
        try:
            return content_cipher(opened, device_id, key)
        except UndecryptableError as error:
            failure = error
    raise failure or UndecryptableError(f"file {opened.file_number} cannot be opened without a recipient's key")


def _payload(file: SealedFile, record: FramedRecord, header: RecordHeader, cipher: ContentCipher | None) -> bytes:
    if not record.payload_length:
        return b""
    if cipher is None:
        raise UndecryptableError(f"record {header.sequence} stands before the key of its file")
    return cipher.decrypt(header.sequence, int(header.type), file.payload(record))

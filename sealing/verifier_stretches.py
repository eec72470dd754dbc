"""Takes records of a file some at a time, and tells for which of them a later signature vouches.

Rules of this module: what is read is hashed and taken apart, nothing is judged. A record names the hash of the one
before it, signature and all: where records of one epoch follow each other so, the signature of the last one covers
every byte of those before it, and their own need no look (`FORMAT.md`, SF-61).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from sealing.cose import Sign1
from sealing.errors import MalformedError, SuiteError
from sealing.framing import RecordHeader, open_header
from sealing.reader import FramedRecord, SealedFile
from sealing.records import Epoch
from sealing.suites import Suite

RECORDS_AHEAD_MAX: Final = 128
HEADER_BYTES_AHEAD_MAX: Final = 1 << 20


class Taken(NamedTuple):
    """One record, read and taken apart."""

    record: FramedRecord
    message: Sign1 | None
    header: RecordHeader | None
    fault: MalformedError | SuiteError | None
    """Why it could not be taken apart; then there is neither message nor header."""
    digest: bytes | None
    """Suite hash of its COSE bytes; None for the first record of a file, whose suite is not known yet."""
    payload_digest: bytes | None
    """Suite hash of its payload; None without a payload, and for the first record of a file."""


@dataclass(frozen=True, slots=True)
class Ahead:
    """Some records in the order of the file."""

    taken: tuple[Taken, ...]
    fault: MalformedError | None
    """What keeps the record behind them from being read."""
    at_end: bool
    """Nothing can be read behind them."""


def take(file: SealedFile, suite: Suite | None) -> Ahead:
    """Read the next records of a file, their payloads too.

    Args:
        file: Stands at the first of them.
        suite: The file's; None before its OPEN was judged: then that is all that is read.

    Raises:
        CutOffError: The file became shorter while it was read.
    """
    framed: list[tuple[FramedRecord, bytes | None]] = []
    fault, record, header_bytes = None, None, 0
    while len(framed) < (1 if suite is None else RECORDS_AHEAD_MAX) and header_bytes < HEADER_BYTES_AHEAD_MAX:
        try:
            record = file.next_record()
        except MalformedError as error:
            fault, record = error, None
        if record is None:
            break
        # Payloads first, headers when all are there: what takes a header apart stays in the processor's cache.
        payload_digest = file.payload_hash(record, suite) if suite is not None and record.payload_length else None
        framed.append((record, payload_digest))
        header_bytes += len(record.header)
    return Ahead(tuple(_taken(*each, suite) for each in framed), fault, at_end=record is None)


def _taken(record: FramedRecord, payload_digest: bytes | None, suite: Suite | None) -> Taken:
    digest = None if suite is None else suite.digest(record.header)
    try:
        message, header = open_header(record.header)
    except (MalformedError, SuiteError) as error:
        return Taken(record, None, None, error, digest, payload_digest)
    return Taken(record, message, header, None, digest, payload_digest)


class Vouchers:
    """Answers for the records that were taken together.

    Args:
        taken: The records.
        every: Each record has to answer for itself.
    """

    def __init__(self, taken: Sequence[Taken], *, every: bool) -> None:
        self._taken = taken
        self._ends = list(range(len(taken)))
        """Position of the last record of each record's stretch."""
        self._verified: dict[int, bool] = {}
        if not every:
            for index in range(len(taken) - 2, -1, -1):
                if _follows(taken[index], taken[index + 1]):
                    self._ends[index] = self._ends[index + 1]

    def vouch(self, index: int, verifies: Callable[[Sign1], bool]) -> bool:
        """Tell whether the signature at the end of a record's stretch holds.

        Args:
            index: Position of the record.
            verifies: Checks a signature with the key in force at the record, and so in its whole stretch.
        """
        end = self._ends[index]
        found = self._verified.get(end)
        if found is None:
            message = self._taken[end].message
            found = self._verified[end] = message is not None and verifies(message)
        return found


def _follows(before: Taken, after: Taken) -> bool:
    """Whether a record carries on the one before it under the same key."""
    if before.header is None or after.header is None or before.digest is None:
        return False
    return (
        after.header.previous_hash == before.digest
        and after.header.epoch == before.header.epoch
        and after.header.boot_number == before.header.boot_number
        and not isinstance(before.header.body, Epoch)
    )

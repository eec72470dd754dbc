"""The unit's spool as sync sees it: which files are ended, and what their ids are.

Rules of this module: reads only (SY-27); framing and headers alone, payloads are skipped. Nothing is judged here: that
is the store's matter, and the agent's with the receipt.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sealing.errors import MalformedError, SealingError
from sealing.fileid import FileIdentity
from sealing.framing import FILE_SUFFIX, PREFIX_BYTES, RecordHeader, decode_prefix, file_number, open_header
from sealing.limits import FILE_BYTES_MAX, MAGIC
from sealing.records import Close, Open
from sealing.suites import Suite, suite
from sync.errors import SpoolError

_TORN_PIECE_BYTES: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class SealedFile:
    """One ended file of the spool."""

    path: Path
    number: int
    size_bytes: int
    torn_bytes: int
    device_id: str
    file_id: bytes
    first_sequence: int
    last_sequence: int
    head_hash: bytes


@dataclass(frozen=True, slots=True)
class Step:
    """One whole record."""

    prefix: bytes
    cose_bytes: bytes
    header: RecordHeader
    digest: bytes
    end: int


@contextmanager
def opened(path: Path) -> Iterator[int]:
    """Open a file of the spool for reading; gives its descriptor. Raises OSError."""
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NOFOLLOW)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


def numbers(spool: Path) -> tuple[int, ...]:
    """Numbers of the sealed files that lie in the spool now, ascending. Raises OSError."""
    found = []
    for name in os.listdir(spool):  # noqa: PTH208 - names alone, thousands of them
        if name.endswith(FILE_SUFFIX):
            try:
                found.append(file_number(name))
            except MalformedError:
                continue
    return tuple(sorted(found))


def opening(path: Path) -> RecordHeader | None:
    """The OPEN that a file begins with, or None while it is not whole. Raises OSError."""
    with opened(path) as descriptor:
        step = next(steps(descriptor, os.fstat(descriptor).st_size), None)
    return step.header if step is not None and isinstance(step.header.body, Open) else None


def read_ended(path: Path, following: RecordHeader | None) -> SealedFile | None:
    """Read an ended file's facts from its framing and headers (SY-25).

    Args:
        path: `NNNNNNNN.evs`.
        following: OPEN of the next file in the spool, None when there is none (or it is not whole yet).

    Returns:
        The facts; None when the file may still be written to: no CLOSE, and no later file.

    Raises:
        SpoolError: The file is none that a writer makes, or holds more than a file may.
        OSError: It cannot be read.
    """
    with opened(path) as descriptor:
        size = os.fstat(descriptor).st_size
        if size > FILE_BYTES_MAX:
            raise SpoolError(f"{path.name} has {size} bytes, more than {FILE_BYTES_MAX}; it is left alone")
        walk = _walk(descriptor, size, following)
        if walk is None:
            return None
        first, last, identity = walk
        torn = _torn_pieces(descriptor, last.end, size)
        return SealedFile(
            path=path,
            number=file_number(path.name),
            size_bytes=size,
            torn_bytes=size - last.end,
            device_id=first.device_id,
            file_id=identity.digest_of_torn(size - last.end, torn),
            first_sequence=first.sequence,
            last_sequence=last.header.sequence,
            head_hash=last.digest,
        )


def _walk(descriptor: int, size: int, following: RecordHeader | None) -> tuple[RecordHeader, Step, FileIdentity] | None:
    """Go over the records that count: up to CLOSE, or to the one that the following file names as its previous."""
    first: RecordHeader | None = None
    last: Step | None = None
    identity: FileIdentity | None = None
    for step in steps(descriptor, size):
        if first is None or identity is None:
            first, identity = step.header, FileIdentity(_suite_of(step.header))
        identity.add_record(step.prefix, step.cose_bytes)
        last = step
        if isinstance(step.header.body, Close):
            break
        if following is not None and following.previous_hash == step.digest:
            break
    if first is None or last is None or identity is None:
        return None
    ended = isinstance(last.header.body, Close) or following is not None
    return (first, last, identity) if ended else None


def steps(descriptor: int, size_bytes: int, offset_bytes: int = 0) -> Iterator[Step]:
    """The whole records of a file, from its beginning or from a record's border on.

    Ends quietly at the first that is not whole.

    Args:
        descriptor: The file, open for reading.
        size_bytes: Up to where it is read.
        offset_bytes: 0, or the end of a record that was read before.
    """
    if os.pread(descriptor, len(MAGIC), 0) != MAGIC:
        return
    used: Suite | None = None
    offset = offset_bytes or len(MAGIC)
    while offset + PREFIX_BYTES <= size_bytes:
        prefix = os.pread(descriptor, PREFIX_BYTES, offset)
        try:
            header_length, payload_length = decode_prefix(prefix)
            end = offset + PREFIX_BYTES + header_length + payload_length
            if end > size_bytes:
                return
            data = os.pread(descriptor, header_length, offset + PREFIX_BYTES)
            _, header = open_header(data)
            used = used or (_suite_of(header) if offset == len(MAGIC) else suite_of_file(descriptor))
        except SealingError:
            return
        yield Step(prefix, data, header, used.digest(data), end)
        offset = end


def suite_of_file(descriptor: int) -> Suite:
    """The suite that a file's OPEN names. Raises MalformedError."""
    header_length, _ = decode_prefix(os.pread(descriptor, PREFIX_BYTES, len(MAGIC)))
    return _suite_of(open_header(os.pread(descriptor, header_length, len(MAGIC) + PREFIX_BYTES))[1])


def _suite_of(header: RecordHeader) -> Suite:
    if not isinstance(header.body, Open):
        raise MalformedError(f"the file begins with {header.type.name}, not with OPEN")
    return suite(header.body.suite)


def _torn_pieces(descriptor: int, offset: int, size: int) -> Iterator[bytes]:
    while offset < size:
        piece = os.pread(descriptor, min(_TORN_PIECE_BYTES, size - offset), offset)
        if not piece:
            return
        yield piece
        offset += len(piece)


def names_in(directory: Path) -> frozenset[str]:
    """Names of what lies in a folder; none when there is no such folder. Raises OSError."""
    try:
        return frozenset(os.listdir(directory))  # noqa: PTH208 - names alone
    except FileNotFoundError:
        return frozenset()

"""Reads one sealed file, record by record, with bounded memory.

Rules of this module: bytes and places only; what a record means and whether it may be trusted is others' matter. Never
more than one header (64 KiB) and one chunk (512 KiB) of payload is held, whatever the lengths in the file say.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Final, NamedTuple, Self

from sealing.errors import MalformedError, NotSealedError, SealingError
from sealing.framing import FILE_SUFFIX, PREFIX_BYTES, RecordHeader, decode_prefix, open_header, parse_name
from sealing.limits import FILE_BYTES_MAX, MAGIC
from sealing.records import Open
from sealing.suites import Suite

CHUNK_BYTES: Final = 524_288
_AHEAD_BYTES: Final = 768
"""A FRAGMENT's framing and header take some 330."""


class CutOffError(MalformedError):
    """A record is cut off by the end of its file."""


class FramedRecord(NamedTuple):
    """One record as the framing delimits it; nothing in it was checked yet."""

    offset_bytes: int
    """Where its framing begins."""
    prefix: bytes
    header: bytes
    payload_offset_bytes: int
    payload_length: int

    @property
    def end_bytes(self) -> int:
        """Where the next record begins."""
        return self.payload_offset_bytes + self.payload_length


@dataclass(frozen=True, slots=True)
class Beginning:
    """First records of a file as they claim to be; nothing in them was verified."""

    header: RecordHeader
    opened: Open
    second: RecordHeader | None


class SealedFile:
    """An opened file; use it in a `with`.

    Args:
        path: The file.

    Raises:
        OSError: It cannot be opened.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._file: io.FileIO = io.FileIO(path)
        self.size_bytes = self._file.seek(0, io.SEEK_END)
        self._next_offset = len(MAGIC)
        self._window = memoryview(b"")
        """What was read last: the header behind a payload is nearly always in it."""
        self._window_offset = self._window_end = self.size_bytes  # where the file stands

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._file.close()

    @property
    def next_offset_bytes(self) -> int:
        """Where the record behind the last one read begins."""
        return self._next_offset

    def check_magic(self) -> None:
        """Check the first eight bytes (SF-8).

        Raises:
            NotSealedError: They are others.
            MalformedError: The file is longer than a sealed file may be.
        """
        if self._read(0, len(MAGIC)) != MAGIC:
            raise NotSealedError(f"{self.path.name} does not begin as a sealed file does; give *.evs files")
        if self.size_bytes > FILE_BYTES_MAX:
            raise MalformedError(f"the file has {self.size_bytes} bytes, more than {FILE_BYTES_MAX}")

    def next_record(self) -> FramedRecord | None:
        """Read framing and header of the next record; its payload is skipped.

        Returns:
            The record, or None at the end of the file.

        Raises:
            CutOffError: The file ends inside the record.
            MalformedError: A length is outside its range (SF-10); where the next record begins is then unknown.
        """
        offset = self._next_offset
        if offset == self.size_bytes:
            return None
        prefix = self._read(offset, PREFIX_BYTES)
        if len(prefix) < PREFIX_BYTES:
            raise CutOffError(f"the file ends {len(prefix)} bytes into the framing of a record")
        header_length, payload_length = decode_prefix(prefix)
        header_offset = offset + PREFIX_BYTES
        end = header_offset + header_length + payload_length
        if end > self.size_bytes:
            raise CutOffError(f"the file ends at byte {self.size_bytes}, inside a record that would end at {end}")
        header = self._read(header_offset, header_length)
        self._next_offset = end
        return FramedRecord(offset, prefix, header, header_offset + header_length, payload_length)

    def payload_hash(self, record: FramedRecord, suite: Suite) -> bytes:
        """Hash a record's payload as it stands in the file."""
        start, end = record.payload_offset_bytes, record.end_bytes
        if start >= self._window_offset and end <= self._window_end:
            return suite.digest(self._window[start - self._window_offset : end - self._window_offset])
        hasher = suite.hasher()
        for chunk in self._chunks(start, end):
            hasher.update(chunk)
        return hasher.digest()

    def payload(self, record: FramedRecord) -> bytes:
        """Read a record's payload whole (at most 64 MiB)."""
        return b"".join(map(bytes, self._chunks(record.payload_offset_bytes, record.end_bytes)))

    def tail(self, offset_bytes: int) -> Iterator[bytes]:
        """Read everything from a place to the end, piece by piece."""
        for chunk in self._chunks(offset_bytes, self.size_bytes):
            yield bytes(chunk)

    def _chunks(self, start: int, end: int) -> Iterator[memoryview]:
        """The bytes between two places; each piece holds until the next one is asked for."""
        while start < end:
            if not self._window_offset <= start < self._window_end:
                self._fill(start, CHUNK_BYTES)
            if start == self._window_end:
                raise CutOffError(f"{self.path.name} became shorter while it was read; copy it again")
            stop = min(end, self._window_end)
            yield self._window[start - self._window_offset : stop - self._window_offset]
            start = stop

    def _read(self, offset: int, length: int) -> bytes:
        """Framing or a header; shorter only at the end of the file."""
        end = min(offset + length, self.size_bytes)
        if not self._window_offset <= offset <= end <= self._window_end:
            # Framing and nearly every header stand in the first bytes: one call of the system for both.
            self._fill(offset, max(length, _AHEAD_BYTES))
        if end > self._window_end:
            return b"".join(map(bytes, self._chunks(offset, end)))
        begin = offset - self._window_offset
        return bytes(self._window[begin : begin + end - offset])

    def _fill(self, offset: int, most_bytes: int) -> None:
        if len(self._window) < most_bytes:
            self._window = memoryview(bytearray(most_bytes))
        if offset != self._window_end:
            self._file.seek(offset)
        count = self._file.readinto(self._window[:most_bytes])
        self._window_offset, self._window_end = offset, offset + count


def beginning(path: Path) -> Beginning | None:
    """Look at the first two records of a file without believing them; None where they cannot be read."""
    try:
        with SealedFile(path) as file:
            file.check_magic()
            first, second = file.next_record(), _next_quietly(file)
            header = None if first is None else open_header(first.header)[1]
            if header is None or not isinstance(header.body, Open):
                return None
            return Beginning(header, header.body, None if second is None else open_header(second.header)[1])
    except SealingError:
        return None


def _next_quietly(file: SealedFile) -> FramedRecord | None:
    try:
        return file.next_record()
    except MalformedError:
        return None


def sealed_files(path: Path) -> tuple[Path, ...]:
    """List the sealed files of a folder in the order of their numbers, or one file alone.

    Raises:
        NotSealedError: There is none.
    """
    if not path.is_dir():
        return (path,)
    found = [each for each in path.iterdir() if each.suffix == FILE_SUFFIX and each.is_file()]
    if not found:
        raise NotSealedError(f"{path} holds no sealed files; give the folder that holds the *.evs files")
    return in_order(found)


def in_order(paths: list[Path]) -> tuple[Path, ...]:
    """Order files by the number in their names; a foreign name stands by the number that the file claims."""
    return tuple(sorted(paths, key=lambda path: (number_of(path), path.name)))


def number_of(path: Path) -> int:
    """Number of a file by its name, or by its OPEN where the name says none; 0 where neither does."""
    try:
        return parse_name(path.name)[0]
    except MalformedError:
        found = beginning(path)
        return 0 if found is None else found.opened.file_number

"""What the spool says, read once: facts of ended files, and the few records that matter before a file is receipted.

Rules of this module: reads only (SY-27); every header is decoded once while its file has no receipt. Of the open file
the whole records are read as they come, and are taken to be sealed only when they are on the medium.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sealing.framing import RecordHeader, file_name
from sealing.records import (
    Body,
    Checkin,
    Checkout,
    Close,
    DockChange,
    Event,
    Fault,
    FileKind,
    Open,
    SessionEnd,
    SessionStart,
    Torn,
)
from sync.errors import SpoolError
from sync.sessions import Circumstances, SessionLog, circumstances_of
from sync.unit.spool import SealedFile, Step, numbers, opened, opening, read_ended, steps

log = logging.getLogger(__name__)

_NOTED: Final[tuple[type[Body], ...]] = (
    Open,
    Checkout,
    Checkin,
    SessionStart,
    SessionEnd,
    DockChange,
    Event,
    Fault,
    Torn,
)


@dataclass(frozen=True, slots=True)
class Note:
    """One record that matters."""

    file_number: int
    header: RecordHeader
    digest: bytes
    cose_bytes: bytes
    circumstances: Circumstances
    """Of the file that it stands in."""


@dataclass
class _File:
    """What was read of one file so far."""

    offset: int = 0
    notes: list[Note] = field(default_factory=list)
    opening: Note | None = None
    head: Note | None = None
    """CLOSE, once it is there."""
    ended: SealedFile | None = None

    def take(self, number: int, step: Step) -> None:
        """Take the next record."""
        body = step.header.body
        if self.opening is None:
            if not isinstance(body, Open):
                return
            self.opening = _note(number, step, circumstances_of(body.snapshot))
        circumstances = self.opening.circumstances
        if isinstance(body, _NOTED):
            self.notes.append(_note(number, step, circumstances))
        if isinstance(body, Close):
            self.head = _note(number, step, circumstances)


class Chronicle:
    """Reads a spool and remembers what it says.

    Args:
        spool: The folder.
    """

    def __init__(self, spool: Path) -> None:
        self._spool = spool
        self._files: dict[int, _File] = {}
        self._present: tuple[int, ...] = ()
        self._behind = 0

    @property
    def behind(self) -> int:
        """How many files the last look left unread."""
        return self._behind

    @property
    def present(self) -> tuple[int, ...]:
        """Numbers of all files in the spool at the last look, ascending."""
        return self._present

    def look(
        self, receipted: frozenset[int], *, files_max: int | None = None, newest_too: bool = True
    ) -> tuple[int, ...]:
        """Read what is new; files in `receipted` are not opened.

        Args:
            receipted: Numbers of files that are settled.
            files_max: So many files are read at most, oldest first; the rest is left for the next looks.
            newest_too: Whether the newest file, which may be open, is read.

        Returns:
            Numbers of all files in the spool, ascending.
        """
        self._present = numbers(self._spool)
        for gone in self._files.keys() - (set(self._present) - receipted):
            del self._files[gone]
        wanted = self._present if newest_too else self._present[:-1]
        unread = [number for number in wanted if number not in receipted and self.ended(number) is None]
        # A file that could not be read to its end shall not keep the others waiting.
        unread.sort(key=self._files.__contains__)
        self._behind = len(unread[files_max:]) if files_max is not None else 0
        for number in unread[:files_max]:
            self._read(number)
        return self._present

    def forget(self, number: int) -> None:
        """Have a file read anew."""
        self._files.pop(number, None)

    def ended(self, number: int) -> SealedFile | None:
        """Facts of an ended file (SY-25); None while it is open, gone, receipted or unreadable."""
        found = self._files.get(number)
        return None if found is None else found.ended

    def circumstances(self, number: int) -> Circumstances | None:
        """What the file's OPEN says; None when it is not whole."""
        found = self._files.get(number)
        return None if found is None or found.opening is None else found.opening.circumstances

    def opening(self, number: int) -> Note | None:
        """The file's OPEN."""
        found = self._files.get(number)
        return None if found is None else found.opening

    def notes(self, number: int | None = None) -> Iterator[Note]:
        """The records that matter, of one file or of all, in the chain's order."""
        for one in self._present if number is None else (number,):
            if one in self._files:
                yield from self._files[one].notes

    def newest_head(self) -> Note | None:
        """CLOSE of the newest closed footage file that has no receipt: the head that a store may witness."""
        for number in reversed(self._present):
            found = self._files.get(number)
            if found is not None and found.head is not None and found.opening is not None:
                body = found.opening.header.body
                if isinstance(body, Open) and body.kind is FileKind.FOOTAGE:
                    return found.head
        return None

    def log(self) -> SessionLog:
        """What the records say of recordings."""
        told = SessionLog()
        for note in self.notes():
            told.record(note.header.sequence, note.header.utc_ns, note.header.body)
        return told

    def _read(self, number: int) -> None:
        found = self._files.setdefault(number, _File())
        if found.ended is not None:
            return
        try:
            self._read_more(number, found)
            if found.head is not None or number != self._present[-1]:
                found.ended = read_ended(self._path(number), self._following(number))
        except FileNotFoundError:
            self._files.pop(number, None)
        except (SpoolError, OSError):
            log.exception("file %d of the spool cannot be read", number)

    def _read_more(self, number: int, found: _File) -> None:
        """Take whole records behind the last one that was seen; what is not on the medium yet is put there first."""
        with opened(self._path(number)) as descriptor:
            size = os.fstat(descriptor).st_size
            if size <= found.offset:
                return
            os.fdatasync(descriptor)
            for step in steps(descriptor, size, found.offset):
                found.take(number, step)
                found.offset = step.end

    def _following(self, number: int) -> RecordHeader | None:
        """OPEN of the next file that has a whole one."""
        for later in self._present[self._present.index(number) + 1 :]:
            header = opening(self._path(later))
            if header is not None:
                return header
        return None

    def _path(self, number: int) -> Path:
        return self._spool / file_name(number)


def _note(number: int, step: Step, circumstances: Circumstances) -> Note:
    return Note(number, step.header, step.digest, step.cose_bytes, circumstances)

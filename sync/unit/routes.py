"""Several lines to one store, in an order of preference: a file that one line leaves undone goes on over the next.

Rules of this module: chooses, and carries nothing itself. What arrived is the store's to say, so changing the line
loses nothing but what was under way on it (SY-54).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Final

from sync.errors import ConfigurationError
from sync.secrecy import Line
from sync.unit.client import LinkError
from sync.unit.spool import SealedFile
from sync.unit.transport import Standing, Transport
from sync.wire import Inventory, InventoryAnswer, LogAnswer, LogPlace, RecordReport
from sync.witness import Witnessed

RETURN_SECONDS: Final = 600.0
"""After so long on another line, the preferred one is tried again."""


class Choice:
    """Which of several lines is used now.

    Args:
        lines: The lines, the preferred one first.
        now_ns: Monotonic time.
    """

    def __init__(self, lines: Sequence[Transport], now_ns: Callable[[], int]) -> None:
        if not lines:
            raise ConfigurationError("no line to the store is left; name one in sync.transports")
        self._lines = tuple(lines)
        self._now_ns = now_ns
        self._at = 0
        self._left_ns = now_ns()

    @property
    def present(self) -> Transport:
        """The line that is used now."""
        return self._lines[self._at]

    def prefer(self) -> None:
        """Go back to the preferred line when it was left long ago. Only between two attempts."""
        if self._at and self._now_ns() - self._left_ns >= RETURN_SECONDS * 1e9:
            self._at = 0

    @contextmanager
    def used(self) -> Iterator[Transport]:
        """Use the present line; where it fails, the next attempt goes over the next one."""
        try:
            yield self.present
        except LinkError:
            if len(self._lines) > 1:
                if self._at == 0:
                    self._left_ns = self._now_ns()
                self._at = (self._at + 1) % len(self._lines)
            raise


class Routes:
    """All lines of a unit as one; one thread.

    Args:
        words: Over which it asks and tells, the preferred line first.
        files: Over which files go.
        now_ns: Monotonic time.

    Raises:
        ConfigurationError: One of them is empty.
    """

    def __init__(self, words: Sequence[Transport], files: Sequence[Transport], now_ns: Callable[[], int]) -> None:
        self._all = tuple(dict.fromkeys((*words, *files)))
        self._words = Choice(words, now_ns)
        self._files = Choice(files, now_ns)

    @property
    def rate_bytes_per_second(self) -> int | None:
        """Pace that uploads are held to while there is time; None: none."""
        return self._files.present.rate_bytes_per_second

    def hurry(self, wanted: bool) -> None:
        """Lift the pace and the low class of every line, or put them back (SY-41)."""
        for one in self._all:
            one.hurry(wanted)

    def close(self) -> None:
        """Drop every connection. Idempotent."""
        for one in self._all:
            one.close()

    def rest(self) -> None:
        """Nothing is to be said for now."""
        for one in self._all:
            one.rest()

    def line(self) -> Line:
        """Over what kind of line files and words would leave now: radio as soon as one of them does (SY-37)."""
        for one in (self._words, self._files):
            one.prefer()
        found = []
        for one in (self._words, self._files):
            with one.used() as line:
                found.append(line.line())
        return Line.RADIO if Line.RADIO in found else Line.WIRE

    def head(self, file: SealedFile) -> Standing | None:
        """As `Transport`; so are all the others."""
        with self._files.used() as one:
            return one.head(file)

    def create(self, file: SealedFile) -> None:
        """Create an upload, or declare it anew."""
        with self._files.used() as one:
            one.create(file)

    def append(
        self, file: SealedFile, offset_bytes: int, may_send: Callable[[], bool], on_sent: Callable[[int], None]
    ) -> None:
        """Send the file from an offset to its end."""
        with self._files.used() as one:
            one.append(file, offset_bytes, may_send, on_sent)

    def receipt(self, file: SealedFile) -> bytes | None:
        """Fetch a file's receipt, over the line that it went by."""
        with self._files.used() as one:
            return one.receipt(file)

    def inventory(self, held: Inventory) -> InventoryAnswer:
        """Tell the store what the unit holds."""
        with self._words.used() as one:
            return one.inventory(held)

    def report(self, seen_as: Witnessed, report: RecordReport) -> bytes:
        """Tell the store of one record."""
        with self._words.used() as one:
            return one.report(seen_as, report)

    def time(self, nonce: bytes) -> bytes:
        """Ask for the store's time."""
        with self._words.used() as one:
            return one.time(nonce)

    def log(self, old_size: int) -> LogAnswer:
        """Ask how the log of receipts stands."""
        with self._words.used() as one:
            return one.log(old_size)

    def log_place(self, file_id: bytes, size: int) -> LogPlace:
        """Ask where a file's receipt stands in the log."""
        with self._words.used() as one:
            return one.log_place(file_id, size)

    def document(self, kind: str, known: frozenset[str]) -> bytes | None:
        """Fetch the agency's newest document of a kind."""
        with self._words.used() as one:
            return one.document(kind, known)

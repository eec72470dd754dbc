"""What the unit asks of a line to its store, whatever line that is: HTTP (`client`), MQTT (`mqtt_client`), or `routes`.

Rules of this module: a Protocol alone. Every method may raise `LinkError` (the line or the store failed; another try
goes on from what arrived) and `RefusedError` (the store refused, by PROTOCOL.md's codes); it waits no longer than the
line's own timeout and tries nothing twice.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from sync.secrecy import Line
from sync.unit.spool import SealedFile
from sync.wire import Inventory, InventoryAnswer, LogAnswer, LogPlace, RecordReport
from sync.witness import Witnessed


@dataclass(frozen=True, slots=True)
class Standing:
    """What the store has of an upload."""

    offset_bytes: int
    size_bytes: int
    receipted: bool


class Transport(Protocol):
    """A line to one store for one unit; one thread."""

    @property
    def rate_bytes_per_second(self) -> int | None:
        """Pace that uploads are held to while there is time; None: none."""
        ...

    def hurry(self, wanted: bool) -> None:
        """Lift the pace and the low class of the line, or put them back (SY-41)."""
        ...

    def close(self) -> None:
        """Drop the connection. Idempotent."""
        ...

    def rest(self) -> None:
        """Nothing is to be said for now: drop the connection, unless it stands for something itself."""
        ...

    def line(self) -> Line:
        """Over what kind of line the store is reached now; connects when there is no connection."""
        ...

    def head(self, file: SealedFile) -> Standing | None:
        """Ask what the store has of a file; None when it never heard of it."""
        ...

    def create(self, file: SealedFile) -> None:
        """Create an upload, or declare it anew."""
        ...

    def append(
        self, file: SealedFile, offset_bytes: int, may_send: Callable[[], bool], on_sent: Callable[[int], None]
    ) -> None:
        """Send the file from an offset to its end; with nothing left, ask the store to finish (SY-13).

        Args:
            file: What is sent.
            offset_bytes: Where the store stands.
            may_send: Asked at least every 256 KiB (SY-26).
            on_sent: Told the new offset as often.

        Raises:
            StoppedError: `may_send` said no; the connection is gone.
            OSError: The file cannot be read.
        """
        ...

    def receipt(self, file: SealedFile) -> bytes | None:
        """Fetch a file's receipt, transparent or alone (SY-70); None when there is none."""
        ...

    def inventory(self, held: Inventory) -> InventoryAnswer:
        """Tell the store what the unit holds, and hear what it has of it (SY-34)."""
        ...

    def report(self, seen_as: Witnessed, report: RecordReport) -> bytes:
        """Tell the store of one record; gives its signed statement."""
        ...

    def time(self, nonce: bytes) -> bytes:
        """Ask for the store's time; gives a signed token."""
        ...

    def log(self, old_size: int) -> LogAnswer:
        """Ask how the log of receipts stands, and how it grew from a size (SY-42)."""
        ...

    def log_place(self, file_id: bytes, size: int) -> LogPlace:
        """Ask where a file's receipt stands in the log of a size (SY-42)."""
        ...

    def document(self, kind: str, known: frozenset[str]) -> bytes | None:
        """Fetch the agency's newest document of a kind (SY-40); None when it is in `known` (SHA-256, hexadecimal)."""
        ...

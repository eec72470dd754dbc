"""The store's end of an upload over MQTT: which bytes it takes, and when it says where it is (PROTOCOL.md, section 9).

Rules of this module: pure. Bytes are taken in order or not at all; what is written is told by the caller.
"""

from __future__ import annotations

from enum import Enum

from sync.mqtt.window import acknowledged_every


class Verdict(Enum):
    """What to do with bytes that came."""

    TAKE = "take"
    DROP = "drop"
    DROP_AND_SAY = "drop-and-say"
    """They do not join; say where the store is, once for each place."""


class Receiver:
    """One upload while it is open.

    Args:
        size_bytes: Declared length.
        held_bytes: What the store has already.
        window_bytes: What may be on its way.
    """

    def __init__(self, size_bytes: int, held_bytes: int, window_bytes: int) -> None:
        self._size = size_bytes
        self._window = window_bytes
        self._every = acknowledged_every(window_bytes)
        self._said_at: int | None = None
        self._acknowledged = held_bytes
        self.expected = held_bytes
        """Where the next bytes have to begin."""
        self.held = held_bytes
        """What is written."""

    @property
    def complete(self) -> bool:
        """Whether every byte has come, written or about to be."""
        return self.expected == self._size

    def came(self, offset_bytes: int, size_bytes: int) -> Verdict:
        """Judge bytes by their place (SY-9, SY-10, SY-46, SY-47); what is taken is expected to be written."""
        end = offset_bytes + size_bytes
        fits = size_bytes > 0 and end <= self._size and end <= self.held + self._window
        if offset_bytes == self.expected and fits:
            self.expected = end
            self._said_at = None
            return Verdict.TAKE
        return self.misfit()

    def misfit(self) -> Verdict:
        """Something came that cannot be joined to what is here, `fin` before the last byte included."""
        if self._said_at == self.expected:
            return Verdict.DROP
        self._said_at = self.expected
        return Verdict.DROP_AND_SAY

    def wrote(self, held_bytes: int) -> bool:
        """Take note of what is written now; says whether it is time to tell the unit (SY-46)."""
        self.held = held_bytes
        if held_bytes - self._acknowledged < self._every and held_bytes != self._size:
            return False
        due = held_bytes != self._acknowledged
        self._acknowledged = held_bytes
        return due

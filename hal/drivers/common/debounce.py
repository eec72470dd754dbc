"""Taking the bouncing out of contacts (DR-31).

Rules of this module: pure. A change counts when the level has held for the settling time, and bears the time of its
first contact; a disturbance that falls back is no change.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Change:
    """A settled change of one line."""

    active: bool
    at_boottime_ns: int
    """Time of the first contact."""


class Debouncer:
    """Follows one line.

    Args:
        active: The level at the begin.
        settle_ns: How long a level has to hold.
    """

    def __init__(self, active: bool, settle_ns: int) -> None:
        self.active = active
        """The settled level."""
        self._settle_ns = settle_ns
        self._level = active
        self._first_ns: int | None = None
        self._last_ns = 0

    @property
    def due_ns(self) -> int | None:
        """When `settle` has to be called next; None while nothing is open."""
        return None if self._first_ns is None else self._last_ns + self._settle_ns

    def edge(self, active: bool, at_ns: int) -> None:
        """Take a raw edge."""
        self._level = active
        self._last_ns = at_ns
        if self._first_ns is None and active != self.active:
            self._first_ns = at_ns

    def settle(self, now_ns: int) -> Change | None:
        """Give the change that has held by now, if there is one."""
        due_ns = self.due_ns
        if due_ns is None or now_ns < due_ns or self._first_ns is None:
            return None
        first_ns, self._first_ns = self._first_ns, None
        if self._level == self.active:
            return None
        self.active = self._level
        return Change(self.active, first_ns)

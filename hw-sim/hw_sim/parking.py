"""Flags of lock-step time, and the places where threads wait for them.

Rules of this module: fields only; `hw_sim.clock` reads and writes them under its lock.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hw_sim.clock import SimClock


class Waiter:
    """A thread's place to wait; a thread has one for life. Its gate is shut except while a wake-up is in flight."""

    __slots__ = ("gate", "gating", "nesting", "outcome", "signal", "ticket")

    def __init__(self) -> None:
        self.gate = threading.Lock()
        self.gate.acquire()
        self.gating = False
        self.nesting = 0
        self.outcome = False
        self.signal: SimSignal | None = None
        self.ticket = 0


class SimSignal:
    """A flag made by `SimClock.signal`."""

    __slots__ = ("clock", "up", "waiters")

    def __init__(self, clock: SimClock) -> None:
        self.clock = clock
        self.up = False
        self.waiters: list[Waiter] = []

    def set(self) -> None:
        """Raise the flag and wake every waiter."""
        self.clock.raise_signal(self)

    def clear(self) -> None:
        """Lower the flag."""
        self.up = False

    def is_set(self) -> bool:
        """Tell whether the flag is up."""
        return self.up

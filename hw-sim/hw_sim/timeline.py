"""What will happen in the world, and when.

Rules of this module: one thread, on which everything planned happens, in order of time and then of planning.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from heapq import heappop, heappush

from hw_sim.civil import NANOSECONDS
from hw_sim.clock import SimClock


class Timeline:
    """Events of the world to come.

    Args:
        clock: The world's clock.
    """

    def __init__(self, clock: SimClock) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._plans: list[tuple[int, int, Callable[[], None]]] = []
        self._planned = 0
        self._changed = clock.signal()
        self._ended = False
        self._thread: threading.Thread | None = None

    def start(self) -> None:
        """Let things happen."""
        self._thread = self._clock.spawn("world-timeline", self._run)

    def plan(self, world_ns: int, event: Callable[[], None]) -> None:
        """Let `event` happen at `world_ns`, at once when that has passed. Never blocks; any thread."""
        with self._lock:
            self._planned += 1
            heappush(self._plans, (world_ns, self._planned, event))
            self._changed.set()

    def every(self, seconds: float, event: Callable[[], None]) -> None:
        """Let `event` happen again and again, the first time after `seconds`."""

        def again() -> None:
            event()
            self.every(seconds, event)

        self.plan(self._clock.world_ns + round(seconds * NANOSECONDS), again)

    def end(self) -> None:
        """Let nothing more happen; joins the thread unless called on it."""
        with self._lock:
            self._ended = True
            self._changed.set()
        if self._thread is not None and self._thread is not threading.current_thread():
            self._clock.join(self._thread)

    def _run(self) -> None:
        while not self._ended:
            with self._lock:
                self._changed.clear()
                due_ns = self._plans[0][0] if self._plans else None
                now_ns = self._clock.world_ns
                event = heappop(self._plans)[2] if due_ns is not None and due_ns <= now_ns else None
            if event is not None:
                event()
            else:
                self._clock.wait(self._changed, None if due_ns is None else (due_ns - now_ns) / NANOSECONDS)

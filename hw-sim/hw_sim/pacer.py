"""Following real time: tells a lock-step clock when its next deadline has come.

Rules of this module: the only place of the simulator that reads the machine's clock to pace the world.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable

NANOSECONDS = 1_000_000_000
_LAG_FORGIVEN_NS = 250_000_000
"""A machine that was slow for longer than this is not made good by a burst."""


def real_ns() -> int:
    """The machine's monotonic time in nanoseconds."""
    return time.monotonic_ns()


def real_utc_ns() -> int:
    """The machine's civil time in nanoseconds."""
    return time.time_ns()


class Pacer:
    """Maps world time to real time at a rate, and calls back when a moment has come.

    Args:
        rate: World seconds per real second, above 0.
        now_ns: World time now.
        on_time: Called on the pacer's own thread when the armed moment has come.
    """

    def __init__(self, rate: float, now_ns: int, on_time: Callable[[], None]) -> None:
        self._rate = rate
        self._anchor_world_ns = now_ns
        self._anchor_real_ns = real_ns()
        self._on_time = on_time
        self._armed_ns: int | None = None
        self._closed = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="world-pacer", daemon=True)
        self._thread.start()

    def now_ns(self) -> int:
        """World time to which real time has come."""
        return self._anchor_world_ns + int((real_ns() - self._anchor_real_ns) * self._rate)

    def reached(self, world_ns: int) -> bool:
        """Tell whether real time has come to `world_ns`; a long lag is forgiven."""
        lag_ns = self.now_ns() - world_ns
        if lag_ns > _LAG_FORGIVEN_NS * max(self._rate, 1.0):
            self._anchor_world_ns, self._anchor_real_ns = world_ns, real_ns()
        return lag_ns >= 0

    def arm(self, world_ns: int) -> None:
        """Call back when real time comes to `world_ns`; an earlier moment armed before stays."""
        with self._changed:
            if self._armed_ns is None or world_ns < self._armed_ns:
                self._armed_ns = world_ns
                self._changed.notify()

    def close(self) -> None:
        """End the thread; idempotent."""
        with self._changed:
            self._closed = True
            self._changed.notify()
        if self._thread is not threading.current_thread():
            self._thread.join()

    def _run(self) -> None:
        while self._await_moment():
            self._on_time()

    def _await_moment(self) -> bool:
        with self._changed:
            while not self._closed:
                if self._armed_ns is None:
                    self._changed.wait()
                    continue
                early_ns = self._armed_ns - self.now_ns()
                if early_ns <= 0:
                    self._armed_ns = None
                    return True
                self._changed.wait(early_ns / self._rate / NANOSECONDS)
        return False

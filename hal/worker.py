"""Threads of the agent: a name, a heartbeat, a stop flag and a join.

Rules of this module: no thread of the unit is started in any other way; every one waits by the injected clock and can
be asked to stop. Heartbeats are plain monotonic stamps; who judges them lives elsewhere.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from hal.ports import Clock, Signal

log = logging.getLogger(__name__)


class Worker:
    """One named thread.

    Args:
        name: Name of the thread, shown in logs, `status` and stack dumps.
        clock: The clock that it lives by.
        body: Called once on the thread with the worker itself; returns when `stop` is raised.
        allowance_seconds: Longest time between two heartbeats that still counts as alive.
        on_crash: Called on the thread when `body` raised; the error is logged first.
    """

    def __init__(
        self,
        name: str,
        clock: Clock,
        body: Callable[[Worker], None],
        *,
        allowance_seconds: float = 5.0,
        on_crash: Callable[[str, BaseException], None] | None = None,
    ) -> None:
        self.name = name
        self.clock = clock
        self.allowance_seconds = allowance_seconds
        self.stop: Signal = clock.signal()
        self._done = clock.signal()
        self._ready = threading.Event()
        self._body = body
        self._on_crash = on_crash
        self._last_beat_ns = clock.boottime_ns()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    @property
    def last_beat_ns(self) -> int:
        """CLOCK_BOOTTIME of the last heartbeat."""
        return self._last_beat_ns

    @property
    def alive(self) -> bool:
        """Whether the thread still runs."""
        return self._thread.is_alive()

    def beat(self) -> None:
        """Say that the thread makes progress. Never blocks."""
        self._last_beat_ns = self.clock.boottime_ns()

    def start(self) -> None:
        """Start the thread; returns once it takes part in the clock."""
        self._thread.start()
        self._ready.wait()

    def request_stop(self) -> None:
        """Ask the thread to end. Never blocks."""
        self.stop.set()

    def join(self, timeout_seconds: float) -> bool:
        """Wait for the thread's end by the clock; says whether it ended. Then there is no such thread any more."""
        if self._thread.ident is None:
            return True
        ended = self.clock.wait(self._done, timeout_seconds)
        if ended:
            # It is on its way out and waits for nobody: not by the clock, which may stand still meanwhile.
            self._thread.join()
        return ended

    def _run(self) -> None:
        with self.clock.participate():
            self._ready.set()
            try:
                self._body(self)
            except BaseException as error:
                log.exception("thread %s ended by an error", self.name)
                if self._on_crash is not None:
                    self._on_crash(self.name, error)
            finally:
                self._done.set()

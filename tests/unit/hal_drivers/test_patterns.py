"""The thread that plays patterns comes to its end, whenever it is told to."""

from __future__ import annotations

import threading
from collections.abc import Callable

from hal.drivers.common.patterns import PatternPlayer, Step
from hal.drivers.system_clock import SystemClock

_PATIENCE_SECONDS = 60.0


class Flag(threading.Event):
    """Something happens once, just before it is lowered."""

    def __init__(self) -> None:
        super().__init__()
        self.before: Callable[[], None] | None = None

    def clear(self) -> None:
        before, self.before = self.before, None
        if before is not None:
            before()
        super().clear()


class FlagClock(SystemClock):
    """Keeps the flags that it makes."""

    def __init__(self) -> None:
        super().__init__()
        self.flags: list[Flag] = []

    def signal(self) -> Flag:
        self.flags.append(Flag())
        return self.flags[-1]


def test_an_end_just_before_the_thread_looks_for_something_new_is_not_missed() -> None:
    """DR-3: a lamp that shines steadily waits for nothing but the flag that it has just lowered."""
    clock, switched = FlagClock(), list[str]()
    player = PatternPlayer("lamp", clock, switched.append, "off")
    changed = clock.flags[0]
    player.play([Step("on", 1)], repeat=True)

    def end() -> None:
        player._worker.request_stop()
        changed.set()

    changed.before = end
    player.start()
    assert player._worker.join(_PATIENCE_SECONDS)
    assert switched[-1] == "off"

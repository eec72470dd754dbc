"""A clock that a test moves by hand.

It gives the readings that it was told, and `wait` never waits: where nobody raised the flag, it moves time on by the
timeout and says so. A test that needs threads to meet in time uses the simulator's clock or a real one.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace

from hal.drivers.system_clock import SystemClock
from hal.ports import Signal
from hal.values import ClockReading, TimeSource

START_UTC_NS = 1_767_225_600_000_000_000
"""2026-01-01T00:00:00Z."""


_HALF_A_DAY_NS = 12 * 3600 * 10**9


class MiddayClock(SystemClock):
    """This machine's clock on a day of the tests': it is noon when it is made, and no ledger ends with the day."""

    def __init__(self) -> None:
        super().__init__()
        self._noon_boottime_ns = self.boottime_ns()

    def read(self) -> ClockReading:
        now = super().read()
        passed_ns = now.boottime_ns - self._noon_boottime_ns
        return replace(now, utc_ns=START_UTC_NS + _HALF_A_DAY_NS + passed_ns)


class ManualSignal:
    """A flag."""

    def __init__(self) -> None:
        self._up = False

    def set(self) -> None:
        self._up = True

    def clear(self) -> None:
        self._up = False

    def is_set(self) -> bool:
        return self._up


class ManualClock:
    """Time as a test wants it; each reading moves on by one microsecond, so that no two are equal."""

    def __init__(self, utc_ns: int = START_UTC_NS, boottime_ns: int = 10**9, boot_id: str = "boot-1") -> None:
        self.now = ClockReading(utc_ns, boottime_ns, TimeSource.NETWORK, 1_000_000, boot_id)

    def read(self) -> ClockReading:
        self.advance(0.000_001)
        return self.now

    def boottime_ns(self) -> int:
        return self.now.boottime_ns

    def signal(self) -> ManualSignal:
        return ManualSignal()

    def wait(self, signal: Signal, timeout_seconds: float | None = None) -> bool:
        if signal.is_set():
            return True
        if timeout_seconds is None:
            raise AssertionError("nobody raises this flag: a wait without timeout would never end")
        self.advance(timeout_seconds)
        return signal.is_set()

    @contextmanager
    def participate(self) -> Iterator[None]:
        yield

    def advance(self, seconds: float) -> None:
        """Let civil and monotonic time go on together."""
        step = round(seconds * 1_000_000_000)
        self.now = replace(self.now, utc_ns=self.now.utc_ns + step, boottime_ns=self.now.boottime_ns + step)

    def reboot(self, boot_id: str, off_seconds: float = 30.0) -> None:
        """Let the unit be off for a while and start again with a monotonic time near 0."""
        utc_ns = self.now.utc_ns + round(off_seconds * 1_000_000_000)
        self.now = replace(self.now, utc_ns=utc_ns, boottime_ns=10**9, boot_id=boot_id)

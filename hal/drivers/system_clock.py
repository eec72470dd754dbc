"""The clock of a real machine: the kernel's civil and boot time, and what the kernel says of its own error.

Rules of this module: reads clocks and waits; never sets one.
"""

from __future__ import annotations

import ctypes
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from hal.drivers.common.timex import Timex
from hal.ports import Signal
from hal.values import ClockReading, TimeSource

_BOOT_ID: Final = Path("/proc/sys/kernel/random/boot_id")
_STA_UNSYNC: Final = 0x0040
_TIME_ERROR: Final = 5
_MICROSECOND_NS: Final = 1_000
_EARLIEST_CIVIL_NS: Final = 1_577_836_800_000_000_000
"""2020-01-01: a clock before it was never set since the battery of its RTC was empty."""
_TOGETHER_NS: Final = 50_000
"""Two clocks read within this time were read together."""
_READINGS_MAX: Final = 5


class SystemClock:
    """`hal.ports.Clock` on Linux."""

    def __init__(self) -> None:
        self._boot_id = _BOOT_ID.read_text().strip()
        self._libc = ctypes.CDLL(None, use_errno=True)

    def read(self) -> ClockReading:
        """Read civil and monotonic time together."""
        utc_ns, boottime_ns = read_together(time.time_ns, self.boottime_ns)
        source, uncertainty_ns = self._source(utc_ns)
        return ClockReading(utc_ns, boottime_ns, source, uncertainty_ns, self._boot_id)

    def boottime_ns(self) -> int:
        """CLOCK_BOOTTIME in nanoseconds."""
        return time.clock_gettime_ns(time.CLOCK_BOOTTIME)

    def signal(self) -> Signal:
        """Make a lowered flag."""
        return threading.Event()

    def wait(self, signal: Signal, timeout_seconds: float | None = None) -> bool:
        """Block until the flag is up or the time has passed; says whether it is up."""
        if not isinstance(signal, threading.Event):
            raise TypeError("the flag was made by another clock; use this clock's signal()")
        return signal.wait(timeout_seconds)

    @contextmanager
    def participate(self) -> Iterator[None]:
        """Nothing to arrange: real time waits for nobody."""
        yield

    def _source(self, utc_ns: int) -> tuple[TimeSource, int]:
        timex = Timex()
        state = self._libc.adjtimex(ctypes.byref(timex))
        if state not in {-1, _TIME_ERROR} and not timex.status & _STA_UNSYNC:
            return TimeSource.NETWORK, timex.maxerror * _MICROSECOND_NS
        if utc_ns < _EARLIEST_CIVIL_NS:
            return TimeSource.UNSET, -1
        return TimeSource.RTC, max(timex.maxerror, 0) * _MICROSECOND_NS


def read_together(civil_ns: Callable[[], int], boottime_ns: Callable[[], int]) -> tuple[int, int]:
    """Read two clocks as of one moment (DR-5).

    A thread that has to wait for the processor between the two would see a step that never was; such a reading is
    taken again, and on a machine that never lets it through the closest one counts.

    Args:
        civil_ns: Gives civil time.
        boottime_ns: Gives CLOCK_BOOTTIME.

    Returns:
        Civil time, and CLOCK_BOOTTIME in the middle of that reading.
    """
    readings: list[tuple[int, int, int]] = []
    before_ns = boottime_ns()
    for _ in range(_READINGS_MAX):
        utc_ns, after_ns = civil_ns(), boottime_ns()
        apart_ns = after_ns - before_ns
        readings.append((apart_ns, utc_ns, before_ns + apart_ns // 2))
        if apart_ns <= _TOGETHER_NS:
            break
        before_ns = after_ns
    _, utc_ns, at_boottime_ns = min(readings)
    return utc_ns, at_boottime_ns

"""Civil time held against the battery-backed clock and the kernel's own correction (DR-36).

Rules of this module: reads, and sets nothing. sysfs tells whole seconds of an RTC, so half a second is the error.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from hal.drivers.common.clock_kernel import KernelTime, read_kernel_time
from hal.ports import Clock
from hal.values import ClockComparison

_SECOND_NS = 1_000_000_000


class UnitClockCheck:
    """`hal.ports.ClockCheck` on Linux.

    Args:
        clock: The unit's clock.
        rtc: Folder of the battery-backed clock.
        kernel_time: What asks the kernel.
    """

    def __init__(self, clock: Clock, rtc: Path, kernel_time: Callable[[], KernelTime] = read_kernel_time) -> None:
        self._clock = clock
        self._rtc = rtc
        self._kernel_time = kernel_time

    def read(self) -> ClockComparison:
        """Compare now; what does not answer is None."""
        return ClockComparison(self._rtc_difference_ns(), self._kernel_offset_ns())

    def _rtc_difference_ns(self) -> int | None:
        try:
            seconds = int((self._rtc / "since_epoch").read_text())
        except (OSError, ValueError):
            return None
        return self._clock.read().utc_ns - seconds * _SECOND_NS - _SECOND_NS // 2

    def _kernel_offset_ns(self) -> int | None:
        try:
            kernel = self._kernel_time()
        except OSError:
            return None
        return kernel.offset_ns if kernel.synchronised else None

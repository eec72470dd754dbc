"""The clock of a unit: civil time with an honest account of where it comes from (DR-5, DR-8).

Rules of this module: order of trust is the kernel's own error bound, then a time that ran on freely since the kernel
or a battery-backed clock vouched for it, then nothing. That a date is later than the software's proves nothing and
counts for nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from hal.drivers.common.clock_kernel import KernelTime, read_kernel_time
from hal.drivers.system_clock import SystemClock
from hal.values import TimeSource

log = logging.getLogger(__name__)

RTC: Final = Path("/sys/class/rtc/rtc0")
_SECOND_NS: Final = 1_000_000_000
_AGREEMENT_SECONDS: Final = 2
"""A clock set from the RTC at start differs from it by the RTC's resolution and a moment's drift."""
_DRIFT_PPM: Final = 100
"""What a free-running crystal may be off."""
_SET_NS: Final = 100_000_000
"""A civil time that moved by more than its error and this was set."""


@dataclass(frozen=True, slots=True)
class _Trust:
    """A moment at which the civil time was known."""

    offset_ns: int
    """Civil less boot time."""
    at_boottime_ns: int
    error_ns: int


class UnitClock(SystemClock):
    """`hal.ports.Clock` of a unit.

    Args:
        rtc: Folder of the battery-backed clock.
        rtc_error_seconds: Error that the RTC may have gathered while the unit was off.
        kernel_time: What asks the kernel.
    """

    def __init__(
        self,
        rtc: Path = RTC,
        rtc_error_seconds: float = 30.0,
        kernel_time: Callable[[], KernelTime] = read_kernel_time,
    ) -> None:
        super().__init__()
        self._kernel_time = kernel_time
        self._complained = False
        self._trust: _Trust | None = None
        now = super().read()
        if vouches(rtc, now.utc_ns):
            offset_ns = now.utc_ns - now.boottime_ns
            self._trust = _Trust(offset_ns, now.boottime_ns, round(rtc_error_seconds * _SECOND_NS))

    def _source(self, utc_ns: int) -> tuple[TimeSource, int]:
        kernel, now_ns = self._ask_kernel(), self.boottime_ns()
        if kernel is not None and kernel.synchronised:
            self._trust = _Trust(utc_ns - now_ns, now_ns, kernel.max_error_ns)
            return TimeSource.NETWORK, kernel.max_error_ns
        trust = self._trust
        if trust is None:
            return TimeSource.UNSET, -1
        error_ns = trust.error_ns + (now_ns - trust.at_boottime_ns) * _DRIFT_PPM // 1_000_000
        # Trust is in a time that runs on by itself, not in one that somebody set since.
        if abs(utc_ns - now_ns - trust.offset_ns) > error_ns + _SET_NS:
            return TimeSource.UNSET, -1
        return TimeSource.RTC, error_ns

    def _ask_kernel(self) -> KernelTime | None:
        try:
            return self._kernel_time()
        except OSError as error:
            if not self._complained:
                log.warning("clock: the kernel does not say how good its time is: %s", error)
                self._complained = True
            return None


def vouches(rtc: Path, utc_ns: int) -> bool:
    """Whether an RTC is fitted, keeps time, and agrees with the system's civil time.

    A DS3231 that lost its cell refuses to be read; an RTC of 2019 disagrees with a system clock that systemd moved to
    its build date.
    """
    try:
        seconds = int((rtc / "since_epoch").read_text())
    except (OSError, ValueError):
        return False
    return abs(seconds - utc_ns // _SECOND_NS) <= _AGREEMENT_SECONDS

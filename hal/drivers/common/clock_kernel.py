"""What the kernel says of its own clocks: adjtimex, CLOCK_MONOTONIC against CLOCK_BOOTTIME, and steps.

Rules of this module: the only place of the drivers, beside the system clock, that reads clocks; sets none.
"""

from __future__ import annotations

import ctypes
import errno
import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from hal.drivers.common.timex import Timex
from hal.drivers.system_clock import read_together

CLOCK_MONOTONIC: Final = time.CLOCK_MONOTONIC
"""The number by which the kernel is asked to stamp."""
_TIME_ERROR: Final = 5
_STA_UNSYNC: Final = 0x0040
_STA_NANO: Final = 0x2000
"""The offset is in nanoseconds, else in microseconds."""
_MAX_ERROR_US: Final = 16_000_000
"""The kernel stops counting here: the clock is not synchronised, whatever its state says."""
_TFD_TIMER_ABSTIME: Final = 1
_TFD_TIMER_CANCEL_ON_SET: Final = 2
_TFD_FLAGS: Final = os.O_NONBLOCK | os.O_CLOEXEC
_FAR_SECONDS: Final = 2**62
_MICROSECOND_NS: Final = 1_000
_EXPIRATIONS_BYTES: Final = 8


class _Timespec(ctypes.Structure):
    _fields_ = (("tv_sec", ctypes.c_long), ("tv_nsec", ctypes.c_long))


class _Itimerspec(ctypes.Structure):
    _fields_ = (("it_interval", _Timespec), ("it_value", _Timespec))


@dataclass(frozen=True, slots=True)
class KernelTime:
    """The kernel's judgement of CLOCK_REALTIME."""

    synchronised: bool
    max_error_ns: int
    """Grows by 500 ppm from the last correction on."""
    offset_ns: int = 0
    """What it still corrects by."""


_LIBC = ctypes.CDLL(None, use_errno=True)


def read_kernel_time() -> KernelTime:
    """Ask adjtimex(2); needs no privilege and changes nothing. Raises OSError."""
    timex = Timex()
    state = _LIBC.adjtimex(ctypes.byref(timex))
    if state < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"adjtimex: {os.strerror(number)}")
    lost = state == _TIME_ERROR or timex.status & _STA_UNSYNC or timex.maxerror >= _MAX_ERROR_US
    unit_ns = 1 if timex.status & _STA_NANO else _MICROSECOND_NS
    return KernelTime(not lost, max(0, timex.maxerror) * _MICROSECOND_NS, timex.offset * unit_ns)


def monotonic_offset_ns() -> int:
    """What to add to a CLOCK_MONOTONIC stamp (V4L2, ALSA, input events) to have it on CLOCK_BOOTTIME."""
    boottime, monotonic = read_together(
        lambda: time.clock_gettime_ns(time.CLOCK_BOOTTIME), lambda: time.clock_gettime_ns(time.CLOCK_MONOTONIC)
    )
    return boottime - monotonic


def civil_offset_ns() -> int:
    """CLOCK_REALTIME less CLOCK_BOOTTIME: constant but for corrections and steps."""
    civil, boottime = read_together(time.time_ns, lambda: time.clock_gettime_ns(time.CLOCK_BOOTTIME))
    return civil - boottime


def open_step_alarm() -> int:
    """Make a timer whose read fails with ECANCELED when CLOCK_REALTIME is set. Raises OSError.

    Returns:
        A file descriptor, not blocking; the caller closes it.
    """
    descriptor = int(_LIBC.timerfd_create(time.CLOCK_REALTIME, _TFD_FLAGS))
    if descriptor < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"timerfd_create: {os.strerror(number)}")
    arm_step_alarm(descriptor)
    return descriptor


def step_alarm_rang(descriptor: int) -> bool:
    """Whether the alarm rang since it was looked at last; arms it again. Raises OSError."""
    try:
        os.read(descriptor, _EXPIRATIONS_BYTES)
    except OSError as error:
        if error.errno == errno.ECANCELED:
            arm_step_alarm(descriptor)
            return True
        if error.errno != errno.EAGAIN:
            raise
    return False


def arm_step_alarm(descriptor: int, settime: Callable[..., int] = _LIBC.timerfd_settime) -> None:
    """Arm the alarm, again after each step. Raises OSError.

    Args:
        descriptor: The alarm.
        settime: timerfd_settime(2), with the errno of ctypes.
    """
    far = _Itimerspec(_Timespec(0, 0), _Timespec(_FAR_SECONDS, 0))
    flags = _TFD_TIMER_ABSTIME | _TFD_TIMER_CANCEL_ON_SET
    if settime(descriptor, flags, ctypes.byref(far), None) >= 0:
        return
    number = ctypes.get_errno()
    # The clock was set once more since the alarm was read; the kernel arms it all the same (timerfd_create(2), NOTES).
    if number != errno.ECANCELED:
        raise OSError(number, f"timerfd_settime: {os.strerror(number)}")

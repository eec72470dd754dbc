"""`recorder-sync` as a service: the service manager hears that it is up, what it does, and that it makes progress.

Rules of this module: what is said is what was reported and how the clock was waited by; nothing is decided here.
"""

from __future__ import annotations

from typing import Final

from hal.drivers.system_clock import SystemClock
from hal.notify import Notifier
from hal.ports import Signal
from sync.unit.reports import Report

_SIGNS_PER_WATCHDOG: Final = 3
_MIB: Final = 1024 * 1024


class WatchedClock(SystemClock):
    """The system's clock for a process whose silence the service manager counts: who waits by it is alive.

    Args:
        notifier: Speaks to the service manager.
    """

    def __init__(self, notifier: Notifier) -> None:
        super().__init__()
        self._notifier = notifier

    def wait(self, signal: Signal, timeout_seconds: float | None = None) -> bool:
        """Block until the flag is up or the time has passed, with signs of life; says whether the flag is up."""
        watchdog_seconds = self._notifier.watchdog_seconds
        if watchdog_seconds is None:
            return super().wait(signal, timeout_seconds)
        slice_seconds = watchdog_seconds / _SIGNS_PER_WATCHDOG
        left_seconds = float("inf") if timeout_seconds is None else timeout_seconds
        while True:
            self._notifier.alive()
            if super().wait(signal, min(slice_seconds, left_seconds)):
                return True
            left_seconds -= slice_seconds
            if left_seconds <= 0:
                return False


class ServiceReporter:
    """Turns reports into signs of life and the line that `systemctl status` shows.

    Args:
        notifier: Speaks to the service manager.
    """

    def __init__(self, notifier: Notifier) -> None:
        self._notifier = notifier

    def report(self, report: Report) -> None:
        """Take one."""
        self._notifier.alive()
        self._notifier.status(_line(report))


def _line(report: Report) -> str:
    """One line; of an upload every whole mebibyte, so that the manager is not flooded."""
    file = "" if report.file is None else f" {report.file:08d}"
    share = ""
    if report.offset_bytes is not None and report.size_bytes is not None:
        share = f" {report.offset_bytes // _MIB} of {report.size_bytes // _MIB} MiB"
    wait = "" if report.seconds is None else f" {report.seconds:.0f} s"
    left = "" if report.files_left is None else f" {report.files_left} files left"
    reason = "" if report.reason is None else f" ({report.reason})"
    return f"{report.event}{file}{share}{wait}{left}{reason}"

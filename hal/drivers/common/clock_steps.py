"""Noticing at once that somebody set the civil time.

Rules of this module: one worker waits on the kernel's alarm; whoever wants to know is called on it and must return at
once. The small corrections of a time service are no steps.
"""

from __future__ import annotations

import logging
import os
import select
from collections.abc import Callable
from dataclasses import dataclass

from hal.drivers.common.clock_kernel import civil_offset_ns, open_step_alarm, step_alarm_rang
from hal.ports import Clock
from hal.worker import Worker

log = logging.getLogger(__name__)

_JOIN_SECONDS = 1.0
_BEAT_MS = 1_000


@dataclass(frozen=True, slots=True)
class ClockStep:
    """The civil time was set."""

    at_boottime_ns: int
    moved_ns: int
    """How far; forward is positive."""


class StepWatch:
    """Tells of every step while it is open.

    Args:
        clock: The unit's clock.
        on_step: Called with each step.
        open_alarm: Makes the alarm's descriptor.
        rang: Whether it rang since the last look.
        offset_ns: Civil time less boot time.
    """

    def __init__(
        self,
        clock: Clock,
        on_step: Callable[[ClockStep], None],
        open_alarm: Callable[[], int] = open_step_alarm,
        rang: Callable[[int], bool] = step_alarm_rang,
        offset_ns: Callable[[], int] = civil_offset_ns,
    ) -> None:
        self._clock = clock
        self._on_step = on_step
        self._rang = rang
        self._offset_ns = offset_ns
        self._alarm = open_alarm()
        self._wake = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self._worker = Worker("clock-steps", clock, self._body)
        self._closed = False

    def start(self) -> None:
        """Begin to watch."""
        self._worker.start()

    def close(self) -> None:
        """Stop watching. Idempotent."""
        if self._closed:
            return
        self._closed = True
        self._worker.request_stop()
        os.eventfd_write(self._wake, 1)
        if self._worker.join(_JOIN_SECONDS):
            os.close(self._alarm)
            os.close(self._wake)

    def _body(self, worker: Worker) -> None:
        older_ns = before_ns = self._offset_ns()
        poll = select.poll()
        poll.register(self._alarm, select.POLLIN)
        poll.register(self._wake, select.POLLIN)
        while not worker.stop.is_set():
            poll.poll(_BEAT_MS)
            worker.beat()
            # Read before the alarm is asked: a step that comes in between rings once more, and is measured then.
            now_ns = self._offset_ns()
            if not self._rang(self._alarm):
                older_ns, before_ns = before_ns, now_ns
                continue
            now_ns = self._offset_ns()
            # The kernel sets the clock first and rings then: the look before this one may have seen it moved already.
            step = ClockStep(self._clock.boottime_ns(), now_ns - older_ns)
            older_ns = before_ns = now_ns
            log.warning("clock: the civil time was set, by %+.6f s", step.moved_ns / 1e9)
            self._on_step(step)

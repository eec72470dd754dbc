"""Calls into libraries that may hang, held to a limit.

Rules of this module: a call that does not come back in time is left to its thread, and the caller goes on; a hanging
library must never take the thread of whoever needs the part.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Generic, TypeVar

from hal.errors import TransientHardwareError
from hal.ports import Clock
from hal.worker import Worker

log = logging.getLogger(__name__)

Result = TypeVar("Result")


class GuardedCall(Generic[Result]):
    """One call on a thread of its own.

    Args:
        name: What is done, for messages and as the thread's name.
        clock: The clock by which the limit runs.
        action: The call.
        too_late: Called on the thread with the result when nobody waited for it any more.
    """

    def __init__(
        self,
        name: str,
        clock: Clock,
        action: Callable[[], Result],
        too_late: Callable[[Result], None] | None = None,
    ) -> None:
        self._name = name
        self._action = action
        self._too_late = too_late
        self._lock = threading.Lock()
        self._given_up = False
        self._running = False
        self._results: list[Result] = []
        self._errors: list[Exception] = []
        self._worker = Worker(name, clock, self._body)

    @property
    def running(self) -> bool:
        """Whether the call was made and has not come back yet."""
        return self._running

    def run(self, limit_seconds: float) -> Result:
        """Make the call and wait for it.

        Returns:
            What the call gave.

        Raises:
            TransientHardwareError: It did not come back in time; it goes on by itself.
            Exception: Whatever the call raised.
        """
        self._running = True
        self._worker.start()
        self._worker.join(limit_seconds)
        with self._lock:
            self._given_up = not self._results and not self._errors
        if self._given_up:
            raise TransientHardwareError(f"{self._name} did not come back within {limit_seconds:g} s; it is left alone")
        if self._errors:
            raise self._errors[0]
        return self._results[0]

    def _body(self, _: Worker) -> None:
        try:
            result = self._action()
        except Exception as error:  # noqa: BLE001 -- whatever a library raises is the caller's to judge
            with self._lock:
                self._errors.append(error)
                self._running = False
            return
        with self._lock:
            self._results.append(result)
            nobody_waits = self._given_up
            self._running = nobody_waits
        if nobody_waits:
            self._clean_up(result)

    def _clean_up(self, result: Result) -> None:
        log.warning("%s came back after all, too late", self._name)
        try:
            if self._too_late is not None:
                self._too_late(result)
        finally:
            self._running = False

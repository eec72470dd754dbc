"""Tickets: what a caller holds while the writer's thread works on its request.

Rules of this module: no thread of its own, and no hardware; the clock's flags are handed in.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import Generic, Protocol, TypeVar

from sealing.errors import SealingError, SealingTimeoutError

log = logging.getLogger(__name__)

Result = TypeVar("Result")


class Flag(Protocol):
    """What a ticket needs of a signal (`hal.ports.Signal`)."""

    def set(self) -> None:
        """Raise the flag."""
        ...

    def clear(self) -> None:
        """Lower the flag."""
        ...

    def is_set(self) -> bool:
        """Tell whether the flag is up."""
        ...


class Waiting(Protocol):
    """What a ticket needs of a clock (`hal.ports.Clock`)."""

    def signal(self) -> Flag:
        """Make a lowered flag."""
        ...

    def wait(self, signal: Flag, timeout_seconds: float | None = None) -> bool:
        """Wait for a flag; tells whether it was up."""
        ...


class Ticket(Generic[Result]):
    """What comes of one request. Made by the service.

    Args:
        clock: The clock by which `result` waits.
    """

    def __init__(self, clock: Waiting) -> None:
        self._clock = clock
        self._done: Flag = clock.signal()
        self._lock = threading.Lock()
        self._outcome: Result | None = None
        self._error: SealingError | None = None
        self._callbacks: list[Callable[[Ticket[Result]], None]] = []

    @property
    def done(self) -> bool:
        """Whether the request is through, well or not."""
        return self._done.is_set()

    def result(self, timeout_seconds: float | None) -> Result:
        """Wait for the outcome, by the clock; None waits until it is there.

        Raises:
            SealingTimeoutError: It is not through yet.
            SealingError: What the writer raised.
        """
        if not self._clock.wait(self._done, timeout_seconds):
            raise SealingTimeoutError(f"the writer was not through after {timeout_seconds} s; is the medium stalling?")
        if self._error is not None:
            raise self._error
        return self._outcome  # type: ignore[return-value]

    def then(self, callback: Callable[[Ticket[Result]], None]) -> None:
        """Call back when the request is through: on the writer's thread, or here and now when it is already.

        Args:
            callback: Takes the ticket, whose `result(0)` does not wait any more; must return at once.
        """
        with self._lock:
            if not self._done.is_set():
                self._callbacks.append(callback)
                return
        callback(self)

    def complete(self, outcome: Result) -> None:
        """Say that the request went well. The writer's thread only."""
        self._outcome = outcome
        self._finish()

    def fail(self, error: SealingError) -> None:
        """Say why the request did not go well. The writer's thread only."""
        self._error = error
        self._finish()

    def _finish(self) -> None:
        with self._lock:
            callbacks, self._callbacks = self._callbacks, []
            self._done.set()
        for callback in callbacks:
            try:
                callback(self)
            except Exception:
                # A caller's bug must not stop the writer; it is logged with its stack.
                log.exception("a callback of the sealing service failed")

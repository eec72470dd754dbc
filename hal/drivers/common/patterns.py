"""Playing on-off patterns on lamps and motors (DR-32).

Rules of this module: `play` only hands over; one worker switches. A newer pattern ends the running one at once.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

from hal.ports import Clock
from hal.worker import Worker

log = logging.getLogger(__name__)

State = TypeVar("State")
_BEAT_SECONDS = 1.0
_JOIN_SECONDS = 1.0
_MILLI = 1000


@dataclass(frozen=True, slots=True)
class Step(Generic[State]):
    """One state and how long it lasts."""

    state: State
    ms: int


class PatternPlayer(Generic[State]):
    """Switches something through patterns.

    Args:
        name: Name of its thread.
        clock: The unit's clock.
        switch: Sets the state of the device; may raise OSError.
        rest: State when nothing plays, and at the end.
    """

    def __init__(self, name: str, clock: Clock, switch: Callable[[State], None], rest: State) -> None:
        self._name = name
        self._clock = clock
        self._switch = switch
        self._rest = rest
        self._steps: Sequence[Step[State]] = ()
        self._repeat = False
        self._changed = clock.signal()
        self._worker = Worker(name, clock, self._body)

    def start(self) -> None:
        """Begin to play what comes."""
        self._worker.start()

    def play(self, steps: Sequence[Step[State]], *, repeat: bool) -> None:
        """Play these steps from now on. Never blocks."""
        self._steps, self._repeat = steps, repeat
        self._changed.set()

    def close(self) -> None:
        """Go to rest and end the thread. Idempotent."""
        self._worker.request_stop()
        self._changed.set()
        self._worker.join(_JOIN_SECONDS)

    def _body(self, worker: Worker) -> None:
        while True:
            worker.beat()
            self._changed.clear()
            # Asked behind the flag: whoever ends this raises both, and the flag is lost if that was a moment ago.
            if worker.stop.is_set():
                break
            steps, repeat = self._steps, self._repeat
            if not self._round(worker, steps):
                continue
            if not repeat:
                self._set(self._rest)
            if not repeat or len(steps) < 2:  # noqa: PLR2004 -- a single step repeated is a steady one
                self._idle(worker)
        self._set(self._rest)

    def _round(self, worker: Worker, steps: Sequence[Step[State]]) -> bool:
        """Play all steps once; says whether nothing newer came."""
        for step in steps:
            self._set(step.state)
            if self._clock.wait(self._changed, step.ms / _MILLI):
                return False
            worker.beat()
        return True

    def _idle(self, worker: Worker) -> None:
        while not self._clock.wait(self._changed, _BEAT_SECONDS):
            worker.beat()

    def _set(self, state: State) -> None:
        try:
            self._switch(state)
        except OSError:
            log.exception("%s does not switch", self._name)

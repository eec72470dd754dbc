"""When the unit's counter is attested.

Rules of this module: on the writer's thread. Recording never waits for a counter that does not answer: that is sealed
as a fault, and it is asked again when the next TICK is due. The counter is raised only when its TICK is on the medium,
so that a power cut never makes it look as if a record were missing (`FORMAT.md`, SF-43).
"""

from __future__ import annotations

import logging
from typing import Final

from hal.ports import Clock
from sealing.chain_output import ChainOutput
from sealing.errors import BodyError, SealingError, StorageFaultError, WriterStateError
from sealing.records import Fault
from sealing.ticks import Counter

log = logging.getLogger(__name__)

_NS: Final = 1_000_000_000
_COUNTER_FAULT: Final = ("counter", "no-answer")


class Metronome:
    """Seals TICKs.

    Args:
        counter: The unit's counter; None where it has none, and nothing is ever sealed.
        output: Where they go.
        clock: Says when one is due.
        period_seconds: Longest time between two while recording.
    """

    def __init__(self, counter: Counter | None, output: ChainOutput, clock: Clock, period_seconds: int) -> None:
        self._counter = counter
        self._output = output
        self._clock = clock
        self._period_ns = period_seconds * _NS
        self._last_ns: int | None = None
        self._owed = 0
        self._failing = output.stands(*_COUNTER_FAULT)

    def beat_if_due(self) -> None:
        """As `beat`, when the period is over.

        Raises:
            StorageFaultError: As `beat`.
        """
        if self._last_ns is None or self._clock.boottime_ns() - self._last_ns >= self._period_ns:
            self.beat()

    def beat(self) -> None:
        """Seal a TICK into the open file and raise the counter.

        Raises:
            StorageFaultError: The medium failed; the counter was not raised.
        """
        if self._counter is None:
            return
        try:
            self._raise(self._counter)
            self._output.attest(self._counter)
            self._owed = 1
            self._last_ns = self._clock.boottime_ns()
            self._raise(self._counter)
        except (StorageFaultError, WriterStateError, BodyError):
            raise
        except SealingError as error:
            self._last_ns = self._clock.boottime_ns()
            self._note(error)
        else:
            self._note(None)

    def _raise(self, counter: Counter) -> None:
        """Raise the counter for a TICK that is on the medium; one that failed to be raised is raised later."""
        if self._owed:
            counter.advance()
            self._owed = 0

    def _note(self, error: SealingError | None) -> None:
        """Seal that the counter does not answer, or does so again."""
        failing = error is not None
        if error is not None:
            log.error("the counter: %s", error)
        if failing is not self._failing:
            self._failing = failing
            self._output.append(Fault(*_COUNTER_FAULT, failing))

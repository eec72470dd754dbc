"""Finding that civil time was moved against monotonic time (R17, CS-18).

Rules of this module: pure. It counts as the verifier does (`sealing/FORMAT.md`, section 8, step 13): drift is followed
as far as it can be drift, and what small steps add up to is a step.
"""

from __future__ import annotations

from typing import Final

from capture.events import ClockStepped
from hal.values import ClockReading, TimeSource

CLOCK_STEP_NS: Final = 500_000_000
"""Civil against monotonic time: what moves further is a step."""
_DRIFT_PER_MILLION: Final = 1_000
_MILLION: Final = 1_000_000


class StepFinder:
    """Follows the difference of both clocks.

    Args:
        start: Both clocks as they stood when the chain was taken up: what moves from then on has to be sealed.
    """

    def __init__(self, start: ClockReading) -> None:
        self._offset_ns = start.utc_ns - start.boottime_ns
        self._at_boottime_ns = start.boottime_ns
        self._source: TimeSource = start.source

    def look(self, now: ClockReading) -> ClockStepped | None:
        """Compare with the look before; a step, or another source of the time, is given once."""
        passed_ns = now.boottime_ns - self._at_boottime_ns
        moved_ns = now.utc_ns - now.boottime_ns - self._offset_ns
        before, self._source, self._at_boottime_ns = self._source, now.source, now.boottime_ns
        if abs(moved_ns) > CLOCK_STEP_NS or now.source is not before:
            self._offset_ns += moved_ns
            return ClockStepped(moved_ns, before.value, now.source.value)
        drift_ns = passed_ns * _DRIFT_PER_MILLION // _MILLION
        self._offset_ns += min(max(moved_ns, -drift_ns), drift_ns)
        return None

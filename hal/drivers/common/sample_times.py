"""Numbers and times of captured samples, from what a card says when it is read (DR-23, DR-24).

Rules of this module: pure. A reading is late by as much as the reading thread was; a delay-locked loop takes that out
without losing the card's own rate, and restarts where samples were lost.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

_SECOND_NS = 1_000_000_000
_BANDWIDTH_HZ = 0.3
_PERIOD_ERROR_MAX = 1_000e-6
"""No card is farther from its nominal rate."""
_GAP_NS = 120_000_000
"""A block later than this has samples missing before it, or a server that held it up."""
_CONFIRM_NS = 300_000_000
"""What was held up comes in a burst, and the lateness goes; what stays late for so long misses samples."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Where a block belongs."""

    first_sample: int
    captured_ns: int
    lost_samples: int


class SampleTimes:
    """Follows one stretch of capture.

    Args:
        rate_hz: Nominal sample rate.
        started_ns: When capture was started; no sample is older.
    """

    def __init__(self, rate_hz: int, started_ns: int) -> None:
        self._nominal_ns = _SECOND_NS / rate_hz
        self._started_ns = started_ns
        self._period_ns = self._nominal_ns
        self._next_sample = 0
        self._next_ns: float | None = None
        self._late_since_ns: int | None = None
        self._late_ns = 0.0

    def block(self, count: int, oldest_ns: int, *, overrun: bool = False) -> Stamp:
        """Place a block.

        Args:
            count: Samples in it.
            oldest_ns: Measured time of its first sample.
            overrun: Whether the card said that it lost samples before it.
        """
        oldest_ns = max(oldest_ns, self._started_ns)
        if self._next_ns is None:
            self._next_ns = float(oldest_ns)
            overrun = False
        error_ns = oldest_ns - self._next_ns
        missing_ns = max(0.0, error_ns) if overrun else self._confirmed_gap_ns(oldest_ns, error_ns)
        lost = round(missing_ns / self._period_ns)
        self._next_ns += missing_ns
        error_ns -= missing_ns
        captured_ns = self._next_ns
        first_sample = self._next_sample + lost
        self._advance(count, 0.0 if error_ns > _GAP_NS else error_ns)
        self._next_sample = first_sample + count
        return Stamp(first_sample, max(round(captured_ns), self._started_ns), lost)

    def _confirmed_gap_ns(self, oldest_ns: int, error_ns: float) -> float:
        """How long a gap is that no card told of, once it is sure that it is one; 0 until then."""
        if error_ns <= _GAP_NS:
            self._late_since_ns = None
            return 0.0
        if self._late_since_ns is None:
            self._late_since_ns, self._late_ns = oldest_ns, error_ns
        self._late_ns = min(self._late_ns, error_ns)
        if oldest_ns - self._late_since_ns < _CONFIRM_NS:
            return 0.0
        self._late_since_ns = None
        return self._late_ns

    def _advance(self, count: int, error_ns: float) -> None:
        """Second-order loop: time and period both follow the measured error."""
        omega = 2 * math.pi * _BANDWIDTH_HZ * count * self._nominal_ns / _SECOND_NS
        self._next_ns = (self._next_ns or 0.0) + count * self._period_ns + math.sqrt(2) * omega * error_ns
        period_ns = self._period_ns + omega * omega * error_ns / count
        low, high = (self._nominal_ns * (1 + sign * _PERIOD_ERROR_MAX) for sign in (-1, 1))
        self._period_ns = min(max(period_ns, low), high)

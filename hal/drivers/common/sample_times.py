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
"""A block that is later than this was not late: samples are missing before it."""


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
        lost = 0
        if overrun or error_ns > _GAP_NS:
            lost = max(0, round(error_ns / self._period_ns))
            self._next_ns = float(oldest_ns)
            error_ns = 0.0
        captured_ns = self._next_ns
        first_sample = self._next_sample + lost
        self._advance(count, error_ns)
        self._next_sample = first_sample + count
        return Stamp(first_sample, max(round(captured_ns), self._started_ns), lost)

    def _advance(self, count: int, error_ns: float) -> None:
        """Second-order loop: time and period both follow the measured error."""
        omega = 2 * math.pi * _BANDWIDTH_HZ * count * self._nominal_ns / _SECOND_NS
        self._next_ns = (self._next_ns or 0.0) + count * self._period_ns + math.sqrt(2) * omega * error_ns
        period_ns = self._period_ns + omega * omega * error_ns / count
        low, high = (self._nominal_ns * (1 + sign * _PERIOD_ERROR_MAX) for sign in (-1, 1))
        self._period_ns = min(max(period_ns, low), high)

"""How long pack and medium last: drain and bit rate as measured while recording (R1).

Rules of this module: no part is asked here; readings and their times come in. A jump is not a drain: a pack that was
exchanged, or a camera that began anew, begins a new measurement.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from hal.values import BatteryReading

DRAIN_WINDOW_SECONDS = 600.0
DRAIN_SPAN_SECONDS = 300.0
"""A drain by charge needs so long a stretch, and a drop that no rounding of the gauge makes."""
DRAIN_DROP_PERCENT = 2.0
JUMP_PERCENT = 1.0
"""More between two readings is another pack, or a gauge that corrects itself."""
RATE_WINDOW_SECONDS = 60.0
RATE_SPAN_SECONDS = 10.0
_SECOND_NS = 1_000_000_000
_MINUTES_PER_HOUR = 60


@dataclass(frozen=True, slots=True)
class _Reading:
    at_ns: int
    battery: BatteryReading


class DrainMeter:
    """Measures what a recording takes from the pack.

    Args:
        known_percent_per_hour: What a recording before took; it stands until this unit has measured anew.
    """

    def __init__(self, known_percent_per_hour: float | None = None) -> None:
        self._readings: deque[_Reading] = deque()
        self.known_percent_per_hour = known_percent_per_hour
        """What a recording takes of the pack as measured last; None before anything was measured."""

    def add(self, at_ns: int, battery: BatteryReading) -> None:
        """Take a reading made while recording."""
        last = self._readings[-1].battery if self._readings else None
        jumped = last is not None and abs(last.charge_percent - battery.charge_percent) > JUMP_PERCENT
        if jumped or battery.charging:
            self._readings.clear()
        if battery.charging:
            return
        self._readings.append(_Reading(at_ns, battery))
        while at_ns - self._readings[0].at_ns > DRAIN_WINDOW_SECONDS * _SECOND_NS:
            self._readings.popleft()
        self.known_percent_per_hour = self._by_charge() or self._by_power() or self.known_percent_per_hour

    def pause(self) -> None:
        """The recording is over: what was measured stands, and is not mixed with an idle unit's drain."""
        self._readings.clear()

    @property
    def known(self) -> bool:
        """Whether a recording's drain was measured."""
        return self.known_percent_per_hour is not None

    def minutes_left(self, battery: BatteryReading) -> int | None:
        """Whole minutes of recording in the pack; None while charging, and where nothing tells the drain."""
        rate = self.known_percent_per_hour or _percent_per_hour(battery)
        if battery.charging or rate is None:
            return None
        return int(battery.charge_percent / rate * _MINUTES_PER_HOUR)

    def _by_charge(self) -> float | None:
        first, last = self._readings[0], self._readings[-1]
        span_seconds = (last.at_ns - first.at_ns) / _SECOND_NS
        drop = first.battery.charge_percent - last.battery.charge_percent
        if span_seconds < DRAIN_SPAN_SECONDS or drop < DRAIN_DROP_PERCENT:
            return None
        return drop / span_seconds * 3600

    def _by_power(self) -> float | None:
        rates = [rate for each in self._readings if (rate := _percent_per_hour(each.battery)) is not None]
        return sum(rates) / len(rates) if rates else None


class BitRateMeter:
    """Measures what camera and encoder really deliver."""

    def __init__(self) -> None:
        self._counts: deque[tuple[int, int]] = deque()
        self.bits_per_second: int | None = None
        """Of the last minute that was recorded; None before 10 s were."""

    def add(self, at_ns: int, total_bytes: int) -> None:
        """Take the bytes delivered since the camera was started."""
        if self._counts and total_bytes < self._counts[-1][1]:
            self._counts.clear()
        self._counts.append((at_ns, total_bytes))
        while at_ns - self._counts[0][0] > RATE_WINDOW_SECONDS * _SECOND_NS:
            self._counts.popleft()
        first_ns, first_bytes = self._counts[0]
        if at_ns - first_ns >= RATE_SPAN_SECONDS * _SECOND_NS:
            self.bits_per_second = (total_bytes - first_bytes) * 8 * _SECOND_NS // (at_ns - first_ns)

    def pause(self) -> None:
        """The recording is over: what was measured stands."""
        self._counts.clear()


def _percent_per_hour(battery: BatteryReading) -> float | None:
    """Drain that the gauge tells of itself; None where it does not."""
    if not battery.draw_mw or not battery.capacity_mwh:
        return None
    return battery.draw_mw / battery.capacity_mwh * 100

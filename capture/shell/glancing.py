"""Looking at a unit that records: figures for the rules of `capture.conditions`, and what is left of pack and medium.

Rules of this module: the watch's thread alone; it asks and remembers, and judges nothing.
"""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from capture.conditions import UNCLIPPED_SECONDS, WHOLE_SECONDS, Glance, Losses
from capture.endurance import BitRateMeter, DrainMeter
from capture.preflight import Measurements, recordable_minutes
from capture.shell.kept_drain import KeptDrain
from capture.shell.measuring import Measuring
from hal.values import BatteryReading

GAUGE_NS = 5_000_000_000
"""The gauge is asked so often."""


class Glances:
    """Makes glances.

    Args:
        measuring: Asks the parts.
        kept: The drain that recordings before had.
    """

    def __init__(self, measuring: Measuring, kept: KeptDrain) -> None:
        self._measuring = measuring
        self._kept = kept
        self._drain = DrainMeter(kept.percent_per_hour)
        self._rate = BitRateMeter()
        self._battery: BatteryReading | None = None
        self._asked_ns = -GAUGE_NS
        self._clipped: deque[int] = deque(maxlen=UNCLIPPED_SECONDS)
        self._counted = (0, 0)
        self._losses: deque[Losses] = deque(maxlen=WHOLE_SECONDS)
        self._whole_until = self._seen_until = measuring.losses()

    def pause(self) -> None:
        """Nothing is being recorded."""
        self._clipped.clear()
        self._losses.clear()
        self._whole_until = self._seen_until = self._measuring.losses()
        self._drain.pause()
        self._kept.keep(self._drain.known_percent_per_hour)
        self._rate.pause()
        self._asked_ns = -GAUGE_NS

    def glance(self, now_ns: int) -> Glance:
        """Look now, once a second; under 0.1 s."""
        self._rate.add(now_ns, self._measuring.picture_bytes())
        battery, heat = self._gauge(now_ns), self._measuring.heat()
        counted = self._measuring.losses()
        self._losses.append(counted.since(self._seen_until))
        self._seen_until = counted
        return Glance(
            now_ns=now_ns,
            last_signal_ns=self._measuring.last_signal_ns(),
            signal_came=self._measuring.signal_came(),
            pictures=self._measuring.pictures(),
            battery_minutes=None if battery is None else self._drain.minutes_left(battery),
            battery_percent=None if battery is None else battery.charge_percent,
            charging=battery is not None and battery.charging,
            storage_minutes=self._storage_minutes(),
            waiting_seconds=self._measuring.waiting_bytes() * 8 / self._bits_per_second(),
            temperature_celsius=heat.temperature_celsius,
            undervoltage=heat.undervoltage,
            clipped_permille=self._clipping(),
            losses=tuple(self._losses),
            lost=counted.since(self._whole_until),
        )

    def measure(self, *, running: bool) -> Measurements:
        """Every figure of the checks, with the pack's minutes and the bit rate as measured (R1).

        Args:
            running: Camera and microphone run, so that what the gauge tells is a recording's drain.
        """
        measured = self._measuring.measure()
        told = measured.battery is not None and (running or self._drain.known)
        return replace(
            measured,
            battery_minutes=self._drain.minutes_left(measured.battery) if told and measured.battery else None,
            bitrate_bps=self._rate.bits_per_second or measured.bitrate_bps,
        )

    def _clipping(self) -> tuple[int, ...]:
        """Share at full scale of what came since the last look, behind those of the looks before."""
        samples, clipped = self._measuring.sound_counts()
        before, clipped_before = self._counted if samples >= self._counted[0] else (0, 0)
        self._counted = (samples, clipped)
        if samples > before:
            self._clipped.append((clipped - clipped_before) * 1000 // (samples - before))
        return tuple(self._clipped)

    def _gauge(self, now_ns: int) -> BatteryReading | None:
        if now_ns - self._asked_ns >= GAUGE_NS:
            self._asked_ns = now_ns
            self._battery = self._measuring.battery()
            if self._battery is not None:
                self._drain.add(now_ns, self._battery)
        return self._battery

    def _storage_minutes(self) -> int | None:
        reading = self._measuring.storage()
        if reading is None:
            return None
        return recordable_minutes(reading.free_bytes - self._measuring.reserve_bytes, self._bits_per_second())

    def _bits_per_second(self) -> int:
        return self._rate.bits_per_second or self._measuring.asked_bits_per_second()

"""The battery over the whole examination, for `recorder doctor`: at rest, and while camera and card draw from it.

Rules of this module: asks the gauge when told to; judges what it said.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from agent.doctor_values import BatteryPoint, Finding, Outcome
from hal.errors import HardwareError
from hal.ports import Hardware
from hal.values import BatteryReading

_LOW_PERCENT: Final = 20.0
_EMPTY_PERCENT: Final = 5.0
_CELL_EMPTY_MV: Final = 2_500
SAG_PERCENT_MAX: Final = 10.0
"""A pack whose voltage falls by more of itself under a recorder's load is worn, or its wiring is thin."""
JUMP_PERCENT_MAX: Final = 10.0
"""A charge that moves by more within an examination is a gauge that does not know its pack."""
_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class _Taken:
    at_ns: int
    reading: BatteryReading


class BatteryCurve:
    """Charge and voltage from the first trial to the last.

    Args:
        hardware: Whose gauge is asked.
    """

    def __init__(self, hardware: Hardware) -> None:
        self._hardware = hardware
        self._taken: list[_Taken] = []
        self._fault: str | None = None

    def note(self) -> None:
        """Ask the gauge now."""
        try:
            reading = self._hardware.battery.read()
        except HardwareError as error:
            self._fault = str(error)
            return
        self._taken.append(_Taken(self._hardware.clock.boottime_ns(), reading))

    @property
    def points(self) -> tuple[BatteryPoint, ...]:
        """What was read, in the order of time; seconds count from the first point."""
        return tuple(
            BatteryPoint(
                (each.at_ns - self._taken[0].at_ns) / _NS, each.reading.charge_percent, each.reading.voltage_mv
            )
            for each in self._taken
        )

    def finding(self) -> Finding:
        """Judge what was read."""
        if self._fault is not None:
            return Finding("battery", Outcome.FAIL, self._fault)
        if not self._taken:
            return Finding("battery", Outcome.SKIPPED, "the gauge was not asked")
        last = self._taken[-1].reading
        volts = [each.reading.voltage_mv for each in self._taken]
        sag_percent = 100.0 * (volts[0] - min(volts)) / max(volts[0], 1)
        charging = ", charging" if last.charging else ""
        figure = f"{last.charge_percent:.0f} %, {volts[0]} mV at rest, {min(volts)} mV under load{charging}"
        if last.charge_percent < _EMPTY_PERCENT or min(volts) < _CELL_EMPTY_MV:
            return Finding("battery", Outcome.FAIL, figure)
        percents = [each.reading.charge_percent for each in self._taken]
        if max(percents) - min(percents) > JUMP_PERCENT_MAX:
            return Finding(
                "battery", Outcome.DEGRADED, f"{figure}; the gauge jumps by {max(percents) - min(percents):.0f} %"
            )
        if sag_percent > SAG_PERCENT_MAX:
            return Finding("battery", Outcome.DEGRADED, f"{figure}; sags by {sag_percent:.0f} %")
        low = last.charge_percent < _LOW_PERCENT
        return Finding("battery", Outcome.DEGRADED if low else Outcome.PASS, figure)

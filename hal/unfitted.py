"""What stands in `Hardware` where a driver set names no such part: optional parts only.

Rules of this module: says plainly that nothing is known; imports nothing but values, so that the ports may use it.
"""

from __future__ import annotations

from hal.values import ClockComparison, HeatReading


class NoClockCheck:
    """A unit whose civil time can be held against nothing (`hal.ports.ClockCheck`)."""

    def read(self) -> ClockComparison:
        """Nothing is known."""
        return ClockComparison(rtc_difference_ns=None, kernel_offset_ns=None)


class NoHeat:
    """A board that nobody measures (`hal.ports.Heat`)."""

    def read(self) -> HeatReading:
        """Nothing is known."""
        return HeatReading(temperature_celsius=None, throttled=False, undervoltage=False)

"""Parts that are not fitted, and say so.

Rules of this module: nothing pretends to work; what cannot be done is refused for good.
"""

from __future__ import annotations

from hal.errors import PermanentHardwareError
from hal.values import DockReading, LampPattern, VibrationPattern


class NoDock:
    """A unit that no dock can sense (`hal.ports.Dock`)."""

    def read(self) -> DockReading:
        """Never docked."""
        return DockReading(docked=False, changed_boottime_ns=0)


class NoLamps:
    """A unit without a lamp (`hal.ports.Indicators`)."""

    def show(self, pattern: LampPattern) -> None:
        """Refuse. Raises PermanentHardwareError."""
        raise PermanentHardwareError(f"no lamp is fitted to show {pattern.colour.value}")


class NoVibration:
    """A unit without a motor (`hal.ports.Vibration`)."""

    def pulse(self, pattern: VibrationPattern) -> None:
        """Refuse. Raises PermanentHardwareError."""
        raise PermanentHardwareError(f"no vibration motor is fitted for {pattern.meaning or 'a pulse'}")

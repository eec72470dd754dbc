"""Lamps and vibration: what they show goes into the journal.

Rules of this module: a lamp that shows what it already shows is no news.
"""

from __future__ import annotations

from collections.abc import Callable

from hal.errors import PermanentHardwareError
from hal.values import LampColour, LampPattern, VibrationPattern
from hw_sim.journal import Journal


class SimIndicators:
    """The lamps: `hal.ports.Indicators`.

    Args:
        journal: Where the lamp is seen.
        switched: Told whether the lamp draws power.
        fitted: Whether there is a lamp.
    """

    def __init__(self, journal: Journal, switched: Callable[[str, bool], None], *, fitted: bool = True) -> None:
        self._journal = journal
        self._switched = switched
        self._fitted = fitted
        self._shown: LampPattern | None = None

    @property
    def shown(self) -> LampPattern:
        """What a bystander sees now."""
        return self._shown or LampPattern(LampColour.OFF)

    def show(self, pattern: LampPattern) -> None:
        """Show `pattern` until the next call."""
        if not self._fitted:
            raise PermanentHardwareError("no lamp is fitted")
        if pattern != self._shown:
            self._shown = pattern
            self._switched("lamp", pattern.colour is not LampColour.OFF)
            self._journal.note(
                "lamp",
                colour=pattern.colour.value,
                on_ms=pattern.on_ms,
                off_ms=pattern.off_ms,
                meaning=pattern.meaning,
            )


class SimVibration:
    """The motor: `hal.ports.Vibration`.

    Args:
        journal: Where the motor is felt.
        fitted: Whether there is a motor.
    """

    def __init__(self, journal: Journal, *, fitted: bool = True) -> None:
        self._journal = journal
        self._fitted = fitted

    def pulse(self, pattern: VibrationPattern) -> None:
        """Start the pattern."""
        if not self._fitted:
            raise PermanentHardwareError("no vibration motor is fitted")
        self._journal.note("vibration", on_off_ms=" ".join(map(str, pattern.on_off_ms)), meaning=pattern.meaning)

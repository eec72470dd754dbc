"""The board's heat and its supply: the driver reads, the world heats.

Rules of this module: as a Raspberry Pi's firmware does, the board slows itself down from 80 °C on, and while its supply
is too weak.
"""

from __future__ import annotations

from hal.values import HeatReading
from hw_sim.memory import Numbers

FIRST_CELSIUS = 45.0
"""A board at work in a room."""
THROTTLED_CELSIUS = 80.0
_MILLI = 1000


class HeatWorld:
    """How hot the board is, and whether its supply holds.

    Args:
        memory: Row of two numbers: thousandths of a degree, 1 while the supply is too weak.
    """

    def __init__(self, memory: Numbers) -> None:
        self._memory = memory

    @staticmethod
    def first_numbers() -> tuple[int, int]:
        """Memory of a fresh world."""
        return round(FIRST_CELSIUS * _MILLI), 0

    @property
    def celsius(self) -> float:
        """Temperature of the board."""
        return self._memory[0] / _MILLI

    @property
    def weak_supply(self) -> bool:
        """Whether the supply is too weak."""
        return self._memory[1] == 1

    def set_celsius(self, celsius: float) -> None:
        """Heat or cool the board."""
        self._memory[0] = round(celsius * _MILLI)

    def set_supply(self, *, weak: bool) -> None:
        """Let the supply sag, or recover."""
        self._memory[1] = int(weak)


class SimHeat:
    """The board's sensors: `hal.ports.Heat`."""

    def __init__(self, world: HeatWorld) -> None:
        self._world = world

    def read(self) -> HeatReading:
        """Measure now."""
        celsius, weak = self._world.celsius, self._world.weak_supply
        return HeatReading(celsius, weak or celsius >= THROTTLED_CELSIUS, weak)

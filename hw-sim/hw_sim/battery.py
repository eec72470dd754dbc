"""A pack that drains by what is switched on and charges in the dock.

Rules of this module: charge is power integrated over the world's time; nobody sets a percentage but the world.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

from hal.errors import PermanentHardwareError, TransientHardwareError
from hal.values import BatteryReading
from hw_sim.civil import NANOSECONDS
from hw_sim.memory import Numbers

_NANO_PER_HOUR = 3600 * NANOSECONDS
_SAG_MV_PER_W = 25
_CURVE_MV = ((0.0, 3300), (5.0, 3500), (20.0, 3650), (50.0, 3800), (80.0, 4000), (100.0, 4180))
"""Open voltage of one lithium cell by charge in percent."""

LOADS_MW = {
    "board": 900,
    "camera": 1600,
    "microphone": 60,
    "speaker": 800,
    "lamp": 30,
    "vibration": 250,
    "network": 500,
}
"""What each part draws while it is on, in milliwatts; the camera's includes its encoder."""
CHARGER_MW = 7500


@dataclass(frozen=True, slots=True)
class Pack:
    """What the cell is like."""

    capacity_mwh: float = 12_000.0
    first_percent: float = 95.0


class BatteryWorld:
    """The pack and everything that draws from it.

    Args:
        pack: The cell.
        memory: Row of two numbers: charge in nanowatt hours, world time of the last integration.
        now_ns: Gives the world's time.
    """

    def __init__(self, pack: Pack, memory: Numbers, now_ns: Callable[[], int]) -> None:
        self.pack = pack
        self.fitted = True
        self.answering = True
        self.charger = False
        self._memory = memory
        self._now_ns = now_ns
        self._on = {"board"}
        self._lock = threading.Lock()

    @staticmethod
    def first_numbers(pack: Pack) -> tuple[int, int]:
        """Memory of a fresh pack at world time 0."""
        return round(pack.capacity_mwh * pack.first_percent / 100 * 1e6), 0

    def switch(self, load: str, on: bool) -> None:
        """Let a part begin or cease to draw."""
        with self._lock:
            self._integrate()
            (self._on.add if on else self._on.discard)(load)

    def plug_charger(self, plugged: bool) -> None:
        """Let the charger feed the pack, or not."""
        with self._lock:
            self._integrate()
            self.charger = plugged

    def set_percent(self, percent: float) -> None:
        """Exchange the cell for one that holds so much."""
        with self._lock:
            self._integrate()
            self._memory[0] = round(self.pack.capacity_mwh * percent / 100 * 1e6)

    def power_was_off(self) -> None:
        """Nothing drew since the last integration."""
        with self._lock:
            self._memory[1] = self._now_ns()

    def draw_mw(self) -> int:
        """Power drawn by all that is on."""
        return sum(LOADS_MW[load] for load in tuple(self._on))

    def percent(self) -> float:
        """Charge now, 0 to 100."""
        with self._lock:
            self._integrate()
            return self._memory[0] / 1e6 / self.pack.capacity_mwh * 100

    def _integrate(self) -> None:
        now_ns = self._now_ns()
        hours = (now_ns - self._memory[1]) / _NANO_PER_HOUR
        flow_mw = (CHARGER_MW if self.charger else 0) - self.draw_mw()
        charge = self._memory[0] + round(flow_mw * hours * 1e6)
        self._memory[0] = min(max(charge, 0), round(self.pack.capacity_mwh * 1e6))
        self._memory[1] = now_ns


class SimBattery:
    """The gauge: `hal.ports.Battery`."""

    def __init__(self, world: BatteryWorld) -> None:
        self._world = world

    def read(self) -> BatteryReading:
        """Measure the pack now."""
        if not self._world.fitted:
            raise PermanentHardwareError("no battery gauge is fitted; give the unit one or set battery in the options")
        if not self._world.answering:
            raise TransientHardwareError("the battery gauge does not answer; try again")
        percent, draw_mw = self._world.percent(), self._world.draw_mw()
        voltage_mv = open_voltage_mv(percent) - draw_mw * _SAG_MV_PER_W // 1000
        return BatteryReading(
            round(percent, 2), voltage_mv, self._world.charger, float(draw_mw), self._world.pack.capacity_mwh
        )


def open_voltage_mv(percent: float) -> int:
    """Voltage of the unloaded cell in millivolts."""
    for (low, low_mv), (high, high_mv) in pairwise(_CURVE_MV):
        if percent <= high:
            return round(low_mv + (percent - low) / (high - low) * (high_mv - low_mv))
    return _CURVE_MV[-1][1]

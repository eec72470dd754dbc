"""The dock: a sense line that is closed while the unit sits in it.

Rules of this module: the driver reads, the world moves.
"""

from __future__ import annotations

from hal.errors import TransientHardwareError
from hal.values import DockReading
from hw_sim.memory import Numbers


class DockWorld:
    """Where the unit is.

    Args:
        memory: Row of two numbers: 1 while docked, CLOCK_BOOTTIME of the last change.
    """

    def __init__(self, memory: Numbers) -> None:
        self.answering = True
        self._memory = memory

    @property
    def docked(self) -> bool:
        """Whether the unit sits in the dock."""
        return self._memory[0] == 1

    @property
    def changed_boottime_ns(self) -> int:
        """CLOCK_BOOTTIME of the last change, 0 when there was none in this boot."""
        return self._memory[1]

    def move(self, *, docked: bool, boottime_ns: int) -> None:
        """Put the unit into the dock or take it out."""
        if docked != self.docked:
            self._memory[1] = boottime_ns
            self._memory[0] = int(docked)

    def booted(self) -> None:
        """A new boot has seen no change yet."""
        self._memory[1] = 0


class SimDock:
    """The sense line: `hal.ports.Dock`."""

    def __init__(self, world: DockWorld) -> None:
        self._world = world

    def read(self) -> DockReading:
        """Read the sense line."""
        if not self._world.answering:
            raise TransientHardwareError("the dock's sense line cannot be read; try again")
        return DockReading(self._world.docked, self._world.changed_boottime_ns)

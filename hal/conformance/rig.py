"""The hardware under test, and the hands that can do something to it.

Rules of this module: what only a person or a world can do (pull a cable, press a button) is a `Fate`; a rig that lacks
one skips the tests that need it, and says so.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import Enum

import pytest

from hal.ports import DriverSet, Hardware


class Fate(Enum):
    """Things that can be done to hardware from outside."""

    UNPLUG_CAMERA = "unplug camera"
    PLUG_CAMERA = "plug camera"
    UNPLUG_MICROPHONE = "unplug microphone"
    PLUG_MICROPHONE = "plug microphone"
    PRESS_RECORD = "press and let go the record button"
    DOCK = "put into the dock"
    UNDOCK = "take out of the dock"
    FILL_STORAGE = "fill the medium"
    HEAT = "heat the board to 85 °C"


@dataclass(frozen=True)
class Rig:
    """Opened hardware.

    Args:
        name: The driver set's entry point.
        driver_set: What opened it.
        hardware: What it gave.
        fates: What can be done to it; each returns at once.
        wrong_option: An option that the driver set must refuse.
    """

    name: str
    driver_set: DriverSet
    hardware: Hardware
    fates: Mapping[Fate, Callable[[], None]] = field(default_factory=dict)
    wrong_option: tuple[str, str | int | float | bool] = ("no_such_option", 1)

    def pass_time(self, seconds: float) -> None:
        """Wait by the hardware's clock."""
        self.hardware.clock.wait(self.hardware.clock.signal(), seconds)

    def do(self, fate: Fate) -> None:
        """Do something to the hardware; skips the test when this rig cannot."""
        if fate not in self.fates:
            pytest.skip(f"this rig cannot {fate.value}")
        self.fates[fate]()


class RigConformance:
    """What every part of the suite stands on."""

    @pytest.fixture
    def rig(self) -> Iterator[Rig]:
        """Open the hardware, and close it after the test. Override this."""
        raise NotImplementedError("a driver set's tests override the fixture rig")

    @pytest.fixture
    def hardware(self, rig: Rig) -> Iterator[Hardware]:
        """The hardware, with the test's thread living by its clock."""
        with rig.hardware.clock.participate():
            yield rig.hardware

"""Both driver sets pass the suite: `pi` on real picamera2, real ALSA and gpiozero's mock pins, `linux` on a webcam."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from hal.conformance import Fate, HardwareConformance, Rig
from hal.conformance.camera import CameraConformance
from hal.conformance.drivers import DriverSetConformance
from hal.drivers.common.clock_unit import UnitClock
from hal.drivers.linux.driver_set import LinuxDriverSet, LinuxParts
from tests.tiers.a_chroot.bench_unit import DOCK_PIN, BenchUnit
from tests.unit.hal_drivers.drawn_webcam import DrawnWebcam


class TestPi(HardwareConformance):
    @pytest.fixture
    def rig(self, unit: BenchUnit) -> Iterator[Rig]:
        dock = unit.pins.pin(DOCK_PIN)
        yield Rig(  # noqa: PT022 -- as in the suite that is overridden
            "pi",
            unit.drivers,
            unit.hardware,
            {
                Fate.UNPLUG_CAMERA: unit.camera.unplug,
                Fate.PLUG_CAMERA: unit.camera.plug,
                Fate.UNPLUG_MICROPHONE: unit.sound.stop,
                Fate.PLUG_MICROPHONE: unit.sound.start,
                Fate.PRESS_RECORD: unit.press,
                Fate.DOCK: dock.drive_low,
                Fate.UNDOCK: dock.drive_high,
                Fate.FILL_STORAGE: unit.fill,
                Fate.HEAT: lambda: unit.heat(85.0),
            },
        )


class TestLinux(DriverSetConformance, CameraConformance):
    """With a webcam that is drawn; sound, storage and clock are the parts that `pi` has too."""

    @pytest.fixture
    def rig(self, tmp_path: Path) -> Iterator[Rig]:
        webcam = DrawnWebcam(UnitClock())
        drivers = LinuxDriverSet(LinuxParts(device=lambda _: webcam.open()))
        hardware = drivers.open({}, str(tmp_path / "spool"))

        def plug(plugged: bool) -> None:
            webcam.plugged = plugged

        fates = {Fate.UNPLUG_CAMERA: lambda: plug(False), Fate.PLUG_CAMERA: lambda: plug(True)}
        yield Rig("linux", drivers, hardware, fates)
        drivers.close()

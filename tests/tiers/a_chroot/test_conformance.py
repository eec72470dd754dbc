"""The driver set `pi` passes the suite on real picamera2, real ALSA, and gpiozero's mock pins."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from gpiozero.pins.mock import MockFactory, MockPWMPin

from hal.conformance import Fate, HardwareConformance, Rig
from hal.drivers.common.clock_unit import UnitClock
from hal.drivers.pi.driver_set import PiDriverSet, PiParts
from hal.drivers.pi.picamera import PicameraSession
from hal.worker import Worker
from tests.tiers.a_chroot.sound_server import MICROPHONE, SPEAKER, SoundServer
from tests.tiers.a_chroot.virtual_camera import VirtualCamera

RECORD_PIN, DOCK_PIN = 17, 26
SPOOL_MIB = 64
LEFT_BYTES = 8192


class Bench:
    """A unit on the bench, and the hands that do things to it."""

    def __init__(self, tmp_path: Path) -> None:
        self.clock = UnitClock()
        self.pins = MockFactory(pin_class=MockPWMPin)
        self.camera = VirtualCamera(self.clock)
        self.sound = SoundServer(tmp_path / "sound", self.clock)
        self.spool = tmp_path / "spool"
        self.spool.mkdir()
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SPOOL_MIB}m", "spool", str(self.spool)], check=True)
        self.workers: list[Worker] = []
        self.sound.start()
        supplies = tmp_path / "power_supply"
        battery = supplies / "max17048"
        battery.mkdir(parents=True)
        for name, value in {
            "type": "Battery",
            "status": "Discharging",
            "capacity": "87",
            "voltage_now": "3960000",
        }.items():
            (battery / name).write_text(f"{value}\n")
        parts = PiParts(
            camera=lambda _: lambda: PicameraSession(self.camera.open, "NV12"),
            camera_model=lambda _: "Virtual Video Device",
            pins=lambda: self.pins,
            power_supplies=supplies,
        )
        self.drivers = PiDriverSet(parts)
        self.hardware = self.drivers.open({"microphone": MICROPHONE, "speaker": SPEAKER}, str(self.spool))

    def press(self) -> None:
        """Contacts that bounce, for 100 ms, by a hand of its own."""
        worker = Worker("hand", self.clock, self._press)
        self.workers.append(worker)
        worker.start()

    def _press(self, worker: Worker) -> None:
        pin = self.pins.pin(RECORD_PIN)
        for last in (pin.drive_low, pin.drive_high):
            for _ in range(4):
                pin.drive_low()
                self.clock.wait(worker.stop, 0.001)
                pin.drive_high()
                self.clock.wait(worker.stop, 0.001)
            last()
            self.clock.wait(worker.stop, 0.1)

    def fill(self) -> None:
        room = os.statvfs(self.spool)
        size = room.f_bavail * room.f_frsize - LEFT_BYTES
        descriptor = os.open(self.spool / ".ballast", os.O_CREAT | os.O_WRONLY)
        os.posix_fallocate(descriptor, 0, size)
        os.close(descriptor)

    def close(self) -> None:
        self.drivers.close()
        for worker in self.workers:
            worker.request_stop()
            assert worker.join(2.0)
        self.sound.stop()
        subprocess.run(["umount", str(self.spool)], check=True)


@pytest.fixture(name="bench")
def bench_fixture(tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(tmp_path)
    yield bench
    bench.close()


class TestPi(HardwareConformance):
    @pytest.fixture
    def rig(self, bench: Bench) -> Iterator[Rig]:
        dock = bench.pins.pin(DOCK_PIN)
        yield Rig(  # noqa: PT022 -- as in the suite that is overridden
            "pi",
            bench.drivers,
            bench.hardware,
            {
                Fate.UNPLUG_CAMERA: bench.camera.unplug,
                Fate.PLUG_CAMERA: bench.camera.plug,
                Fate.UNPLUG_MICROPHONE: bench.sound.stop,
                Fate.PLUG_MICROPHONE: bench.sound.start,
                Fate.PRESS_RECORD: bench.press,
                Fate.DOCK: dock.drive_low,
                Fate.UNDOCK: dock.drive_high,
                Fate.FILL_STORAGE: bench.fill,
            },
        )

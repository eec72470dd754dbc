"""A unit on the bench, and the hands that do things to it."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

from gpiozero.pins.mock import MockFactory, MockPWMPin

from hal.drivers.common.alsa import AlsaPcm
from hal.drivers.common.clock_unit import UnitClock
from hal.drivers.pi.driver_set import PiDriverSet, PiParts
from hal.drivers.pi.picamera import PicameraSession
from hal.worker import Worker
from tests.tiers.a_chroot.sound_server import MICROPHONE, SPEAKER, SoundServer
from tests.tiers.a_chroot.virtual_camera import VirtualCamera

RECORD_PIN, DOCK_PIN = 17, 26
_LEFT_BYTES = 8192
_THROTTLED_CELSIUS = 80.0
_JOIN_SECONDS = 60.0


class BenchUnit:
    """The driver set `pi` on the virtual camera, the sound server and mock pins."""

    def __init__(self, directory: Path, spool_mib: int = 64) -> None:
        self.clock = UnitClock()
        self.pins = MockFactory(pin_class=MockPWMPin)
        self.camera = VirtualCamera(self.clock)
        self.sound = SoundServer(directory / "sound", self.clock)
        self.spool = directory / "spool"
        self.spool.mkdir()
        # A medium of its own, small enough to be filled.
        subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={spool_mib}m", "spool", str(self.spool)], check=True)
        self.sysfs = directory / "sys"
        self.heat(48.0)
        self._hands: list[Worker] = []
        self.sound.start()
        parts = PiParts(
            camera=lambda _: lambda: PicameraSession(self.camera.open, "NV12"),
            camera_model=lambda _: "Virtual Video Device",
            pcm=AlsaPcm,
            pins=lambda: self.pins,
            power_supplies=_battery(directory / "power_supply"),
            sysfs=self.sysfs,
        )
        self.drivers = PiDriverSet(parts)
        self.hardware = self.drivers.open({"microphone": MICROPHONE, "speaker": SPEAKER}, str(self.spool))

    def press(self) -> None:
        """Press the record button for 100 ms with contacts that bounce, by a hand of its own."""
        hand = Worker("hand", self.clock, self._press)
        self._hands.append(hand)
        hand.start()

    def heat(self, celsius: float) -> None:
        """Let kernel and firmware tell of a board that is so hot."""
        hot = celsius >= _THROTTLED_CELSIUS
        for path, text in (
            ("class/thermal/thermal_zone0/temp", round(celsius * 1000)),
            ("devices/platform/soc/soc:firmware/get_throttled", 4 if hot else 0),
        ):
            (self.sysfs / path).parent.mkdir(parents=True, exist_ok=True)
            (self.sysfs / path).write_text(f"{text}\n")

    def fill(self) -> None:
        """Leave almost no room on the spool's medium."""
        room = os.statvfs(self.spool)
        descriptor = os.open(self.spool / ".ballast", os.O_CREAT | os.O_WRONLY)
        os.posix_fallocate(descriptor, 0, room.f_bavail * room.f_frsize - _LEFT_BYTES)
        os.close(descriptor)

    def pass_time(self, seconds: float) -> None:
        """Wait for real."""
        self.clock.wait(self.clock.signal(), seconds)

    def close(self) -> None:
        """Take everything apart."""
        self.drivers.close()
        for hand in self._hands:
            hand.request_stop()
            assert hand.join(_JOIN_SECONDS)
        self.sound.stop()
        subprocess.run(["umount", str(self.spool)], check=True)

    def _press(self, hand: Worker) -> None:
        pin = self.pins.pin(RECORD_PIN)
        for rest in (pin.drive_low, pin.drive_high):
            for _ in range(4):
                pin.drive_low()
                self.clock.wait(hand.stop, 0.001)
                pin.drive_high()
                self.clock.wait(hand.stop, 0.001)
            rest()
            self.clock.wait(hand.stop, 0.1)


def _battery(supplies: Path) -> Path:
    folder = supplies / "max17048"
    folder.mkdir(parents=True)
    facts = {"type": "Battery", "status": "Discharging", "capacity": "87", "voltage_now": "3960000"}
    for name, value in facts.items():
        (folder / name).write_text(f"{value}\n")
    return supplies

"""The driver set `linux`: a webcam, a sound card and a keyboard on any Linux machine (DR-1 to DR-4).

Rules of this module: options and composition. What reaches hardware is handed in as `LinuxParts`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from hal.drivers.common import power_supply
from hal.drivers.common.alsa import AlsaPcm, PcmFactory
from hal.drivers.common.alsa_microphone import AlsaMicrophone
from hal.drivers.common.alsa_speaker import AlsaSpeaker
from hal.drivers.common.camera_run import GuardedCamera
from hal.drivers.common.clock_check import UnitClockCheck
from hal.drivers.common.clock_unit import RTC, UnitClock
from hal.drivers.common.guarded_battery import GuardedBattery
from hal.drivers.common.nothing import NoDock, NoVibration
from hal.drivers.common.options import Option, OptionReader
from hal.drivers.common.power_supply import KernelBattery, PowerDock
from hal.drivers.common.storage_life import UnitStorage
from hal.drivers.common.thermal import SYSFS, BoardHeat
from hal.drivers.linux.keyboard import KEYS, KeyboardButtons, NoButtons
from hal.drivers.linux.v4l2 import V4l2Device
from hal.drivers.linux.webcam import VideoDevice, WebcamSession
from hal.errors import DriverSetError
from hal.ports import Buttons, Clock, Hardware
from hal.values import ButtonName, LampPattern, PartDescription

log = logging.getLogger(__name__)

NAME = "linux"
_NONE = "none"


@dataclass(frozen=True, slots=True)
class LinuxParts:
    """What reaches the hardware; the defaults are the real things."""

    device: Callable[[Path], VideoDevice] = V4l2Device
    pcm: PcmFactory = AlsaPcm
    power_supplies: Path = power_supply.SYSFS
    rtc: Path = RTC
    sysfs: Path = SYSFS


@dataclass(frozen=True, slots=True)
class LinuxOptions:
    """Everything that can be said of the machine beforehand."""

    camera: Path
    microphone: str
    speaker: str
    keyboard: Path | None
    keys: Mapping[ButtonName, int]
    docks_on_power: bool


class LoggedLamps:
    """A lamp for machines that have none (`hal.ports.Indicators`): what it would show stands in the log."""

    def __init__(self) -> None:
        self._shown: LampPattern | None = None

    def show(self, pattern: LampPattern) -> None:
        """Say it, once for each change."""
        if pattern != self._shown:
            self._shown = pattern
            log.info("lamp: %s %d/%d ms %s", pattern.colour.value, pattern.on_ms, pattern.off_ms, pattern.meaning)


class LinuxDriverSet:
    """`hal.ports.DriverSet` for a desk.

    Args:
        parts: What reaches the hardware.
    """

    def __init__(self, parts: LinuxParts | None = None) -> None:
        self._parts = LinuxParts() if parts is None else parts
        self._open: ExitStack | None = None

    def open(self, options: dict[str, Option], spool_directory: str) -> Hardware:
        """Check the options, then open every part; the camera opens when it starts.

        Raises:
            DriverSetError: An option is wrong.
            HardwareError: The spool or the keyboard cannot be had.
        """
        if self._open is not None:
            raise DriverSetError("the driver set linux is open already; close it first")
        read = read_options(options)
        with ExitStack() as opened:
            hardware = self._put_together(read, Path(spool_directory), opened)
            self._open = opened.pop_all()
        return hardware

    def close(self) -> None:
        """Give every part back, the newest first."""
        opened, self._open = self._open, None
        if opened is not None:
            opened.close()

    def _put_together(self, options: LinuxOptions, spool: Path, opened: ExitStack) -> Hardware:
        parts = self._parts
        clock = UnitClock(parts.rtc)
        camera = GuardedCamera(
            clock,
            lambda: WebcamSession(clock, lambda: parts.device(options.camera)),
            PartDescription("camera", options.camera.name, f"V4L2 {options.camera}, libx264"),
        )
        opened.callback(camera.close)
        microphone = AlsaMicrophone(clock, options.microphone, parts.pcm)
        opened.callback(microphone.stop)
        return Hardware(
            driver_set=NAME,
            simulated=False,
            clock=clock,
            battery=GuardedBattery(KernelBattery(parts.power_supplies), clock),
            storage=UnitStorage(spool),
            camera=camera,
            microphone=microphone,
            speaker=AlsaSpeaker(clock, options.speaker, parts.pcm),
            buttons=_open_buttons(clock, options, opened),
            indicators=LoggedLamps(),
            vibration=NoVibration(),
            dock=PowerDock(clock, parts.power_supplies) if options.docks_on_power else NoDock(),
            heat=BoardHeat(parts.sysfs),
            clock_check=UnitClockCheck(clock, parts.rtc),
        )


def driver_set() -> LinuxDriverSet:
    """Make the driver set: the entry point `linux` of the group `recorder.hal_drivers`."""
    return LinuxDriverSet()


def read_options(given: Mapping[str, Option]) -> LinuxOptions:
    """Check and read options. Raises DriverSetError."""
    reader = OptionReader(NAME, given)
    keyboard = reader.text("keyboard", _NONE)
    record = reader.one_of("record_key", KEYS, "f9")
    mark = reader.one_of("mark_key", KEYS, "f10")
    options = LinuxOptions(
        Path(reader.text("camera", "/dev/video0")),
        reader.text("microphone", "default"),
        reader.text("speaker", "default"),
        None if keyboard == _NONE else Path(keyboard),
        {ButtonName.RECORD: record, ButtonName.MARK: mark},
        reader.one_of("dock", {"power": True, _NONE: False}, _NONE),
    )
    reader.finish()
    if record == mark:
        raise DriverSetError("hal.options.mark_key is the record key too; give each button a key of its own")
    return options


def _open_buttons(clock: Clock, options: LinuxOptions, opened: ExitStack) -> Buttons:
    if options.keyboard is None:
        return NoButtons()
    buttons = KeyboardButtons(clock, options.keyboard, options.keys)
    opened.callback(buttons.close)
    buttons.start()
    return buttons

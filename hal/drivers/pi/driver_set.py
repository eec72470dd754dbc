"""The driver set `pi`: puts the parts of a Raspberry Pi class unit together (DR-1 to DR-4).

Rules of this module: composition only. What reaches hardware is handed in as `PiParts`, so that everything else runs
wherever its library does.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from hal.drivers.common import power_supply
from hal.drivers.common.alsa import AlsaPcm, PcmFactory
from hal.drivers.common.alsa_microphone import AlsaMicrophone
from hal.drivers.common.alsa_speaker import AlsaSpeaker
from hal.drivers.common.batteries import open_battery, open_smbus
from hal.drivers.common.camera_run import CameraSession, GuardedCamera
from hal.drivers.common.clock_check import UnitClockCheck
from hal.drivers.common.clock_steps import ClockStep, StepWatch
from hal.drivers.common.clock_unit import UnitClock
from hal.drivers.common.gauges import WordBus
from hal.drivers.common.guarded import GuardedCall
from hal.drivers.common.guarded_battery import GuardedBattery
from hal.drivers.common.nothing import NoDock, NoLamps, NoVibration
from hal.drivers.common.options import Option
from hal.drivers.common.storage_life import UnitStorage
from hal.drivers.common.thermal import BoardHealth, BoardHeat, read_board
from hal.drivers.pi import picamera
from hal.drivers.pi.lines import InputLine, Panel, open_pin_factory
from hal.drivers.pi.options import NAME, PiOptions, read_options
from hal.drivers.pi.panel import GpioButtons, GpioDock, GpioLamps, GpioVibration
from hal.errors import DriverSetError
from hal.ports import Clock, Dock, Hardware, Indicators, Vibration
from hal.values import PartDescription

if TYPE_CHECKING:
    from gpiozero.pins import Factory

log = logging.getLogger(__name__)

_LISTING_SECONDS = 10.0


def _open_camera(options: PiOptions) -> Callable[[], CameraSession]:
    open_camera = picamera.open_picamera(options.camera)
    return lambda: picamera.PicameraSession(open_camera, options.pixel_format)


@dataclass(frozen=True, slots=True)
class PiParts:
    """What reaches the hardware; the defaults are the real things."""

    camera: Callable[[PiOptions], Callable[[], CameraSession]] = _open_camera
    camera_model: Callable[[int], str] = picamera.camera_model
    pcm: PcmFactory = AlsaPcm
    pins: Callable[[], Factory] = open_pin_factory
    i2c: Callable[[int], WordBus] = open_smbus
    power_supplies: Path = power_supply.SYSFS
    sysfs: Path = field(default=Path("/sys"))


class PiDriverSet:
    """`hal.ports.DriverSet` for Raspberry Pi class units.

    Args:
        parts: What reaches the hardware.
        on_step: Called when somebody set the civil time.
    """

    def __init__(self, parts: PiParts | None = None, on_step: Callable[[ClockStep], None] | None = None) -> None:
        self._parts = PiParts() if parts is None else parts
        self._on_step = _ignore if on_step is None else on_step
        self._open: ExitStack | None = None

    def open(self, options: dict[str, Option], spool_directory: str) -> Hardware:
        """Check the options, then open every part.

        Raises:
            DriverSetError: An option is wrong, or a library is missing.
            HardwareError: The spool cannot be had.
        """
        if self._open is not None:
            raise DriverSetError("the driver set pi is open already; close it first")
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

    def health(self) -> BoardHealth:
        """What the board says of heat and power, and has said since it booted."""
        return read_board(self._parts.sysfs)

    def _put_together(self, options: PiOptions, spool: Path, opened: ExitStack) -> Hardware:
        parts, board = self._parts, options.board
        sessions = parts.camera(options)
        clock = UnitClock(options.rtc, options.rtc_error_seconds)
        steps = StepWatch(clock, self._on_step)
        opened.callback(steps.close)
        steps.start()
        camera = GuardedCamera(clock, sessions, self._describe_camera(clock, options))
        opened.callback(camera.close)
        pins = parts.pins()
        opened.callback(pins.close)
        buttons, dock = _open_panel(pins, clock, options, opened)
        microphone = AlsaMicrophone(clock, board.microphone, parts.pcm)
        opened.callback(microphone.stop)
        return Hardware(
            driver_set=NAME,
            simulated=False,
            clock=clock,
            battery=GuardedBattery(open_battery(options.gauge, parts.i2c, parts.power_supplies), clock),
            storage=UnitStorage(spool, parts.sysfs, options.smart_report),
            camera=camera,
            microphone=microphone,
            speaker=AlsaSpeaker(clock, board.speaker, parts.pcm),
            buttons=buttons,
            indicators=_open_lamps(pins, clock, options, opened),
            vibration=_open_vibration(pins, clock, options, opened),
            dock=dock,
            heat=BoardHeat(parts.sysfs),
            clock_check=UnitClockCheck(clock, options.rtc),
        )

    def _describe_camera(self, clock: Clock, options: PiOptions) -> PartDescription:
        listing = GuardedCall("camera-list", clock, lambda: self._parts.camera_model(options.camera))
        try:
            model = listing.run(_LISTING_SECONDS)
        except Exception:
            # Listing is for the record alone: a unit whose libcamera is ill shall still come up and say so.
            log.exception("camera %d cannot be listed", options.camera)
            model = "unknown"
        return PartDescription("camera", model, f"libcamera {options.camera}")


def driver_set() -> PiDriverSet:
    """Make the driver set: the entry point `pi` of the group `recorder.hal_drivers`."""
    return PiDriverSet()


def _open_panel(pins: Factory, clock: Clock, options: PiOptions, opened: ExitStack) -> tuple[GpioButtons, Dock]:
    board = options.board
    lines = {
        button: InputLine(pins, clock, pin, active_low=board.buttons_active_low)
        for button, pin in options.buttons.items()
    }
    buttons = GpioButtons(lines)
    dock: Dock = NoDock()
    inputs = list(lines.values())
    if board.dock_pin is not None:
        sense = InputLine(pins, clock, board.dock_pin, active_low=board.dock_active_low)
        dock = GpioDock(sense)
        inputs.append(sense)
    panel = Panel(clock, inputs)
    opened.callback(panel.close)
    panel.start()
    return buttons, dock


def _open_lamps(pins: Factory, clock: Clock, options: PiOptions, opened: ExitStack) -> Indicators:
    if not options.lamps:
        return NoLamps()
    lamps = GpioLamps(pins, clock, options.lamps, active_high=options.board.lamps_active_high)
    opened.callback(lamps.close)
    return lamps


def _open_vibration(pins: Factory, clock: Clock, options: PiOptions, opened: ExitStack) -> Vibration:
    if options.board.vibration_pin is None:
        return NoVibration()
    vibration = GpioVibration(pins, clock, options.board.vibration_pin)
    opened.callback(vibration.close)
    return vibration


def _ignore(_: ClockStep) -> None:
    """A step is logged by its watch; nobody else wants to know."""

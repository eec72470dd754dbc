"""The driver sets as wholes: composition, refusal, and everything given back."""

from __future__ import annotations

import sys
import threading
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import ClassVar, Self

import numpy as np
import pytest
from gpiozero.pins import Factory
from gpiozero.pins.mock import MockFactory

from hal.conformance.camera import Spoiled, Stripe
from hal.drivers.common import clock_steps, patterns
from hal.drivers.common.camera_run import USUAL, CameraSession, GuardedCamera
from hal.drivers.common.guarded_battery import GuardedBattery
from hal.drivers.linux import driver_set as linux
from hal.drivers.linux.driver_set import LinuxDriverSet, LinuxParts
from hal.drivers.pi import driver_set as pi
from hal.drivers.pi import lines
from hal.drivers.pi.driver_set import PiDriverSet, PiParts
from hal.drivers.pi.options import PiOptions
from hal.drivers.pi.picamera import FrameNotes
from hal.drivers.system_clock import SystemClock
from hal.errors import DriverSetError, HardwareError, PermanentHardwareError, TransientHardwareError
from hal.registry import load_driver_set
from hal.values import CameraSettings, HeatReading, LampColour, LampPattern, PictureStatistics, VibrationPattern
from tests.support.clocks import ManualClock
from tests.unit.hal_drivers.drawn_webcam import DrawnWebcam
from tests.unit.hal_drivers.sound_card import SoundCard
from tests.unit.hal_drivers.sysfs import Sysfs

_PATIENCE_SECONDS = 60.0


@pytest.fixture(autouse=True)
def a_thread_without_a_turn_is_not_cut_off(monkeypatch: pytest.MonkeyPatch) -> None:
    """The sets' clock is the machine's: what its limits cut off on a busy one hangs in no library and no bus."""
    limits = replace(USUAL, **dict.fromkeys(("start_seconds", "stop_seconds", "close_seconds"), _PATIENCE_SECONDS))
    for module in (pi, linux):
        monkeypatch.setattr(module, "GuardedBattery", partial(GuardedBattery, limit_seconds=_PATIENCE_SECONDS))
        monkeypatch.setattr(module, "GuardedCamera", partial(GuardedCamera, limits=limits))
    for module in (clock_steps, lines, patterns):
        monkeypatch.setattr(module, "_JOIN_SECONDS", _PATIENCE_SECONDS)


def no_camera(_: PiOptions) -> Callable[[], CameraSession]:
    def open_session() -> CameraSession:
        raise IndexError("list index out of range")

    return open_session


def ill_listing(number: int) -> str:
    raise RuntimeError(f"camera manager does not start for {number}")


def parts(sysfs: Sysfs, pins: Callable[[], Factory] = MockFactory) -> PiParts:
    return PiParts(
        camera=no_camera,
        camera_model=ill_listing,
        pcm=SoundCard(ManualClock()).open,
        pins=pins,
        power_supplies=sysfs.supplies,
        sysfs=sysfs.root,
    )


def test_pi_opens_everything_that_is_wired(tmp_path: Path, sysfs: Sysfs) -> None:
    """DR-1, DR-3, DR-4: a camera that is ill is told later; closing leaves no thread."""
    sysfs.write("class/thermal/thermal_zone0/temp", "48000")
    before = set(threading.enumerate())
    drivers = PiDriverSet(parts(sysfs))
    hardware = drivers.open({"mark_pin": -1}, str(tmp_path / "spool"))
    assert (hardware.driver_set, hardware.simulated) == ("pi", False)
    assert list(hardware.buttons.fitted()) == ["record"]
    assert hardware.camera.describe().model == "unknown"
    with pytest.raises(TransientHardwareError, match="does not open"):
        hardware.camera.start(CameraSettings(), _Deaf())
    hardware.indicators.show(LampPattern(LampColour.RED))
    hardware.vibration.pulse(VibrationPattern((10,)))
    assert not hardware.dock.read().docked
    assert drivers.health().temperature_celsius == 48
    assert hardware.heat.read() == HeatReading(48.0, throttled=False, undervoltage=False)
    with pytest.raises(DriverSetError, match="open already"):
        drivers.open({}, str(tmp_path / "spool"))
    drivers.close()
    drivers.close()
    assert set(threading.enumerate()) <= before


def test_pi_on_a_desk_has_one_button_and_no_more(tmp_path: Path, sysfs: Sysfs) -> None:
    """DR-9, DR-32, DR-33: what is not there is refused for good."""
    drivers = PiDriverSet(parts(sysfs))
    hardware = drivers.open({"board": "desk"}, str(tmp_path / "spool"))
    with pytest.raises(PermanentHardwareError):
        hardware.battery.read()
    with pytest.raises(PermanentHardwareError):
        hardware.indicators.show(LampPattern(LampColour.RED))
    with pytest.raises(PermanentHardwareError):
        hardware.vibration.pulse(VibrationPattern((10,)))
    assert not hardware.dock.read().docked
    drivers.close()


def test_a_part_that_does_not_open_takes_the_others_with_it(tmp_path: Path, sysfs: Sysfs) -> None:
    """DR-3: nothing is left behind by a set that failed to open, and it can be opened afterwards."""
    before = set(threading.enumerate())

    def refuse() -> Factory:
        raise DriverSetError("GPIO does not open: no such chip")

    with pytest.raises(DriverSetError, match="no such chip"):
        PiDriverSet(parts(sysfs, refuse)).open({}, str(tmp_path / "spool"))
    with pytest.raises(HardwareError, match="cannot be made"):
        PiDriverSet(parts(sysfs)).open({}, str(tmp_path / "no" / "spool"))
    assert set(threading.enumerate()) <= before


def test_pi_says_which_library_is_missing(tmp_path: Path) -> None:
    """DR-2: on a machine that is no Pi, by name and before anything is opened."""
    with pytest.raises(DriverSetError, match="install the extra pi"):
        load_driver_set("pi").open({}, str(tmp_path / "spool"))
    assert not (tmp_path / "spool").exists()


def test_linux_opens_without_a_keyboard_and_without_a_camera(tmp_path: Path, sysfs: Sysfs) -> None:
    """DR-1, DR-4: the camera is opened when it is started."""
    webcam = DrawnWebcam(SystemClock())
    set_up = LinuxParts(lambda _: webcam.open(), SoundCard(ManualClock()).open, sysfs.supplies, sysfs.root / "rtc")
    drivers = LinuxDriverSet(set_up)
    hardware = drivers.open({"camera": "/dev/video3", "dock": "power"}, str(tmp_path / "spool"))
    assert (hardware.driver_set, hardware.camera.describe().model, webcam.opened) == ("linux", "video3", 0)
    assert not hardware.dock.read().docked
    sysfs.supply("ac", type="Mains", online="1")
    assert hardware.dock.read().docked
    hardware.indicators.show(LampPattern(LampColour.GREEN, meaning="ready"))
    with pytest.raises(DriverSetError, match="open already"):
        drivers.open({}, str(tmp_path / "spool"))
    hardware.camera.start(CameraSettings(), _Deaf())
    assert webcam.opened == 1
    drivers.close()
    drivers.close()


class _Deaf:
    def frame(self, frame: object) -> None:
        pass

    def fault(self, reason: str) -> None:
        pass


class Request:
    """A completed request as far as its metadata go."""

    def __init__(self, captured_ns: int) -> None:
        self._captured_ns = captured_ns

    def get_metadata(self) -> dict[str, int]:
        return {"SensorTimestamp": self._captured_ns} if self._captured_ns else {}


class Taker:
    def __init__(self) -> None:
        self.frames: list[tuple[bytes, int, bool]] = []
        self.reasons: list[str] = []

    def expect(self, in_force: CameraSettings) -> None:
        pass

    def frame(
        self, data: bytes, captured_boottime_ns: int, picture: PictureStatistics | None, *, keyframe: bool
    ) -> None:
        if data == b"raise":
            raise ValueError("no room")
        self.frames.append((data, captured_boottime_ns, keyframe))

    def fail(self, reason: str) -> None:
        self.reasons.append(reason)


class Notes(FrameNotes):
    """Without the picture, which is picamera2's to map."""

    def _measure(self, request: object) -> PictureStatistics:
        return PictureStatistics(0.0, 0.0, bytes(144))


def test_a_frame_gets_the_time_of_its_own_request_to_the_nanosecond() -> None:
    """DR-18: the encoder's microseconds find the sensor's nanoseconds, whatever lies between them."""
    taker = Taker()
    notes = Notes(taker, (32, 18, 32))
    times = [123_456_789_012_345, 123_456_822_345_678, 123_456_855_679_011]
    for captured_ns in times:
        notes.note(Request(captured_ns))
    for captured_ns in (times[0], times[2]):
        notes.encoded(b"unit", captured_ns // 1000, keyframe=captured_ns == times[0])
    assert taker.frames == [(b"unit", times[0], True), (b"unit", times[2], False)]


def test_the_librarys_thread_never_sees_an_error() -> None:
    """DR-21: an error there would stop the pictures without a word; here it is a fault."""
    taker = Taker()
    notes = Notes(taker, (32, 18, 32))
    notes.note(Request(0))
    notes.encoded(b"raise", 1, keyframe=True)
    assert ["SensorTimestamp" in taker.reasons[0], "no room" in taker.reasons[1]] == [True, True]


def test_notes_of_frames_that_never_come_are_forgotten() -> None:
    """DR-18: an encoder that drops frames costs no memory."""
    notes = Notes(Taker(), (32, 18, 32))
    for number in range(1, 1000):
        notes.note(Request(number * 33_333_333))
    assert len(notes._notes) == 64


class Mapped:
    """What picamera2 maps of a request: rows of 40 bytes, of which 32 are picture, then the colours."""

    buffer = np.full(40 * 18 * 3 // 2, 100, np.uint8)
    writes: ClassVar[list[bool]] = []

    def __init__(self, request: Request, name: str, *, reshape: bool, write: bool) -> None:
        assert (name, reshape) == ("main", False)
        self.writes.append(write)
        self.array = self.buffer

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        pass


@pytest.mark.parametrize("caption", [Stripe(), Spoiled()])
def test_a_caption_is_drawn_into_the_mapped_request_after_it_was_measured(
    monkeypatch: pytest.MonkeyPatch, caption: Stripe
) -> None:
    """DR-37: padding and colours stay; what it raises is no fault of the camera."""
    monkeypatch.setattr(Mapped, "buffer", Mapped.buffer.copy())
    monkeypatch.setattr(Mapped, "writes", [])
    module = ModuleType("picamera2")
    monkeypatch.setattr(module, "MappedArray", Mapped, raising=False)
    monkeypatch.setitem(sys.modules, "picamera2", module)
    taker = Taker()
    notes = FrameNotes(taker, (32, 18, 40), caption)
    notes.note(Request(5_000_000))
    notes.note(Request(38_333_333))
    luma, colours = Mapped.buffer[: 40 * 18].reshape(18, 40), Mapped.buffer[40 * 18 :]
    drawn = 4 if type(caption) is Stripe else 0
    assert (luma[:drawn, :32] == 235).all()
    assert (luma[drawn:] == 100).all()
    assert (luma[:, 32:] == 100).all()
    assert (colours == 100).all()
    assert Mapped.writes == [False, True, True]
    measured = notes._notes[5_000][1]
    assert measured is not None
    assert measured.mean_luma == 100
    assert caption.times == [5_000_000, 38_333_333]
    assert taker.reasons == []


def test_without_a_caption_no_request_is_mapped_for_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    """DR-37: pictures stay as they are."""
    monkeypatch.setattr(Mapped, "writes", [])
    module = ModuleType("picamera2")
    monkeypatch.setattr(module, "MappedArray", Mapped, raising=False)
    monkeypatch.setitem(sys.modules, "picamera2", module)
    FrameNotes(Taker(), (32, 18, 40)).note(Request(5_000_000))
    assert Mapped.writes == [False]

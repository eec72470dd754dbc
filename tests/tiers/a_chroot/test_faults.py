"""What libraries do when hardware fails, and what the drivers make of it: real picamera2, real ALSA."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from hal.conformance.camera import Gathered
from hal.conformance.sound import tone
from hal.drivers.common.alsa import AlsaPcm
from hal.drivers.common.alsa_speaker import AlsaSpeaker
from hal.drivers.common.clock_unit import UnitClock
from hal.errors import TransientHardwareError
from hal.ports import Clock, Signal
from hal.values import AudioBlock, CameraSettings, MicrophoneSettings
from hal.worker import Worker
from tests.tiers.a_chroot.bench_unit import BenchUnit
from tests.tiers.a_chroot.sound_server import STRICT_SPEAKER
from tests.tiers.a_chroot.virtual_camera import VirtualPicamera2

_SECOND_NS = 1_000_000_000
_SMALL = CameraSettings(320, 240, bitrate_bps=1_000_000)
_FULL = CameraSettings()
_LIMIT_SECONDS = 60.0
"""For what comes by itself, on a machine that others use too."""
_PATIENCE = 13
"""Tenths of a second; after 1.5 s of silence the camera counts as gone."""
_WAITS_BEFORE_DOZING = 25
"""Half a second into a clip."""


def wait_until(unit: BenchUnit, condition: Callable[[], bool], what: str) -> None:
    end_ns = unit.clock.boottime_ns() + round(_LIMIT_SECONDS * _SECOND_NS)
    while not condition():
        assert unit.clock.boottime_ns() < end_ns, f"{what}: not in {_LIMIT_SECONDS:g} s"
        unit.pass_time(0.05)


def record_a_frame(unit: BenchUnit) -> Gathered:
    """Let the camera run until a picture comes; gives what came."""
    gathered = Gathered()
    unit.hardware.camera.start(_SMALL, gathered)
    wait_until(unit, lambda: bool(gathered.frames), "a picture")
    unit.hardware.camera.stop()
    return gathered


def records(unit: BenchUnit) -> bool:
    """Whether the camera can be started, and delivers."""
    try:
        record_a_frame(unit)
    except TransientHardwareError:
        return False
    return True


def taken_by(clock: Clock, begun_ns: int) -> float:
    return (clock.boottime_ns() - begun_ns) / _SECOND_NS


def test_every_frame_of_full_size_that_the_sensor_gave_is_delivered(unit: BenchUnit) -> None:
    """DR-17, DR-18, DR-21: 10 s at 1080p30; what the sensor counted is what came, and the encoder held nothing back."""
    gathered = Gathered()
    in_force = unit.hardware.camera.start(_FULL, gathered)
    assert (in_force.width_pixels, in_force.height_pixels) == (1920, 1080)
    unit.pass_time(10.0)
    sensor = unit.camera.sensor
    sensor.stalled = True
    # A busy machine encodes behind the sensor; but the camera must not need the end for what it took.
    for _ in range(_PATIENCE):
        unit.pass_time(0.1)
        if len(gathered.frames) == sensor.given:
            break
    before_stop, given = len(gathered.frames), sensor.given
    unit.hardware.camera.stop()
    assert len(gathered.frames) == before_stop == given > 60
    assert gathered.faults == []
    assert gathered.frames[0].keyframe
    assert all(early.captured_boottime_ns < late.captured_boottime_ns for early, late in pairwise(gathered.frames))


@pytest.mark.requirement("R13", "all")
def test_frames_that_the_sensor_dropped_are_missing_numbers(unit: BenchUnit) -> None:
    """DR-18: a hole of seven frame times is seven numbers."""
    gathered = Gathered()
    unit.hardware.camera.start(_SMALL, gathered)
    unit.pass_time(1.0)
    sensor = unit.camera.sensor
    sensor.drop = 7
    unit.pass_time(1.0)
    unit.hardware.camera.stop()
    jumps = [(late.sensor_sequence - early.sensor_sequence, early, late) for early, late in pairwise(gathered.frames)]
    jump, early, late = max(jumps, key=lambda each: each[0])
    # A busy machine makes the hole longer, or stamps a picture beside it late: by less than one period.
    passed = (late.captured_boottime_ns - early.captured_boottime_ns) * _SMALL.frames_per_second / _SECOND_NS
    assert jump >= 8
    assert abs(passed - jump) < 1


def test_an_encoder_that_is_silent_is_told(unit: BenchUnit, monkeypatch: pytest.MonkeyPatch) -> None:
    """DR-21: the sensor delivers, nothing comes out of the encoder: a fault, not a recording of nothing."""
    monkeypatch.setattr(VirtualPicamera2, "start_encoder", lambda *_, **__: None)
    monkeypatch.setattr(VirtualPicamera2, "stop_encoder", lambda *_, **__: None)
    gathered = Gathered()
    unit.hardware.camera.start(_SMALL, gathered)
    wait_until(unit, lambda: bool(gathered.faults), "a fault")
    unit.pass_time(0.5)
    unit.hardware.camera.stop()
    assert gathered.frames == []
    assert len(gathered.faults) == 1
    monkeypatch.undo()
    wait_until(unit, lambda: records(unit), "a camera that works again")


@pytest.fixture(name="hanging_stop")
def hanging_stop_fixture(unit: BenchUnit) -> Iterator[Hanging]:
    hanging = Hanging(unit)
    yield hanging
    hanging.release.set()


class Hanging:
    """Makes libcamera's stop hang, as a dead sensor does."""

    def __init__(self, unit: BenchUnit) -> None:
        self.release = unit.clock.signal()
        self._unit = unit

    def begin(self) -> None:
        sensor, clock, release = self._unit.camera.sensor, self._unit.clock, self.release
        stop = sensor.stop

        def hang() -> object:
            clock.wait(release, 30.0)
            return stop()

        sensor.stop = hang  # type: ignore[method-assign]


def test_a_stop_that_hangs_holds_nobody_and_can_end(unit: BenchUnit, hanging_stop: Hanging) -> None:
    """DR-20, DR-22: `stop` returns, `start` says why it cannot; when the library lets go, all is well again."""
    camera, clock = unit.hardware.camera, unit.clock
    gathered = Gathered()
    camera.start(_SMALL, gathered)
    unit.pass_time(1.0)
    hanging_stop.begin()
    begun_ns = clock.boottime_ns()
    camera.stop()
    assert taken_by(clock, begun_ns) < 2.0
    count = len(gathered.frames)
    with pytest.raises(TransientHardwareError, match="still hangs"):
        camera.start(_SMALL, Gathered())
    hanging_stop.release.set()
    wait_until(unit, lambda: records(unit), "a camera that works again")
    assert len(gathered.frames) == count


def open_descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_many_starts_and_stops_leave_no_thread_and_no_descriptor(unit: BenchUnit) -> None:
    """DR-20: a day's shift of sessions."""
    assert record_a_frame(unit).faults == []
    descriptors, threads = open_descriptors(), threading.active_count()
    for _ in range(15):
        assert record_a_frame(unit).faults == []
    # What ends with the last call may end a moment behind it.
    wait_until(unit, lambda: open_descriptors() <= descriptors + 1, f"no more than {descriptors + 1} descriptors")
    wait_until(unit, lambda: threading.active_count() <= threads, f"no more than {threads} threads")


def listen(unit: BenchUnit, seconds: float) -> list[AudioBlock]:
    end_ns = unit.clock.boottime_ns() + round(seconds * _SECOND_NS)
    blocks = []
    while unit.clock.boottime_ns() < end_ns:
        block = unit.hardware.microphone.read(0.25)
        if block is not None:
            blocks.append(block)
    return blocks


def test_a_card_that_stands_still_blocks_nobody(unit: BenchUnit) -> None:
    """DR-25: `read` comes back in its time though ALSA has nothing; what was missed is counted afterwards."""
    microphone, clock = unit.hardware.microphone, unit.clock
    microphone.start(MicrophoneSettings())
    before = listen(unit, 1.0)[-1]
    unit.sound.suspend()
    listen(unit, 0.2)
    for _ in range(4):
        begun_ns = clock.boottime_ns()
        assert microphone.read(0.25) is None
        assert taken_by(clock, begun_ns) < 0.5
    unit.sound.resume()
    after = listen(unit, 2.0)[-1]
    microphone.stop()
    passed_ns = after.captured_boottime_ns - before.captured_boottime_ns
    counted_ns = (after.first_sample - before.first_sample) * _SECOND_NS / 48_000
    assert abs(passed_ns - counted_ns) < 0.15 * _SECOND_NS


def test_a_reader_that_comes_late_learns_what_it_lost(unit: BenchUnit) -> None:
    """DR-23: the card's buffer is half a second; after two, samples are missing and counted, and time is right."""
    microphone = unit.hardware.microphone
    microphone.start(MicrophoneSettings())
    before = listen(unit, 1.0)[-1]
    unit.pass_time(2.0)
    blocks = listen(unit, 2.0)
    microphone.stop()
    expected = before.first_sample + before.sample_count
    for block in blocks:
        expected += block.lost_samples
        assert block.first_sample == expected
        expected += block.sample_count
    after = blocks[-1]
    passed_ns = after.captured_boottime_ns - before.captured_boottime_ns
    counted_ns = (after.first_sample - before.first_sample) * _SECOND_NS / 48_000
    assert abs(passed_ns - counted_ns) < 0.15 * _SECOND_NS


class DozingClock(UnitClock):
    """Stands still once, as a machine does that has too much to do."""

    def __init__(self) -> None:
        super().__init__()
        self._waits = 0

    def wait(self, signal: Signal, timeout_seconds: float | None = None) -> bool:
        self._waits += 1
        return super().wait(signal, 1.0 if self._waits == _WAITS_BEFORE_DOZING else timeout_seconds)


def test_an_underrun_of_the_card_is_told_and_the_clip_goes_on(
    unit: BenchUnit, caplog: pytest.LogCaptureFixture
) -> None:
    """DR-27: alsa-lib's own -32; what follows is played, and the time that it took is the true one."""
    clock = DozingClock()
    speaker = AlsaSpeaker(clock, STRICT_SPEAKER, AlsaPcm)
    begun_ns = clock.boottime_ns()
    playback = speaker.play(tone(2.0), unit.clock.signal())
    assert playback.complete
    assert "ran dry" in caplog.text
    sounded = (playback.ended_boottime_ns - playback.started_boottime_ns) / _SECOND_NS
    assert 2.5 < sounded <= taken_by(clock, begun_ns)


def test_a_loudspeaker_that_is_pulled_out_while_it_sounds_is_told(unit: BenchUnit) -> None:
    """DR-27: the notice was not heard to its end, and nobody may think so."""

    def pull(_: Worker) -> None:
        unit.pass_time(0.5)
        unit.sound.stop()

    hand = Worker("pulls", unit.clock, pull)
    hand.start()
    with pytest.raises(TransientHardwareError):
        unit.hardware.speaker.play(tone(5.0), unit.clock.signal())
    assert hand.join(_LIMIT_SECONDS)

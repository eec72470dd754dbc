"""Picture and sound of a film stay together, over breaks and repeats too."""

from fractions import Fraction
from pathlib import Path

import numpy as np
import pytest

from hal.values import CameraSettings
from hw_sim.media import waveforms
from hw_sim.media.acoustics import Acoustics, Room
from hw_sim.media.camera import SimCamera
from hw_sim.media.stage import Stage
from hw_sim.media.video_file import VideoFile
from hw_sim.media.video_pictures import VideoPictures
from hw_sim.media.video_sound import VideoSound
from tests.unit.hw_sim_media.support import (
    SECOND_NS,
    ClipSpec,
    KeepingSink,
    Listener,
    SmallWorld,
    call,
    decoded,
    make_clip,
)

RATE = 48_000
FLASHES = (10, 55, 110)
"""Pictures that are bright; a tick sounds with each."""


def flashing_clip(path: Path, rate: Fraction, sound_rate: int) -> Path:
    sound = np.zeros((2, 5 * sound_rate), np.float32)
    for flash in FLASHES:
        begin = round(flash / rate * sound_rate)
        sound[:, begin : begin + sound_rate // 100] = 0.8
    lumas = dict.fromkeys(FLASHES, 230)
    return make_clip(path, ClipSpec(160, 120, int(5 * rate), rate, sound=sound, sound_rate=sound_rate, lumas=lumas))


def offsets_ms(path: Path, ppm: float, breaks: tuple[float, ...]) -> list[float]:
    """Time from each flash to its tick, by the stamps of camera and microphone, with the camera out now and then."""
    video, stage, sink = VideoFile(path), Stage(), KeepingSink()
    world = SmallWorld(Acoustics(Room(noise_dbfs=-80), VideoSound(video), stage))
    world.faults.microphone_ppm = ppm
    camera, listener = SimCamera(world, VideoPictures(video), stage), Listener(world)
    listener.start()
    for pause in breaks:
        camera.start(CameraSettings(), sink)
        world.clock.step_by(4.3)
        world.faults.camera_plugged = False
        world.clock.step_by(pause)
        call(world, camera.stop)
        world.faults.camera_plugged = True
    listener.stop()
    world.air.close()
    camera.close()
    bright = [
        frame.captured_boottime_ns
        for frame, luma in zip(sink.frames, decoded(sink.frames), strict=True)
        if luma[70, 80] > 180
    ]
    heard = np.abs(listener.heard())
    starts = np.flatnonzero((heard[1:] > 0.1) & (heard[:-1] <= 0.1)) + 1
    ticks = np.array([listener.time_ns(int(start)) for start in starts])
    assert len(bright) >= 2 * len(breaks)
    return [float(ticks[np.argmin(np.abs(ticks - flash))] - flash) / 1e6 for flash in bright]


@pytest.mark.parametrize("ppm", [0.0, 200.0, -200.0])
@pytest.mark.parametrize(("rate", "sound_rate"), [(Fraction(30), 44_100), (Fraction(25), 48_000)])
def test_flash_and_tick_stay_together(tmp_path: Path, rate: Fraction, sound_rate: int, ppm: float) -> None:
    path = flashing_clip(tmp_path / "flash.mp4", rate, sound_rate)
    measured = offsets_ms(path, ppm, (1.37, 4.01, 0.6, 0.2))
    assert max(map(abs, measured)) < 5, measured


def test_sound_goes_on_while_the_picture_stands_still() -> None:
    stage = Stage(position_ns=100)
    assert stage.sound_pieces(0, 1_000) == []
    stage.roll(1_000)
    stage.hold(1_500)
    assert stage.position_ns(9_000) == 600
    assert stage.sound_pieces(1_400, 1_700) == [(1_400, 1_700, 500)]
    stage.roll(2_000)
    assert stage.sound_pieces(1_900, 2_100) == [(1_900, 2_000, 1_000), (2_000, 2_100, 600)]
    assert stage.position_ns(2_100) == 700


def test_holding_twice_changes_nothing() -> None:
    stage = Stage()
    stage.roll(0)
    stage.hold(50)
    stage.hold(90)
    assert stage.position_ns(1_000) == 50


def test_hours_of_a_film_cost_the_same_memory() -> None:
    """Only the last pieces of time are remembered, however often the camera comes and goes."""
    stage = Stage()
    for hour in range(1_000):
        stage.roll(hour * 3_600 * SECOND_NS)
        stage.hold(hour * 3_600 * SECOND_NS + 5)
    assert len(stage.sound_pieces(0, 10**18)) < 10


def test_a_film_is_quieter_than_the_loudspeaker(tmp_path: Path) -> None:
    room = Room()
    assert room.film_gain_db < room.speaker_gain_db
    assert waveforms.amplitude(room.film_gain_db) == pytest.approx(0.316, abs=0.001)

"""What the simulated camera delivers, read back by a decoder of its own."""

from collections.abc import Iterator
from dataclasses import replace
from fractions import Fraction

import numpy as np
import numpy.typing as npt
import pytest

from hal.errors import PermanentHardwareError, TransientHardwareError
from hal.values import CameraSettings
from hw_sim.media.camera import SimCamera
from hw_sim.media.faults import Frozen
from hw_sim.media.scene import DrawnScene
from hw_sim.media.stage import Stage
from tests.unit.hw_sim_media.support import SECOND_NS, KeepingSink, SmallWorld, call, decoded, numbers

SMALL = CameraSettings(320, 180, Fraction(30), 1_000_000)


class Bench:
    """A camera in a world of its own."""

    def __init__(self) -> None:
        self.world = SmallWorld()
        self.stage = Stage()
        self.sink = KeepingSink()
        self.camera = SimCamera(self.world, DrawnScene(), self.stage)

    def film(self, seconds: float, settings: CameraSettings = SMALL) -> None:
        self.camera.start(settings, self.sink)
        self.world.clock.step_by(seconds)

    def stop(self) -> None:
        call(self.world, self.camera.stop)


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.stop()


def nal_types(data: bytes) -> list[int]:
    starts = [place + 3 for place in range(len(data) - 3) if data[place : place + 3] == b"\0\0\1"]
    return [data[start] & 0x1F for start in starts]


@pytest.mark.parametrize(
    "settings",
    [
        CameraSettings(1920, 1080),
        CameraSettings(642, 362, Fraction(25)),
        CameraSettings(320, 240, Fraction(30_000, 1001)),
    ],
)
def test_every_picture_comes_back_from_the_decoder(bench: Bench, settings: CameraSettings) -> None:
    bench.film(3.0, settings)
    bench.stop()
    given = bench.sink.frames
    assert len(given) == pytest.approx(2.8 * settings.frames_per_second, abs=1.5)
    assert numbers(given) == list(range(len(given)))
    assert [frame.sensor_sequence for frame in given] == list(range(len(given)))


def test_groups_of_pictures_are_closed_and_carry_their_parameters(bench: Bench) -> None:
    bench.film(3.5)
    bench.stop()
    for place, frame in enumerate(bench.sink.frames):
        types = nal_types(frame.data)
        assert frame.keyframe == (place % 30 == 0)
        if frame.keyframe:
            assert types[:2] == [7, 8]
            assert set(types) <= {5, 6, 7, 8}
        else:
            assert set(types) == {1}
    assert numbers(bench.sink.frames[60:]) == list(range(60, len(bench.sink.frames)))


def test_times_are_the_sensors_with_a_little_jitter(bench: Bench) -> None:
    bench.film(5.0)
    bench.stop()
    times = np.array([frame.captured_boottime_ns for frame in bench.sink.frames], np.float64)
    away = times - times[0] - np.arange(times.size) * SECOND_NS / 30
    assert 1_000 < np.abs(away).max() < 1_000_000
    assert (np.diff(times) > 0).all()


def test_odd_sizes_become_even(bench: Bench) -> None:
    in_force = bench.camera.start(CameraSettings(321, 181), bench.sink)
    assert (in_force.width_pixels, in_force.height_pixels) == (320, 180)
    bench.world.clock.step_by(0.5)
    assert decoded(bench.sink.frames)[0].shape == (180, 320)


def test_statistics_come_once_a_second(bench: Bench) -> None:
    bench.film(3.0)
    measured = [frame.picture for frame in bench.sink.frames]
    assert [place for place, picture in enumerate(measured) if picture is not None] == [0, 30, 60]
    assert measured[0] is not None
    assert measured[0].luma_deviation > 20


def test_no_call_after_stop(bench: Bench) -> None:
    bench.film(1.0)
    bench.stop()
    count = len(bench.sink.frames)
    bench.world.clock.step_by(2.0)
    assert len(bench.sink.frames) == count > 0
    assert bench.sink.faults == []
    assert bench.world.notes.cameras == ["start 320x180 30", "stop"]


def test_a_started_camera_is_busy(bench: Bench) -> None:
    bench.film(0.1)
    with pytest.raises(TransientHardwareError, match="busy"):
        bench.camera.start(SMALL, bench.sink)


def test_a_unit_without_camera_says_so_for_good(bench: Bench) -> None:
    bench.world.faults.camera_fitted = False
    with pytest.raises(PermanentHardwareError, match="no camera"):
        bench.camera.start(SMALL, bench.sink)


def test_unplugged_camera_faults_once_and_refuses_until_plugged(bench: Bench) -> None:
    bench.film(1.0)
    bench.world.faults.camera_plugged = False
    count = len(bench.sink.frames)
    bench.world.clock.step_by(1.0)
    assert len(bench.sink.frames) == count
    assert len(bench.sink.faults) == 1
    assert "unplugged" in bench.sink.faults[0]
    bench.stop()
    with pytest.raises(TransientHardwareError, match="plug it in"):
        bench.camera.start(SMALL, bench.sink)
    bench.world.faults.camera_plugged = True
    bench.film(1.0)
    bench.stop()
    assert numbers(bench.sink.frames[count:]) == list(range(count, len(bench.sink.frames)))
    assert bench.sink.frames[count].sensor_sequence == 0
    assert bench.world.notes.cameras == ["start 320x180 30", "unplugged", "start 320x180 30", "stop"]


def test_the_scene_stands_still_while_the_camera_is_out(bench: Bench) -> None:
    bench.film(2.0)
    bench.world.faults.camera_plugged = False
    bench.world.clock.step_by(0.1)
    held_ns = bench.stage.position_ns(bench.world.clock.boottime_ns())
    bench.world.clock.step_by(30.0)
    assert bench.stage.position_ns(bench.world.clock.boottime_ns()) == held_ns
    assert held_ns == pytest.approx(len(bench.sink.frames) * SECOND_NS / 30, abs=2)


def test_frozen_camera_stops_without_a_word(bench: Bench) -> None:
    bench.film(1.0)
    bench.world.faults.camera_frozen = Frozen.STOPS
    count = len(bench.sink.frames)
    bench.world.clock.step_by(3.0)
    assert len(bench.sink.frames) == count
    assert bench.sink.faults == []
    bench.world.faults.camera_frozen = Frozen.NO
    bench.world.clock.step_by(1.0)
    assert len(bench.sink.frames) == pytest.approx(count + 30, abs=1)


def test_frozen_camera_repeats_its_last_picture(bench: Bench) -> None:
    bench.film(1.0)
    bench.world.faults.camera_frozen = Frozen.REPEATS
    count = len(bench.sink.frames)
    bench.world.clock.step_by(3.0)
    assert set(numbers(bench.sink.frames)[count:]) == {count - 1}
    prints = [frame.picture.fingerprint for frame in bench.sink.frames[count:] if frame.picture]
    assert len(prints) == 3
    assert len(set(prints)) == 1
    assert [frame.sensor_sequence for frame in bench.sink.frames] == list(range(len(bench.sink.frames)))


def test_covered_lens_is_black(bench: Bench) -> None:
    bench.world.faults.camera_covered = True
    bench.film(1.0)
    picture = bench.sink.frames[0].picture
    assert picture is not None
    assert picture.mean_luma == 16
    assert picture.luma_deviation == 0
    assert decoded(bench.sink.frames)[5].max() <= 17


def test_dropped_pictures_leave_a_jump_in_the_sequence(bench: Bench) -> None:
    bench.film(1.0)
    before = len(bench.sink.frames)
    bench.world.faults.drop_frames(3)
    bench.world.clock.step_by(1.0)
    sequence = [frame.sensor_sequence for frame in bench.sink.frames]
    assert sequence[before] - sequence[before - 1] == 4
    assert numbers(bench.sink.frames) == sequence


def test_a_late_picture_keeps_its_capture_time_and_none_is_lost(bench: Bench) -> None:
    bench.film(1.0)
    bench.world.faults.delay_frame(0.080)
    before = len(bench.sink.frames)
    bench.world.clock.step_by(0.070)
    assert len(bench.sink.frames) == before
    bench.world.clock.step_by(0.930)
    assert len(bench.sink.frames) == pytest.approx(before + 30, abs=1)
    steps = np.diff([frame.captured_boottime_ns for frame in bench.sink.frames])
    assert np.abs(steps - SECOND_NS / 30).max() < 1_000_000


def test_truth_is_what_was_delivered(bench: Bench) -> None:
    bench.film(2.0)
    bench.world.faults.drop_frames(2)
    bench.world.clock.step_by(1.0)
    bench.stop()
    delivered = [(frame.sensor_sequence, frame.captured_boottime_ns) for frame in bench.sink.frames]
    assert [(sequence, captured_ns) for sequence, captured_ns, _ in bench.world.notes.frames] == delivered
    assert [number for *_, number in bench.world.notes.frames] == numbers(bench.sink.frames)


def test_a_world_that_continues_keeps_place_and_number() -> None:
    bench = Bench()
    bench.stage = Stage(position_ns=90 * SECOND_NS, picture_number=2700)
    bench.camera = SimCamera(bench.world, DrawnScene(), bench.stage)
    bench.film(0.5)
    bench.stop()
    assert numbers(bench.sink.frames)[0] == 2700
    assert bench.stage.position_ns(bench.world.clock.boottime_ns()) > 90 * SECOND_NS


def test_a_still_picture_is_no_frozen_sensor(bench: Bench) -> None:
    bench.world.faults.camera_covered = True
    bench.film(4.0)
    prints = [frame.picture.fingerprint for frame in bench.sink.frames if frame.picture]
    assert len(set(prints)) == len(prints) == 4
    assert {luma for thumbnail in prints for luma in thumbnail} == {15, 16, 17}


class Band:
    """A caption: a white band on top, or nothing at all."""

    def __init__(self, rows: int = 20) -> None:
        self.rows = rows
        self.times: list[int] = []

    def draw(self, luma: npt.NDArray[np.uint8], captured_boottime_ns: int) -> None:
        luma[: self.rows] = 235
        self.times.append(captured_boottime_ns)


def test_a_caption_is_drawn_into_each_picture_and_into_no_other(bench: Bench) -> None:
    """DR-37: a scene shows the same memory again; the letters of before must not stay in it."""
    band = Band()
    bench.film(1.0, replace(SMALL, caption=band))
    band.rows, count = 0, len(bench.sink.frames)
    bench.world.clock.step_by(1.0)
    lumas = decoded(bench.sink.frames)
    drawn = [bool((luma[:16] > 220).all()) for luma in lumas]
    assert 20 < count < len(drawn) - 20
    assert drawn == [index < count for index in range(len(drawn))]
    assert band.times == [frame.captured_boottime_ns for frame in bench.sink.frames]
    assert numbers(bench.sink.frames) == list(range(len(bench.sink.frames)))


def test_a_caption_of_nothing_changes_no_byte() -> None:
    """DR-37, CS-34: what is encoded without a caption is the picture that the camera saw."""
    found = []
    for settings in (SMALL, replace(SMALL, caption=Band(0))):
        bench = Bench()
        bench.film(1.5, settings)
        bench.stop()
        found.append([frame.data for frame in bench.sink.frames])
    assert found[0] == found[1]
    assert len(found[0]) > 30


@pytest.mark.parametrize("fault", ["black", "frozen"])
def test_faults_are_seen_behind_a_caption(bench: Bench, fault: str) -> None:
    """DR-37: measured before it is drawn; a clock that runs in the picture must hide no dead sensor."""
    bench.world.faults.camera_covered = fault == "black"
    bench.film(1.0, replace(SMALL, caption=Band()))
    bench.world.faults.camera_frozen = Frozen.REPEATS if fault == "frozen" else Frozen.NO
    count = len(bench.sink.frames)
    bench.world.clock.step_by(3.0)
    measured = [frame.picture for frame in bench.sink.frames[count:] if frame.picture]
    assert len(measured) == 3
    assert fault == "black" or len({each.fingerprint for each in measured}) == 1
    assert fault == "frozen" or {each.mean_luma for each in measured} == {16}
    assert all((luma[:16] > 220).all() for luma in decoded(bench.sink.frames))

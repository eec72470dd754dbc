"""A camera whose library hangs, stops without a word, refuses, or lies: what the port's promises are worth then."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from fractions import Fraction

import pytest

from hal.drivers.common.camera_run import CameraLimits, FrameTaker, GuardedCamera
from hal.drivers.common.frames import FrameDelivery, SensorCount
from hal.drivers.common.guarded import GuardedCall
from hal.errors import TransientHardwareError
from hal.values import CameraSettings, EncodedFrame, PartDescription
from hal.worker import Worker
from hw_sim.clock import SimClock

CLOCK = SimClock("max")
"""Its time goes on when all of them wait: what a limit of this file cuts off is never a thread that had no turn."""
_LIMITS = CameraLimits(0.3, 0.2, 0.2, 0.2, 0.3, 0.15, 0.08)
_PERIOD_NS = 10_000_000
_SETTINGS = CameraSettings(frames_per_second=Fraction(100))


class Sink:
    """Keeps everything; `trouble` is done with each frame."""

    def __init__(self, trouble: Callable[[], None] | None = None) -> None:
        self.frames: list[EncodedFrame] = []
        self.faults: list[str] = []
        self.fault_came = CLOCK.signal()
        self._trouble = trouble

    def frame(self, frame: EncodedFrame) -> None:
        self.frames.append(frame)
        if self._trouble is not None:
            self._trouble()

    def fault(self, reason: str) -> None:
        self.faults.append(reason)
        self.fault_came.set()


class Library:
    """A camera library and the camera behind it; its faults are plain attributes."""

    def __init__(self) -> None:
        self.release = CLOCK.signal()
        """Lets go what hangs."""
        self.hang_in = ""
        self.fail_in = ""
        self.plugged = True
        self.opened = self.closed = 0

    def open(self) -> Session:
        self.trouble("open")
        self.opened += 1
        return Session(self)

    def trouble(self, where: str) -> None:
        if self.hang_in == where:
            CLOCK.wait(self.release, 5.0)
        if self.fail_in == where:
            raise IndexError("list index out of range")


class Session:
    """One opened camera that delivers on a thread of its own while it is plugged."""

    def __init__(self, library: Library) -> None:
        self._library = library
        self._worker: Worker | None = None
        self._taker: FrameTaker | None = None

    def start(self, settings: CameraSettings, taker: FrameTaker) -> CameraSettings:
        self._library.trouble("start")
        taker.expect(settings)
        self._taker = taker
        self._worker = Worker("library", CLOCK, self._body)
        self._worker.start()
        return settings

    def stop(self) -> None:
        if self._worker is not None:
            self._worker.request_stop()
            self._worker.join(1.0)
        self._library.trouble("stop")

    def close(self) -> None:
        self._library.closed += 1
        if self._worker is not None:
            self._worker.request_stop()
        self._library.trouble("close")

    def _body(self, worker: Worker) -> None:
        begun_ns, number = CLOCK.boottime_ns(), 0
        while not CLOCK.wait(worker.stop, _PERIOD_NS / 1e9):
            if self._library.plugged and self._taker is not None:
                self._taker.frame(b"unit", begun_ns + number * _PERIOD_NS, None, keyframe=number == 0)
            number += 1


@pytest.fixture(autouse=True)
def time_waits_for_the_test() -> Iterator[None]:
    with CLOCK.participate():
        yield


@pytest.fixture(name="library")
def library_fixture() -> Iterator[Library]:
    library = Library()
    yield library
    library.release.set()


@pytest.fixture(name="camera")
def camera_fixture(library: Library) -> Iterator[GuardedCamera]:
    camera = GuardedCamera(CLOCK, library.open, PartDescription("camera", "test"), _LIMITS)
    yield camera
    library.release.set()
    camera.close()


def pass_time(seconds: float) -> None:
    CLOCK.wait(CLOCK.signal(), seconds)


def test_frames_come_in_order_and_none_after_stop(library: Library, camera: GuardedCamera) -> None:
    """DR-18, DR-20: numbered by the sensor's time; a second start uses the opened camera and counts anew."""
    for _ in range(2):
        sink = Sink()
        assert camera.start(_SETTINGS, sink) == _SETTINGS
        pass_time(0.12)
        camera.stop()
        count = len(sink.frames)
        pass_time(0.05)
        assert len(sink.frames) == count > 3
        assert [frame.sensor_sequence for frame in sink.frames] == list(range(count))
        assert sink.faults == []
    assert library.opened == 1
    camera.close()
    assert library.closed == 1


def test_a_camera_that_falls_silent_is_told_once(library: Library, camera: GuardedCamera) -> None:
    """DR-21: libraries do not say it; the watch does."""
    sink = Sink()
    camera.start(_SETTINGS, sink)
    pass_time(0.05)
    library.plugged = False
    assert CLOCK.wait(sink.fault_came, 2.0)
    library.plugged = True
    count = len(sink.frames)
    pass_time(0.1)
    assert len(sink.frames) == count
    assert len(sink.faults) == 1
    assert "no frame" in sink.faults[0]


def test_a_camera_that_only_seems_to_start_is_refused_after_a_fault(library: Library, camera: GuardedCamera) -> None:
    """DR-22: a library goes on listing a camera that is gone; frames decide."""
    sink = Sink()
    camera.start(_SETTINGS, sink)
    library.plugged = False
    assert CLOCK.wait(sink.fault_came, 2.0)
    camera.stop()
    with pytest.raises(TransientHardwareError, match="gives no frame"):
        camera.start(_SETTINGS, Sink())
    library.plugged = True
    after = Sink()
    camera.start(_SETTINGS, after)
    camera.stop()
    assert after.frames
    assert library.opened == 3


def test_a_silence_that_somebody_else_noticed_is_as_good_as_a_fault(library: Library, camera: GuardedCamera) -> None:
    """DR-22: a camera that was stopped for its silence is opened anew, and a start without frames is refused."""
    sink = Sink()
    camera.start(_SETTINGS, sink)
    pass_time(0.05)
    library.plugged = False
    pass_time(0.12)
    camera.stop()
    assert sink.faults == []
    with pytest.raises(TransientHardwareError, match="gives no frame"):
        camera.start(_SETTINGS, Sink())
    assert library.opened == 2


def test_a_library_that_refuses_is_translated(library: Library, camera: GuardedCamera) -> None:
    """DR-22: whatever class it raises, trying again may help; a half-opened camera is given back."""
    for where in ("open", "start"):
        library.fail_in = where
        with pytest.raises(TransientHardwareError, match="plugged in"):
            camera.start(_SETTINGS, Sink())
    assert library.closed == library.opened == 1
    library.fail_in = ""
    camera.start(_SETTINGS, Sink())


def test_a_start_that_hangs_is_left_behind(library: Library, camera: GuardedCamera) -> None:
    """DR-22: `start` comes back; what comes too late is closed, and until then nothing is started beside it."""
    library.hang_in = "start"
    begun_ns = CLOCK.boottime_ns()
    with pytest.raises(TransientHardwareError, match="did not come back"):
        camera.start(_SETTINGS, Sink())
    assert CLOCK.boottime_ns() - begun_ns < 1_500_000_000
    with pytest.raises(TransientHardwareError, match="still hangs"):
        camera.start(_SETTINGS, Sink())
    library.hang_in = ""
    library.release.set()
    pass_time(0.1)
    assert library.closed == 1
    sink = Sink()
    camera.start(_SETTINGS, sink)
    pass_time(0.05)
    assert sink.frames


def test_a_stop_that_hangs_does_not_hold_the_caller(library: Library, camera: GuardedCamera) -> None:
    """DR-20: `stop` comes back, nothing is delivered afterwards, and the camera is closed when it lets go."""
    sink = Sink()
    camera.start(_SETTINGS, sink)
    pass_time(0.05)
    library.hang_in = "stop"
    begun_ns = CLOCK.boottime_ns()
    camera.stop()
    assert CLOCK.boottime_ns() - begun_ns < 1_500_000_000
    count = len(sink.frames)
    library.release.set()
    pass_time(0.1)
    assert len(sink.frames) == count
    assert library.closed == 1
    library.hang_in = ""
    camera.start(_SETTINGS, Sink())


def test_a_library_that_raises_at_the_stop_is_opened_anew(library: Library, camera: GuardedCamera) -> None:
    """DR-20: `stop` raises nothing; what failed is not trusted again."""
    camera.start(_SETTINGS, Sink())
    library.fail_in = "stop"
    camera.stop()
    library.fail_in = ""
    camera.start(_SETTINGS, Sink())
    assert library.opened == 2


def test_starting_twice_is_refused_and_stopping_twice_is_not(camera: GuardedCamera) -> None:
    """DR-20: `stop` is harmless at any time."""
    camera.stop()
    camera.start(_SETTINGS, Sink())
    with pytest.raises(TransientHardwareError, match="busy"):
        camera.start(_SETTINGS, Sink())
    camera.stop()
    camera.stop()
    assert camera.describe() == PartDescription("camera", "test")


def test_a_sensor_whose_time_goes_back_is_a_fault(library: Library) -> None:
    """DR-18: times rise strictly, or the camera is started again."""
    sink = Sink()
    takers: list[FrameTaker] = []

    class Manual(Session):
        def start(self, settings: CameraSettings, taker: FrameTaker) -> CameraSettings:
            takers.append(taker)
            return settings

    camera = GuardedCamera(CLOCK, lambda: Manual(library), PartDescription("camera", "test"), _LIMITS)
    camera.start(_SETTINGS, sink)
    takers[0].frame(b"one", 2_000, None, keyframe=True)
    takers[0].frame(b"two", 1_000, None, keyframe=False)
    assert CLOCK.wait(sink.fault_came, 2.0)
    camera.close()
    assert "went back" in sink.faults[0]
    assert len(sink.frames) == 1


def test_a_sink_that_is_stuck_costs_a_fault_and_no_memory() -> None:
    """DR-21: what arrives is bounded; the library's thread never blocks."""
    release = CLOCK.signal()

    def get_stuck() -> None:
        CLOCK.wait(release, 5.0)

    sink = Sink(get_stuck)
    delivery = FrameDelivery(CLOCK, sink, 1.0, 1.0)
    delivery.start()
    for number in range(400):
        delivery.put(EncodedFrame(b"unit", number, False, number))
    release.set()
    assert CLOCK.wait(sink.fault_came, 2.0)
    delivery.stop(1.0)
    assert "stuck" in sink.faults[0]
    assert len(sink.frames) <= 2


def test_a_gap_in_time_is_a_gap_in_numbers() -> None:
    """DR-18: jitter is none; three periods are three pictures."""
    count = SensorCount(33_333_333)
    times = [0, 33_500_000, 66_500_000, 166_800_000, 200_000_000]
    assert [count.number(each) for each in times] == [0, 1, 2, 5, 6]
    assert count.number(200_000_000) is None


def test_jitter_and_a_rate_that_is_off_add_no_pictures() -> None:
    """DR-18: stamps a third of a period late now and then, and a sensor 3 % slow: every picture is one number."""
    random_late = random.Random(3)
    count = SensorCount(33_333_333)
    numbers = []
    for picture in range(3_000):
        late_ns = 11_000_000 if random_late.random() < 0.1 else random_late.randint(0, 2_000_000)
        numbers.append(count.number(picture * 33_333_333 + late_ns))
    assert numbers == list(range(3_000))
    slow = SensorCount(33_333_333)
    assert [slow.number(picture * 34_333_333) for picture in range(500)] == list(range(500))


def test_a_guarded_call_gives_its_result_and_its_error() -> None:
    """What a library raises is the caller's to judge."""
    assert GuardedCall("gives", CLOCK, lambda: 7).run(1.0) == 7

    def fail() -> None:
        raise KeyError("SensorTimestamp")

    with pytest.raises(KeyError):
        GuardedCall("fails", CLOCK, fail).run(1.0)

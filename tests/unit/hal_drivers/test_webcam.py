"""From a webcam's pictures to the access units of a recorder."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
import pytest

from hal.conformance.camera import Gathered, Spoiled, Stripe, nal_kinds
from hal.drivers.common.camera_run import CameraLimits, GuardedCamera
from hal.drivers.common.encoder import PictureEncoder
from hal.drivers.common.picture import measure
from hal.drivers.linux import v4l2_structs as v4l2
from hal.drivers.linux.webcam import WebcamSession
from hal.values import CameraSettings, Caption, EncodedFrame, PartDescription
from hw_sim.clock import SimClock
from tests.unit.hal_drivers.drawn_webcam import DrawnWebcam, drawing

CLOCK = SimClock("max")
"""Its time goes on when camera and test wait: no picture is late because another process had its turn."""
_RATE = Fraction(100)
_LIMITS = CameraLimits(1.0, 1.5, 1.5, 1.0, 0.5, 0.5)


@pytest.fixture(autouse=True)
def time_waits_for_the_test() -> Iterator[None]:
    with CLOCK.participate():
        yield


def record(
    webcam: DrawnWebcam, seconds: float = 0.6, caption: Caption | None = None
) -> tuple[CameraSettings, Gathered]:
    gathered = Gathered()
    camera = GuardedCamera(
        CLOCK, lambda: WebcamSession(CLOCK, webcam.open, lambda: 0), PartDescription("camera", "drawn"), _LIMITS
    )
    settings = camera.start(CameraSettings(1920, 1080, Fraction(30), 1_000_000, caption), gathered)
    CLOCK.wait(CLOCK.signal(), seconds)
    camera.close()
    return settings, gathered


def pictures(frames: list[EncodedFrame]) -> list[av.VideoFrame]:
    decoder = av.CodecContext.create("h264", "r")
    decoded: list[av.VideoFrame] = []
    for frame in frames:
        decoded += decoder.decode(av.Packet(frame.data))
    return decoded + decoder.decode(None)


@pytest.mark.parametrize("pixel_format", [v4l2.MJPEG, v4l2.YUYV])
def test_every_picture_comes_through_as_it_was_drawn(pixel_format: int) -> None:
    """DR-16, DR-17: by JPEG or packed; each is one access unit that shows what the camera saw."""
    settings, gathered = record(DrawnWebcam(CLOCK, pixel_format, _RATE))
    assert (settings.width_pixels, settings.height_pixels, settings.frames_per_second) == (320, 240, _RATE)
    shown = pictures(gathered.frames)
    assert len(shown) == len(gathered.frames) > 20
    for number in (0, 7, 19):
        luma = shown[number].to_ndarray(format="gray").astype(np.int16)
        place = number * 8 % 320
        assert luma[:, place + 8 : place + 24].mean() > luma.mean() + 60
    assert gathered.faults == []
    first = gathered.frames[0]
    assert first.keyframe
    assert {7, 8, 5} <= set(nal_kinds(first.data))
    assert first.picture is not None
    assert [frame.sensor_sequence for frame in gathered.frames] == list(range(len(gathered.frames)))


def test_a_torn_picture_is_a_dropped_one() -> None:
    """DR-18: it is not made up, and its number is missing."""
    webcam = DrawnWebcam(CLOCK, v4l2.MJPEG, _RATE)
    webcam.broken = {5, 6}
    _, gathered = record(webcam)
    numbers = [frame.sensor_sequence for frame in gathered.frames]
    assert {5, 6}.isdisjoint(numbers)
    assert numbers[:7] == [0, 1, 2, 3, 4, 7, 8]
    assert len(pictures(gathered.frames)) == len(numbers)


def test_a_cable_that_is_pulled_is_told_with_its_reason() -> None:
    """DR-21: once, and then nothing."""
    webcam = DrawnWebcam(CLOCK, v4l2.YUYV, _RATE)
    gathered = Gathered()
    camera = GuardedCamera(
        CLOCK, lambda: WebcamSession(CLOCK, webcam.open, lambda: 0), PartDescription("camera", "drawn"), _LIMITS
    )
    camera.start(CameraSettings(), gathered)
    CLOCK.wait(CLOCK.signal(), 0.2)
    webcam.plugged = False
    CLOCK.wait(CLOCK.signal(), 0.3)
    camera.close()
    assert len(gathered.faults) == 1
    assert "plug it in" in gathered.faults[0]


def test_a_camera_that_stamps_by_another_clock_is_stamped_here() -> None:
    """DR-18: on the clock, when the picture is taken out of the device."""
    webcam = DrawnWebcam(CLOCK, v4l2.YUYV, _RATE)
    webcam.stamped = False
    begun_ns = CLOCK.boottime_ns()
    _, gathered = record(webcam, 0.3)
    assert begun_ns < gathered.frames[0].captured_boottime_ns < CLOCK.boottime_ns()


def test_groups_are_closed_and_as_long_as_the_settings_say() -> None:
    """DR-16: also where the scene changes wholly."""
    settings = CameraSettings(320, 240, Fraction(25), 1_000_000)
    encoder = PictureEncoder(settings)
    keyframes = []
    for number in range(60):
        grey = np.full((240, 320), 20 if number % 13 else 230, np.uint8)
        picture = av.VideoFrame.from_ndarray(grey, format="gray").reformat(format="yuv420p")
        data, keyframe = encoder.encode(picture)
        keyframes.append(keyframe)
        assert keyframe == (5 in nal_kinds(data))
    assert [number for number, keyframe in enumerate(keyframes) if keyframe] == [0, 25, 50]


def test_a_thumbnail_shows_the_sensors_noise() -> None:
    """DR-19: two pictures of a still scene differ in it; only a frozen sensor repeats itself."""
    noise = np.random.default_rng(1)
    still = drawing(640, 480, 3)[:, :, 0].astype(np.int16)
    first, second = (measure((still + noise.integers(-1, 2, still.shape)).astype(np.uint8)) for _ in range(2))
    assert first.fingerprint != second.fingerprint
    assert len(first.fingerprint) == 144
    assert abs(first.mean_luma - still.mean()) < 0.5
    black = measure(np.full((480, 640), 16, np.uint8))
    assert (black.mean_luma, black.luma_deviation) == (16, 0)


@pytest.mark.parametrize("pixel_format", [v4l2.MJPEG, v4l2.YUYV])
def test_a_caption_is_drawn_after_measuring_and_before_encoding(pixel_format: int) -> None:
    """DR-37: with the time of its picture."""
    stripe = Stripe()
    _, gathered = record(DrawnWebcam(CLOCK, pixel_format, _RATE), caption=stripe)
    assert [frame.captured_boottime_ns for frame in gathered.frames] == stripe.times
    assert all(shown.to_ndarray(format="gray")[:50].min() > 220 for shown in pictures(gathered.frames))
    first = gathered.frames[0].picture
    assert first is not None
    assert min(first.fingerprint[:16]) < 100


def test_a_caption_that_raises_costs_no_picture() -> None:
    """DR-37."""
    spoiled = Spoiled()
    _, gathered = record(DrawnWebcam(CLOCK, v4l2.YUYV, _RATE), caption=spoiled)
    assert len(gathered.frames) == len(spoiled.times) > 20
    assert gathered.faults == []

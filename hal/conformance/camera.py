"""DR-16 to DR-22: the camera with its encoder."""

# ruff: noqa: S101, PLR2004 -- assert is how a test speaks, and expected values are literals

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import pairwise

import av
import numpy as np
import numpy.typing as npt
import pytest

from hal.conformance.rig import Fate, Rig, RigConformance
from hal.errors import TransientHardwareError
from hal.ports import Hardware
from hal.values import CameraSettings, EncodedFrame

_SECOND_NS = 1_000_000_000
_SPS, _PPS, _IDR = 7, 8, 5
_WHITE = 235
_SMALL = CameraSettings(width_pixels=320, height_pixels=240, bitrate_bps=1_000_000)


@dataclass
class Gathered:
    """A sink that keeps everything."""

    frames: list[EncodedFrame] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def frame(self, frame: EncodedFrame) -> None:
        """Keep an access unit."""
        self.frames.append(frame)

    def fault(self, reason: str) -> None:
        """Keep a fault."""
        self.faults.append(reason)


class Stripe:
    """A caption that paints the upper quarter white and keeps the times that it is given."""

    def __init__(self) -> None:
        self.times: list[int] = []

    def draw(self, luma: npt.NDArray[np.uint8], captured_boottime_ns: int) -> None:
        """Paint."""
        luma[: luma.shape[0] // 4] = _WHITE
        self.times.append(captured_boottime_ns)


class Spoiled(Stripe):
    """A caption that fails at every picture."""

    def draw(self, luma: npt.NDArray[np.uint8], captured_boottime_ns: int) -> None:
        """Fail."""
        super().draw(luma[:0], captured_boottime_ns)
        raise ValueError("no letters")


class CameraConformance(RigConformance):
    """Encoded frames, their times, and what happens when the cable goes."""

    def record(
        self, hardware: Hardware, seconds: float, asked: CameraSettings = _SMALL
    ) -> tuple[CameraSettings, Gathered]:
        """Let the camera run; gives the settings in force and what came."""
        gathered = Gathered()
        settings = hardware.camera.start(asked, gathered)
        hardware.clock.wait(hardware.clock.signal(), seconds)
        hardware.camera.stop()
        assert len(gathered.frames) > settings.gop_frames, "hardly a frame came"
        return settings, gathered

    def test_groups_of_pictures_are_closed_and_begin_with_parameters(self, hardware: Hardware) -> None:
        """DR-16: Annex B; the first frame and every `gop_frames`-th is an IDR with SPS and PPS in front."""
        settings, gathered = self.record(hardware, 4.0)
        for index, frame in enumerate(gathered.frames):
            kinds = nal_kinds(frame.data)
            assert frame.keyframe == (index % settings.gop_frames == 0), f"frame {index}"
            assert frame.keyframe == (_IDR in kinds), f"frame {index}: NAL units {kinds}"
            if frame.keyframe:
                assert kinds.index(_SPS) < kinds.index(_PPS) < kinds.index(_IDR)

    def test_what_comes_can_be_decoded_picture_for_picture(self, hardware: Hardware) -> None:
        """DR-17: one picture for each access unit, of the size in force, in capture order."""
        settings, gathered = self.record(hardware, 3.0)
        pictures = decoded(gathered.frames)
        assert [picture.pts for picture in pictures] == list(range(len(gathered.frames)))
        sizes = {(picture.width, picture.height) for picture in pictures}
        assert sizes == {(settings.width_pixels, settings.height_pixels)}

    def test_a_caption_is_in_every_picture_and_in_no_measurement(self, hardware: Hardware) -> None:
        """DR-37: drawn before the encoder, with the picture's own time; what is measured is the scene."""
        stripe = Stripe()
        _, gathered = self.record(hardware, 3.0, replace(_SMALL, caption=stripe))
        assert {frame.captured_boottime_ns for frame in gathered.frames} <= set(stripe.times)
        for picture in decoded(gathered.frames):
            luma = picture.to_ndarray(format="gray")
            assert luma[: luma.shape[0] // 5].min() > 200, f"picture {picture.pts} has no caption"
        measured = [frame.picture for frame in gathered.frames if frame.picture is not None]
        assert measured
        assert all(min(each.fingerprint[:16]) < 200 for each in measured)

    def test_a_caption_that_fails_costs_no_picture(self, hardware: Hardware) -> None:
        """DR-37: pictures go on without it."""
        spoiled = Spoiled()
        _, gathered = self.record(hardware, 2.0, replace(_SMALL, caption=spoiled))
        assert gathered.faults == []
        assert {frame.captured_boottime_ns for frame in gathered.frames} <= set(spoiled.times)

    def test_capture_times_are_the_clocks_and_rise_at_the_rate(self, hardware: Hardware) -> None:
        """DR-18: CLOCK_BOOTTIME of the sensor, strictly rising, at the rate in force."""
        begun_ns = hardware.clock.boottime_ns()
        settings, gathered = self.record(hardware, 4.0)
        times = [frame.captured_boottime_ns for frame in gathered.frames]
        assert begun_ns <= times[0] <= times[-1] <= hardware.clock.boottime_ns()
        assert all(early < late for early, late in pairwise(times))
        spans = (frame.sensor_sequence for frame in (gathered.frames[-1], gathered.frames[0]))
        slots = next(spans) - next(spans)
        expected_ns = slots * _SECOND_NS / settings.frames_per_second
        assert abs(times[-1] - times[0] - expected_ns) < 0.02 * expected_ns

    def test_sensor_sequence_counts_every_picture(self, hardware: Hardware) -> None:
        """DR-18: a jump in the sequence is the only sign of a dropped picture; none goes back."""
        settings, gathered = self.record(hardware, 4.0)
        period_ns = _SECOND_NS / settings.frames_per_second
        for early, late in pairwise(gathered.frames):
            jump = late.sensor_sequence - early.sensor_sequence
            passed_ns = late.captured_boottime_ns - early.captured_boottime_ns
            assert jump >= 1
            # A busy machine stamps a picture late; less than one period is no picture more and none less.
            assert abs(passed_ns - jump * period_ns) < period_ns

    def test_about_one_picture_in_a_second_is_measured(self, hardware: Hardware) -> None:
        """DR-19: luma and a fingerprint of 16 × 9, often enough for the watch over black and frozen pictures."""
        settings, gathered = self.record(hardware, 4.0)
        measured = [index for index, frame in enumerate(gathered.frames) if frame.picture is not None]
        borders = [-1, *measured, len(gathered.frames)]
        assert all(late - early <= 2 * settings.gop_frames for early, late in pairwise(borders))
        for index in measured:
            picture = gathered.frames[index].picture
            assert picture is not None
            assert 0 <= picture.mean_luma <= 255
            assert 0 <= picture.luma_deviation <= 127.5
            assert len(picture.fingerprint) == 16 * 9

    def test_nothing_comes_after_stop_and_it_starts_again(self, rig: Rig, hardware: Hardware) -> None:
        """DR-20: `stop` is the end, may be repeated, and a new start counts and groups anew."""
        _, first = self.record(hardware, 2.0)
        count = len(first.frames)
        hardware.camera.stop()
        rig.pass_time(1.0)
        assert len(first.frames) == count
        _, second = self.record(hardware, 2.0)
        assert second.frames[0].keyframe
        assert first.faults == second.faults == []
        assert len(first.frames) == count

    def test_stop_without_start_harms_nothing(self, hardware: Hardware) -> None:
        """DR-20: `stop` raises nothing, whenever it comes."""
        hardware.camera.stop()

    def test_a_pulled_cable_is_told_once_and_can_be_put_back(self, rig: Rig, hardware: Hardware) -> None:
        """DR-21, DR-22: `fault` once and then silence; start refuses until the camera is back."""
        gathered = Gathered()
        hardware.camera.start(_SMALL, gathered)
        rig.pass_time(2.0)
        rig.do(Fate.UNPLUG_CAMERA)
        rig.pass_time(3.0)
        count = len(gathered.frames)
        rig.pass_time(1.0)
        assert len(gathered.faults) == 1
        assert len(gathered.frames) == count
        hardware.camera.stop()
        with pytest.raises(TransientHardwareError):
            hardware.camera.start(_SMALL, Gathered())
        rig.do(Fate.PLUG_CAMERA)
        self.record(hardware, 3.0)


def decoded(frames: Sequence[EncodedFrame]) -> list[av.VideoFrame]:
    """The pictures of access units; each carries the number of its unit as `pts`."""
    decoder = av.CodecContext.create("h264", "r")
    pictures = list[av.VideoFrame]()
    for number, frame in enumerate(frames):
        packet = av.Packet(frame.data)
        packet.pts = number
        pictures += decoder.decode(packet)
    return pictures + decoder.decode(None)


def nal_kinds(data: bytes) -> list[int]:
    """Types of the NAL units in an Annex B stream, in order."""
    kinds = []
    place = data.find(b"\0\0\1")
    while place >= 0:
        kinds.append(data[place + 3] & 0x1F)
        place = data.find(b"\0\0\1", place + 3)
    return kinds

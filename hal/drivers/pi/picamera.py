"""The Pi's camera through picamera2, with its encoders (DR-16 to DR-19).

Rules of this module: picamera2 calls back on its event thread, and an error there kills that thread in silence: so
both callbacks catch everything, and only note, measure and hand on. picamera2's own outputs are not used; absolute
time comes from each request's SensorTimestamp, which picamera2 would throw away.
"""

from __future__ import annotations

import logging
from collections import OrderedDict
from collections.abc import Callable, Mapping
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Final

from hal.captions import CaptionGuard
from hal.drivers.common.camera_run import FrameTaker
from hal.drivers.common.picture import Plane, measure
from hal.errors import DriverSetError
from hal.values import CameraSettings, Caption, PictureStatistics

if TYPE_CHECKING:
    from picamera2 import Picamera2
    from picamera2.encoders import Encoder
    from picamera2.request import CompletedRequest

log = logging.getLogger(__name__)

HARDWARE_ENCODER: Final = Path("/dev/video11")
"""The H.264 encoder of Pi 4 and older; Pi 5 has none."""
_BUFFERS: Final = 6
_MEASURE_NS: Final = 900_000_000
_NOTES_MAX: Final = 64
"""Frames between sensor and output; far more than an encoder holds back."""
_MICRO: Final = 1_000_000

CameraFactory = Callable[[], "Picamera2"]


class PicameraSession:
    """One opened camera (`CameraSession`).

    Args:
        open_camera: Makes the Picamera2 object; raises when there is no camera.
        pixel_format: Format of the main stream; planar or semi-planar 4:2:0, a third of the default's memory.
    """

    def __init__(self, open_camera: CameraFactory, pixel_format: str = "YUV420") -> None:
        self._camera = open_camera()
        self._pixel_format = pixel_format
        self._encoder: Encoder | None = None

    def start(self, settings: CameraSettings, taker: FrameTaker) -> CameraSettings:
        """Configure, start the encoder, then the sensor."""
        camera = self._camera
        rate = _rate(settings.frames_per_second, camera.camera_controls.get("FrameDurationLimits"))
        period_us = round(_MICRO / rate)
        size = (settings.width_pixels & ~1, settings.height_pixels & ~1)
        camera.configure(
            camera.create_video_configuration(
                main={"size": size, "format": self._pixel_format},
                buffer_count=_BUFFERS,
                controls={"FrameDurationLimits": (period_us, period_us)},
            )
        )
        main = camera.camera_configuration()["main"]
        width, height = main["size"]
        in_force = CameraSettings(width, height, rate, settings.bitrate_bps)
        taker.expect(in_force)
        encoder = self._encoder = make_encoder(in_force)
        notes = FrameNotes(taker, (width, height, main["stride"]), settings.caption)
        camera.pre_callback = notes.note
        camera.start_encoder(encoder, make_output(encoder, notes), name="main")
        camera.start()
        return in_force

    def stop(self) -> None:
        """Stop the sensor, then the encoder, which gives out what it still holds."""
        self._camera.stop()
        encoder, self._encoder = self._encoder, None
        if encoder is not None:
            self._camera.stop_encoder(encoder)
        self._camera.pre_callback = None

    def close(self) -> None:
        """Give the camera back; what waits in it is cancelled first, or closing a dead one would hang."""
        self._camera.cancel_all_and_flush()
        self._camera.close()


class FrameNotes:
    """Joins each encoded frame to the request that it was made from.

    Args:
        taker: Where frames go.
        luma: Width, height and stride of the luma plane, in pixels.
        caption: Is drawn into every picture, after it was measured and before it is encoded.
    """

    def __init__(self, taker: FrameTaker, luma: tuple[int, int, int], caption: Caption | None = None) -> None:
        self._taker = taker
        self._luma = luma
        self._captions = CaptionGuard(caption)
        self._notes: OrderedDict[int, tuple[int, PictureStatistics | None]] = OrderedDict()
        self._measured_ns: int | None = None

    def note(self, request: CompletedRequest) -> None:
        """Remember a request's time, and about once a second what its picture looks like. Never raises."""
        try:
            captured_ns = int(request.get_metadata()["SensorTimestamp"])
            picture = None
            if self._measured_ns is None or captured_ns - self._measured_ns >= _MEASURE_NS:
                self._measured_ns = captured_ns
                picture = self._measure(request)
            self._captions.attempt(lambda caption: self._caption(caption, request, captured_ns))
            # The encoder counts in whole microseconds, rounded as here.
            self._notes[int(captured_ns / 1000)] = (captured_ns, picture)
            while len(self._notes) > _NOTES_MAX:
                self._notes.popitem(last=False)
        except Exception as error:
            log.exception("camera: a request cannot be noted")
            self._taker.fail(f"camera gives requests that cannot be read: {error}")

    def encoded(self, data: bytes, timestamp_us: int, *, keyframe: bool) -> None:
        """Hand an encoded frame on with the time of its picture. Never raises."""
        try:
            captured_ns, picture = self._notes.pop(timestamp_us, (timestamp_us * 1000, None))
            self._taker.frame(data, captured_ns, picture, keyframe=keyframe)
        except Exception as error:
            log.exception("camera: a frame cannot be handed on")
            self._taker.fail(f"camera's frames cannot be handed on: {error}")

    def _measure(self, request: CompletedRequest) -> PictureStatistics:
        from picamera2 import MappedArray

        with MappedArray(request, "main", reshape=False, write=False) as mapped:
            return measure(_luma_of(mapped.array, self._luma))

    def _caption(self, caption: Caption, request: CompletedRequest, captured_ns: int) -> None:
        from picamera2 import MappedArray

        with MappedArray(request, "main", reshape=False, write=True) as mapped:
            caption.draw(_luma_of(mapped.array, self._luma), captured_ns)


def make_encoder(settings: CameraSettings) -> Encoder:
    """The hardware encoder where the board has one, libx264 elsewhere.

    Closed groups of `gop_frames`, parameter sets repeated in front of each; `repeat=False` is broken in picamera2.
    """
    from picamera2.platform import Platform, get_platform

    if get_platform() == Platform.VC4 and HARDWARE_ENCODER.exists():
        from picamera2.encoders.h264_encoder import H264Encoder

        return H264Encoder(
            bitrate=settings.bitrate_bps,
            repeat=True,
            iperiod=settings.gop_frames,
            framerate=float(settings.frames_per_second),
            enable_sps_framerate=True,
        )
    return _software_encoder(settings)


def _software_encoder(settings: CameraSettings) -> Encoder:
    """libx264 with each picture divided among the cores (DR-21).

    picamera2 gives whole pictures to threads, and libx264 then holds back as many as it has threads but one. They come
    with the pictures that follow, and with a camera that fails none do: the last moment before a break would be lost.
    """
    from av.codec.context import ThreadType
    from picamera2.encoders import LibavH264Encoder

    class SlicedEncoder(LibavH264Encoder):  # type: ignore[misc] # picamera2 ships no types
        """Holds no picture back."""

        def _start(self) -> None:
            super()._start()
            self._stream.codec_context.thread_type = ThreadType.SLICE

    return SlicedEncoder(
        bitrate=settings.bitrate_bps, repeat=True, iperiod=settings.gop_frames, framerate=settings.frames_per_second
    )


def make_output(encoder: Encoder, notes: FrameNotes) -> object:
    """An output that hands frames on and does nothing else."""
    from picamera2.outputs import Output

    class FrameOutput(Output):  # type: ignore[misc] # picamera2 ships no types
        """Called on the encoder's thread."""

        def outputframe(
            self,
            frame: bytes,
            keyframe: bool = True,
            timestamp: int | None = None,
            packet: object = None,  # noqa: ARG002 -- picamera2 gives it
            audio: bool = False,
        ) -> None:
            """Pass a frame on, with the absolute time that the encoder took off put back."""
            if not audio and timestamp is not None and encoder.firsttimestamp is not None:
                notes.encoded(bytes(frame), encoder.firsttimestamp + timestamp, keyframe=keyframe)

    return FrameOutput()


def open_picamera(number: int) -> CameraFactory:
    """What opens the camera of this number.

    Raises:
        DriverSetError: picamera2 is not installed.
    """
    try:
        from picamera2 import Picamera2
    except ImportError as error:
        raise DriverSetError(
            f"the camera needs picamera2: {error}; install the extra pi, and python3-libcamera from the system"
        ) from error
    return lambda: Picamera2(number)


def camera_model(number: int) -> str:
    """The sensor's name as libcamera lists it, or that there is none. May block for seconds."""
    from picamera2 import Picamera2

    cameras: list[Mapping[str, object]] = Picamera2.global_camera_info()
    return str(cameras[number].get("Model", "unknown")) if number < len(cameras) else "none found"


def _rate(asked: Fraction, limits_us: tuple[int, int, int] | None) -> Fraction:
    """The frame rate that the sensor can do nearest to the one asked for."""
    if limits_us is None:
        return asked
    shortest, longest = limits_us[0], limits_us[1]
    period_us = float(_MICRO / asked)
    # A limit that rounds to the rate asked for is that rate.
    if shortest > 0 and period_us < shortest * 0.99:
        return Fraction(_MICRO, shortest).limit_denominator(1001)
    if longest > 0 and period_us > longest * 1.01:
        return Fraction(_MICRO, longest).limit_denominator(1001)
    return asked


def _luma_of(buffer: Plane, luma: tuple[int, int, int]) -> Plane:
    """A view of a mapped buffer's Y plane, without its padding."""
    width, height, stride = luma
    return buffer[: stride * height].reshape(height, stride)[:, :width]

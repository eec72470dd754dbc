"""A webcam that draws: real JPEG or packed pictures, at a rate, with faults."""

from __future__ import annotations

from fractions import Fraction

import av
import numpy as np
import numpy.typing as npt
from av import VideoFrame
from av.video.codeccontext import VideoCodecContext

from hal.drivers.linux import v4l2_structs as v4l2
from hal.drivers.linux.v4l2 import Negotiated, RawFrame
from hal.errors import TransientHardwareError
from hal.ports import Clock
from hal.values import CameraSettings

_SECOND_NS = 1_000_000_000


class DrawnWebcam:
    """What stands at the end of the cable; `open` gives a device on it."""

    def __init__(self, clock: Clock, pixel_format: int = v4l2.MJPEG, rate: Fraction = Fraction(30)) -> None:
        self.clock = clock
        self.pixel_format = pixel_format
        self.rate = rate
        self.size = (320, 240)
        self.plugged = True
        self.stamped = True
        self.broken: set[int] = set()
        """Numbers of pictures that come torn."""
        self.opened = 0

    def open(self) -> DrawnDevice:
        self.require_plugged()
        self.opened += 1
        return DrawnDevice(self)

    def require_plugged(self) -> None:
        if not self.plugged:
            raise TransientHardwareError("camera /dev/video0 does not answer; plug it in and start again")


class DrawnDevice:
    """An opened one (`hal.drivers.linux.webcam.VideoDevice`)."""

    def __init__(self, webcam: DrawnWebcam) -> None:
        self._webcam = webcam
        self._jpeg: VideoCodecContext | None = None
        self._number = 0
        self._begun_ns = 0
        self.closed = False

    def start(self, settings: CameraSettings) -> Negotiated:
        webcam = self._webcam
        webcam.require_plugged()
        width, height = webcam.size
        self._begun_ns = webcam.clock.boottime_ns()
        if webcam.pixel_format == v4l2.MJPEG:
            self._jpeg = _jpeg_encoder(width, height)
        return Negotiated(webcam.pixel_format, width, height, 2 * width, webcam.rate)

    def take(self, timeout_seconds: float) -> RawFrame | None:
        webcam = self._webcam
        webcam.require_plugged()
        due_ns = self._begun_ns + round((self._number + 1) * _SECOND_NS / webcam.rate)
        left_seconds = (due_ns - webcam.clock.boottime_ns()) / _SECOND_NS
        webcam.clock.wait(webcam.clock.signal(), max(0.0, min(left_seconds, timeout_seconds)))
        if left_seconds > timeout_seconds:
            return None
        number, self._number = self._number, self._number + 1
        data = b"\xff\xd8torn" if number in webcam.broken else self._draw(number)
        return RawFrame(data, due_ns - 5_000_000 if webcam.stamped else None)

    def close(self) -> None:
        self.closed = True

    def _draw(self, number: int) -> bytes:
        picture = VideoFrame.from_ndarray(drawing(*self._webcam.size, number), format="yuyv422")
        if self._jpeg is None:
            return picture.to_ndarray().tobytes()
        picture = picture.reformat(format="yuvj420p")
        picture.pts = number
        return bytes(self._jpeg.encode(picture)[0])


def drawing(width: int, height: int, number: int) -> npt.NDArray[np.uint8]:
    """A grey picture with a bar that moves; packed, luma and chroma in turn."""
    packed = np.full((height, width, 2), 128, np.uint8)
    packed[:, :, 0] = 60
    place = number * 8 % width
    packed[:, place : place + 32, 0] = 200
    return packed


def _jpeg_encoder(width: int, height: int) -> VideoCodecContext:
    context = av.CodecContext.create("mjpeg", "w")
    assert isinstance(context, VideoCodecContext)
    context.width, context.height, context.pix_fmt = width, height, "yuvj420p"
    context.time_base = Fraction(1, 30)
    context.open()
    return context

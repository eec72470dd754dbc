"""A webcam as a recorder's camera: pictures from V4L2, H.264 by libx264 (DR-16 to DR-22).

Rules of this module: one worker takes, decodes, measures and encodes; what it makes goes to the taker of `camera_run`.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Protocol

import av
import numpy as np
from av import VideoFrame
from av.video.codeccontext import VideoCodecContext

from hal.captions import CaptionGuard
from hal.drivers.common.camera_run import FrameTaker
from hal.drivers.common.clock_kernel import monotonic_offset_ns
from hal.drivers.common.encoder import PictureEncoder
from hal.drivers.common.picture import Plane, measure
from hal.drivers.linux import v4l2_structs as v4l2
from hal.drivers.linux.v4l2 import Negotiated, RawFrame
from hal.errors import HardwareError, TransientHardwareError
from hal.ports import Clock
from hal.values import CameraSettings, Caption, PictureStatistics
from hal.worker import Worker

log = logging.getLogger(__name__)

_TAKE_SECONDS = 0.25
_JOIN_SECONDS = 1.0


class VideoDevice(Protocol):
    """What is used of a V4L2 device."""

    def start(self, settings: CameraSettings) -> Negotiated:
        """Agree on size and rate, and begin to stream."""
        ...

    def take(self, timeout_seconds: float) -> RawFrame | None:
        """Wait for the next picture."""
        ...

    def close(self) -> None:
        """Give the device back."""
        ...


class WebcamSession:
    """One opened webcam (`CameraSession`).

    Args:
        clock: The unit's clock.
        open_device: Opens the device.
        offset_ns: What to add to a CLOCK_MONOTONIC stamp.
    """

    def __init__(
        self, clock: Clock, open_device: Callable[[], VideoDevice], offset_ns: Callable[[], int] = monotonic_offset_ns
    ) -> None:
        self._clock = clock
        self._open_device = open_device
        self._offset_ns = offset_ns
        self._device: VideoDevice | None = open_device()
        self._worker: Worker | None = None

    def start(self, settings: CameraSettings, taker: FrameTaker) -> CameraSettings:
        """Begin to deliver; the answer holds what the camera agreed to."""
        # V4L2 agrees on a size once for each opening.
        device = self._device if self._device is not None else self._open_device()
        self._device = device
        agreed = device.start(settings)
        in_force = CameraSettings(agreed.width & ~1, agreed.height & ~1, agreed.frames_per_second, settings.bitrate_bps)
        taker.expect(in_force)
        making = _Making(self._clock, device, agreed, in_force, taker, self._offset_ns)
        making.captions = CaptionGuard(settings.caption)
        self._worker = Worker("webcam", self._clock, making.body)
        self._worker.start()
        return in_force

    def stop(self) -> None:
        """Stop delivering and give the device back until the next start."""
        worker, self._worker = self._worker, None
        if worker is not None:
            worker.request_stop()
            if not worker.join(_JOIN_SECONDS):
                raise TransientHardwareError("webcam does not stop; unplug it and plug it in again")
        device, self._device = self._device, None
        if device is not None:
            device.close()

    def close(self) -> None:
        """Give the camera back."""
        self.stop()


class _Making:
    """From raw pictures to access units, until stopped or gone."""

    def __init__(
        self,
        clock: Clock,
        device: VideoDevice,
        agreed: Negotiated,
        in_force: CameraSettings,
        taker: FrameTaker,
        offset_ns: Callable[[], int],
    ) -> None:
        self._clock, self._device, self._taker = clock, device, taker
        self._offset_ns = offset_ns
        self._settings = in_force
        self._pictures = PictureReader(agreed, in_force)
        self._encoder = PictureEncoder(in_force)
        self._count = 0
        self.captions = CaptionGuard(None)
        """Draws into each picture, after it was measured and before it is encoded."""

    def body(self, worker: Worker) -> None:
        while not worker.stop.is_set():
            worker.beat()
            try:
                raw = self._device.take(_TAKE_SECONDS)
                if raw is not None:
                    self._make(raw)
            except HardwareError as error:
                self._taker.fail(str(error))
                return
            except (OSError, ValueError, RuntimeError) as error:
                log.exception("webcam: a picture cannot be encoded")
                self._taker.fail(f"webcam's pictures cannot be encoded: {error}")
                return

    def _make(self, raw: RawFrame) -> None:
        stamped_ns = raw.monotonic_ns
        captured_ns = self._clock.boottime_ns() if stamped_ns is None else stamped_ns + self._offset_ns()
        picture = self._pictures.read(raw.data)
        if picture is None:
            return
        measured: PictureStatistics | None = None
        if self._count % self._settings.gop_frames == 0:
            measured = measure(_luma(picture))
        self._count += 1
        self.captions.attempt(lambda caption: _caption(caption, picture, captured_ns))
        data, keyframe = self._encoder.encode(picture)
        self._taker.frame(data, captured_ns, measured, keyframe=keyframe)


class PictureReader:
    """Makes yuv420p of what a webcam gives.

    Args:
        agreed: The camera's format and size.
        in_force: The encoder's size.
    """

    def __init__(self, agreed: Negotiated, in_force: CameraSettings) -> None:
        self._agreed = agreed
        self._size = (in_force.width_pixels, in_force.height_pixels)
        self._decoder = _jpeg_decoder() if agreed.pixel_format == v4l2.MJPEG else None

    def read(self, data: bytes) -> VideoFrame | None:
        """Decode one picture; None for one that came broken over the cable, which webcams do give."""
        picture = self._decode(data) if self._decoder is not None else self._unpack(data)
        if picture is None:
            return None
        width, height = self._size
        if picture.format.name == "yuv420p" and (picture.width, picture.height) == self._size:
            return picture
        # JPEG's luma has the full range; the conversion brings it to the video range that the stream claims.
        return picture.reformat(width=width, height=height, format="yuv420p")

    def _decode(self, data: bytes) -> VideoFrame | None:
        if self._decoder is None:
            return None
        try:
            pictures = self._decoder.decode(av.Packet(data))
        except av.error.InvalidDataError:
            return None
        return pictures[0] if pictures else None

    def _unpack(self, data: bytes) -> VideoFrame | None:
        agreed = self._agreed
        if len(data) < agreed.bytes_per_line * agreed.height:
            return None
        rows = np.frombuffer(data, np.uint8, agreed.bytes_per_line * agreed.height).reshape(agreed.height, -1)
        packed = np.ascontiguousarray(rows[:, : 2 * agreed.width]).reshape(agreed.height, agreed.width, 2)
        return VideoFrame.from_ndarray(packed, format="yuyv422")


def _jpeg_decoder() -> VideoCodecContext:
    context = av.CodecContext.create("mjpeg", "r")
    if not isinstance(context, VideoCodecContext):
        raise TypeError("mjpeg is no video decoder in this build of FFmpeg")
    return context


def _caption(caption: Caption, picture: VideoFrame, captured_ns: int) -> None:
    # The decoder may still hold what it gave.
    picture.make_writable()
    caption.draw(_luma(picture), captured_ns)


def _luma(picture: VideoFrame) -> Plane:
    plane = picture.planes[0]
    rows: Plane = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return rows[: plane.height, : plane.width]

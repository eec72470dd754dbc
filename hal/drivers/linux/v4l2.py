"""A webcam through V4L2: negotiate, map its buffers, take frames one by one.

Rules of this module: one thread uses a device; nothing blocks but `take`, and that within its limit. System calls are
handed in, so that the whole conversation can be held with a kernel that is not there.
"""

from __future__ import annotations

import ctypes
import errno
import fcntl
import mmap
import os
import select
from collections.abc import Callable
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

from hal.drivers.linux import v4l2_structs as v4l2
from hal.errors import PermanentHardwareError, TransientHardwareError
from hal.values import CameraSettings

_BUFFERS = 4
_SECOND_NS = 1_000_000_000

Ioctl = Callable[[int, int, ctypes.Structure | ctypes.c_int], object]


def _real_ioctl(descriptor: int, request: int, argument: ctypes.Structure | ctypes.c_int) -> object:
    return fcntl.ioctl(descriptor, request, argument)


def _real_open(path: Path) -> int:
    return os.open(path, os.O_RDWR | os.O_NONBLOCK | os.O_CLOEXEC)


@dataclass(frozen=True, slots=True)
class Kernel:
    """The system calls that a device is used by."""

    open: Callable[[Path], int] = _real_open
    ioctl: Ioctl = _real_ioctl


@dataclass(frozen=True, slots=True)
class RawFrame:
    """One picture as the camera gave it."""

    data: bytes
    monotonic_ns: int | None
    """CLOCK_MONOTONIC at the begin of the exposure, None where the driver stamps by another clock."""


@dataclass(frozen=True, slots=True)
class Negotiated:
    """What the camera will deliver."""

    pixel_format: int
    width: int
    height: int
    bytes_per_line: int
    frames_per_second: Fraction


class V4l2Device:
    """An opened camera.

    Args:
        path: The device, for example /dev/video0.
        kernel: The system calls.

    Raises:
        TransientHardwareError: It is not plugged in, or busy.
        PermanentHardwareError: It is no camera that streams.
    """

    def __init__(self, path: Path, kernel: Kernel | None = None) -> None:
        self._path = path
        self._kernel = Kernel() if kernel is None else kernel
        self._maps: list[mmap.mmap] = []
        try:
            self._descriptor = self._kernel.open(path)
        except OSError as error:
            raise TransientHardwareError(f"camera {path} does not open: {error}; is it plugged in?") from error
        capability = v4l2.Capability()
        try:
            self._call(v4l2.QUERYCAP, capability)
        except TransientHardwareError:
            self.close()
            raise
        self.card = bytes(capability.card).decode("utf-8", "replace")
        offered = capability.capabilities
        if offered & v4l2.CAPABILITY_DEVICE:
            offered = capability.device_caps
        if not offered & v4l2.CAPABILITY_CAPTURE or not offered & v4l2.CAPABILITY_STREAMING:
            self.close()
            raise PermanentHardwareError(f"{path} ({self.card}) is no camera that streams; name another device")

    def start(self, settings: CameraSettings) -> Negotiated:
        """Agree on size and rate, and begin to stream.

        MJPEG is asked for first: USB carries raw pictures only when they are small.

        Raises:
            TransientHardwareError: The device did not answer.
            PermanentHardwareError: It offers neither MJPEG nor YUYV.
        """
        negotiated = self._negotiate(settings)
        request = v4l2.RequestBuffers(count=_BUFFERS, type=v4l2.BUFFER_CAPTURE, memory=v4l2.MEMORY_MMAP)
        self._call(v4l2.REQBUFS, request)
        for index in range(request.count):
            buffer = self._buffer(index)
            self._call(v4l2.QUERYBUF, buffer)
            self._maps.append(mmap.mmap(self._descriptor, buffer.length, offset=buffer.m.offset))
            self._call(v4l2.QBUF, buffer)
        self._call(v4l2.STREAMON, ctypes.c_int(v4l2.BUFFER_CAPTURE))
        return negotiated

    def take(self, timeout_seconds: float) -> RawFrame | None:
        """Wait for the next whole picture; None when none came in time.

        Raises:
            TransientHardwareError: The camera went away.
        """
        ready, _, _ = select.select([self._descriptor], [], [], timeout_seconds)
        if not ready:
            return None
        buffer = self._buffer(0)
        try:
            self._kernel.ioctl(self._descriptor, v4l2.DQBUF, buffer)
        except OSError as error:
            if error.errno == errno.EAGAIN:
                return None
            raise self._gone(error) from error
        frame = None
        if not buffer.flags & v4l2.BUFFER_ERROR and buffer.bytesused:
            frame = RawFrame(self._maps[buffer.index][: buffer.bytesused], _stamp_ns(buffer))
        self._call(v4l2.QBUF, buffer)
        return frame

    def close(self) -> None:
        """Stop streaming and give the device back. Idempotent; raises nothing."""
        descriptor, self._descriptor = self._descriptor, -1
        if descriptor < 0:
            return
        try:
            if self._maps:
                self._kernel.ioctl(descriptor, v4l2.STREAMOFF, ctypes.c_int(v4l2.BUFFER_CAPTURE))
        except OSError:
            # It was pulled out: there is nothing left to stop.
            self._maps = list(self._maps)
        for each in self._maps:
            each.close()
        self._maps = []
        os.close(descriptor)

    def _negotiate(self, settings: CameraSettings) -> Negotiated:
        for wanted in (v4l2.MJPEG, v4l2.YUYV):
            chosen = v4l2.Format(type=v4l2.BUFFER_CAPTURE)
            pix = chosen.fmt.pix
            pix.width, pix.height = settings.width_pixels, settings.height_pixels
            pix.pixelformat, pix.field = wanted, v4l2.FIELD_ANY
            self._call(v4l2.S_FMT, chosen)
            if pix.pixelformat == wanted:
                rate = self._set_rate(settings.frames_per_second)
                return Negotiated(wanted, pix.width, pix.height, pix.bytesperline, rate)
        raise PermanentHardwareError(f"camera {self._path} ({self.card}) offers neither MJPEG nor YUYV; name another")

    def _set_rate(self, asked: Fraction) -> Fraction:
        parameters = v4l2.StreamParameters(type=v4l2.BUFFER_CAPTURE)
        time = parameters.parm.capture.timeperframe
        time.numerator, time.denominator = asked.denominator, asked.numerator
        self._call(v4l2.S_PARM, parameters)
        # A driver that cannot be asked for a rate answers with none.
        return Fraction(time.denominator, time.numerator) if time.numerator and time.denominator else asked

    def _buffer(self, index: int) -> v4l2.Buffer:
        return v4l2.Buffer(index=index, type=v4l2.BUFFER_CAPTURE, memory=v4l2.MEMORY_MMAP)

    def _call(self, request: int, argument: ctypes.Structure | ctypes.c_int) -> None:
        try:
            self._kernel.ioctl(self._descriptor, request, argument)
        except OSError as error:
            raise self._gone(error) from error

    def _gone(self, error: OSError) -> TransientHardwareError:
        return TransientHardwareError(f"camera {self._path} does not answer: {error}; plug it in and start again")


def _stamp_ns(buffer: v4l2.Buffer) -> int | None:
    if buffer.flags & v4l2.TIMESTAMP_MASK != v4l2.TIMESTAMP_MONOTONIC:
        return None
    return int(buffer.timestamp.tv_sec) * _SECOND_NS + int(buffer.timestamp.tv_usec) * 1000

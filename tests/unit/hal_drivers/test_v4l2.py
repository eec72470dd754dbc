"""The conversation with a webcam, held with a kernel that is played, and real memory maps."""

from __future__ import annotations

import ctypes
import errno
import os
from fractions import Fraction
from pathlib import Path

import pytest

from hal.drivers.linux import v4l2_structs as v4l2
from hal.drivers.linux.v4l2 import Kernel, V4l2Device
from hal.errors import PermanentHardwareError, TransientHardwareError
from hal.values import CameraSettings

_PAGE = 4096
_PATH = Path("/dev/video7")


class Webcam:
    """What the kernel and the camera behind it do. Buffers are pages of one anonymous file."""

    def __init__(self, formats: tuple[int, ...] = (v4l2.MJPEG, v4l2.YUYV)) -> None:
        self.formats = formats
        self.capabilities = v4l2.CAPABILITY_CAPTURE | v4l2.CAPABILITY_STREAMING
        self.sizes = (1280, 720)
        self.rate = Fraction(30)
        self.queued: list[int] = []
        self.pictures: list[tuple[bytes, int, int]] = []
        """Bytes, flags, monotonic microseconds."""
        self.streaming = False
        self.gone = False
        self.memory = -1

    def open(self, path: Path) -> int:
        if self.gone:
            raise FileNotFoundError(errno.ENOENT, "No such file or directory", str(path))
        self.memory = os.memfd_create("webcam")
        os.ftruncate(self.memory, 4 * _PAGE)
        return self.memory

    def ioctl(self, descriptor: int, request: int, argument: ctypes.Structure | ctypes.c_int) -> int:
        assert descriptor == self.memory
        if self.gone:
            raise OSError(errno.ENODEV, "No such device")
        self._answer(request, argument)
        return 0

    def _answer(self, request: int, argument: ctypes.Structure | ctypes.c_int) -> None:
        if isinstance(argument, v4l2.Capability):
            argument.card, argument.capabilities = b"Test Webcam", v4l2.CAPABILITY_DEVICE
            argument.device_caps = self.capabilities
        elif isinstance(argument, v4l2.Format):
            pix = argument.fmt.pix
            pix.pixelformat = pix.pixelformat if pix.pixelformat in self.formats else v4l2.fourcc("H264")
            pix.width, pix.height = self.sizes
            pix.bytesperline = 2 * self.sizes[0]
        elif isinstance(argument, v4l2.StreamParameters):
            time = argument.parm.capture.timeperframe
            time.numerator, time.denominator = self.rate.denominator, self.rate.numerator
        elif isinstance(argument, v4l2.RequestBuffers):
            assert (argument.type, argument.memory) == (v4l2.BUFFER_CAPTURE, v4l2.MEMORY_MMAP)
        elif isinstance(argument, v4l2.Buffer):
            self._buffer(request, argument)
        else:
            self.streaming = request == v4l2.STREAMON

    def _buffer(self, request: int, buffer: v4l2.Buffer) -> None:
        if request == v4l2.QUERYBUF:
            buffer.length, buffer.m.offset = _PAGE, buffer.index * _PAGE
        elif request == v4l2.QBUF:
            assert buffer.index not in self.queued
            self.queued.append(buffer.index)
        elif request == v4l2.DQBUF:
            assert self.streaming
            if not self.pictures:
                raise BlockingIOError(errno.EAGAIN, "Resource temporarily unavailable")
            data, flags, micros = self.pictures.pop(0)
            buffer.index, buffer.bytesused, buffer.flags = self.queued.pop(0), len(data), flags
            buffer.timestamp.tv_sec, buffer.timestamp.tv_usec = divmod(micros, 1_000_000)
            os.pwrite(self.memory, data, buffer.index * _PAGE)

    def kernel(self) -> Kernel:
        return Kernel(self.open, self.ioctl)


def test_numbers_and_sizes_are_the_kernels() -> None:
    """DR-16: as linux/videodev2.h has them on 64 bit machines."""
    assert [v4l2.QUERYCAP, v4l2.S_FMT, v4l2.REQBUFS, v4l2.QUERYBUF] == [0x80685600, 0xC0D05605, 0xC0145608, 0xC0585609]
    assert [v4l2.QBUF, v4l2.DQBUF, v4l2.STREAMON, v4l2.STREAMOFF] == [0xC058560F, 0xC0585611, 0x40045612, 0x40045613]
    assert v4l2.S_PARM == 0xC0CC5616
    assert v4l2.Buffer.timestamp.offset == 24
    assert v4l2.Buffer.m.offset == 64


def test_pictures_are_taken_and_buffers_given_back() -> None:
    """DR-17: whole, in order, with their own time; a broken one is passed over."""
    webcam = Webcam()
    device = V4l2Device(_PATH, webcam.kernel())
    agreed = device.start(CameraSettings())
    assert (agreed.pixel_format, agreed.width, agreed.height) == (v4l2.MJPEG, 1280, 720)
    assert webcam.streaming
    for number in range(6):
        webcam.pictures.append((b"picture %d" % number, v4l2.TIMESTAMP_MONOTONIC, 1_000_000 + number))
    webcam.pictures.insert(2, (b"torn", v4l2.BUFFER_ERROR | v4l2.TIMESTAMP_MONOTONIC, 5))
    taken = [device.take(0.1) for _ in range(8)]
    assert [frame.data for frame in taken if frame is not None] == [b"picture %d" % number for number in range(6)]
    assert [frame.monotonic_ns for frame in taken[:2] if frame is not None] == [1_000_000_000, 1_000_001_000]
    assert taken[2] is None
    assert taken[7] is None
    assert sorted(webcam.queued) == [0, 1, 2, 3]
    device.close()
    device.close()
    assert not webcam.streaming


def test_a_stamp_of_another_clock_is_none() -> None:
    """DR-18: civil time steps, and is of no use here."""
    webcam = Webcam()
    device = V4l2Device(_PATH, webcam.kernel())
    device.start(CameraSettings())
    webcam.pictures.append((b"picture", 0, 1))
    frame = device.take(0.1)
    assert frame is not None
    assert frame.monotonic_ns is None
    device.close()


def test_what_the_camera_offers_is_what_is_in_force() -> None:
    """DR-16: raw pictures where there is no MJPEG, and the rate that it answers with."""
    webcam = Webcam((v4l2.YUYV,))
    webcam.sizes, webcam.rate = (640, 480), Fraction(15)
    device = V4l2Device(_PATH, webcam.kernel())
    agreed = device.start(CameraSettings())
    device.close()
    assert (agreed.pixel_format, agreed.width, agreed.height) == (v4l2.YUYV, 640, 480)
    assert agreed.frames_per_second == 15
    assert agreed.bytes_per_line == 1280


def test_a_device_that_is_no_camera_for_us_is_refused_for_good() -> None:
    """DR-22: with its name, and nothing left open."""
    webcam = Webcam((v4l2.fourcc("H264"),))
    device = V4l2Device(_PATH, webcam.kernel())
    with pytest.raises(PermanentHardwareError, match="neither MJPEG nor YUYV"):
        device.start(CameraSettings())
    device.close()
    output = Webcam()
    output.capabilities = v4l2.CAPABILITY_STREAMING
    with pytest.raises(PermanentHardwareError, match="Test Webcam"):
        V4l2Device(_PATH, output.kernel())
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(output.memory)


def test_a_camera_that_is_pulled_out_may_come_back() -> None:
    """DR-21, DR-22: at every call, and closing it then harms nothing."""
    webcam = Webcam()
    device = V4l2Device(_PATH, webcam.kernel())
    device.start(CameraSettings())
    webcam.gone = True
    with pytest.raises(TransientHardwareError, match="plug it in"):
        device.take(0.1)
    device.close()
    with pytest.raises(TransientHardwareError, match="is it plugged in"):
        V4l2Device(_PATH, webcam.kernel())


def test_the_real_system_calls_meet_a_file_that_is_no_camera(tmp_path: Path) -> None:
    """DR-22: ioctl and open as they are."""
    file = tmp_path / "video0"
    file.touch()
    with pytest.raises(TransientHardwareError, match="does not answer"):
        V4l2Device(file)
    with pytest.raises(TransientHardwareError, match="does not open"):
        V4l2Device(tmp_path / "none")

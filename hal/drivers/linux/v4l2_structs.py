"""The part of the kernel's V4L2 interface that a webcam needs: structures and request numbers.

Rules of this module: declarations alone, as in linux/videodev2.h on 64 bit machines.
"""

from __future__ import annotations

import ctypes
from typing import Final

BUFFER_CAPTURE: Final = 1
MEMORY_MMAP: Final = 1
FIELD_ANY: Final = 0
CAPABILITY_CAPTURE: Final = 0x00000001
CAPABILITY_STREAMING: Final = 0x04000000
CAPABILITY_DEVICE: Final = 0x80000000
BUFFER_ERROR: Final = 0x0040
TIMESTAMP_MASK: Final = 0xE000
TIMESTAMP_MONOTONIC: Final = 0x2000


def fourcc(text: str) -> int:
    """The number of a pixel format's four letters."""
    return int.from_bytes(text.encode("ascii"), "little")


MJPEG: Final = fourcc("MJPG")
YUYV: Final = fourcc("YUYV")


class Capability(ctypes.Structure):
    """struct v4l2_capability."""

    _fields_ = [
        ("driver", ctypes.c_char * 16),
        ("card", ctypes.c_char * 32),
        ("bus_info", ctypes.c_char * 32),
        ("version", ctypes.c_uint32),
        ("capabilities", ctypes.c_uint32),
        ("device_caps", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32 * 3),
    ]


class PixFormat(ctypes.Structure):
    """struct v4l2_pix_format."""

    _fields_ = [
        ("width", ctypes.c_uint32),
        ("height", ctypes.c_uint32),
        ("pixelformat", ctypes.c_uint32),
        ("field", ctypes.c_uint32),
        ("bytesperline", ctypes.c_uint32),
        ("sizeimage", ctypes.c_uint32),
        ("colorspace", ctypes.c_uint32),
        ("priv", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("ycbcr_enc", ctypes.c_uint32),
        ("quantization", ctypes.c_uint32),
        ("xfer_func", ctypes.c_uint32),
    ]


class _FormatUnion(ctypes.Union):
    _fields_ = [("pix", PixFormat), ("raw", ctypes.c_uint8 * 200), ("align", ctypes.c_void_p)]


class Format(ctypes.Structure):
    """struct v4l2_format."""

    _fields_ = [("type", ctypes.c_uint32), ("fmt", _FormatUnion)]


class Fraction(ctypes.Structure):
    """struct v4l2_fract."""

    _fields_ = [("numerator", ctypes.c_uint32), ("denominator", ctypes.c_uint32)]


class CaptureParameters(ctypes.Structure):
    """struct v4l2_captureparm."""

    _fields_ = [
        ("capability", ctypes.c_uint32),
        ("capturemode", ctypes.c_uint32),
        ("timeperframe", Fraction),
        ("extendedmode", ctypes.c_uint32),
        ("readbuffers", ctypes.c_uint32),
        ("reserved", ctypes.c_uint32 * 4),
    ]


class _ParameterUnion(ctypes.Union):
    _fields_ = [("capture", CaptureParameters), ("raw", ctypes.c_uint8 * 200)]


class StreamParameters(ctypes.Structure):
    """struct v4l2_streamparm."""

    _fields_ = [("type", ctypes.c_uint32), ("parm", _ParameterUnion)]


class RequestBuffers(ctypes.Structure):
    """struct v4l2_requestbuffers."""

    _fields_ = [
        ("count", ctypes.c_uint32),
        ("type", ctypes.c_uint32),
        ("memory", ctypes.c_uint32),
        ("capabilities", ctypes.c_uint32),
        ("flags", ctypes.c_uint8),
        ("reserved", ctypes.c_uint8 * 3),
    ]


class _Timeval(ctypes.Structure):
    _fields_ = [("tv_sec", ctypes.c_long), ("tv_usec", ctypes.c_long)]


class _Timecode(ctypes.Structure):
    _fields_ = [("raw", ctypes.c_uint32 * 4)]


class _Memory(ctypes.Union):
    _fields_ = [("offset", ctypes.c_uint32), ("userptr", ctypes.c_ulong), ("fd", ctypes.c_int32)]


class Buffer(ctypes.Structure):
    """struct v4l2_buffer."""

    _fields_ = [
        ("index", ctypes.c_uint32),
        ("type", ctypes.c_uint32),
        ("bytesused", ctypes.c_uint32),
        ("flags", ctypes.c_uint32),
        ("field", ctypes.c_uint32),
        ("timestamp", _Timeval),
        ("timecode", _Timecode),
        ("sequence", ctypes.c_uint32),
        ("memory", ctypes.c_uint32),
        ("m", _Memory),
        ("length", ctypes.c_uint32),
        ("reserved2", ctypes.c_uint32),
        ("request_fd", ctypes.c_int32),
    ]


_READ, _WRITE = 2, 1


def _request(direction: int, number: int, size: int) -> int:
    return direction << 30 | size << 16 | ord("V") << 8 | number


QUERYCAP: Final = _request(_READ, 0, ctypes.sizeof(Capability))
S_FMT: Final = _request(_READ | _WRITE, 5, ctypes.sizeof(Format))
REQBUFS: Final = _request(_READ | _WRITE, 8, ctypes.sizeof(RequestBuffers))
QUERYBUF: Final = _request(_READ | _WRITE, 9, ctypes.sizeof(Buffer))
QBUF: Final = _request(_READ | _WRITE, 15, ctypes.sizeof(Buffer))
DQBUF: Final = _request(_READ | _WRITE, 17, ctypes.sizeof(Buffer))
STREAMON: Final = _request(_WRITE, 18, ctypes.sizeof(ctypes.c_int))
STREAMOFF: Final = _request(_WRITE, 19, ctypes.sizeof(ctypes.c_int))
S_PARM: Final = _request(_READ | _WRITE, 22, ctypes.sizeof(StreamParameters))

"""A time in every picture: H.264 SEI «user data unregistered» (ITU-T H.264, D.1.7), inside the sealed bytes (CS-33).

Rules of this module: bytes in, bytes out; no I/O, no library. Players ignore the message, tools find it without
decoding, and it stays with the picture when a clip is cut or copied to another container.
"""

from __future__ import annotations

import re
import struct
from dataclasses import dataclass
from typing import Final
from uuid import UUID

from capture.media.parameter_sets import nal_units

STAMP_UUID: Final = UUID("5d0c3c4e-0f8b-4c59-9f0e-4a2f6f7c9b1d")
"""Marks our messages among others of the same kind."""
_BODY: Final = struct.Struct(">BBQqQ")
_VERSION: Final = 1
_TRUSTED: Final = 1
_SEI, _USER_DATA_UNREGISTERED = 6, 5
_STOP_BIT: Final = b"\x80"
_PAYLOAD: Final = STAMP_UUID.bytes
_LENGTH: Final = len(_PAYLOAD) + _BODY.size
_FIRST_SLICE: Final = re.compile(rb"\x00?\x00\x00\x01[\x01\x05\x21\x25\x41\x45\x61\x65]")
_UNSAFE: Final = re.compile(rb"\x00\x00(?=[\x00-\x03])")


@dataclass(frozen=True, slots=True)
class FrameStamp:
    """What a picture says of itself."""

    number: int
    """Session-wide frame number, as in the fragment's record."""
    utc_ns: int
    """When it was taken, by the unit's clock; the records around it hold that clock's source and uncertainty."""
    boottime_ns: int
    """When it was taken, CLOCK_BOOTTIME."""
    clock_trusted: bool
    """Whether the clock was synchronised at that moment."""


def stamped(access_unit: bytes, stamp: FrameStamp) -> bytes:
    """Put a stamp in front of a picture's first slice.

    Args:
        access_unit: One picture in Annex B form.
        stamp: What to say.

    Returns:
        The picture with the message; as it came where it has no slice, which no decoder would show either.
    """
    slice_found = _FIRST_SLICE.search(access_unit)
    if slice_found is None:
        return access_unit
    at = slice_found.start()
    return b"".join((access_unit[:at], _message(stamp), access_unit[at:]))


def stamps(access_unit: bytes) -> tuple[FrameStamp, ...]:
    """Read the stamps of a picture in Annex B form; others' messages are passed over."""
    units = nal_units(access_unit, headers_only=True)
    found = (_read(unit) for unit in units if unit and unit[0] & 0x1F == _SEI)
    return tuple(stamp for stamp in found if stamp is not None)


def _message(stamp: FrameStamp) -> bytes:
    flags = _TRUSTED if stamp.clock_trusted else 0
    body = _BODY.pack(_VERSION, flags, stamp.number, stamp.utc_ns, stamp.boottime_ns)
    plain = bytes((_USER_DATA_UNREGISTERED, _LENGTH)) + _PAYLOAD + body + _STOP_BIT
    # Three bytes that could pass for a start code are parted (7.4.1.1).
    return b"\x00\x00\x00\x01" + bytes((_SEI,)) + _UNSAFE.sub(b"\x00\x00\x03", plain)


def _read(unit: bytes) -> FrameStamp | None:
    plain = unit[1:].replace(b"\x00\x00\x03", b"\x00\x00")
    begin = 2 + len(_PAYLOAD)
    if plain[:begin] != bytes((_USER_DATA_UNREGISTERED, _LENGTH)) + _PAYLOAD or len(plain) < begin + _BODY.size:
        return None
    version, flags, number, utc_ns, boottime_ns = _BODY.unpack_from(plain, begin)
    return FrameStamp(number, utc_ns, boottime_ns, bool(flags & _TRUSTED)) if version == _VERSION else None

"""Reading of the ISO base media boxes that our own muxer writes (ISO/IEC 14496-12).

Rules of this module: bytes in, values out; no I/O, no library. What is sealed about a fragment is read from its bytes
here, never taken from what was meant to be in it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from dataclasses import dataclass

from capture.errors import BoxError

_HEADER_BYTES = 8
_LARGE_HEADER_BYTES = 16
_SIZE_IS_LARGE = 1

_TFHD_BASE_OFFSET = 0x000001
_TFHD_DESCRIPTION = 0x000002
_TFHD_DURATION = 0x000008
_TRUN_DATA_OFFSET = 0x000001
_TRUN_FIRST_FLAGS = 0x000004
_TRUN_DURATION = 0x000100
_TRUN_SIZE = 0x000200
_TRUN_FLAGS = 0x000400
_TRUN_COMPOSITION = 0x000800


@dataclass(frozen=True, slots=True)
class Box:
    """One box: its type and its content without the header."""

    kind: str
    content: memoryview
    size_bytes: int
    """Header included."""


@dataclass(frozen=True, slots=True)
class TrackFragment:
    """What one fragment holds of one track, in the track's own ticks."""

    track_id: int
    decode_times: tuple[int, ...]
    """Absolute decode time of every sample, one or more."""
    end_time: int
    """Decode time at which the last sample ends."""

    @property
    def count(self) -> int:
        """Samples of the track in the fragment."""
        return len(self.decode_times)


def boxes(data: bytes | memoryview) -> Iterator[Box]:
    """Walk the boxes that fill `data` exactly.

    Raises:
        BoxError: A box reaches beyond the end, or the end is not a box's end.
    """
    view = memoryview(data)
    offset = 0
    while offset < len(view):
        size, header = _size_at(view, offset)
        kind = bytes(view[offset + 4 : offset + 8]).decode("latin-1")
        yield Box(kind, view[offset + header : offset + size], size)
        offset += size


def _size_at(view: memoryview, offset: int) -> tuple[int, int]:
    """Size of the box at `offset` and of its header."""
    if len(view) - offset < _HEADER_BYTES:
        raise BoxError(
            f"{len(view) - offset} bytes at offset {offset} are too few for a box; the muxer's output is cut"
        )
    size, header = int.from_bytes(view[offset : offset + 4], "big"), _HEADER_BYTES
    if size == _SIZE_IS_LARGE and len(view) - offset >= _LARGE_HEADER_BYTES:
        size, header = int.from_bytes(view[offset + 8 : offset + 16], "big"), _LARGE_HEADER_BYTES
    if size < header or size > len(view) - offset:
        raise BoxError(f"the box at offset {offset} says {size} bytes, {len(view) - offset} are there")
    return size, header


def complete_fragments_bytes(data: bytes | bytearray | memoryview) -> int:
    """Number of bytes at the front of `data` that end with a whole mdat; the muxer writes in pieces of any size.

    Raises:
        BoxError: The bytes are no boxes at all.
    """
    view = memoryview(data)
    offset = complete = 0
    while len(view) - offset >= _HEADER_BYTES:
        size = int.from_bytes(view[offset : offset + 4], "big")
        if size == _SIZE_IS_LARGE and len(view) - offset >= _LARGE_HEADER_BYTES:
            size = int.from_bytes(view[offset + 8 : offset + 16], "big")
        if size < _HEADER_BYTES and size != _SIZE_IS_LARGE:
            raise BoxError(f"the box at offset {offset} says {size} bytes; the muxer's output is not a box file")
        if size == _SIZE_IS_LARGE or size > len(view) - offset:
            break
        kind = bytes(view[offset + 4 : offset + 8])
        offset += size
        complete = offset if kind == b"mdat" else complete
    return complete


def children(data: bytes | memoryview, *path: str) -> list[memoryview]:
    """Contents of all boxes at `path` below `data`, in order; empty when there is none."""
    found = [memoryview(data)]
    for kind in path:
        found = [box.content for parent in found for box in boxes(parent) if box.kind == kind]
    return found


def child(data: bytes | memoryview, *path: str) -> memoryview:
    """Content of the one box at `path`.

    Raises:
        BoxError: There is none, or more than one.
    """
    found = children(data, *path)
    if len(found) != 1:
        raise BoxError(f"{len(found)} boxes at {'/'.join(path)} where one must be")
    return found[0]


def track_fragments(fragment: bytes | memoryview) -> dict[int, TrackFragment]:
    """Read every track's decode times from a fragment (moof and mdat), by track id.

    Raises:
        BoxError: The fragment does not have exactly one moof with well-formed track fragments.
    """
    moof = child(fragment, "moof")
    tracks = [_track_fragment(traf) for traf in children(moof, "traf")]
    return {track.track_id: track for track in tracks if track.decode_times}


def _track_fragment(traf: memoryview) -> TrackFragment:
    track_id, default_duration = _header(child(traf, "tfhd"))
    time = _base_time(child(traf, "tfdt"))
    times: list[int] = []
    for trun in children(traf, "trun"):
        for duration in _durations(trun, default_duration):
            times.append(time)
            time += duration
    return TrackFragment(track_id, tuple(times), time)


def _header(tfhd: memoryview) -> tuple[int, int | None]:
    """Track id and default sample duration."""
    flags, track_id = _unpack(">II", tfhd, 0)
    offset = 8 + (8 if flags & _TFHD_BASE_OFFSET else 0) + (4 if flags & _TFHD_DESCRIPTION else 0)
    if not flags & _TFHD_DURATION:
        return track_id, None
    return track_id, _unpack(">I", tfhd, offset)[0]


def _base_time(tfdt: memoryview) -> int:
    version = _unpack(">B", tfdt, 0)[0]
    return _unpack(">Q" if version else ">I", tfdt, 4)[0]


def _durations(trun: memoryview, default_duration: int | None) -> Iterator[int]:
    """Duration of every sample of a run."""
    flags, count = _unpack(">II", trun, 0)
    offset = 8 + (4 if flags & _TRUN_DATA_OFFSET else 0) + (4 if flags & _TRUN_FIRST_FLAGS else 0)
    columns = (_TRUN_DURATION, _TRUN_SIZE, _TRUN_FLAGS, _TRUN_COMPOSITION)
    stride = sum(4 for column in columns if flags & column)
    if len(trun) != offset + count * stride:
        raise BoxError(f"a run of {count} samples has {len(trun)} bytes, {offset + count * stride} are right")
    for index in range(count):
        if flags & _TRUN_DURATION:
            yield _unpack(">I", trun, offset + index * stride)[0]
        elif default_duration is not None:
            yield default_duration
        else:
            raise BoxError("a run gives its samples no duration and its track has no default in the fragment")


def _unpack(layout: str, view: memoryview, offset: int) -> tuple[int, ...]:
    try:
        return struct.unpack_from(layout, view, offset)
    except struct.error as error:
        raise BoxError(f"a box ends before its field at offset {offset}: {error}") from error

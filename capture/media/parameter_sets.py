"""Sequence and picture parameter sets of H.264 in Annex B form (ITU-T H.264, 7.3.2.1, annex B).

Rules of this module: bytes in, values out; no I/O, no library.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

from capture.errors import ParameterSetError

_START_CODE = b"\x00\x00\x01"
_SPS, _PPS = 7, 8
_SLICES = (1, 5)
_SPS_BYTES_MIN = 4


@dataclass(frozen=True, slots=True)
class ParameterSets:
    """What a decoder must have before the first picture; equal sets mean one and the same stream."""

    sps: tuple[bytes, ...]
    pps: tuple[bytes, ...]


def nal_units(data: bytes, *, headers_only: bool = False) -> list[bytes]:
    """Split an access unit in Annex B form into its NAL units, start codes and trailing zeros taken off.

    Args:
        data: Annex B bytes.
        headers_only: Stop before the first slice: what stands in front is short, a picture is not.
    """
    starts = _starts(data, headers_only=headers_only)
    return [data[start : end - len(_START_CODE)].rstrip(b"\x00") for start, end in pairwise(starts)]


def _starts(data: bytes, *, headers_only: bool) -> list[int]:
    """Offsets of the units' first bytes, and where the last one's follower would begin."""
    starts: list[int] = []
    at = data.find(_START_CODE)
    while at >= 0:
        start = at + len(_START_CODE)
        starts.append(start)
        if headers_only and start < len(data) and data[start] & 0x1F in _SLICES:
            return starts
        at = data.find(_START_CODE, start)
    return [*starts, len(data) + len(_START_CODE)]


def parameter_sets(access_unit: bytes) -> ParameterSets:
    """Take the parameter sets from the front of a key frame.

    Raises:
        ParameterSetError: One of the two kinds is missing: the encoder does not repeat its headers.
    """
    units = nal_units(access_unit, headers_only=True)
    sps = tuple(unit for unit in units if unit and unit[0] & 0x1F == _SPS)
    pps = tuple(unit for unit in units if unit and unit[0] & 0x1F == _PPS)
    if not sps or not pps or len(sps[0]) < _SPS_BYTES_MIN:
        raise ParameterSetError(
            f"a key frame of {len(access_unit)} bytes carries {len(sps)} SPS and {len(pps)} PPS; "
            "the encoder must repeat both before every key frame",
        )
    return ParameterSets(sps, pps)

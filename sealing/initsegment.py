"""The init segment in front of a file's first fragment.

Rules of this module: it looks at box sizes and names of a clear fragment and at nothing else of it.
"""

from __future__ import annotations

from typing import Final

_BOX_HEADER_BYTES: Final = 8
_INIT_BOXES: Final = frozenset({b"ftyp", b"moov", b"free"})


def init_segment(fragment: bytes) -> bytes:
    """Return the boxes in front of the first moof (ftyp and moov); nothing when the fragment has none."""
    end = 0
    while end + _BOX_HEADER_BYTES <= len(fragment):
        size = int.from_bytes(fragment[end : end + 4], "big")
        if fragment[end + 4 : end + 8] not in _INIT_BOXES or not _BOX_HEADER_BYTES <= size <= len(fragment) - end:
            break
        end += size
    return fragment[:end]


class InitSegment:
    """The init segment of one run: each of its files begins with it, also one that a fault began."""

    def __init__(self) -> None:
        self._found = b""

    @property
    def length_bytes(self) -> int:
        """Length of the init segment that may have to be put in front; 0 before one was seen."""
        return len(self._found)

    def put_in_front(self, fragment: bytes) -> bytes:
        """Return a file's first fragment with ftyp and moov in front."""
        found = init_segment(fragment)
        if found:
            self._found = found
            return fragment
        return self._found + fragment

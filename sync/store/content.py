"""Bytes that a store holds, wherever they lie: how many, and piece by piece from an offset.

Rules of this module: reads only; nothing is judged here.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

READ_BYTES: Final = 1024 * 1024


class Content(Protocol):
    """One object or one parked upload; every method may raise OSError."""

    @property
    def where(self) -> str:
        """Path or address, for messages."""
        ...

    def size_bytes(self) -> int | None:
        """Its length; None when it is not there."""
        ...

    def pieces(self, offset_bytes: int = 0) -> Iterator[bytes]:
        """Its bytes from an offset on, piece by piece."""
        ...


@dataclass(frozen=True, slots=True)
class LocalContent:
    """Content in a file of this machine."""

    path: Path

    @property
    def where(self) -> str:
        """Its path."""
        return str(self.path)

    def size_bytes(self) -> int | None:
        """Its length; None when it is not there."""
        try:
            return self.path.stat().st_size
        except FileNotFoundError:
            return None

    def pieces(self, offset_bytes: int = 0) -> Iterator[bytes]:
        """Its bytes from an offset on."""
        return read_pieces(self.path, offset_bytes)


def read_pieces(path: Path, offset_bytes: int = 0) -> Iterator[bytes]:
    """Read a file piece by piece from an offset. Raises OSError."""
    with path.open("rb", buffering=0) as file:
        file.seek(offset_bytes)
        while piece := file.read(READ_BYTES):
            yield piece


def whole_size(content: Content) -> int:
    """Length of content that has to be there. Raises FileNotFoundError."""
    size = content.size_bytes()
    if size is None:
        raise FileNotFoundError(f"{content.where} is not there; restore it from the backup")
    return size

"""What the world remembers when the process inside it is killed at any instruction.

Rules of this module: numbers only, in a page shared with the file system: what was stored is there for the next
process even after SIGKILL, without a system call for each change. Nothing here is durable against a loss of power of
the machine that simulates.
"""

from __future__ import annotations

import mmap
import struct
from pathlib import Path
from typing import Protocol

from hw_sim.errors import SimulationError

_NAME_BYTES = 64
_ROW_NUMBERS = 8
_ROW_BYTES = _NAME_BYTES + 8 * _ROW_NUMBERS
_ROWS = 64


class Numbers(Protocol):
    """A few whole numbers that can be read and written by place: a list, or a row of a `Memory`."""

    def __getitem__(self, index: int, /) -> int:
        """Read the number at a place."""
        ...

    def __setitem__(self, index: int, value: int, /) -> None:
        """Write the number at a place."""
        ...


class Memory:
    """Named rows of up to eight numbers in a file.

    Args:
        path: The file; made when it is not there.
    """

    def __init__(self, path: Path) -> None:
        with path.open("a+b") as file:
            file.truncate(_ROWS * _ROW_BYTES)
            self._page = mmap.mmap(file.fileno(), _ROWS * _ROW_BYTES)
        self._numbers = memoryview(self._page).cast("q")
        self._rows: dict[str, memoryview[int]] = {}

    def row(self, name: str, *first: int) -> Numbers:
        """The row called `name`, with the values `first` when no process before made it.

        Raises:
            SimulationError: The page is full, or the name or the row is too long.
        """
        if name not in self._rows:
            self._rows[name] = self._find(name, first)
        return self._rows[name]

    def close(self) -> None:
        """Let the page go; every row given out is dead after this."""
        for row in self._rows.values():
            row.release()
        self._rows.clear()
        self._numbers.release()
        self._page.close()

    def _find(self, name: str, first: tuple[int, ...]) -> memoryview[int]:
        key = name.encode().ljust(_NAME_BYTES, b"\0")
        if len(key) > _NAME_BYTES or len(first) > _ROW_NUMBERS:
            raise SimulationError(f"row {name!r} of {len(first)} numbers does not fit; {_ROW_NUMBERS} is the most")
        for place in range(0, _ROWS * _ROW_BYTES, _ROW_BYTES):
            start = (place + _NAME_BYTES) // 8
            row = self._numbers[start : start + _ROW_NUMBERS]
            found = self._page[place : place + _NAME_BYTES]
            if found == key:
                return row
            if found.strip(b"\0") == b"":
                for index, value in enumerate(first):
                    row[index] = value
                # The name comes last: a row is there only when it is whole.
                self._page[place : place + _NAME_BYTES] = key
                return row
            row.release()
        raise SimulationError(f"no room for row {name!r}: {_ROWS} rows are the most")


def remembered(path: Path, name: str) -> tuple[int, ...] | None:
    """Read a row of a world that another process lives in, without touching it; None when there is no such row."""
    try:
        page = path.read_bytes()
    except FileNotFoundError:
        return None
    key = name.encode().ljust(_NAME_BYTES, b"\0")
    for place in range(0, len(page) - _ROW_BYTES + 1, _ROW_BYTES):
        if page[place : place + _NAME_BYTES] == key:
            return struct.unpack(f"={_ROW_NUMBERS}q", page[place + _NAME_BYTES : place + _ROW_BYTES])
    return None

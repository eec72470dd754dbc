"""The number of a picture as a block of light and dark cells, so that a test can tell which picture it sees.

Rules of this module: 32 bits of number and 8 bits of checksum in 8 × 5 cells, framed by a light border; what cannot
be read with certainty is read as nothing.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Plane = npt.NDArray[np.uint8]

COLUMNS, ROWS = 8, 5
_DARK, _LIGHT = 30, 220
_NUMBER_BYTES = 4
_POLYNOMIAL = 0x07
_CLEAR_MARGIN = 40
"""A cell nearer than this to the middle grey is no bit."""


def cell_pixels(height_pixels: int) -> int:
    """Side of one cell for a picture of this height; never under 8, so that compression leaves it readable."""
    return max(8, 2 * round(height_pixels / 120))


def block_size(height_pixels: int) -> tuple[int, int]:
    """Rows and columns of the whole block with its border."""
    cell = cell_pixels(height_pixels)
    return ((ROWS + 2) * cell, (COLUMNS + 2) * cell)


def draw(luma: Plane, picture_number: int) -> None:
    """Write the block for `picture_number` into the lower left corner; a picture too small for it stays without."""
    height, width = luma.shape
    cell = cell_pixels(height)
    rows, columns = block_size(height)
    if rows > height or columns > width:
        return
    number = (picture_number & 0xFFFFFFFF).to_bytes(_NUMBER_BYTES, "big")
    bits = np.unpackbits(np.frombuffer(number + bytes([_checksum(number)]), np.uint8)).reshape(ROWS, COLUMNS)
    block = np.full((ROWS + 2, COLUMNS + 2), _LIGHT, np.uint8)
    block[1:-1, 1:-1] = np.where(bits, _LIGHT, _DARK)
    luma[height - rows :, :columns] = block.repeat(cell, 0).repeat(cell, 1)


def read(luma: Plane) -> int | None:
    """Read the number back from a decoded luma plane; None when there is none or it is damaged."""
    height, width = luma.shape
    cell = cell_pixels(height)
    rows, columns = block_size(height)
    if rows > height or columns > width:
        return None
    cells = luma[height - rows :, :columns].reshape(ROWS + 2, cell, COLUMNS + 2, cell)
    inner = cells[1:-1, cell // 4 : -(cell // 4), 1:-1, cell // 4 : -(cell // 4)]
    means = inner.mean(axis=(1, 3))
    if (np.abs(means - (_DARK + _LIGHT) / 2) < _CLEAR_MARGIN).any():
        return None
    *number, checksum = np.packbits(means > (_DARK + _LIGHT) / 2).tolist()
    return int.from_bytes(bytes(number), "big") if _checksum(bytes(number)) == checksum else None


def _checksum(data: bytes) -> int:
    rest = 0x5A
    for byte in data:
        rest ^= byte
        for _ in range(8):
            rest = ((rest << 1) ^ _POLYNOMIAL if rest & 0x80 else rest << 1) & 0xFF
    return rest

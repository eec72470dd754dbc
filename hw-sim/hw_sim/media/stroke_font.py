"""A small stroke font: digits, capitals and the signs of a timecode, smooth at any size.

Rules of this module: shapes only; colours and places are the scene's. Each glyph is a set of strokes on a grid of
5 columns and 7 rows (`xy` pairs, strokes parted by `/`), drawn with round ends.
"""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
import numpy.typing as npt

Mask = npt.NDArray[np.float32]

GLYPHS = {
    "0": "01 10 30 41 45 36 16 05 01",
    "1": "11 20 26/16 36",
    "2": "01 10 30 41 42 06 46",
    "3": "01 10 30 41 42 33 13/33 44 45 36 16 05",
    "4": "36 30 04 44",
    "5": "40 00 03 33 44 45 36 16 05",
    "6": "41 30 10 01 05 16 36 45 44 33 03",
    "7": "00 40 41 23 26",
    "8": "13 33 42 41 30 10 01 02 13 04 05 16 36 45 44 33",
    "9": "05 16 36 45 41 30 10 01 02 13 43",
    "A": "06 02 20 42 46/04 44",
    "B": "00 06 36 45 44 33 03/33 42 41 30 00",
    "C": "41 30 10 01 05 16 36 45",
    "D": "00 06 26 44 42 20 00",
    "E": "40 00 06 46/03 33",
    "F": "40 00 06/03 33",
    "G": "41 30 10 01 05 16 36 45 43 23",
    "H": "00 06/40 46/03 43",
    "I": "10 30/20 26/16 36",
    "J": "40 45 36 16 05",
    "K": "00 06/40 03 46",
    "L": "00 06 46",
    "M": "06 00 23 40 46",
    "N": "06 00 46 40",
    "O": "01 10 30 41 45 36 16 05 01",
    "P": "06 00 30 41 42 33 03",
    "Q": "01 10 30 41 45 36 16 05 01/24 46",
    "R": "06 00 30 41 42 33 03/23 46",
    "S": "41 30 10 01 02 13 33 44 45 36 16 05",
    "T": "00 40/20 26",
    "U": "00 05 16 36 45 40",
    "V": "00 26 40",
    "W": "00 16 22 36 40",
    "X": "00 46/40 06",
    "Y": "00 23 40/23 26",
    "Z": "00 40 06 46",
    ":": "22/25",
    ".": "26",
    "-": "13 33",
    "/": "06 40",
    "+": "13 33/22 24",
    " ": "",
}
"""Every sign that the font has; any other is drawn as a space."""

ADVANCE_PER_HEIGHT = 0.9
"""Width of one cell for a cap height of 1: all glyphs are equally wide, so that digits do not dance."""
_LINE_PER_HEIGHT = 1.3
_WEIGHT_PER_HEIGHT = 0.13


def cell_size(height_pixels: int) -> tuple[int, int]:
    """Rows and columns of one glyph's cell for a cap height in pixels, both even."""
    return (2 * round(height_pixels * _LINE_PER_HEIGHT / 2), 2 * round(height_pixels * ADVANCE_PER_HEIGHT / 2))


@lru_cache(maxsize=512)
def glyph(sign: str, height_pixels: int) -> Mask:
    """Coverage of one glyph's cell, 0 to 1, for a cap height in pixels."""
    rows, columns = cell_size(height_pixels)
    step = height_pixels / 6
    left, top = (columns - 4 * step) / 2, (rows - height_pixels) / 2
    y, x = np.mgrid[0:rows, 0:columns].astype(np.float32)
    distance = np.full((rows, columns), np.inf, np.float32)
    for (x0, y0), (x1, y1) in _segments(GLYPHS.get(sign, "")):
        ends = (left + x0 * step, top + y0 * step, left + x1 * step, top + y1 * step)
        np.minimum(distance, _distance(x, y, *ends), out=distance)
    cover: Mask = np.clip(height_pixels * _WEIGHT_PER_HEIGHT / 2 - distance + 0.5, 0, 1).astype(np.float32)
    return cover


def _segments(strokes: str) -> list[tuple[tuple[int, int], tuple[int, int]]]:
    found = []
    for stroke in filter(None, strokes.split("/")):
        points = [(int(pair[0]), int(pair[1])) for pair in stroke.split()]
        found += list(pairwise(points)) or [(points[0], points[0])]
    return found


def _distance(x: Mask, y: Mask, x0: float, y0: float, x1: float, y1: float) -> Mask:
    length_squared = (x1 - x0) ** 2 + (y1 - y0) ** 2
    reach = ((x - x0) * (x1 - x0) + (y - y0) * (y1 - y0)) / max(length_squared, 1.0)
    along = np.clip(reach, 0, 1)
    return np.hypot(x - x0 - along * (x1 - x0), y - y0 - along * (y1 - y0)).astype(np.float32)

"""Letters for pictures: white with a black edge, readable on any ground (CS-34).

Rules of this module: pixels only; what they say is handed in. Nothing here knows a camera or a clock.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Final

import numpy as np
import numpy.typing as npt
from PIL import Image, ImageDraw, ImageFont

from capture.errors import CaptionFontError

Plane = npt.NDArray[np.uint8]

FONTS: Final = (
    Path("/usr/share/fonts/truetype/wqy/wqy-microhei.ttc"),
    Path("/usr/share/fonts/truetype/wqy/wqy-zenhei.ttc"),
    Path("/usr/share/fonts/opentype/noto/NotoSansCJK-Regular.ttc"),
)
"""Fonts with Chinese characters, where Debian puts them; the first that is there is taken."""
_WHITE, _BLACK = 235, 16
_SIZE_OF_HEIGHT = 30
"""Letters are a thirtieth of the picture's height, where that can be read."""
_READABLE_PIXELS = 14
_SMALLEST_PIXELS = 6
_EDGE_OF_SIZE = 12
_BLOCK_OF_HEIGHT = 3
"""All lines together take a third of the picture's height at most."""
_GAP = "  "
_COVERED = 96


@dataclass(frozen=True, slots=True)
class Lettering:
    """Drawn words, ready to be laid onto a picture's upper left corner."""

    luma: Plane
    inked: npt.NDArray[np.bool_]
    """Which pixels belong to letters and their edges."""

    def lay_on(self, picture: Plane) -> None:
        """Copy the letters into a Y plane; what does not fit is left out."""
        rows, columns = min(picture.shape[0], self.luma.shape[0]), min(picture.shape[1], self.luma.shape[1])
        np.copyto(picture[:rows, :columns], self.luma[:rows, :columns], where=self.inked[:rows, :columns])


class Letterer:
    """Draws words with one font.

    Args:
        fonts: Where to look for it, best first.

    Raises:
        CaptionFontError: There is none, or it cannot be used.
    """

    def __init__(self, fonts: Sequence[Path] = FONTS) -> None:
        path = next((each for each in fonts if each.is_file()), None)
        if path is None:
            places = ", ".join(map(str, fonts))
            raise CaptionFontError(f"no font with Chinese characters at {places}; install fonts-wqy-microhei")
        self._path = path
        self._font = lru_cache(maxsize=64)(self._load)
        self._font(_SMALLEST_PIXELS)

    def render(self, parts: Sequence[str], width_pixels: int, height_pixels: int) -> Lettering:
        """Draw words for a picture of a size: about 5 ms at 1080p.

        Letters grow smaller where a word is wider than the picture, or the lines would hide more than a third of it.

        Args:
            parts: Words that are not divided; they run on to a next line where the picture ends.
            width_pixels: The picture's width.
            height_pixels: The picture's height.

        Returns:
            The block that belongs into the upper left corner.
        """
        size = max(_READABLE_PIXELS, height_pixels // _SIZE_OF_HEIGHT)
        while True:
            font = self._font(size)
            lines = _lines(font, parts, width_pixels - 2 * _margin(size))
            fits = len(lines) * _line_pixels(font) + 2 * _margin(size) <= height_pixels // _BLOCK_OF_HEIGHT
            if size == _SMALLEST_PIXELS or (fits and _widest(font, lines) <= width_pixels - 2 * _margin(size)):
                return _drawn(font, lines, size)
            size -= 1

    def _load(self, size_pixels: int) -> ImageFont.FreeTypeFont:
        try:
            return ImageFont.truetype(str(self._path), size_pixels)
        except OSError as error:
            raise CaptionFontError(f"{self._path}: {error}; install fonts-wqy-microhei again") from error


def _margin(size_pixels: int) -> int:
    return max(2, size_pixels // 2)


def _line_pixels(font: ImageFont.FreeTypeFont) -> int:
    return sum(font.getmetrics())


def _widest(font: ImageFont.FreeTypeFont, lines: Sequence[str]) -> float:
    return max(map(font.getlength, lines), default=0.0)


def _lines(font: ImageFont.FreeTypeFont, parts: Sequence[str], width_pixels: int) -> list[str]:
    lines: list[str] = []
    for part in parts:
        longer = f"{lines[-1]}{_GAP}{part}" if lines else part
        if lines and font.getlength(longer) <= width_pixels:
            lines[-1] = longer
        else:
            lines.append(part)
    return lines


def _drawn(font: ImageFont.FreeTypeFont, lines: Sequence[str], size_pixels: int) -> Lettering:
    margin, edge, step = _margin(size_pixels), max(1, size_pixels // _EDGE_OF_SIZE), _line_pixels(font)
    extent = (round(_widest(font, lines)) + 2 * margin, len(lines) * step + 2 * margin)
    faces, shapes = Image.new("L", extent), Image.new("L", extent)
    for number, line in enumerate(lines):
        place = (margin, margin + number * step)
        ImageDraw.Draw(faces).text(place, line, fill=255, font=font)
        ImageDraw.Draw(shapes).text(place, line, fill=255, font=font, stroke_width=edge, stroke_fill=255)
    luma = _BLACK + np.asarray(faces, np.uint16) * (_WHITE - _BLACK) // 255
    return Lettering(luma.astype(np.uint8), np.asarray(shapes) > _COVERED)

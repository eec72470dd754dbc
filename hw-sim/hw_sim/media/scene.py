"""The drawn scene: a test chart with a running timecode, the true time and something that moves.

Rules of this module: everything that stands still is drawn once; a picture costs only the cells whose sign changed,
the moving ball and the picture's number.
"""

from __future__ import annotations

from datetime import UTC, datetime
from fractions import Fraction

import numpy as np
import numpy.typing as npt
from av import VideoFrame

from hal.values import CameraSettings
from hw_sim.media import frame_code, stroke_font
from hw_sim.media.pictures import Moment, Plane, even_settings, plane

_SECOND_NS = 1_000_000_000
_BARS = ((180, 128, 128), (162, 44, 142), (131, 156, 44), (112, 72, 58), (84, 184, 198), (65, 100, 212), (35, 212, 114))
"""Colour bars of 75 %: luma, blue difference, red difference."""
_BACKGROUND_CHROMA = (140, 120)
_PANEL_LUMA, _INK_LUMA = 22, 228
_BALL_COLOUR = (190, 70, 178)
_BALL_PERIOD_SECONDS = Fraction(73, 10)
"""No whole number of seconds, so that thumbnails taken once a second differ."""
_RAMP_STEPS = 11
_DESIGN_WIDTH, _DESIGN_HEIGHT = 1920, 1080


class TextLine:
    """One line of text on the panel that is redrawn cell by cell.

    Args:
        luma: The plane that it stands on.
        top: First row.
        centre: Column of its middle.
        height_pixels: Cap height.
        length: Number of cells.
    """

    def __init__(self, luma: Plane, top: int, centre: int, height_pixels: int, length: int) -> None:
        self._luma = luma
        self._height_pixels = height_pixels
        self._rows, self._columns = stroke_font.cell_size(height_pixels)
        self._top = top
        self._left = centre - length * self._columns // 2
        self._fits = 0 <= top <= luma.shape[0] - self._rows
        self._shown = "\0" * length

    def show(self, text: str) -> None:
        """Draw the cells in which `text` differs from what stands there; cells outside a tiny picture are left out."""
        for place, (sign, old) in enumerate(zip(text, self._shown, strict=True)):
            left = self._left + place * self._columns
            if sign != old and self._fits and 0 <= left <= self._luma.shape[1] - self._columns:
                cell = _inked(sign, self._height_pixels)
                self._luma[self._top : self._top + self._rows, left : left + self._columns] = cell
        self._shown = text


class DrawnScene:
    """A test chart with a running timecode; a `PictureSource` of any size and rate."""

    def __init__(self) -> None:
        self._canvas: _Canvas | None = None

    def settings(self, asked: CameraSettings) -> CameraSettings:
        """Every even size and every rate can be drawn."""
        return even_settings(asked)

    def begin(self, settings: CameraSettings) -> None:
        """Draw all that stands still."""
        self._canvas = _Canvas(settings)

    def picture(self, moment: Moment) -> VideoFrame:
        """Draw one picture; the frame is reused by the next call.

        Raises:
            RuntimeError: `begin` was not called.
        """
        if self._canvas is None:
            raise RuntimeError("the drawn scene has no canvas yet; call begin first")
        return self._canvas.draw(moment)

    def close(self) -> None:
        """Let the canvas go."""
        self._canvas = None


class _Canvas:
    def __init__(self, settings: CameraSettings) -> None:
        self._rate = settings.frames_per_second
        self.width, self.height = settings.width_pixels, settings.height_pixels
        self.scale = min(self.width / _DESIGN_WIDTH, self.height / _DESIGN_HEIGHT)
        self.frame = VideoFrame(self.width, self.height, "yuv420p")
        self.planes = tuple(plane(self.frame, index) for index in range(3))
        self._paint_background()
        self._paint_bars()
        self._paint_ramp()
        self._paint_panel()
        self._still = tuple(each.copy() for each in self.planes)
        self._ball = _Ball(max(6, self._px(64)))
        self._ball_box = (0, 0)

    def draw(self, moment: Moment) -> VideoFrame:
        self._timecode.show(timecode(moment.position_ns, self._rate))
        self._civil.show(civil_time(moment.civil_utc_ns))
        self._number.show(f"PICTURE {moment.picture_number % 10**8:08d}")
        self._move_ball(moment.position_ns)
        frame_code.draw(self.planes[0], moment.picture_number)
        return self.frame

    def _px(self, design_pixels: float) -> int:
        return round(design_pixels * self.scale)

    def _paint_background(self) -> None:
        luma = self.planes[0]
        luma[:] = np.linspace(78, 44, self.height).astype(np.uint8)[:, None]
        pitch = max(8, self._px(120))
        luma[pitch // 2 :: pitch, :] += 10
        luma[:, (self.width // 2) % pitch :: pitch] += 10
        self.planes[1][:], self.planes[2][:] = _BACKGROUND_CHROMA
        self._paint_circle()

    def _paint_circle(self) -> None:
        y, x = np.ogrid[0 : self.height, 0 : self.width]
        distance = np.hypot(x - self.width / 2, y - self.height / 2).astype(np.float32)
        ring = np.clip(max(1.0, 3 * self.scale) - np.abs(distance - self.height * 0.47), 0, 1)
        luma = self.planes[0]
        luma[:] = (luma + ring * (200 - luma)).astype(np.uint8)

    def _paint_bars(self) -> None:
        rows = max(4, self._px(130)) // 2 * 2
        edges = np.linspace(0, self.width // 2, len(_BARS) + 1).astype(int)
        for (luma, blue, red), left, right in zip(_BARS, edges, edges[1:], strict=False):
            self.planes[0][:rows, 2 * left : 2 * right] = luma
            self.planes[1][: rows // 2, left:right] = blue
            self.planes[2][: rows // 2, left:right] = red

    def _paint_ramp(self) -> None:
        rows = max(4, self._px(90)) // 2 * 2
        steps = np.linspace(16, 235, _RAMP_STEPS).astype(np.uint8)
        places = np.arange(self.width) * _RAMP_STEPS // self.width
        self.planes[0][-rows:] = steps[places]
        self.planes[1][-rows // 2 :] = 128
        self.planes[2][-rows // 2 :] = 128

    def _paint_panel(self) -> None:
        centre, luma = self.width // 2, self.planes[0]
        heights = [max(7, self._px(size)) for size in (40, 170, 58, 58)]
        lengths = (len(self._title()), 11, 27, 16)
        cells = [stroke_font.cell_size(height) for height in heights]
        rows = sum(each[0] for each in cells)
        half = max(each[1] * length for each, length in zip(cells, lengths, strict=True)) // 2 + self._px(40)
        top = (self.height - rows) // 2 - self._px(30)
        half = min(half, centre)
        luma[top - self._px(16) : top + rows + self._px(16), centre - half : centre + half] = _PANEL_LUMA
        lines = []
        for height, length, (cell_rows, _) in zip(heights, lengths, cells, strict=True):
            lines.append(TextLine(luma, top, centre, height, length))
            top += cell_rows
        title, self._timecode, self._civil, self._number = lines
        title.show(self._title())
        self._track = min(top + self._px(70), self.height - self._px(140))

    def _title(self) -> str:
        return f"SIMULATED CAMERA  {self.width} X {self.height}  {float(self._rate):5.2f} FPS"

    def _move_ball(self, position_ns: int) -> None:
        size = self._ball.size
        for place, still in zip(self.planes, self._still, strict=True):
            _paste(place, still, self._ball_box, size, place is self.planes[0])
        phase = float(Fraction(position_ns, _SECOND_NS) / _BALL_PERIOD_SECONDS) % 1.0
        way = self.width * 0.8 - size
        left = int(self.width * 0.1 + way * (1 - abs(2 * phase - 1))) // 2 * 2
        top = max(0, min(self._track, self.height - size)) // 2 * 2
        self._ball.draw(self.planes, top, left)
        self._ball_box = (top, left)


class _Ball:
    def __init__(self, size: int) -> None:
        self.size = size // 2 * 2
        y, x = np.mgrid[0 : self.size, 0 : self.size].astype(np.float32) - (self.size - 1) / 2
        self._cover = np.clip(self.size / 2 - np.hypot(x, y), 0, 1)

    def draw(self, planes: tuple[Plane, ...], top: int, left: int) -> None:
        """Blend the ball into all three planes."""
        for place, colour in zip(planes, _BALL_COLOUR, strict=True):
            full = place is planes[0]
            cover = self._cover if full else self._cover[::2, ::2]
            row, column = (top, left) if full else (top // 2, left // 2)
            patch = place[row : row + cover.shape[0], column : column + cover.shape[1]]
            patch[:] = (patch + cover * (np.float32(colour) - patch)).astype(np.uint8)


def timecode(position_ns: int, rate: Fraction) -> str:
    """Place in the scene as hours, minutes, seconds and picture of the second."""
    seconds, rest_ns = divmod(position_ns, _SECOND_NS)
    picture = int(rest_ns * rate / _SECOND_NS + Fraction(1, 1000))
    return f"{seconds // 3600 % 100:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}:{picture % 100:02d}"


def civil_time(utc_ns: int) -> str:
    """Civil time to the millisecond, 27 signs."""
    moment = datetime.fromtimestamp(utc_ns // _SECOND_NS, UTC)
    return f"{moment:%Y-%m-%d %H:%M:%S}.{utc_ns // 1_000_000 % 1000:03d} UTC"


def _inked(sign: str, height_pixels: int) -> npt.NDArray[np.uint8]:
    key = (sign, height_pixels)
    if key not in _INKED:
        cover = stroke_font.glyph(sign, height_pixels)
        _INKED[key] = (_PANEL_LUMA + cover * (_INK_LUMA - _PANEL_LUMA)).astype(np.uint8)
    return _INKED[key]


_INKED: dict[tuple[str, int], npt.NDArray[np.uint8]] = {}


def _paste(place: Plane, still: Plane, box: tuple[int, int], size: int, full: bool) -> None:
    part = 1 if full else 2
    row, column, side = box[0] // part, box[1] // part, size // part
    place[row : row + side, column : column + side] = still[row : row + side, column : column + side]

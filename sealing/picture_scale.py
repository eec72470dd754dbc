"""Where things stand in the picture: time to pixels, ticks, and rows of labels that never overlap.

Rules of this module: pure arithmetic; no markup.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

_NS: Final = 1_000_000_000
_STEPS_SECONDS: Final = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800, 86_400)
_GAP_SHARE_MAX: Final = 0.10
"""A break is drawn no wider than this share of what was recorded."""
_GAP_SHARE_MIN: Final = 0.025
_LABEL_SPACE: Final = 12.0


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of media time that is drawn at one scale."""

    start_ns: int
    end_ns: int
    left: float
    right: float
    gap: bool
    """It is a break; a long one is drawn shorter than it was."""


class Scale:
    """Media time to pixels; long breaks are drawn shorter than they were.

    Args:
        start_ns: Media time of the left edge.
        end_ns: Media time of the right edge.
        gaps: Breaks as (start, end) of media time, ascending, inside the edges.
        left: Pixel of the left edge.
        right: Pixel of the right edge.
    """

    def __init__(self, start_ns: int, end_ns: int, gaps: Sequence[tuple[int, int]], left: float, right: float) -> None:
        spans = list(_spans(start_ns, max(end_ns, start_ns + 1), gaps))
        recorded = sum(end - start for start, end, gap in spans if not gap) or 1
        weights = [_weight(end - start, recorded, gap=gap) for start, end, gap in spans]
        unit, position = (right - left) / sum(weights), left
        self.pieces: list[Piece] = []
        for (start, end, gap), weight in zip(spans, weights, strict=True):
            self.pieces.append(Piece(start, end, position, position + weight * unit, gap))
            position += weight * unit
        self._pixels_per_ns = unit

    def x(self, media_ns: int) -> float:
        """Pixel of a moment; moments outside stand at the edge."""
        for piece in self.pieces:
            if media_ns <= piece.end_ns:
                share = (media_ns - piece.start_ns) / (piece.end_ns - piece.start_ns)
                return piece.left + max(share, 0.0) * (piece.right - piece.left)
        return self.pieces[-1].right

    def ticks(self, offset_ns: int, apart_pixels: float) -> Iterator[int]:
        """Media times at round civil times.

        Args:
            offset_ns: Civil time at media time 0, already moved to the zone that is shown.
            apart_pixels: Least distance.
        """
        step = next(
            (each for each in _STEPS_SECONDS if each * _NS * self._pixels_per_ns >= apart_pixels), _STEPS_SECONDS[-1]
        )
        last = float("-inf")
        for piece in self.pieces:
            first = -(-(piece.start_ns + offset_ns) // (step * _NS)) * step * _NS - offset_ns
            for moment in () if piece.gap else range(first, piece.end_ns + 1, step * _NS):
                if self.x(moment) - last >= apart_pixels * 0.8 and self._clear(moment, apart_pixels / 3):
                    last = self.x(moment)
                    yield moment

    def _clear(self, media_ns: int, room: float) -> bool:
        """Whether a tick's words would stand clear of breaks."""
        x = self.x(media_ns)
        return all(x + room <= each.left or x - room >= each.right for each in self.pieces if each.gap)


def _spans(start_ns: int, end_ns: int, gaps: Sequence[tuple[int, int]]) -> Iterator[tuple[int, int, bool]]:
    position = start_ns
    for first, last in gaps:
        begin, end = max(first, position), min(last, end_ns)
        if end <= begin:
            continue
        if begin > position:
            yield position, begin, False
        yield begin, end, True
        position = end
    if position < end_ns:
        yield position, end_ns, False


def _weight(length_ns: int, recorded_ns: int, *, gap: bool) -> float:
    if not gap:
        return float(length_ns)
    return min(max(float(length_ns), recorded_ns * _GAP_SHARE_MIN), recorded_ns * _GAP_SHARE_MAX)


@dataclass(frozen=True, slots=True)
class Label:
    """A text that belongs to a place."""

    at: float
    """Pixel of what it names."""
    width: float
    words: str
    colour: str


@dataclass(frozen=True, slots=True)
class Placed:
    """A label with its place."""

    label: Label
    left: float
    row: int


def rows_of(labels: Sequence[Label], right_edge: float, rows_max: int) -> list[Placed]:
    """Put labels into rows so that neither texts nor the lines that lead to them cross.

    From right to left: a label that would run into its right neighbour goes one row further, and the line that leads
    to it passes in front of that neighbour. A label that finds no row is left out.
    """
    rows: list[list[tuple[float, float]]] = []
    placed = []
    for label in sorted(labels, key=lambda each: -each.at):
        left = min(label.at, right_edge - label.width)
        row = _free_row(rows, left, label)
        if row >= rows_max:
            continue
        while len(rows) <= row:
            rows.append([])
        rows[row].append((left, left + label.width + _LABEL_SPACE))
        for above in rows[:row]:
            above.append((label.at - 2, label.at + 2))
        placed.append(Placed(label, left, row))
    return placed


def _free_row(rows: Sequence[Sequence[tuple[float, float]]], left: float, label: Label) -> int:
    right = left + label.width + _LABEL_SPACE
    for row, taken in enumerate(rows):
        if all(right <= begin or left >= end for begin, end in taken):
            return row
    return len(rows)

"""Elements of the picture: shapes and text as SVG, nothing about recordings.

Rules of this module: numbers and words in, markup out; every text is escaped here and nowhere else.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from xml.sax.saxutils import escape, quoteattr

from sealing.layout import width

FONTS: Final = (
    "'Noto Sans CJK SC','Noto Sans SC','Source Han Sans SC','PingFang SC','Microsoft YaHei',"
    "'WenQuanYi Micro Hei','WenQuanYi Zen Hei',sans-serif"
)
_COLUMN_EM: Final = 0.53
"""Width of half a Chinese character, or of a Latin letter on average, in font sizes."""


@dataclass(frozen=True, slots=True)
class Style:
    """How a text looks."""

    size: float = 13
    colour: str = "#2b2f33"
    weight: int = 400
    anchor: str = "start"
    halo: bool = False
    """White around the letters, for a text over other things."""


def text_width(text: str, size: float) -> float:
    """Estimated width of a text in pixels, on the safe side."""
    return width(text) * size * _COLUMN_EM


def text(x: float, y: float, words: str, style: Style) -> str:
    """A line of text with its baseline at y."""
    halo = ' paint-order="stroke" stroke="#ffffff" stroke-width="3" stroke-linejoin="round"' if style.halo else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{style.size:g}" fill="{style.colour}" '
        f'font-weight="{style.weight}" text-anchor="{style.anchor}"{halo}>{escape(words)}</text>'
    )


def box(x: float, y: float, size: tuple[float, float], fill: str, extra: str = "", title: str = "") -> str:
    """A rectangle with slightly round corners; `title` is what a pointer over it shows."""
    wide, high = max(size[0], 0.0), size[1]
    start = f'<rect x="{x:.1f}" y="{y:.1f}" width="{wide:.1f}" height="{high:.1f}" fill={quoteattr(fill)} {extra}'
    return f"{start}><title>{escape(title)}</title></rect>" if title else f"{start}/>"


def line(start: tuple[float, float], end: tuple[float, float], colour: str, extra: str = "") -> str:
    """A straight line."""
    return (
        f'<line x1="{start[0]:.1f}" y1="{start[1]:.1f}" x2="{end[0]:.1f}" y2="{end[1]:.1f}" stroke="{colour}" {extra}/>'
    )


def diamond(x: float, y: float, radius: float, fill: str, title: str) -> str:
    """A square on its corner."""
    points = f"{x:.1f},{y - radius:.1f} {x + radius:.1f},{y:.1f} {x:.1f},{y + radius:.1f} {x - radius:.1f},{y:.1f}"
    return f'<polygon points="{points}" fill="{fill}"><title>{escape(title)}</title></polygon>'


def pill(x: float, y: float, words: str, colours: tuple[str, str], size: float = 12) -> tuple[str, float]:
    """A short text on a rounded ground.

    Args:
        x: Left edge.
        y: Upper edge.
        words: The text.
        colours: Of the ground and of the text.
        size: Font size.

    Returns:
        The markup and the width taken.
    """
    wide, high = text_width(words, size) + size * 1.6, size * 1.85
    ground = box(x, y, (wide, high), colours[0], f'rx="{high / 2:.1f}"')
    return ground + text(x + wide / 2, y + high * 0.7, words, Style(size, colours[1], anchor="middle")), wide

"""Times and text widths as people read them, shared by timeline and picture.

Rules of this module: pure formatting. Civil time is shown in one zone that the caller names; Beijing time by default.
"""

from __future__ import annotations

import unicodedata
from datetime import UTC, datetime, timedelta, timezone, tzinfo
from typing import Final

from sealing.labels import Words

BEIJING: Final = timezone(timedelta(hours=8), "北京时间")
_NS: Final = 1_000_000_000
_LATEST_NS: Final = 253_370_764_800 * _NS
"""Beginning of the year 9999."""
_TENTH_NS: Final = 100_000_000
_WIDE: Final = frozenset("WF")
_WEEKDAYS: Final = "一二三四五六日"
_WEEKDAYS_EN: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")


def civil(utc_ns: int, zone: tzinfo) -> datetime:
    """Civil time of a moment, to the microsecond; moments outside the calendar stand at its edge."""
    utc_ns = min(max(utc_ns, 0), _LATEST_NS)
    return datetime.fromtimestamp(utc_ns // _NS, UTC).astimezone(zone) + timedelta(microseconds=utc_ns % _NS // 1000)


def clock(utc_ns: int, zone: tzinfo) -> str:
    """Time of day as hh:mm:ss.t."""
    return f"{civil(utc_ns, zone):%H:%M:%S}.{utc_ns % _NS // _TENTH_NS}"


def date(utc_ns: int, zone: tzinfo) -> Words:
    """Day with its weekday."""
    day = civil(utc_ns, zone)
    weekday = day.weekday()
    return Words(f"{day:%Y-%m-%d}（周{_WEEKDAYS[weekday]}）", f"{_WEEKDAYS_EN[weekday]} {day:%Y-%m-%d}")


def uncertainty(nanoseconds: int) -> Words:
    """How far a civil time may be wrong."""
    if nanoseconds < 0:
        return Words("误差未知", "error unknown")
    if nanoseconds < _NS:
        return Words(f"误差 ±{-(-nanoseconds // 1_000_000)} 毫秒", f"±{-(-nanoseconds // 1_000_000)} ms")
    return Words(f"误差 ±{nanoseconds / _NS:.1f} 秒", f"±{nanoseconds / _NS:.1f} s")


def width(text: str) -> int:
    """Columns that a text takes on a terminal: two for each Chinese character."""
    return sum(2 if unicodedata.east_asian_width(character) in _WIDE else 1 for character in text)


def padded(text: str, columns: int) -> str:
    """A text with spaces behind it up to so many columns."""
    return text + " " * max(columns - width(text), 0)


def wrapped(text: str, columns: int) -> list[str]:
    """Break a text into lines of at most so many columns, at spaces or between Chinese characters."""
    lines, line, room = [], "", columns
    for piece in _pieces(text):
        if width(piece) > room and line:
            lines.append(line.rstrip())
            line, room, piece = "", columns, piece.lstrip()  # noqa: PLW2901 - what is carried over loses its space
        line += piece
        room -= width(piece)
    return [*lines, line.rstrip()] if line.strip() or not lines else lines


def _pieces(text: str) -> list[str]:
    """Parts that stay together: words of letters with the space before them, Chinese characters one by one."""
    pieces: list[str] = []
    for character in text:
        wide = unicodedata.east_asian_width(character) in _WIDE
        closing = character in "，。；：、）»”？！"
        if pieces and (closing or (not wide and character != " " and not _is_wide(pieces[-1][-1]))):
            pieces[-1] += character
        else:
            pieces.append(character)
    return pieces


def _is_wide(character: str) -> bool:
    return unicodedata.east_asian_width(character) in _WIDE

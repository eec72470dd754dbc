"""The smallest parts of a scenario's language: lengths of time, quoted words, amounts.

Rules of this module: pure text in, plain values out; a part that cannot be read raises ValueError with the remedy.
"""

from __future__ import annotations

import errno
import re

DURATION = r"(\d+(?:\.\d+)?\s*(?:ms|s|min|h)|\d+:\d\d)"
"""A length of time: `12 s`, `1.5 s`, `80 ms`, `2 min`, `1 h`, or minutes and seconds `1:30`."""
NUMBER = r"(\d+(?:\.\d+)?)"
QUOTED = r"[\"“「]([^\"”」]*)[\"”」]"
"""Words in straight, curly or corner quotes."""
AMOUNT = r"(\d+(?:\.\d+)?)\s*(KiB|MiB|GiB|B)"

_SECONDS = {"ms": 0.001, "s": 1.0, "min": 60.0, "h": 3600.0}
_BYTES = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30}
_ERRORS = {"EIO": errno.EIO, "ENOSPC": errno.ENOSPC, "EROFS": errno.EROFS}
_QUOTES = {'"': '"', "“": "”", "「": "」"}


def seconds(text: str) -> float:
    """Read a length of time that matched `DURATION`."""
    if ":" in text:
        minutes, rest = text.split(":")
        return int(minutes) * 60.0 + int(rest)
    found = re.fullmatch(r"([\d.]+)\s*(\w+)", text)
    if found is None:
        raise ValueError(f"{text!r} is no length of time; write for example 12 s, 80 ms, 2 min or 1:30")
    return float(found[1]) * _SECONDS[found[2]]


def size_bytes(number: str, unit: str) -> int:
    """Read an amount that matched `AMOUNT`."""
    return round(float(number) * _BYTES[unit])


def error_number(name: str) -> int:
    """Read the name of an error of the medium."""
    if name not in _ERRORS:
        raise ValueError(f"{name!r} is no error of the medium; write {', '.join(_ERRORS)}")
    return _ERRORS[name]


def without_comment(line: str) -> str:
    """The line up to a `#` outside quotes."""
    return _cut(line, "#")[0].strip()


def statements(line: str) -> list[str]:
    """The line's parts between `;` outside quotes, empty ones left out."""
    return [part.strip() for part in _cut(line, ";") if part.strip()]


def _cut(line: str, mark: str) -> list[str]:
    parts, closing = [""], ""
    for sign in line:
        if closing:
            closing = "" if sign == closing else closing
        elif sign in _QUOTES:
            closing = _QUOTES[sign]
        elif sign == mark:
            parts.append("")
            continue
        parts[-1] += sign
    return parts

"""Which file goes next.

Rules of this module: pure; values in, values out. What a file is and what became of it is read from disk by others;
nothing is remembered here between two calls.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

_NO_DEADLINE = (1, 0)
_SECOND_NS = 1_000_000_000
_SHARE_OF_TIME = 0.75
"""Share of the time left that sending at the pace may take."""


class Standing(Enum):
    """What is known of a file's way to the store."""

    WAITING = "waiting"
    """To be sent."""
    PARKED = "parked"
    """The store holds the bytes and refuses them with a reason; a custodian decides."""
    REFUSED = "refused"
    """A receipt came and the agent rejected it; sending again would change nothing."""
    WITHHELD = "withheld"
    """Its recording's secrecy label keeps it off the line that there is now."""
    RECEIPTED = "receipted"
    """A receipt lies in the inbox or with the agent."""


@dataclass(frozen=True, slots=True)
class Item:
    """One sealed file that is ready to be sent."""

    number: int
    """File number: its place in the chain."""
    size_bytes: int
    standing: Standing = Standing.WAITING
    flagged: bool = False
    """Somebody asked for it to go first."""
    due_utc_ns: int | None = None


def _urgency(item: Item) -> tuple[bool, tuple[int, int], int]:
    deadline = _NO_DEADLINE if item.due_utc_ns is None else (0, item.due_utc_ns)
    return (not item.flagged, deadline, item.number)


def next_item(items: Iterable[Item]) -> Item | None:
    """Pick the file to send now: flagged first, then the earliest deadline, then the chain's order (SY-21).

    Returns:
        The item to send, or None when nothing is left that sending could help: parked, refused and receipted files
        are never picked.
    """
    return min((item for item in items if item.standing is Standing.WAITING), key=_urgency, default=None)


def must_hurry(items: Iterable[Item], now_utc_ns: int, rate_bytes_per_second: int | None) -> bool:
    """Tell whether the pace endangers a due time (SY-41): what goes up to it would take most of the time that is left.

    Args:
        items: What lies there, with its due times.
        now_utc_ns: The unit's civil time.
        rate_bytes_per_second: The pace; None: there is none, and nothing to lift.
    """
    if rate_bytes_per_second is None:
        return False
    bytes_before = 0
    for item in sorted((one for one in items if one.standing is Standing.WAITING), key=_urgency):
        bytes_before += item.size_bytes
        if item.due_utc_ns is not None:
            seconds_left = (item.due_utc_ns - now_utc_ns) / _SECOND_NS
            if bytes_before / rate_bytes_per_second > seconds_left * _SHARE_OF_TIME:
                return True
    return False


def outstanding_bytes(items: Iterable[Item]) -> int:
    """Bytes of the files that still have to be sent."""
    return sum(item.size_bytes for item in items if item.standing is Standing.WAITING)

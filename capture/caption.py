"""What the burnt-in line says (CS-34).

Rules of this module: text only; whose unit, who wears it and when are handed in. Officers stand in it by their
certificate numbers, never by name.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, tzinfo

from hal.values import ClockReading

UNTRUSTED = "*"
"""Behind the time while nothing vouches for it."""
_MILLISECOND_NS = 1_000_000


@dataclass(frozen=True, slots=True)
class CaptionFacts:
    """Whose unit it is; what is empty is left out of the line."""

    agency: str = ""
    unit_id: str = ""


def is_time_trusted(reading: ClockReading, uncertainty_max_ms: int) -> bool:
    """Tell whether civil time stands without a mark (R17).

    Args:
        reading: The clock's.
        uncertainty_max_ms: The profile's limit, milliseconds.

    Returns:
        Whether a time server or the store vouches for it, within the limit.
    """
    return reading.source.is_vouched_for and 0 <= reading.uncertainty_ns <= uncertainty_max_ms * _MILLISECOND_NS


def caption_parts(
    facts: CaptionFacts, certificate_numbers: Sequence[str], utc_seconds: int, zone: tzinfo, *, trusted: bool
) -> tuple[str, ...]:
    """The words of the line, in order; none of them may be divided.

    Args:
        facts: Whose unit it is.
        certificate_numbers: Of the officers of the check-out in force; none where nobody has the unit.
        utc_seconds: Civil time, whole seconds since 1970.
        zone: Local civil time.
        trusted: Whether something vouches for the time.

    Returns:
        Time with its zone first, then agency, unit and officers.
    """
    time = datetime.fromtimestamp(utc_seconds, zone).isoformat(sep=" ") + ("" if trusted else UNTRUSTED)
    return tuple(part for part in (time, facts.agency, facts.unit_id, *certificate_numbers) if part)

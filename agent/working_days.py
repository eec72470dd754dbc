"""The section `[working_days]` of a profile, written from the official calendar.

Rules of this module: text out, no file; the calendar itself comes from `sync.working_days`.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import date

from agent.errors import ProfileError
from sync.working_days import chinese_working_days

_DAYS_IN_A_LINE = 8


def working_days_toml(years: Sequence[int]) -> str:
    """Write the calendar of the wanted years as the section of a profile (PR-7).

    Args:
        years: Civil years, for example 2026.

    Raises:
        ProfileError: The calendar of a year is not published, or not known to the installed `holidays`.
    """
    table = chinese_working_days(years)
    unknown = sorted(set(years) - table.years)
    if unknown:
        raise ProfileError(
            f"the calendar of {unknown[0]} is not known; it is published in the autumn before, upgrade `holidays` then"
        )
    return "\n".join(
        (
            "[working_days]",
            'clauses = { years = "official calendar", days_off = "official calendar", made_up = "official calendar" }',
            f"years = [{', '.join(str(year) for year in sorted(table.years))}]",
            f"days_off = {_array(table.days_off)}",
            f"made_up = {_array(table.made_up)}",
            "",
        )
    )


def _array(days: Iterable[date]) -> str:
    written = [day.isoformat() for day in sorted(days)]
    lines = [", ".join(written[start : start + _DAYS_IN_A_LINE]) for start in range(0, len(written), _DAYS_IN_A_LINE)]
    return "[\n" + "".join(f"  {line},\n" for line in lines) + "]"

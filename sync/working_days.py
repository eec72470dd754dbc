"""The official working-day table of named years, made with the `holidays` library.

Rules of this module: only makes data for `sync.deadlines`; counts nothing itself.
"""

from __future__ import annotations

from collections.abc import Iterable

import holidays

from sync.deadlines import WorkingDayTable

_SATURDAY = 5


def chinese_working_days(years: Iterable[int]) -> WorkingDayTable:
    """Make the table of China's official calendar for the wanted years.

    A year counts as named only when its make-up days are known: the State Council publishes a year's calendar in the
    autumn before, and until then the library knows the holidays by rule but not what is worked for them.
    """
    wanted = frozenset(years)
    calendar = holidays.country_holidays("CN", years=wanted, expand=False)
    made_up = frozenset(day for day in calendar.weekend_workdays if day.year in wanted)
    days_off = frozenset(day for day in calendar if day.weekday() < _SATURDAY and day.year in wanted)
    return WorkingDayTable(frozenset(day.year for day in made_up), days_off, made_up)

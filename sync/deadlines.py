"""When footage has to be handed over (R20), and when its labels are due (R22).

Rules of this module: pure; the working-day table, the time zone and every fact come in as values. The unit and the
store call the same function; where they differ, the store's result governs.

How periods are counted. Hours run from the start event, minute for minute. Days are counted by the civil code's rule:
the day of the start event does not count, and the period ends with the last day's end, 24:00 in the agency's zone.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo
from enum import StrEnum
from typing import Final

CHINA_STANDARD_TIME: Final = timezone(timedelta(hours=8), "CST")
"""One zone, no daylight saving time since 1991."""

_SATURDAY: Final = 5
_SECOND_NS: Final = 1_000_000_000
_HOUR_NS: Final = 3600 * _SECOND_NS
_YEARS_SEARCHED_MAX: Final = 2


class StartEvent(StrEnum):
    """What a normal limit counts from."""

    RECORDING_MADE = "recording-made"
    """«音像记录制作完成后»: the session's end."""
    ACTIVITY_END = "activity-end"
    """«每次执法活动结束后»: the end of the activity that the session belongs to."""
    DAY_ACTIVITY_END = "day-activity-end"
    """«当天执法活动结束后»: the end of the last activity that began on that civil day."""


class DueKind(StrEnum):
    """What a due time rests on."""

    NORMAL = "normal"
    EXCEPTION = "exception"
    AWAITING_RETURN = "awaiting-return"
    """The exception was claimed and the unit has not come back: nothing is due yet."""
    RUNNING = "running"
    """The start event has not happened yet: the recording or the activity goes on."""


@dataclass(frozen=True, slots=True)
class Period:
    """A length of time: exactly one of the two is given."""

    hours: int | None = None
    working_days: int | None = None

    def __post_init__(self) -> None:
        """Refuse a period of no length or of two."""
        given = [value for value in (self.hours, self.working_days) if value is not None]
        if len(given) != 1 or given[0] <= 0:
            raise ValueError(f"period is hours {self.hours}, working days {self.working_days}; give one, above 0")


@dataclass(frozen=True, slots=True)
class TransferRule:
    """A profile's limit for handing over."""

    start: StartEvent
    normal: Period
    exception: Period | None = None
    """Counted from the return; None where the text knows no exception."""
    exception_reasons: frozenset[str] = field(default_factory=frozenset)
    """Codes of the reasons that the text names."""


@dataclass(frozen=True, slots=True)
class WorkingDayTable:
    """The official calendar of named years: what differs from «Monday to Friday»."""

    years: frozenset[int]
    """Years whose calendar was published when the table was made."""
    days_off: frozenset[date]
    """Holidays that fall on Monday to Friday."""
    made_up: frozenset[date]
    """Saturdays and Sundays that are worked (调休)."""

    def is_working(self, day: date) -> bool:
        """Tell whether the day is worked; in a year that the table does not name, Monday to Friday are."""
        if day in self.made_up:
            return True
        return day.weekday() < _SATURDAY and day not in self.days_off


@dataclass(frozen=True, slots=True)
class TransferFacts:
    """What is known of one session; times in UTC nanoseconds, None where it has not happened yet."""

    recording_ended_utc_ns: int | None
    activity_ended_utc_ns: int | None = None
    """None takes the recording's end: a session on its own is its activity."""
    day_activity_ended_utc_ns: int | None = None
    """End of the last activity of the day; None takes the activity's end."""
    exception_reason: str | None = None
    """Code of the claimed reason for a later hand-over; None when nothing was claimed."""
    returned_utc_ns: int | None = None
    """First contact with the dock after the recording."""


@dataclass(frozen=True, slots=True)
class Due:
    """The answer: when, why, and how sure."""

    kind: DueKind
    due_utc_ns: int | None
    """None when nothing is due yet (AWAITING_RETURN, RUNNING)."""
    confirmed: bool = True
    """False when working days were counted in a year that the table does not name."""
    exception_refused: bool = False
    """A reason was claimed that the rule does not have; the normal limit runs."""

    def overdue_at(self, now_utc_ns: int) -> bool:
        """Tell whether the time has passed."""
        return self.due_utc_ns is not None and now_utc_ns > self.due_utc_ns


def due_time(
    rule: TransferRule, facts: TransferFacts, table: WorkingDayTable, zone: tzinfo = CHINA_STANDARD_TIME
) -> Due:
    """Find when a session has to be in the store (R20).

    The exception runs only where the rule has one and the claimed reason is on its list; otherwise the normal limit
    runs, and the answer says that the claim was refused.

    Args:
        rule: The profile's limit.
        facts: What is known of the session.
        table: The official calendar.
        zone: The agency's time zone.
    """
    claimed = facts.exception_reason is not None
    allowed = claimed and rule.exception is not None and facts.exception_reason in rule.exception_reasons
    if allowed and rule.exception is not None:
        if facts.returned_utc_ns is None:
            return Due(DueKind.AWAITING_RETURN, None)
        return _counted(DueKind.EXCEPTION, facts.returned_utc_ns, rule.exception, table, zone)
    start = _start_of(rule.start, facts)
    if start is None:
        return Due(DueKind.RUNNING, None, exception_refused=claimed)
    due = _counted(DueKind.NORMAL, start, rule.normal, table, zone)
    return Due(due.kind, due.due_utc_ns, due.confirmed, exception_refused=claimed)


def _start_of(event: StartEvent, facts: TransferFacts) -> int | None:
    recording = facts.recording_ended_utc_ns
    if recording is None:
        return None
    activity = recording if facts.activity_ended_utc_ns is None else facts.activity_ended_utc_ns
    day = activity if facts.day_activity_ended_utc_ns is None else facts.day_activity_ended_utc_ns
    ends: Mapping[StartEvent, int] = {
        StartEvent.RECORDING_MADE: recording,
        StartEvent.ACTIVITY_END: activity,
        StartEvent.DAY_ACTIVITY_END: day,
    }
    return ends[event]


def _counted(kind: DueKind, start_utc_ns: int, period: Period, table: WorkingDayTable, zone: tzinfo) -> Due:
    if period.hours is not None:
        return Due(kind, start_utc_ns + period.hours * _HOUR_NS)
    started = datetime.fromtimestamp(start_utc_ns // _SECOND_NS, zone).date()
    last, confirmed = last_working_day(started, period.working_days or 0, table)
    return Due(kind, end_of_day_utc_ns(last, zone), confirmed)


def last_working_day(start: date, working_days: int, table: WorkingDayTable) -> tuple[date, bool]:
    """Count working days after a start day, which does not count itself.

    Returns:
        The last day of the period, and whether every day that was passed stands in a year of the table.
    """
    day, left, confirmed = start, working_days, True
    while left > 0:
        day += timedelta(days=1)
        confirmed = confirmed and day.year in table.years
        left -= table.is_working(day)
        if day.year - start.year > _YEARS_SEARCHED_MAX + working_days:
            raise ValueError(f"no {working_days} working days found after {start}; the table has none")
    return day, confirmed


def end_of_day_utc_ns(day: date, zone: tzinfo) -> int:
    """UTC nanoseconds of the day's end (24:00) in a zone."""
    midnight = datetime.combine(day + timedelta(days=1), time(), zone)
    since = midnight.astimezone(UTC) - datetime(1970, 1, 1, tzinfo=UTC)
    return (since.days * 86_400 + since.seconds) * _SECOND_NS

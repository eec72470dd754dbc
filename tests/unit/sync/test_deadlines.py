"""Due times of the five profiles' rules, by the official calendar, and what happens at its edges (R20)."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync.deadlines import (
    CHINA_STANDARD_TIME,
    Due,
    DueKind,
    Period,
    StartEvent,
    TransferFacts,
    TransferRule,
    WorkingDayTable,
    due_time,
    end_of_day_utc_ns,
    last_working_day,
)
from sync.working_days import chinese_working_days

TABLE = chinese_working_days([2025, 2026])
AWAY = frozenset({"continuous", "elsewhere", "remote"})

HUAINAN = TransferRule(StartEvent.DAY_ACTIVITY_END, Period(hours=4), Period(hours=24), AWAY)
"""第一时间, for which the agency has set 4 hours; 24 hours from the return."""
WUHU = TransferRule(StartEvent.ACTIVITY_END, Period(hours=24))
DALIAN = TransferRule(StartEvent.DAY_ACTIVITY_END, Period(hours=8), Period(hours=24), AWAY)
WUHAN = TransferRule(StartEvent.RECORDING_MADE, Period(working_days=2), Period(working_days=1), AWAY)
INNER_MONGOLIA = TransferRule(StartEvent.RECORDING_MADE, Period(hours=24), Period(hours=24), AWAY)


def at(text: str) -> int:
    """Nanoseconds of a civil time in China."""
    moment = datetime.fromisoformat(text).replace(tzinfo=CHINA_STANDARD_TIME)
    return int(moment.timestamp()) * 10**9


def due_text(due: Due) -> str:
    assert due.due_utc_ns is not None
    return datetime.fromtimestamp(due.due_utc_ns // 10**9, CHINA_STANDARD_TIME).strftime("%Y-%m-%d %H:%M")


@pytest.mark.requirement("R20", "huainan")
def test_huainan_counts_from_the_end_of_the_days_activity() -> None:
    """HN 14: 第一时间 after the day's enforcement activity."""
    facts = TransferFacts(at("2026-03-03T10:00"), day_activity_ended_utc_ns=at("2026-03-03T17:30"))
    assert due_text(due_time(HUAINAN, facts, TABLE)) == "2026-03-03 21:30"


@pytest.mark.requirement("R20", "huainan")
def test_huainan_away_counts_from_the_return() -> None:
    """HN 14: 24 小时 after the return."""
    facts = TransferFacts(at("2026-03-03T10:00"), exception_reason="elsewhere", returned_utc_ns=at("2026-03-06T09:00"))
    due = due_time(HUAINAN, facts, TABLE)
    assert (due.kind, due_text(due)) == (DueKind.EXCEPTION, "2026-03-07 09:00")


@pytest.mark.requirement("R20", "dalian-jinpu")
def test_nothing_is_due_before_the_return() -> None:
    facts = TransferFacts(at("2026-03-03T10:00"), exception_reason="remote")
    due = due_time(DALIAN, facts, TABLE)
    assert due == Due(DueKind.AWAITING_RETURN, None)
    assert not due.overdue_at(at("2027-01-01T00:00"))


@pytest.mark.requirement("R20", "wuhu")
def test_wuhu_counts_each_activity_and_knows_no_exception() -> None:
    """WU A2-9."""
    facts = TransferFacts(
        at("2026-03-03T10:00"),
        at("2026-03-03T11:00"),
        exception_reason="elsewhere",
        returned_utc_ns=at("2026-03-09T09:00"),
    )
    due = due_time(WUHU, facts, TABLE)
    assert (due.kind, due.exception_refused, due_text(due)) == (DueKind.NORMAL, True, "2026-03-04 11:00")


@pytest.mark.requirement("R20", "dalian-jinpu")
def test_dalian_without_a_later_activity_counts_from_its_own() -> None:
    """DL 18."""
    assert due_text(due_time(DALIAN, TransferFacts(at("2026-03-03T22:00")), TABLE)) == "2026-03-04 06:00"


@pytest.mark.parametrize(
    ("made", "due"),
    [
        ("2026-03-03T10:00", "2026-03-06 00:00"),  # Tuesday: Wednesday and Thursday
        ("2026-03-06T10:00", "2026-03-11 00:00"),  # Friday: Monday and Tuesday
        ("2026-02-13T10:00", "2026-02-25 00:00"),  # before the spring festival: the make-up Saturday, then the 24th
        ("2026-09-18T18:00", "2026-09-22 00:00"),  # the make-up Sunday 20 September counts
        ("2026-09-30T23:59", "2026-10-10 00:00"),  # 国庆: 8 and 9 October
        ("2026-10-09T10:00", "2026-10-13 00:00"),  # the make-up Saturday 10 October, then Monday
        ("2025-01-26T10:00", "2025-02-06 00:00"),  # a worked Sunday, its own day; then the 27th and 5 February
    ],
)
@pytest.mark.requirement("R20", "wuhan")
def test_wuhan_counts_working_days_with_make_up_days(made: str, due: str) -> None:
    """WH 26¶2: 2个工作日."""
    answer = due_time(WUHAN, TransferFacts(at(made)), TABLE)
    assert (due_text(answer), answer.confirmed) == (due, True)


@pytest.mark.requirement("R20", "wuhan")
def test_wuhan_after_the_return_has_one_working_day() -> None:
    """WH 26¶3."""
    facts = TransferFacts(at("2026-03-03T10:00"), exception_reason="continuous", returned_utc_ns=at("2026-03-06T08:00"))
    assert due_text(due_time(WUHAN, facts, TABLE)) == "2026-03-10 00:00"


@pytest.mark.requirement("R20", "inner-mongolia")
def test_inner_mongolia_counts_24_hours_over_a_holiday() -> None:
    """NM 22: hours are hours, holiday or not."""
    facts = TransferFacts(at("2026-10-01T15:20"))
    assert due_text(due_time(INNER_MONGOLIA, facts, TABLE)) == "2026-10-02 15:20"


def test_a_reason_that_the_text_does_not_have_is_refused() -> None:
    facts = TransferFacts(at("2026-03-03T10:00"), exception_reason="forgot", returned_utc_ns=at("2026-03-09T09:00"))
    due = due_time(INNER_MONGOLIA, facts, TABLE)
    assert (due.exception_refused, due_text(due)) == (True, "2026-03-04 10:00")


def test_a_recording_that_goes_on_is_not_due() -> None:
    assert due_time(WUHAN, TransferFacts(None), TABLE).kind is DueKind.RUNNING


def test_a_year_that_the_table_does_not_name_is_unconfirmed() -> None:
    over_new_year = due_time(WUHAN, TransferFacts(at("2026-12-31T10:00")), TABLE)
    assert (due_text(over_new_year), over_new_year.confirmed) == ("2027-01-05 00:00", False)
    assert due_time(INNER_MONGOLIA, TransferFacts(at("2027-06-01T10:00")), TABLE).confirmed


@pytest.mark.requirement("R20", "all")
def test_due_passes_into_overdue_after_the_instant() -> None:
    due = due_time(WUHU, TransferFacts(at("2026-03-03T10:00")), TABLE)
    assert not due.overdue_at(at("2026-03-04T10:00"))
    assert due.overdue_at(at("2026-03-04T10:00") + 1)


def test_a_day_ends_at_midnight_in_china_whatever_utc_says() -> None:
    """One zone without daylight saving time: 24:00 is 16:00 UTC, summer and winter."""
    for day in (date(2026, 1, 15), date(2026, 7, 15)):
        end = datetime.fromtimestamp(end_of_day_utc_ns(day, CHINA_STANDARD_TIME) // 10**9, UTC)
        assert (end.date(), end.hour, end.minute) == (day, 16, 0)
    late = TransferFacts(at("2026-03-03T23:30"))
    early = TransferFacts(at("2026-03-04T00:30"))
    assert due_text(due_time(WUHAN, late, TABLE)) == "2026-03-06 00:00"
    assert due_text(due_time(WUHAN, early, TABLE)) == "2026-03-07 00:00"


def test_the_official_calendar_of_2026() -> None:
    worked = {
        date(2026, 1, 4),
        date(2026, 2, 14),
        date(2026, 2, 28),
        date(2026, 5, 9),
        date(2026, 9, 20),
        date(2026, 10, 10),
    }
    table = chinese_working_days([2026])
    assert table.made_up == worked
    assert table.years == {2026}
    assert not table.is_working(date(2026, 2, 17))


def test_a_year_without_published_make_up_days_is_not_named() -> None:
    assert 2090 not in chinese_working_days([2026, 2090]).years


@given(st.dates(date(2025, 1, 1), date(2026, 10, 1)), st.integers(1, 20))
def test_the_last_day_is_worked_and_so_many_lie_between(start: date, count: int) -> None:
    last, _ = last_working_day(start, count, TABLE)
    days = [start + timedelta(days=one) for one in range(1, (last - start).days + 1)]
    assert TABLE.is_working(last)
    assert sum(TABLE.is_working(day) for day in days) == count


def test_a_table_without_any_working_day_is_an_error() -> None:
    days = frozenset(date(2026, 1, 1) + timedelta(days=one) for one in range(2000))
    with pytest.raises(ValueError, match="no 2 working days"):
        last_working_day(date(2026, 1, 1), 2, WorkingDayTable(frozenset({2026}), days, frozenset()))


@pytest.mark.parametrize("period", [{}, {"hours": 1, "working_days": 1}, {"hours": 0}])
def test_a_period_has_one_length(period: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="give one, above 0"):
        Period(**period)


def test_an_activity_that_ended_starts_no_clock_while_its_recording_goes_on() -> None:
    facts = TransferFacts(None, activity_ended_utc_ns=at("2026-03-03 12:00"))
    assert due_time(WUHU, facts, TABLE) == Due(DueKind.RUNNING, None, confirmed=True, exception_refused=False)


def test_one_hour_and_one_working_day_are_periods() -> None:
    assert due_time(TransferRule(StartEvent.RECORDING_MADE, Period(hours=1)), TransferFacts(0), TABLE) == Due(
        DueKind.NORMAL, 3_600 * 10**9, confirmed=True, exception_refused=False
    )
    assert last_working_day(date(2026, 3, 3), Period(working_days=1).working_days or 0, TABLE) == (
        date(2026, 3, 4),
        True,
    )


@pytest.mark.parametrize("returned", [None, at("2026-03-05 12:00")])
def test_a_claim_that_counts_is_not_shown_as_refused(returned: int | None) -> None:
    facts = TransferFacts(at("2026-03-03 12:00"), exception_reason="remote", returned_utc_ns=returned)
    due = due_time(HUAINAN, facts, TABLE)
    assert (due.exception_refused, due.confirmed) == (False, True)
    assert due.due_utc_ns == (None if returned is None else at("2026-03-06 12:00"))

"""What the unit's own reckoning does when its spool cannot be read, and where a due time is over (R20)."""

from collections.abc import Callable
from pathlib import Path

import pytest
from pydantic import ValidationError

from agent.due import DueBook, DueStanding
from agent.duties import ExemptionSection, SecrecySection, WorkingDaysSection
from agent.errors import ProfileError
from agent.working_days import working_days_toml
from tests.unit.agent.test_due import Unit


class Receipts:
    """Receipts that cannot be read while the medium is gone."""

    def __init__(self) -> None:
        self.gone = False

    def __call__(self) -> frozenset[int]:
        if self.gone:
            raise OSError("medium gone")
        return frozenset()


def test_a_spool_that_cannot_be_read_leaves_the_count_and_is_said_once_each_time(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    receipts = Receipts()
    book = DueBook(tmp_path, {}, receipts)
    assert book.standing == DueStanding()
    counted = DueStanding(sessions=3, due_utc_ns=5)
    told = []
    for gone in (True, True, False, True, True):
        receipts.gone = gone
        book.standing = counted
        assert book.look() == (counted if gone else DueStanding())
        told.append(len(caplog.records))
    assert told == [1, 1, 1, 2, 2]
    assert "medium gone" in caplog.text


def test_a_due_time_is_over_behind_its_last_nanosecond() -> None:
    standing = DueStanding(sessions=1, due_utc_ns=1_000)
    assert [standing.overdue_at(now) for now in (999, 1_000, 1_001)] == [False, False, True]
    assert not DueStanding().overdue_at(1 << 62)


def section(*days: str, key: str) -> Callable[[], object]:
    table = {"years": [2026], "days_off": [], "made_up": [], key: list(days)}
    return lambda: WorkingDaysSection.model_validate(table)


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (section("2024-05-01", "2025-05-01", key="days_off"), "2024-05-01 is in a year"),
        (section("2026-01-03", "2026-01-04", key="days_off"), "2026-01-03 is a weekend day"),
        (section("2026-01-05", "2026-01-06", key="made_up"), "2026-01-05 is a weekday"),
        (
            lambda: SecrecySection.model_validate({"classes": [], "not_over_radio": ["b", "a"]}),
            "not_over_radio names 'a'",
        ),
        (
            lambda: ExemptionSection.model_validate({"grounds": [{"code": "a", "zh": "甲", "en": "A"}] * 2}),
            "grounds: each code may stand once; 'a' stands twice",
        ),
    ],
)
def test_pr_6_pr_7_of_several_wrong_values_the_first_is_named(make: Callable[[], object], words: str) -> None:
    """PR-6, PR-7."""
    with pytest.raises(ValidationError, match=words):
        make()


def test_pr_7_of_several_years_without_a_calendar_the_first_is_named() -> None:
    """PR-7."""
    with pytest.raises(ProfileError, match="the calendar of 2098 is not known"):
        working_days_toml([2099, 2026, 2098])


def test_a_recording_under_rules_that_the_unit_does_not_have_owes_no_labels_r22(tmp_path: Path) -> None:
    """R22: the store's reckoning governs; the unit names nothing that it cannot know."""
    unit = Unit(tmp_path, "wuhan")
    unit.labels = ()
    unit.record()
    assert [one.code for one in unit.book.look().labels_missing] == ["case-number", "party", "handler"]
    assert DueBook(tmp_path, {}, frozenset).look().labels_missing == ()

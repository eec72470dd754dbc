"""The calendar in a profile (PR-7)."""

import tomllib
from datetime import date

import pytest

from agent.duties import WorkingDaysSection
from agent.errors import ProfileError
from agent.profile import load_profile, parse_profile
from agent.working_days import working_days_toml
from sync.working_days import chinese_working_days
from tests.support.profiles import MINIMAL


def test_pr_7_the_section_that_is_printed_is_the_official_calendar() -> None:
    """PR-7."""
    section = WorkingDaysSection.model_validate(tomllib.loads(working_days_toml([2025, 2026]))["working_days"])
    assert section.table() == chinese_working_days([2025, 2026])


def test_pr_7_wuhan_ships_what_the_command_prints() -> None:
    """PR-7."""
    shipped = load_profile("wuhan").profile.working_days
    assert shipped is not None
    assert shipped.table() == chinese_working_days(shipped.years)
    assert shipped.table().is_working(date(2026, 2, 14))
    assert not shipped.table().is_working(date(2026, 2, 17))


def test_pr_7_a_year_that_is_not_published_is_refused() -> None:
    """PR-7."""
    with pytest.raises(ProfileError, match="the calendar of 2099 is not known"):
        working_days_toml([2026, 2099])


def test_pr_7_a_limit_in_working_days_needs_the_calendar() -> None:
    """PR-7."""
    text = MINIMAL.replace("hours = 24", "working_days = 2")
    with pytest.raises(ProfileError, match=r"add \[working_days\]"):
        parse_profile(text.encode(), "own.toml")
    parse_profile(f"{text}\n{working_days_toml([2026])}".encode(), "own.toml")


@pytest.mark.parametrize(
    ("days_off", "made_up", "words"),
    [
        ("[2025-01-01]", "[]", "2025-01-01 is in a year that `years` does not name"),
        ("[2026-01-03]", "[]", "2026-01-03 is a weekend day"),
        ("[]", "[2026-01-05]", "2026-01-05 is a weekday"),
    ],
)
def test_pr_7_days_that_cannot_be_meant_are_refused(days_off: str, made_up: str, words: str) -> None:
    """PR-7."""
    section = f"[working_days]\nyears = [2026]\ndays_off = {days_off}\nmade_up = {made_up}\n"
    with pytest.raises(ProfileError, match=words):
        parse_profile(f"{MINIMAL}\n{section}".encode(), "own.toml")

"""How `recorder check` prints what was measured."""

from dataclasses import replace

import pytest
from pydantic import JsonValue

from agent.cli.labels import status_rows
from agent.cli.surroundings import Surroundings
from agent.cli.unit_commands import _print_checks
from agent.config import Language
from agent.status import check_table
from capture.preflight import SoundLevel, judge
from capture.profile import PreflightSection
from hal.values import ClockComparison
from sealing.labels import figure_words
from tests.unit.capture_session.test_preflight import HEALTHY


@pytest.mark.requirement("R1", "all")
def test_the_clock_is_printed_with_its_source_and_every_figure(capsys: pytest.CaptureFixture[str]) -> None:
    compared = ClockComparison(rtc_difference_ns=-700_000_000, kernel_offset_ns=1_500_000)
    found = judge(replace(HEALTHY, comparison=compared), PreflightSection())
    _print_checks(dict(check_table(found)), Surroundings(None, Language.EN))
    printed = capsys.readouterr().out
    for figure in ("20 ms", "network", "2 ms off the time server", "-700 ms off the RTC"):
        assert figure in printed
    assert "source-" not in printed


@pytest.mark.parametrize(("language", "told"), [(Language.ZH, "不明"), (Language.EN, "unknown")])
def test_what_nothing_told_is_not_printed_as_nothing_or_less(
    capsys: pytest.CaptureFixture[str], language: Language, told: str
) -> None:
    """R1: a pack without a gauge is not an empty one, nor is a clock that nothing vouches for 1 ms early."""
    clock = replace(HEALTHY.clock, uncertainty_ns=-1)
    found = judge(replace(HEALTHY, battery=None, clock=clock), PreflightSection())
    _print_checks(dict(check_table(found)), Surroundings(None, language))
    lines = capsys.readouterr().out.splitlines()
    assert sum(told in line for line in lines) == 2
    assert not [line for line in lines if " 0%" in line or "-1" in line]


def test_every_unit_of_a_check_has_words() -> None:
    """Officers read figures, too."""
    dark = replace(HEALTHY, pictures=(replace(HEALTHY.pictures[0], mean_luma=100.0, luma_deviation=1.0),))
    frozen = replace(HEALTHY, pictures=(HEALTHY.pictures[0],) * 2)
    loud = replace(HEALTHY, sound=SoundLevel(48_000, -6.0, 20))
    compared = replace(HEALTHY, comparison=ClockComparison(rtc_difference_ns=1, kernel_offset_ns=1), battery_minutes=90)
    found = [judge(each, PreflightSection()) for each in (dark, frozen, loud, compared, replace(HEALTHY, frames=0))]
    units = {check.unit for each in found for check in each.checks}
    assert {"luma-deviation", "equal-pictures", "permille", "rtc-ms", "frames", "minutes"} <= units
    for unit in units:
        assert not figure_words(7, unit).zh.endswith(unit)


@pytest.mark.parametrize(
    ("language", "told"),
    [
        (
            Language.ZH,
            {"执法人员": "A001、A002", "本次录制": "标记 2，中断 1", "上次结束": "上次断电", "剩余空间": "32.0 GiB"},
        ),
        (Language.EN, {"Officers": "A001, A002", "This recording": "2 marks, 1 breaks", "Free room": "32.0 GiB"}),
    ],
)
def test_status_tells_people_who_has_the_unit_and_what_was_measured(language: Language, told: dict[str, str]) -> None:
    found = judge(HEALTHY, PreflightSection(battery_percent_low=90, battery_percent_min=10))
    status: dict[str, JsonValue] = {
        "session_open": True,
        "recorder": {
            "state": "recording",
            "officer_ids": ["A001", "A002"],
            "marks": 2,
            "breaks": 1,
            "standing": check_table(found)["checks"],
        },
        "due": {"awaiting_return": 0},
        "boot": {"reason": "power-loss"},
        "spool": {"free_bytes": 32 << 30},
    }
    shown = dict(status_rows(status, Surroundings(None, language)))
    assert told.items() <= shown.items()
    checks = shown["自检" if language is Language.ZH else "Checks"]
    assert ("电池 80%（不足）；" if language is Language.ZH else "battery 80% (degraded); ") in checks
    assert not {"返回单位后移交", "Due after the return"} & shown.keys()


def test_a_unit_that_nobody_has_says_so() -> None:
    shown = dict(status_rows({"recorder": {"officer_ids": []}}, Surroundings(None, Language.ZH)))
    assert shown == {"执法人员": "未领用"}

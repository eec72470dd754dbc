"""The officers' sheet: it says what the unit's own tables say, and nothing that the agency's text does not have."""

import os
import re
from html import unescape
from pathlib import Path

import pytest

from agent.cli.main import run
from agent.guide import Guide, Part, guide_of
from agent.guide_page import STRIP_SECONDS, lit, page
from agent.guide_words import MEANINGS, MENU_ENTRIES, MODES, STATES, WARNINGS
from agent.profile import load_profile, parse_profile, shipped_profiles
from capture.conditions import Condition
from capture.cues import DOCK_LAMPS, STATE_LAMPS
from capture.gestures import ONE_BUTTON, TWO_BUTTONS
from capture.shell.speaking import WARNING_LINES
from capture.states import Action, SessionRules, State
from capture.voice.wording import FIXED, Line
from hal.values import LampColour, LampPattern

SHEETS = Path(__file__).parents[3] / "docs" / "officers"


def guide(name: str) -> Guide:
    return guide_of(load_profile(name))


def text(name: str) -> str:
    return unescape(re.sub(r"<[^>]*>", "\n", page(guide(name))))


def said(of: Guide, part: Part) -> str:
    return "\n".join(words.zh for step in of.steps for kind, words in step.lines if kind is part)


@pytest.mark.parametrize("name", shipped_profiles())
def test_the_printed_sheets_are_those_of_the_profiles(name: str) -> None:
    """With UPDATE_DOCUMENTS set the sheets are brought up to date instead."""
    sheet = SHEETS / f"{name}.html"
    if os.environ.get("UPDATE_DOCUMENTS"):
        sheet.write_text(page(guide(name)), encoding="utf-8")
    assert sheet.read_text(encoding="utf-8") == page(guide(name))


def test_there_is_a_sheet_for_each_profile_and_no_other() -> None:
    assert {path.stem for path in SHEETS.glob("*.html")} == set(shipped_profiles())


def test_every_press_that_means_something_has_words() -> None:
    pressed = {(mode, meaning) for table in (TWO_BUTTONS, ONE_BUTTON) for (mode, _, _), meaning in table.items()}
    assert set(MEANINGS) == pressed
    assert set(MODES) == {mode for mode, _ in pressed}
    assert [meaning.value for meaning in MENU_ENTRIES] == [action.value for action in Action]


def test_every_lamp_has_words_and_its_own_strip() -> None:
    assert set(STATES) == {*STATE_LAMPS, *DOCK_LAMPS} >= {state.value for state in State}
    strips = [tuple(lit(pattern)) for pattern in (*STATE_LAMPS.values(), *DOCK_LAMPS.values())]
    assert len(set(strips)) == len(strips), "two lamps look alike without their colour (CS-8)"


def test_a_strip_shows_when_the_lamp_is_on() -> None:
    assert list(lit(LampPattern(LampColour.RED, 1000, 0, "recording"))) == [(0.0, 5.0)]
    assert list(lit(LampPattern(LampColour.GREEN, 2000, 200, "uploaded"))) == [
        (0.0, 2.0),
        (2.2, 4.2),
        (4.4, STRIP_SECONDS),
    ]


@pytest.mark.parametrize("name", shipped_profiles())
def test_the_menu_of_causes_is_the_units(name: str) -> None:
    profile = load_profile(name).profile
    rules = SessionRules.of(profile.capture, profile.grounds)
    named = {each.code: each.zh for each in profile.capture.interruptions.causes}
    named |= {each.code: each.zh for each in profile.grounds}
    listed = "；".join(named.get(code, "未说明的原因") for code in rules.announced_causes)
    assert listed in said(guide(name), Part.NOTE)


@pytest.mark.parametrize("name", shipped_profiles())
def test_what_the_text_does_not_have_does_not_stand_there(name: str) -> None:
    """PR-3: nothing is asked in a regulation's name that it does not ask."""
    profile, shown = load_profile(name).profile, guide(name)
    steps = {step.title.zh for step in shown.steps}
    assert ("告知" in steps) == (profile.capture.notice is not None)
    assert ("语音说明" in steps) == (profile.capture.statement is not None)
    asks = FIXED[Line.REASON_REQUEST].zh in said(shown, Part.UNIT_SAYS)
    assert asks == (profile.capture.interruptions.explanation is not None)
    assert ("报告。" in said(shown, Part.UNIT_SAYS)) == (profile.capture.interruptions.report_to is not None)
    wanted = {press.wanted.zh for press in shown.presses}
    assert ("又有人到场：再次告知" in wanted) == (profile.capture.notice is not None)
    assert ("登记不录制的情形" in wanted) == bool(profile.grounds)


@pytest.mark.parametrize("name", shipped_profiles())
def test_whatever_the_unit_warns_of_stands_there_in_its_own_words_with_what_to_do(name: str) -> None:
    assert set(WARNING_LINES) == set(Condition)
    assert set(WARNING_LINES.values()) <= set(WARNINGS)
    warned = {words.zh: remedy.zh for words, remedy in guide(name).warnings}
    assert all(warned[FIXED[line].zh] for line in WARNING_LINES.values())


def test_the_notice_stands_there_to_the_letter() -> None:
    notice = load_profile("huainan").profile.capture.notice
    assert notice is not None
    assert notice.wording in text("huainan")


def test_limits_are_those_of_the_profile() -> None:
    assert "每次执法活动结束后，24 小时内移交。" in text("wuhu")
    assert "每次录制结束后，2 个工作日内移交。" in text("wuhan")
    assert "当天执法活动结束后，第一时间移交（本机关定为 4 小时内）。" in text("huainan")
    assert "约 20 分钟后断电" in text("huainan")


def test_times_follow_the_profile() -> None:
    slower = load_profile("huainan").content.decode() + "\n[capture.gestures]\nhold_ms = 1500\n"
    pressed = [press.two_buttons for press in guide_of(parse_profile(slower.encode(), "slower.toml")).presses]
    assert "按住录制键 1.5 秒" in {words.zh for words in pressed if words is not None}


def test_the_page_takes_nothing_from_outside_as_markup() -> None:
    spoiled = load_profile("wuhan").content.decode().replace('武汉市医疗保障局"', '<b>武汉</b>"', 1)
    made = page(guide_of(parse_profile(spoiled.encode(), "spoiled.toml")))
    assert "<b>" not in made
    assert "&lt;b&gt;武汉" in made


def test_the_command_writes_the_sheet(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sheet = tmp_path / "sheet.html"
    assert run(["profile", "guide", "wuhu", "-o", str(sheet)]) == 0
    assert str(sheet) in capsys.readouterr().out
    assert sheet.read_text(encoding="utf-8") == page(guide("wuhu"))


def test_a_sheet_that_cannot_be_written_is_named_as_it_was_given(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    sheet = tmp_path / "nowhere" / "sheet.html"
    assert run(["profile", "guide", "wuhu", "-o", str(sheet)]) == os.EX_CANTCREAT
    assert f"{sheet}: cannot be written: No such file or directory; name another folder" in capsys.readouterr().err

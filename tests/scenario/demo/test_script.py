"""The day that the demo plays fits every shipped profile: it asks for nothing that the profile does not have."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from click.testing import CliRunner

from agent.cli.main import commands
from agent.profile import shipped_profiles
from hw_sim.demo.documents import read
from hw_sim.demo.rules import Cause, Language, Rules, rules_of
from hw_sim.demo.script import Course, day
from hw_sim.demo.words import TALK
from hw_sim.scenario import parse

HUAINAN = Rules(
    profile="any",
    agency="某机关",
    notice=True,
    notice_by_officer=False,
    statement=None,
    explanation=True,
    causes=(Cause("device-fault", "设备故障"), Cause("rain", "下雨"), Cause("bad-weather", "天气恶劣")),
)


def rules(profile: str, language: Language = "zh") -> Rules:
    result = CliRunner().invoke(commands, ["profile", "show", profile, "--json"], catch_exceptions=False)
    assert json.loads(result.stdout)["id"] == profile
    return rules_of(read(result.stdout, "profile show"), language)


@pytest.mark.parametrize("language", ["zh", "en"])
@pytest.mark.parametrize("profile", shipped_profiles())
def test_the_day_of_every_profile_can_be_read(profile: str, language: Language) -> None:
    scenario = parse(day(rules(profile, language), Course(), language))
    speakers = {who for who, _ in scenario.spoken()}
    assert speakers <= set(TALK[language].officers)
    assert len(scenario.steps) > 25


@pytest.mark.parametrize(
    ("profile", "notice", "statement", "explanation", "causes"),
    [
        ("huainan", True, None, True, 5),
        ("wuhu", True, None, False, 0),
        ("dalian-jinpu", True, None, True, 5),
        ("wuhan", False, "first", True, 4),
        ("inner-mongolia", True, "during", True, 6),
    ],
)
def test_what_profiles_ask_for(
    profile: str, notice: bool, statement: str | None, explanation: bool, causes: int
) -> None:
    found = rules(profile)
    assert (found.notice, found.statement, found.explanation) == (notice, statement, explanation)
    assert len(found.causes) == causes


def test_nothing_is_waited_for_that_a_profile_does_not_have() -> None:
    bare = replace(HUAINAN, notice=False, explanation=False, causes=())
    text = day(bare, Course(), "zh")
    talk = TALK["zh"]
    assert 'lamp "notice"' not in text
    assert talk.reason_request not in text
    assert talk.statement_request not in text
    assert talk.camera_reason not in text
    assert text.count(talk.resumed) == 3


def test_the_statement_comes_where_the_profile_has_it() -> None:
    request, notice = TALK["zh"].statement_request, 'lamp "notice"'
    first = day(replace(HUAINAN, statement="first"), Course(), "zh")
    during = day(replace(HUAINAN, statement="during"), Course(), "zh")
    assert first.index(request) < first.index(notice)
    assert during.index(request) > during.index(notice)


def test_the_menu_is_stepped_to_a_cause_that_officers_announce() -> None:
    text = day(HUAINAN, Course(), "zh")
    menu = text[text.index(TALK["zh"].choose_cause) : text.index(TALK["zh"].press_to_resume)]
    assert menu.count("press mark") == 2
    assert 'wait for words "天气恶劣"' in menu
    assert TALK["zh"].pauses["bad-weather"][0] in menu


def test_a_long_film_decides_when_things_happen() -> None:
    text = day(HUAINAN, Course(film_seconds=(90.0, 180.0, 300.0)), "zh")
    places = [line for line in text.splitlines() if "film at" in line]
    assert [line.split()[4] for line in places] == ["90", "180", "300"]
    parse(text)

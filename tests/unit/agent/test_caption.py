"""The burnt-in line as the agent asks for it (CS-34)."""

import pytest

from agent.caption import caption_facts
from agent.config import Language
from agent.profile import load_profile, parse_profile
from capture.caption import CaptionFacts
from tests.support.profiles import MINIMAL

SHIPPED = ("dalian-jinpu", "huainan", "inner-mongolia", "wuhan", "wuhu")


@pytest.mark.parametrize(("language", "agency"), [(Language.ZH, "某局"), (Language.EN, "Some agency")])
def test_the_line_names_agency_and_unit_in_the_units_language(language: Language, agency: str) -> None:
    """CS-34."""
    head = parse_profile(MINIMAL.encode(), "own.toml").profile.profile
    assert caption_facts(head, language, "UNIT-1") == CaptionFacts(agency, "UNIT-1")


def test_a_profile_switches_the_line_on() -> None:
    """CS-34: by one key; absent, it is off."""
    switched = MINIMAL.replace("[capture]\n", "[capture.recording]\ncaption = true\n")
    assert parse_profile(switched.encode(), "own.toml").profile.capture.recording.caption
    assert not parse_profile(MINIMAL.encode(), "own.toml").profile.capture.recording.caption


@pytest.mark.parametrize("name", SHIPPED)
def test_no_text_asks_for_the_line_cs_34(name: str) -> None:
    assert not load_profile(name).profile.capture.recording.caption

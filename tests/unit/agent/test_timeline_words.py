"""Whoever reads a timeline meets no code: what the shipped profiles bring has words in both languages."""

import pytest

from agent.profile import load_profile, shipped_profiles
from capture.profile import MACHINE_CAUSES
from sealing.labels import words


@pytest.mark.parametrize("name", shipped_profiles())
def test_every_code_of_a_shipped_profile_has_words(name: str) -> None:
    profile = load_profile(name).profile
    causes = [each.code for each in profile.capture.interruptions.causes]
    codes = {
        "cause": [*causes, *(each.code for each in profile.grounds)],
        "activity": [each.code for each in profile.activities.categories],
        "mark": [each.code for each in profile.capture.marks.categories],
        "secrecy": [each.code for each in profile.secrecy.classes] if profile.secrecy else [],
    }
    bare = [(table, code) for table, some in codes.items() for code in some if words(table, code).zh == code]
    assert not bare
    assert all(words(table, code).en for table, some in codes.items() for code in some)


@pytest.mark.parametrize("code", sorted(MACHINE_CAUSES))
def test_every_cause_that_the_unit_finds_has_words(code: str) -> None:
    assert words("cause", code).zh != code


def test_a_code_of_an_agencys_own_is_shown_as_it_is() -> None:
    assert words("cause", "of-our-own").zh == "of-our-own"

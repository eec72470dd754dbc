"""What each shipped profile makes the session machine do, and not do (R4, R5, R8)."""

from __future__ import annotations

import pytest

from agent.profile import load_profile, shipped_profiles
from capture import effects as fx
from capture.profile import Moment
from capture.shell.speaking import voice_facts
from capture.states import SessionRules, State
from capture.voice.language import Language
from capture.voice.phrases import PromptBook
from sealing.records import VoiceWindow
from tests.unit.capture_session.script import Driver, machine

AGENCIES = {
    "huainan": (True, None, True),
    "wuhu": (True, None, False),
    "dalian-jinpu": (True, None, True),
    "wuhan": (False, Moment.FIRST, True),
    "inner-mongolia": (True, Moment.DURING, True),
}
"""Profile → notice, statement, duty to explain."""


def test_every_shipped_profile_is_here() -> None:
    assert set(shipped_profiles()) == set(AGENCIES)


@pytest.mark.parametrize("name", shipped_profiles())
@pytest.mark.requirement("R4", "each")
@pytest.mark.requirement("R5", "each")
@pytest.mark.requirement("R8", "each")
def test_notice_statement_and_explanation_are_the_texts(name: str) -> None:
    """HN 8, HN 12; WU A2-7; DL 13, DL 14; WH 7, WH 8; NM 11, NM 12, NM 13."""
    rules = SessionRules.of(load_profile(name).profile.capture)
    notice, statement, explanation = AGENCIES[name]
    assert (rules.notice, rules.statement) == (notice, statement)
    assert (rules.explanation_window_seconds is not None) is explanation


@pytest.mark.parametrize("name", shipped_profiles())
@pytest.mark.requirement("R1", "each")
def test_no_text_lets_a_failed_check_stop_a_recording(name: str) -> None:
    """R1: all five profiles announce."""
    assert not SessionRules.of(load_profile(name).profile.capture).blocking


@pytest.mark.parametrize("name", shipped_profiles())
@pytest.mark.requirement("R8", "each")
def test_a_camera_break_is_told_and_explained_as_the_text_has_it(name: str) -> None:
    """R8: where the text knows no spoken explanation, none is asked for and none is missing."""
    driver = Driver(machine(load_profile(name).profile.capture))
    driver.record()
    driver.lose_camera()
    driver.frame()
    driver.until(State.RECORDING)
    spoken = [speak.phrase for speak in driver.all(fx.Speak)]
    asked = fx.Phrase.REASON_REQUEST in spoken
    assert fx.Phrase.RESUME_MARKER in spoken
    assert asked is AGENCIES[name][2]
    assert bool([w for w in driver.sealed(VoiceWindow) if w.break_sequence is not None]) is asked
    assert driver.session.unexplained == 0


@pytest.mark.parametrize("name", shipped_profiles())
@pytest.mark.requirement("R6", "each")
def test_only_nm_13_has_an_end_that_is_asked_for_at_the_finish_r6(name: str) -> None:
    recording = load_profile(name).profile.capture.recording
    asked = PromptBook(voice_facts(load_profile(name).profile.capture, None, Language.CHINESE)).end_question()
    assert (asked is not None) is (name == "inner-mongolia")
    if recording.end_question is not None:
        assert "离开执法现场" in recording.end_question
        assert recording.clauses["end_question"] == "agency setting"

"""Notice and statement as the profile has them, heard, repeated or missing; marks (R4, R5, CS-4, CS-6, CS-12)."""

from dataclasses import replace

import pytest

from capture import effects as fx
from capture import events as ev
from capture.cues import Cue
from capture.shell.speaking import voice_facts
from capture.states import State
from capture.voice.language import Language
from sealing.records import Event, Mark, Prompt, PromptKind, VoicePurpose, VoiceWindow
from tests.unit.capture_session.script import ASSIGNMENT, NOTICE, STATEMENT, Driver, machine, profile


def phrases(driver: Driver) -> list[fx.Phrase]:
    told = {fx.Phrase.NOT_CHECKED_OUT, fx.Phrase.PREFLIGHT}
    return [speak.phrase for speak in driver.all(fx.Speak) if speak.phrase not in told]


def states(driver: Driver) -> list[str]:
    return [effect.state for effect in driver.all(fx.ShowState)]


@pytest.mark.parametrize(
    ("sections", "way"),
    [
        ({}, ["starting", "notice", "recording"]),
        ({"notice": None, "statement": STATEMENT}, ["starting", "statement", "recording"]),
        ({"statement": STATEMENT}, ["starting", "statement", "notice", "recording"]),
        (
            {"statement": {**STATEMENT, "moment": "during"}},
            ["starting", "notice", "statement", "recording"],
        ),
        ({"notice": None}, ["starting", "recording"]),
    ],
    ids=["notice-alone", "statement-alone", "statement-first", "statement-during", "neither"],
)
def test_duties_come_in_the_profiles_order_cs_4(sections: dict[str, object], way: list[str]) -> None:
    driver = Driver(machine(profile(**sections)))
    driver.start()
    driver.until(State.RECORDING)
    assert states(driver) == way


def test_a_profile_without_notice_and_statement_asks_and_seals_nothing_cs_4() -> None:
    driver = Driver(machine(profile(notice=None)))
    driver.record()
    assert phrases(driver) == []
    assert driver.sealed(Prompt) == []
    assert driver.sealed(VoiceWindow) == []
    assert not driver.last(fx.BeginRun).before_notice


@pytest.mark.requirement("R4", "all")
def test_the_notice_is_sealed_with_its_proof_cs_6() -> None:
    driver = Driver()
    driver.start()
    speak = driver.last(fx.Speak)
    assert (speak.phrase, speak.kind, speak.proof) == (fx.Phrase.NOTICE, PromptKind.NOTICE, True)
    ended = ev.PromptEnded(
        speak.speech,
        speak.kind,
        driver.now_ns,
        driver.now_ns + 4_000_000_000,
        complete=True,
        clip_hash=b"\x07" * 32,
        words="本次执法全程录音录像",
        heard=True,
        agreement_permille=1000,
        delay_ms=38,
        level_dbfs=-21,
    )
    driver.feed(ended)
    (prompt,) = driver.sealed(Prompt)
    assert (prompt.kind, prompt.heard, prompt.repetition) == (PromptKind.NOTICE, True, 0)
    assert (prompt.agreement_permille, prompt.delay_ms, prompt.level_dbfs) == (1000, 38, -21)
    assert prompt.ended_media_time_ns - prompt.started_media_time_ns == 4_000_000_000
    private = next(effect.private for effect in driver.all(fx.Seal) if effect.body is prompt)
    assert private == {"words": "本次执法全程录音录像"}
    assert driver.last(fx.NoticeOver).at_boottime_ns == ended.ended_boottime_ns
    assert driver.snapshot.notice_done


@pytest.mark.requirement("R4", "all")
def test_a_notice_that_was_not_heard_is_repeated_once_then_flagged_cs_6() -> None:
    driver = Driver()
    driver.start()
    driver.spoken(heard=False)
    assert driver.state() is State.NOTICE
    assert phrases(driver) == [fx.Phrase.NOTICE, fx.Phrase.NOTICE]
    driver.spoken(heard=False)
    assert driver.state() is State.RECORDING
    assert [prompt.repetition for prompt in driver.sealed(Prompt)] == [0, 1]
    assert "notice-not-heard" in [event.code for event in driver.sealed(Event)]
    assert phrases(driver)[-1] is fx.Phrase.NOT_HEARD


def test_a_notice_heard_the_second_time_is_not_flagged() -> None:
    driver = Driver()
    driver.start()
    driver.spoken(heard=False)
    driver.spoken(heard=True)
    assert driver.state() is State.RECORDING
    assert driver.sealed(Event) == []


def test_a_loudspeaker_that_fails_does_not_stop_the_recording_cs_4() -> None:
    driver = Driver()
    driver.start()
    driver.spoken(heard=False, complete=False)
    driver.spoken(heard=False, complete=False)
    assert driver.state() is State.RECORDING


@pytest.mark.requirement("R4", "all")
def test_officers_who_speak_the_notice_are_listened_to_r4() -> None:
    driver = Driver(machine(profile(notice={**NOTICE, "speaker": "officer"})))
    driver.start()
    assert phrases(driver) == [fx.Phrase.NOTICE_BY_OFFICER]
    driver.spoken()
    assert driver.last(fx.OpenWindow).purpose is VoicePurpose.NOTICE_BY_OFFICER
    driver.answered()
    assert driver.state() is State.RECORDING
    assert driver.snapshot.notice_done


@pytest.mark.requirement("R5", "wuhan")
def test_a_statement_that_was_heard_is_sealed_r5() -> None:
    driver = Driver(machine(profile(notice=None, statement=STATEMENT)))
    driver.start()
    driver.spoken()
    window = driver.last(fx.OpenWindow)
    assert (window.purpose, window.seconds) == (VoicePurpose.STATEMENT, 30)
    driver.answered()
    (sealed,) = driver.sealed(VoiceWindow)
    assert (sealed.accepted, sealed.attempt, sealed.final) == (True, 0, True)
    assert driver.snapshot.statement_done


@pytest.mark.requirement("R5", "wuhan")
def test_a_statement_that_is_missing_is_asked_for_once_more_then_sealed_as_missing_cs_4() -> None:
    driver = Driver(machine(profile(notice=None, statement=STATEMENT)))
    driver.start()
    driver.spoken()
    driver.answered(accepted=False)
    assert driver.state() is State.STATEMENT
    driver.spoken()
    driver.answered(accepted=False)
    assert driver.state() is State.RECORDING
    assert [(window.attempt, window.final) for window in driver.sealed(VoiceWindow)] == [(0, False), (1, True)]


def test_an_answer_to_a_question_before_means_nothing() -> None:
    driver = Driver(machine(profile(notice=None, statement=STATEMENT)))
    driver.start()
    driver.spoken()
    old = driver.last(fx.OpenWindow).window
    driver.answered(accepted=False)
    before = driver.machine
    driver.feed(ev.WindowClosed(old, 0, 1, accepted=True, speech_ms=5000, longest_run_ms=5000))
    assert driver.machine == before


@pytest.mark.parametrize("state", [State.NOTICE, State.STATEMENT, State.RECORDING])
@pytest.mark.requirement("R7", "all")
def test_a_mark_is_taken_whatever_is_being_asked_cs_12(state: State) -> None:
    driver = Driver(machine(profile(statement={**STATEMENT, "moment": "during"}, marks={"category": "key-item"})))
    driver.start()
    driver.until(state)
    pressed_ns = driver.now_ns
    driver.feed(ev.MarkPressed(pressed_ns))
    assert driver.last(fx.GiveCue).cue is Cue.MARK
    assert driver.last(fx.LocateMark) == fx.LocateMark(1, pressed_ns)
    driver.feed(ev.MarkLocated(1, 345, 12_500_000_000, pressed_ns))
    (mark,) = driver.sealed(Mark)
    assert (mark.number, mark.frame, mark.pressed_boottime_ns, mark.category) == (1, 345, pressed_ns, "key-item")
    assert driver.state() is state


def test_a_pulse_each_minute_says_that_the_recording_runs_cs_8() -> None:
    driver = Driver()
    driver.record()
    driver.feed(ev.TimerFired(ev.Timer.PULSE))
    assert driver.last(fx.GiveCue).cue is Cue.STILL_RECORDING
    assert driver.last(fx.SetTimer) == fx.SetTimer(ev.Timer.PULSE, 60)


def test_the_pulse_is_audible_only_where_the_profile_says_so_cs_8() -> None:
    driver = Driver(machine(profile(recording={"pulse_audible": True, "pulse_seconds": 30})))
    driver.record()
    driver.feed(ev.TimerFired(ev.Timer.PULSE))
    assert driver.last(fx.GiveCue).cue is Cue.STILL_RECORDING_AUDIBLE
    assert driver.last(fx.SetTimer).seconds == 30


KEY_CONTENT = ("现场环境", "物证")


def spoken_at_pulses(*, reminders: bool, pulses: int) -> list[int | None]:
    driver = Driver(machine(profile(marks={"key_content": KEY_CONTENT, "reminders": reminders})))
    driver.record()
    for _ in range(pulses):
        driver.feed(ev.TimerFired(ev.Timer.PULSE))
    return [speak.number for speak in driver.all(fx.Speak) if speak.kind is PromptKind.REMINDER]


@pytest.mark.requirement("R7", "all")
def test_each_item_of_the_key_content_is_said_once_cs_14() -> None:
    """CS-14."""
    assert spoken_at_pulses(reminders=True, pulses=4) == [0, 1]


def test_without_reminders_the_key_content_is_not_said_cs_14() -> None:
    """CS-14."""
    assert spoken_at_pulses(reminders=False, pulses=4) == []


def test_a_duty_is_not_talked_into_cs_14() -> None:
    """CS-14."""
    driver = Driver(machine(profile(marks={"key_content": KEY_CONTENT, "reminders": True})))
    driver.start()
    assert driver.state() is State.NOTICE
    driver.feed(ev.TimerFired(ev.Timer.PULSE))
    assert driver.session.reminded == 0


@pytest.mark.requirement("R7", "wuhu")
def test_a_text_without_a_list_reminds_of_the_content_of_the_activity_cs_14() -> None:
    """CS-14: WU A3, the 记录内容 of the row chosen."""
    driver = Driver(machine(profile(marks={"reminders": True})))
    driver.feed(ev.CheckedOut(replace(ASSIGNMENT, key_content=("记录当事人陈述申辩全过程",))))
    driver.record()
    driver.feed(ev.TimerFired(ev.Timer.PULSE))
    driver.feed(ev.TimerFired(ev.Timer.PULSE))
    said = [speak.number for speak in driver.all(fx.Speak) if speak.phrase is fx.Phrase.REMINDER]
    assert said == [0]
    facts = voice_facts(profile(marks={"reminders": True}), driver.machine.assignment, Language.CHINESE)
    assert facts.reminders == ("记录当事人陈述申辩全过程",)
    silent = Driver(machine(profile()))
    silent.feed(ev.CheckedOut(replace(ASSIGNMENT, key_content=("记录当事人陈述申辩全过程",))))
    silent.record()
    silent.feed(ev.TimerFired(ev.Timer.PULSE))
    assert fx.Phrase.REMINDER not in [speak.phrase for speak in silent.all(fx.Speak)]

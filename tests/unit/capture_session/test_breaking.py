"""Breaks, found by the machine or announced: sealed, told, ended and explained (R8, CS-10)."""

import pytest

from capture import effects as fx
from capture import events as ev
from capture.cues import Cue
from capture.states import State
from sealing.records import (
    Break,
    BreakOrigin,
    Event,
    Fault,
    Prompt,
    PromptKind,
    Resume,
    VoicePurpose,
    VoiceWindow,
)
from tests.unit.capture_session.script import CAUSES, CIVIL_OFFSET_NS, SECOND_NS, Driver, machine, profile


def recording() -> Driver:
    driver = Driver()
    driver.record()
    return driver


def test_a_lost_camera_ends_the_run_and_is_started_anew_cs_10() -> None:
    driver = recording()
    driver.feed(ev.CaptureLost("camera-fault", driver.now_ns))
    assert driver.state() is State.INTERRUPTED
    assert driver.last(fx.EndRun) == fx.EndRun("break", fx.CameraOrder.RESTART)
    assert driver.last(fx.GiveCue).cue is Cue.BROKEN
    speak = driver.last(fx.Speak)
    assert (speak.phrase, speak.cause) == (fx.Phrase.BREAK_MARKER, "camera-fault")
    assert driver.sealed(Break) == []


@pytest.mark.requirement("R8", "all")
@pytest.mark.requirement("R17", "all")
def test_the_break_is_sealed_with_the_facts_of_its_run_cs_10() -> None:
    driver = recording()
    driver.feed(ev.CaptureLost("camera-fault", driver.now_ns))
    driver.run_ended(frames=420)
    (sealed,) = driver.sealed(Break)
    assert (sealed.number, sealed.origin, sealed.run) == (1, BreakOrigin.MACHINE, 1)
    assert (sealed.cause, sealed.cause_allowed) == ("camera-fault", True)
    assert (sealed.last_frame, sealed.last_frame_boottime_ns) == (419, driver.now_ns)
    assert driver.last(fx.Seal).answer is fx.Answer.BREAK_SEALED


def test_a_camera_that_is_back_resumes_by_itself_cs_10() -> None:
    driver = recording()
    sequence = driver.lose_camera()
    driver.wait(4.5)
    driver.frame()
    assert driver.state() is State.RESUMING
    (resumed,) = driver.sealed(Resume)
    assert (resumed.break_sequence, resumed.run, resumed.automatic) == (sequence, 2, True)
    assert (resumed.first_frame, resumed.duration_ns) == (300, round(4.5 * SECOND_NS))
    assert resumed.duration_certain
    assert resumed.first_frame_utc_ns == driver.now_ns + CIVIL_OFFSET_NS
    begun = driver.last(fx.BeginRun)
    assert (begun.run, begun.next_frame, begun.next_sample) == (2, 300, 480_000)
    assert not begun.before_notice
    assert [fault.present for fault in driver.sealed(Fault)] == [True, False]


def test_resume_stands_before_the_next_footage_cs_10() -> None:
    driver = recording()
    driver.lose_camera()
    driver.frame()
    places = [
        next(i for i, e in enumerate(driver.effects) if isinstance(e, fx.Seal) and isinstance(e.body, kind))
        for kind in (Break, Resume)
    ]
    second_run = [i for i, e in enumerate(driver.effects) if isinstance(e, fx.BeginRun)][1]
    assert places[0] < places[1] < second_run


def test_frames_that_come_before_the_break_is_sealed_wait_for_it() -> None:
    driver = recording()
    driver.feed(ev.CaptureLost("camera-fault", driver.now_ns))
    driver.run_ended()
    driver.wait(1)
    driver.frame()
    back_ns = driver.now_ns
    assert driver.state() is State.INTERRUPTED
    driver.wait(2)
    driver.break_sealed()
    assert driver.state() is State.RESUMING
    assert driver.sealed(Resume)[0].first_frame_boottime_ns == back_ns


def test_a_camera_lost_again_before_resuming_is_tried_on() -> None:
    driver = recording()
    driver.feed(ev.CaptureLost("camera-fault", driver.now_ns))
    driver.run_ended()
    driver.frame()
    driver.feed(ev.CaptureLost("camera-fault", driver.now_ns))
    driver.break_sealed()
    assert driver.state() is State.INTERRUPTED
    assert driver.sealed(Resume) == []
    driver.frame()
    assert driver.state() is State.RESUMING


@pytest.mark.requirement("R18", "all")
def test_a_camera_that_does_not_come_back_behind_another_cause_is_a_fault_of_its_own_r18() -> None:
    driver = recording()
    driver.announce()
    driver.run_ended()
    driver.break_sealed()
    driver.feed(ev.CaptureLost("camera-fault", driver.now_ns))
    assert driver.sealed(Fault) == [], "the camera was stopped for the break: nobody asked for a picture"

    driver.feed(ev.ResumePressed(driver.now_ns))
    for _ in range(3):
        driver.wait(1)
        made = driver.feed(ev.CaptureLost("camera-fault", driver.now_ns))
        assert fx.StartCapture() in made
    assert [(fault.part, fault.code, fault.present) for fault in driver.sealed(Fault)] == [
        ("camera", "camera-fault", True)
    ]

    driver.frame()
    assert driver.state() is State.RESUMING
    assert [fault.present for fault in driver.sealed(Fault)] == [True, False]
    assert driver.sealed(Resume)[0].break_sequence is not None
    assert driver.sealed(Break)[0].cause != "camera-fault"


@pytest.mark.requirement("R8", "all")
def test_the_marker_names_time_and_cause_and_is_proved_cs_10() -> None:
    driver = recording()
    broken_ns = driver.now_ns
    driver.lose_camera()
    driver.wait(30)
    driver.frame()
    speak = driver.last(fx.Speak)
    assert (speak.kind, speak.cause, speak.proof) == (PromptKind.RESUME_MARKER, "camera-fault", True)
    assert speak.at_utc_ns == broken_ns + CIVIL_OFFSET_NS


@pytest.mark.requirement("R8", "huainan", "dalian-jinpu", "wuhan", "inner-mongolia")
def test_the_explanation_is_asked_for_and_sealed_with_its_break_cs_10() -> None:
    driver = recording()
    sequence = driver.lose_camera()
    driver.frame()
    driver.spoken()
    assert driver.last(fx.Speak).phrase is fx.Phrase.REASON_REQUEST
    driver.spoken()
    assert driver.last(fx.OpenWindow).purpose is VoicePurpose.EXPLANATION
    driver.answered()
    assert driver.state() is State.RECORDING
    (window,) = driver.sealed(VoiceWindow)
    assert (window.accepted, window.final, window.break_sequence) == (True, True, sequence)
    kinds = [prompt.kind for prompt in driver.sealed(Prompt)]
    assert kinds == [PromptKind.NOTICE, PromptKind.RESUME_MARKER, PromptKind.REASON_REQUEST]
    assert driver.snapshot.break_sequence is None


@pytest.mark.requirement("R8", "huainan", "dalian-jinpu", "wuhan", "inner-mongolia")
def test_silence_is_asked_once_more_then_sealed_as_missing_cs_10() -> None:
    driver = recording()
    driver.lose_camera()
    driver.frame()
    driver.spoken()
    driver.spoken()
    driver.answered(accepted=False)
    assert driver.last(fx.Speak).phrase is fx.Phrase.REASON_AGAIN
    driver.spoken()
    driver.answered(accepted=False)
    assert driver.state() is State.RECORDING
    assert [(w.attempt, w.accepted, w.final) for w in driver.sealed(VoiceWindow)] == [
        (0, False, False),
        (1, False, True),
    ]
    assert driver.snapshot.unexplained_breaks == 1


@pytest.mark.requirement("R8", "wuhu")
def test_a_profile_without_the_duty_hears_the_marker_and_asks_nothing_r8() -> None:
    driver = Driver(machine(profile(interruptions={"causes": CAUSES})))
    driver.record()
    driver.lose_camera()
    driver.frame()
    driver.spoken()
    assert driver.state() is State.RECORDING
    assert driver.sealed(VoiceWindow) == []
    assert driver.snapshot.unexplained_breaks == 0


def test_a_break_while_another_is_being_explained_seals_it_as_missing_cs_10() -> None:
    driver = recording()
    first = driver.lose_camera()
    driver.frame()
    driver.spoken()
    second = driver.lose_camera()
    (window,) = driver.sealed(VoiceWindow)
    assert (window.break_sequence, window.accepted, window.final) == (first, False, True)
    assert [broken.number for broken in driver.sealed(Break)] == [1, 2]
    driver.frame()
    driver.until(State.RECORDING)
    assert driver.sealed(VoiceWindow)[-1].break_sequence == second
    assert driver.snapshot.unexplained_breaks == 1


def test_an_announced_break_goes_on_recording_until_it_is_confirmed_cs_10() -> None:
    driver = recording()
    driver.feed(ev.BreakPressed(driver.now_ns))
    assert driver.state() is State.ANNOUNCING
    assert driver.all(fx.EndRun) == []
    assert driver.last(fx.OpenWindow).purpose is VoicePurpose.BREAK_REASON
    assert driver.last(fx.Speak).cause == "equipment"
    driver.feed(ev.CauseStepped(driver.now_ns))
    assert driver.last(fx.Speak).cause == "weather"
    driver.feed(ev.CauseConfirmed(driver.now_ns))
    assert driver.state() is State.INTERRUPTED
    assert driver.last(fx.EndRun) == fx.EndRun("break", fx.CameraOrder.STOP)
    driver.answered()
    driver.run_ended()
    (window,) = driver.sealed(VoiceWindow)
    assert (window.purpose, window.accepted) == (VoicePurpose.BREAK_REASON, True)
    (sealed,) = driver.sealed(Break)
    assert (sealed.origin, sealed.cause, sealed.cause_allowed) == (BreakOrigin.ANNOUNCED, "weather", True)


@pytest.mark.parametrize(("steps", "cause"), [(2, "lunch"), (3, "unclassified")])
@pytest.mark.requirement("R8", "all")
def test_a_cause_outside_the_list_is_sealed_and_flagged_cs_10(steps: int, cause: str) -> None:
    driver = recording()
    driver.announce(steps)
    (sealed,) = driver.sealed(Break)
    assert (sealed.cause, sealed.cause_allowed) == (cause, False)
    flagged = [event.code for event in driver.sealed(Event)]
    assert ("break-unclassified" in flagged) == (cause == "unclassified")


def test_the_menu_goes_round() -> None:
    driver = recording()
    driver.announce(4)
    assert driver.sealed(Break)[0].cause == "equipment"


@pytest.mark.parametrize(
    "event", [ev.BreakPressed(0), ev.TimerFired(ev.Timer.ANNOUNCE)], ids=["held-again", "nobody-confirmed"]
)
def test_a_withdrawn_break_never_stopped_the_recording(event: ev.Event) -> None:
    driver = recording()
    driver.feed(ev.BreakPressed(driver.now_ns))
    driver.feed(event)
    assert driver.state() is State.RECORDING
    assert driver.all(fx.EndRun) == []
    assert driver.all(fx.DropWindow)
    assert [sealed.code for sealed in driver.sealed(Event)] == ["break-withdrawn"]


def test_a_break_announced_during_the_notice_leaves_the_notice_owed() -> None:
    driver = Driver()
    driver.start()
    driver.feed(ev.BreakPressed(driver.now_ns))
    driver.feed(ev.BreakPressed(driver.now_ns))
    assert driver.state() is State.NOTICE


def test_an_announced_break_ends_by_a_press_and_not_by_itself_cs_10() -> None:
    driver = recording()
    driver.announce(1)
    started = len(driver.all(fx.StartCapture))
    driver.feed(ev.TimerFired(ev.Timer.PULSE))
    assert driver.last(fx.GiveCue).cue is Cue.STILL_BROKEN
    assert len(driver.all(fx.StartCapture)) == started
    driver.feed(ev.ResumePressed(driver.now_ns))
    assert len(driver.all(fx.StartCapture)) == started + 1
    driver.wait(0.5)
    driver.frame()
    assert driver.state() is State.RESUMING
    assert not driver.sealed(Resume)[0].automatic
    driver.until(State.RECORDING)


def test_a_press_while_the_camera_is_out_is_answered() -> None:
    driver = recording()
    driver.lose_camera()
    driver.feed(ev.ResumePressed(driver.now_ns))
    assert driver.last(fx.GiveCue).cue is Cue.STILL_BROKEN


def test_a_camera_lost_while_a_cause_is_chosen_is_a_machine_found_break() -> None:
    driver = recording()
    driver.feed(ev.BreakPressed(driver.now_ns))
    driver.lose_camera()
    assert driver.sealed(Break)[0].origin is BreakOrigin.MACHINE
    assert driver.all(fx.CloseWindow)


def test_a_full_storage_waits_for_a_press() -> None:
    driver = recording()
    driver.feed(ev.CaptureLost("storage-full", driver.now_ns))
    driver.run_ended()
    assert driver.last(fx.EndRun).camera is fx.CameraOrder.STOP
    assert (driver.sealed(Break)[0].cause, driver.sealed(Break)[0].cause_allowed) == ("storage-full", False)


def test_a_mark_pressed_just_before_the_break_is_sealed_in_it() -> None:
    driver = recording()
    driver.feed(ev.MarkPressed(driver.now_ns))
    driver.feed(ev.CaptureLost("camera-fault", driver.now_ns))
    made = driver.feed(ev.MarkLocated(1, 299, 10 * SECOND_NS, driver.now_ns))
    assert [type(effect) for effect in made] == [fx.Seal]

"""Ends: by the officer, by the agent's end, and while the chain cannot be written (CS-10, CS-11)."""

from dataclasses import replace

import pytest

from capture import effects as fx
from capture import events as ev
from capture.cues import Cue
from capture.profile import ExemptionGround
from capture.states import State
from sealing.records import (
    Break,
    Checkin,
    Checkout,
    ClockStep,
    Event,
    Fault,
    Mark,
    Preflight,
    Prompt,
    PromptKind,
    SessionEnd,
)
from tests.unit.capture_session.script import ASSIGNMENT, INTERRUPTIONS, Driver, machine, profile, result

GROUND = ExemptionGround(code="privacy", zh="涉及个人隐私", en="privacy", stops=True)


def recording() -> Driver:
    driver = Driver()
    driver.record()
    return driver


def test_the_closing_words_are_still_recorded() -> None:
    driver = recording()
    driver.feed(ev.FinishPressed(driver.now_ns))
    assert driver.state() is State.FINISHING
    assert driver.all(fx.EndRun) == []
    driver.spoken()
    assert driver.sealed(Prompt)[-1].kind is PromptKind.END
    assert driver.last(fx.EndRun) == fx.EndRun("session-end", fx.CameraOrder.STOP)


def test_session_end_counts_what_the_session_had() -> None:
    driver = recording()
    driver.feed(ev.MarkPressed(driver.now_ns))
    driver.feed(ev.MarkLocated(1, 10, 0, driver.now_ns))
    driver.lose_camera()
    driver.frame()
    driver.until(State.RECORDING)
    driver.finish()
    assert driver.state() is State.IDLE
    (ended,) = driver.sealed(SessionEnd)
    assert (ended.reason, ended.runs, ended.frames, ended.samples) == ("button", 2, 600, 960_000)
    assert (ended.marks, ended.breaks, ended.unexplained_breaks, ended.dropped_frames) == (1, 1, 0, 2)
    assert driver.order()[-1] is ended
    assert driver.snapshot.session_id is None
    assert driver.last(fx.GiveCue).cue is Cue.FINISHED


def test_closing_words_that_never_end_do_not_hold_the_end() -> None:
    driver = recording()
    driver.feed(ev.FinishPressed(driver.now_ns))
    driver.feed(ev.TimerFired(ev.Timer.FINISH))
    assert driver.all(fx.EndRun)
    driver.run_ended()
    assert driver.state() is State.IDLE


def test_finishing_while_an_explanation_is_owed_counts_it_as_missing_cs_10() -> None:
    driver = recording()
    driver.lose_camera()
    driver.frame()
    driver.spoken()
    driver.finish()
    assert driver.sealed(SessionEnd)[0].unexplained_breaks == 1


@pytest.mark.requirement("R9", "all")
def test_finishing_during_a_camera_break_is_sealed_as_cannot_continue_r9() -> None:
    driver = recording()
    driver.lose_camera()
    driver.feed(ev.FinishPressed(driver.now_ns))
    assert driver.state() is State.IDLE
    (ended,) = driver.sealed(SessionEnd)
    assert (ended.reason, ended.unexplained_breaks, ended.runs) == ("cannot-continue", 1, 1)
    assert driver.all(fx.StopCapture)


@pytest.mark.requirement("R9", "huainan", "dalian-jinpu", "wuhan", "inner-mongolia")
@pytest.mark.parametrize("named", [None, "所属部门负责人"])
def test_finishing_an_announced_break_could_not_go_on_r9_cs_10(named: str | None) -> None:
    driver = Driver(machine(profile(interruptions={**INTERRUPTIONS, "report_to": named})))
    driver.record()
    driver.announce(1)
    driver.feed(ev.FinishPressed(driver.now_ns))
    (ended,) = driver.sealed(SessionEnd)
    assert (ended.reason, ended.unexplained_breaks) == ("cannot-continue", 1)
    assert (driver.last(fx.Speak).phrase is fx.Phrase.CANNOT_CONTINUE) is (named is not None)


def test_finishing_on_a_ground_of_the_text_is_the_officers_end_r11() -> None:
    driver = Driver(machine(grounds=(GROUND,)))
    driver.record()
    driver.announce(driver.machine.rules.announced_causes.index(GROUND.code))
    driver.feed(ev.FinishPressed(driver.now_ns))
    assert driver.sealed(Break)[0].cause == GROUND.code
    assert driver.sealed(SessionEnd)[0].reason == "button"


@pytest.mark.requirement("R9", "wuhu")
def test_finishing_an_announced_break_is_the_officers_end_where_no_text_asks_for_more() -> None:
    driver = Driver(machine(profile(interruptions={"causes": INTERRUPTIONS["causes"]})))
    driver.record()
    driver.announce(1)
    driver.feed(ev.FinishPressed(driver.now_ns))
    assert driver.sealed(SessionEnd)[0].reason == "button"


def test_a_break_not_yet_sealed_is_sealed_before_the_end_cs_10() -> None:
    driver = recording()
    driver.feed(ev.CaptureLost("camera-fault", driver.now_ns))
    driver.feed(ev.FinishPressed(driver.now_ns))
    assert driver.state() is State.FINISHING
    driver.run_ended()
    assert [type(body) for body in driver.order()[-2:]] == [Break, SessionEnd]
    assert driver.state() is State.IDLE
    driver.break_sealed()
    assert driver.state() is State.IDLE


@pytest.mark.requirement("R18", "wuhu")
@pytest.mark.parametrize("cause", ["camera-fault", "battery"])
def test_what_is_lost_during_the_closing_words_ends_at_once_and_a_part_that_fails_is_a_fault(cause: str) -> None:
    """WU A2-14: the time for its repair runs from the discovery."""
    driver = recording()
    driver.feed(ev.FinishPressed(driver.now_ns))
    driver.feed(ev.CaptureLost(cause, driver.now_ns))
    driver.run_ended()
    assert driver.state() is State.IDLE
    faults = [(fault.part, fault.code, fault.present) for fault in driver.sealed(Fault)]
    assert faults == ([("camera", "camera-fault", True)] if cause == "camera-fault" else [])
    assert [event.code for event in driver.sealed(Event)] == ([] if faults else [cause])


def test_the_agents_end_closes_and_seals() -> None:
    driver = recording()
    driver.feed(ev.StopRequested())
    assert driver.last(fx.EndRun) == fx.EndRun("stop", fx.CameraOrder.STOP)
    driver.run_ended()
    assert driver.sealed(SessionEnd)[0].reason == "stop"
    assert driver.state() is State.IDLE


def test_the_agents_end_before_the_checks_leaves_a_whole_session() -> None:
    driver = Driver()
    driver.press()
    driver.feed(ev.StopRequested())
    assert driver.state() is State.IDLE
    assert driver.sealed(SessionEnd)[0].reason == "stop"
    assert driver.all(fx.DropHeld)


def test_the_agents_end_during_a_break_ends_the_session() -> None:
    driver = recording()
    driver.lose_camera()
    driver.feed(ev.StopRequested())
    assert driver.sealed(SessionEnd)[0].reason == "stop"


def test_a_recording_finished_in_a_break_keeps_that_break_when_the_chain_is_lost_cs_10() -> None:
    """CS-10: its BREAK was still to come, with its own cause and number."""
    driver = recording()
    driver.feed(ev.CaptureLost("camera-fault", driver.now_ns))
    driver.feed(ev.FinishPressed(driver.now_ns))
    driver.feed(ev.SealingLost("EIO"))
    driver.run_ended()
    driver.feed(ev.SealingBack())
    assert [(body.number, body.cause) for body in driver.sealed(Break)] == [(1, "camera-fault")]
    (end,) = driver.sealed(SessionEnd)
    assert (end.breaks, end.reason) == (1, "cannot-continue")


def test_a_chain_lost_twice_while_finishing_makes_one_break_cs_10() -> None:
    """CS-10."""
    driver = recording()
    driver.feed(ev.FinishPressed(driver.now_ns))
    for event in (ev.SealingLost("EIO"), ev.SealingBack(), ev.SealingLost("EIO"), ev.SealingBack()):
        driver.feed(event)
    driver.run_ended()
    assert [body.number for body in driver.sealed(Break)] == [1]
    assert driver.sealed(SessionEnd)[0].breaks == 1


def test_a_mark_whose_frame_is_found_when_the_chain_is_gone_is_sealed_when_it_is_back_cs_12() -> None:
    """CS-12: it was answered; the record waits before the chain like every other."""
    driver = Driver()
    driver.record()
    driver.feed(ev.MarkPressed(driver.now_ns))
    driver.feed(ev.SealingLost("EIO"))
    driver.feed(ev.MarkLocated(1, 299, driver.now_ns, driver.now_ns))
    driver.run_ended()
    driver.feed(ev.SealingBack())
    (mark,) = driver.sealed(Mark)
    assert (mark.number, mark.frame) == (1, 299)
    assert driver.order().index(mark) < driver.order().index(driver.sealed(Break)[-1])


def test_a_lost_chain_stops_the_recording_and_says_so_cs_11() -> None:
    driver = recording()
    driver.feed(ev.SealingLost("EIO"))
    assert driver.state() is State.FAULT
    assert driver.all(fx.EndRun)
    assert driver.last(fx.Speak).phrase is fx.Phrase.FAULT
    driver.feed(ev.TimerFired(ev.Timer.PULSE))
    assert driver.last(fx.GiveCue).cue is Cue.FAULT
    assert driver.feed(ev.StartPressed(0, bytes(16))) == ()


def test_what_is_owed_is_sealed_when_the_chain_is_back_cs_11() -> None:
    driver = recording()
    driver.feed(ev.SealingLost("EIO"))
    driver.run_ended()
    assert driver.sealed(Break) == []
    driver.feed(ev.SealingBack())
    assert driver.state() is State.INTERRUPTED
    assert driver.sealed(Break)[0].cause == "storage-fault"
    driver.break_sealed()
    driver.frame()
    driver.until(State.RECORDING)


def test_a_run_that_ends_after_the_chain_is_back_is_sealed_then_cs_11() -> None:
    driver = recording()
    driver.feed(ev.SealingLost("EIO"))
    driver.feed(ev.SealingBack())
    driver.run_ended()
    assert len(driver.sealed(Break)) == 1


def test_an_idle_unit_recovers_from_a_lost_chain() -> None:
    driver = Driver()
    driver.feed(ev.SealingLost("EROFS"))
    driver.feed(ev.SealingBack())
    assert driver.state() is State.IDLE


def test_a_chain_lost_while_finishing_still_ends_the_session() -> None:
    driver = recording()
    driver.feed(ev.FinishPressed(driver.now_ns))
    driver.spoken()
    driver.feed(ev.SealingLost("EIO"))
    driver.run_ended()
    driver.feed(ev.SealingBack())
    assert driver.state() is State.IDLE
    assert driver.sealed(SessionEnd)[0].reason == "button"


def test_a_chain_lost_during_the_checks_abandons_the_start() -> None:
    driver = Driver()
    driver.press()
    driver.frame()
    driver.feed(ev.SealingLost("EIO"))
    driver.feed(ev.PreflightDone(result()))
    driver.feed(ev.SealingBack())
    assert driver.state() is State.IDLE
    assert driver.sealed(Preflight) == []
    assert driver.sealed(SessionEnd)[0].frames == 0


def test_labels_are_sealed_with_the_check_out_as_payload_r22() -> None:
    driver = Driver()
    driver.feed(ev.CheckedOut(replace(ASSIGNMENT, labels=(("case-number", "2026-18"), ("party", "甲某药房")))))
    seal = driver.last(fx.Seal)
    assert seal.private == {"names": ["甲某", "乙某"], "label.case-number": "2026-18", "label.party": "甲某药房"}
    assert "甲某药房" not in repr(seal)
    assert isinstance(seal.body, Checkout)
    assert seal.body.labels_given == ("case-number", "party")


def test_a_department_is_sealed_in_the_clear_and_what_was_not_given_left_out_sf_62() -> None:
    """SF-62."""
    driver = Driver()
    driver.feed(ev.CheckedOut(replace(ASSIGNMENT, department="稽查科")))
    (body,) = driver.sealed(Checkout)
    assert (body.labels_given, body.department) == (None, "稽查科")
    driver.feed(ev.CheckoutSealed(12))
    assert (driver.snapshot.labels_given, driver.snapshot.department) == (None, "稽查科")
    driver.feed(ev.CheckedIn())
    assert driver.snapshot.department is None


@pytest.mark.requirement("R2", "all")
def test_handing_over_is_sealed_with_names_as_payload_r2() -> None:
    driver = Driver()
    driver.feed(ev.CheckedOut(ASSIGNMENT))
    seal = driver.last(fx.Seal)
    assert isinstance(seal.body, Checkout)
    assert seal.body.officer_ids == ("A001", "A002")
    assert seal.private == {"names": ["甲某", "乙某"]}
    assert "甲某" not in repr(seal)
    driver.feed(ev.CheckoutSealed(12))
    assert driver.snapshot.checkout_sequence == 12
    driver.feed(ev.CheckedIn())
    assert driver.sealed(Checkin) == [Checkin(12)]
    assert driver.snapshot.officer_ids == ()


@pytest.mark.requirement("R4", "all")
def test_too_few_officers_are_announced_and_sealed_r4() -> None:
    driver = Driver(machine(profile(officers={"least": 3})))
    driver.feed(ev.CheckedOut(ASSIGNMENT))
    assert driver.sealed(Event)[0].values == (("officers", 2), ("least", 3))
    assert driver.last(fx.Speak).phrase is fx.Phrase.TOO_FEW_OFFICERS


@pytest.mark.requirement("R4", "wuhu")
def test_too_few_for_the_activity_are_announced_and_sealed_where_the_profile_has_no_general_number_r4() -> None:
    """WU 三."""
    driver = Driver()
    driver.feed(ev.CheckedOut(replace(ASSIGNMENT, officers=ASSIGNMENT.officers[:1], officers_least=2)))
    assert driver.sealed(Event)[0].values == (("officers", 1), ("least", 2))
    assert driver.last(fx.Speak).phrase is fx.Phrase.TOO_FEW_OFFICERS


@pytest.mark.requirement("R2", "all")
@pytest.mark.requirement("R20", "huainan", "dalian-jinpu", "wuhan", "inner-mongolia")
def test_the_hand_over_carries_keeper_activity_label_and_the_reason_for_being_away_r2_r20() -> None:
    driver = Driver()
    given = replace(ASSIGNMENT, category="service", label="state-secret", away=True, due_rule="remote")
    driver.feed(ev.CheckedOut(replace(given, keeper_id="K-07", keeper_name="丙某")))
    (body,) = driver.sealed(Checkout)
    assert (body.activity_id, body.category, body.label) == ("activity-1", "service", "state-secret")
    assert (body.away, body.away_reason, body.keeper_id) == (True, "remote", "K-07")
    seal = next(effect for effect in driver.all(fx.Seal) if effect.body is body)
    assert seal.private == {"names": ["甲某", "乙某"], "keeper": "丙某"}


@pytest.mark.requirement("R17", "all")
def test_a_clock_step_is_a_record_r17() -> None:
    driver = recording()
    driver.feed(ev.ClockStepped(-90_000_000_000, "rtc", "network"))
    assert driver.sealed(ClockStep) == [ClockStep(-90_000_000_000, "rtc", "network")]


@pytest.mark.requirement("R17", "all")
def test_a_clock_that_is_set_while_nothing_can_be_sealed_is_sealed_when_that_is_over_cs_18() -> None:
    """CS-18: without it no verifier could believe the times behind the fault."""
    driver = recording()
    driver.feed(ev.SealingLost("EIO"))
    driver.feed(ev.ClockStepped(-90_000_000_000, "rtc", "unset"))
    driver.feed(ev.ClockStepped(30_000_000_000, "unset", "network"))
    assert driver.sealed(ClockStep) == []
    driver.feed(ev.SealingBack())
    assert driver.sealed(ClockStep) == [ClockStep(-60_000_000_000, "rtc", "network")]
    driver.feed(ev.SealingLost("EIO"))
    driver.feed(ev.SealingBack())
    assert len(driver.sealed(ClockStep)) == 1

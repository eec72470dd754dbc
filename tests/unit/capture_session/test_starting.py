"""From the press to the first kept frame (R1, CS-2, CS-3, CS-5)."""

import pytest

from capture import effects as fx
from capture import events as ev
from capture.cues import Cue
from capture.states import State
from sealing.records import (
    Break,
    CheckVerdict,
    Fault,
    Preflight,
    Resume,
    SessionEnd,
    SessionStart,
    VoiceWindow,
)
from tests.unit.capture_session.script import (
    ASSIGNMENT,
    SECOND_NS,
    SESSION_ID,
    Driver,
    machine,
    profile,
    result,
)

FAILED = result(("camera", CheckVerdict.FAIL))


def position(driver: Driver, kind: type[object]) -> int:
    """Place of the first effect, or of the first sealed body, of a kind."""
    for place, effect in enumerate(driver.effects):
        if isinstance(effect, kind) or (isinstance(effect, fx.Seal) and isinstance(effect.body, kind)):
            return place
    raise AssertionError(f"no {kind.__name__}")


@pytest.mark.requirement("R6", "all")
def test_capture_starts_at_the_press_cs_3() -> None:
    driver = Driver()
    driver.press()
    assert driver.state() is State.STARTING
    assert driver.last(fx.GiveCue).cue is Cue.PRESSED
    assert position(driver, fx.SetState) < position(driver, fx.StartCapture)
    assert driver.last(fx.Measure).pressed_boottime_ns == driver.now_ns
    assert driver.order() == []


def test_the_state_goes_behind_the_records_and_before_the_run_cs_2() -> None:
    driver = Driver()
    driver.press()
    driver.frame()
    driver.wait(1.4)
    made = driver.feed(ev.PreflightDone(result()))
    kinds = [type(effect) for effect in made]
    assert kinds.index(fx.Seal) < kinds.index(fx.SetState) < kinds.index(fx.BeginRun)


def test_the_run_is_ended_behind_the_state_that_knows_what_was_sealed_before_cs_2() -> None:
    """CS-2: the file that its end opens forgets nothing, an explanation that is missing above all."""
    driver = Driver()
    driver.record()
    driver.lose_camera()
    driver.frame()
    driver.spoken(heard=True)
    made = driver.feed(ev.CaptureLost("camera-fault", driver.now_ns))
    (window,) = [place for place, effect in enumerate(made) if _seals(effect, VoiceWindow)]
    (fault,) = [place for place, effect in enumerate(made) if _seals(effect, Fault)]
    (state,) = [place for place, effect in enumerate(made) if isinstance(effect, fx.SetState)]
    (ended,) = [place for place, effect in enumerate(made) if isinstance(effect, fx.EndRun)]
    assert window < fault < state < ended
    told = made[state]
    assert isinstance(told, fx.SetState)
    assert told.snapshot.unexplained_breaks == 1


def _seals(effect: object, kind: type[object]) -> bool:
    return isinstance(effect, fx.Seal) and isinstance(effect.body, kind)


def test_the_end_of_a_session_is_not_anticipated_cs_2() -> None:
    driver = Driver()
    driver.record()
    driver.feed(ev.FinishPressed(driver.now_ns))
    driver.spoken()
    before = len(driver.effects)
    driver.run_ended()
    kinds = [type(effect) for effect in driver.effects[before:]]
    assert kinds.index(fx.Seal) < kinds.index(fx.SetState)


def test_a_state_without_records_is_saved_before_it_is_acted_upon_cs_2() -> None:
    driver = Driver()
    made = driver.feed(ev.StartPressed(driver.now_ns, SESSION_ID))
    assert isinstance(made[0], fx.SetState)
    assert made[0].snapshot.state == "starting"
    assert made[0].snapshot.session_id == SESSION_ID
    assert made[0].snapshot.session_number == 1


def test_session_time_is_one_second_at_the_first_frame_cs_3() -> None:
    driver = Driver()
    driver.press()
    pressed_ns = driver.now_ns
    driver.wait(0.4)
    driver.frame()
    (start,) = driver.sealed(SessionStart)
    assert driver.now_ns - start.session_zero_boottime_ns == SECOND_NS
    assert start.pressed_boottime_ns == pressed_ns
    assert start.checkout_sequence is None


@pytest.mark.requirement("R1", "all")
def test_preflight_is_sealed_before_anything_is_kept_cs_3() -> None:
    driver = Driver()
    driver.start()
    assert position(driver, SessionStart) < position(driver, Preflight) < position(driver, fx.BeginRun)
    begun = driver.last(fx.BeginRun)
    assert (begun.run, begun.next_frame, begun.next_sample) == (1, 0, 0)
    assert begun.before_notice


@pytest.mark.requirement("R1", "all")
def test_verdict_is_told_by_cue_before_any_words_cs_5() -> None:
    for verdict, cue in (
        (CheckVerdict.PASS, Cue.READY),
        (CheckVerdict.DEGRADED, Cue.DEGRADED),
        (CheckVerdict.FAIL, Cue.FAILED),
    ):
        driver = Driver()
        driver.start(result(("battery", verdict)))
        cues = [effect.cue for effect in driver.all(fx.GiveCue)]
        assert cues == [Cue.PRESSED, cue]
        assert driver.effects.index(fx.GiveCue(cue)) < position(driver, fx.Speak)


@pytest.mark.requirement("R1", "all")
def test_a_failed_check_is_announced_and_recorded_all_the_same_cs_5() -> None:
    driver = Driver()
    driver.start(result(("microphone", CheckVerdict.FAIL), ("clock", CheckVerdict.DEGRADED)))
    assert driver.state() is State.NOTICE
    told = [speak for speak in driver.all(fx.Speak) if speak.phrase is fx.Phrase.PREFLIGHT]
    assert [speak.codes for speak in told] == [("microphone:fail", "clock:degraded")]
    (sealed,) = driver.sealed(Preflight)
    assert (sealed.verdict, sealed.blocked) == (CheckVerdict.FAIL, False)


def test_where_the_profile_blocks_nothing_is_kept_cs_5() -> None:
    driver = Driver(machine(profile(preflight={"blocking": True})))
    driver.start(FAILED)
    assert driver.state() is State.IDLE
    assert driver.all(fx.BeginRun) == []
    assert driver.all(fx.DropHeld)
    assert driver.all(fx.StopCapture)
    assert [body.blocked for body in driver.sealed(Preflight)] == [True]
    (ended,) = driver.sealed(SessionEnd)
    assert (ended.reason, ended.frames) == ("blocked", 0)
    assert driver.snapshot.session_id is None


def test_a_blocking_profile_lets_a_degraded_check_pass() -> None:
    driver = Driver(machine(profile(preflight={"blocking": True})))
    driver.start(result(("battery", CheckVerdict.DEGRADED)))
    assert driver.state() is State.NOTICE


@pytest.mark.requirement("R2", "all")
def test_a_session_that_nobody_checked_out_is_announced_and_flagged_r2() -> None:
    driver = Driver()
    driver.start()
    assert fx.Phrase.NOT_CHECKED_OUT in [speak.phrase for speak in driver.all(fx.Speak)]


@pytest.mark.requirement("R2", "all")
def test_a_session_names_its_checkout_r2() -> None:
    driver = Driver()
    driver.feed(ev.CheckedOut(ASSIGNMENT))
    driver.feed(ev.CheckoutSealed(77))
    driver.start()
    (start,) = driver.sealed(SessionStart)
    assert start.checkout_sequence == 77
    assert fx.Phrase.NOT_CHECKED_OUT not in [speak.phrase for speak in driver.all(fx.Speak)]


def test_a_camera_that_never_delivers_begins_the_session_with_a_break_cs_10() -> None:
    driver = Driver()
    driver.press()
    driver.wait(1.7)
    driver.feed(ev.PreflightDone(FAILED))
    assert driver.state() is State.INTERRUPTED
    assert driver.all(fx.BeginRun) == []
    (broken,) = driver.sealed(Break)
    assert (broken.number, broken.cause, broken.last_frame, broken.run) == (1, "camera-fault", None, 0)
    assert driver.sealed(Fault)[0].present
    driver.break_sealed()
    driver.wait(5)
    driver.frame()
    assert driver.state() is State.RESUMING
    (resumed,) = driver.sealed(Resume)
    assert (resumed.run, resumed.first_frame, resumed.automatic) == (1, 0, True)
    assert resumed.duration_ns == round(6.7 * SECOND_NS)
    driver.until(State.NOTICE)


def test_a_camera_lost_during_the_checks_keeps_its_frames_and_breaks_cs_10() -> None:
    driver = Driver()
    driver.press()
    driver.frame()
    driver.wait(1)
    driver.feed(ev.CaptureLost("camera-fault", driver.now_ns))
    assert driver.state() is State.STARTING
    driver.feed(ev.PreflightDone(FAILED))
    assert driver.state() is State.INTERRUPTED
    assert position(driver, fx.BeginRun) < position(driver, fx.EndRun)
    driver.run_ended(frames=25)
    assert driver.sealed(Break)[0].last_frame == 24


def test_a_second_press_while_starting_means_nothing() -> None:
    driver = Driver()
    driver.press()
    assert driver.feed(ev.StartPressed(driver.now_ns, bytes(16))) == ()


def test_sessions_are_numbered() -> None:
    driver = Driver()
    driver.record()
    driver.finish()
    driver.record()
    assert [start.session_number for start in driver.sealed(SessionStart)] == [1, 2]

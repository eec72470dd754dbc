"""What an officer says of a break that is announced: sealed whatever ends it (R8, R9, CS-10)."""

import pytest

from capture import effects as fx
from capture import events as ev
from capture.states import State
from sealing.records import Break, Prompt, SessionEnd, VoicePurpose, VoiceWindow
from tests.unit.capture_session.script import SECOND_NS, Driver
from tests.unit.capture_session.test_resume import Chain, now, restarted


def recording() -> Driver:
    driver = Driver()
    driver.record()
    return driver


def confirmed() -> Driver:
    """A break whose cause was confirmed this instant: what was said of it is still being judged."""
    driver = recording()
    driver.feed(ev.BreakPressed(driver.now_ns))
    driver.wait(6)
    driver.feed(ev.CauseConfirmed(driver.now_ns))
    return driver


def judged(driver: Driver) -> None:
    """The window of the announcement is judged: an officer spoke."""
    window, now_ns = driver.last(fx.OpenWindow).window, driver.now_ns
    driver.feed(ev.WindowClosed(window, now_ns - 6 * SECOND_NS, now_ns, True, 2_000, 900))


def sealed_and_over(driver: Driver, *kinds: type[object]) -> None:
    """The last records are these, and the reason was heard."""
    assert [type(body) for body in driver.order()[-len(kinds) :]] == list(kinds)
    (reason,) = driver.sealed(VoiceWindow)
    assert (reason.purpose, reason.accepted, reason.final) == (VoicePurpose.BREAK_REASON, True, True)
    assert driver.state() is State.IDLE


@pytest.mark.requirement("R8", "all")
@pytest.mark.requirement("R9", "all")
@pytest.mark.parametrize("ending", [ev.FinishPressed(0), ev.StopRequested()], ids=["finish", "stop"])
def test_an_end_right_behind_the_confirmation_waits_for_what_was_said_cs_10(ending: ev.Event) -> None:
    """CS-10: in whatever order the run's end, the BREAK's number and the judgement come in."""
    driver = confirmed()
    driver.run_ended()
    driver.break_sealed()
    driver.feed(ending)
    assert driver.state() is State.FINISHING
    judged(driver)
    sealed_and_over(driver, Break, VoiceWindow, SessionEnd)
    driver = confirmed()
    driver.feed(ending)
    driver.run_ended()
    assert driver.state() is State.FINISHING
    judged(driver)
    sealed_and_over(driver, Break, VoiceWindow, SessionEnd)
    driver = confirmed()
    driver.feed(ending)
    judged(driver)
    driver.run_ended()
    sealed_and_over(driver, Break, VoiceWindow, SessionEnd)


def test_a_recording_that_ends_while_a_break_is_announced_keeps_what_was_said_cs_10() -> None:
    """CS-10: neither the closing words nor the agent's end cut it off."""
    driver = recording()
    driver.feed(ev.BreakPressed(driver.now_ns))
    driver.feed(ev.FinishPressed(driver.now_ns))
    closing = driver.last(fx.Speak)
    judged(driver)
    driver.feed(ev.PromptEnded(closing.speech, closing.kind, driver.now_ns, driver.now_ns, True, b"h", "words", None))
    driver.run_ended()
    sealed_and_over(driver, VoiceWindow, Prompt, SessionEnd)
    driver = recording()
    driver.feed(ev.BreakPressed(driver.now_ns))
    driver.feed(ev.StopRequested())
    driver.run_ended()
    assert driver.state() is State.FINISHING
    judged(driver)
    sealed_and_over(driver, VoiceWindow, SessionEnd)


def test_a_fault_that_comes_into_an_announcement_keeps_what_was_said_cs_10() -> None:
    """CS-10: the machine's own cause does not silence the officer's."""
    driver = recording()
    driver.feed(ev.BreakPressed(driver.now_ns))
    driver.feed(ev.CaptureLost("camera-fault", driver.now_ns))
    judged(driver)
    (reason,) = driver.sealed(VoiceWindow)
    assert (reason.purpose, reason.accepted, reason.break_sequence) == (VoicePurpose.BREAK_REASON, True, None)


def test_what_nobody_judges_is_sealed_as_missing_and_holds_no_end_cs_10() -> None:
    """CS-10: never silent, and never without an end."""
    driver = confirmed()
    driver.run_ended()
    driver.break_sealed()
    pressed_ns = driver.now_ns
    driver.feed(ev.FinishPressed(pressed_ns))
    assert driver.last(fx.SetTimer).timer is ev.Timer.FINISH
    driver.wait(driver.last(fx.SetTimer).seconds)
    driver.feed(ev.TimerFired(ev.Timer.FINISH))
    assert [type(body) for body in driver.order()[-2:]] == [VoiceWindow, SessionEnd]
    (reason,) = driver.sealed(VoiceWindow)
    assert (reason.purpose, reason.accepted, reason.final) == (VoicePurpose.BREAK_REASON, False, True)
    assert driver.sealed(SessionEnd)[0].ended_boottime_ns == pressed_ns
    judged(driver)
    assert len(driver.sealed(VoiceWindow)) == 1


@pytest.mark.parametrize("early", [True, False])
def test_a_chain_that_is_lost_meanwhile_gets_what_was_said_when_it_is_back_cs_10_cs_11(*, early: bool) -> None:
    """CS-10, CS-11: judged before or after the chain is back."""
    driver = confirmed()
    driver.run_ended()
    driver.break_sealed()
    driver.feed(ev.FinishPressed(driver.now_ns))
    driver.feed(ev.SealingLost("EIO"))
    assert driver.state() is State.FAULT
    if early:
        judged(driver)
    driver.feed(ev.SealingBack())
    if not early:
        assert driver.state() is State.FINISHING
        judged(driver)
    sealed_and_over(driver, Break, VoiceWindow, SessionEnd)
    assert driver.sealed(SessionEnd)[0].breaks == 1


def test_a_chain_that_is_lost_while_a_break_is_announced_keeps_what_was_said_cs_10() -> None:
    """CS-10."""
    driver = recording()
    driver.feed(ev.BreakPressed(driver.now_ns))
    driver.feed(ev.SealingLost("EIO"))
    judged(driver)
    driver.run_ended()
    driver.feed(ev.SealingBack())
    (reason,) = driver.sealed(VoiceWindow)
    assert (reason.purpose, reason.accepted) == (VoicePurpose.BREAK_REASON, True)
    assert driver.state() is State.INTERRUPTED


def test_an_announcement_behind_one_that_nobody_judged_leaves_neither_out_cs_10() -> None:
    """CS-10."""
    driver = confirmed()
    driver.run_ended()
    driver.break_sealed()
    driver.feed(ev.ResumePressed(driver.now_ns))
    driver.frame()
    driver.feed(ev.BreakPressed(driver.now_ns))
    reasons = [body for body in driver.sealed(VoiceWindow) if body.purpose is VoicePurpose.BREAK_REASON]
    assert [body.accepted for body in reasons] == [False]
    driver.feed(ev.CauseConfirmed(driver.now_ns))
    judged(driver)
    driver.run_ended()
    reasons = [body for body in driver.sealed(VoiceWindow) if body.purpose is VoicePurpose.BREAK_REASON]
    assert [body.accepted for body in reasons] == [False, True]


@pytest.mark.requirement("R8", "all")
def test_a_judgement_that_comes_before_its_break_is_sealed_behind_it_cs_39() -> None:
    """CS-39."""
    driver = confirmed()
    judged(driver)
    assert driver.sealed(VoiceWindow) == []
    driver.run_ended()
    assert [type(body) for body in driver.order()[-2:]] == [Break, VoiceWindow]
    assert driver.session.reason_window is None


@pytest.mark.requirement("R8", "all")
@pytest.mark.requirement("R9", "all")
@pytest.mark.parametrize("reason", ["crash", "power-loss"])
def test_a_cut_between_the_break_and_its_judgement_is_sealed_as_missing_cs_39(reason: str) -> None:
    """CS-39: once; what was said is on the track."""
    driver = confirmed()
    chain = Chain(driver)
    driver.run_ended()
    chain.put(driver.sealed(Break)[-1])
    taken_up = restarted(chain.fold(), reason, now(driver, 60, "boot-two"))
    (missing,) = taken_up.sealed(VoiceWindow)
    assert (missing.purpose, missing.accepted, missing.final) == (VoicePurpose.BREAK_REASON, False, True)
    assert missing.opened_media_time_ns == missing.closed_media_time_ns == driver.session.media_time_ns
    assert taken_up.state() is State.INTERRUPTED
    assert taken_up.sealed(Break) == [], "the announced break stays announced"


def test_a_cut_behind_the_judgement_leaves_nothing_owed_cs_39() -> None:
    """CS-39."""
    driver = confirmed()
    chain = Chain(driver)
    judged(driver)
    before = len(driver.effects)
    driver.run_ended()
    chain.put_sealed(before)
    assert restarted(chain.fold(), "power-loss", now(driver, 60, "boot-two")).sealed(VoiceWindow) == []

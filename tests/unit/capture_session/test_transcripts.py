"""Whole courses of a recording, compared with what was read and found right (`transcripts/*.txt`)."""

from collections.abc import Callable

import pytest

from capture import events as ev
from capture.profile import ExemptionGround
from capture.states import State
from sealing.records import CheckVerdict
from tests.unit.capture_session.script import ASSIGNMENT, SECOND_NS, STATEMENT, machine, profile, result
from tests.unit.capture_session.transcript import FOLDER, Writer, expected

GROUND = ExemptionGround(code="privacy", zh="涉及个人隐私", en="privacy", stops=True)
MARKS = {
    "categories": [{"code": "scene", "zh": "现场", "en": "scene"}, {"code": "persons", "zh": "人员", "en": "persons"}]
}


def a_day(driver: Writer) -> None:
    """Handed over, recorded with notice, statement, marks and a step of the clock, given back."""
    driver.feed(ev.CheckedOut(ASSIGNMENT))
    driver.feed(ev.CheckoutSealed(41))
    driver.start()
    driver.spoken()
    driver.answered(accepted=False)
    driver.spoken()
    driver.answered(accepted=False)
    driver.spoken(heard=False)
    driver.spoken(heard=False)
    driver.wait(60)
    driver.feed(ev.TimerFired(ev.Timer.PULSE))
    driver.feed(ev.NoticePressed(driver.now_ns))
    driver.spoken(heard=False)
    driver.spoken()
    driver.feed(ev.MarkPressed(driver.now_ns))
    driver.feed(ev.CategoryPressed(driver.now_ns))
    driver.feed(ev.CauseStepped(driver.now_ns))
    driver.feed(ev.CauseConfirmed(driver.now_ns))
    driver.feed(ev.MarkLocated(1, 77, 5 * SECOND_NS, driver.now_ns))
    driver.feed(ev.ClockStepped(-90 * SECOND_NS, "rtc", "network"))
    driver.feed(ev.FinishPressed(driver.now_ns))
    driver.feed(ev.TimerFired(ev.Timer.PULSE))
    driver.spoken()
    driver.run_ended()
    driver.feed(ev.CheckedIn())


def a_camera_break(driver: Writer) -> None:
    """The camera goes, comes, goes again and comes; nobody explains."""
    driver.record()
    driver.feed(ev.CaptureLost("camera-fault", driver.now_ns))
    driver.wait(2)
    driver.frame()
    driver.feed(ev.CaptureLost("camera-fault", driver.now_ns))
    driver.run_ended()
    driver.break_sealed()
    driver.feed(ev.ResumePressed(driver.now_ns))
    driver.feed(ev.TimerFired(ev.Timer.PULSE))
    driver.wait(5)
    driver.frame()
    driver.spoken()
    driver.spoken()
    driver.answered(accepted=False)
    driver.spoken()
    driver.answered(accepted=False)
    driver.finish()


def announced_breaks(driver: Writer) -> None:
    """One withdrawn, one that nobody confirms, one that is made and ended by a press."""
    driver.start()
    driver.spoken()
    driver.feed(ev.BreakPressed(driver.now_ns))
    driver.feed(ev.BreakPressed(driver.now_ns))
    driver.spoken()
    driver.feed(ev.BreakPressed(driver.now_ns))
    driver.feed(ev.TimerFired(ev.Timer.PULSE))
    driver.feed(ev.TimerFired(ev.Timer.ANNOUNCE))
    driver.until(State.RECORDING)
    driver.feed(ev.BreakPressed(driver.now_ns))
    for _ in range(3):
        driver.feed(ev.CauseStepped(driver.now_ns))
    driver.feed(ev.CauseConfirmed(driver.now_ns))
    driver.feed(ev.WindowClosed(driver.machine.windows, driver.now_ns, driver.now_ns + 1, True, 1_500, 900))
    driver.run_ended()
    driver.break_sealed()
    driver.feed(ev.CaptureLost("camera-fault", driver.now_ns))
    driver.feed(ev.ResumePressed(driver.now_ns))
    driver.feed(ev.ResumePressed(driver.now_ns))
    driver.feed(ev.CaptureLost("camera-fault", driver.now_ns))
    driver.wait(4)
    driver.frame()
    driver.spoken()
    driver.spoken()
    driver.feed(ev.BreakPressed(driver.now_ns))
    driver.feed(ev.BreakPressed(driver.now_ns))
    driver.until(State.RECORDING)


def ends_in_breaks(driver: Writer) -> None:
    """Finished while the reason is still being judged, which never ends; stopped before the BREAK is sealed."""
    for judged in (True, False):
        driver.record()
        driver.feed(ev.BreakPressed(driver.now_ns))
        driver.feed(ev.CauseConfirmed(driver.now_ns))
        driver.run_ended()
        driver.break_sealed()
        driver.feed(ev.FinishPressed(driver.now_ns))
        if judged:
            driver.answered()
        else:
            driver.feed(ev.TimerFired(ev.Timer.FINISH))
    driver.record()
    driver.feed(ev.CaptureLost("camera-fault", driver.now_ns))
    driver.feed(ev.StopRequested())
    driver.run_ended()
    driver.record()
    driver.lose_camera()
    driver.frame()
    driver.feed(ev.StopRequested())
    driver.run_ended()


def a_lost_chain(driver: Writer) -> None:
    """Lost while a statement is asked for, told, and back; lost in a break; lost behind the closing words."""
    driver.start()
    driver.spoken()
    driver.feed(ev.SealingLost("medium full"))
    driver.feed(ev.TimerFired(ev.Timer.PULSE))
    driver.feed(ev.ClockStepped(SECOND_NS, "rtc", "network"))
    driver.run_ended()
    driver.feed(ev.SealingBack())
    driver.break_sealed()
    driver.feed(ev.SealingLost("medium full"))
    driver.feed(ev.SealingBack())
    driver.frame()
    driver.until(State.RECORDING)
    driver.announce()
    driver.feed(ev.SealingLost("medium full"))
    driver.feed(ev.SealingBack())
    driver.feed(ev.ResumePressed(driver.now_ns))
    driver.frame()
    driver.until(State.RECORDING)
    driver.feed(ev.FinishPressed(driver.now_ns))
    driver.spoken()
    driver.feed(ev.SealingLost("medium full"))
    driver.run_ended()
    driver.feed(ev.SealingBack())
    driver.press()
    driver.feed(ev.SealingLost("medium full"))
    driver.feed(ev.SealingBack())


def exemptions(driver: Writer) -> None:
    """Between recordings, in one with its memo, and a menu that is put away."""
    driver.feed(ev.Exempted("privacy", driver.now_ns))
    driver.record()
    driver.feed(ev.GroundPressed(driver.now_ns))
    driver.feed(ev.TimerFired(ev.Timer.PULSE))
    driver.feed(ev.CauseConfirmed(driver.now_ns))
    driver.spoken()
    driver.answered(accepted=False)
    driver.feed(ev.GroundPressed(driver.now_ns))
    driver.feed(ev.BreakPressed(driver.now_ns))
    driver.feed(ev.CategoryPressed(driver.now_ns))
    driver.feed(ev.Exempted("privacy", driver.now_ns))
    driver.spoken()
    driver.feed(ev.BreakPressed(driver.now_ns))
    driver.feed(ev.BreakPressed(driver.now_ns))


def bad_starts(driver: Writer) -> None:
    """No camera from the first moment; lost during the checks; stopped before them."""
    driver.press()
    driver.feed(ev.PreflightDone(result(("camera", CheckVerdict.FAIL))))
    driver.frame()
    driver.break_sealed()
    driver.until(State.RECORDING)
    driver.finish()
    driver.press()
    driver.frame()
    driver.feed(ev.CaptureLost("camera-fault", driver.now_ns))
    driver.feed(ev.PreflightDone(result()))
    driver.run_ended()
    driver.break_sealed()
    driver.feed(ev.FinishPressed(driver.now_ns))
    driver.press()
    driver.feed(ev.StopRequested())


def a_blocked_start(driver: Writer) -> None:
    """The profile lets a failed check stop the start."""
    driver.start(result(("battery", CheckVerdict.FAIL)))


def officers_who_speak(driver: Writer) -> None:
    """The notice is the officers' own; nothing is heard of it, and the agent ends in the midst of the recording."""
    driver.start(result(("battery", CheckVerdict.DEGRADED)))
    driver.spoken()
    driver.answered(accepted=False)
    driver.spoken()
    driver.answered(accepted=False)
    driver.feed(ev.NoticePressed(driver.now_ns))
    driver.feed(ev.FinishPressed(driver.now_ns))
    driver.feed(ev.WindowClosed(99, driver.now_ns, driver.now_ns, False, 0, 0))
    driver.feed(ev.TimerFired(ev.Timer.FINISH))
    driver.run_ended()
    driver.start()
    driver.feed(ev.StopRequested())
    driver.run_ended()


def one_button(driver: Writer) -> None:
    """Everything by the spoken menu: the notice, a mark's category, a ground, a break."""
    driver.record()
    for steps in (1, 0):
        driver.feed(ev.MenuPressed(driver.now_ns))
        for _ in range(steps):
            driver.feed(ev.CauseStepped(driver.now_ns))
        driver.feed(ev.CauseConfirmed(driver.now_ns))
        driver.spoken()
        driver.feed(ev.MarkPressed(driver.now_ns))
        driver.feed(ev.MarkLocated(driver.session.marks, 9, SECOND_NS, driver.now_ns))
        if driver.state() is State.ANNOUNCING:
            driver.feed(ev.BreakPressed(driver.now_ns))
    for steps in (2, 3):
        driver.feed(ev.MenuPressed(driver.now_ns))
        for _ in range(steps):
            driver.feed(ev.CauseStepped(driver.now_ns))
        driver.feed(ev.CauseConfirmed(driver.now_ns))
        driver.feed(ev.CauseConfirmed(driver.now_ns))


POLICIES: dict[Callable[[Writer], None], dict[str, object]] = {
    a_day: {"statement": STATEMENT, "marks": MARKS, "officers": {"least": 3}},
    a_camera_break: {},
    announced_breaks: {"statement": STATEMENT},
    ends_in_breaks: {},
    a_lost_chain: {"statement": STATEMENT},
    exemptions: {"notice": None},
    bad_starts: {},
    one_button: {"marks": MARKS},
    a_blocked_start: {"preflight": {"blocking": True}},
    officers_who_speak: {"notice": {"wording": "本次执法全程录音录像。", "speaker": "officer"}},
}


def transcript(course: Callable[[Writer], None]) -> str:
    driver = Writer(machine(profile(**POLICIES[course]), (GROUND,)))
    course(driver)
    return "\n".join([f"{course.__doc__}", "", *driver.lines, ""])


@pytest.mark.parametrize("course", POLICIES, ids=lambda course: course.__name__)
def test_the_whole_course_is_as_it_was_read_cs_1_cs_4_cs_10(course: Callable[[Writer], None]) -> None:
    """CS-1, CS-4, CS-10: every effect of every event, in its order."""
    assert transcript(course) == expected(course.__name__)


def test_every_transcript_belongs_to_a_course() -> None:
    assert {path.stem for path in FOLDER.iterdir()} == {course.__name__ for course in POLICIES}

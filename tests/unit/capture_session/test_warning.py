"""Faults and shortages while a recording goes on: sealed, told, and no stop (R8, R18, CS-13)."""

import pytest
from pydantic import ValidationError

from capture import effects as fx
from capture import events as ev
from capture.conditions import PARTS, Condition
from capture.cues import Cue
from capture.profile import WarningsSection
from capture.states import State
from sealing.records import Break, ClockStep, Event, Fault, PromptKind
from tests.unit.capture_session.script import Driver, machine, profile


def recording(*break_on: str) -> Driver:
    driver = Driver(machine(profile(warnings={"break_on": break_on})))
    driver.record()
    return driver


def change(driver: Driver, condition: Condition, *, present: bool = True, minutes: int | None = None) -> None:
    driver.feed(ev.ConditionChanged(condition, present, driver.now_ns, minutes))


@pytest.mark.parametrize("condition", PARTS)
@pytest.mark.requirement("R13", "all")
@pytest.mark.requirement("R18", "all")
def test_a_fault_is_sealed_and_told_and_the_recording_goes_on_cs_13(condition: Condition) -> None:
    """CS-13."""
    driver = recording()
    change(driver, condition)
    assert driver.sealed(Fault) == [
        Fault(PARTS[condition], condition.value, present=True, session_id=driver.session.session_id)
    ]
    assert driver.last(fx.GiveCue).cue is Cue.WARNING
    spoken = driver.last(fx.Speak)
    assert (spoken.kind, spoken.phrase, spoken.cause) == (PromptKind.STATUS, fx.Phrase.WARNING, condition.value)
    assert driver.state() is State.RECORDING
    assert not driver.all(fx.EndRun)


def test_what_is_known_is_not_told_again_but_felt_with_each_pulse() -> None:
    driver = recording()
    change(driver, Condition.MICROPHONE)
    told = len(driver.effects)
    change(driver, Condition.MICROPHONE)
    assert len(driver.effects) == told
    driver.feed(ev.TimerFired(ev.Timer.PULSE))
    assert driver.last(fx.GiveCue).cue is Cue.WARNING


def test_the_end_of_a_fault_is_sealed_and_the_pulse_is_as_before() -> None:
    driver = recording()
    change(driver, Condition.BLACK)
    change(driver, Condition.BLACK, present=False)
    assert [body.present for body in driver.sealed(Fault)] == [True, False]
    driver.feed(ev.TimerFired(ev.Timer.PULSE))
    assert driver.last(fx.GiveCue).cue is Cue.STILL_RECORDING


def test_a_shortage_is_sealed_with_its_minutes_and_told_with_them() -> None:
    driver = recording()
    change(driver, Condition.BATTERY, minutes=17)
    alarm = driver.sealed(Event)[-1]
    assert (alarm.code, dict(alarm.values)) == ("battery-low", {"present": 1, "minutes": 17})
    assert driver.last(fx.Speak).number == 17


def test_the_profile_may_want_a_fault_to_break_off() -> None:
    driver = recording("microphone-fault")
    change(driver, Condition.MICROPHONE)
    driver.run_ended()
    assert driver.state() is State.INTERRUPTED
    assert driver.sealed(Break)[-1].cause == "microphone-fault"
    assert driver.sealed(Fault)[-1].present


def test_only_a_fault_can_be_given_for_that() -> None:
    with pytest.raises(ValidationError, match="break_on names battery"):
        WarningsSection(break_on=("battery",))


@pytest.mark.requirement("R8", "all")
def test_the_battery_ends_the_recording_in_order_with_its_cause() -> None:
    driver = recording()
    driver.feed(ev.CaptureLost("battery", driver.now_ns))
    driver.run_ended()
    assert driver.sealed(Break)[-1].cause == "battery"
    assert driver.last(fx.EndRun).camera is fx.CameraOrder.STOP


def test_a_fault_found_as_the_camera_goes_is_sealed_without_words() -> None:
    driver = recording()
    driver.lose_camera()
    spoken = len(driver.all(fx.Speak))
    change(driver, Condition.MICROPHONE)
    assert driver.sealed(Fault)[-1].part == "microphone"
    assert len(driver.all(fx.Speak)) == spoken


def test_the_next_recording_tells_a_shortage_anew_and_still_knows_a_fault() -> None:
    driver = recording()
    change(driver, Condition.BATTERY, minutes=17)
    change(driver, Condition.MICROPHONE)
    driver.finish()
    driver.record()
    assert driver.machine.conditions == {Condition.MICROPHONE}
    change(driver, Condition.MICROPHONE, present=False)
    assert not driver.sealed(Fault)[-1].present


@pytest.mark.parametrize(
    ("condition", "figure", "sealed"),
    [
        (Condition.HOT, 82, {"present": 1, "celsius": 82}),
        (Condition.SLOW, 6, {"present": 1, "seconds": 6}),
        (Condition.SUPPLY, None, {"present": 1}),
        (Condition.CLIPPING, 40, {"present": 1, "permille": 40}),
    ],
)
def test_heat_supply_and_a_slow_medium_are_sealed_with_their_figure_and_told_without_minutes_cs_13(
    condition: Condition, figure: int | None, sealed: dict[str, int]
) -> None:
    """CS-13."""
    driver = recording()
    change(driver, condition, minutes=figure)
    alarm = driver.sealed(Event)[-1]
    assert (alarm.code, dict(alarm.values)) == (condition.value, sealed)
    assert (driver.last(fx.Speak).cause, driver.last(fx.Speak).number) == (condition.value, None)
    assert driver.last(fx.GiveCue).cue is Cue.WARNING
    assert driver.state() is State.RECORDING


@pytest.mark.requirement("R17", "all")
def test_a_clock_step_is_sealed_and_told_while_recording_and_nothing_moves_cs_18() -> None:
    """CS-18."""
    driver = recording()
    before = driver.session
    driver.feed(ev.ClockStepped(-3_600 * 10**9, "rtc", "network"))
    (step,) = driver.sealed(ClockStep)
    assert (step.step_ns, step.source_before, step.source_after) == (-3_600 * 10**9, "rtc", "network")
    assert driver.last(fx.Speak).phrase is fx.Phrase.CLOCK_STEPPED
    assert driver.last(fx.GiveCue).cue is Cue.WARNING
    assert driver.session == before


def test_a_source_that_changes_without_a_step_is_sealed_without_a_word_cs_18() -> None:
    """CS-18."""
    driver = recording()
    spoken = len(driver.all(fx.Speak))
    driver.feed(ev.ClockStepped(1_000_000, "rtc", "network"))
    assert len(driver.sealed(ClockStep)) == 1
    assert len(driver.all(fx.Speak)) == spoken


def test_a_fault_names_the_recording_that_was_going_on_and_none_between_recordings_r18() -> None:
    """R18: what a fault befell is found without guessing by times."""
    driver = Driver()
    change(driver, Condition.MICROPHONE)
    driver.record()
    change(driver, Condition.MICROPHONE, present=False)
    driver.lose_camera()
    assert [(body.part, body.session_id) for body in driver.sealed(Fault)] == [
        ("microphone", None),
        ("microphone", driver.session.session_id),
        ("camera", driver.session.session_id),
    ]

"""Parts that are found working again, however their fault was found (R18, CS-38)."""

import pytest

from capture import events as ev
from capture.conditions import PARTS, Condition, found_working
from capture.preflight import Measurements, SoundLevel
from capture.profile import PreflightSection
from capture.states import State, with_faults
from hal.values import ClockReading, PictureStatistics, TimeSource
from sealing.records import Break, CheckVerdict, Fault, SessionStart
from tests.unit.capture_session.script import Driver, machine, profile, result

CAMERA = ("camera", "camera-fault")
LIMITS = PreflightSection()
LOUD = SoundLevel(70_000, -38.0, 0)


def picture(number: int, luma: float = 120.0) -> PictureStatistics:
    return PictureStatistics(luma, 40.0, bytes([number]))


def measured(*pictures: PictureStatistics, sound: SoundLevel | None = None) -> Measurements:
    return Measurements(
        battery=None,
        storage=None,
        clock=ClockReading(0, 0, TimeSource.RTC, 0, "boot"),
        frames=30,
        pictures=pictures,
        sound=sound,
        chirp_heard=None,
        key_ready=True,
        spool_ready=True,
        bitrate_bps=8_000_000,
    )


def told(driver: Driver) -> list[tuple[str, str, bool, bool]]:
    """Part, code, whether found, and whether a recording is named."""
    return [(body.part, body.code, body.present, body.session_id is not None) for body in driver.sealed(Fault)]


def after_a_restart(*standing: tuple[str, str]) -> Driver:
    return Driver(with_faults(machine(), standing))


def recorded_until_the_camera_dies() -> Driver:
    driver = Driver()
    driver.record()
    driver.lose_camera()
    driver.feed(ev.FinishPressed(driver.now_ns))
    assert driver.state() is State.IDLE
    return driver


@pytest.mark.requirement("R18", "all")
def test_a_camera_that_died_for_good_is_over_with_the_next_recordings_first_picture_cs_38() -> None:
    """CS-38; WU A2-14: the end is behind the SESSION_START that it names."""
    driver = recorded_until_the_camera_dies()
    assert told(driver) == [(*CAMERA, True, True)]
    before = len(driver.order())
    driver.start()
    driver.until(State.RECORDING)
    started, over = driver.order()[before : before + 2]
    assert isinstance(started, SessionStart)
    assert over == Fault(*CAMERA, present=False, session_id=started.session_id)
    driver.finish()
    driver.record()
    assert len(told(driver)) == 2, "once"


@pytest.mark.requirement("R18", "all")
def test_a_check_without_a_recording_finds_the_camera_repaired_cs_38() -> None:
    """CS-38."""
    driver = recorded_until_the_camera_dies()
    driver.frame()
    assert driver.state() is State.IDLE
    assert told(driver)[1:] == [(*CAMERA, False, False)]
    driver.frame()
    assert len(told(driver)) == 2, "once"


def test_a_camera_that_never_failed_is_no_news_when_a_check_uses_it() -> None:
    driver = Driver()
    driver.frame()
    assert driver.effects == []


@pytest.mark.requirement("R18", "all")
def test_a_restart_knows_the_camera_out_until_it_delivers_cs_38() -> None:
    """CS-38."""
    driver = after_a_restart(CAMERA)
    driver.record()
    assert told(driver) == [(*CAMERA, False, True)]


def test_a_camera_that_is_still_out_keeps_its_first_discovery_r18() -> None:
    """R18: the repair clock runs from there; the recording's BREAK names it all the same."""
    driver = after_a_restart(CAMERA)
    driver.press()
    driver.wait(1.7)
    driver.feed(ev.CaptureLost("camera-fault", driver.now_ns))
    driver.feed(ev.PreflightDone(result(("camera", CheckVerdict.FAIL))))
    driver.break_sealed()
    assert [body.cause for body in driver.sealed(Break)] == ["camera-fault"]
    assert told(driver) == []
    driver.frame()
    assert driver.state() is State.RESUMING
    assert told(driver) == [(*CAMERA, False, True)]


@pytest.mark.parametrize("condition", PARTS)
@pytest.mark.requirement("R18", "all")
def test_a_fault_from_before_a_restart_is_over_when_the_part_is_found_working_cs_38(condition: Condition) -> None:
    """CS-38: between recordings as in one, and no word more where it is found faulty again."""
    key = (PARTS[condition], condition.value)
    driver = after_a_restart(key)
    driver.feed(ev.ConditionChanged(condition, present=True, at_boottime_ns=driver.now_ns))
    assert told(driver) == []
    driver.feed(ev.ConditionChanged(condition, present=False, at_boottime_ns=driver.now_ns))
    assert told(driver) == [(*key, False, False)]


def test_faults_of_the_chain_that_are_no_part_of_a_recording_are_not_the_machines() -> None:
    found = with_faults(machine(profile()), [("counter", "no-answer"), ("microphone", "microphone-fault")])
    assert found.conditions == {Condition.MICROPHONE}
    assert not found.camera_out


@pytest.mark.parametrize(
    ("figures", "over"),
    [
        (measured(picture(1), picture(2), sound=LOUD), {Condition.BLACK, Condition.FROZEN, Condition.MICROPHONE}),
        (measured(picture(1), sound=LOUD), {Condition.BLACK, Condition.MICROPHONE}),
        (measured(picture(1), picture(1)), {Condition.BLACK}),
        (measured(picture(1, 2.0), picture(2, 2.0)), {Condition.FROZEN}),
        (measured(), set()),
        (measured(sound=SoundLevel(70_000, -120.0, 0)), set()),
        (measured(sound=SoundLevel(0, -38.0, 0)), set()),
    ],
)
def test_a_check_shows_what_works_and_nothing_of_what_it_did_not_see_cs_38(
    figures: Measurements, over: set[Condition]
) -> None:
    """CS-38."""
    assert found_working(figures, LIMITS) == over

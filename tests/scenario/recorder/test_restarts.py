"""Restarts in the middle of a recording: crashes and losses of power (CS-9)."""

from __future__ import annotations

import pytest

from sealing.records import Break, Prompt, PromptKind, Resume, SessionEnd, SessionStart, VoiceWindow
from tests.scenario.recorder.unit import OFFICERS, Place, Unit, bodies, only, verified

SECOND_NS = 1_000_000_000


def record(unit: Unit) -> None:
    unit.press()
    unit.wait_for("recording")
    unit.wait(3.4)


def finish(unit: Unit) -> None:
    unit.hold()
    unit.wait_for("idle")


@pytest.mark.requirement("R6", "all")
@pytest.mark.requirement("R8", "all")
def test_a_crash_resumes_by_itself_and_says_so_cs_9(place: Place) -> None:
    """CS-9."""
    with Unit(place) as unit:
        unit.recorder.checkout(OFFICERS)
        record(unit)
        unit.crash()
    with Unit(place) as unit:
        assert unit.recorder.status().officer_ids == ("皖A0001", "皖A0002")
        unit.wait_for_words("程序异常中断，现恢复录制")
        unit.wait_for_words("请说明中断原因")
        unit.say()
        unit.wait_for("recording")
        finish(unit)
    assert verified(place.spool).intact
    broken, resumed = only(place.spool, Break), only(place.spool, Resume)
    assert (broken.cause, broken.cause_allowed, resumed.automatic) == ("crash", True, True)
    assert resumed.first_frame == (broken.last_frame or 0) + 1
    assert resumed.duration_certain
    assert len(bodies(place.spool, SessionStart)) == 1
    end = only(place.spool, SessionEnd)
    assert (end.breaks, end.unexplained_breaks, end.runs) == (1, 0, 2)
    notices = [prompt for prompt in bodies(place.spool, Prompt) if prompt.kind is PromptKind.NOTICE]
    assert len(notices) == 1


def test_a_crash_during_the_notice_speaks_it_again_with_the_names_cs_9(place: Place) -> None:
    """CS-9."""
    with Unit(place) as unit:
        unit.recorder.checkout(OFFICERS)
        unit.press()
        unit.wait_for("notice")
        unit.wait(3)
        unit.crash()
    with Unit(place) as unit:
        unit.wait_for_words("我们是执法人员甲某、乙某", 90)
        unit.wait_for("recording")
        finish(unit)
    assert verified(place.spool).intact


def test_two_crashes_in_a_row_keep_every_number_cs_9(place: Place) -> None:
    """CS-9."""
    with Unit(place) as unit:
        record(unit)
        unit.crash()
    with Unit(place) as unit:
        unit.wait(0.2)
        unit.crash()
    with Unit(place) as unit:
        unit.wait_for("recording", 90)
        finish(unit)
    assert verified(place.spool).intact
    numbers = [broken.number for broken in bodies(place.spool, Break)]
    assert numbers == sorted(set(numbers))
    assert only(place.spool, SessionEnd).breaks == numbers[-1]


def test_a_crash_in_an_announced_break_waits_for_the_press_cs_9(place: Place) -> None:
    """CS-9."""
    with Unit(place) as unit:
        record(unit)
        unit.hold("mark")
        unit.press("record")
        unit.wait_for("interrupted")
        unit.wait(2)
        unit.crash()
    with Unit(place) as unit:
        unit.wait(5)
        assert unit.state == "interrupted"
        unit.press()
        unit.wait_for("resuming", 5)
        unit.wait_for("recording")
        finish(unit)
    assert verified(place.spool).intact
    assert [broken.cause for broken in bodies(place.spool, Break)] == ["device-fault"]


def test_a_crash_while_the_explanation_is_asked_for_seals_it_as_missing_cs_9(place: Place) -> None:
    """CS-9."""
    with Unit(place) as unit:
        record(unit)
        unit.world.plug_camera(plugged=False)
        unit.wait(2)
        unit.world.plug_camera(plugged=True)
        unit.wait_for_words("请说明中断原因")
        unit.crash()
    with Unit(place) as unit:
        unit.wait_for("recording", 90)
        finish(unit)
    assert verified(place.spool).intact
    first = bodies(place.spool, Break)[0]
    assert first.cause == "camera-fault"
    assert only(place.spool, SessionEnd).unexplained_breaks == 2
    assert sum(window.final for window in bodies(place.spool, VoiceWindow)) == 2


@pytest.mark.parametrize(("off_seconds", "automatic"), [(40, True), (300, False)])
@pytest.mark.requirement("R8", "all")
def test_after_a_power_loss_the_time_away_decides_cs_9(place: Place, off_seconds: float, *, automatic: bool) -> None:
    """CS-9."""
    with Unit(place) as unit:
        record(unit)
        unit.cut_power(off_seconds)
    with Unit(place) as unit:
        if not automatic:
            unit.wait_for_words("断电中断，按录制键恢复录制")
            assert unit.state == "interrupted"
            unit.press()
        unit.wait_for_words("设备断电中断，现恢复录制")
        unit.wait_for("recording", 60)
        finish(unit)
    assert verified(place.spool).intact
    broken, resumed = only(place.spool, Break), only(place.spool, Resume)
    assert (broken.cause, resumed.automatic, resumed.duration_certain) == ("power-loss", automatic, False)
    assert resumed.duration_ns > off_seconds * SECOND_NS
    assert resumed.media_time_ns > broken.media_time_ns + off_seconds * SECOND_NS


@pytest.mark.requirement("R1", "all")
def test_what_a_recording_takes_of_the_pack_is_known_behind_a_restart(place: Place) -> None:
    """R1: predicted minutes from measured drain, before the unit of today has measured any."""
    with Unit(place) as unit:
        unit.recorder.checkout(OFFICERS)
        record(unit)
        unit.wait(10)
        finish(unit)
        unit.wait(2)
    with Unit(place) as unit:
        minutes = [check for check in unit.standing() if (check.check, check.unit) == ("battery", "minutes")]
        assert [each.figure > 0 for each in minutes] == [True]

"""Parts that fail in a recording and are found working again long after it (R18, CS-38)."""

from __future__ import annotations

import pytest

from hw_sim.media.faults import Dead
from sealing.records import Event, Fault, SessionEnd
from sealing.standing_faults import FAULTS_STANDING
from tests.scenario.recorder.unit import Place, Unit, bodies, verified

PATIENCE_SECONDS = 30.0


def wait_for_end(unit: Unit, code: str) -> None:
    """Let the world go on until the end of a fault is sealed."""
    waited = 0.0
    while not any(fault.code == code and not fault.present for fault in bodies(unit.place.spool, Fault)):
        assert waited < PATIENCE_SECONDS, f"no end of {code} in {bodies(unit.place.spool, Fault)}"
        unit.wait(0.2)
        waited += 0.2


def start(unit: Unit) -> None:
    unit.press()
    unit.wait_for("recording")
    unit.wait(2)


def finish(unit: Unit) -> None:
    unit.hold()
    unit.wait_for("idle")


def faults(place: Place) -> list[tuple[str, bool, bool]]:
    """Code, whether found, and whether a recording is named."""
    return [(fault.code, fault.present, fault.session_id is not None) for fault in bodies(place.spool, Fault)]


@pytest.mark.requirement("R18", "all")
def test_a_camera_that_is_repaired_while_the_unit_is_off_is_found_working_by_the_next_recording_cs_38(
    place: Place,
) -> None:
    """CS-38; WU A2-14: over a restart in which nothing shows, and one with the camera plugged in again."""
    with Unit(place) as unit:
        start(unit)
        unit.world.plug_camera(plugged=False)
        unit.wait_for("interrupted")
        finish(unit)
    with Unit(place) as unit:
        unit.wait(1)
    assert faults(place) == [("camera-fault", True, True)]
    with Unit(place) as unit:
        unit.world.plug_camera(plugged=True)
        start(unit)
        finish(unit)
    report = verified(place.spool)
    assert report.intact
    assert faults(place) == [("camera-fault", True, True), ("camera-fault", False, True)]
    restated = [body for body in bodies(place.spool, Event) if body.code == FAULTS_STANDING]
    assert restated
    assert all(name == "camera/camera-fault" for body in restated for name, _ in body.values)
    assert [end.reason for end in bodies(place.spool, SessionEnd)] == ["cannot-continue", "button"]


@pytest.mark.requirement("R18", "all")
def test_a_microphone_that_died_is_found_working_by_a_check_behind_a_restart_cs_38(place: Place) -> None:
    """CS-38: no recording is needed for it, and one with the microphone still dead changes nothing."""
    with Unit(place) as unit:
        start(unit)
        unit.world.kill_microphone(Dead.ZEROS)
        unit.wait_for_words("麦克风没有声音", 10)
        finish(unit)
    with Unit(place) as unit:
        unit.recorder.check()
        unit.wait(2)
        assert faults(place) == [("microphone-fault", True, True)]
        unit.world.kill_microphone(Dead.NO)
        unit.recorder.check()
        wait_for_end(unit, "microphone-fault")
    assert verified(place.spool).intact
    assert faults(place) == [("microphone-fault", True, True), ("microphone-fault", False, False)]

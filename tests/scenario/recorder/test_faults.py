"""A medium that fills or fails, and the calls of the agent (CS-11)."""

from __future__ import annotations

import json

import pytest

from capture.assignment import Assignment, Officer
from capture.errors import AssignmentError, RecorderBusyError, RecorderError
from hal.values import ButtonName
from sealing.records import Break, Checkin, Checkout, CheckVerdict, Resume, SessionEnd
from tests.scenario.recorder.conftest import MakePlace
from tests.scenario.recorder.unit import OFFICERS, Place, Unit, bodies, only, verified

MIB = 1 << 20


@pytest.mark.requirement("R6", "all")
@pytest.mark.requirement("R13", "all")
def test_a_medium_that_fails_for_long_is_told_and_the_recording_goes_on_when_it_is_back_cs_11(place: Place) -> None:
    """CS-11."""
    place.queue_bytes = 400_000
    with Unit(place) as unit:
        unit.press()
        unit.wait_for("recording")
        unit.wait(2)
        unit.world.write_protect_storage(protected=True)
        unit.wait_for("fault", 60)
        unit.wait_for_words("存储故障，没有录制")
        assert not unit.recorder.status().chain_writable
        unit.wait(5)
        unit.world.write_protect_storage(protected=False)
        unit.wait_for("resuming", 30)
        unit.wait_for("recording")
        unit.hold()
        unit.wait_for("idle")
    assert verified(place.spool).intact
    broken = only(place.spool, Break)
    assert broken.cause == "storage-fault"
    assert only(place.spool, Resume).first_frame == (broken.last_frame or 0) + 1


def test_a_full_medium_ends_the_recording_in_order_and_a_press_resumes_it(place: Place) -> None:
    with Unit(place) as unit:
        unit.press()
        unit.wait_for("recording")
        unit.wait(2)
        unit.world.fill_storage(40 * MIB)
        unit.wait_for("interrupted", 5)
        unit.wait_for_words("存储空间不足，录制中断")
        unit.world.fill_storage(4_000 * MIB)
        unit.press()
        unit.wait_for("resuming", 5)
        unit.wait_for("recording")
        unit.hold()
        unit.wait_for("idle")
    assert verified(place.spool).intact
    assert only(place.spool, Break).cause == "storage-full"
    assert only(place.spool, SessionEnd).breaks == 1


def test_check_runs_every_check_and_seals_nothing(place: Place) -> None:
    with Unit(place) as unit:
        before = len(unit.records())
        result = unit.recorder.check()
        assert result.verdict is CheckVerdict.PASS
        assert len({check.check for check in result.checks}) == 8
        percent, minutes = (check for check in result.checks if check.check == "battery")
        assert (percent.unit, minutes.unit) == ("percent", "minutes")
        assert 200 < minutes.figure < 300
        unit.wait(2)
        assert len(unit.records()) == before
        assert unit.state == "idle"


def test_a_press_during_a_check_records_all_the_same(place: Place) -> None:
    with Unit(place) as unit:
        world = unit.world

        def press() -> None:
            world.press(ButtonName.RECORD)

        world.timeline.plan(world.clock.world_ns + 500_000_000, press)
        with pytest.raises(RecorderBusyError, match="a recording began"):
            unit.recorder.check()
        unit.wait_for("recording")
        unit.wait(2)
        unit.hold()
        unit.wait_for("idle")
    assert verified(place.spool).intact
    assert only(place.spool, SessionEnd).frames > 0


def test_handing_over_is_for_between_recordings(place: Place) -> None:
    with Unit(place) as unit:
        with pytest.raises(RecorderError, match="nobody has checked the unit out"):
            unit.recorder.checkin()
        unit.press()
        unit.wait_for("recording")
        for call in (lambda: unit.recorder.checkout(OFFICERS), unit.recorder.checkin, unit.recorder.check):
            with pytest.raises(RecorderBusyError, match="finish the recording first"):
                call()
        unit.hold()
        unit.wait_for("idle")
    assert bodies(place.spool, Checkout) == []


@pytest.mark.parametrize(
    ("officers", "message"),
    [
        ((), "names 0 officers"),
        ((Officer("A1", "甲某"), Officer("A1", "乙某")), "number twice"),
        ((Officer("A1", " "),), "needs a name"),
        ((Officer("A1", "甲某", reading="wrong"),), "reading"),
    ],
)
def test_a_wrong_assignment_is_refused_and_nothing_is_sealed(
    place: Place, officers: tuple[Officer, ...], message: str
) -> None:
    with Unit(place) as unit, pytest.raises(AssignmentError, match=message):
        unit.recorder.checkout(Assignment(officers))
    assert bodies(place.spool, Checkout) == []


def test_status_can_be_sent_as_json_and_names_nobody(place: Place) -> None:
    with Unit(place) as unit:
        sequence = unit.recorder.checkout(OFFICERS)
        unit.wait(31)
        text = json.dumps(unit.recorder.status().as_table(), ensure_ascii=False)
        status = json.loads(text)
        assert "甲某" not in text
        assert (status["state"], status["checkout_sequence"]) == ("idle", sequence)
        assert status["officer_ids"] == ["皖A0001", "皖A0002"]
        assert status["standing_verdict"] == "pass"
        assert {check["check"] for check in status["standing"]} == {"battery", "storage", "clock", "key", "spool"}
        unit.recorder.checkin()
        assert unit.recorder.status().officer_ids == ()
    assert only(place.spool, Checkin).checkout_sequence == sequence


def test_every_thread_beats(place: Place) -> None:
    with Unit(place) as unit:
        unit.press()
        unit.wait_for("recording")
        for _ in range(10):
            unit.wait(2)
            now_ns = unit.hardware.clock.boottime_ns()
            late = [
                worker.name
                for worker in unit.recorder.workers
                if now_ns - worker.last_beat_ns > worker.allowance_seconds * 1_000_000_000
            ]
            assert late == []


def test_a_blocking_profile_on_a_full_medium_keeps_nothing(make_place: MakePlace) -> None:
    place = make_place({"disk_mib": 80}, preflight={"blocking": True})
    with Unit(place) as unit:
        unit.press()
        unit.wait_for_words("不能开始录制")
    assert verified(place.spool).intact
    assert only(place.spool, SessionEnd).reason == "blocked"

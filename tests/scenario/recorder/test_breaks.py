"""Breaks on the simulator: found, sealed, told, ended and explained (R8, CS-10)."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import av
import pytest

from capture.profile import ExemptionGround
from hal.values import ButtonName
from hw_sim.media.faults import Dead, Frozen
from sealing.records import (
    Break,
    BreakOrigin,
    CheckVerdict,
    Close,
    Event,
    Fragment,
    Mark,
    Preflight,
    Prompt,
    PromptKind,
    Resume,
    SessionEnd,
    VoicePurpose,
    VoiceWindow,
)
from tests.scenario.recorder.conftest import MakePlace
from tests.scenario.recorder.unit import Place, Unit, bodies, headers, only, opened, truth, verified

SECOND_NS = 1_000_000_000
RETRY_NS = 1_500_000_000
"""A start is tried every second, and the first frame takes its time."""


def start(unit: Unit) -> None:
    unit.press()
    unit.wait_for("recording")
    unit.wait(3)


def finish(unit: Unit) -> None:
    unit.hold()
    unit.wait_for("idle")


def frames_in(video_path: Path) -> int:
    with av.open(str(video_path)) as video:
        return sum(1 for _ in video.decode(video=0))


@pytest.mark.requirement("R6", "all")
@pytest.mark.requirement("R8", "all")
def test_a_pulled_camera_is_sealed_and_the_recording_resumes_by_itself_cs_10(place: Place, tmp_path: Path) -> None:
    """CS-10."""
    with Unit(place) as unit:
        start(unit)
        unit.world.plug_camera(plugged=False)
        unit.wait_for("interrupted", 3)
        unit.wait(4)
        unit.world.plug_camera(plugged=True)
        back_ns = unit.hardware.clock.boottime_ns()
        unit.wait_for("resuming", 3)
        unit.wait_for_words("请说明中断原因")
        unit.say()
        unit.wait_for("recording")
        unit.wait(2)
        finish(unit)
    assert verified(place.spool).intact
    broken, resumed = only(place.spool, Break), only(place.spool, Resume)
    runs = truth(place, "frames")["runs"]
    assert (broken.cause, broken.cause_allowed, broken.origin) == ("camera-fault", True, BreakOrigin.MACHINE)
    assert broken.last_frame_boottime_ns == runs[0]["captured_boottime_ns"][-1]
    assert broken.last_frame is not None
    assert broken.last_frame_boottime_ns is not None
    assert broken.last_frame == len(runs[0]["captured_boottime_ns"]) - 1
    assert resumed.first_frame == broken.last_frame + 1
    assert resumed.first_frame_boottime_ns == runs[-1]["captured_boottime_ns"][0]
    assert resumed.first_frame_boottime_ns - back_ns < RETRY_NS
    assert resumed.duration_ns == resumed.first_frame_boottime_ns - broken.last_frame_boottime_ns
    assert (resumed.automatic, resumed.run) == (True, 2)
    explanation = only(place.spool, VoiceWindow)
    assert (explanation.accepted, explanation.final, explanation.purpose) == (True, True, VoicePurpose.EXPLANATION)
    end = only(place.spool, SessionEnd)
    assert (end.breaks, end.unexplained_breaks, end.runs) == (1, 0, 2)
    (session,) = opened(place.spool, tmp_path / "opened")
    assert session.session_video is not None
    assert frames_in(session.session_video) == truth(place, "frames")["count"] == end.frames


@pytest.mark.requirement("R8", "all")
def test_the_resume_marker_is_on_the_track_with_time_and_cause_cs_10(place: Place) -> None:
    """CS-10."""
    with Unit(place) as unit:
        start(unit)
        unit.world.plug_camera(plugged=False)
        unit.wait(3)
        unit.world.plug_camera(plugged=True)
        unit.wait_for_words("摄像头故障中断，现恢复录制")
        unit.wait_for("recording")
        finish(unit)
    marker = next(prompt for prompt in bodies(place.spool, Prompt) if prompt.kind is PromptKind.RESUME_MARKER)
    assert marker.heard
    said = [entry["words"] for entry in truth(place, "words") if "现恢复录制" in entry["words"]]
    assert said == ["录制于九点整因摄像头故障中断，现恢复录制。"]
    assert "摄像头故障，录制中断。" in [entry["words"] for entry in truth(place, "words")]


@pytest.mark.requirement("R8", "huainan", "dalian-jinpu", "wuhan", "inner-mongolia")
def test_silence_is_asked_twice_and_sealed_as_missing_cs_10(place: Place) -> None:
    """CS-10."""
    with Unit(place) as unit:
        start(unit)
        unit.world.plug_camera(plugged=False)
        unit.wait(2)
        unit.world.plug_camera(plugged=True)
        unit.wait_for_words("没有听到说明，请再次说明中断原因")
        unit.wait_for("recording")
        finish(unit)
    windows = bodies(place.spool, VoiceWindow)
    assert [(window.accepted, window.final) for window in windows] == [(False, False), (False, True)]
    assert {window.break_sequence for window in windows} == {only(place.spool, Resume).break_sequence}
    assert only(place.spool, SessionEnd).unexplained_breaks == 1


def test_a_camera_that_hangs_without_a_word_is_found_within_two_seconds_cs_10(place: Place) -> None:
    """CS-10."""
    with Unit(place) as unit:
        start(unit)
        unit.world.freeze_camera(Frozen.STOPS)
        unit.wait_for("interrupted", 2)
        unit.world.freeze_camera(Frozen.NO)
        unit.wait_for("resuming", 10)
        unit.wait_for("recording")
        finish(unit)
    assert verified(place.spool).intact
    assert only(place.spool, Break).cause == "camera-fault"


@pytest.mark.requirement("R8", "all")
def test_an_announced_break_is_explained_confirmed_and_ended_by_a_press_cs_10(place: Place) -> None:
    """CS-10."""
    with Unit(place) as unit:
        start(unit)
        unit.hold("mark")
        assert unit.state == "announcing"
        unit.wait_for_words("设备故障")
        unit.press("mark")
        unit.wait_for_words("天气情况恶劣")
        unit.say("外面下大雨了，我们先暂停一下，等雨停了再继续检查。")
        unit.press("record")
        unit.wait_for("interrupted", 2)
        frames_before = truth_frames(unit)
        unit.wait(20)
        assert truth_frames(unit) == frames_before
        unit.press("record")
        unit.wait_for("resuming", 3)
        unit.wait_for_words("请说明中断原因")
        unit.say("雨停了，现在继续检查。")
        unit.wait_for("recording")
        finish(unit)
    assert verified(place.spool).intact
    broken, resumed = only(place.spool, Break), only(place.spool, Resume)
    assert (broken.origin, broken.cause, broken.cause_allowed) == (BreakOrigin.ANNOUNCED, "bad-weather", True)
    assert not resumed.automatic
    purposes = {window.purpose: window.accepted for window in bodies(place.spool, VoiceWindow)}
    assert purposes == {VoicePurpose.BREAK_REASON: True, VoicePurpose.EXPLANATION: True}


def truth_frames(unit: Unit) -> int:
    path = unit.place.directory / "world" / "truth.jsonl"
    return sum('"camera_frame"' in line for line in path.read_text(encoding="utf-8").splitlines())


def test_the_units_own_menu_is_no_reason(place: Place) -> None:
    with Unit(place) as unit:
        start(unit)
        unit.hold("mark")
        unit.wait_for_words("设备故障")
        unit.press("record")
        unit.wait_for("interrupted")
        unit.wait(1)
        finish(unit)
    reason = only(place.spool, VoiceWindow)
    assert (reason.purpose, reason.accepted) == (VoicePurpose.BREAK_REASON, False)
    assert only(place.spool, SessionEnd).reason == "cannot-continue"


@pytest.mark.requirement("R8", "all")
@pytest.mark.requirement("R9", "all")
@pytest.mark.parametrize("ending", ["stop", "camera-fault"])
def test_what_is_said_of_a_break_is_sealed_though_something_else_comes_first_cs_10(place: Place, ending: str) -> None:
    """CS-10: the agent's end waits for the judgement; a camera that fails does not take it away."""
    with Unit(place) as unit:
        start(unit)
        unit.hold("mark")
        unit.wait_for_words("设备故障")
        unit.say("外面下大雨了，我们先暂停一下，等雨停了再继续检查。")
        assert unit.state == "announcing"
        if ending == "camera-fault":
            unit.world.plug_camera(plugged=False)
            unit.wait_for("interrupted", 5)
    assert verified(place.spool).intact
    (reason,) = (body for body in bodies(place.spool, VoiceWindow) if body.purpose is VoicePurpose.BREAK_REASON)
    assert reason.accepted
    assert reason.final
    assert only(place.spool, SessionEnd).reason == "stop"


def test_a_withdrawn_break_leaves_no_gap(place: Place) -> None:
    with Unit(place) as unit:
        start(unit)
        unit.hold("mark")
        unit.wait_for("recording", 60)
        finish(unit)
    assert verified(place.spool).intact
    assert bodies(place.spool, Break) == []
    assert "break-withdrawn" in [event.code for event in bodies(place.spool, Event)]


def test_one_button_does_it_all_cs_35(make_place: MakePlace) -> None:
    """CS-35."""
    place = make_place({"buttons": "record"})
    with Unit(place) as unit:
        start(unit)
        unit.press()
        unit.wait(1)
        open_menu(unit)
        unit.wait_for_words("请选择操作。短按切换，长按确认。中断录制")
        unit.press()
        unit.wait_for_words("再次告知当事人")
        unit.hold()
        unit.wait_for("notice", 3)
        unit.wait_for("recording")
        open_menu(unit)
        unit.wait_for_words("中断录制")
        unit.hold()
        unit.wait_for("announcing", 3)
        unit.wait_for_words("短按切换，长按确认。设备故障")
        unit.hold()
        unit.wait_for("interrupted", 3)
        unit.wait(2)
        unit.press()
        unit.wait_for("resuming", 5)
        unit.wait_for("recording")
        finish(unit)
    assert verified(place.spool).intact
    end = only(place.spool, SessionEnd)
    assert (end.marks, end.breaks) == (1, 1)
    assert only(place.spool, Break).cause == "device-fault"
    assert [event.code for event in bodies(place.spool, Event)].count("notice-repeated") == 1


def open_menu(unit: Unit) -> None:
    """Press, and press again to hold."""
    unit.world.press(ButtonName.RECORD, 0.12)
    unit.wait(0.3)
    unit.hold()


def test_a_camera_that_is_out_from_the_start_begins_with_a_break_cs_10(place: Place) -> None:
    """CS-10."""
    with Unit(place) as unit:
        unit.world.plug_camera(plugged=False)
        unit.wait(1)
        unit.press()
        unit.wait_for("interrupted", 3)
        unit.wait(3)
        unit.world.plug_camera(plugged=True)
        unit.wait_for("notice", 40)
        unit.wait_for("recording")
        finish(unit)
    assert verified(place.spool).intact
    camera = next(check for check in only(place.spool, Preflight).checks if check.check == "camera")
    assert camera.verdict is CheckVerdict.FAIL
    assert only(place.spool, Break).last_frame is None
    assert only(place.spool, Resume).first_frame == 0


def test_a_dead_microphone_stops_nothing(place: Place, tmp_path: Path) -> None:
    with Unit(place) as unit:
        unit.world.kill_microphone(Dead.SILENT)
        start(unit)
        finish(unit)
    assert verified(place.spool).intact
    microphone = next(check for check in only(place.spool, Preflight).checks if check.check == "microphone")
    assert microphone.verdict is CheckVerdict.FAIL
    times = [fragment.captured_boottime_ns for fragment in bodies(place.spool, Fragment)]
    assert max(later - earlier for earlier, later in pairwise(times)) <= 1.3 * SECOND_NS
    (session,) = opened(place.spool, tmp_path / "opened")
    assert session.session_video is not None
    assert frames_in(session.session_video) == only(place.spool, SessionEnd).frames


@pytest.mark.requirement("R6", "all")
@pytest.mark.requirement("R13", "all")
def test_a_stalled_medium_loses_nothing(place: Place) -> None:
    with Unit(place) as unit:
        start(unit)
        unit.world.stall_storage(12.0)
        unit.wait(20)
        finish(unit)
    assert verified(place.spool).intact
    assert bodies(place.spool, Break) == []
    assert only(place.spool, SessionEnd).frames == truth(place, "frames")["count"]


def test_the_agents_end_closes_an_open_session(place: Place) -> None:
    with Unit(place) as unit:
        start(unit)
    assert verified(place.spool).intact
    assert only(place.spool, SessionEnd).reason == "stop"
    closes = [close.reason for close in bodies(place.spool, Close)]
    assert "stop" in closes


@pytest.mark.requirement("R17", "all")
def test_a_clock_step_is_sealed_and_the_media_times_do_not_move_r17(place: Place) -> None:
    with Unit(place) as unit:
        start(unit)
        unit.world.step_clock(-90)
        unit.wait(3)
        finish(unit)
    assert verified(place.spool).intact
    steps = [record for record in headers(place.spool) if type(record.body).__name__ == "ClockStep"]
    assert len(steps) == 1
    fragments = bodies(place.spool, Fragment)
    assert all(one.last_video_pts < two.first_video_pts for one, two in pairwise(fragments))


@pytest.mark.requirement("R7", "all")
@pytest.mark.requirement("R11", "huainan", "wuhu", "dalian-jinpu")
def test_marks_get_categories_and_an_exemption_its_spoken_memo_by_gestures_alone_cs_16_cs_17(
    make_place: MakePlace,
) -> None:
    """CS-16, CS-17."""
    place = make_place(marks={"categories": [{"code": "scene", "zh": "现场环境", "en": "the scene"}]})
    place.grounds = (ExemptionGround(code="secrets", zh="涉及国家秘密的", en="state secrets", stops=True),)
    with Unit(place) as unit:
        start(unit)
        unit.world.press(ButtonName.MARK, 0.1)
        unit.wait(0.25)
        unit.hold("mark")
        unit.wait_for("choosing", 2)
        unit.wait_for_words("现场环境")
        unit.press("record")
        unit.wait_for("recording", 2)
        unit.world.press(ButtonName.RECORD, 0.1)
        unit.wait(0.25)
        unit.hold("record")
        unit.wait_for("choosing", 2)
        unit.wait_for_words("涉及国家秘密的")
        unit.press("record")
        unit.wait_for_words("请口述具体情况")
        unit.say("柜子里的这份文件标着国家秘密，我们不拍摄它的内容，其余部分继续检查。")
        unit.wait_for("recording")
        finish(unit)
    assert verified(place.spool).intact
    marks = bodies(place.spool, Mark)
    assert [(mark.number, mark.category) for mark in marks] == [(1, None), (1, "scene")]
    assert marks[0].frame == marks[1].frame
    assert only(place.spool, SessionEnd).marks == 1
    assert [dict(event.values) for event in bodies(place.spool, Event) if event.code == "exemption"] == [{"ground": 1}]
    memo = only(place.spool, VoiceWindow)
    assert (memo.purpose, memo.accepted, memo.final) == (VoicePurpose.MEMO, True, True)
    assert bodies(place.spool, Break) == []

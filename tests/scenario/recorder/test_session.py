"""A recording from check-out to its end, on the simulator, read back by the verifier and the opener."""

from __future__ import annotations

import json
from itertools import pairwise
from pathlib import Path

import av
import pytest
from av.bitstream import BitStreamFilterContext

from capture.media.frame_stamp import stamps
from capture.voice.cache import INDEX_NAME, VoiceCache
from sealing.records import (
    Break,
    Checkin,
    Checkout,
    CheckResult,
    CheckVerdict,
    Fragment,
    Mark,
    Open,
    Preflight,
    Prompt,
    PromptKind,
    SessionEnd,
    SessionStart,
    VoiceWindow,
)
from tests.scenario.recorder.conftest import MakePlace
from tests.scenario.recorder.unit import (
    OFFICERS,
    Place,
    Unit,
    bodies,
    copy_of,
    headers,
    only,
    opened,
    sample_profile,
    truth,
    verified,
)

SECOND_NS = 1_000_000_000
LAMP_READY = "ready"


@pytest.fixture(name="recorded", scope="module")
def recorded_fixture(tmp_path_factory: pytest.TempPathFactory, rendered: Path) -> Place:
    """One session of about half a minute, with a mark, finished in order; many tests read it."""
    directory = tmp_path_factory.mktemp("recorded")
    place = Place(directory, copy_of(rendered, directory), sample_profile(), {"microphone_ppm": 200})
    with Unit(place) as unit:
        unit.recorder.checkout(OFFICERS)
        unit.wait(8)
        unit.press()
        unit.wait_for("recording")
        unit.wait(4)
        unit.press("mark")
        unit.wait(3)
        unit.hold()
        unit.wait_for("idle")
        unit.recorder.checkin()
    return place


@pytest.mark.requirement("R2", "all")
def test_at_check_in_names_leave_the_unit_written_and_spoken_r2(recorded: Place) -> None:
    """R2: a recording of nobody's must not name who had the unit before."""
    index = (recorded.voice / INDEX_NAME).read_text(encoding="utf-8")
    assert not [officer for officer in OFFICERS.officers if officer.name in index]
    assert not (recorded.voice / "assignment.json").exists()
    assert recorded.voice.stat().st_mode & 0o077 == 0
    notice = VoiceCache(recorded.voice).joined(("notice",))
    assert notice.text == "您好，我们是执法人员，本次执法全程录音录像。"
    known = {entry["file"] for entry in json.loads(index)["clips"]}
    assert {path.name for path in recorded.voice.glob("*.wav")} == known


@pytest.mark.requirement("R10", "all")
def test_it_verifies(recorded: Place) -> None:
    report = verified(recorded.spool)
    assert report.intact
    (session,) = report.sessions
    assert session.number == 1


def test_the_order_of_records_is_the_order_of_the_session(recorded: Place) -> None:
    kinds = [type(header.body) for header in headers(recorded.spool)]
    first_fragment = kinds.index(Fragment)
    assert kinds.index(Checkout) < kinds.index(SessionStart) < kinds.index(Preflight) < first_fragment
    assert kinds.index(SessionEnd) > max(place for place, kind in enumerate(kinds) if kind is Fragment)
    assert kinds.index(Checkin) > kinds.index(SessionEnd)


def test_session_start_begins_a_ledger_file_and_names_the_checkout(recorded: Place) -> None:
    records = list(headers(recorded.spool))
    place = next(index for index, record in enumerate(records) if isinstance(record.body, SessionStart))
    before = records[place - 1].body
    start = records[place].body
    assert isinstance(before, Open)
    assert before.snapshot.state == "starting"
    assert isinstance(start, SessionStart)
    assert start.checkout_sequence == next(r.sequence for r in records if isinstance(r.body, Checkout))
    assert before.snapshot.session_id == start.session_id


@pytest.mark.requirement("R1", "all")
def test_every_check_passed_on_a_healthy_unit(recorded: Place) -> None:
    preflight = only(recorded.spool, Preflight)
    assert {check.check: check.verdict for check in preflight.checks} == dict.fromkeys(
        ("battery", "storage", "clock", "camera", "microphone", "speaker", "key", "spool"), CheckVerdict.PASS
    )


@pytest.mark.requirement("R1", "all")
def test_the_verdict_comes_within_two_seconds_of_the_press_cs_5(recorded: Place) -> None:
    """CS-5."""
    start = only(recorded.spool, SessionStart)
    lamps = [entry for entry in truth(recorded, "lamps") if entry["meaning"] == LAMP_READY]
    tones = [entry for entry in truth(recorded, "words") if entry["words"] == "tone ready"]
    assert 0 < lamps[0]["boottime_ns"] - start.pressed_boottime_ns <= 2 * SECOND_NS
    assert 0 < tones[0]["started_boottime_ns"] - start.pressed_boottime_ns <= 2 * SECOND_NS


def test_recording_began_with_the_press_cs_3(recorded: Place) -> None:
    """CS-3: the first kept frame is the first that the camera gave."""
    start = only(recorded.spool, SessionStart)
    first = bodies(recorded.spool, Fragment)[0]
    given = truth(recorded, "frames")["runs"][0]["captured_boottime_ns"]
    assert first.captured_boottime_ns == given[0]
    assert first.captured_boottime_ns - start.pressed_boottime_ns < SECOND_NS
    assert first.captured_boottime_ns - start.session_zero_boottime_ns == SECOND_NS


@pytest.mark.requirement("R17", "all")
def test_every_picture_says_its_number_and_when_it_was_taken_cs_33(recorded: Place, tmp_path: Path) -> None:
    """CS-33."""
    (session,) = opened(recorded.spool, tmp_path / "opened")
    assert session.session_video is not None
    with av.open(str(session.session_video)) as video:
        film = video.streams.video[0]
        turned = BitStreamFilterContext("h264_mp4toannexb", film)
        pictures = [bytes(out) for packet in video.demux(film) for out in turned.filter(packet) if out.size]
    found = [stamp for picture in pictures for stamp in stamps(picture)]
    given = truth(recorded, "frames")["runs"][0]["captured_boottime_ns"]
    assert [stamp.number for stamp in found] == list(range(len(given)))
    assert [stamp.boottime_ns for stamp in found] == given
    start = next(header for header in headers(recorded.spool) if isinstance(header.body, SessionStart))
    civil_ns = start.utc_ns - start.boottime_ns
    assert all(abs(stamp.utc_ns - stamp.boottime_ns - civil_ns) < SECOND_NS // 1000 for stamp in found)
    assert {stamp.clock_trusted for stamp in found} == {start.time_source in {"network", "store"}}


@pytest.mark.requirement("R6", "all")
def test_every_frame_that_the_camera_gave_is_in_the_opened_session(recorded: Place, tmp_path: Path) -> None:
    (session,) = opened(recorded.spool, tmp_path / "opened")
    assert session.session_video is not None
    with av.open(str(session.session_video)) as video:
        times = [frame.pts or 0 for frame in video.decode(video=0)]
    assert len(times) == truth(recorded, "frames")["count"] == only(recorded.spool, SessionEnd).frames
    assert all(later > earlier for earlier, later in pairwise(times))


@pytest.mark.requirement("R4", "all")
def test_the_notice_is_proved_and_marks_what_came_before_it_cs_6(recorded: Place) -> None:
    """CS-6."""
    notice = next(prompt for prompt in bodies(recorded.spool, Prompt) if prompt.kind is PromptKind.NOTICE)
    assert notice.heard
    assert notice.complete
    assert notice.repetition == 0
    assert notice.agreement_permille is not None
    assert notice.agreement_permille >= 750
    fragments = bodies(recorded.spool, Fragment)
    before = [fragment for fragment in fragments if fragment.before_notice]
    assert before == fragments[: len(before)]
    assert before[-1].captured_boottime_ns < notice.ended_boottime_ns <= fragments[len(before)].captured_boottime_ns


@pytest.mark.requirement("R7", "all")
def test_the_mark_is_the_frame_that_was_being_taken_at_the_first_edge_cs_12(recorded: Place) -> None:
    """CS-12."""
    mark = only(recorded.spool, Mark)
    (pressed,) = [entry for entry in truth(recorded, "presses") if entry["button"] == "mark"]
    given = truth(recorded, "frames")["runs"][0]["captured_boottime_ns"]
    assert mark.pressed_boottime_ns == pressed["boottime_ns"]
    assert given[mark.frame] <= mark.pressed_boottime_ns < given[mark.frame + 1]


def test_nothing_was_asked_that_the_profile_has_not(recorded: Place) -> None:
    assert bodies(recorded.spool, VoiceWindow) == []
    assert bodies(recorded.spool, Break) == []


@pytest.mark.requirement("R12", "all")
def test_names_stand_in_no_header_and_no_longer_on_the_unit(recorded: Place) -> None:
    for path in recorded.spool.glob("*.evs"):
        assert "甲某".encode() not in path.read_bytes()
    assert not (recorded.voice / "assignment.json").exists()


@pytest.mark.requirement("R2", "all")
def test_a_session_without_checkout_is_recorded_announced_and_flagged_r2(place: Place) -> None:
    with Unit(place) as unit:
        unit.press()
        unit.wait_for_words("未领用")
        unit.wait_for("recording")
        unit.wait(2)
        unit.hold()
        unit.wait_for("idle")
    assert verified(place.spool).intact
    assert only(place.spool, SessionStart).checkout_sequence is None


@pytest.mark.requirement("R4", "wuhan")
@pytest.mark.requirement("R5", "wuhan")
def test_wuhans_way_a_statement_first_and_no_notice_r5(make_place: MakePlace) -> None:
    place = make_place(notice=None, statement={"moment": "first", "items": ["时间", "地点"], "window_seconds": 12})
    with Unit(place) as unit:
        unit.press()
        unit.wait_for_words("请语音说明时间和地点")
        assert unit.state == "statement"
        unit.say("现在是上午九点，地点是某某药店，我们两名执法人员在进行检查。")
        unit.wait_for("recording")
        unit.hold()
        unit.wait_for("idle")
    assert verified(place.spool).intact
    window = only(place.spool, VoiceWindow)
    assert (window.accepted, window.attempt, window.final) == (True, 0, True)
    kinds = {prompt.kind for prompt in bodies(place.spool, Prompt)}
    assert PromptKind.NOTICE not in kinds
    assert not any(fragment.before_notice for fragment in bodies(place.spool, Fragment))


@pytest.mark.requirement("R5", "inner-mongolia")
def test_a_silent_officer_is_asked_twice_and_the_statement_sealed_as_missing(make_place: MakePlace) -> None:
    place = make_place(notice=None, statement={"moment": "during", "items": ["时间"], "window_seconds": 5})
    with Unit(place) as unit:
        unit.press()
        unit.wait_for("statement")
        unit.wait_for("recording")
        unit.hold()
        unit.wait_for("idle")
    windows = bodies(place.spool, VoiceWindow)
    assert [(window.accepted, window.attempt, window.final) for window in windows] == [
        (False, 0, False),
        (False, 1, True),
    ]


def test_a_loudspeaker_that_is_out_is_announced_and_the_notice_flagged(place: Place) -> None:
    with Unit(place) as unit:
        unit.world.plug_speaker(plugged=False)
        unit.press()
        unit.wait_for("recording")
        unit.wait(1)
        unit.hold()
        unit.wait_for("idle")
    assert verified(place.spool).intact
    speaker = next(check for check in only(place.spool, Preflight).checks if check.check == "speaker")
    assert speaker == CheckResult("speaker", CheckVerdict.DEGRADED, 0, 1, "ok")
    notices = [prompt for prompt in bodies(place.spool, Prompt) if prompt.kind is PromptKind.NOTICE]
    assert [(prompt.complete, prompt.heard) for prompt in notices] == [(False, None), (False, None)]


def test_where_the_profile_blocks_nothing_is_kept_cs_5(make_place: MakePlace) -> None:
    """CS-5."""
    place = make_place({"battery_percent": 5}, preflight={"blocking": True})
    with Unit(place) as unit:
        unit.press()
        unit.wait_for_words("不能开始录制")
        assert unit.state == "idle"
        unit.wait(2)
    assert verified(place.spool).intact
    assert only(place.spool, Preflight).blocked
    assert only(place.spool, SessionEnd).reason == "blocked"
    assert bodies(place.spool, Fragment) == []

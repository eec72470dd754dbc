"""A day in Inner Mongolia, told along its 行政执法全过程记录制度: enforcement in town, then out on the steppe."""

from pathlib import Path

import pytest

from agent.control_wire import CheckoutRequest
from sealing.records import DockChange, SessionEnd
from sync.alerts import AlertKind
from tests.scenario.agencies.conftest import Live
from tests.scenario.agencies.day import OFFICERS, Day
from tests.scenario.agencies.evidence import (
    HOUR_NS,
    Evidence,
    it_stands_as_it_was_sealed,
    nobody_else_reads_it,
    nothing_is_missing_between_press_and_end,
    the_checks_come_first,
)

pytestmark = pytest.mark.timeout(900)

CONTENT = "本次执法过程将全程录音录像"
CAUSES = ["设备故障、损坏", "电量不足", "存储空间不足", "天气情况恶劣", "现场有关人员阻挠", "其他客观原因"]
REQUEST = "请语音说明时间、地点、执法人员、执法行为和音像记录的摄录重点。"
GROUND = "对文字记录能够全面有效记录执法行为的"


def what_happens(day: Day) -> None:
    day.answers.append(day.refused(CheckoutRequest(officers=OFFICERS, category="private-errand")))
    day.check_out(category="enforcement", activity_id="NM-2026-017", label="privacy")
    day.press("record")
    day.hear("请语音说明")
    day.say("现在是上午九点，地点是某某卫生院，我们两名执法人员进行现场检查，重点摄录药品和账目。")
    day.until("recording")
    day.press_and_hold("mark")
    day.choose("category", "执法现场的环境")
    day.until("recording")
    day.break_off("现场有关人员阻挠")
    day.resume()
    day.explain("刚才有人挡住了镜头，现在他让开了，我们继续检查。")
    day.lose_camera()
    day.repair_camera()
    day.explain()
    day.press_and_hold("record")
    day.choose("ground", GROUND)
    day.hear("请口述具体情况")
    day.say("下面这份账目我们逐页抄录，文字记录已经能够全面反映，不再拍摄。")
    day.until("recording")
    day.finish()
    day.check_in()
    day.dock()
    day.upload()
    day.undock()
    day.check_out(category="lien-service", away="remote")
    day.press("record")
    day.until("statement")
    day.lose_camera()
    day.finish()
    day.hear("无法继续录制")
    day.dock()
    day.upload()


@pytest.fixture(scope="module", name="evidence")
def evidence_fixture(live: Live) -> Evidence:
    return live("inner-mongolia", what_happens)


@pytest.mark.requirement("R1", "inner-mongolia")
@pytest.mark.requirement("R2", "inner-mongolia")
@pytest.mark.requirement("R3", "inner-mongolia")
@pytest.mark.requirement("R13", "inner-mongolia")
def test_nm_what_no_article_asks_for_is_not_asked_and_the_unit_tests_itself_all_the_same(evidence: Evidence) -> None:
    """No article on checks, keepers and wearing: nothing is remarked, everything is sealed."""
    assert "pass" in {verdict for _, verdict in the_checks_come_first(evidence)}
    assert evidence.day.remarks == ["", ""]
    assert evidence.day.hints == [(None, None), (None, None)]
    assert evidence.checkouts()[0].words["names"] == ["张某", "李某"]


@pytest.mark.requirement("R4", "inner-mongolia")
def test_nm_11_the_party_is_told_first_what_the_text_rules_and_no_names(evidence: Evidence) -> None:
    """NM 11 «应先告知当事人本次执法过程将全程录音录像»: the content is ruled, no wording, no names."""
    (told,) = evidence.first.said("notice")
    assert CONTENT in told
    assert "张某" not in told
    assert evidence.heard_between("检查正常", CONTENT) == ["检查正常。开始录制。", told]
    assert evidence.first.summary.notice == "heard"


@pytest.mark.requirement("R5", "inner-mongolia")
def test_nm_12_five_items_are_stated_in_the_course_of_the_recording(evidence: Evidence) -> None:
    """NM 12 «音像记录过程中…进行语音说明»: behind the notice, and no 执法对象."""
    assert evidence.first.said("statement-request") == [REQUEST, "已记录，请口述具体情况。"]
    assert evidence.heard_between(CONTENT, "请语音说明")[1:] == [REQUEST]
    assert evidence.first.windows[0] == ("statement", True, True)
    assert evidence.first.summary.statement == "given"
    assert evidence.lamps.index("notice") < evidence.lamps.index("statement") < evidence.lamps.index("recording")


@pytest.mark.requirement("R6", "inner-mongolia")
def test_nm_13_from_the_arrival_until_the_scene_is_left(evidence: Evidence) -> None:
    """NM 13 «至离开执法现场时结束»: at the finish the unit asks whether it was left."""
    nothing_is_missing_between_press_and_end(evidence)
    assert evidence.first.said("end") == ["是否已离开执法现场？录制结束。"]
    assert "是否已离开执法现场？录制结束。" in evidence.heard


@pytest.mark.requirement("R7", "inner-mongolia")
def test_nm_10_what_is_recorded_with_emphasis_is_marked_at_its_frame(evidence: Evidence) -> None:
    """NM 10(一) «执法现场的环境»."""
    assert [mark.facts["category"] for mark in evidence.first.of("MARK")] == [None, "surroundings"]


@pytest.mark.requirement("R8", "inner-mongolia")
def test_nm_13_obstruction_is_a_cause_of_the_text_and_a_change_of_place_is_none(evidence: Evidence) -> None:
    """NM 13, word for word; «重新开始记录时应当对中止原因进行语音说明»."""
    assert evidence.day.menus["break"] == [*CAUSES, "未说明的原因"]
    assert evidence.first.breaks == [("announced", "obstruction", True), ("machine", "camera-fault", True)]
    causes = [said.partition("分因")[2] for said in evidence.first.said("resume-marker")]
    assert causes == ["现场有关人员阻挠中断，现恢复录制。", "摄像头故障中断，现恢复录制。"]
    assert evidence.first.windows.count(("explanation", True, True)) == 2


@pytest.mark.requirement("R9", "inner-mongolia")
def test_nm_13_what_cannot_go_on_is_reported_to_the_head_of_the_unit(evidence: Evidence) -> None:
    """NM 13 «应当立即向本单位负责人报告，并在事后书面说明情况»."""
    assert evidence.second.summary.end_reason == "cannot-continue"
    assert "无法继续录制，请立即向本单位负责人报告。" in evidence.heard
    assert AlertKind.CANNOT_CONTINUE in [alert.kind for alert in evidence.alerts]
    (task,) = evidence.tasks_of("written-explanation")
    assert task.addressee == "本单位负责人"


@pytest.mark.requirement("R11", "inner-mongolia")
def test_nm_5_what_writing_records_fully_need_not_be_filmed_and_takes_no_work_record(evidence: Evidence) -> None:
    """NM 5¶3 «可以不进行音像记录»: a ground not to record, none to stop, and no work record after it."""
    assert evidence.day.menus["ground"] == [GROUND]
    assert GROUND not in evidence.day.menus["break"]
    assert evidence.first.the("EVENT", code="exemption").words == {"ground": "written-record-suffices"}
    assert ("memo", True, True) in evidence.first.windows
    assert evidence.tasks_of("exemption-work-record") == []


@pytest.mark.requirement("R10", "inner-mongolia")
def test_nm_5_what_was_done_can_be_traced_and_stands_as_it_was_sealed(evidence: Evidence, tmp_path: Path) -> None:
    """NM 5¶1 «留痕和可追溯管理»."""
    it_stands_as_it_was_sealed(evidence, tmp_path)


@pytest.mark.requirement("R12", "inner-mongolia")
@pytest.mark.requirement("R14", "inner-mongolia")
def test_nm_22_nobody_keeps_it_himself(evidence: Evidence, tmp_path: Path) -> None:
    """NM 22¶1 «不得自行保管»."""
    nobody_else_reads_it(evidence, tmp_path)


@pytest.mark.requirement("R15", "inner-mongolia")
@pytest.mark.requirement("R16", "inner-mongolia")
def test_nm_5_nm_24_privacy_is_a_class_of_the_text(evidence: Evidence) -> None:
    """NM 5¶4 «国家秘密、商业秘密、个人隐私»; the activity's id beside it."""
    assert [each.summary.label for each in evidence.recordings] == ["privacy", None]
    assert [each.summary.activity_id for each in evidence.recordings] == ["NM-2026-017", None]


@pytest.mark.requirement("R19", "inner-mongolia")
def test_nm_5_nm_17_each_recording_is_of_an_activity_of_the_text(evidence: Evidence) -> None:
    """NM 5¶3, NM 17(三)."""
    assert [each.summary.category for each in evidence.recordings] == ["enforcement", "lien-service"]
    assert "enforcement, lien-service, public-notice, hearing, correction-check" in evidence.day.answers[0]


@pytest.mark.requirement("R20", "inner-mongolia")
@pytest.mark.requirement("R21", "inner-mongolia")
def test_nm_22_within_24_hours_of_the_recording(evidence: Evidence) -> None:
    """NM 22¶1 «音像记录制作完成后，应当在24小时内»."""
    assert evidence.day.due[0]["due_utc_ns"] == evidence.sealed_at(SessionEnd)[0] + 24 * HOUR_NS
    assert any(said.startswith("录制资料应于明日九点") for said in evidence.heard)


@pytest.mark.requirement("R20", "inner-mongolia")
def test_nm_22_from_remote_areas_within_24_hours_of_the_return(evidence: Evidence) -> None:
    """NM 22¶2 «边远、交通不便区域…应当在返回单位后24小时内予以储存»."""
    assert evidence.checkouts()[1].facts["away_reason"] == "remote"
    returned = evidence.sealed_at(DockChange, docked=True)[1]
    assert evidence.day.due[1]["due_utc_ns"] == returned + 24 * HOUR_NS
    due = evidence.rows[1].due
    assert due is not None
    assert (due.kind, due.due_utc_ns) == ("exception", returned + 24 * HOUR_NS)

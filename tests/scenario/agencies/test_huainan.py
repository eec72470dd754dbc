"""A day in Huainan, told along 淮医保发〔2020〕86号: an inspection in town, then one elsewhere that breaks down."""

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

NOTICE = (
    "您好, 我们是淮南市医疗保障局执法人员张某、李某, 为保护您的合法权益, 监督我们的执法行为, 本次执法全程录音录像。"
)
CAUSES = ["设备故障、损坏", "天气情况恶劣", "电量、存储空间不足", "检查场所变化", "其他客观原因"]
GROUNDS = [
    "涉及国家秘密、商业秘密或者个人隐私的",
    "情况紧急, 不能进行执法记录的",
    "因客观原因无法进行执法记录的",
]


def what_happens(day: Day) -> None:
    day.answers.append(day.refused(CheckoutRequest(officers=OFFICERS, category="private-errand")))
    day.check_out(category="daily-inspection", activity_id="HN-2026-017", label="trade-secret")
    day.begin()
    day.press_and_hold("mark")
    day.choose("category", "现场遗留或发现的违法工具、物品等物证及原始痕迹证据")
    day.until("recording")
    day.break_off("检查场所变化")
    day.resume()
    day.explain("第一处检查完了，我们换到了隔壁的药房，现在继续检查。")
    day.lose_camera()
    day.repair_camera()
    day.explain()
    day.press_and_hold("record")
    day.choose("ground", "涉及国家秘密、商业秘密或者个人隐私的")
    day.hear("请口述具体情况")
    day.say("这个柜子里是病人的病历，涉及个人隐私，我们不拍摄它的内容。")
    day.until("recording")
    day.finish()
    day.check_in()
    day.dock()
    day.upload()
    day.undock()
    day.check_out(category="investigation", away="away")
    day.begin()
    day.lose_camera()
    day.finish()
    day.hear("无法继续录制")
    day.dock()
    day.upload()


@pytest.fixture(scope="module", name="evidence")
def evidence_fixture(live: Live) -> Evidence:
    return live("huainan", what_happens)


@pytest.mark.requirement("R2", "huainan")
def test_hn_20_2_the_unit_goes_from_its_keeper_to_named_officers_and_back(evidence: Evidence) -> None:
    """HN 20(二) «擅自借给其他人员使用的»: who has it stands in the chain."""
    handed = evidence.checkouts()[0]
    assert handed.words == {"names": ["张某", "李某"], "keeper": "王某"}
    assert (handed.facts["officer_ids"], handed.facts["keeper_id"]) == (["ZF-0001", "ZF-0002"], "G-0007")
    assert evidence.heard[0] == "已领用。执法人员张某，证号ZF-0001。执法人员李某，证号ZF-0002。"
    assert "已归还。" in evidence.heard
    assert "CHECKIN" in [each.body.TYPE.name for each in evidence.records]


@pytest.mark.requirement("R3", "huainan")
@pytest.mark.requirement("R19", "huainan")
def test_hn_4_hn_6_each_recording_is_of_an_activity_of_the_text_and_of_none_other(evidence: Evidence) -> None:
    """HN 4 «严禁摄录任何与工作无关的内容»; HN 6(一), (三)."""
    assert [each.summary.category for each in evidence.recordings] == ["daily-inspection", "investigation"]
    (refused,) = evidence.day.answers
    assert "daily-inspection, complaints, investigation, service, other-field-work" in refused


@pytest.mark.requirement("R1", "huainan")
def test_hn_5_battery_memory_date_and_time_are_checked_before_anything_is_recorded(evidence: Evidence) -> None:
    """HN 5 «应当对音像记录设备的电池容量、内存空间、系统日期和时间等进行检查»."""
    checked = dict(the_checks_come_first(evidence))
    assert {checked[name] for name in ("battery", "storage", "clock", "camera", "microphone", "speaker")} == {"pass"}


@pytest.mark.requirement("R4", "huainan")
def test_hn_8_the_party_is_told_beforehand_in_the_words_of_the_text(evidence: Evidence) -> None:
    """HN 8, with both names, proved to be on the recording."""
    assert evidence.first.said("notice") == [NOTICE]
    assert evidence.heard_between("检查正常", NOTICE) == ["检查正常。开始录制。", NOTICE]
    assert evidence.first.summary.notice == "heard"
    assert evidence.lamps.index("notice") < evidence.lamps.index("recording")


@pytest.mark.requirement("R5", "huainan")
def test_hn_10_nobody_is_asked_for_a_statement(evidence: Evidence) -> None:
    """HN 10 says what the recording shall show; no article asks for speech."""
    assert evidence.first.summary.statement == "none"
    assert "statement" not in [purpose for purpose, _, _ in evidence.first.windows]
    assert not any("请语音说明" in said for said in evidence.heard)


@pytest.mark.requirement("R6", "huainan")
@pytest.mark.requirement("R13", "huainan")
def test_hn_9_from_the_arrival_to_the_end_no_picture_is_missing(evidence: Evidence) -> None:
    """HN 9 «不间断记录»; what was taken before the notice is kept and marked."""
    nothing_is_missing_between_press_and_end(evidence)
    (run, *_) = evidence.first.summary.runs
    assert run.before_notice_until_ns is not None
    assert run.before_notice_until_ns > run.media_start_ns
    assert evidence.first.summary.end_reason == "button"
    assert evidence.first.said("end") == ["录制结束。"]


@pytest.mark.requirement("R7", "huainan")
def test_hn_10_what_is_taken_with_emphasis_is_marked_at_its_frame(evidence: Evidence) -> None:
    """HN 10 «对现场遗留或发现的违法工具、物品等物证及原始痕迹证据应当进行重点摄录»."""
    first, second = evidence.first.of("MARK")
    assert (first.facts["number"], second.facts["category"]) == (1, "exhibits")
    assert first.facts["frame"] == second.facts["frame"]


@pytest.mark.requirement("R8", "huainan")
def test_hn_12_the_causes_are_those_of_the_text_and_the_resumption_is_explained_by_voice(evidence: Evidence) -> None:
    """HN 12, and behind its causes the grounds of HN 7; «重新开始记录时应当对中断原因进行语音说明»."""
    assert evidence.day.menus["break"] == [*CAUSES, *GROUNDS, "未说明的原因"]
    assert evidence.first.breaks == [("announced", "change-of-place", True), ("machine", "camera-fault", True)]
    assert evidence.heard_between("检查场所变化，录制中断", "请说明中断原因") == [
        "检查场所变化，录制中断。录制已中断，按录制键恢复录制。",
        evidence.first.said("resume-marker")[0],
        "请说明中断原因。",
    ]
    places = [said.partition("分因")[2] for said in evidence.first.said("resume-marker")]
    assert places == ["检查场所变化中断，现恢复录制。", "摄像头故障中断，现恢复录制。"]
    assert evidence.first.windows.count(("explanation", True, True)) == 2
    assert [each.explained for each in evidence.first.summary.breaks] == [True, True]
    assert "interrupted" in evidence.lamps


@pytest.mark.requirement("R9", "huainan")
def test_hn_12_what_cannot_go_on_is_reported_to_the_head_of_the_department(evidence: Evidence) -> None:
    """HN 12 «应当立即向所属部门负责人报告，并在事后书面说明情况»."""
    assert evidence.second.summary.end_reason == "cannot-continue"
    assert "无法继续录制，请立即向所属部门负责人报告。" in evidence.heard
    assert AlertKind.CANNOT_CONTINUE in [alert.kind for alert in evidence.alerts]
    (task,) = evidence.tasks_of("written-explanation")
    assert (task.addressee, task.facts["officers"]) == ("所属部门负责人", "ZF-0001, ZF-0002")


@pytest.mark.requirement("R11", "huainan")
def test_hn_7_what_is_not_recorded_takes_a_ground_and_a_work_record(evidence: Evidence) -> None:
    """HN 7 «写明无法使用的原因和依据, 报局主管领导»; the spoken memo stays on the recording."""
    assert evidence.first.the("EVENT", code="exemption").words == {"ground": "secrets-privacy"}
    assert ("memo", True, True) in evidence.first.windows
    (task,) = evidence.tasks_of("exemption-work-record")
    assert (task.addressee, task.fields) == ("局主管领导", ("无法使用的原因", "依据"))
    assert (task.reviewed, task.filed) == (False, False)


@pytest.mark.requirement("R10", "huainan")
def test_hn_12_hn_18_nothing_can_be_chosen_added_cut_or_changed(evidence: Evidence, tmp_path: Path) -> None:
    """HN 12 «不得任意选择取舍…», HN 18 «任何人不得对原始现场执法记录进行删节、修改。»."""
    it_stands_as_it_was_sealed(evidence, tmp_path)


@pytest.mark.requirement("R12", "huainan")
@pytest.mark.requirement("R14", "huainan")
def test_hn_14_no_officer_has_a_copy_that_opens(evidence: Evidence, tmp_path: Path) -> None:
    """HN 14 «执法人员不得私自复制、保存现场执法记录。»."""
    nobody_else_reads_it(evidence, tmp_path)


@pytest.mark.requirement("R15", "huainan")
@pytest.mark.requirement("R16", "huainan")
def test_hn_19_the_secrecy_class_goes_with_the_recording(evidence: Evidence) -> None:
    """HN 19 «涉及国家秘密、商业秘密的»; the activity's id beside it."""
    assert (evidence.first.summary.label, evidence.second.summary.label) == ("trade-secret", None)
    assert (evidence.first.summary.activity_id, evidence.second.summary.activity_id) == ("HN-2026-017", None)


@pytest.mark.requirement("R20", "huainan")
@pytest.mark.requirement("R21", "huainan")
def test_hn_14_at_the_end_of_the_day_it_is_handed_over_at_once(evidence: Evidence) -> None:
    """HN 14 «须在第一时间…导出保存»: the agency's four hours, from the end of the day's activity."""
    ended = evidence.sealed_at(SessionEnd)[0]
    assert evidence.day.due[0]["due_utc_ns"] == ended + 4 * HOUR_NS
    (said,) = evidence.heard_between("录制资料应于今日", "全部上传完成")[:1]
    assert said.startswith("录制资料应于今日十三点")
    assert evidence.rows[0].complete


@pytest.mark.requirement("R20", "huainan")
def test_hn_14_from_elsewhere_within_24_hours_of_the_return(evidence: Evidence) -> None:
    """HN 14 «异地执法…应当在返回单位后 24 小时内»: the return is the sealed docking."""
    assert evidence.checkouts()[1].facts["away_reason"] == "away"
    returned = evidence.sealed_at(DockChange, docked=True)[1]
    assert evidence.day.due[1]["due_utc_ns"] == returned + 24 * HOUR_NS
    assert any(said.startswith("录制资料应于明日九点") for said in evidence.heard)
    due = evidence.rows[1].due
    assert due is not None
    assert (due.kind, due.due_utc_ns) == ("exception", returned + 24 * HOUR_NS)

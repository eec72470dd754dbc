"""A day in Dalian Jinpu, told along its 音像记录设备使用监督管理规定: a health inspection, then one far away."""

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
    "我们是大连市卫生健康委执法人员张某、李某，这是我们的执法证件，为保护您的合法权益，监督我们的执法行为，"
    "本次执法全程录音录像。"
)
CAUSES = ["设备故障、损坏", "天气情况恶劣", "电量、存储空间不足", "检查场所变化", "其他客观原因"]
GROUND = "因天气等其他不可抗力因素不能使用的"


def what_happens(day: Day) -> None:
    day.answers.append(day.refused(CheckoutRequest(officers=OFFICERS, category="private-errand")))
    day.check_out(category="life-health-property", activity_id="DL-2026-017", label="work-secret")
    day.begin()
    day.press_and_hold("mark")
    day.choose("category", "出示执法证件")
    day.until("recording")
    day.break_off("天气情况恶劣")
    day.resume()
    day.explain("外面刚才下大雨，现在雨停了，我们继续进行检查。")
    day.lose_camera()
    day.repair_camera()
    day.explain()
    day.press_and_hold("record")
    day.choose("ground", GROUND)
    day.hear("请口述具体情况")
    day.say("仓库里面正在消毒，里面的情况我们不能拍摄，只在门口检查。")
    day.until("recording")
    day.finish()
    day.check_in()
    day.dock()
    day.upload()
    day.undock()
    day.check_out(category="hearing", away="continuous-work")
    day.begin()
    day.lose_camera()
    day.finish()
    day.hear("无法继续录制")
    day.dock()
    day.upload()


@pytest.fixture(scope="module", name="evidence")
def evidence_fixture(live: Live) -> Evidence:
    return live("dalian-jinpu", what_happens)


@pytest.mark.requirement("R2", "dalian-jinpu")
def test_dl_10_the_unit_has_its_keeper_and_is_never_lent(evidence: Evidence) -> None:
    """DL 10 «每台音像记录设备指定专人管理»; DL 27(二) «擅自借给其他人员使用的»."""
    assert [each.facts["keeper_id"] for each in evidence.checkouts()] == ["G-0007", "G-0007"]
    assert evidence.checkouts()[0].words == {"names": ["张某", "李某"], "keeper": "王某"}
    assert evidence.day.remarks == ["", ""]


@pytest.mark.requirement("R3", "dalian-jinpu")
@pytest.mark.requirement("R19", "dalian-jinpu")
def test_dl_7_dl_8_what_must_and_what_may_be_recorded_and_nothing_else(evidence: Evidence) -> None:
    """DL 8 must, DL 7(三) may; DL 5 «严禁摄录任何与工作无关的内容»."""
    assert [each.summary.category for each in evidence.recordings] == ["life-health-property", "hearing"]
    assert "life-health-property, daily-inspection, investigation, hearing, service" in evidence.day.answers[0]


@pytest.mark.requirement("R1", "dalian-jinpu")
def test_dl_11_no_fault_battery_space_and_the_clock_set_before_anything_is_recorded(evidence: Evidence) -> None:
    """DL 11 «无故障，电池电量充足，内存卡有足够存储空间，并按照当前日期、时间调整好设备时间»."""
    assert {verdict for _, verdict in the_checks_come_first(evidence)} == {"pass"}
    assert evidence.first.summary.time_source == "network"


@pytest.mark.requirement("R4", "dalian-jinpu")
def test_dl_13_the_party_is_told_in_the_words_of_the_text_without_a_greeting(evidence: Evidence) -> None:
    """DL 13, spoken as written; «这是我们的执法证件»: their showing is marked."""
    assert evidence.first.said("notice") == [NOTICE]
    assert evidence.heard_between("检查正常", NOTICE) == ["检查正常。开始录制。", NOTICE]
    assert evidence.first.summary.notice == "heard"
    assert evidence.first.of("MARK")[-1].facts["category"] == "certificates-shown"


@pytest.mark.requirement("R5", "dalian-jinpu")
@pytest.mark.requirement("R7", "dalian-jinpu")
def test_dl_12_contents_are_marked_and_no_speech_is_asked_for(evidence: Evidence) -> None:
    """DL 12 «重点摄录以下内容» asks for contents of the recording."""
    assert [mark.facts["category"] for mark in evidence.first.of("MARK")] == [None, "certificates-shown"]
    assert evidence.first.summary.statement == "none"
    assert not any("请语音说明" in said for said in evidence.heard)


@pytest.mark.requirement("R6", "dalian-jinpu")
@pytest.mark.requirement("R13", "dalian-jinpu")
def test_dl_8_the_whole_course_is_recorded_without_a_gap(evidence: Evidence) -> None:
    """DL 8 «全过程音像记录», DL 26(二) «不间断记录»; DL 17 «选择最佳拍摄角度» is told at the check-out."""
    nothing_is_missing_between_press_and_end(evidence)
    assert "最佳拍摄角度" in str(evidence.day.hints[0][0])


@pytest.mark.requirement("R17", "dalian-jinpu")
def test_dl_12_start_and_end_stand_to_be_compared_with_the_documents(evidence: Evidence) -> None:
    """DL 12 «起止时间应当与相应文书记载的起止时间一致»: both with source and uncertainty."""
    summary = evidence.first.summary
    assert summary.ended_utc_ns is not None
    civil_ns, media_ns = summary.ended_utc_ns - summary.started_utc_ns, summary.media_end_ns - summary.media_start_ns
    assert abs(civil_ns - media_ns) < 2 * 10**9 + sum(each.duration_ns or 0 for each in summary.breaks)
    assert (summary.time_source, summary.uncertainty_ns) == ("network", 5_000_000)
    assert "第 1 次录制 · 2026-04-30（周四） 09:00" in evidence.timeline


@pytest.mark.requirement("R8", "dalian-jinpu")
def test_dl_14_the_causes_are_those_of_the_text_and_the_resumption_is_explained_by_voice(evidence: Evidence) -> None:
    """DL 14, and behind its causes the one ground of DL 9 for which it may stop; secrets are none."""
    assert evidence.day.menus["break"] == [*CAUSES, GROUND, "未说明的原因"]
    assert evidence.first.breaks == [("announced", "bad-weather", True), ("machine", "camera-fault", True)]
    causes = [said.partition("分因")[2] for said in evidence.first.said("resume-marker")]
    assert causes == ["天气情况恶劣中断，现恢复录制。", "摄像头故障中断，现恢复录制。"]
    assert evidence.first.windows.count(("explanation", True, True)) == 2


@pytest.mark.requirement("R9", "dalian-jinpu")
def test_dl_14_what_cannot_go_on_is_reported_to_the_head_of_the_department(evidence: Evidence) -> None:
    """DL 14 «应当立即向部门负责人报告，并在事后书面说明情况»."""
    assert evidence.second.summary.end_reason == "cannot-continue"
    assert "无法继续录制，请立即向部门负责人报告。" in evidence.heard
    assert AlertKind.CANNOT_CONTINUE in [alert.kind for alert in evidence.alerts]
    (task,) = evidence.tasks_of("written-explanation")
    assert task.addressee == "部门负责人"


@pytest.mark.requirement("R11", "dalian-jinpu")
def test_dl_9_force_majeure_takes_a_work_record_with_its_reason_alone(evidence: Evidence) -> None:
    """DL 9 «写明无法使用的原因，报本机构主要负责人审核后，一并存档»: no basis is asked for."""
    assert evidence.day.menus["ground"] == [GROUND]
    assert evidence.first.the("EVENT", code="exemption").words == {"ground": "force-majeure"}
    assert ("memo", True, True) in evidence.first.windows
    (task,) = evidence.tasks_of("exemption-work-record")
    assert (task.addressee, task.fields) == ("本机构主要负责人", ("无法使用的原因",))
    assert (task.reviewed, task.filed) == (True, True)


@pytest.mark.requirement("R10", "dalian-jinpu")
def test_dl_14_dl_24_nothing_can_be_chosen_added_cut_or_changed(evidence: Evidence, tmp_path: Path) -> None:
    """DL 24 «任何人不得对原始现场执法记录进行删节、修改。»."""
    it_stands_as_it_was_sealed(evidence, tmp_path)


@pytest.mark.requirement("R12", "dalian-jinpu")
@pytest.mark.requirement("R14", "dalian-jinpu")
def test_dl_18_no_officer_has_a_copy_that_opens(evidence: Evidence, tmp_path: Path) -> None:
    """DL 18 «执法人员不得私自复制、保存现场执法记录。»."""
    nobody_else_reads_it(evidence, tmp_path)


@pytest.mark.requirement("R15", "dalian-jinpu")
@pytest.mark.requirement("R16", "dalian-jinpu")
def test_dl_9_dl_25_work_secrets_are_a_class_of_the_text(evidence: Evidence) -> None:
    """DL 9 «国家秘密、工作秘密、商业秘密及个人隐私»; the activity's id beside it."""
    assert [each.summary.label for each in evidence.recordings] == ["work-secret", None]
    assert [each.summary.activity_id for each in evidence.recordings] == ["DL-2026-017", None]


@pytest.mark.requirement("R20", "dalian-jinpu")
@pytest.mark.requirement("R21", "dalian-jinpu")
def test_dl_18_at_the_end_of_the_day_it_is_handed_over_at_once(evidence: Evidence) -> None:
    """DL 18 «须在第一时间»: the agency's four hours."""
    assert evidence.day.due[0]["due_utc_ns"] == evidence.sealed_at(SessionEnd)[0] + 4 * HOUR_NS
    assert any(said.startswith("录制资料应于今日十三点") for said in evidence.heard)


@pytest.mark.requirement("R20", "dalian-jinpu")
def test_dl_18_after_continuous_work_within_24_hours_of_the_return(evidence: Evidence) -> None:
    """DL 18 «连续工作…应当在返回单位后24小时内»."""
    returned = evidence.sealed_at(DockChange, docked=True)[1]
    assert evidence.checkouts()[1].facts["away_reason"] == "continuous-work"
    assert evidence.day.due[1]["due_utc_ns"] == returned + 24 * HOUR_NS
    due = evidence.rows[1].due
    assert due is not None
    assert (due.kind, due.due_utc_ns) == ("exception", returned + 24 * HOUR_NS)

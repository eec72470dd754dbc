"""A day in Wuhu, told along 芜医保〔2021〕72号 and its annexes: an inspection, then evidence is taken."""

from pathlib import Path

import pytest

from agent.control_wire import CheckoutRequest
from sealing.records import DockChange, Event, Fault, SessionEnd
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
    "您好，我们是芜湖市医疗保障局执法人员张某、李某，为保护您的合法权益，监督我们的执法行为，本次执法全程录音录像。"
)
GROUNDS = [
    "涉及个人隐私及商业秘密的",
    "因天气等自然原因无法使用的",
    "相对管理人及其他人员阻碍正常执法无法继续使用的",
    "其他不可抗力因素不能使用的",
]
ROW_1 = (
    "对进入检查场所、表明身份、出示执法证件、实地核查过程、调查询问过程、调取证据资料、证人证言采集和当事人拒绝检查的各个环节"
    "进行全过程记录，制作检查笔录"
)
ROW_2 = (
    "对进入调查取证场所、表明身份、出示执法证件、调查询问过程、调取证据资料、证人证言采集的各个环节"
    "进行全过程记录，制作询问笔录"
)
WEARING = "执法记录仪应佩戴在左肩部或者左胸部等有利于取得最佳声像效果的位置。"


def what_happens(day: Day) -> None:
    day.answers += [
        day.refused(CheckoutRequest(officers=OFFICERS, away="away")),
        day.refused(CheckoutRequest(officers=OFFICERS, label="trade-secret")),
        day.refused(CheckoutRequest(officers=OFFICERS, category="private-errand")),
    ]
    day.check_out(category="site-inspection", activity_id="WU-2026-017", department="某科")
    day.begin()
    day.press_and_hold("mark")
    day.choose("category", "出示执法证件")
    day.until("recording")
    day.break_off("因天气等自然原因无法使用的")
    day.resume()
    day.until("recording")
    day.lose_camera()
    day.repair_camera()
    day.until("recording")
    day.press_and_hold("record")
    day.choose("ground", "涉及个人隐私及商业秘密的")
    day.hear("请口述具体情况")
    day.say("这张表上是别人的姓名和病情，涉及个人隐私，我们不拍摄它的内容。")
    day.until("recording")
    day.finish()
    day.check_in()
    day.dock()
    day.upload()
    day.undock()
    day.check_out(OFFICERS[0], category="investigation")
    day.begin()
    day.lose_camera()
    day.finish()
    day.dock()
    day.upload()


@pytest.fixture(scope="module", name="evidence")
def evidence_fixture(live: Live) -> Evidence:
    return live("wuhu", what_happens)


@pytest.mark.requirement("R2", "wuhu")
def test_wu_a1_6_a1_7_the_unit_has_its_keeper_and_each_hand_over_is_registered(evidence: Evidence) -> None:
    """WU A1-6 «应当明确专人负责维护保养», A1-7 «交接登记制度», A2-14 «不得擅自转借他人使用»."""
    assert [each.facts["keeper_id"] for each in evidence.checkouts()] == ["G-0007", "G-0007"]
    assert [each.facts["officer_ids"] for each in evidence.checkouts()] == [["ZF-0001", "ZF-0002"], ["ZF-0001"]]
    assert evidence.checkouts()[0].words == {"names": ["张某", "李某"], "keeper": "王某"}
    assert "CHECKIN" in [each.body.TYPE.name for each in evidence.records]


@pytest.mark.requirement("R3", "wuhu")
@pytest.mark.requirement("R19", "wuhu")
def test_wu_a3_each_recording_is_of_a_row_of_the_list_and_of_nothing_else(evidence: Evidence) -> None:
    """WU A3 rows 1 and 2; A2-17(三) «滥用、私用音像记录设备»."""
    assert [each.summary.category for each in evidence.recordings] == ["site-inspection", "investigation"]
    refused = evidence.day.answers[2]
    assert "site-inspection, investigation, registered-preservation, statement-defence, correction-check" in refused


@pytest.mark.requirement("R13", "wuhu")
def test_wu_a2_5_it_is_worn_on_the_left_and_records_without_stutter(evidence: Evidence) -> None:
    """WU A2-5, told at the check-out; A1-5(三) «流畅操作，摄录不卡顿»."""
    assert [wearing for wearing, _ in evidence.day.hints] == [WEARING, WEARING]
    nothing_is_missing_between_press_and_end(evidence)


@pytest.mark.requirement("R7", "wuhu")
def test_wu_a3_what_is_to_be_recorded_is_that_of_the_row(evidence: Evidence) -> None:
    """WU A3 rows 1 and 2, 记录内容; 出示执法证件 is marked at its frame."""
    assert [content for _, content in evidence.day.hints] == [ROW_1, ROW_2]
    assert [mark.facts["category"] for mark in evidence.first.of("MARK")] == [None, "certificates-shown"]


@pytest.mark.requirement("R4", "wuhu")
def test_wu_3_two_officers_at_least_when_evidence_is_taken(evidence: Evidence) -> None:
    """WU 三 «调查取证时，行政执法人员不得少于2人»: remarked, said and sealed, and never refused."""
    assert evidence.day.remarks[0] == ""
    assert "执法人员 1 人，规定不得少于 2 人" in evidence.day.remarks[1]
    assert "执法人员人数不足。" in evidence.heard
    events = [each.body for each in evidence.records if isinstance(each.body, Event)]
    assert [dict(one.values) for one in events if one.code == "officers-too-few"] == [{"officers": 1, "least": 2}]


@pytest.mark.requirement("R1", "wuhu")
def test_wu_a2_4_a1_6_the_unit_is_checked_before_it_is_used(evidence: Evidence) -> None:
    """WU A1-6 «是否正常,电池是否充足,内存卡是否有足够空间,时间显示是否准确»."""
    checked = dict(the_checks_come_first(evidence))
    assert {checked[name] for name in ("battery", "storage", "clock", "camera", "microphone", "speaker")} == {"pass"}


@pytest.mark.requirement("R4", "wuhu")
def test_wu_a2_7_the_party_is_told_beforehand_in_the_words_of_the_text(evidence: Evidence) -> None:
    """WU A2-7, with the names of those who came."""
    assert evidence.first.said("notice") == [NOTICE]
    assert evidence.second.said("notice") == [NOTICE.replace("张某、李某", "张某")]
    assert [each.summary.notice for each in evidence.recordings] == ["heard", "heard"]
    assert evidence.lamps.index("notice") < evidence.lamps.index("recording")


@pytest.mark.requirement("R5", "wuhu")
@pytest.mark.requirement("R8", "wuhu")
def test_wu_knows_no_statement_and_no_explanation_and_asks_for_none(evidence: Evidence) -> None:
    """No article on either: the one window is the officer's own memo."""
    assert evidence.first.summary.statement == "none"
    assert evidence.first.said("reason-request") == []
    assert {purpose for purpose, _, _ in evidence.first.windows} == {"break-reason", "memo"}
    assert not any("请说明中断原因" in said or "请语音说明" in said for said in evidence.heard)
    assert [each.explained for each in evidence.first.summary.breaks] == [None, None]
    assert "中断前说明：没有听到" in evidence.timeline
    assert "! 中断前说明" not in evidence.timeline


@pytest.mark.requirement("R6", "wuhu")
def test_wu_a2_6_the_whole_course_is_recorded(evidence: Evidence) -> None:
    """WU A2-6 «全程录音录像»: from the press on, and no end event is asked for."""
    nothing_is_missing_between_press_and_end(evidence)
    assert evidence.first.said("end") == ["录制结束。"]


@pytest.mark.requirement("R8", "wuhu")
@pytest.mark.requirement("R11", "wuhu")
def test_wu_a2_16_the_four_grounds_are_all_that_a_recording_may_stop_for(evidence: Evidence) -> None:
    """WU A2-16(一)–(四), word for word and in their order; a fault is none of them, and sealed so."""
    assert evidence.day.menus["break"] == [*GROUNDS, "未说明的原因"]
    assert evidence.first.breaks == [("announced", "natural-cause", True), ("machine", "camera-fault", False)]
    assert "中断 1：天气等自然原因（执法人员声明）" in evidence.timeline
    causes = [said.partition("分因")[2] for said in evidence.first.said("resume-marker")]
    assert causes == ["天气等自然原因无法使用的情形中断，现恢复录制。", "摄像头故障中断，现恢复录制。"]


@pytest.mark.requirement("R11", "wuhu")
def test_wu_a2_16_a_work_record_goes_to_the_head_of_the_unit_and_is_filed(evidence: Evidence) -> None:
    """WU A2-16 «写明无法使用的原因和依据，报本单位主要领导审核后，一并备案存档»: for break and exemption."""
    assert ("memo", True, True) in evidence.first.windows
    tasks = evidence.tasks_of("exemption-work-record")
    assert [task.facts.get("cause") or task.facts["ground"] for task in tasks] == [
        "natural-cause",
        "privacy-trade-secret",
    ]
    for task in tasks:
        assert (task.addressee, task.fields) == ("本单位主要领导", ("无法使用的原因", "依据"))
        assert (task.reviewed, task.filed) == (True, True)


@pytest.mark.requirement("R9", "wuhu")
def test_wu_names_nobody_to_report_to_at_once(evidence: Evidence) -> None:
    """No article: what A2-16 wants is the work record."""
    assert evidence.second.summary.end_reason == "cannot-continue"
    assert not any("报告" in said for said in evidence.heard)
    assert {alert.kind for alert in evidence.alerts} == {"fault"}
    assert evidence.tasks_of("written-explanation") == []


@pytest.mark.requirement("R18", "wuhu")
def test_wu_a2_14_the_camera_is_due_24_hours_after_its_fault_was_found(evidence: Evidence) -> None:
    """WU A2-14 «应当在发现损坏 24 小时内进行维修»: the first fault was gone again, the second one was not."""
    found = evidence.sealed_at(Fault, present=True)
    (task,) = evidence.tasks_of("repair")
    assert (len(found), task.facts["part"]) == (2, "camera")
    assert (task.since_utc_ns, task.due_utc_ns) == (found[1], found[1] + 24 * HOUR_NS)


@pytest.mark.requirement("R10", "wuhu")
def test_wu_a2_17_nothing_is_cut_or_changed(evidence: Evidence, tmp_path: Path) -> None:
    """WU A2-17(二) «对执法信息进行删减、修改、弄虚作假的»."""
    it_stands_as_it_was_sealed(evidence, tmp_path)


@pytest.mark.requirement("R12", "wuhu")
@pytest.mark.requirement("R14", "wuhu")
def test_wu_a1_5_the_files_are_whole_confidential_and_of_no_use_to_others(evidence: Evidence, tmp_path: Path) -> None:
    """WU A1-5(四) «完整性、保密性较好…具备文件加密功能»; A2-17(四) «私自复制、保存»."""
    nobody_else_reads_it(evidence, tmp_path)


@pytest.mark.requirement("R15", "wuhu")
@pytest.mark.requirement("R16", "wuhu")
def test_wu_has_no_secrecy_classes_and_takes_none(evidence: Evidence) -> None:
    """No rule on handling: A2-16(一) makes secrets a ground to stop. An activity's id can be given."""
    assert [each.summary.label for each in evidence.recordings] == [None, None]
    assert evidence.day.answers[1].endswith("leave it out, the profile has none")
    assert evidence.first.summary.activity_id == "WU-2026-017"


@pytest.mark.requirement("R20", "wuhu")
@pytest.mark.requirement("R21", "wuhu")
def test_wu_a2_9_within_24_hours_of_each_activity_without_exception(evidence: Evidence) -> None:
    """WU A2-9 «应当在每次执法活动结束后 24 小时内»."""
    assert evidence.day.answers[0].startswith("--away 'away' is not in the profile")
    ends = evidence.sealed_at(SessionEnd)
    assert [due["due_utc_ns"] for due in evidence.day.due] == [end + 24 * HOUR_NS for end in ends]
    assert sum(said.startswith("录制资料应于明日九点") for said in evidence.heard) == len(ends)
    assert [row.due is not None and row.due.due_utc_ns for row in evidence.rows] == [end + 24 * HOUR_NS for end in ends]
    assert len(evidence.sealed_at(DockChange, docked=True)) == len(ends)


@pytest.mark.requirement("R22", "wuhu")
def test_wu_a2_10_footage_is_kept_under_its_department(evidence: Evidence) -> None:
    """WU A2-10 «以科室为单位进行分类存储和检索»: sealed at the check-out, or asked for."""
    assert [each.facts["department"] for each in evidence.checkouts()] == ["某科", None]
    (task,) = evidence.tasks_of("missing-labels")
    assert task.fields == ("科室",)
    assert task.session_id is not None
    assert task.session_id.hex() == evidence.second.summary.session_id

"""A day in Wuhan, told along 武汉市医疗保障局行政执法全过程记录办法: goods are seized, evidence is deposited."""

from pathlib import Path

import pytest

from agent.control_wire import CheckoutRequest, ExemptionRequest, NoticeRequest
from sealing.records import DockChange, SessionEnd
from tests.scenario.agencies.conftest import Live
from tests.scenario.agencies.day import OFFICERS, Day
from tests.scenario.agencies.evidence import (
    Evidence,
    it_stands_as_it_was_sealed,
    nobody_else_reads_it,
    nothing_is_missing_between_press_and_end,
    the_checks_come_first,
)

pytestmark = pytest.mark.timeout(900)

LABELS = {"case-number": "武医保案〔2026〕1号", "party": "某某药店", "handler": "张某"}
CAUSES = ["天气恶劣", "设备故障", "设备损坏", "其他原因"]
REQUEST = "请语音说明时间、地点、执法人员、执法对象和需要记录的执法环节。"


def what_happens(day: Day) -> None:
    day.check_out(category="seizure", activity_id="WH-2026-017", label="state-secret", fields=LABELS)
    day.press("record")
    day.hear("请语音说明")
    day.say("现在是上午九点，地点是某某药店，我们两名执法人员对这家药店进行检查，记录查封扣押的环节。")
    day.until("recording")
    day.answers.append(day.refused(NoticeRequest()))
    day.answers.append(day.refused(ExemptionRequest(ground="secrets-privacy")))
    day.press_and_hold("mark")
    day.choose("category", "执法人员出示执法证件")
    day.until("recording")
    day.press_and_hold("record")
    day.hear("现在不能执行")
    day.break_off("天气恶劣")
    day.resume()
    day.explain("外面刚才下大雨，现在雨停了，我们继续进行检查。")
    day.lose_camera()
    day.repair_camera()
    day.explain()
    day.finish()
    day.check_in()
    day.dock()
    day.upload()
    day.undock()
    day.answers.append(day.refused(CheckoutRequest(officers=OFFICERS, away="on-holiday")))
    day.check_out(category="disputed-evidence", activity_id="WH-2026-017", away="remote")
    day.press("record")
    day.until("recording")
    day.lose_camera()
    day.finish()
    day.dock()
    day.upload()


@pytest.fixture(scope="module", name="evidence")
def evidence_fixture(live: Live) -> Evidence:
    return live("wuhan", what_happens)


@pytest.mark.requirement("R1", "wuhan")
def test_wh_7_performance_battery_and_storage_are_checked_and_the_clock_is_calibrated(evidence: Evidence) -> None:
    """WH 7 «应当检查音像设备的性能、电量和存储空间使用情况,并对系统时间进行校准»."""
    checked = dict(the_checks_come_first(evidence))
    assert set(checked.values()) == {"pass"}
    assert {"battery", "storage", "clock", "camera", "microphone", "speaker"} <= set(checked)
    (uncertainty,) = [one for one in evidence.first.summary.checks if (one.check, one.unit) == ("clock", "ms")]
    assert uncertainty.figure < 1000
    assert uncertainty.threshold == 1000
    assert evidence.first.summary.time_source == "network"


@pytest.mark.requirement("R5", "wuhan")
def test_wh_7_time_place_officers_party_and_step_are_stated_before_anything_else(evidence: Evidence) -> None:
    """WH 7 «应当先行语音说明时间、地点、执法人员、执法对象以及需要记录的执法环节等情况»."""
    assert evidence.heard_between("检查正常", "请语音说明") == ["检查正常。开始录制。", REQUEST]
    assert evidence.first.said("statement-request") == [REQUEST]
    assert evidence.first.windows[0] == ("statement", True, True)
    assert evidence.first.summary.statement == "given"
    assert evidence.lamps.index("statement") < evidence.lamps.index("recording")


@pytest.mark.requirement("R5", "wuhan")
def test_wh_7_who_says_nothing_is_asked_once_more_and_the_silence_is_sealed(evidence: Evidence) -> None:
    """WH 7; the recording goes on all the same."""
    assert evidence.second.windows[:2] == [("statement", False, False), ("statement", False, True)]
    assert evidence.second.said("statement-request") == [REQUEST, f"没有听到说明，请再次说明。{REQUEST}"]
    assert evidence.second.summary.statement == "missing"


@pytest.mark.requirement("R4", "wuhan")
def test_wh_has_no_notice_nobody_is_told_anything_in_its_name(evidence: Evidence) -> None:
    """No article asks for one: nothing is said, lit or sealed, and who asks for one is told why."""
    assert [each.said("notice") for each in evidence.recordings] == [[], []]
    assert evidence.first.summary.notice == "none"
    assert "notice" not in evidence.lamps
    assert not any("录音录像" in said for said in evidence.heard)
    assert evidence.day.answers[0] == "notice: the profile has no notice; nothing was said"


@pytest.mark.requirement("R2", "wuhan")
@pytest.mark.requirement("R3", "wuhan")
@pytest.mark.requirement("R13", "wuhan")
def test_wh_says_nothing_of_keeping_and_wearing_a_unit_and_hand_overs_are_on_record_all_the_same(
    evidence: Evidence,
) -> None:
    """WH 14 «执法人员数量、姓名、执法证件编号» belong into the written record; who had the unit is sealed."""
    assert evidence.checkouts()[0].facts["officer_ids"] == ["ZF-0001", "ZF-0002"]
    assert evidence.checkouts()[0].words["names"] == ["张某", "李某"]
    assert evidence.day.hints == [(None, None), (None, None)]
    assert evidence.day.remarks[0] == ""


@pytest.mark.requirement("R6", "wuhan")
def test_wh_18_from_the_arrival_to_the_end_of_the_activity_without_a_gap(evidence: Evidence) -> None:
    """WH 18 «全程不间断记录,自到达现场开展执法活动时开始,至执法活动结束时停止»."""
    nothing_is_missing_between_press_and_end(evidence)
    assert evidence.first.said("end") == ["录制结束。"]


@pytest.mark.requirement("R7", "wuhan")
def test_wh_14_the_showing_of_the_certificates_is_marked(evidence: Evidence) -> None:
    """WH 14 «执法人员出示执法证件等情况»."""
    assert [mark.facts["category"] for mark in evidence.first.of("MARK")] == [None, "certificates-shown"]
    assert "标记 1（出示执法证件）" in evidence.timeline


@pytest.mark.requirement("R8", "wuhan")
def test_wh_8_the_causes_are_those_of_the_text_and_the_resumption_is_explained_by_voice(evidence: Evidence) -> None:
    """WH 8 «天气恶劣、设备故障、设备损坏或者其他原因»; «重新开始记录时应当对中断原因进行语音说明。»."""
    assert evidence.day.menus["break"] == [*CAUSES, "未说明的原因"]
    assert evidence.first.breaks == [("announced", "bad-weather", True), ("machine", "camera-fault", True)]
    causes = [said.partition("分因")[2] for said in evidence.first.said("resume-marker")]
    assert causes == ["天气恶劣中断，现恢复录制。", "摄像头故障中断，现恢复录制。"]
    assert evidence.first.said("reason-request") == ["请说明中断原因。"] * 2
    assert evidence.first.windows.count(("explanation", True, True)) == 2


@pytest.mark.requirement("R9", "wuhan")
def test_wh_8_who_cannot_go_on_may_end_reports_to_nobody_and_explains_in_writing(evidence: Evidence) -> None:
    """WH 8 «执法人员可以终止记录但应当书面说明情况。»."""
    assert evidence.second.summary.end_reason == "cannot-continue"
    assert not any("报告" in said for said in evidence.heard)
    assert {alert.kind for alert in evidence.alerts} == {"fault"}
    (task,) = evidence.tasks_of("written-explanation")
    assert task.addressee is None
    assert task.session_id is not None
    assert task.session_id.hex() == evidence.second.summary.session_id


@pytest.mark.requirement("R11", "wuhan")
def test_wh_has_no_grounds_and_no_work_record(evidence: Evidence) -> None:
    """Gesture and command are refused, and nothing is sealed of them."""
    assert "现在不能执行。" in evidence.heard
    assert evidence.day.answers[1].startswith("--ground 'secrets-privacy' is not in the profile")
    assert "exemption" not in evidence.first.events
    assert evidence.tasks_of("exemption-work-record") == []


@pytest.mark.requirement("R10", "wuhan")
def test_wh_29_nobody_forges_alters_edits_or_cuts_the_original(evidence: Evidence, tmp_path: Path) -> None:
    """WH 29 «任何单位和个人不得伪造、篡改、编辑、剪辑行政执法过程的原始记录»."""
    it_stands_as_it_was_sealed(evidence, tmp_path)


@pytest.mark.requirement("R12", "wuhan")
@pytest.mark.requirement("R14", "wuhan")
def test_wh_30_what_the_unit_holds_is_the_agencys_own(evidence: Evidence, tmp_path: Path) -> None:
    """WH 30¶1 «行政执法全过程记录为内部工作资料»; no words of its own on private copies."""
    nobody_else_reads_it(evidence, tmp_path)


@pytest.mark.requirement("R15", "wuhan")
def test_wh_7_recordings_of_one_activity_bear_its_id_and_comparable_times(evidence: Evidence) -> None:
    """WH 7 «可以使用多台音像设备从不同角度,同时对特定执法环节进行不间断记录»."""
    assert {each.summary.activity_id for each in evidence.recordings} == {"WH-2026-017"}
    assert all(0 < each.summary.uncertainty_ns < 10**9 for each in evidence.recordings)


@pytest.mark.requirement("R16", "wuhan")
def test_wh_30_state_secrets_are_the_one_class_of_the_text(evidence: Evidence) -> None:
    """WH 30¶1 «涉及国家秘密的,应当严格按照保密工作的有关规定进行管理。»."""
    assert [each.summary.label for each in evidence.recordings] == ["state-secret", None]
    assert evidence.checkouts()[0].facts["label"] == "state-secret"
    assert "WH-2026-017 · 查封扣押财产 · 国家秘密" in evidence.timeline


@pytest.mark.requirement("R19", "wuhan")
def test_wh_5_seizure_must_and_disputed_evidence_may_be_recorded(evidence: Evidence) -> None:
    """WH 5¶2, WH 16¶2."""
    assert [each.summary.category for each in evidence.recordings] == ["seizure", "disputed-evidence"]


@pytest.mark.requirement("R20", "wuhan")
@pytest.mark.requirement("R21", "wuhan")
def test_wh_26_two_working_days_from_the_completion_of_the_recording(evidence: Evidence) -> None:
    """WH 26¶2 «在2个工作日内»: five days of holiday lie between, and the days' end is said as the last minute."""
    assert evidence.day.due[0]["due_local"] == "2026-05-08 00:00"
    assert evidence.day.due[0]["confirmed"] is True
    assert "录制资料应于七日后二十三点五十九分前移交。" in evidence.heard
    assert evidence.sealed_at(SessionEnd)[0] < evidence.sealed_at(DockChange, docked=True)[0]


@pytest.mark.requirement("R20", "wuhan")
def test_wh_26_from_remote_places_one_working_day_from_the_return(evidence: Evidence) -> None:
    """WH 26¶3 «偏远、交通不便地区…应当在返回单位后1个工作日内移交»."""
    assert evidence.checkouts()[1].facts["away_reason"] == "remote"
    assert evidence.day.due[1]["due_local"] == "2026-05-07 00:00"
    assert "录制资料应于六日后二十三点五十九分前移交。" in evidence.heard
    assert "continuous-work, away, remote" in evidence.day.answers[2]


@pytest.mark.requirement("R22", "wuhan")
def test_wh_26_case_number_party_and_handler_are_owed_with_the_footage(evidence: Evidence) -> None:
    """WH 26¶2 «标明案号、当事人姓名或者名称、承办人姓名等信息»: given at the check-out, or still due."""
    handed = evidence.checkouts()[0]
    assert sorted(handed.facts["labels_given"]) == ["case-number", "handler", "party"]
    assert {handed.words[f"label.{code}"] for code in LABELS} == set(LABELS.values())
    assert evidence.day.remarks[1].startswith("尚缺标签：案号、当事人姓名或者名称、承办人姓名")
    (task,) = evidence.tasks_of("missing-labels")
    assert task.session_id is not None
    assert task.session_id.hex() == evidence.second.summary.session_id
    assert task.fields == ("案号", "当事人姓名或者名称", "承办人姓名")
    due = evidence.rows[1].due
    assert due is not None
    assert task.due_utc_ns == due.due_utc_ns

"""内蒙古自治区医疗保障部门: every rule of the text is in the profile; what it lacks is absent."""

import pytest

from agent.profile import Profile, load_profile
from capture.profile import Moment
from sync.deadlines import StartEvent


@pytest.fixture(scope="module")
def profile() -> Profile:
    return load_profile("inner-mongolia").profile


@pytest.mark.requirement("R4", "inner-mongolia")
def test_nm_11_the_sentence_is_the_agencys_and_contains_what_the_text_rules(profile: Profile) -> None:
    notice = profile.capture.notice
    assert notice is not None
    assert notice.contains == "本次执法过程将全程录音录像"
    assert notice.contains in notice.wording
    assert notice.clauses["wording"] == "agency setting"
    assert notice.name_slot is None, "the text asks for no names"


@pytest.mark.requirement("R5", "inner-mongolia")
def test_nm_12_five_items_are_stated_during_the_recording(profile: Profile) -> None:
    statement = profile.capture.statement
    assert statement is not None
    assert statement.moment is Moment.DURING
    assert statement.items == ("时间", "地点", "执法人员", "执法行为", "音像记录的摄录重点")
    assert "执法对象" not in statement.items


@pytest.mark.requirement("R6", "inner-mongolia")
def test_nm_13_to_the_leaving_of_the_scene(profile: Profile) -> None:
    assert profile.capture.recording.begins == "自到达执法现场开展执法活动时开始"
    assert profile.capture.recording.ends == "至离开执法现场时结束"


@pytest.mark.requirement("R8", "inner-mongolia")
@pytest.mark.requirement("R9", "inner-mongolia")
def test_nm_13_causes_with_obstruction_and_without_change_of_place(profile: Profile) -> None:
    breaks = profile.capture.interruptions
    assert [cause.zh for cause in breaks.causes] == [
        "设备故障、损坏",
        "电量不足",
        "存储空间不足",
        "天气情况恶劣",
        "现场有关人员阻挠",
        "其他客观原因",
    ]
    assert breaks.explanation is not None
    assert breaks.report_to == "本单位负责人"
    assert profile.cannot_continue is not None
    assert profile.cannot_continue.written_explanation


@pytest.mark.requirement("R11", "inner-mongolia")
def test_nm_5_what_writing_shows_fully_need_not_be_recorded(profile: Profile) -> None:
    exemption = profile.exemption
    assert exemption is not None
    assert [ground.zh for ground in exemption.grounds] == ["对文字记录能够全面有效记录执法行为的"]
    assert (exemption.work_record_fields, exemption.addressee) == ((), None)


@pytest.mark.requirement("R7", "inner-mongolia")
def test_nm_10_key_content(profile: Profile) -> None:
    assert len(profile.capture.marks.key_content) == 6


@pytest.mark.requirement("R19", "inner-mongolia")
def test_nm_15_nm_17_nm_18_activities(profile: Profile) -> None:
    must = {category.code: category.must for category in profile.activities.categories}
    assert must == {
        "enforcement": True,
        "lien-service": True,
        "public-notice": True,
        "hearing": False,
        "correction-check": False,
    }


@pytest.mark.requirement("R20", "inner-mongolia")
def test_nm_22_24_hours_from_the_recording_and_from_the_return(profile: Profile) -> None:
    transfer = profile.sync.transfer
    assert (transfer.normal.start, transfer.normal.limit.hours) == (StartEvent.RECORDING_MADE, 24)
    assert transfer.exception is not None
    assert transfer.exception.limit.hours == 24
    assert transfer.exception.reasons[2].zh == "边远、交通不便区域"


def test_nm_21_no_period_of_its_own_and_as_evidence_as_the_case_file(profile: Profile) -> None:
    assert profile.retention is not None
    assert profile.retention.months_min is None
    assert profile.retention.as_evidence == "保存期限与卷宗保持期限相同"


def test_nm_21_evidence_note_of_its_own_fields_with_a_transcript(profile: Profile) -> None:
    assert profile.evidence_copy is not None
    assert profile.evidence_copy.fields == ("取证人员", "取证时间", "取证地点", "证明对象", "等")
    assert profile.evidence_copy.transcript_of_sound


def test_nm_24_the_party_sees_it_with_leave(profile: Profile) -> None:
    assert profile.access is not None
    assert profile.access.approver == "医疗保障部门负责人"
    assert profile.access.register_fields == ()


@pytest.mark.requirement("R16", "inner-mongolia")
def test_nm_5_nm_24_three_secrecy_classes_and_others_by_law(profile: Profile) -> None:
    assert profile.secrecy is not None
    assert [each.zh for each in profile.secrecy.classes] == ["国家秘密", "商业秘密", "个人隐私"]
    assert profile.secrecy.open_ended


def test_nm_23_case_file_30_days_after_the_execution_and_a_named_custodian(profile: Profile) -> None:
    assert profile.case_file is not None
    assert (profile.case_file.days, profile.case_file.starts) == (30, "行政执法行为执行终结之日")
    assert profile.access is not None
    assert (profile.access.custodian or "").startswith("明确专人负责")


def test_nm_25_obstruction_goes_to_the_police(profile: Profile) -> None:
    assert any("移送公安机关" in duty.zh for duty in profile.duties if duty.requirement == "R40")


@pytest.mark.requirement("R1", "inner-mongolia")
@pytest.mark.requirement("R2", "inner-mongolia")
@pytest.mark.requirement("R18", "inner-mongolia")
def test_nm_what_the_text_does_not_have_is_absent(profile: Profile) -> None:
    assert (profile.long_term, profile.repair, profile.custody, profile.working_days) == (None,) * 4
    assert profile.sync.labels is None
    assert set(profile.capture.preflight.clauses.values()) == {"agency setting"}

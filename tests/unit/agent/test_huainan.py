"""淮南市医疗保障局, 淮医保发〔2020〕86号: every rule of the text is in the profile; what it lacks is absent."""

import pytest

from agent.profile import Profile, load_profile
from sync.deadlines import StartEvent


@pytest.fixture(scope="module")
def profile() -> Profile:
    return load_profile("huainan").profile


def quoted(profile: Profile, clause: str) -> str:
    return "\n".join(duty.zh for duty in profile.duties if duty.clause == clause)


@pytest.mark.requirement("R4", "huainan")
def test_hn_8_notice_wording_is_verbatim(profile: Profile) -> None:
    notice = profile.capture.notice
    assert notice is not None
    assert notice.wording == (
        "您好, 我们是淮南市医疗保障局执法人员×××、×××, 为保护您的合法权益, 监督我们的执法行为, 本次执法全程录音录像。"
    )
    assert notice.name_slot == "×××"
    assert notice.wording.count("×××") == 2
    assert "应当事先告知当事人使用音像记录设备" in quoted(profile, "HN 8")


@pytest.mark.requirement("R4", "huainan")
@pytest.mark.requirement("R5", "huainan")
def test_hn_has_no_voice_statement_and_no_least_number_of_officers(profile: Profile) -> None:
    assert profile.capture.statement is None
    assert profile.capture.officers.least is None
    assert not any(category.least_officers for category in profile.activities.categories)


@pytest.mark.requirement("R1", "huainan")
def test_hn_5_preflight_is_asked_for_and_its_figures_are_the_agencys(profile: Profile) -> None:
    assert "电池容量、内存空间、系统日期和时间等进行检查" in quoted(profile, "HN 5")
    assert set(profile.capture.preflight.clauses.values()) == {"agency setting"}


@pytest.mark.requirement("R19", "huainan")
def test_hn_6_five_activities_must_be_recorded_and_none_may_be(profile: Profile) -> None:
    assert [category.zh for category in profile.activities.categories] == [
        "日常执法检查",
        "处置各类投诉、举报案件",
        "违法案件查处过程中, 调查取证活动、先行登记保存",
        "证据、执法文书送达",
        "其他现场执法办案活动",
    ]
    assert all(category.must for category in profile.activities.categories)


@pytest.mark.requirement("R3", "huainan")
def test_hn_4_the_unit_is_for_the_work_alone(profile: Profile) -> None:
    assert profile.activities.only_for == (
        "所配的执法记录仪为执法办案、日常检查、重大执法活动等工作专用，严禁摄录任何与工作无关的内容。"
    )


@pytest.mark.requirement("R6", "huainan")
def test_hn_9_recording_runs_from_arrival_to_the_end_of_the_inspection(profile: Profile) -> None:
    assert profile.capture.recording.begins == "自执法人员到达现场开展执法检查(办案)时开始"
    assert profile.capture.recording.ends == "至执法检查(办案)结束时止"


@pytest.mark.requirement("R7", "huainan")
def test_hn_10_key_content_can_be_marked(profile: Profile) -> None:
    assert len(profile.capture.marks.key_content) == 3
    assert profile.capture.marks.key_content[2] == "现场遗留或发现的违法工具、物品等物证及原始痕迹证据"


@pytest.mark.requirement("R8", "huainan")
def test_hn_12_causes_of_a_break_and_the_spoken_explanation(profile: Profile) -> None:
    breaks = profile.capture.interruptions
    assert [cause.zh for cause in breaks.causes] == [
        "设备故障、损坏",
        "天气情况恶劣",
        "电量、存储空间不足",
        "检查场所变化",
        "其他客观原因",
    ]
    assert all(cause.allowed for cause in breaks.causes)
    assert breaks.explanation is not None
    assert "重新开始记录时应当对中断原因进行语音说明" in quoted(profile, "HN 12")


@pytest.mark.requirement("R9", "huainan")
def test_hn_12_who_cannot_go_on_reports_at_once_and_writes_later(profile: Profile) -> None:
    assert profile.capture.interruptions.report_to == "所属部门负责人"
    assert profile.cannot_continue is not None
    assert profile.cannot_continue.written_explanation
    assert not profile.cannot_continue.may_end


@pytest.mark.requirement("R11", "huainan")
def test_hn_7_grounds_for_not_recording_and_the_work_record(profile: Profile) -> None:
    exemption = profile.exemption
    assert exemption is not None
    assert [ground.zh for ground in exemption.grounds] == [
        "涉及国家秘密、商业秘密或者个人隐私的",
        "情况紧急, 不能进行执法记录的",
        "因客观原因无法进行执法记录的",
    ]
    assert (exemption.work_record_fields, exemption.addressee) == (("无法使用的原因", "依据"), "局主管领导")
    assert (exemption.reviewed, exemption.filed) == (False, False)


@pytest.mark.requirement("R16", "huainan")
def test_hn_19_two_secrecy_classes(profile: Profile) -> None:
    assert profile.secrecy is not None
    assert [each.zh for each in profile.secrecy.classes] == ["国家秘密", "商业秘密"]


@pytest.mark.requirement("R20", "huainan")
def test_hn_14_hand_over_at_once_after_the_days_activity(profile: Profile) -> None:
    normal = profile.sync.transfer.normal
    assert normal.start is StartEvent.DAY_ACTIVITY_END
    assert normal.limit.at_once is True
    assert normal.limit.hours is None, "the text names no figure"
    assert "agency setting" in normal.limit.clause


@pytest.mark.requirement("R20", "huainan")
def test_hn_14_away_remote_or_continuous_work_has_24_hours_from_the_return(profile: Profile) -> None:
    exception = profile.sync.transfer.exception
    assert exception is not None
    assert exception.limit.hours == 24
    assert [reason.zh for reason in exception.reasons] == ["连续工作", "异地执法", "偏远、交通不便地区"]


@pytest.mark.requirement("R14", "huainan")
def test_hn_14_no_private_copy(profile: Profile) -> None:
    assert "执法人员不得私自复制、保存现场执法记录。" in quoted(profile, "HN 14")


def test_hn_15_kept_for_a_year_at_least_and_as_evidence_as_the_case_file(profile: Profile) -> None:
    assert profile.retention is not None
    assert profile.retention.months_min == 12
    assert profile.retention.clauses["starts"] == "agency setting"
    assert profile.retention.as_evidence == "作为证据使用的记录信息随案卷保存时限保存"


def test_hn_16_what_an_evidence_copy_states(profile: Profile) -> None:
    assert profile.evidence_copy is not None
    assert profile.evidence_copy.fields == ("制作人", "提取人", "提取时间", "等")
    assert not profile.evidence_copy.transcript_of_sound


def test_hn_17a_who_approves_access_and_what_is_registered(profile: Profile) -> None:
    access = profile.access
    assert access is not None
    assert (access.approver, access.registrar) == ("承办法制工作的科室主要负责人", "保管人")
    assert access.register_fields == ("查阅人", "查阅事由", "查阅时间", "等")


@pytest.mark.requirement("R10", "huainan")
@pytest.mark.requirement("R14", "huainan")
def test_hn_18_nothing_is_given_out_without_leave(profile: Profile) -> None:
    assert profile.access is not None
    assert profile.access.giving_out == "除作为证据使用外，未经批准，不得擅自对外提供现场执法记录。"
    assert "任何人不得对原始现场执法记录进行删节、修改。" in quoted(profile, "HN 18")


@pytest.mark.requirement("R18", "huainan")
def test_hn_what_the_text_does_not_have_is_absent(profile: Profile) -> None:
    absent = (profile.long_term, profile.inspection, profile.case_file, profile.repair, profile.working_days)
    assert absent == (None,) * 5
    assert profile.sync.labels is None
    assert profile.access is not None
    assert profile.access.custodian is None

"""大连金普新区卫生健康局: every rule of the text is in the profile; what it lacks is absent."""

import pytest

from agent.profile import Profile, load_profile
from sync.deadlines import StartEvent


@pytest.fixture(scope="module")
def profile() -> Profile:
    return load_profile("dalian-jinpu").profile


@pytest.mark.requirement("R4", "dalian-jinpu")
def test_dl_13_notice_is_spoken_as_written_with_full_width_slots_and_no_greeting(profile: Profile) -> None:
    notice = profile.capture.notice
    assert notice is not None
    assert notice.wording == (
        "我们是大连市卫生健康委执法人员＊＊＊、＊＊＊，这是我们的执法证件，为保护您的合法权益，监督我们的执法行为，本次执法全程录音录像。"
    )
    assert notice.name_slot == "＊＊＊"


@pytest.mark.requirement("R5", "dalian-jinpu")
@pytest.mark.requirement("R7", "dalian-jinpu")
def test_dl_12_contents_are_asked_for_and_no_speech(profile: Profile) -> None:
    assert profile.capture.statement is None
    assert profile.capture.marks.key_content == (
        "执法现场或相关内外部环境",
        "当事人、证人等相关人员的体貌特征和言行举止",
        "相关书证、物证、电子数据等现场证据，以及其他可以证明执法行为的证据",
        "执法人员现场张贴公告，开具、送达法律文书和对有关财物采取措施情况",
        "其他应当记录的重要内容",
    )


@pytest.mark.requirement("R17", "dalian-jinpu")
def test_dl_12_times_agree_with_the_documents(profile: Profile) -> None:
    assert [duty.zh for duty in profile.duties if duty.requirement == "R17"] == [
        "音像记录反映的执法过程起止时间应当与相应文书记载的起止时间一致。"
    ]


@pytest.mark.requirement("R6", "dalian-jinpu")
def test_dl_8_no_start_and_no_end_event(profile: Profile) -> None:
    assert (profile.capture.recording.begins, profile.capture.recording.ends) == (None, None)


@pytest.mark.requirement("R19", "dalian-jinpu")
def test_dl_7_dl_8_one_activity_must_and_six_may_be_recorded(profile: Profile) -> None:
    must = [category.code for category in profile.activities.categories if category.must]
    assert must == ["life-health-property"]
    assert len(profile.activities.categories) == 7


@pytest.mark.requirement("R8", "dalian-jinpu")
@pytest.mark.requirement("R9", "dalian-jinpu")
def test_dl_14_causes_explanation_and_report(profile: Profile) -> None:
    breaks = profile.capture.interruptions
    assert [cause.zh for cause in breaks.causes][:4] == [
        "设备故障、损坏",
        "天气情况恶劣",
        "电量、存储空间不足",
        "检查场所变化",
    ]
    assert breaks.explanation is not None
    assert breaks.report_to == "部门负责人"
    assert profile.cannot_continue is not None
    assert profile.cannot_continue.written_explanation


@pytest.mark.requirement("R11", "dalian-jinpu")
def test_dl_9_force_majeure_alone_lets_stop_and_the_record_states_no_basis(profile: Profile) -> None:
    exemption = profile.exemption
    assert exemption is not None
    assert [ground.code for ground in exemption.grounds] == ["force-majeure"]
    assert exemption.work_record_fields == ("无法使用的原因",)
    assert (exemption.addressee, exemption.reviewed, exemption.filed) == ("本机构主要负责人", True, True)


@pytest.mark.requirement("R16", "dalian-jinpu")
def test_dl_9_dl_25_four_secrecy_classes(profile: Profile) -> None:
    assert profile.secrecy is not None
    assert {each.zh for each in profile.secrecy.classes} == {"国家秘密", "工作秘密", "商业秘密", "个人隐私"}


@pytest.mark.requirement("R20", "dalian-jinpu")
def test_dl_18_at_once_and_24_hours_from_the_return(profile: Profile) -> None:
    transfer = profile.sync.transfer
    assert transfer.normal.start is StartEvent.DAY_ACTIVITY_END
    assert transfer.normal.limit.at_once is True
    assert transfer.exception is not None
    assert transfer.exception.limit.hours == 24


def test_dl_19_six_months_at_least(profile: Profile) -> None:
    assert profile.retention is not None
    assert profile.retention.months_min == 6
    assert profile.retention.as_evidence == "作为证据使用的记录信息随案卷保存时限保存"


def test_dl_20_four_classes_without_copies_and_without_the_leftover(profile: Profile) -> None:
    assert profile.long_term is not None
    assert len(profile.long_term.classes) == 4
    assert "统计" not in profile.long_term.classes[1]
    assert (profile.long_term.copies, profile.long_term.label_fields) == (None, ())


def test_dl_21_dl_22_evidence_copy_and_access(profile: Profile) -> None:
    assert profile.evidence_copy is not None
    assert profile.evidence_copy.fields == ("制作人", "提取人", "提取时间", "等")
    assert profile.access is not None
    assert (profile.access.approver, profile.access.registrar) == ("案件的主管领导", "保管人")


def test_dl_26_inspection_by_sample_of_an_unstated_ratio(profile: Profile) -> None:
    inspection = profile.inspection
    assert inspection is not None
    assert inspection.inspectors == ("法制处", "综合监督处")
    assert len(inspection.items) == 3
    assert inspection.clauses["sampling_percent"] == "agency setting"


@pytest.mark.requirement("R2", "dalian-jinpu")
@pytest.mark.requirement("R13", "dalian-jinpu")
def test_dl_10_dl_17_keeper_and_position(profile: Profile) -> None:
    assert profile.custody is not None
    assert (profile.custody.keeper or "").startswith("每台音像记录设备指定专人管理")
    assert "选择最佳拍摄角度" in (profile.custody.wearing or "")


@pytest.mark.requirement("R4", "dalian-jinpu")
@pytest.mark.requirement("R18", "dalian-jinpu")
def test_dl_what_the_text_does_not_have_is_absent(profile: Profile) -> None:
    assert (profile.case_file, profile.repair, profile.working_days, profile.sync.labels) == (None,) * 4
    assert profile.capture.officers.least is None

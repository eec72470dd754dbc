"""武汉市医疗保障局 (2020): every rule of the text is in the profile; what it lacks is absent."""

import pytest

from agent.profile import Profile, load_profile
from capture.profile import Moment
from sync.deadlines import StartEvent


@pytest.fixture(scope="module")
def profile() -> Profile:
    return load_profile("wuhan").profile


@pytest.mark.requirement("R4", "wuhan")
def test_wh_has_no_notice(profile: Profile) -> None:
    assert profile.capture.notice is None


@pytest.mark.requirement("R5", "wuhan")
def test_wh_7_five_items_are_stated_first(profile: Profile) -> None:
    statement = profile.capture.statement
    assert statement is not None
    assert statement.moment is Moment.FIRST
    assert statement.items == ("时间", "地点", "执法人员", "执法对象", "需要记录的执法环节")
    assert len(statement.items_en) == 5


@pytest.mark.requirement("R15", "wuhan")
def test_wh_7_several_units_on_one_activity(profile: Profile) -> None:
    assert any("多台音像设备" in duty.zh for duty in profile.duties if duty.requirement == "R15")


@pytest.mark.requirement("R6", "wuhan")
def test_wh_18_from_arrival_to_the_end_of_the_activity(profile: Profile) -> None:
    assert profile.capture.recording.begins == "自到达现场开展执法活动时开始"
    assert profile.capture.recording.ends == "至执法活动结束时停止"


@pytest.mark.requirement("R19", "wuhan")
def test_wh_5_wh_16_one_must_and_the_others_may_be_recorded(profile: Profile) -> None:
    assert [category.code for category in profile.activities.categories if category.must] == ["seizure"]
    assert len(profile.activities.categories) == 7
    assert profile.activities.only_for is None


@pytest.mark.requirement("R7", "wuhan")
def test_wh_19_key_content(profile: Profile) -> None:
    assert len(profile.capture.marks.key_content) == 5


@pytest.mark.requirement("R8", "wuhan")
@pytest.mark.requirement("R9", "wuhan")
def test_wh_8_causes_explanation_no_report_and_leave_to_end(profile: Profile) -> None:
    breaks = profile.capture.interruptions
    assert [cause.zh for cause in breaks.causes] == ["天气恶劣", "设备故障", "设备损坏", "其他原因"]
    assert breaks.explanation is not None
    assert breaks.report_to is None
    assert profile.cannot_continue is not None
    assert (profile.cannot_continue.written_explanation, profile.cannot_continue.may_end) == (True, True)


@pytest.mark.requirement("R20", "wuhan")
def test_wh_26_two_working_days_and_one_from_the_return(profile: Profile) -> None:
    transfer = profile.sync.transfer
    assert (transfer.normal.start, transfer.normal.limit.working_days) == (StartEvent.RECORDING_MADE, 2)
    assert transfer.exception is not None
    assert transfer.exception.limit.working_days == 1
    assert profile.working_days is not None


@pytest.mark.requirement("R22", "wuhan")
def test_wh_26_labels_by_the_same_limit(profile: Profile) -> None:
    labels = profile.sync.labels
    assert labels is not None
    assert [field.zh for field in labels.fields] == ["案号", "当事人姓名或者名称", "承办人姓名"]
    assert labels.due_with_transfer


def test_wh_27_three_months_and_what_a_disc_states(profile: Profile) -> None:
    assert profile.retention is not None
    assert profile.retention.months_min == 3
    assert profile.evidence_copy is not None
    assert profile.evidence_copy.fields == ("制作人", "提取人", "提取时间", "等")


def test_wh_28_register_and_custodian(profile: Profile) -> None:
    access = profile.access
    assert access is not None
    assert (access.approver, access.registrar) == ("审批人", "管理员")
    assert access.register_fields == ("调阅人", "复制人", "审批人", "时间", "事由", "等")
    assert (access.custodian or "").startswith("明确专人负责")


@pytest.mark.requirement("R16", "wuhan")
def test_wh_30_publication_needs_the_head_of_the_bureau(profile: Profile) -> None:
    assert profile.access is not None
    assert profile.access.publication_approver == "局主要负责人"
    assert profile.secrecy is not None
    assert [each.zh for each in profile.secrecy.classes] == ["国家秘密"]


def test_wh_26_case_file_30_days_after_the_act(profile: Profile) -> None:
    assert profile.case_file is not None
    assert (profile.case_file.days, profile.case_file.starts) == (30, "行政执法行为终结之日")


@pytest.mark.requirement("R2", "wuhan")
@pytest.mark.requirement("R11", "wuhan")
@pytest.mark.requirement("R18", "wuhan")
def test_wh_what_the_text_does_not_have_is_absent(profile: Profile) -> None:
    absent = (profile.exemption, profile.long_term, profile.inspection, profile.repair, profile.custody)
    assert absent == (None,) * 5
    assert profile.capture.officers.least is None

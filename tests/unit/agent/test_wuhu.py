"""芜湖市医疗保障局, 芜医保〔2021〕72号: every rule of the text is in the profile; what it lacks is absent."""

import pytest

from agent.profile import Profile, load_profile
from sync.deadlines import StartEvent


@pytest.fixture(scope="module")
def profile() -> Profile:
    return load_profile("wuhu").profile


@pytest.mark.requirement("R4", "wuhu")
def test_wu_a2_7_notice_wording_is_verbatim(profile: Profile) -> None:
    notice = profile.capture.notice
    assert notice is not None
    assert notice.wording == (
        "您好，我们是芜湖市医疗保障局执法人员×××、×××，为保护您的合法权益，监督我们的执法行为，本次执法全程录音录像。"
    )
    assert notice.name_slot == "×××"


@pytest.mark.requirement("R4", "wuhu")
def test_wu_3_two_officers_at_least_when_evidence_is_taken_and_no_number_else(profile: Profile) -> None:
    least = {category.code: category.least_officers for category in profile.activities.categories}
    assert {code for code, number in least.items() if number is not None} == {"investigation"}
    assert least["investigation"] == 2
    assert profile.capture.officers.least is None


@pytest.mark.requirement("R5", "wuhu")
@pytest.mark.requirement("R8", "wuhu")
@pytest.mark.requirement("R9", "wuhu")
def test_wu_a2_no_article_asks_for_a_statement_an_explanation_or_a_report(profile: Profile) -> None:
    assert profile.capture.statement is None
    assert profile.capture.interruptions.causes == ()
    assert profile.capture.interruptions.explanation is None
    assert profile.capture.interruptions.report_to is None
    assert profile.cannot_continue is None


@pytest.mark.requirement("R6", "wuhu")
def test_wu_a2_6_no_start_and_no_end_event(profile: Profile) -> None:
    assert (profile.capture.recording.begins, profile.capture.recording.ends) == (None, None)


@pytest.mark.requirement("R7", "wuhu")
@pytest.mark.requirement("R19", "wuhu")
def test_wu_a3_ten_rows_in_their_words(profile: Profile) -> None:
    rows = profile.activities.categories[:10]
    assert [row.zh for row in rows] == [
        "现场检查",
        "调查取证",
        "先行登记保存",
        "陈述、申辩",
        "对责令改正情况的现场核查",
        "当事人不配合调查的",
        "公共服务窗口送达",
        "留置送达过程",
        "邮寄送达",
        "公告、送达",
    ]
    assert [row.group for row in rows] == ["行政处罚环节"] * 7 + ["送达环节"] * 3
    assert all(row.content and row.place and row.department and row.recorder for row in rows)


@pytest.mark.requirement("R19", "wuhu")
def test_wu_a3_rows_7_and_10_name_no_recorder(profile: Profile) -> None:
    without = [row.code for row in profile.activities.categories[:10] if "执法记录仪" not in row.carriers]
    assert without == ["window-service", "public-notice"]
    assert [row.carriers for row in profile.activities.categories if row.code in without] == [
        ("音视频监控设备",),
        ("照相机",),
    ]


def test_wu_a3_slips_of_the_text_are_kept(profile: Profile) -> None:
    content = {row.code: row.content or "" for row in profile.activities.categories}
    assert "现行登记保存" in content["registered-preservation"]
    assert "送达回执" in content["lien-service"]
    assert "音像纪录" in content["postal-service"]


@pytest.mark.requirement("R19", "wuhu")
def test_wu_5_service_in_person_may_be_recorded(profile: Profile) -> None:
    (direct,) = (row for row in profile.activities.categories if row.code == "direct-service")
    assert not direct.must
    assert direct.clauses["must"] == "WU 五"


@pytest.mark.requirement("R11", "wuhu")
def test_wu_a2_16_grounds_for_stopping_and_the_filed_work_record(profile: Profile) -> None:
    exemption = profile.exemption
    assert exemption is not None
    assert [ground.zh for ground in exemption.grounds] == [
        "涉及个人隐私及商业秘密的",
        "因天气等自然原因无法使用的",
        "相对管理人及其他人员阻碍正常执法无法继续使用的",
        "其他不可抗力因素不能使用的",
    ]
    assert exemption.work_record_fields == ("无法使用的原因", "依据")
    assert (exemption.addressee, exemption.reviewed, exemption.filed) == ("本单位主要领导", True, True)


@pytest.mark.requirement("R20", "wuhu")
def test_wu_a2_9_24_hours_from_each_activity_and_no_exception(profile: Profile) -> None:
    transfer = profile.sync.transfer
    assert (transfer.normal.start, transfer.normal.limit.hours) == (StartEvent.ACTIVITY_END, 24)
    assert transfer.exception is None


def test_wu_a2_10_by_department_and_without_label_fields(profile: Profile) -> None:
    assert profile.sync.labels is not None
    assert profile.sync.labels.by_department
    assert profile.sync.labels.fields == ()


def test_wu_a2_11_a_year_then_cleared_where_of_no_value(profile: Profile) -> None:
    assert profile.retention is not None
    assert profile.retention.months_min == 12
    assert profile.retention.cleared_by == "管理人员根据情况对无保存意义的进行清除处理"
    assert profile.retention.as_evidence is None


def test_wu_a2_12_three_classes_on_two_labelled_discs(profile: Profile) -> None:
    long_term = profile.long_term
    assert long_term is not None
    assert (len(long_term.classes), long_term.copies) == (3, 2)
    assert long_term.label_fields == ("制作单位", "制作人", "制作时间", "执法活动或者案件名称及标号", "等")


def test_wu_a2_13_approver_and_a_register_without_fields_of_the_text(profile: Profile) -> None:
    assert profile.access is not None
    assert profile.access.approver == "主管领导"
    assert profile.access.clauses["register_fields"] == "agency setting"


def test_wu_a1_8_a2_15_inspection(profile: Profile) -> None:
    assert profile.inspection is not None
    assert profile.inspection.inspectors == ("办公室",)
    assert "不定期" in (profile.inspection.wording or "")
    assert profile.inspection.sampling_percent is None


@pytest.mark.requirement("R18", "wuhu")
def test_wu_a2_14_repair_within_24_hours_of_discovery(profile: Profile) -> None:
    assert profile.repair is not None
    assert (profile.repair.hours, profile.repair.starts) == (24, "发现损坏")


@pytest.mark.requirement("R2", "wuhu")
@pytest.mark.requirement("R13", "wuhu")
def test_wu_a1_6_a1_7_a2_5_keeper_register_and_wearing(profile: Profile) -> None:
    custody = profile.custody
    assert custody is not None
    assert "明确专人负责维护保养工作" in (custody.keeper or "")
    assert "交接登记制度" in (custody.handover_register or "")
    assert "左肩部或者左胸部" in (custody.wearing or "")


@pytest.mark.requirement("R16", "wuhu")
def test_wu_what_the_text_does_not_have_is_absent(profile: Profile) -> None:
    assert (profile.secrecy, profile.evidence_copy, profile.case_file, profile.working_days) == (None,) * 4
    assert profile.capture.marks.key_content == ()

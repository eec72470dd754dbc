"""Whom a unit may be handed to, and for what, by the profile in force."""

import pytest

from agent.cli.handover_commands import fields_of, officer_of
from agent.config import CustodyTable
from agent.control_wire import CheckoutRequest, OfficerEntry
from agent.errors import AssignmentError
from agent.handover import handover_of, hints_of, least_officers
from agent.profile import Profile, load_profile, parse_profile
from tests.support.profiles import MINIMAL

FIRST = OfficerEntry(name="张某", certificate_number="A001", reading="zhang1 mou3")
KEEPER = CustodyTable(keeper_id="K-07", keeper_name="丙某")
SECOND = OfficerEntry(name="李某", certificate_number="A002")


@pytest.fixture(scope="module")
def huainan() -> Profile:
    return load_profile("huainan").profile


@pytest.mark.requirement("R2", "huainan")
@pytest.mark.requirement("R15", "huainan")
@pytest.mark.requirement("R16", "huainan")
def test_everything_that_was_given_is_handed_on(huainan: Profile) -> None:
    request = CheckoutRequest(
        officers=(FIRST, SECOND), activity_id="act-1", category="service", label="state-secret", away="remote"
    )
    handover = handover_of(request, huainan)
    officers = [(each.certificate_number, each.name, each.reading) for each in handover.assignment.officers]
    assert officers == [("A001", "张某", "zhang1 mou3"), ("A002", "李某", None)]
    given = handover.assignment
    assert (given.activity_id, given.category, given.label) == ("act-1", "service", "state-secret")
    assert (given.away, given.due_rule) == (True, "remote")
    assert handover.remarks == ()


def test_labels_of_the_profile_come_with_the_check_out() -> None:
    """WH 26¶2: 案号、当事人姓名或者名称、承办人姓名."""
    wuhan = load_profile("wuhan").profile
    request = CheckoutRequest(officers=(FIRST,), fields={"party": "甲某药房", "case-number": "2026-18"})
    given = handover_of(request, wuhan).assignment
    assert given.labels == (("case-number", "2026-18"), ("party", "甲某药房"))
    assert "甲某药房" not in repr(given)
    with pytest.raises(AssignmentError, match="--field 'colour' is not in the profile; give one of case-number, party"):
        handover_of(CheckoutRequest(officers=(FIRST,), fields={"colour": "red"}), wuhan)


def test_a_profile_without_labels_takes_none(huainan: Profile) -> None:
    with pytest.raises(AssignmentError, match="leave it out, the profile has none"):
        handover_of(CheckoutRequest(officers=(FIRST,), fields={"party": "甲某药房"}), huainan)


def test_a_label_is_a_code_and_a_text_and_stands_once() -> None:
    assert fields_of(["case-number = 2026-18", "party=a=b"]) == {"case-number": "2026-18", "party": "a=b"}
    for wrong in (["party"], ["=x"], ["party="], ["party=a", "party=b"]):
        with pytest.raises(AssignmentError, match="--field"):
            fields_of(wrong)


def test_without_an_exception_claimed_the_normal_limit_runs(huainan: Profile) -> None:
    given = handover_of(CheckoutRequest(officers=(FIRST,)), huainan).assignment
    assert (given.away, given.due_rule) == (False, None)


@pytest.mark.requirement("R3", "huainan")
def test_an_unknown_category_is_remarked_and_taken(huainan: Profile) -> None:
    remarks = handover_of(CheckoutRequest(officers=(FIRST,)), huainan).remarks
    assert [remark.code for remark in remarks] == ["category-unknown"]


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (CheckoutRequest(officers=()), "no officers"),
        (CheckoutRequest(officers=(FIRST, FIRST)), "A001 stands twice"),
        (CheckoutRequest(officers=(FIRST,), category="fishing"), "daily-inspection, complaints"),
        (CheckoutRequest(officers=(FIRST,), label="privacy"), "state-secret, trade-secret"),
        (CheckoutRequest(officers=(FIRST,), away="lunch"), "continuous-work, away, remote"),
    ],
)
@pytest.mark.requirement("R3", "huainan")
@pytest.mark.requirement("R16", "huainan")
def test_what_the_profile_does_not_know_is_refused_with_what_it_knows(
    huainan: Profile, request_: CheckoutRequest, words: str
) -> None:
    with pytest.raises(AssignmentError, match=words):
        handover_of(request_, huainan)


def test_a_profile_without_the_section_says_that_it_has_none() -> None:
    bare = parse_profile(MINIMAL.encode(), "own.toml").profile
    for field in ("category", "label", "away"):
        with pytest.raises(AssignmentError, match=f"--{field} 'x' is not in the profile; leave it out"):
            handover_of(CheckoutRequest.model_validate({"officers": [FIRST], field: "x"}), bare)


@pytest.mark.requirement("R4", "wuhu")
def test_wu_3_one_officer_taking_evidence_is_remarked_and_never_refused() -> None:
    wuhu = load_profile("wuhu").profile
    asked = CheckoutRequest(officers=(FIRST,), category="investigation", department="稽查科")
    alone = handover_of(asked, wuhu, KEEPER)
    assert [remark.code for remark in alone.remarks] == ["officers-too-few"]
    assert "不得少于 2 人" in alone.remarks[0].zh
    kept = {"department": "稽查科", "officers": (FIRST, SECOND), "category": "investigation"}
    assert handover_of(CheckoutRequest.model_validate(kept), wuhu, KEEPER).remarks == ()
    kept |= {"officers": (FIRST,), "category": "site-inspection"}
    assert handover_of(CheckoutRequest.model_validate(kept), wuhu, KEEPER).remarks == ()


def test_the_profiles_least_number_counts_where_the_category_has_none() -> None:
    text = MINIMAL.replace("[capture]", "[capture.officers]\nleast = 3")
    assert least_officers(parse_profile(text.encode(), "own.toml").profile, None) == 3


@pytest.mark.requirement("R2", "all")
def test_the_standing_keeper_goes_with_every_check_out_apart_from_who_wears_the_unit(huainan: Profile) -> None:
    given = handover_of(CheckoutRequest(officers=(FIRST,)), huainan, KEEPER).assignment
    assert (given.keeper_id, given.keeper_name) == ("K-07", "丙某")
    assert "K-07" not in [officer.certificate_number for officer in given.officers]
    assert "丙某" not in repr(given)


@pytest.mark.requirement("R2", "wuhu", "dalian-jinpu")
@pytest.mark.parametrize(
    ("name", "wanted"),
    [("wuhu", True), ("dalian-jinpu", True), ("huainan", False), ("wuhan", False), ("inner-mongolia", False)],
)
def test_a_unit_without_a_keeper_is_remarked_where_the_text_wants_one(name: str, wanted: bool) -> None:
    """WU A1-6 «明确专人负责维护保养工作», DL 10 «指定专人管理»."""
    profile = load_profile(name).profile
    request = CheckoutRequest(officers=(FIRST, SECOND))
    assert ("keeper-unknown" in [each.code for each in handover_of(request, profile).remarks]) is wanted
    assert "keeper-unknown" not in [each.code for each in handover_of(request, profile, KEEPER).remarks]


@pytest.mark.requirement("R4", "wuhu")
@pytest.mark.parametrize(("category", "least"), [("investigation", 2), ("site-inspection", None), (None, None)])
def test_wu_3_the_least_number_of_officers_is_that_of_the_activity(category: str | None, least: int | None) -> None:
    """WU 三: «调查取证时，行政执法人员不得少于2人», and for nothing else."""
    request = CheckoutRequest(officers=(FIRST,), category=category)
    assert handover_of(request, load_profile("wuhu").profile).assignment.officers_least == least


@pytest.mark.requirement("R7", "wuhu")
@pytest.mark.requirement("R13", "wuhu")
def test_wu_a3_the_rows_content_and_the_wearing_hint_are_told_at_the_check_out() -> None:
    """WU A3 row 8, WU A2-5."""
    wuhu = load_profile("wuhu").profile
    handover = handover_of(CheckoutRequest(officers=(FIRST,), category="lien-service"), wuhu, KEEPER)
    hints = hints_of(wuhu, handover)
    assert "左肩部或者左胸部" in (hints["wearing"] or "")
    assert (hints["content"] or "").startswith("对邀请基层组织或者受送达人所在单位的代表情况")
    assert handover.assignment.key_content == (hints["content"],)


@pytest.mark.requirement("R13", "wuhan", "inner-mongolia")
@pytest.mark.parametrize("name", ["wuhan", "inner-mongolia"])
def test_a_text_without_a_word_on_wearing_gives_no_hint(name: str) -> None:
    profile = load_profile(name).profile
    assert hints_of(profile, handover_of(CheckoutRequest(officers=(FIRST,)), profile)) == {
        "wearing": None,
        "content": None,
    }


@pytest.mark.parametrize(
    ("text", "name", "number", "reading"),
    [
        ("张某:A001", "张某", "A001", None),
        ("张某：Ａ００１：ｚｈａｎｇ１ mou3", "张某", "A001", "zhang1 mou3"),
        ("吕某 : 皖D12345 : lu:3 mou3", "吕某", "皖D12345", "lu:3 mou3"),
        ("张\U0002cb4e:A①:zhang1 hong2", "张\U0002cb4e", "A1", "zhang1 hong2"),
    ],
)
def test_an_officer_is_read_however_a_chinese_keyboard_gives_it(
    text: str, name: str, number: str, reading: str | None
) -> None:
    assert officer_of(text) == OfficerEntry(name=name, certificate_number=number, reading=reading)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("张某", "write 姓名:证号"),
        ("张某:", "write 姓名:证号"),
        ("张某:A 1", "certificate_number = 'A 1': a blank is in it; correct the value"),
        ("张\u200b某:A1", "name = '张\\\\u200b某': an invisible character is in it; correct the value"),
        (f"张某:{'1' * 65}", "at most 64 characters"),
        ("张某:A1:ZHANG", "reading 'ZHANG' of '张某': 'zhang' is not pinyin with a tone digit such as li4"),
        ("张某:A1:zhang1", "1 syllables for 2 characters: give one each"),
    ],
)
def test_what_is_no_officer_is_refused_with_the_thing_the_value_and_the_remedy(text: str, words: str) -> None:
    with pytest.raises(AssignmentError, match=words):
        officer_of(text)

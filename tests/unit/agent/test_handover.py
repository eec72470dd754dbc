"""Whom a unit may be handed to, and for what, by the profile in force."""

import pytest

from agent.control_wire import CheckoutRequest, OfficerEntry
from agent.errors import AssignmentError
from agent.handover import handover_of, least_officers
from agent.profile import Profile, load_profile, parse_profile
from tests.support.profiles import MINIMAL

FIRST = OfficerEntry(name="张某", certificate_number="A001", reading="zhang1 mou3")
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
    alone = handover_of(CheckoutRequest(officers=(FIRST,), category="investigation"), wuhu)
    assert [remark.code for remark in alone.remarks] == ["officers-too-few"]
    assert "不得少于 2 人" in alone.remarks[0].zh
    assert handover_of(CheckoutRequest(officers=(FIRST, SECOND), category="investigation"), wuhu).remarks == ()
    assert handover_of(CheckoutRequest(officers=(FIRST,), category="site-inspection"), wuhu).remarks == ()


def test_the_profiles_least_number_counts_where_the_category_has_none() -> None:
    text = MINIMAL.replace("[capture]", "[capture.officers]\nleast = 3")
    assert least_officers(parse_profile(text.encode(), "own.toml").profile, None) == 3

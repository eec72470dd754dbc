"""Which labels a recording has, and which it lacks, as unit and store reckon it (R22)."""

from dataclasses import replace

import pytest

from sealing.records import Checkin, Checkout
from sync.labels import DEPARTMENT, LabelsOwed, labels_owed, labels_wanted
from sync.profile import LabelField
from sync.sessions import Session, SessionLog
from tests.support.clocks import START_UTC_NS
from tests.support.rules import DALIAN, HUAINAN, INNER_MONGOLIA, WUHAN, WUHU, rules_of
from tests.unit.sync.test_rules_and_sessions import FIRST, SECOND, end, start, told

WUHANS = ("case-number", "party", "handler")


def checkout(*codes: str, department: str | None = None) -> Checkout:
    return Checkout(("A1",), None, None, None, away=False, labels_given=codes or None, department=department)


def codes(owed: LabelsOwed) -> tuple[str, ...]:
    return tuple(one.code for one in owed.fields)


def only(log: SessionLog) -> Session:
    (session,) = log.sessions()
    return session


@pytest.mark.parametrize(
    ("name", "wanted"),
    [(HUAINAN, ()), (WUHU, ("department",)), (DALIAN, ()), (WUHAN, WUHANS), (INNER_MONGOLIA, ())],
)
@pytest.mark.requirement("R22", "huainan", "wuhu", "dalian-jinpu", "wuhan", "inner-mongolia")
def test_r22_each_text_wants_what_it_names_and_no_more(name: str, wanted: tuple[str, ...]) -> None:
    """WH 26¶2, WU A2-10; the others have no labels."""
    assert tuple(one.code for one in labels_wanted(rules_of(name).sync.labels)) == wanted


def test_a_profile_that_names_the_department_itself_is_asked_for_it_once() -> None:
    rules = rules_of(WUHU)
    assert rules.sync.labels is not None
    named = rules.sync.labels.model_copy(update={"fields": (LabelField(code="department", zh="部门", en="office"),)})
    assert [one.zh for one in labels_wanted(named)] == ["部门"]
    assert DEPARTMENT.zh == "科室"


def test_labels_are_owed_with_the_recording_and_not_before_it_is_due_sy_65() -> None:
    """SY-65: while it is recorded, and while the return is awaited, there is no time yet."""
    log = SessionLog()
    log.opened(told(WUHAN, labels_given=("party",)))
    log.record(5, START_UTC_NS, start(FIRST))
    owed = labels_owed(only(log), log.sessions(), rules_of(WUHAN))
    assert (codes(owed), owed.due_utc_ns) == (("case-number", "handler"), None)
    log.record(9, START_UTC_NS, end(FIRST))
    due = labels_owed(only(log), log.sessions(), rules_of(WUHAN)).due_utc_ns
    assert due is not None
    assert due > START_UTC_NS
    away = replace(told(WUHAN), exception_reason="away")
    assert labels_owed(replace(only(log), circumstances=away), log.sessions(), rules_of(WUHAN)).due_utc_ns is None


def test_nothing_is_known_of_a_recording_without_a_whole_opening() -> None:
    assert codes(labels_owed(Session(FIRST), (), rules_of(WUHAN))) == WUHANS


def test_what_labels_a_recording_once_labels_it_for_good_sy_65() -> None:
    """SY-65: checked out again in the middle, with the rest; given back before it ended."""
    log = SessionLog()
    log.opened(told(WUHAN, labels_given=("party",)))
    log.record(5, START_UTC_NS, start(FIRST))
    log.record(6, START_UTC_NS, checkout("handler", department="稽查科"))
    log.opened(told(WUHAN, labels_given=("handler",), department="稽查科"))
    log.record(7, START_UTC_NS, Checkin(6))
    log.opened(told(WUHAN))
    found = only(log).circumstances
    assert found is not None
    assert (found.labels_given, found.department) == (("handler", "party"), "稽查科")
    log.record(9, START_UTC_NS, end(FIRST))
    log.record(10, START_UTC_NS, checkout("case-number"))
    assert codes(labels_owed(only(log), log.sessions(), rules_of(WUHAN))) == ("case-number",)


@pytest.mark.parametrize(("between", "given"), [(checkout("handler"), ("handler",)), (Checkin(3), ())])
def test_labels_of_an_earlier_hand_over_are_not_those_of_the_next_recording(
    between: Checkout | Checkin, given: tuple[str, ...]
) -> None:
    log = SessionLog()
    log.opened(told(WUHAN, labels_given=("party",)))
    log.record(5, START_UTC_NS, start(FIRST))
    log.record(6, START_UTC_NS, end(FIRST))
    log.record(7, START_UTC_NS, between)
    log.record(8, START_UTC_NS, start(SECOND))
    assert [one.circumstances and one.circumstances.labels_given for one in log.sessions()] == [("party",), given]

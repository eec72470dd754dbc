"""The tables of requirements are whole, truthful about what is absent, and kept in step with the tests."""

from collections.abc import Mapping

import pytest

from agent.profile import load_profile, shipped_profiles
from tests.requirements.marks import TESTS, Mark, marks_in, marks_of_source
from tests.requirements.outcomes import outcomes_of
from tests.requirements.page import page, whole_page
from tests.requirements.table import AGENCIES, REQUIREMENTS, STORE, Cell, notes, remarks, table_of, unknown_names

MARKS = marks_in()
ABSENT, OPEN = notes("absent"), notes("open")
TABLE = table_of(MARKS, ABSENT, OPEN)


def test_agencies_are_those_whose_profiles_ship() -> None:
    assert set(AGENCIES) == set(shipped_profiles())


def test_marks_name_what_there_is() -> None:
    assert not list(unknown_names(MARKS))


def test_no_cell_is_empty_without_a_reason() -> None:
    empty = [f"{requirement} {agency}" for (requirement, agency), cell in TABLE.items() if cell.empty]
    assert not empty, "show them by tests, or say in tests/requirements/reasons.toml which text asks for nothing"


def test_every_reason_names_an_article_or_the_text_that_has_one() -> None:
    """A reason that cites no text is an excuse."""
    for (requirement, agency), text in ABSENT.items():
        assert requirement in {*REQUIREMENTS, *STORE}
        assert any(f"{letters} " in text for letters in AGENCIES.values()), f"{requirement} {agency}: {text}"


@pytest.mark.parametrize("agency", AGENCIES)
def test_nothing_is_called_absent_that_the_profile_quotes_a_duty_of(agency: str) -> None:
    """The profile holds the regulation's own words; R4 of WH is a duty in writing, which is why the reason names it."""
    quoted = {duty.requirement: duty.clause for duty in load_profile(agency).profile.duties}
    contradicted = {
        requirement: quoted[requirement]
        for (requirement, name), text in ABSENT.items()
        if name == agency and requirement in quoted and quoted[requirement] not in text
    }
    assert not contradicted


def test_what_the_text_asks_for_is_shown_or_said_to_be_open() -> None:
    """Without a reason, the agency's own text has a test: a rule for all shows the rule, not its values."""
    missing = [
        f"{requirement} {agency}"
        for (requirement, agency), cell in TABLE.items()
        if cell.reason is None and cell.open is None and not cell.own
    ]
    assert not missing


def test_what_the_store_does_not_do_yet_is_said_of_exactly_those_rows() -> None:
    """A row of the second table is shown for somebody, or says how far the product is; never both, never neither."""
    table = table_of(MARKS, ABSENT, OPEN, STORE)
    shown = {requirement for (requirement, _), cell in table.items() if cell.own or cell.shared}
    assert set(STORE) - shown == set(remarks())


def test_the_page_on_the_shelf_is_the_present_one() -> None:
    kept = (TESTS.parent / "docs" / "requirements.md").read_text("utf-8")
    assert kept == whole_page(MARKS), "run `.venv/bin/python -m tests.requirements` and commit the page"


def test_what_is_open_stands_on_the_page() -> None:
    for (requirement, agency), text in OPEN.items():
        assert f"- {AGENCIES[agency]} open: {text}" in page(TABLE), requirement


SOURCE = """
@pytest.mark.requirement("R1", "all")
@pytest.mark.requirement("R4", "wuhu", "huainan")
def test_one() -> None: ...

def test_unmarked() -> None: ...
"""
UNDER_EACH = """
@pytest.mark.parametrize("name", shipped_profiles())
@pytest.mark.requirement("R1", "each")
def test_one(name: str) -> None: ...
"""


def test_marks_are_read_from_the_source() -> None:
    assert sorted(marks_of_source(SOURCE, "test_some.py")) == [
        Mark("R1", "test_some.py", "test_one", ("all",)),
        Mark("R4", "test_some.py", "test_one", ("wuhu", "huainan")),
    ]
    with pytest.raises(ValueError, match="at least one agency"):
        list(marks_of_source(SOURCE.replace(', "all"', ""), "test_some.py"))


def test_each_is_said_only_of_tests_that_run_under_each_profile() -> None:
    (mark,) = marks_of_source(UNDER_EACH, "tests/unit/test_some.py")
    assert all(mark.is_of(agency) for agency in AGENCIES)
    assert mark.tier == "u"
    with pytest.raises(ValueError, match="a case for each shipped profile"):
        list(marks_of_source(UNDER_EACH.replace("shipped_profiles()", "['wuhu']"), "test_some.py"))


def test_a_cell_without_anything_is_empty_and_one_with_a_reason_is_not() -> None:
    table: Mapping[tuple[str, str], Cell] = table_of([], {("R5", "huainan"): "HN 10"}, {("R6", "wuhu"): "later"})
    assert table["R1", "wuhan"].empty
    assert not table["R5", "huainan"].empty
    assert not table["R6", "wuhu"].empty
    assert "| **open** |" in page(table)


def test_a_case_that_failed_marks_its_test_as_failed() -> None:
    reports = [
        (outcome, pytest.TestReport(f"tests/a.py::test_it[{case}]", ("a", 1, "b"), {}, "passed", None, "call"))
        for outcome, case in (("passed", "x"), ("failed", "y"), ("passed", "z"))
    ]
    assert outcomes_of(reports) == {("tests/a.py", "test_it"): "failed"}

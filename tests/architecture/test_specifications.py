"""Every clause of a specification is found in the code that keeps it and in a test that shows it."""

import pytest

from tests.architecture import rules, specification, tree

PRESENT = tuple(name for name in sorted(rules.SPECIFICATIONS) if name in tree.files())
CODE = tuple(name for name in tree.in_folders(*rules.SOURCES, "systemd") if not name.endswith(".md"))
TESTS = tuple(name for name in tree.in_folders("tests") if not name.startswith("tests/architecture/"))


def cited_in(names: tuple[str, ...], letters: str) -> set[str]:
    """The clause ids that the files cite."""
    return {found for name in names for found in specification.citations(tree.text(name), letters)}


@pytest.mark.parametrize("name", PRESENT)
def test_clause_ids_are_well_formed(name: str) -> None:
    ids = specification.clause_ids(tree.text(name))
    assert ids, f"{name} has no clause"
    assert len(ids) == len(set(ids)), f"given twice: {sorted({each for each in ids if ids.count(each) > 1})}"
    assert {each.partition("-")[0] for each in ids} == {rules.SPECIFICATIONS[name]}


@pytest.mark.parametrize("name", PRESENT)
def test_every_demand_has_an_id(name: str) -> None:
    assert not specification.demands_without_id(tree.text(name))


@pytest.mark.parametrize("name", PRESENT)
def test_every_clause_is_cited_by_code_and_by_a_test(name: str) -> None:
    ids = set(specification.clause_ids(tree.text(name)))
    letters = rules.SPECIFICATIONS[name]
    assert not sorted(ids - cited_in(CODE, letters)), "no code says that it keeps these"
    assert not sorted(ids - cited_in(TESTS, letters)), "no test shows these"


@pytest.mark.parametrize("name", PRESENT)
def test_nobody_cites_a_clause_that_is_gone(name: str) -> None:
    letters = rules.SPECIFICATIONS[name]
    assert not sorted(cited_in((*CODE, *TESTS), letters) - set(specification.clause_ids(tree.text(name))))


SAMPLE = """The words MUST and MAY are used as in BCP 14.

**AB-1** A writer MUST sync
before it releases.

A reader MUST not trust a length.

| **AB-2** | A file MUST end |
| nothing | It MUST begin |

- **AB-3** An epoch is short.
- It MUST rotate.

```
**AB-9** inside a drawing, MUST
```
"""


def test_the_reader_of_specifications_finds_clauses_and_gaps() -> None:
    assert specification.clause_ids(SAMPLE) == ["AB-1", "AB-2", "AB-3"]
    assert specification.demands_without_id(SAMPLE) == [
        "A reader MUST not trust a length.",
        "| nothing | It MUST begin |",
        "- It MUST rotate.",
    ]
    assert list(specification.citations("keeps AB-1 and CD-2, not XAB-3", "AB")) == ["AB-1"]

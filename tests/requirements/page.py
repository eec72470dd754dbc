"""The table as a page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from tests.requirements.marks import Mark
from tests.requirements.table import AGENCIES, REQUIREMENTS, Cell

Outcomes = Mapping[tuple[str, str], str]
"""File and test → what came of it."""

HEAD = """# What shows which requirement

R1–R20 of the unit and of handing over, against the five agencies. A cell counts the tests that show the agency's own
text and, behind the plus, those of the rule that is the same for all five. *none*: the text asks for nothing of this
kind, and the section says which text; what is counted all the same shows that nothing is asked for, or what the
recorder does everywhere of itself. Made from the marks on the tests by `python -m tests.requirements`; a test holds it
to them.
"""


def page(table: Mapping[tuple[str, str], Cell], outcomes: Outcomes | None = None) -> str:
    """The whole page; with outcomes, each test with what came of it in one run."""
    lines = [HEAD, *_matrix(table)]
    for requirement, title in REQUIREMENTS.items():
        lines += ["", f"## {requirement} {title}", "", *_section(requirement, table, outcomes)]
    return "\n".join(lines) + "\n"


def _matrix(table: Mapping[tuple[str, str], Cell]) -> Iterator[str]:
    yield "| | " + " | ".join(AGENCIES.values()) + " |"
    yield "| --- |" + " --- |" * len(AGENCIES)
    for requirement, title in REQUIREMENTS.items():
        cells = (_figure(table[requirement, agency]) for agency in AGENCIES)
        yield f"| {requirement} {title} | " + " | ".join(cells) + " |"


def _figure(cell: Cell) -> str:
    if cell.open is not None:
        return "**open**"
    count = f"{len(cell.own)} + {len(cell.shared)}"
    return f"*none* ({count})" if cell.reason is not None else count


def _section(requirement: str, table: Mapping[tuple[str, str], Cell], outcomes: Outcomes | None) -> Iterator[str]:
    cells = {agency: table[requirement, agency] for agency in AGENCIES}
    for agency, cell in cells.items():
        for said, words in (("none", cell.reason), ("open", cell.open)):
            if words is not None:
                yield f"- {AGENCIES[agency]} {said}: {words}"
    for agency, cell in cells.items():
        yield from (f"- {AGENCIES[agency]}: {_named(mark, outcomes)}" for mark in cell.own)
    yield from (f"- all: {_named(mark, outcomes)}" for mark in next(iter(cells.values())).shared)


def _named(mark: Mark, outcomes: Outcomes | None) -> str:
    name = f"`{mark.test}` in {mark.file.removeprefix('tests/')}"
    return name if outcomes is None else f"{name}: {outcomes.get((mark.file, mark.test), 'not run')}"

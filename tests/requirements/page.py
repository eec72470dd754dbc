"""The tables as a page."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from tests.requirements.marks import Mark
from tests.requirements.table import AGENCIES, REQUIREMENTS, STORE, Cell, notes, remarks, table_of

Outcomes = Mapping[tuple[str, str], str]
"""File and test → what came of it."""
Table = Mapping[tuple[str, str], Cell]

HEAD = """# What shows which requirement

R1–R20 of the unit and of handing over, against the five agencies; behind it a second table of what the store is asked
for. A cell counts the tests that show the agency's own text on its own profile and, behind the plus, those of the rule
that is the same for all five. *none*: the text asks for nothing of this kind, and the section says which text; what is
counted all the same shows that nothing is asked for, or what the recorder does everywhere of itself. Made from the
marks on the tests by `python -m tests.requirements`; a test holds it to them.

The letters behind the figures say where: **u** parts of the code alone; **s** the whole recorder or agent, with real
sealing, encoders and voice, in a simulated world; **p** its processes; **a** real drivers on virtual devices; **b** the
package under systemd; **c** a whole machine (`tests/tiers/README.md`).
"""
STORE_HEAD = """
# What the store is asked for

The agency's side: labels, keeping, access, giving out. *not yet*: the profiles hold the text's values and words, and
the product does nothing with them; each section says how far it is.
"""


def whole_page(marks: Iterable[Mark], outcomes: Outcomes | None = None) -> str:
    """The page of these marks, with the reasons as they stand."""
    known = tuple(marks)
    absent, still_open = notes("absent"), notes("open")
    own, store = table_of(known, absent, still_open), table_of(known, absent, still_open, STORE)
    return page(own, outcomes) + "\n".join(_store_lines(store, remarks(), outcomes)) + "\n"


def page(table: Table, outcomes: Outcomes | None = None) -> str:
    """The table of R1–R20; with outcomes, each test with what came of it in one run."""
    lines = [HEAD, *_matrix(table, REQUIREMENTS)]
    for requirement, title in REQUIREMENTS.items():
        lines += ["", f"## {requirement} {title}", "", *_section(requirement, table, outcomes)]
    return "\n".join(lines) + "\n"


def _store_lines(table: Table, later: Mapping[str, str], outcomes: Outcomes | None) -> Iterator[str]:
    yield STORE_HEAD
    yield from _matrix(table, STORE)
    for requirement, title in STORE.items():
        yield from ("", f"## {requirement} {title}", "")
        if requirement in later:
            yield f"- not yet: {later[requirement]}"
        yield from _section(requirement, table, outcomes)


def _matrix(table: Table, titles: Mapping[str, str]) -> Iterator[str]:
    yield "| | " + " | ".join(AGENCIES.values()) + " |"
    yield "| --- |" + " --- |" * len(AGENCIES)
    for requirement, title in titles.items():
        cells = (_figure(table[requirement, agency]) for agency in AGENCIES)
        yield f"| {requirement} {title} | " + " | ".join(cells) + " |"


def _figure(cell: Cell) -> str:
    if cell.open is not None:
        return "**open**"
    if not (cell.own or cell.shared):
        return "*not yet*" if cell.reason is None else "*none*"
    count = f"{len(cell.own)} + {len(cell.shared)} {cell.tiers}"
    return f"*none* ({count})" if cell.reason is not None else count


def _section(requirement: str, table: Table, outcomes: Outcomes | None) -> Iterator[str]:
    cells = {agency: table[requirement, agency] for agency in AGENCIES}
    for agency, cell in cells.items():
        for said, words in (("none", cell.reason), ("open", cell.open)):
            if words is not None:
                yield f"- {AGENCIES[agency]} {said}: {words}"
    everywhere = [mark for mark in next(iter(cells.values())).own if all(mark in cell.own for cell in cells.values())]
    for agency, cell in cells.items():
        yield from (f"- {AGENCIES[agency]}: {_named(mark, outcomes)}" for mark in cell.own if mark not in everywhere)
    yield from (f"- each: {_named(mark, outcomes)}" for mark in everywhere)
    yield from (f"- all: {_named(mark, outcomes)}" for mark in next(iter(cells.values())).shared)


def _named(mark: Mark, outcomes: Outcomes | None) -> str:
    name = f"`{mark.test}` in {mark.file.removeprefix('tests/')}"
    return name if outcomes is None else f"{name}: {outcomes.get((mark.file, mark.test), 'not run')}"

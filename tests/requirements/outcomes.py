"""What came of the marked tests in a run: `build/requirements.md`, the page with outcomes.

A test with parameters has passed when each of its cases has.
"""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

import pytest

from tests.requirements.marks import MARK, Mark, marks_in
from tests.requirements.page import whole_page

_GRAVER = ("not run", "passed", "skipped", "failed", "error")


def outcomes_of(reports: Iterable[tuple[str, pytest.TestReport]]) -> dict[tuple[str, str], str]:
    """File and test → the gravest outcome of its cases."""
    found: dict[tuple[str, str], str] = {}
    for outcome, report in reports:
        file, _, case = report.nodeid.partition("::")
        key = (file, case.partition("[")[0])
        found[key] = max(found.get(key, "not run"), outcome, key=_GRAVER.index)
    return found


def write(reports: Iterable[tuple[str, pytest.TestReport]], path: Path, marks: tuple[Mark, ...] | None = None) -> bool:
    """Write the page where a marked test ran; says whether it did."""
    known = marks_in() if marks is None else marks
    outcomes = outcomes_of(reports)
    if not any((mark.file, mark.test) in outcomes for mark in known):
        return False
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(whole_page(known, outcomes), "utf-8")
    return True


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Once a run is over, in the process that gathers it; a tier that sees the tree read-only writes no page."""
    if not os.access(config.rootpath, os.W_OK):
        return
    kinds = {kind: terminalreporter.stats.get(kind, []) for kind in _GRAVER[1:]}
    reports = [(kind, each) for kind, some in kinds.items() for each in some if isinstance(each, pytest.TestReport)]
    write(reports, config.rootpath / "build" / f"{MARK}s.md")

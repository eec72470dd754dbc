"""Which test shows which requirement, read from the marks that stand on the tests.

`@pytest.mark.requirement("R4", "huainan", …)` names the agencies whose text the test shows; "all" where the rule is
the same for all of them, or where the test runs once for each. The marks are read from the source: nothing has to be
imported to know them, and a page of them is the same on every machine.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

MARK = "requirement"
EVERY = "all"
TESTS = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, order=True)
class Mark:
    """One test that shows one requirement."""

    requirement: str
    file: str
    """From the root of the project."""
    test: str
    agencies: tuple[str, ...]
    """Ids of profiles, or "all" alone."""


def marks_in(folder: Path = TESTS) -> tuple[Mark, ...]:
    """Every mark of the test files under a folder, in order."""
    files = sorted(folder.rglob("test_*.py"))
    return tuple(sorted(mark for file in files for mark in _marks_of(file)))


def marks_of_source(source: str, file: str) -> Iterator[Mark]:
    """The marks that stand on the test functions of a source text.

    Raises:
        ValueError: A mark names something else than strings.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            for arguments in _calls_of(node.decorator_list):
                yield Mark(arguments[0], file, node.name, tuple(arguments[1:]))


def _marks_of(path: Path) -> Iterator[Mark]:
    text = path.read_text("utf-8")
    if f"mark.{MARK}" in text:
        yield from marks_of_source(text, path.relative_to(TESTS.parent).as_posix())


def _calls_of(decorators: Iterable[ast.expr]) -> Iterator[list[str]]:
    for each in decorators:
        if isinstance(each, ast.Call) and ast.unparse(each.func) == f"pytest.mark.{MARK}":
            values = [ast.literal_eval(argument) for argument in each.args]
            if len(values) < 2 or not all(isinstance(value, str) for value in values):
                raise ValueError(f"{ast.unparse(each)}: a requirement and at least one agency or {EVERY!r}, as strings")
            yield values

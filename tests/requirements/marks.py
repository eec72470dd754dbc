"""Which test shows which requirement, read from the marks that stand on the tests.

`@pytest.mark.requirement("R4", "huainan", …)` names the agencies whose text the test shows; "each" where it runs once
under each profile that ships; "all" where it shows a rule that is the same for all of them, on some profile. The marks
are read from the source: nothing has to be imported to know them, and a page of them is the same on every machine.
"""

from __future__ import annotations

import ast
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

MARK = "requirement"
EVERY = "all"
EACH = "each"
TIERS: Mapping[str, str] = {
    "unit": "u",
    "contract": "u",
    "crash": "u",
    "properties": "u",
    "vectors": "u",
    "scenario": "s",
    "interop": "p",
    "system": "p",
    "tiers/a_chroot": "a",
    "tiers/b_nspawn": "b",
    "tiers/c_machine": "c",
}
"""Folder under `tests/` → letter of the surroundings in which a test shows something, as the page explains them."""
TESTS = Path(__file__).resolve().parents[1]


@dataclass(frozen=True, order=True)
class Mark:
    """One test that shows one requirement."""

    requirement: str
    file: str
    """From the root of the project."""
    test: str
    agencies: tuple[str, ...]
    """Ids of profiles, or "each" or "all" alone."""

    @property
    def tier(self) -> str:
        """Letter of its surroundings; empty where the folder has none."""
        inside = self.file.removeprefix("tests/")
        return next((letter for folder, letter in TIERS.items() if inside.startswith(f"{folder}/")), "")

    def is_of(self, agency: str) -> bool:
        """Whether it shows that agency's own text, on its own profile."""
        return agency in self.agencies or self.agencies == (EACH,)


def marks_in(folder: Path = TESTS) -> tuple[Mark, ...]:
    """Every mark of the test files under a folder, in order."""
    files = sorted(folder.rglob("test_*.py"))
    return tuple(sorted(mark for file in files for mark in _marks_of(file)))


def marks_of_source(source: str, file: str) -> Iterator[Mark]:
    """The marks that stand on the test functions of a source text.

    Raises:
        ValueError: A mark names something else than strings, or says "each" of a test that runs once.
    """
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef) and node.name.startswith("test_"):
            for arguments in _calls_of(node.decorator_list):
                if EACH in arguments and not _runs_under_each_profile(node.decorator_list):
                    raise ValueError(f"{file}: {node.name}: {EACH!r} is for tests with a case for each shipped profile")
                yield Mark(arguments[0], file, node.name, tuple(arguments[1:]))


def _runs_under_each_profile(decorators: Iterable[ast.expr]) -> bool:
    written = [ast.unparse(each) for each in decorators]
    return any(each == "EACH" or ("parametrize" in each and "shipped_profiles()" in each) for each in written)


def _marks_of(path: Path) -> Iterator[Mark]:
    text = path.read_text("utf-8")
    if f"mark.{MARK}" in text:
        yield from marks_of_source(text, path.relative_to(TESTS.parent).as_posix())


def _calls_of(decorators: Iterable[ast.expr]) -> Iterator[list[str]]:
    for each in decorators:
        if isinstance(each, ast.Call) and ast.unparse(each.func) == f"pytest.mark.{MARK}":
            values = [ast.literal_eval(argument) for argument in each.args]
            if len(values) < 2 or not all(isinstance(value, str) for value in values):
                raise ValueError(
                    f"{ast.unparse(each)}: a requirement and at least one agency, {EACH!r} or {EVERY!r}, as strings"
                )
            yield values

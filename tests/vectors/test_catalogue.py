"""No row of the attack catalogue is without something that shows it."""

import ast
import re
from pathlib import Path

import pytest

from sealing.findings import Code
from tests.vectors.cases import CASES
from tests.vectors.catalogue import PAGE, ROWS, ROWS_WITH_VECTORS, Row, page, row_of, vectors_of
from tests.vectors.generate import VECTORS

ROOT = VECTORS.parents[1]
CODES = {code.value for code in Code}


def functions_of(path: Path) -> set[str]:
    tree = ast.parse(path.read_text("utf-8"))
    return {node.name for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)}


def test_the_catalogue_is_whole() -> None:
    assert [row.number for row in ROWS] == [*map(str, range(1, 61)), "R1", "R2"]


def test_the_page_is_the_present_one() -> None:
    assert PAGE.read_text("utf-8") == page(), "python -m tests.vectors.catalogue writes it"


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.number)
def test_every_row_is_shown(row: Row) -> None:
    assert vectors_of(row) or row.tests
    assert bool(vectors_of(row)) == (row.number in ROWS_WITH_VECTORS)
    for name in row.tests:
        path, _, function = name.partition("::")
        assert function in functions_of(ROOT / path), f"{name} is gone"


@pytest.mark.parametrize("row", [row for row in ROWS if row.number in ROWS_WITH_VECTORS], ids=lambda row: row.number)
def test_every_verdict_of_a_row_is_shown_by_a_vector(row: Row) -> None:
    wanted = set(re.findall(r"[A-Z_]{3,}", row.verdict)) & CODES
    shown = {code for case in vectors_of(row) for code in case.expect}
    assert wanted - {"GAP"} <= shown
    assert "OK" not in row.verdict or any(not case.expect for case in vectors_of(row))


def test_every_vector_belongs_to_a_row() -> None:
    known = {row.number for row in ROWS} | {"0"}
    assert {row_of(case) for case in CASES} <= known


def test_what_no_software_can_detect_is_named() -> None:
    """Row R2."""
    text = (ROOT / "sealing" / "FORMAT.md").read_text("utf-8").partition("## 10. Threat model")[2].partition("\n## ")[0]
    for words in ("cover the lens", "filmed screen", "replaced sensor", "never started", "root on the running unit"):
        assert words in text

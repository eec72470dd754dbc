"""Write every vector: `python -m tests.vectors.generate`. Keys are made anew, so all files change together."""

import shutil
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from tests.support.chains import agency
from tests.vectors import other_suites, spoiled_bytes, spoiled_with_keys, spoiled_with_witnesses
from tests.vectors.cases import CASES, Case

VECTORS = Path(__file__).parents[2] / "sealing" / "vectors"
AUTHORITY = "agency-ca.pem"
FILLED_BY = (other_suites, spoiled_bytes, spoiled_with_keys, spoiled_with_witnesses)
"""Importing these registers their cases."""


def generate(folder: Path = VECTORS) -> int:
    """Fill a folder anew; gives the number of file sets."""
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / AUTHORITY).write_bytes(agency().certificate().public_bytes(Encoding.PEM))
    for case in CASES:
        _write(case, folder / folder_of(case))
    return len(CASES)


def folder_of(case: Case) -> str:
    """Name of a case's file set; rows stand in order."""
    figures = case.row.rstrip("abcdefg")
    return f"{figures:0>2}{case.row[len(figures) :]}-{case.name}"


def _write(case: Case, folder: Path) -> None:
    folder.mkdir()
    case.make(folder)
    codes = " ".join(sorted(case.expect)) or "OK"
    said = {"row": case.row, "case": case.name, "suite": case.suite, "given": "a part" if case.part else "a chain"}
    lines = [f"{name}: {value}" for name, value in (said | {"expect": codes}).items()]
    (folder / "expect.txt").write_text("\n".join([*lines, ""]), "utf-8")


if __name__ == "__main__":
    generate()

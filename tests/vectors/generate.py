"""Write every vector: `python -m tests.vectors.generate`. Keys are made anew, so all files change together."""

import shutil
from pathlib import Path

from cryptography.hazmat.primitives.serialization import Encoding

from tests.support.chains import agency
from tests.vectors import spoiled_bytes, spoiled_with_keys
from tests.vectors.cases import CASES, Case

VECTORS = Path(__file__).parents[2] / "sealing" / "vectors"
AUTHORITY = "agency-ca.pem"
FILLED_BY = (spoiled_bytes, spoiled_with_keys)
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
    figures = case.row.rstrip("abcdefgh")
    return f"{figures:0>2}{case.row[len(figures) :]}-{case.name}"


def _write(case: Case, folder: Path) -> None:
    folder.mkdir()
    case.make(folder)
    codes = " ".join(sorted(case.expect)) or "OK"
    (folder / "expect.txt").write_text(f"row: {case.row}\ncase: {case.name}\nexpect: {codes}\n", "utf-8")


if __name__ == "__main__":
    generate()

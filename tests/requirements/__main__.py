"""Writes `docs/requirements.md` anew from the marks on the tests."""

from tests.requirements.marks import TESTS, marks_in
from tests.requirements.page import page
from tests.requirements.table import notes, table_of

(TESTS.parent / "docs" / "requirements.md").write_text(
    page(table_of(marks_in(), notes("absent"), notes("open"))), "utf-8"
)

"""Writes `docs/requirements.md` anew from the marks on the tests."""

from tests.requirements.marks import TESTS, marks_in
from tests.requirements.page import whole_page

(TESTS.parent / "docs" / "requirements.md").write_text(whole_page(marks_in()), "utf-8")

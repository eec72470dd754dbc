"""The specification's tables are those of the code."""

from tests.support import format_tables


def test_the_tables_of_the_specification_are_up_to_date() -> None:
    """SF-7: `python -m tests.support.format_tables` writes them."""
    text = format_tables.SPECIFICATION.read_text()
    assert format_tables.rewrite(text) == text
    assert "| 5 | device id | text |" in text

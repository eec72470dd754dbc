"""Every clause of the five regulations: what it gives the profile, in its words and figures (`articles/*.toml`).

The literals stand article by article, as the texts do. None is read from the profile that it is compared with.
"""

from functools import cache

import pytest

from agent.profile import load_profile, shipped_profiles
from tests.support.articles import Given, articles_of, given_by

EACH = pytest.mark.parametrize("name", shipped_profiles())
CLAUSES = [
    pytest.param(name, clause, id=f"{name}-{clause}") for name in shipped_profiles() for clause in articles_of(name)
]


@cache
def given(name: str) -> Given:
    return given_by(load_profile(name).profile)


@pytest.mark.parametrize(("name", "clause"), CLAUSES)
def test_pr_5_a_clause_gives_its_words_and_figures_and_nothing_else(name: str, clause: str) -> None:
    """PR-5."""
    assert given(name).get(clause) == articles_of(name)[clause]


@EACH
def test_pr_3_no_clause_is_cited_but_those_of_the_text(name: str) -> None:
    """PR-3, PR-5."""
    assert set(given(name)) == set(articles_of(name))


@EACH
def test_notice_and_statement_can_be_spoken_in_english_too(name: str) -> None:
    """A translation has a place for each officer's name, and a word for each item."""
    capture = load_profile(name).profile.capture
    if (notice := capture.notice) is not None:
        slot = notice.name_slot or "×××"
        assert notice.wording_en is not None
        assert notice.wording_en.count(slot) == notice.wording.count(slot)
    if (statement := capture.statement) is not None:
        assert len(statement.items_en) == len(statement.items)

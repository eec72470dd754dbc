"""What each article gives a profile: the profile turned round, by the clauses that its values cite."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path

from agent.profile import Profile

OWN = "the recorder's own"
"""Stands where a value cites nothing: names, and what the unit's own findings count as."""
DUTIES = "duties"
_TRANSLATIONS = ("en", "_en")
_ARTICLES = Path(__file__).resolve().parents[1] / "unit" / "agent" / "articles"

Given = dict[str, dict[str, object]]


@cache
def articles_of(name: str) -> Given:
    """What an agency's text gives, article by article, as it was copied from the text itself."""
    return tomllib.loads((_ARTICLES / f"{name}.toml").read_text("utf-8"))


def given_by(profile: Profile) -> Given:
    """Clause → dotted name of each value that cites it → the value; a duty goes by its requirement.

    Entries of a list go by their codes, and the list itself is its codes in their order. Translations are left out.
    """
    table = profile.model_dump(mode="json", exclude_unset=True)
    given: Given = {}
    for duty in table.pop(DUTIES, ()):
        said = given.setdefault(duty["clause"], {}).setdefault(duty["requirement"], [])
        assert isinstance(said, list)
        said.append(duty["zh"])
    for clause, name, value in _cited("", table, OWN):
        given.setdefault(clause, {})[name] = value
    return given


def _cited(at: str, section: Mapping[str, object], inherited: str) -> Iterator[tuple[str, str, object]]:
    clauses, limit = section.get("clauses", {}), section.get("limit", {})
    assert isinstance(clauses, dict)
    assert isinstance(limit, dict)
    whole = str(section.get("clause", limit.get("clause", inherited)))
    for key, value in section.items():
        if key not in {"clauses", "clause", "code"} and not key.endswith(_TRANSLATIONS):
            yield from _cited_value(f"{at}.{key}".lstrip("."), value, clauses.get(key, whole))


def _cited_value(name: str, value: object, clause: str) -> Iterator[tuple[str, str, object]]:
    if isinstance(value, dict):
        yield from _cited(name, value, clause)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        yield clause, name, [entry["code"] for entry in value]
        for entry in value:
            yield from _cited(f"{name}.{entry['code']}", entry, clause)
    else:
        yield clause, name, value

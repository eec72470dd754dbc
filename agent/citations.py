"""Which values of a profile name the article that gives them, and which do not.

Rules of this module: pure; looks at a loaded profile only. A value is cited by the `clauses` of its own section, or by
the clause that the section above gives for the whole list or table that it stands in (PR-5).
"""

from __future__ import annotations

from collections.abc import Iterator

from pydantic import BaseModel

from agent.profile import Profile
from capture.section import AGENCY_SETTING

_HEAD = "profile"
_RECORDERS_OWN = frozenset({"clauses", "code", "en", "covers", "schema_version"})
"""Keys and translations of the recorder's own making: no text could give them."""
_CITES_ITSELF = "clause"
"""Sections of sync carry one clause each, in this field …"""
_LIMIT = "limit"
"""… or in the limit that they are about."""


def uncited_values(profile: Profile) -> tuple[str, ...]:
    """Names of the values that say neither an article nor `agency setting`, dotted, in the file's order."""
    return tuple(
        name
        for section in sorted(profile.model_fields_set - {_HEAD})
        for name in _uncited(section, getattr(profile, section), cited=False)
    )


def citations(profile: Profile) -> tuple[tuple[str, str], ...]:
    """Every value that is cited, with its clause or `agency setting`, in the file's order."""
    found = [
        pair for section in sorted(profile.model_fields_set) for pair in _cited(section, getattr(profile, section))
    ]
    return tuple(found)


def agency_settings(profile: Profile) -> tuple[str, ...]:
    """Names of the values that the agency chose and no article gives."""
    return tuple(name for name, clause in citations(profile) if AGENCY_SETTING in clause)


def _uncited(name: str, value: object, *, cited: bool) -> Iterator[str]:
    if isinstance(value, BaseModel):
        yield from _uncited_section(name, value, cited=cited)
    elif isinstance(value, tuple) and any(isinstance(entry, BaseModel) for entry in value):
        for number, entry in enumerate(value):
            yield from _uncited(f"{name}.{number}", entry, cited=cited)
    elif not cited:
        yield name


def _uncited_section(name: str, section: BaseModel, *, cited: bool) -> Iterator[str]:
    clauses = _clauses_of(section)
    whole = cited or bool(_own_clause(section)) or bool(_own_clause(getattr(section, _LIMIT, None)))
    for field in sorted(section.model_fields_set - _RECORDERS_OWN - {_CITES_ITSELF}):
        if not field.endswith("_en"):
            yield from _uncited(f"{name}.{field}", getattr(section, field), cited=whole or field in clauses)


def _cited(name: str, value: object) -> Iterator[tuple[str, str]]:
    if isinstance(value, BaseModel):
        yield from ((f"{name}.{field}", clause) for field, clause in _clauses_of(value).items())
        if itself := _own_clause(value):
            yield name, itself
        for field in sorted(value.model_fields_set - {"clauses"}):
            yield from _cited(f"{name}.{field}", getattr(value, field))
    elif isinstance(value, tuple):
        for number, entry in enumerate(value):
            yield from _cited(f"{name}.{number}", entry)


def _own_clause(section: object) -> str:
    return str(getattr(section, _CITES_ITSELF, ""))


def _clauses_of(section: BaseModel) -> dict[str, str]:
    found = getattr(section, "clauses", {})
    return found if isinstance(found, dict) else {}

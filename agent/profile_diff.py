"""What differs between two profiles, value by value, with the clause of each (`recorder profile diff`).

Rules of this module: pure; looks at loaded profiles only. Entries of a list go by their code where they have one, so
that a row put in between moves nothing.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum

from pydantic import BaseModel, JsonValue

from agent.profile import Profile


@dataclass(frozen=True, slots=True)
class Stated:
    """One value of a profile."""

    value: JsonValue
    clause: str
    """The article that gives it, `agency setting`, or empty for what no text could give."""


@dataclass(frozen=True, slots=True)
class Change:
    """One value that differs."""

    name: str
    """Dotted, an entry of a list by its code: `capture.interruptions.causes.bad-weather.zh`."""
    before: Stated | None
    """None: the first profile does not have it."""
    after: Stated | None


def changes(before: Profile, after: Profile) -> tuple[Change, ...]:
    """Everything that differs, in the first profile's order, then what only the second one has."""
    old, new = stated_values(before), stated_values(after)
    names = [*old, *(name for name in new if name not in old)]
    return tuple(Change(name, old.get(name), new.get(name)) for name in names if old.get(name) != new.get(name))


def stated_values(profile: Profile) -> Mapping[str, Stated]:
    """Every value that a profile states, by its dotted name, with its clause."""
    return dict(_of_model("", profile, ""))


def _of_model(name: str, model: BaseModel, inherited: str) -> Iterator[tuple[str, Stated]]:
    clauses = getattr(model, "clauses", {})
    own = str(getattr(model, "clause", "")) or inherited
    for field in type(model).model_fields:
        if field in model.model_fields_set and field != "clauses":
            path = f"{name}.{field}" if name else field
            yield from _of_value(path, getattr(model, field), clauses.get(field, own))


def _of_value(name: str, value: object, clause: str) -> Iterator[tuple[str, Stated]]:
    if isinstance(value, BaseModel):
        yield from _of_model(name, value, clause)
    elif isinstance(value, tuple) and any(isinstance(entry, BaseModel) for entry in value):
        for number, entry in enumerate(value):
            yield from _of_value(f"{name}.{getattr(entry, 'code', number)}", entry, clause)
    else:
        yield name, Stated(_plain(value), clause)


def _plain(value: object) -> JsonValue:
    if isinstance(value, tuple):
        return [_plain(entry) for entry in value]
    if isinstance(value, Enum):
        return str(value.value)
    return value if value is None or isinstance(value, bool | int | float | str) else str(value)

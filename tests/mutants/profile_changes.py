"""Every small change that can be made to a profile, one value at a time.

Rules of this module: pure; tables in, tables out.
"""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date, timedelta

from capture.section import AGENCY_SETTING

Table = dict[str, object]
Place = tuple[str | int, ...]

_CLAUSES, _CLAUSE, _LIMIT, _HEAD = "clauses", "clause", "limit", "profile"
_UNCITED = frozenset({"code", "en", "covers", _CLAUSES, _CLAUSE})
_DUTIES, _SWAPPED = "duties", "first two swapped"
_OTHER_CHARACTER = {False: "甲", True: "x"}
_PAIR = 2


@dataclass(frozen=True)
class Change:
    """One value changed."""

    place: Place
    kind: str
    clause: str | None
    """What the value cites: an article, `AGENCY_SETTING`, or nothing."""
    table: Table
    """The profile with the change in it."""

    @property
    def key(self) -> str:
        """The value's place, dotted."""
        return ".".join(str(step) for step in self.place)

    @property
    def reason(self) -> str | None:
        """Why no test has to notice."""
        if any(str(step) == "en" or str(step).endswith("_en") for step in self.place):
            return "a translation, which no text gives"
        if self.place == (_DUTIES,) and self.kind == _SWAPPED:
            return "sentences are quoted one by one; their order says nothing"
        return None

    @property
    def of_an_article(self) -> bool:
        """Whether the value, or the citation, is the regulation's and not the agency's or the recorder's."""
        return self.clause is not None and self.clause != AGENCY_SETTING


def changes(table: Table) -> Iterator[Change]:
    """Every change to a profile's table: see `_other_values`; and each key removed.

    Left out is what says the same with one word less: an empty section, and a citation that the list above it repeats.
    """
    for place, value in _places(table, ()):
        clause = clause_of(table, place)
        if isinstance(place[-1], str) and value != {} and not _cited_twice(table, place):
            yield Change(place, "key removed", clause, _without(table, place))
        for kind, other in _other_values(value):
            yield Change(place, kind, clause, _with(table, place, other))


def clause_of(table: Table, place: Place) -> str | None:
    """The clause that a value cites: in its section, or in the nearest one above that cites the whole (PR-5)."""
    if _CLAUSES in place or place[-1] == _CLAUSE:
        value = _at(table, place)
        return value if isinstance(value, str) else None
    if place[0] == _HEAD or set(place) & _UNCITED or str(place[-1]).endswith("_en"):
        return None
    for depth in range(len(place) - 1, -1, -1):
        section = _at(table, place[:depth])
        if isinstance(section, Mapping) and (found := _cited_in(section, place[depth])) is not None:
            return found
    return None


def _cited_twice(table: Table, place: Place) -> bool:
    """Whether the list above repeats this citation, or each of these."""
    if place[-1] == _CLAUSES:
        cited = [(*place[:-1], key) for key in _keys(_at(table, place))]
    elif place[-2:-1] == (_CLAUSES,):
        cited = [(*place[:-2], place[-1])]
    else:
        return False
    without = _without(table, place)
    return all(clause_of(without, each) == clause_of(table, each) for each in cited)


def _keys(table: object) -> tuple[str, ...]:
    return tuple(table) if isinstance(table, dict) else ()


def _cited_in(section: Mapping[str, object], key: str | int) -> str | None:
    """What a section says of one of its values, or of all of them."""
    clauses, limit = section.get(_CLAUSES, {}), section.get(_LIMIT)
    if isinstance(clauses, Mapping) and key in clauses:
        return str(clauses[key])
    if _CLAUSE in section:
        return str(section[_CLAUSE])
    return str(limit[_CLAUSE]) if isinstance(limit, Mapping) and _CLAUSE in limit else None


def _places(value: object, at: Place) -> Iterator[tuple[Place, object]]:
    if at:
        yield at, value
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from _places(inner, (*at, key))
    elif isinstance(value, list):
        for number, entry in enumerate(value):
            yield from _places(entry, (*at, number))


def _other_values(value: object) -> Iterator[tuple[str, object]]:
    """What a value may be mistaken for."""
    if isinstance(value, bool):
        yield "flipped", not value
    elif isinstance(value, int | float):
        yield "one more", value + 1
        yield "doubled", value * 2
    elif isinstance(value, str) and value:
        middle = len(value) // 2
        yield "character changed", value[:middle] + _OTHER_CHARACTER[value.isascii()] + value[middle + 1 :]
        yield "character removed", value[:-1]
    elif isinstance(value, date):
        yield "a week later", value + timedelta(days=7)
    elif isinstance(value, list):
        yield from _other_lists(value)


def _other_lists(value: list[object]) -> Iterator[tuple[str, object]]:
    if value:
        yield "first removed", value[1:]
    if len(value) >= _PAIR and value[0] != value[1]:
        yield _SWAPPED, [value[1], value[0], *value[2:]]


def _at(table: object, place: Place) -> object:
    for step in place:
        table = table[step]  # type: ignore[index]
    return table


def _with(table: Table, place: Place, value: object) -> Table:
    changed = copy.deepcopy(table)
    _at(changed, place[:-1])[place[-1]] = value  # type: ignore[index]
    return changed


def _without(table: Table, place: Place) -> Table:
    changed = copy.deepcopy(table)
    del _at(changed, place[:-1])[place[-1]]  # type: ignore[attr-defined]
    return changed

"""No wrong profile can be loaded: every value of every shipped one, spoiled in turn (`agent/PROFILE.md`, PR-4)."""

import copy
import tomllib
from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from agent.profile import Profile, describe, load_profile, shipped_profiles

Table = dict[str, object]
Place = tuple[str | int, ...]
WRONG: Table = {"no": "such value"}
"""A table where a value belongs, of a form that no section has."""
FREE_TABLES = frozenset({"clauses"})
"""Keys of these are names of values, and checked as such."""


def table_of(name: str) -> Table:
    return tomllib.loads(load_profile(name).content.decode())


def places(value: object, at: Place = ()) -> Iterator[Place]:
    """Every value that is neither a table nor a list of tables."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from places(inner, (*at, key))
    elif isinstance(value, list) and any(isinstance(entry, dict) for entry in value):
        for number, entry in enumerate(value):
            yield from places(entry, (*at, number))
    else:
        yield at


def sections(value: object, at: Place = ()) -> Iterator[Place]:
    """Every table of fixed keys."""
    if isinstance(value, dict):
        yield at
        for key, inner in value.items():
            if key not in FREE_TABLES:
                yield from sections(inner, (*at, key))
    elif isinstance(value, list):
        for number, entry in enumerate(value):
            yield from sections(entry, (*at, number))


def changed(table: Table, at: Place, value: object) -> Table:
    """A copy with another value at a place."""
    spoiled = copy.deepcopy(table)
    found: object = spoiled
    for step in at[:-1]:
        found = found[step]  # type: ignore[index]
    found[at[-1]] = value  # type: ignore[index]
    return spoiled


def refused(table: Table) -> str:
    with pytest.raises(ValidationError) as caught:
        Profile.model_validate(table)
    return describe(caught.value, "own.toml")


@pytest.mark.parametrize("name", shipped_profiles())
def test_pr_4_every_value_of_another_kind_is_refused_and_its_key_named(name: str) -> None:
    """PR-4."""
    table = table_of(name)
    spoiled = list(places(table))
    assert len(spoiled) > 150
    for at in spoiled:
        said = refused(changed(table, at, WRONG))
        key = ".".join(str(step) for step in at)
        assert f"own.toml: {key}" in said, (key, said)


@pytest.mark.parametrize("name", shipped_profiles())
def test_pr_4_an_unknown_key_is_refused_wherever_it_stands(name: str) -> None:
    """PR-4."""
    table = table_of(name)
    found = list(sections(table))
    assert len(found) > 25
    for at in found:
        said = refused(changed(table, (*at, "colour"), "blue"))
        assert "colour" in said, at


@pytest.mark.parametrize("name", shipped_profiles())
def test_pr_4_a_clause_of_no_value_is_refused_wherever_it_stands(name: str) -> None:
    """PR-4, PR-5: a clause must name a value of its own section."""
    table = table_of(name)
    cited = sorted({at[:-1] for at in places(table) if "clauses" in at[-2:-1]})
    assert cited
    for at in cited:
        assert "clauses names colour" in refused(changed(table, (*at, "colour"), "X 1")), at


NUMBERS = {
    ("capture", "preflight"): ("battery_percent_low", "battery_percent_min", "storage_minutes_low"),
    ("capture", "warnings"): ("battery_alarm_minutes", "battery_end_minutes", "heat_alarm_celsius"),
    ("capture", "interruptions"): ("resume_after_power_loss_seconds",),
}


@pytest.mark.parametrize("name", shipped_profiles())
@pytest.mark.parametrize("wrong", [-1, 100_000, "many"])
def test_pr_4_thresholds_and_times_out_of_range_are_refused_with_key_value_and_rule(name: str, wrong: object) -> None:
    """PR-4, PR-9."""
    table = table_of(name)
    for section, keys in NUMBERS.items():
        for key in keys:
            if key.startswith("storage_minutes") and wrong == 100_000:
                continue  # a large medium is no mistake
            said = refused(changed(table, (*section, key), wrong))
            assert f"own.toml: {'.'.join(section)}.{key} = {wrong!r}" in said, said

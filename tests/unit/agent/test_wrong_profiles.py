"""No wrong profile can be loaded: every value of every shipped one, spoiled in turn (`agent/PROFILE.md`, PR-4)."""

import copy
import re
import tomllib
from collections.abc import Iterator

import pytest
from pydantic import ValidationError

from agent.errors import ProfileError
from agent.profile import Profile, describe, load_profile, parse_profile, shipped_profiles

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


SPOILED = {r"= (\d+)$": ('= "{}"', "= {}.0", "= true"), r"= (true|false)$": ('= "{}"', "= 1")}
"""A number, a yes or no at the end of a line → what a slip of the pen makes of it."""
DECIMAL = {"battery_percent_low", "battery_percent_min", "window_seconds"}
"""Numbers that need not be whole."""


@pytest.mark.parametrize("name", shipped_profiles())
def test_pr_4_a_number_as_text_or_a_yes_as_a_number_is_refused_and_its_key_named(name: str) -> None:
    """PR-4: what could be read as the value is not taken for it."""
    text = load_profile(name).content.decode()
    found = [
        (match, slip)
        for place, slips in SPOILED.items()
        for match in re.finditer(place, text, re.MULTILINE)
        for slip in slips
    ]
    assert len(found) > 40
    for match, slip in found:
        value = slip.format(match[1])
        spoiled = f"{text[: match.start()]}{value}{text[match.end() :]}"
        key = text[: match.start()].rpartition("\n")[2].strip()
        if key in DECIMAL and value.endswith(".0"):
            continue
        with pytest.raises(ProfileError, match=rf"own\.toml: .*{key}") as caught:
            parse_profile(spoiled.encode(), "own.toml")
        assert "; " in str(caught.value), (key, value)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"\xef\xbb\xbf", "begins with a byte order mark; save it as UTF-8 without one"),
        ('# 规则\na = "淮南"'.encode("gb18030"), r"not in UTF-8 \(line 1: .*\); save it as UTF-8"),
        ('a = 1\nb = "淮南"'.encode("gb18030"), r"not in UTF-8 \(line 2: .*\); save it as UTF-8"),
        ('a = "淮南"'.encode("utf-16"), "not in UTF-8"),
        (b"a = " + b"[" * 20_000, "nested too deeply"),
        (b".".join([b"a"] * 3_000) + b" = 1", r"profile = .*\{\.\.\.\}.*Field required; add it"),
        (b"a = " + b"9" * 5_000, "not a TOML file: .*4300 digits.*; correct that place"),
        (b"a = 1\x00", "not a TOML file: .*; correct that place"),
        (b"", "Field required; add it"),
    ],
)
def test_pr_2_whatever_somebody_gives_for_a_profile_is_refused_with_what_to_do(content: bytes, words: str) -> None:
    """PR-2: no file of whatever kind ends the agent, or the command, otherwise."""
    with pytest.raises(ProfileError, match=rf"(?s)^own\.toml: .*{words}"):
        parse_profile(content, "own.toml")


@pytest.mark.parametrize(
    ("before", "after", "words"),
    [
        ('zh = "检查场所变化"', 'zh = "  "', "nothing but blanks"),
        ('zh = "检查场所变化"', r'zh = "检查\n变化"', "an invisible character or a line break"),
        ('zh = "检查场所变化"', 'zh = "检查×××变化"', "a slot is open in it"),
        ('zh = "检查场所变化"', 'zh = "{cause}变化"', "a slot is open in it"),
        (
            "本次执法全程录音录像",
            "本次{x}执法全程录音录像",
            "wording has a slot that nothing fills; name it in name_slot",
        ),
        ("执法人员×××、×××", "执法人员×××、＊＊＊", "wording has a slot that nothing fills"),
    ],
)
def test_pr_8_words_that_could_not_be_spoken_are_refused_before_a_unit_has_to(
    before: str, after: str, words: str
) -> None:
    """PR-8: found when the profile is checked, and not when the unit starts, or hands itself over."""
    text = load_profile("huainan").content.decode()
    assert before in text
    with pytest.raises(ProfileError, match=words):
        parse_profile(text.replace(before, after, 1).encode(), "own.toml")

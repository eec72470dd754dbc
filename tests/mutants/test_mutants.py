"""Tests that tests notice: a sample each day, all of it in the soak."""

import json
import subprocess
import sys
import tomllib

import pytest

from agent.profile import load_profile, shipped_profiles
from tests.mutants.code import ROOMS
from tests.mutants.code_changes import MODULE, code_changes
from tests.mutants.profile_changes import Change, Table, changes
from tests.mutants.profiles import missed_by_articles
from tests.mutants.toml_text import toml_text
from tests.mutants.trials import ROOT

PROFILE: Table = {
    "capture": {
        "clauses": {"least": "HN 1", "who": "agency setting"},
        "least": 2,
        "who": "unit",
        "causes": [{"code": "a", "zh": "天气"}, {"code": "b", "zh": "其他"}],
    },
    "recording": {},
}

SOURCE = '''
LIMIT = 3

class Watch:
    def late(self, now: int = 0) -> bool:
        """Tell."""
        if self.off and now:
            return False
        return now >= LIMIT
'''


def missed(*arguments: str) -> tuple[int, list[dict[str, str]]]:
    """How many changes were tried, and which were missed."""
    command = [sys.executable, "-m", "tests.mutants", *arguments, "--json"]
    run = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode in {0, 1}, run.stderr
    said = json.loads(run.stdout)
    return said["tried"], said["missed"]


@pytest.mark.parametrize("name", shipped_profiles())
def test_no_change_to_a_profile_is_both_allowed_and_unnoticed_by_its_articles(name: str) -> None:
    """PR-3, PR-5: every value, each in its ways."""
    assert [(change.key, change.kind) for change in missed_by_articles(name)] == []


def test_the_tests_themselves_are_run_on_a_change_and_fail() -> None:
    assert missed("profiles", "--profile", "wuhu", "--sample", "3") == (3, [])


@pytest.mark.soak
@pytest.mark.parametrize("name", shipped_profiles())
def test_every_change_to_a_profile_fails_a_test_that_is_run(name: str) -> None:
    tried, survivors = missed("profiles", "--profile", name)
    assert tried > 800
    assert survivors == []


@pytest.mark.soak
@pytest.mark.parametrize("room", ROOMS)
def test_changes_to_code_that_decides_are_noticed(room: str) -> None:
    """Not all of them are: some change nothing and are not on the list yet. One in ten is where it begins to matter."""
    tried, survivors = missed("code", "--room", room, "--sample", "300")
    print(f"{room}: {len(survivors)} of {tried} missed")  # noqa: T201 - a soak prints its figures
    assert tried > 80
    assert len(survivors) <= tried // 10, survivors


@pytest.mark.parametrize("name", shipped_profiles())
def test_a_profile_that_is_written_anew_says_the_same(name: str) -> None:
    table = tomllib.loads(load_profile(name).content.decode())
    assert tomllib.loads(toml_text(table)) == table


def of(key: str) -> dict[str, Change]:
    return {change.kind: change for change in changes(PROFILE) if change.key == key}


def test_numbers_words_lists_and_keys_change_in_their_ways() -> None:
    assert set(of("capture.least")) == {"key removed", "one more", "doubled"}
    assert set(of("capture.who")) == {"key removed", "character changed", "character removed"}
    assert set(of("capture.causes")) == {"key removed", "first removed", "first two swapped"}
    assert of("recording") == {}, "an empty section says nothing"
    assert of("capture.least")["doubled"].table["capture"]["least"] == 4  # type: ignore[index]
    assert PROFILE["capture"]["least"] == 2  # type: ignore[index]


def test_a_change_tells_whether_an_article_is_touched() -> None:
    assert of("capture.least")["doubled"].of_an_article
    assert not of("capture.who")["character changed"].of_an_article
    assert not of("capture.causes")["first removed"].of_an_article


def test_code_changes_in_its_boundaries_branches_and_statements() -> None:
    found = [(change.function, change.change) for change in code_changes(SOURCE)]
    assert found == [
        (MODULE, "3  →  4"),
        (MODULE, "3  →  2"),
        (MODULE, "0  →  1"),
        (MODULE, "0  →  -1"),
        ("Watch.late", "if self.off and now:  →  if not (self.off and now):"),
        ("Watch.late", "self.off and now  →  self.off or now"),
        ("Watch.late", "return False  →  pass"),
        ("Watch.late", "False  →  True"),
        ("Watch.late", "return now >= LIMIT  →  pass"),
        ("Watch.late", "now >= LIMIT  →  now > LIMIT"),
    ]

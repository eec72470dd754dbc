"""Which changes to a shipped profile no test notices."""

from __future__ import annotations

import random
import shutil
import tempfile
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cache, partial
from pathlib import Path

import pytest
from pydantic import ValidationError

import agent.profile
import tests.support.rules
from agent.profile import Profile, load_profile, shipped_profiles
from tests.mutants.profile_changes import Change, changes
from tests.mutants.toml_text import toml_text
from tests.mutants.trials import ROOT, Fate, fate_of, with_collected
from tests.support.articles import articles_of, given_by

SEED = 20_200_086


@dataclass(frozen=True)
class Result:
    """One change and what became of it."""

    profile: str
    change: Change
    fate: Fate

    @property
    def missed(self) -> bool:
        """No test noticed, and there is no reason why none should."""
        return self.fate is Fate.SURVIVED and self.change.reason is None


def files_of_tests() -> list[str]:
    """The tests that should notice, those first that notice most."""
    agents = ROOT / "tests" / "unit" / "agent"
    own = [f"test_{name.replace('-', '_')}*.py" for name in shipped_profiles()]
    wanted = ("test_articles.py", *own, "test_every_agency.py", "test_profiles.py")
    found = [path for name in wanted for path in sorted(agents.glob(name))]
    found.append(ROOT / "tests" / "unit" / "capture_session" / "test_agencies.py")
    return [path.relative_to(ROOT).as_posix() for path in found]


def try_changes(sample: int | None = None, only: str | None = None) -> list[Result]:
    """Make each change, or a fixed sample of them, and see whether a test notices.

    Args:
        sample: So many changes, the same ones each time; None for all.
        only: Id of one profile; None for all five.
    """
    wanted = [(name, change) for name in shipped_profiles() if only in {None, name} for change in changes(_table(name))]
    if sample is not None:
        wanted = random.Random(SEED).sample(wanted, sample)
    with tempfile.TemporaryDirectory() as folder:
        return with_collected(files_of_tests(), partial(_try_each, wanted, Path(folder)))


def missed_by_articles(name: str) -> list[Change]:
    """The changes to a profile that neither its rules refuse nor the tests by clause notice; a second for them all."""
    found = []
    for change in changes(_table(name)):
        try:
            given = given_by(Profile.model_validate(change.table))
        except ValidationError:
            continue
        if given == articles_of(name) and change.reason is None:
            found.append(change)
    return found


def _try_each(wanted: Sequence[tuple[str, Change]], folder: Path, items: Sequence[pytest.Item]) -> list[Result]:
    _read_from(folder)
    relevant = {name: list(_relevant(name, items)) for name in shipped_profiles()}
    return [
        Result(name, change, fate_of(partial(_write, folder, name, change), relevant[name])) for name, change in wanted
    ]


def _table(name: str) -> dict[str, object]:
    return tomllib.loads(load_profile(name).content.decode())


def _read_from(folder: Path) -> None:
    """Let profiles be read from a copy, and each text be parsed once."""
    shutil.copytree(ROOT / "agent" / "profiles", folder / "profiles")
    vars(agent.profile).update(files=lambda _: folder, parse_profile=cache(agent.profile.parse_profile))
    vars(tests.support.rules).update(_PROFILES=folder / "profiles")
    for name in shipped_profiles():
        load_profile(name)


def _write(folder: Path, name: str, change: Change) -> None:
    (folder / "profiles" / f"{name}.toml").write_text(toml_text(change.table), "utf-8")


def _relevant(name: str, items: Sequence[pytest.Item]) -> Iterator[pytest.Item]:
    """Tests that could notice, in the order of `files_of_tests`; those about other agencies alone are left out."""
    others = {other for other in shipped_profiles() if other != name}
    for item in items:
        about = {item.path.stem.removeprefix("test_").replace("_", "-")}
        if isinstance(item, pytest.Function) and hasattr(item, "callspec"):
            about |= {str(value) for value in item.callspec.params.values()}
        if name in about or not about & others:
            yield item

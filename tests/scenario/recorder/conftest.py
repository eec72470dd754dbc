"""Units on the simulator; words are rendered once for all tests and copied."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest

from capture.recorder import CHINA
from capture.shell.wardrobe import VoiceSettings, Wardrobe
from hw_sim.options import Option
from tests.scenario.recorder.unit import OFFICERS, Place, copy_of, sample_profile

MakePlace = Callable[..., Place]


@pytest.fixture(scope="session", name="rendered")
def rendered_fixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips of the sample profile and its officers, by the real synthesiser; one folder for all workers of a run."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    directory, done = shared / "sample-voice", shared / "sample-voice.done"
    with (shared / "sample-voice.lock").open("w", encoding="ascii") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        if not done.exists():
            directory.mkdir(exist_ok=True)
            Wardrobe(VoiceSettings(directory), sample_profile(), CHINA).dress(OFFICERS, lambda _done, _total: None)
            done.touch()
    return directory


@pytest.fixture(name="make_place")
def make_place_fixture(tmp_path: Path, rendered: Path) -> MakePlace:
    def make(options: dict[str, Option] | None = None, **sections: object) -> Place:
        (tmp_path / "unit").mkdir()
        return Place(tmp_path / "unit", copy_of(rendered, tmp_path), sample_profile(**sections), options or {})

    return make


@pytest.fixture(name="place")
def place_fixture(make_place: MakePlace) -> Place:
    return make_place()

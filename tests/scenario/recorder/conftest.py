"""Units on the simulator; words are rendered once for all tests and copied."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from hw_sim.options import Option
from tests.scenario.recorder.unit import Place, copy_of, sample_profile
from tests.support.words import sample_words

MakePlace = Callable[..., Place]


@pytest.fixture(scope="session", name="rendered")
def rendered_fixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Clips of the sample profile and its officers, by the real synthesiser; one folder for all workers of a run."""
    return sample_words(tmp_path_factory)


@pytest.fixture(name="make_place")
def make_place_fixture(tmp_path: Path, rendered: Path) -> MakePlace:
    def make(options: dict[str, Option] | None = None, **sections: object) -> Place:
        (tmp_path / "unit").mkdir()
        return Place(tmp_path / "unit", copy_of(rendered, tmp_path), sample_profile(**sections), options or {})

    return make


@pytest.fixture(name="place")
def place_fixture(make_place: MakePlace) -> Place:
    return make_place()

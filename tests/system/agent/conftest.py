"""Units whose words are rendered once for all tests: that takes seconds, and is the voice's own tests' subject."""

import shutil
from pathlib import Path

import pytest

from agent.cli.main import run
from tests.support.provisioned_unit import SMALL, ProvisionedUnit, provision
from tests.support.words import begin_with, sample_words


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Voice directory of a unit that has its words from `recorder voice`, the profile being Huainan's."""
    unit = provision(tmp_path_factory.mktemp("rendered"))
    begin_with(sample_words(tmp_path_factory), unit.paths.voice)
    assert run(["--config", str(unit.config_path), "voice"]) == 0
    return unit.paths.voice


@pytest.fixture
def unit(tmp_path: Path, rendered: Path) -> ProvisionedUnit:
    """A fresh unit with its words."""
    made = provision(tmp_path / "unit")
    made.set_options({**SMALL, "speed": 1})
    shutil.copytree(rendered, made.paths.voice)
    return made

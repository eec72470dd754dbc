"""Units whose words are rendered once for all tests: that takes seconds, and is the voice's own tests' subject."""

import shutil
from pathlib import Path

import pytest

from tests.support.provisioned_unit import SMALL, ProvisionedUnit, provision, running


@pytest.fixture(scope="session")
def rendered(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Voice directory of a unit that has started once, the profile being Huainan's."""
    unit = provision(tmp_path_factory.mktemp("rendered"))
    unit.set_options({**SMALL, "speed": 1})
    with running(unit) as daemon:
        assert daemon.terminate() == 0, daemon.tail()
    return unit.paths.voice


@pytest.fixture
def unit(tmp_path: Path, rendered: Path) -> ProvisionedUnit:
    """A fresh unit with its words."""
    made = provision(tmp_path / "unit")
    made.set_options({**SMALL, "speed": 1})
    shutil.copytree(rendered, made.paths.voice)
    return made

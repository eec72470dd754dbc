"""A recording that every test may spoil."""

from pathlib import Path

import pytest

from tests.support.recordings import copy_of_film


@pytest.fixture
def film_copy(tmp_path: Path) -> Path:
    """A copy of one recording, in a folder of its own."""
    return copy_of_film(tmp_path / "sealed")

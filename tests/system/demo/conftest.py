"""Where the units of this folder's tests leave their voice for each other."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.support.once import made_once
from tests.support.words import begin_with, sample_words


@pytest.fixture(scope="session", name="voices")
def voices_fixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all workers of a test run; the first unit adds the words of its own profile."""
    words = sample_words(tmp_path_factory)
    return made_once(tmp_path_factory, "voices", lambda folder: begin_with(words, folder / "seed"))

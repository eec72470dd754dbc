"""Where the units of this folder's tests leave their voice for each other."""

from __future__ import annotations

import os
from pathlib import Path

import pytest


@pytest.fixture(scope="session", name="voices")
def voices_fixture(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One folder for all workers of a test run."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    folder = shared / "voices"
    folder.mkdir(exist_ok=True)
    return folder

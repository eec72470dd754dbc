"""Tier C runs where `.ci/tier-c` starts it: outside of the machine, beside the image that it made."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.tiers.c_machine.agency import Agency, found_agency
from tests.tiers.c_machine.machine import Image
from tests.tiers.c_machine.medium import Medium

_IMAGE = "RECORDER_TIER_C"
_TEST_SECONDS = 3600.0
"""A time-out here is a machine that hangs; how fast emulation is says nothing."""

collect_ignore_glob = [] if _IMAGE in os.environ else ["test_*.py"]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Time for emulation."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.timeout(_TEST_SECONDS))


@pytest.fixture(name="image", scope="session")
def image_fixture() -> Image:
    return Image(Path(os.environ[_IMAGE]))


@pytest.fixture(name="agency", scope="session")
def agency_fixture(tmp_path_factory: pytest.TempPathFactory) -> Agency:
    return found_agency(tmp_path_factory.mktemp("agency"))


@pytest.fixture(name="medium")
def medium_fixture(image: Image, agency: Agency, tmp_path: Path) -> Medium:
    """The evidence medium of a unit that was enrolled and never started."""
    path = tmp_path / "medium.img"
    agency.make_medium(path, image)
    return Medium(path)

"""Tier A runs where `.ci/tier-a` starts it: in a Debian 13 tree with libcamera, picamera2, ALSA and PulseAudio."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

import tests.tiers.a_chroot.no_preview  # noqa: F401 -- before anybody imports picamera2

if TYPE_CHECKING:
    from tests.tiers.a_chroot.bench_unit import BenchUnit

collect_ignore_glob = [] if importlib.util.find_spec("libcamera") is not None else ["test_*.py"]

_PICAMERA2_S_OWN = (
    "ignore:setDaemon:DeprecationWarning",
    "ignore::ResourceWarning",
    "ignore::pytest.PytestUnraisableExceptionWarning",
)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Warnings that picamera2 itself gives on this Python; everybody else's stay failures."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            for warning in _PICAMERA2_S_OWN:
                item.add_marker(pytest.mark.filterwarnings(warning))


@pytest.fixture(name="unit")
def unit_fixture(tmp_path: Path) -> Iterator[BenchUnit]:
    """A unit with all its parts, opened."""
    from tests.tiers.a_chroot.bench_unit import BenchUnit  # noqa: PLC0415 -- only where its libraries are

    unit = BenchUnit(tmp_path)
    yield unit
    unit.close()

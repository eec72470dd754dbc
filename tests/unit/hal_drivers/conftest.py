"""What several driver tests stand on."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.hal_drivers.sysfs import Sysfs


@pytest.fixture(name="sysfs")
def sysfs_fixture(tmp_path: Path) -> Sysfs:
    return Sysfs(tmp_path / "sys")

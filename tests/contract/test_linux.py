"""The drivers of any Linux machine pass their part of the suite, on real time and a real directory."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from hal.conformance import Rig
from hal.conformance.clock import ClockConformance
from hal.conformance.storage import StorageConformance
from hal.drivers.files import DirectoryStorage
from hal.drivers.system_clock import SystemClock
from hw_sim.drivers import driver_set


@pytest.fixture(name="rig")
def rig_fixture(tmp_path: Path) -> Iterator[Rig]:
    """The machine's clock and file system; the parts that it lacks come from a world that nobody looks at."""
    drivers = driver_set()
    hardware = drivers.open({}, str(tmp_path / "world-spool"))
    spool = DirectoryStorage(tmp_path / "spool")
    yield Rig("linux", drivers, replace(hardware, clock=SystemClock(), storage=spool))
    drivers.close()


class TestSystemClock(ClockConformance):
    @pytest.fixture
    def rig(self, rig: Rig) -> Iterator[Rig]:
        yield rig  # noqa: PT022 -- as in the suite that is overridden


class TestDirectoryStorage(StorageConformance):
    @pytest.fixture
    def rig(self, rig: Rig) -> Iterator[Rig]:
        yield rig  # noqa: PT022 -- as in the suite that is overridden

"""DR-1 to DR-3: a driver set as a whole."""

# ruff: noqa: S101 -- assert is how a test speaks

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from hal.conformance.rig import Rig, RigConformance
from hal.errors import DriverSetError
from hal.ports import Hardware
from hal.registry import installed_driver_sets, load_driver_set


class DriverSetConformance(RigConformance):
    """Finding, opening and closing."""

    def test_it_is_found_by_its_entry_point(self, rig: Rig) -> None:
        """DR-1: loaded by name, a fresh set each time."""
        assert rig.name in installed_driver_sets()
        assert load_driver_set(rig.name) is not load_driver_set(rig.name)
        assert rig.hardware.driver_set == rig.name

    def test_a_wrong_option_is_named_and_opens_nothing(self, rig: Rig, tmp_path: Path) -> None:
        """DR-2: unknown and wrong options are refused before anything is opened."""
        name, value = rig.wrong_option
        spool = tmp_path / "never"
        before = set(threading.enumerate())
        with pytest.raises(DriverSetError, match=name):
            load_driver_set(rig.name).open({name: value}, str(spool))
        assert not spool.exists()
        assert set(threading.enumerate()) <= before

    def test_closing_ends_every_thread_and_may_be_repeated(self, rig: Rig) -> None:
        """DR-3: what `open` started is gone after `close`."""
        rig.driver_set.close()
        rig.driver_set.close()

    def test_every_part_says_what_it_is(self, hardware: Hardware) -> None:
        """DR-4: descriptions are there without starting anything."""
        for part in (hardware.camera, hardware.microphone):
            description = part.describe()
            assert description.part
            assert description.model

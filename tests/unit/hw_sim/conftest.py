"""A world that moves only when a test says so, and whose loss of power ends nothing but itself."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hw_sim.world import World, WorldSettings

MakeWorld = Callable[..., World]


@pytest.fixture(name="power_cuts")
def power_cuts_fixture() -> list[str]:
    """One entry for each time the power went."""
    return []


@pytest.fixture(name="make_world")
def make_world_fixture(tmp_path: Path, power_cuts: list[str]) -> Iterator[MakeWorld]:
    worlds: list[World] = []

    def make(settings: WorldSettings | None = None) -> World:
        world = World(
            tmp_path / "world",
            tmp_path / "spool",
            settings or WorldSettings(speed="stepped"),
            power_off=lambda: power_cuts.append("off"),
        )
        worlds.append(world)
        if world.clock.speed == "stepped":
            world.start()
            world.clock.settle()
        return world

    yield make
    for world in worlds:
        world.close()


@pytest.fixture(name="world")
def world_fixture(make_world: MakeWorld) -> World:
    return make_world()

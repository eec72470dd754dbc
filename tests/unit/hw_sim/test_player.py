"""A scenario happens as it is written, and goes on where a killed process left it."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from hal.values import ButtonEdge, LampColour, LampPattern
from hw_sim.battery import SimBattery
from hw_sim.civil import NANOSECONDS
from hw_sim.player import ScenarioPlayer
from hw_sim.scenario import parse
from hw_sim.world import World
from tests.unit.hw_sim.conftest import MakeWorld


@dataclass
class Unit:
    """Listens to its buttons, as the agent does."""

    edges: list[ButtonEdge] = field(default_factory=list)

    def edge(self, edge: ButtonEdge) -> None:
        self.edges.append(edge)


Play = Callable[[World, str], ScenarioPlayer]


@pytest.fixture(name="ends")
def ends_fixture() -> list[str]:
    return []


@pytest.fixture(name="play")
def play_fixture(ends: list[str]) -> Iterator[Play]:
    players: list[ScenarioPlayer] = []

    def play(world: World, text: str) -> ScenarioPlayer:
        player = ScenarioPlayer(world, parse(text, "test.txt"), lambda: ends.append("end"))
        players.append(player)
        player.start()
        world.buttons.subscribe(Unit())
        world.clock.settle()
        return player

    yield play
    for player in players:
        player.stop()


def docked(world: World) -> bool:
    return world.dock_line.docked


def faults(world: World) -> list[tuple[float, str]]:
    begun_ns = world.memory.row("scenario")[2]
    return [
        (round((int(entry["world_ns"] or 0) - begun_ns) / NANOSECONDS, 3), f"{entry['part']} {entry['state']}")
        for entry in world.journal.since(0)
        if entry["kind"] == "fault"
    ]


def test_relative_and_absolute_times(world: World, play: Play) -> None:
    player = play(
        world, "after 2 s: unplug camera; after 1 s; plug camera\nat 10 s: stall disk 5 s\nat 4 s: cover camera"
    )
    world.clock.step_by(20.0)
    assert player.finished
    assert faults(world) == [
        (2.0, "camera unplugged"),
        (3.0, "camera plugged"),
        (10.0, "storage stalled"),
        (10.0, "camera covered"),
    ]


def test_it_waits_until_the_unit_listens(world: World) -> None:
    player = ScenarioPlayer(world, parse("dock"), lambda: None)
    player.start()
    world.clock.step_by(30.0)
    assert not docked(world)
    world.buttons.subscribe(Unit())
    world.clock.step_by(1.0)
    assert docked(world)
    player.stop()


def test_it_waits_for_lamps_and_words(world: World, play: Play) -> None:
    play(world, 'wait for lamp green steady\npress mark\nwait for words "全程录音"\ndock')
    unit = Unit()
    world.buttons.subscribe(unit)
    world.indicators.show(LampPattern(LampColour.GREEN, 500, 500))
    world.clock.step_by(5.0)
    assert unit.edges == []
    world.indicators.show(LampPattern(LampColour.GREEN))
    world.clock.step_by(5.0)
    assert len(unit.edges) == 2
    world.journal.speaking("unit", "全程录音录像", 0)
    world.clock.step_by(1.0)
    assert not docked(world)
    world.journal.spoken("unit", "全程录音录像", 0, 1, complete=True)
    world.clock.step_by(0.001)
    assert docked(world)


def test_it_waits_for_a_place_in_the_film(world: World, play: Play) -> None:
    place = world.memory.row("film", 0, 0)
    play(world, "wait for film at 12 s\ndock")
    place[0] = 11 * NANOSECONDS
    world.clock.step_by(5.0)
    assert not docked(world)
    place[0] = 12 * NANOSECONDS
    world.clock.step_by(0.3)
    assert docked(world)


def test_words_from_before_the_last_deed_do_not_count(world: World, play: Play) -> None:
    world.journal.spoken("unit", "标记", 0, 1, complete=True)
    player = play(world, 'after 1 s: press mark\nwait for words "标记" within 3 s')
    world.clock.step_by(2.0)
    assert not player.finished


def test_end_shuts_the_unit_down(world: World, play: Play, ends: list[str]) -> None:
    player = play(world, "after 1 s: end")
    world.clock.step_by(2.0)
    assert ends == ["end"]
    assert player.finished


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('\nwait for words "x" within 2 s', "line 2: .*did not happen within 2 s; the lamp is off"),
        ("expect lamp red", "line 1: .*is not so"),
    ],
)
def test_what_does_not_come_true_ends_it(
    world: World, play: Play, ends: list[str], text: str, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR):
        play(world, text)
        world.clock.step_by(3.0)
    (failed,) = [entry for entry in world.journal.since(0) if entry.get("state") == "failed"]
    assert ends == ["end"]
    assert caplog.messages == [failed["detail"]]
    assert re.search(message, str(failed["detail"]))


def test_a_power_cut_happens_once_and_the_rest_after_it(
    make_world: MakeWorld, play: Play, power_cuts: list[str]
) -> None:
    text = "after 1 s: power cut for 40 s\nafter 2 s: dock\n"
    world = make_world()
    player = play(world, text)
    world.clock.step_by(1.0)
    assert power_cuts == ["off"]
    player.stop()
    again = make_world()
    play(again, text)
    again.clock.step_by(1.9)
    assert not docked(again)
    again.clock.step_by(60.0)
    assert docked(again)
    assert power_cuts == ["off"]


def test_a_killed_process_goes_on_in_the_middle_of_a_pause(make_world: MakeWorld, play: Play) -> None:
    text = "undock; after 10 s: dock"
    world = make_world()
    play(world, text).stop()
    begun_ns = world.clock.world_ns
    world.clock.step_by(4.0)
    again = make_world()
    play(again, text)
    again.clock.step_to(begun_ns + 10 * NANOSECONDS - 1)
    assert not docked(again)
    again.clock.step_by(1e-9)
    assert docked(again)


def test_another_scenario_begins_at_its_beginning(make_world: MakeWorld, play: Play) -> None:
    world = make_world()
    play(world, "dock; after 100 s: dock").stop()
    again = make_world()
    play(again, "undock; battery 50 %")
    again.clock.step_by(1.0)
    assert not docked(again)
    assert SimBattery(again.battery).read().charge_percent == pytest.approx(50.0, abs=0.1)

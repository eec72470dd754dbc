"""Whatever happens to the unit happens by the world, and a killed process finds the same world again."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from hal.values import ButtonEdge, ButtonName, HeatReading, LampColour, LampPattern, TimeSource, VibrationPattern
from hw_sim.battery import LOADS_MW, Pack, SimBattery, open_voltage_mv
from hw_sim.buttons import BOUNCE_NS, Debouncer
from hw_sim.civil import NANOSECONDS
from hw_sim.dock import SimDock
from hw_sim.errors import SimulationError
from hw_sim.heat import SimHeat
from hw_sim.media.faults import Dead, Frozen
from hw_sim.memory import remembered
from hw_sim.moves import move
from hw_sim.world import BOOT_NS, RESTART_NS, World, WorldSettings
from tests.unit.hw_sim.conftest import MakeWorld


@dataclass
class Presses:
    edges: list[ButtonEdge] = field(default_factory=list)

    def edge(self, edge: ButtonEdge) -> None:
        self.edges.append(edge)


def test_a_press_is_two_edges_however_the_contacts_bounce(world: World) -> None:
    presses = Presses()
    world.buttons.subscribe(presses)
    begun_ns = world.clock.boottime_ns()
    settled_ns = world.press(ButtonName.MARK, held_seconds=2.0)
    world.clock.step_to(settled_ns)
    assert [(edge.button, edge.pressed) for edge in presses.edges] == [
        (ButtonName.MARK, True),
        (ButtonName.MARK, False),
    ]
    assert [edge.at_boottime_ns - begun_ns for edge in presses.edges] == [0, 2 * NANOSECONDS]


def test_two_quick_presses_are_four_edges(world: World) -> None:
    presses = Presses()
    world.buttons.subscribe(presses)
    world.clock.step_to(world.press(ButtonName.RECORD, held_seconds=0.06))
    world.clock.step_to(world.press(ButtonName.RECORD, held_seconds=0.06))
    assert [edge.pressed for edge in presses.edges] == [True, False, True, False]
    times = [edge.at_boottime_ns for edge in presses.edges]
    assert times == sorted(times)


def test_a_release_within_the_quiet_time_is_reported_when_it_is_over() -> None:
    debouncer = Debouncer()
    assert debouncer.contact(closed=True, at_ns=0) == (True, 0)
    assert debouncer.contact(closed=False, at_ns=5_000_000) is None
    assert debouncer.settled(BOUNCE_NS - 1) is None
    assert debouncer.settled(BOUNCE_NS) == (False, 5_000_000)
    assert debouncer.settled(2 * BOUNCE_NS) is None


def test_a_button_that_is_not_there_cannot_be_pressed(make_world: MakeWorld) -> None:
    world = make_world(WorldSettings(speed="stepped", buttons=(ButtonName.RECORD,)))
    assert world.buttons.fitted() == ("record",)
    with pytest.raises(SimulationError, match="no mark button"):
        world.press(ButtonName.MARK)


def test_the_pack_drains_by_what_is_on(world: World) -> None:
    gauge = SimBattery(world.battery)
    before = gauge.read()
    assert before.charge_percent == pytest.approx(95.0, abs=0.01)
    assert before.draw_mw == LOADS_MW["board"] + LOADS_MW["network"]
    world.clock.step_by(3600.0)
    idle = before.charge_percent - gauge.read().charge_percent
    world.battery.switch("camera", on=True)
    world.clock.step_by(3600.0)
    recording = before.charge_percent - idle - gauge.read().charge_percent
    assert idle == pytest.approx(1400 / 12_000 * 100, abs=0.02)
    assert recording == pytest.approx(3000 / 12_000 * 100, abs=0.02)


def test_the_dock_charges_and_is_seen(world: World) -> None:
    gauge, line = SimBattery(world.battery), SimDock(world.dock_line)
    world.battery.set_percent(40.0)
    assert not line.read().docked
    world.clock.step_by(1.0)
    world.move(docked=True)
    moved_ns = world.clock.boottime_ns()
    world.clock.step_by(3600.0)
    assert (line.read().docked, line.read().changed_boottime_ns) == (True, moved_ns)
    assert gauge.read().charging
    assert gauge.read().charge_percent > 85.0
    world.clock.step_by(36_000.0)
    assert gauge.read().charge_percent == 100.0


def do(world: World, deed: str) -> None:
    """As a scenario does it."""
    perform = move(deed)
    assert perform is not None
    perform(world)


def test_a_board_that_is_hot_or_weak_slows_itself_down(make_world: MakeWorld) -> None:
    """DR-34: as the firmware of a Raspberry Pi does; a process that is killed finds it as hot as it was."""
    first = make_world()
    sensors = SimHeat(first.heat)
    assert sensors.read() == HeatReading(45.0, throttled=False, undervoltage=False)
    do(first, "heat 85 °C")
    assert sensors.read() == HeatReading(85.0, throttled=True, undervoltage=False)
    do(first, "heat 71.5")
    do(first, "supply weak")
    first.close()
    second = make_world()
    assert SimHeat(second.heat).read() == HeatReading(71.5, throttled=True, undervoltage=True)
    do(second, "supply good")
    assert not SimHeat(second.heat).read().throttled


def test_an_empty_pack_cuts_the_power(make_world: MakeWorld, power_cuts: list[str]) -> None:
    world = make_world(WorldSettings(speed="stepped", pack=Pack(capacity_mwh=1.4, first_percent=100.0)))
    world.clock.step_by(2.5)
    assert power_cuts == []
    world.clock.step_by(2.0)
    assert power_cuts


def test_voltage_falls_with_charge() -> None:
    curve = [open_voltage_mv(percent) for percent in range(101)]
    assert curve[0] == 3300
    assert all(low < high for low, high in itertools.pairwise(curve))


def test_lamps_and_vibration_are_seen_once_per_change(world: World) -> None:
    steady = LampPattern(LampColour.GREEN, meaning="recording")
    world.indicators.show(steady)
    world.indicators.show(steady)
    world.vibration.pulse(VibrationPattern((100, 50, 100), "started"))
    seen = [(entry["kind"], entry.get("meaning")) for entry in world.journal.since(0)]
    assert seen[-2:] == [("lamp", "recording"), ("vibration", "started")]
    assert sum(kind == "lamp" for kind, _ in seen) == 1
    assert world.indicators.shown == steady


def test_faults_last_beyond_the_process(make_world: MakeWorld) -> None:
    world = make_world()
    world.plug_camera(plugged=False)
    world.cover_camera(covered=True)
    world.freeze_camera(Frozen.REPEATS)
    world.plug_microphone(plugged=False)
    world.kill_microphone(Dead.SILENT)
    world.plug_speaker(plugged=False)
    world.connect_network(up=False)
    world.close()
    again = make_world()
    assert (again.faults.camera_plugged, again.faults.camera_covered) == (False, True)
    assert again.faults.camera_frozen is Frozen.REPEATS
    assert (again.faults.microphone_plugged, again.faults.microphone_dead) == (False, Dead.SILENT)
    assert not again.faults.speaker_plugged
    assert not again.network_up


def test_a_crash_of_the_process_leaves_the_boot_going_on(make_world: MakeWorld) -> None:
    world = make_world()
    world.clock.step_by(100.0)
    before = world.clock.read()
    again = make_world()
    after = again.clock.read()
    assert after.boot_id == before.boot_id
    assert after.boottime_ns == before.boottime_ns + RESTART_NS
    assert after.utc_ns == before.utc_ns + RESTART_NS


def test_a_power_cut_starts_boottime_over_and_civil_time_goes_on(make_world: MakeWorld, power_cuts: list[str]) -> None:
    world = make_world()
    world.clock.step_by(100.0)
    before, charge = world.clock.read(), world.battery.percent()
    world.cut_power(off_seconds=40.0)
    assert power_cuts == ["off"]
    again = make_world()
    after = again.clock.read()
    assert after.boot_id != before.boot_id
    assert after.boottime_ns == BOOT_NS
    assert after.utc_ns == before.utc_ns + 40 * NANOSECONDS + BOOT_NS
    assert after.source is TimeSource.RTC
    assert again.battery.percent() == pytest.approx(charge, abs=1e-6)
    powered = [entry["on"] for entry in again.journal.whole() if entry["kind"] == "power"]
    assert powered == [True, False, True]


def test_the_units_clock_steps_drifts_and_is_put_right(make_world: MakeWorld) -> None:
    world = make_world(WorldSettings(speed="stepped", drift_ppm=50.0, time_source=TimeSource.RTC))
    start = world.clock.read()
    world.clock.step_by(10_000.0)
    drifted = world.clock.read()
    assert drifted.utc_ns - start.utc_ns == 10_000 * NANOSECONDS + 500_000_000
    assert drifted.uncertainty_ns - start.uncertainty_ns == 5 * NANOSECONDS
    world.step_clock(-90.0)
    assert world.clock.read().utc_ns == drifted.utc_ns - 90 * NANOSECONDS
    assert world.clock.read().boottime_ns == drifted.boottime_ns
    world.set_clock_source(TimeSource.NETWORK)
    right = world.clock.read()
    assert right.utc_ns == world.civil_utc_ns(right.boottime_ns)
    assert (right.source, right.uncertainty_ns) == (TimeSource.NETWORK, 5_000_000)
    world.set_clock_source(TimeSource.UNSET)
    assert world.clock.read().uncertainty_ns == -1


def test_the_memory_has_an_end_and_says_so(tmp_path: Path) -> None:
    world = World(tmp_path / "world", tmp_path / "spool", WorldSettings(speed="stepped"))
    world.close()
    with pytest.raises(SimulationError, match="does not fit"):
        world.memory.row("x" * 65)

    def fill() -> None:
        for number in range(100):
            world.memory.row(f"row {number}")

    with pytest.raises(SimulationError, match="no room"):
        fill()


def test_a_world_without_air_says_so(world: World) -> None:
    with pytest.raises(SimulationError, match="no air"):
        _ = world.air
    with pytest.raises(SimulationError, match="no voice"):
        world.say("甲", "你好")


def test_a_world_can_be_looked_into_from_outside(world: World, tmp_path: Path) -> None:
    page = tmp_path / "world" / "memory.page"
    world.memory.row("scenario", 7, 8)
    assert remembered(page, "scenario") == (7, 8, 0, 0, 0, 0, 0, 0)
    assert remembered(page, "nothing") is None
    assert remembered(tmp_path / "nowhere", "scenario") is None

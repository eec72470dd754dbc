"""The simulator passes what every driver set must pass, and the suite holds every rule of hal/DRIVERS.md."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from hal.conformance import Fate, HardwareConformance, Rig
from hal.values import ButtonName
from hw_sim.drivers import driver_set
from hw_sim.world import World

HELD = {
    "DR-1": "test_it_is_found_by_its_entry_point",
    "DR-2": "test_a_wrong_option_is_named_and_opens_nothing",
    "DR-3": "test_closing_ends_every_thread_and_may_be_repeated",
    "DR-4": "test_every_part_says_what_it_is",
    "DR-5": "test_boottime_never_goes_back_and_is_one_axis",
    "DR-6": "test_a_wait_ends_at_its_time_and_not_before",
    "DR-7": "test_raising_a_flag_wakes_every_waiter",
    "DR-8": "test_civil_time_admits_its_error",
    "DR-9": "test_the_battery_gives_possible_figures",
    "DR-10": "test_what_is_appended_and_synced_is_read_back",
    "DR-11": "test_a_file_is_made_once_and_only_here",
    "DR-12": "test_a_read_is_short_only_at_the_end",
    "DR-13": "test_files_are_listed_renamed_and_freed",
    "DR-14": "test_usage_falls_with_what_is_written",
    "DR-15": "test_a_full_medium_says_so",
    "DR-16": "test_groups_of_pictures_are_closed_and_begin_with_parameters",
    "DR-17": "test_what_comes_can_be_decoded_picture_for_picture",
    "DR-18": "test_capture_times_are_the_clocks_and_rise_at_the_rate",
    "DR-19": "test_about_one_picture_in_a_second_is_measured",
    "DR-20": "test_nothing_comes_after_stop_and_it_starts_again",
    "DR-21": "test_a_pulled_cable_is_told_once_and_can_be_put_back",
    "DR-22": "test_a_pulled_cable_is_told_once_and_can_be_put_back",
    "DR-23": "test_samples_are_counted_without_a_hole",
    "DR-24": "test_sample_times_are_the_clocks",
    "DR-25": "test_a_read_gives_up_in_time",
    "DR-26": "test_a_pulled_microphone_is_told_and_can_be_put_back",
    "DR-27": "test_a_clip_takes_as_long_as_it_is",
    "DR-28": "test_a_clip_can_be_cut_short",
    "DR-29": "test_the_microphone_hears_the_loudspeaker",
    "DR-30": "test_fitted_buttons_have_known_names",
    "DR-31": "test_a_press_is_two_edges_for_the_last_listener",
    "DR-32": "test_lamps_and_vibration_return_at_once",
    "DR-33": "test_the_dock_is_seen",
    "DR-34": "test_a_hot_board_says_so",
    "DR-36": "test_what_civil_time_is_held_against_is_a_figure_or_unknown",
    "DR-37": "test_a_caption_is_in_every_picture_and_in_no_measurement",
}
ELSEWHERE = {"DR-38": "tests/unit/hal/test_files.py"}
"""It takes a killed process and a medium that refuses what it was given: a driver's suite cannot bring that about."""


class TestSimulator(HardwareConformance):
    """On a world that runs as fast as the machine can."""

    @pytest.fixture
    def rig(self, tmp_path: Path) -> Iterator[Rig]:
        drivers = driver_set()
        hardware = drivers.open({"speed": "max", "disk_mib": 64}, str(tmp_path / "spool"))
        assert drivers.world is not None
        with hardware.clock.participate():
            yield Rig("sim", drivers, hardware, fates(drivers.world))
            drivers.close()


def fates(world: World) -> dict[Fate, Callable[[], None]]:
    return {
        Fate.UNPLUG_CAMERA: lambda: world.plug_camera(plugged=False),
        Fate.PLUG_CAMERA: lambda: world.plug_camera(plugged=True),
        Fate.UNPLUG_MICROPHONE: lambda: world.plug_microphone(plugged=False),
        Fate.PLUG_MICROPHONE: lambda: world.plug_microphone(plugged=True),
        Fate.PRESS_RECORD: lambda: world.timeline.plan(0, lambda: press(world)),
        Fate.DOCK: lambda: world.move(docked=True),
        Fate.UNDOCK: lambda: world.move(docked=False),
        Fate.FILL_STORAGE: lambda: world.fill_storage(1_000),
        Fate.HEAT: lambda: world.heat_board(85.0),
    }


def press(world: World) -> None:
    world.press(ButtonName.RECORD)


@pytest.mark.parametrize("rule", HELD)
def test_every_rule_is_held_by_the_suite(rule: str) -> None:
    text = Path("hal/DRIVERS.md").read_text(encoding="utf-8")
    assert f"**{rule}**" in text
    test = getattr(HardwareConformance, HELD[rule])
    assert rule in test.__doc__


@pytest.mark.parametrize("rule", ELSEWHERE)
def test_what_the_suite_cannot_provoke_is_held_elsewhere(rule: str) -> None:
    assert f'"""{rule}:' in Path(ELSEWHERE[rule]).read_text(encoding="utf-8")


def test_no_rule_is_left_out() -> None:
    text = Path("hal/DRIVERS.md").read_text(encoding="utf-8")
    assert {f"DR-{part.split('**')[0]}" for part in text.split("**DR-")[1:]} == {*HELD, *ELSEWHERE}


def test_the_simulator_skips_nothing(tmp_path: Path) -> None:
    """Every fate that the suite knows can happen in the simulated world."""
    world = World(tmp_path / "world", tmp_path / "spool")
    assert set(fates(world)) == set(Fate)
    world.close()


class TestRig:
    """A rig that lacks a hand says so."""

    def test_what_cannot_be_done_is_skipped(self, tmp_path: Path) -> None:
        drivers = driver_set()
        hardware = drivers.open({}, str(tmp_path / "spool"))
        rig = Rig("sim", drivers, hardware)
        with pytest.raises(pytest.skip.Exception, match="cannot put into the dock"):
            rig.do(Fate.DOCK)
        drivers.close()

"""The simulator is found like any other hardware, and refuses what it does not understand."""

from __future__ import annotations

import json
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest

from hal.errors import DriverSetError, PermanentHardwareError
from hal.registry import installed_driver_sets, load_driver_set
from hal.values import ButtonEdge, ButtonName, CameraSettings, EncodedFrame, MicrophoneSettings, TimeSource
from hw_sim.battery import Pack
from hw_sim.civil import NANOSECONDS
from hw_sim.drivers import SimDriverSet
from hw_sim.options import Option, read_options
from hw_sim.pacer import real_ns
from hw_sim.simulation import simulation
from tests.unit.hw_sim_media.support import ClipSpec, make_clip, tone


@dataclass
class Unit:
    frames: list[EncodedFrame] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    edges: list[ButtonEdge] = field(default_factory=list)

    def frame(self, frame: EncodedFrame) -> None:
        self.frames.append(frame)

    def fault(self, reason: str) -> None:
        self.faults.append(reason)

    def edge(self, edge: ButtonEdge) -> None:
        self.edges.append(edge)


def test_the_entry_point_leads_to_it() -> None:
    assert "sim" in installed_driver_sets()
    assert isinstance(load_driver_set("sim"), SimDriverSet)


def test_options_become_a_world(tmp_path: Path) -> None:
    given: dict[str, Option] = {
        "world_directory": str(tmp_path / "elsewhere"),
        "speed": "max",
        "seed": 7,
        "battery_percent": 40,
        "battery_mwh": 9000.0,
        "disk_mib": 512,
        "sync_ms": 2.5,
        "start_utc": "2026-03-02T08:30:00+08:00",
        "clock_drift_ppm": -12.5,
        "clock_source": "rtc",
        "microphone_ppm": 200,
        "buttons": "record",
        "stall_seconds": 30,
        "width": 640,
        "height": 360,
        "frames_per_second": 25,
    }
    options = read_options(given, tmp_path / "spool")
    settings = options.settings
    assert options.world_directory == tmp_path / "elsewhere"
    assert (settings.speed, settings.seed, settings.pack) == ("max", 7, Pack(9000.0, 40.0))
    assert (settings.quota_bytes, settings.sync_seconds) == (512 << 20, 0.0025)
    assert settings.first_utc_ns == 1_772_411_400 * NANOSECONDS
    assert (settings.drift_ppm, settings.time_source) == (-12.5, TimeSource.RTC)
    assert (settings.microphone_ppm, settings.buttons) == (200.0, (ButtonName.RECORD,))
    assert (options.width, options.height, options.frames_per_second) == (640, 360, 25.0)


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("sped", 4, "hal.options.sped: no such option .* did you mean 'speed'"),
        ("zzz", 4, "there are battery_mwh"),
        ("speed", "fast", "hal.options.speed = 'fast': give a number"),
        ("speed", True, "give a number"),
        ("seed", 1.5, "give a whole number"),
        ("width", 4, "from 16 to 7680"),
        ("battery_percent", 101, "from 0 to 100"),
        ("start_utc", "2026-01-01T09:00:00", "with its zone"),
        ("clock_source", "sundial", "sundial"),
        ("buttons", "record,panic", "panic"),
        ("scenario", "/nonexistent/scenario.txt", "no such file"),
        ("video", "", "give a text"),
    ],
)
def test_a_wrong_option_is_named(tmp_path: Path, name: str, value: Option, message: str) -> None:
    with pytest.raises(DriverSetError, match=message):
        SimDriverSet().open({name: value}, str(tmp_path / "spool"))
    assert list(tmp_path.iterdir()) == []


def test_an_unreadable_scenario_or_film_is_refused_at_once(tmp_path: Path) -> None:
    text = tmp_path / "bad.txt"
    text.write_text("press the button\n", encoding="utf-8")
    for name, message in (("scenario", "bad.txt, line 1"), ("video", "bad.txt")):
        with pytest.raises(DriverSetError, match=message):
            SimDriverSet().open({name: str(text)}, str(tmp_path / "spool"))


def test_a_spool_that_cannot_be_is_a_broken_part(tmp_path: Path) -> None:
    (tmp_path / "spool").write_text("in the way", encoding="utf-8")
    drivers = SimDriverSet()
    with pytest.raises(PermanentHardwareError, match=r"spool .* cannot be used"):
        drivers.open({}, str(tmp_path / "spool"))
    assert drivers.world is None


def test_it_opens_once_and_closes_twice(tmp_path: Path) -> None:
    drivers = SimDriverSet()
    drivers.open({}, str(tmp_path / "spool"))
    with pytest.raises(DriverSetError, match="open already"):
        drivers.open({}, str(tmp_path / "spool"))
    drivers.close()
    drivers.close()


def test_no_time_passes_between_opening_and_the_first_participant(tmp_path: Path) -> None:
    drivers = SimDriverSet()
    hardware = drivers.open({"speed": "max"}, str(tmp_path / "spool"))
    opened_ns = hardware.clock.boottime_ns()
    deadline_ns = real_ns() + 50_000_000
    while real_ns() < deadline_ns:
        assert hardware.clock.boottime_ns() == opened_ns
    drivers.close()


def test_a_closed_world_holds_no_film(tmp_path: Path) -> None:
    sound = np.stack([tone(1.0, 440, 44_100)] * 2)
    film = make_clip(tmp_path / "film.mp4", ClipSpec(frames=30, sound=sound)).resolve()
    drivers = SimDriverSet()
    hardware = drivers.open({"video": str(film), "speed": "max"}, str(tmp_path / "spool"))
    unit = Unit()
    with hardware.clock.participate():
        hardware.camera.start(CameraSettings(), unit)
        hardware.microphone.start(MicrophoneSettings())
        heard = [hardware.microphone.read(1.0) for _ in range(20)]
        hardware.microphone.stop()
        hardware.camera.stop()
    opened = _open_files()
    drivers.close()
    assert all(heard)
    assert unit.frames
    assert film in opened
    assert film not in _open_files()


def test_the_truth_holds_every_frame_and_sample_that_was_given(tmp_path: Path) -> None:
    scenario = tmp_path / "scenario.txt"
    scenario.write_text(
        'after 2 s: unplug camera\nafter 1 s: plug camera\n甲某 says "好"\nafter 9 s\n', encoding="utf-8"
    )
    drivers = SimDriverSet()
    options: dict[str, Option] = {"scenario": str(scenario), "speed": "max", "width": 160, "height": 90}
    hardware = drivers.open(options, str(tmp_path / "spool"))
    unit, samples = Unit(), 0
    with hardware.clock.participate():
        settings = hardware.camera.start(CameraSettings(), unit)
        hardware.microphone.start(MicrophoneSettings())
        hardware.buttons.subscribe(unit)
        while hardware.clock.boottime_ns() < 15 * NANOSECONDS:
            block = hardware.microphone.read(1.0)
            samples += block.sample_count if block else 0
        hardware.microphone.stop()
        hardware.camera.stop()
    drivers.close()
    assert (settings.width_pixels, settings.height_pixels) == (160, 90)
    assert len(unit.faults) == 1
    document = json.loads((tmp_path / "world" / "simulation.json").read_text(encoding="utf-8"))
    (run,) = document["frames"]["runs"]
    assert run["captured_boottime_ns"] == [frame.captured_boottime_ns for frame in unit.frames]
    assert run["stopped"] == "unplugged"
    assert document["samples"]["count"] == samples > 0
    assert [(each["cause"], each["to_world_ns"] - each["from_world_ns"]) for each in document["breaks"]] == [
        ("camera unplugged", NANOSECONDS)
    ]
    assert [each["words"] for each in document["words"]] == ["好"]


def test_the_truth_of_a_killed_process_can_be_told(tmp_path: Path) -> None:
    (tmp_path / "truth.jsonl").write_text(
        '{"kind": "camera_started", "boot_id": "b", "at_boottime_ns": 1}\n'
        '{"kind": "camera_frame", "sensor_sequence": 0, "captured_boottime_ns": 5, "picture_number": 0}\n'
        '{"kind": "camera_frame", "sensor_seq',
        encoding="utf-8",
    )
    (tmp_path / "journal.jsonl").write_text(
        '{"kind": "power", "on": true, "new_boot": true, "world_ns": 1}\n'
        '{"kind": "lamp", "world_ns": 7, "colour": "green"}\n'
        '{"kind": "power", "on": true, "new_boot": false, "world_ns": 20}\n'
        '{"kind": "power", "on": false, "world_ns": 30}\n'
        '{"kind": "power", "on": true, "new_boot": true, "world_ns": 90}\n',
        encoding="utf-8",
    )
    document = simulation(tmp_path)
    assert document["frames"] == {
        "count": 1,
        "runs": [{"boot_id": "b", "at_boottime_ns": 1, "sensor_sequence": [0], "captured_boottime_ns": [5]}],
    }
    assert document["breaks"] == [
        {"cause": "process ended", "from_world_ns": 7, "to_world_ns": 20},
        {"cause": "power cut", "from_world_ns": 30, "to_world_ns": 90},
    ]


def _open_files() -> set[Path]:
    found: set[Path] = set()
    for each in Path("/proc/self/fd").iterdir():
        with suppress(FileNotFoundError):  # A thread of the world has closed it meanwhile.
            found.add(each.readlink())
    return found

"""What sync and others are told: the dock, an open session, the status."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from agent.beacon import Beacon
from agent.config import AgentConfig, HalTable, ProfileTable, UnitPaths, UnitTable
from capture.events import DockStanding
from hal.errors import TransientHardwareError
from hal.values import DockReading
from sealing.framing import open_header
from sealing.reader import SealedFile, sealed_files
from sealing.records import Close, DockChange, Event
from sealing.service import SealingService
from sync.unit.progress_file import ProgressFile
from sync.unit.reports import Report
from tests.support.chains import start_writer
from tests.support.clocks import MiddayClock


class HandDock:
    """A dock that a hand moves."""

    def __init__(self) -> None:
        self.docked = False
        self.broken = False

    def read(self) -> DockReading:
        if self.broken:
            raise TransientHardwareError("no answer")
        return DockReading(self.docked, 0)


@dataclass
class Recording:
    going_on: bool = False


@dataclass
class Scene:
    beacon: Beacon
    dock: HandDock
    paths: UnitPaths
    sealing: SealingService
    recording: Recording
    told: list[DockStanding]

    def says(self, receipted_to: int) -> None:
        """What sync says in the run directory."""
        ProgressFile(self.paths.run / "sync.json").report(Report("idle", receipted_to=receipted_to))

    def link(self) -> dict[str, bool]:
        found: dict[str, bool] = json.loads(self.paths.link.read_text())
        return found

    def records(self) -> list[object]:
        found: list[object] = []
        for path in sealed_files(self.paths.spool):
            with SealedFile(path) as file:
                file.check_magic()
                while (record := file.next_record()) is not None:
                    found.append(open_header(record.header)[1].body)
        return found


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    table = UnitTable(device_id="u", state_directory=tmp_path, run_directory=tmp_path / "run")
    paths = UnitPaths(AgentConfig(unit=table, hal=HalTable(driver_set="-"), profile=ProfileTable(name="-")))
    paths.spool.mkdir()
    paths.run.mkdir()
    clock, dock = MiddayClock(), HandDock()
    sealing = SealingService(lambda: start_writer(paths.spool, clock), clock)
    sealing.start()
    recording = Recording()
    told: list[DockStanding] = []
    status = {"recording": recording.going_on}
    beacon = Beacon(paths, clock, dock, sealing, lambda: recording.going_on, lambda: status, told.append)
    beacon.begin()
    yield Scene(beacon, dock, paths, sealing, recording, told)
    sealing.stop("stop", 60)


def test_a_stale_word_of_the_process_before_is_replaced_at_once(scene: Scene) -> None:
    assert scene.link() == {"docked": False, "session_open": False}


def test_docking_is_sealed_the_ledger_closed_and_only_then_sync_is_let_in(scene: Scene) -> None:
    scene.dock.docked = True
    scene.beacon.look()
    assert scene.link() == {"docked": True, "session_open": False}
    sealed = scene.records()
    assert DockChange(docked=True) in sealed
    assert isinstance(sealed[-1], Close)
    assert sealed[-1].reason == "dock"
    assert scene.beacon.docked


def test_an_open_session_keeps_sync_out_until_it_has_ended(scene: Scene) -> None:
    scene.recording.going_on = True
    scene.dock.docked = True
    scene.beacon.look()
    assert scene.link() == {"docked": True, "session_open": True}
    scene.sealing.seal(Event("behind-the-dock", None, ())).result(60)
    assert not any(isinstance(body, Close) for body in scene.records())
    scene.recording.going_on = False
    scene.beacon.look()
    assert scene.link() == {"docked": True, "session_open": False}
    assert isinstance(scene.records()[-1], Close)


def test_a_press_in_the_dock_and_undocking_are_told(scene: Scene) -> None:
    scene.dock.docked = True
    scene.beacon.look()
    scene.recording.going_on = True
    scene.beacon.look()
    assert scene.link() == {"docked": True, "session_open": True}
    scene.recording.going_on = False
    scene.dock.docked = False
    scene.beacon.look()
    assert scene.link() == {"docked": False, "session_open": False}
    scene.sealing.roll_ledger("test").result(60)
    changes = [body.docked for body in scene.records() if isinstance(body, DockChange)]
    assert changes == [True, False]


def test_all_uploaded_is_said_of_this_docking_and_stays_true(scene: Scene) -> None:
    """SY-38."""
    scene.says(receipted_to=0)
    scene.dock.docked = True
    scene.beacon.look()
    scene.beacon.look()
    assert scene.told == [DockStanding.UPLOADING], "what sync said of an earlier docking does not count"
    scene.says(receipted_to=1)
    scene.beacon.look()
    ProgressFile(scene.paths.run / "sync.json").report(Report("begin", files_left=1, bytes_left=10, receipted_to=1))
    scene.beacon.look()
    assert scene.told == [DockStanding.UPLOADING, DockStanding.UPLOADED]
    scene.recording.going_on = True
    scene.beacon.look()
    scene.recording.going_on = False
    scene.sealing.seal(Event("something-new", None, ()))
    scene.beacon.look()
    scene.dock.docked = False
    scene.beacon.look()
    assert scene.told[2:] == [DockStanding.UPLOADING, DockStanding.OUT]


def test_docking_again_without_news_ends_no_file(scene: Scene) -> None:
    """SY-38, SF-60."""
    for docked in (True, False, True, False, True):
        scene.dock.docked = docked
        scene.beacon.look()
    assert len(scene.sealing.sealed_files()) == 1
    scene.says(receipted_to=1)
    scene.beacon.look()
    assert scene.told[-1] is DockStanding.UPLOADED


def test_a_dock_that_does_not_answer_counts_as_out_of_it(scene: Scene) -> None:
    scene.dock.docked = True
    scene.beacon.look()
    scene.dock.broken = True
    scene.beacon.look()
    assert scene.link()["docked"] is False


def test_the_status_is_written_whole(scene: Scene) -> None:
    scene.beacon.write_status()
    assert json.loads(scene.paths.status.read_text()) == {"recording": False}
    assert sorted(path.name for path in scene.paths.run.iterdir()) == ["link.json", "status.json"]


def test_its_thread_looks_by_itself(scene: Scene) -> None:
    scene.beacon.worker.start()
    scene.dock.docked = True
    clock = MiddayClock()
    for _ in range(1200):
        if scene.link()["docked"] and scene.paths.status.exists():
            break
        clock.wait(clock.signal(), 0.05)
    scene.beacon.worker.request_stop()
    assert scene.beacon.worker.join(60)
    assert scene.link()["docked"]
    assert scene.paths.status.exists()

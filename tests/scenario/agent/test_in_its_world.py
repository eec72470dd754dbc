"""The whole agent inside a simulated world, its clock held by the test."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from agent.control_wire import CheckRequest, StatusRequest, TrustStoreRequest
from agent.errors import RefusedError
from capture.errors import RecorderBusyError
from sealing.records import Event
from sealing.verifier import verify_chain
from tests.support.agent_in_world import Scene, hummed, running_in_world
from tests.support.provisioned_unit import provision
from tests.unit.sync.test_log_watch import bodies


@pytest.fixture
def voice() -> Path:
    return hummed()


@pytest.fixture
def scene(tmp_path: Path, voice: Path) -> Iterator[Scene]:
    with running_in_world(provision(tmp_path / "unit"), voice) as scene:
        yield scene
    verify_chain([scene.prepared.paths.spool], scene.unit.trust)


def link(scene: Scene) -> dict[str, bool]:
    found: dict[str, bool] = json.loads(scene.prepared.paths.link.read_text())
    return found


def test_sync_learns_of_a_press_at_once_and_of_the_end_in_the_dock(scene: Scene) -> None:
    scene.world.move(docked=True)
    scene.wait(1.0)
    assert link(scene) == {"docked": True, "session_open": False}
    scene.press()
    scene.wait(0.3)
    assert link(scene) == {"docked": True, "session_open": True}
    scene.wait(6.0)
    assert scene.agent.summary() in {"recording, session 1", "notice, session 1"}
    scene.press(2.3)
    scene.wait(8.0)
    assert link(scene) == {"docked": True, "session_open": False}
    names = sorted(path.name for path in scene.prepared.paths.spool.glob("*.evs"))
    report = verify_chain([scene.prepared.paths.spool], scene.unit.trust)
    assert all(file.closed for file in report.files), f"the ledger stays open in the dock: {names}"


def test_a_stalled_medium_is_no_reason_to_start_again_until_it_lasts(scene: Scene) -> None:
    scene.press()
    scene.wait(6.0)
    scene.world.stall_storage(15.0)
    for _ in range(15):
        scene.wait(1.0)
        assert scene.agent.health().good
    scene.wait(5.0)
    scene.world.stall_storage(60.0)
    scene.wait(35.0)
    assert "writer" in scene.agent.health().stalled
    assert scene.agent.health().ended == ()
    scene.wait(40.0)
    assert scene.agent.health().good


def test_a_custodians_decision_about_the_store_is_sealed_and_the_unit_goes_on(scene: Scene) -> None:
    """SY-43, SY-64."""
    paths = scene.prepared.paths
    (paths.inbox / "store.contradiction").write_text(json.dumps({"reason": "the log is smaller"}))
    scene.wait(2.0)
    upload = scene.agent.answer(StatusRequest())["upload"]
    assert isinstance(upload, dict)
    assert upload["contradiction"] == "the log is smaller"
    answer = scene.agent.answer(TrustStoreRequest(decided_by="甲某", why="存储由备份恢复"))
    assert [Path(str(one)).parent for one in answer["kept"]] == [paths.rejected]  # type: ignore[union-attr]
    scene.wait(2.0)
    upload = scene.agent.answer(StatusRequest())["upload"]
    assert isinstance(upload, dict)
    assert upload["contradiction"] is None
    codes = [body.code for body in bodies(paths.spool) if isinstance(body, Event)]
    assert codes[-2:] == ["store-contradiction", "store-contradiction-cleared"]
    with pytest.raises(RefusedError, match="nothing to decide"):
        scene.agent.answer(TrustStoreRequest(decided_by="甲某", why="x"))


def test_the_status_tells_what_the_parts_say(scene: Scene) -> None:
    status = scene.agent.answer(StatusRequest())
    assert (status["device_id"], status["driver_set"], status["session_open"]) == ("unit-7", "sim", False)
    assert status["profile"] == {
        "id": "huainan",
        "sha256": scene.prepared.profile.hash.hex(),
        "source": "huainan.toml",
        "number": None,
    }
    battery, spool = status["battery"], status["spool"]
    assert isinstance(battery, dict)
    assert isinstance(spool, dict)
    assert battery["charge_percent"] == pytest.approx(95, abs=2)
    assert spool["writable"] is True
    json.dumps(status)


def test_checks_run_between_recordings_only(scene: Scene) -> None:
    checked = scene.agent.answer(CheckRequest())
    assert checked["verdict"] in {"pass", "degraded"}
    scene.press()
    scene.wait(4.0)
    with pytest.raises(RecorderBusyError):
        scene.agent.answer(CheckRequest())


def test_stopping_in_the_middle_closes_and_seals(scene: Scene) -> None:
    scene.press()
    scene.wait(6.0)
    scene.agent.stop()
    scene.agent.stop()
    (session,) = verify_chain([scene.prepared.paths.spool], scene.unit.trust).sessions
    assert session.end_reason == "stop"
    assert link(scene) == {"docked": False, "session_open": False}

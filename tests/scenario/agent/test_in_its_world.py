"""The whole agent inside a simulated world, its clock held by the test."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from agent.assembly import Prepared, make_directories, prepare
from agent.control_wire import CheckRequest, StatusRequest
from agent.daemon import Agent
from agent.profile import load_profile
from capture.errors import RecorderBusyError
from capture.recorder import CHINA
from capture.shell.wardrobe import VoiceSettings, Wardrobe
from capture.voice.language import Language
from capture.voice.samples import VOICE_RATE_HZ, Samples
from hal.values import ButtonName
from hw_sim.drivers import SimDriverSet
from hw_sim.world import World
from sealing.verifier import verify_chain
from tests.support.provisioned_unit import ProvisionedUnit, provision

SMALL = {"width": 160, "height": 96, "frames_per_second": 10.0, "speed": 1.0}


class Hum:
    """A voice that hums every sentence: what is said is the subject of other tests."""

    identity = "hum"

    def synthesise(self, text: str, language: Language) -> Samples:
        del text, language
        seconds = np.arange(VOICE_RATE_HZ // 2, dtype=np.float32) / VOICE_RATE_HZ
        return (0.1 * np.sin(2 * np.pi * 220 * seconds)).astype(np.float32)


@pytest.fixture(scope="module")
def voice(tmp_path_factory: pytest.TempPathFactory) -> Path:
    directory = tmp_path_factory.mktemp("voice")
    settings = VoiceSettings(directory, synthesiser=Hum)
    Wardrobe(settings, load_profile("huainan").profile.capture, CHINA).render_missing()
    return directory


@dataclass
class Scene:
    """A running agent and its world."""

    unit: ProvisionedUnit
    prepared: Prepared
    agent: Agent
    world: World

    def wait(self, seconds: float) -> None:
        self.world.clock.sleep(seconds)

    def press(self, held_seconds: float = 0.12) -> None:
        self.world.press(ButtonName.RECORD, held_seconds)
        self.wait(held_seconds + 0.2)

    def link(self) -> dict[str, bool]:
        found: dict[str, bool] = json.loads(self.prepared.paths.link.read_text())
        return found


@pytest.fixture
def scene(tmp_path: Path, voice: Path) -> Iterator[Scene]:
    unit = provision(tmp_path / "unit")
    prepared = prepare(unit.config)
    make_directories(prepared.paths)
    for clip in voice.iterdir():
        (prepared.paths.voice / clip.name).write_bytes(clip.read_bytes())
    drivers = SimDriverSet(power_off=lambda: None)
    with ExitStack() as stack:
        hardware = drivers.open(dict(SMALL), str(prepared.paths.spool))
        stack.callback(drivers.close)
        world = drivers.world
        assert world is not None
        stack.enter_context(hardware.clock.participate())
        world.clock.set_speed("max")
        stack.callback(world.clock.set_speed, 1.0)
        agent = Agent(prepared, hardware)
        stack.callback(agent.stop)
        agent.start()
        yield Scene(unit, prepared, agent, world)
    verify_chain([prepared.paths.spool], unit.trust)


def test_sync_learns_of_a_press_at_once_and_of_the_end_in_the_dock(scene: Scene) -> None:
    scene.world.move(docked=True)
    scene.wait(1.0)
    assert scene.link() == {"docked": True, "session_open": False}
    scene.press()
    scene.wait(0.3)
    assert scene.link() == {"docked": True, "session_open": True}
    scene.wait(6.0)
    assert scene.agent.summary() in {"recording, session 1", "notice, session 1"}
    scene.press(2.3)
    scene.wait(8.0)
    assert scene.link() == {"docked": True, "session_open": False}
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


def test_the_status_tells_what_the_parts_say(scene: Scene) -> None:
    status = scene.agent.answer(StatusRequest())
    assert (status["device_id"], status["driver_set"], status["session_open"]) == ("unit-7", "sim", False)
    assert status["profile"] == {
        "id": "huainan",
        "sha256": scene.prepared.profile.hash.hex(),
        "source": "huainan.toml",
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
    assert scene.link() == {"docked": False, "session_open": False}

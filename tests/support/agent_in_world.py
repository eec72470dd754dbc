"""The whole agent of a provisioned unit inside a simulated world, in this process, its clock held by the test."""

import atexit
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from tempfile import mkdtemp

import numpy as np

from agent.assembly import Prepared, make_directories, prepare
from agent.daemon import Agent
from agent.profile import load_profile
from capture.settings import CHINA
from capture.shell.wardrobe import VoiceSettings, Wardrobe
from capture.voice.language import Language
from capture.voice.samples import VOICE_RATE_HZ, Samples
from hal.values import ButtonName
from hw_sim.drivers import SimDriverSet
from hw_sim.world import World
from tests.support.provisioned_unit import ProvisionedUnit

SMALL: dict[str, str | int | float] = {"width": 160, "height": 96, "frames_per_second": 10.0, "speed": "max"}


def first_day(unit: ProvisionedUnit) -> str:
    """When the unit's agency was made, for the option `start_utc`: its certificates hold from then on."""
    policy = unit.trust.policy
    assert policy is not None
    return datetime.fromtimestamp(policy.issued_utc_ns // 10**9, UTC).isoformat()


class Hum:
    """A voice that hums every sentence: what is said is the subject of other tests."""

    identity = "hum"

    def synthesise(self, text: str, language: Language) -> Samples:
        del text, language
        seconds = np.arange(VOICE_RATE_HZ // 2, dtype=np.float32) / VOICE_RATE_HZ
        return (0.1 * np.sin(2 * np.pi * 220 * seconds)).astype(np.float32)


@cache
def hummed() -> Path:
    """Huainan's words in the humming voice, rendered once in a process."""
    directory = Path(mkdtemp(prefix="hummed-"))
    atexit.register(shutil.rmtree, directory)
    settings, profile = VoiceSettings(directory, synthesiser=Hum), load_profile("huainan").profile
    Wardrobe(settings, profile.capture, CHINA, profile.grounds).render_missing()
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


@contextmanager
def running_in_world(unit: ProvisionedUnit, voice: Path, **options: str | float | bool) -> Iterator[Scene]:
    """Start the agent as its daemon does, with options of the simulator; stopped in order at the end."""
    prepared = prepare(unit.config)
    make_directories(prepared.paths)
    for clip in voice.iterdir():
        (prepared.paths.voice / clip.name).write_bytes(clip.read_bytes())
    drivers = SimDriverSet(power_off=lambda: None)
    with ExitStack() as stack:
        hardware = drivers.open({**SMALL, **options}, str(prepared.paths.spool))
        stack.callback(drivers.close)
        world = drivers.world
        assert world is not None
        stack.enter_context(hardware.clock.participate())
        stack.callback(world.clock.set_speed, 1.0)
        agent = Agent(prepared, hardware)
        stack.callback(agent.stop)
        agent.start()
        yield Scene(unit, prepared, agent, world)

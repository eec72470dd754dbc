"""The simulator as a driver set: found through the entry point `sim`, like any other hardware.

Rules of this module: puts the world and its devices together, and takes them apart; nothing else. The agent gets the
devices, the world stays here.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from fractions import Fraction
from pathlib import Path

from hal.errors import DriverSetError, HardwareError
from hal.ports import Hardware
from hal.values import CameraSettings
from hw_sim.battery import SimBattery
from hw_sim.dock import SimDock
from hw_sim.errors import ScenarioError, SimulationError
from hw_sim.heat import SimHeat
from hw_sim.media.acoustics import Acoustics
from hw_sim.media.camera import SimCamera
from hw_sim.media.errors import SimulatedMediaError
from hw_sim.media.microphone import SimMicrophone
from hw_sim.media.pictures import PictureSource
from hw_sim.media.scene import DrawnScene
from hw_sim.media.speaker import SimSpeaker
from hw_sim.media.stage import Stage
from hw_sim.media.video_file import VideoFile
from hw_sim.media.video_pictures import VideoPictures
from hw_sim.media.video_sound import VideoSound
from hw_sim.media.voices import Voices
from hw_sim.options import Option, Options, read_options
from hw_sim.player import ScenarioPlayer, terminate_this_process
from hw_sim.resized import Resized
from hw_sim.scenario import Scenario, parse
from hw_sim.simulation import write_simulation
from hw_sim.sound import OfficersVoices
from hw_sim.storage import SimStorage
from hw_sim.world import World, kill_this_process

NAME = "sim"
_REMEMBER_SECONDS = 0.2
"""How often the place in the film is put into the world's memory."""


class SimDriverSet:
    """`hal.ports.DriverSet` over a simulated world. The world is `world` while it is open, for whoever plays fate.

    Args:
        power_off: What a loss of power does to this process in the end.
        shut_down: What the scenario's `end` does to it.
    """

    def __init__(
        self,
        power_off: Callable[[], None] = kill_this_process,
        shut_down: Callable[[], None] = terminate_this_process,
    ) -> None:
        self._power_off = power_off
        self._shut_down = shut_down
        self.world: World | None = None
        self._camera: SimCamera | None = None
        self._air: Acoustics | None = None
        self._player: ScenarioPlayer | None = None

    def open(self, options: dict[str, Option], spool_directory: str) -> Hardware:
        """Make the world, or take it up where a process before left it, and open every part."""
        if self.world is not None:
            raise DriverSetError("the driver set sim is open already; close it first")
        read = read_options(options, Path(spool_directory))
        try:
            return self._open(read, Path(spool_directory))
        except HardwareError:
            self.close()
            raise
        except (OSError, ScenarioError, SimulationError, SimulatedMediaError) as error:
            self.close()
            raise DriverSetError(f"driver set sim cannot open: {error}") from error

    def close(self) -> None:
        """Stop the scenario and the world, and write its truth down."""
        world, self.world = self.world, None
        if self._player is not None:
            self._player.stop()
            self._player = None
        if self._camera is not None:
            self._camera.close()
            self._camera = None
        if world is not None:
            world.close()
            write_simulation(world.directory)
        if self._air is not None:
            self._air.close()
            self._air = None

    def _open(self, options: Options, spool_directory: Path) -> Hardware:
        scenario = _read_scenario(options.scenario)
        film = VideoFile(options.video) if options.video is not None else None
        world = self.world = World(options.world_directory, spool_directory, options.settings, self._power_off)
        if scenario is not None and options.settings.speed != "stepped":
            # Until the scenario plays, nothing in the world has a reason to run ahead of real time.
            world.clock.set_speed(1.0)
        elif options.settings.speed == "max":
            world.clock.hold()
        stage = self._furnish(world, options, film, scenario)
        world.start()
        world.timeline.every(_REMEMBER_SECONDS, lambda: _remember(world, stage))
        if scenario is not None:
            self._player = ScenarioPlayer(world, scenario, self._shut_down)
            self._player.start()
        return self._hardware(world)

    def _furnish(self, world: World, options: Options, film: VideoFile | None, scenario: Scenario | None) -> Stage:
        """Give the world its film, its air and its voices."""
        place = world.memory.row("film", 0, 0)
        stage = Stage(place[0], place[1])
        sound = VideoSound(film) if film is not None and film.facts.has_sound else None
        air = self._air = Acoustics(film=sound, stage=stage)
        voices = OfficersVoices(world, air, Voices(world.directory / "voices"))
        voices.prepare(() if scenario is None else scenario.spoken())
        world.attach_sound(air, voices.say)
        pictures: PictureSource = DrawnScene() if film is None else VideoPictures(film)
        self._camera = SimCamera(world, Resized(pictures, _overrides(options)), stage)
        return stage

    def _hardware(self, world: World) -> Hardware:
        if self._camera is None:
            raise SimulationError("the world has no camera yet")
        return Hardware(
            driver_set=NAME,
            simulated=True,
            clock=world.clock,
            battery=SimBattery(world.battery),
            storage=SimStorage(world.medium),
            camera=self._camera,
            microphone=SimMicrophone(world),
            speaker=SimSpeaker(world),
            buttons=world.buttons,
            indicators=world.indicators,
            vibration=world.vibration,
            dock=SimDock(world.dock_line),
            heat=SimHeat(world.heat),
        )


def driver_set() -> SimDriverSet:
    """Make the driver set: the entry point `sim` of the group `recorder.hal_drivers`."""
    return SimDriverSet()


def _read_scenario(path: Path | None) -> Scenario | None:
    return None if path is None else parse(path.read_text(encoding="utf-8"), path.name)


def _overrides(options: Options) -> CameraSettings | None:
    if options.width is None and options.height is None and options.frames_per_second is None:
        return None
    settings = CameraSettings()
    rate = settings.frames_per_second
    if options.frames_per_second is not None:
        rate = Fraction(options.frames_per_second).limit_denominator(1001)
    return replace(
        settings,
        width_pixels=options.width or settings.width_pixels,
        height_pixels=options.height or settings.height_pixels,
        frames_per_second=rate,
    )


def _remember(world: World, stage: Stage) -> None:
    place = world.memory.row("film")
    place[0] = stage.position_ns(world.clock.boottime_ns())
    place[1] = stage.picture_number

"""The simulated world: everything around and under the unit that software cannot change by itself.

Rules of this module: drivers have no setters; whatever happens to the unit happens by a method of `World`, is noted in
the journal, and, where it lasts, is kept in the world's memory, so that a process killed at any instruction finds the
same world again: same time, same charge, same plugs, same place in the scenario.
"""

from __future__ import annotations

import os
import signal
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from hal.errors import HardwareError
from hal.values import ButtonName, TimeSource
from hw_sim.battery import BatteryWorld, Pack
from hw_sim.buttons import BOUNCE_NS, BOUNCES_NS, SimButtons
from hw_sim.civil import FIRST_UTC_NS, NANOSECONDS, UnitTime
from hw_sim.clock import SimClock, Speed
from hw_sim.dock import DockWorld
from hw_sim.errors import SimulationError
from hw_sim.heat import HeatWorld
from hw_sim.indicators import SimIndicators, SimVibration
from hw_sim.journal import Journal
from hw_sim.media.faults import Dead, Frozen, MediaFaults
from hw_sim.memory import Memory
from hw_sim.storage import Medium
from hw_sim.timeline import Timeline
from hw_sim.truth import Truth

if TYPE_CHECKING:
    from hw_sim.media.acoustics import Acoustics

BOOT_NS = 9 * NANOSECONDS
"""From power to the first instruction of the agent."""
RESTART_NS = NANOSECONDS
"""From the end of a process to the start of the next."""
PRESS_SECONDS = 0.12
_SOURCES = (TimeSource.RTC, TimeSource.NETWORK, TimeSource.STORE, TimeSource.UNSET)


@dataclass(frozen=True, slots=True)
class WorldSettings:
    """What a fresh world is like; a world that is taken up again keeps what it has."""

    speed: Speed = "max"
    seed: int = 1
    pack: Pack = field(default_factory=Pack)
    quota_bytes: int = 32 << 30
    sync_seconds: float = 0.004
    first_utc_ns: int = FIRST_UTC_NS
    drift_ppm: float = 0.0
    time_source: TimeSource = TimeSource.NETWORK
    microphone_ppm: float = 0.0
    buttons: tuple[ButtonName, ...] = (ButtonName.RECORD, ButtonName.MARK)
    stall_seconds: float = 240.0


def kill_this_process() -> None:
    """What a loss of power does to a process."""
    os.kill(os.getpid(), signal.SIGKILL)


class World:
    """One unit's world.

    Args:
        directory: Where the world keeps itself; made when absent.
        spool_directory: Where the unit's evidence medium really is.
        settings: What a fresh world is like.
        power_off: Called at the very end of a loss of power; kills the process. Tests may stay alive.

    Raises:
        SimulationError: The directory holds something that is not a world.
        PermanentHardwareError: The spool cannot be used.
    """

    def __init__(
        self,
        directory: Path,
        spool_directory: Path,
        settings: WorldSettings | None = None,
        power_off: Callable[[], None] = kill_this_process,
    ) -> None:
        self.directory = directory
        self.settings = settings or WorldSettings()
        self._power_off = power_off
        directory.mkdir(parents=True, exist_ok=True)
        self.memory = Memory(directory / "memory.page")
        self._power = self.memory.row("power", 0, 0, 0, 0)
        self._flags = self.memory.row("flags", 1, 1, 0, 0, 1, 0, 1, round(self.settings.microphone_ppm * 1000))
        self.new_boot = self._power_up()
        self._make_time()
        try:
            self._make_parts(spool_directory)
        except HardwareError:
            self.clock.close()
            raise
        if self.new_boot:
            self._booted()
        self._recall_flags()
        now_utc_ns = self.civil.true_utc_ns(self.clock.world_ns)
        self.journal.note("power", on=True, boot_id=self.clock.boot_id, new_boot=self.new_boot, utc_ns=now_utc_ns)

    def _power_up(self) -> bool:
        """Let the time pass in which no process ran; tells whether the unit was off."""
        time = self.memory.row("time", 0)
        new_boot = self._power[0] == 0
        if new_boot:
            time[0] += self._power[3]
            self._power[2] = time[0]
            self._power[1] += 1
            self._power[0] = 1
        time[0] += BOOT_NS if new_boot else RESTART_NS
        return new_boot

    def _make_time(self) -> None:
        source = _SOURCES.index(self.settings.time_source)
        self.civil = UnitTime(
            self.memory.row("civil", 0, 0, source), self.settings.first_utc_ns, self.settings.drift_ppm
        )
        self.clock = SimClock(
            self.settings.speed,
            civil=self.civil,
            boot_id=str(uuid.uuid5(uuid.NAMESPACE_OID, f"boot {self.settings.seed} {self._power[1]}")),
            booted_world_ns=self._power[2],
            memory=self.memory.row("time"),
            stall_seconds=self.settings.stall_seconds,
        )

    def _make_parts(self, spool_directory: Path) -> None:
        settings, clock = self.settings, self.clock
        self.timeline = Timeline(clock)
        self.journal = Journal(self.directory / "journal.jsonl", clock)
        pack_numbers = BatteryWorld.first_numbers(settings.pack)
        self.battery = BatteryWorld(settings.pack, self.memory.row("battery", *pack_numbers), lambda: clock.world_ns)
        self.truth = Truth(self.directory / "truth.jsonl", lambda: clock.boot_id, self.battery.switch)
        self.medium = Medium(
            spool_directory, clock, settings.quota_bytes, sync_seconds=settings.sync_seconds, seed=settings.seed
        )
        self.dock_line = DockWorld(self.memory.row("dock", 0, 0))
        self.heat = HeatWorld(self.memory.row("heat", *HeatWorld.first_numbers()))
        self.attended = clock.signal()
        self.buttons = SimButtons(settings.buttons, self.attended.set)
        self.indicators = SimIndicators(self.journal, self.battery.switch)
        self.vibration = SimVibration(self.journal)
        self.faults = MediaFaults()
        self._air: Acoustics | None = None
        self._say: Callable[[str, str], float] | None = None

    def _booted(self) -> None:
        self.battery.power_was_off()
        self.dock_line.booted()
        if self._power[1] > 1:
            self.civil.reboot(self.clock.world_ns)
        if self.dock_line.docked:
            self.battery.plug_charger(plugged=True)

    def start(self) -> None:
        """Let the world go: things planned happen, an empty pack cuts the power."""
        self.timeline.start()
        self.timeline.every(1.0, self._look_at_battery)

    def close(self) -> None:
        """Stop the world, its power on; idempotent."""
        self.timeline.end()
        self.clock.close()
        self.journal.close()
        self.truth.close()

    # -- what the media drivers need (hw_sim.media.contract.MediaWorld) ----------------------------------------------

    @property
    def air(self) -> Acoustics:
        """The sound field around the unit.

        Raises:
            SimulationError: Nobody has given this world air yet.
        """
        if self._air is None:
            raise SimulationError("this world has no air; attach_sound first")
        return self._air

    def attach_sound(self, air: Acoustics, say: Callable[[str, str], float]) -> None:
        """Give the world its air and its officers' voices.

        Args:
            air: The sound field.
            say: Makes somebody (first) say something (second) now; gives the words' length in seconds.
        """
        self._air = air
        self._say = say

    def civil_utc_ns(self, boottime_ns: int) -> int:
        """True civil time at a moment of CLOCK_BOOTTIME, whatever the unit's own clock says."""
        return self.civil.true_utc_ns(boottime_ns + self._power[2])

    # -- hands -------------------------------------------------------------------------------------------------------

    def press(self, button: ButtonName, held_seconds: float = PRESS_SECONDS) -> int:
        """Press a button, hold it, let it go; its contacts bounce. Never blocks.

        Returns:
            World time at which the release has settled.

        Raises:
            SimulationError: The unit has no such button.
        """
        if button.value not in self.buttons.fitted():
            raise SimulationError(f"the unit has no {button.value} button; fit it with the option buttons")
        start_ns = self.clock.world_ns
        self.journal.note("press", button=button.value, held_seconds=held_seconds)
        self._plan_contacts(button, start_ns, closed=True)
        return self._plan_contacts(button, start_ns + round(held_seconds * NANOSECONDS), closed=False)

    def say(self, who: str, words: str) -> float:
        """Let somebody near the unit speak; gives the words' length in seconds."""
        if self._say is None:
            raise SimulationError(f"{who} has no voice in this world; attach_sound first")
        return self._say(who, words)

    def move(self, *, docked: bool) -> None:
        """Put the unit into its dock, or take it out."""
        self.dock_line.move(docked=docked, boottime_ns=self.clock.boottime_ns())
        self.battery.plug_charger(plugged=docked)
        self.journal.note("dock", docked=docked)

    # -- faults ------------------------------------------------------------------------------------------------------

    def plug_camera(self, *, plugged: bool) -> None:
        """Pull the camera's cable, or put it back."""
        self._flags[0] = int(plugged)
        self._change("camera", "plugged" if plugged else "unplugged")

    def plug_microphone(self, *, plugged: bool) -> None:
        """Pull the microphone's cable, or put it back."""
        self._flags[1] = int(plugged)
        self._change("microphone", "plugged" if plugged else "unplugged")

    def cover_camera(self, *, covered: bool) -> None:
        """Put a hand over the lens, or take it away."""
        self._flags[2] = int(covered)
        self._change("camera", "covered" if covered else "uncovered")

    def freeze_camera(self, how: Frozen) -> None:
        """Let the camera hang, or recover (`Frozen.NO`)."""
        self._flags[3] = list(Frozen).index(how)
        self._change("camera", f"frozen: {how.value}")

    def plug_speaker(self, *, plugged: bool) -> None:
        """Pull the loudspeaker's cable, or put it back."""
        self._flags[4] = int(plugged)
        self._change("speaker", "plugged" if plugged else "unplugged")

    def kill_microphone(self, how: Dead) -> None:
        """Let the microphone die, or live again (`Dead.NO`)."""
        self._flags[5] = list(Dead).index(how)
        self._change("microphone", f"dead: {how.value}")

    def drop_frames(self, count: int) -> None:
        """Let the next pictures be made by the sensor and never delivered."""
        self.faults.drop_frames(count)
        self.journal.note("fault", part="camera", state="drops frames", count=count)

    def delay_frame(self, seconds: float) -> None:
        """Let the next picture be delivered late."""
        self.faults.delay_frame(seconds)
        self.journal.note("fault", part="camera", state="late frame", seconds=seconds)

    def lose_samples(self, count: int) -> None:
        """Let the sound card overrun."""
        self.faults.lose_samples(count)
        self.journal.note("fault", part="microphone", state="loses samples", count=count)

    def connect_network(self, *, up: bool) -> None:
        """Let the unit have a network, or none."""
        self._flags[6] = int(up)
        self._change("network", "up" if up else "down")

    @property
    def network_up(self) -> bool:
        """Whether the unit has a network."""
        return self._flags[6] == 1

    def stall_storage(self, seconds: float) -> None:
        """Let the medium hang."""
        self.medium.stall(seconds)
        self.journal.note("fault", part="storage", state="stalled", seconds=seconds)

    def fill_storage(self, free_bytes: int) -> None:
        """Let something else fill the medium until `free_bytes` are left."""
        self.medium.fill(free_bytes)
        self.journal.note("fault", part="storage", state="filled", free_bytes=free_bytes)

    def write_protect_storage(self, *, protected: bool) -> None:
        """Let the medium turn read-only, or back."""
        self.medium.read_only = protected
        self.journal.note("fault", part="storage", state="read-only" if protected else "writable")

    def fail_storage(self, operation: str, error: int) -> None:
        """Let the next operation of a kind fail with an errno."""
        self.medium.fail_next(operation, error)
        self.journal.note("fault", part="storage", state=f"next {operation} fails", errno=error)

    def mend_storage(self) -> None:
        """Let the medium work again, whatever was wrong with it or still to go wrong; what fills it stays."""
        self.medium.recover()
        self.journal.note("fault", part="storage", state="mended")

    def detune_microphone(self, ppm: float) -> None:
        """Give the microphone's clock an error; it holds from the microphone's next start."""
        self.faults.microphone_ppm = ppm
        self._flags[7] = round(ppm * 1000)
        self.journal.note("fault", part="microphone", state="detuned", ppm=ppm)

    def exchange_battery(self, percent: float) -> None:
        """Put in a pack that holds so much."""
        self.battery.set_percent(percent)
        self.journal.note("battery", percent=percent)

    def heat_board(self, celsius: float) -> None:
        """Heat or cool the board."""
        self.heat.set_celsius(celsius)
        self.journal.note("fault", part="board", state="heat", celsius=celsius)

    def weaken_supply(self, *, weak: bool) -> None:
        """Let the board's supply sag, or recover."""
        self.heat.set_supply(weak=weak)
        self.journal.note("fault", part="board", state="weak supply" if weak else "good supply")

    def step_clock(self, seconds: float) -> None:
        """Move the unit's civil time by hand."""
        self.civil.step(self.clock.world_ns, seconds)
        self.journal.note("fault", part="clock", state="stepped", seconds=seconds)

    def set_clock_source(self, source: TimeSource) -> None:
        """Let a time server or the store put the unit's clock right, or take its trust away."""
        self.civil.set_right(self.clock.world_ns, source)
        self.journal.note("clock", source=source.value)

    def cut_power(self, off_seconds: float = 30.0) -> None:
        """Take the power away at this instant; the next start of the unit is `off_seconds` later."""
        self.journal.note("power", on=False, off_seconds=off_seconds)
        self._power[3] = round(off_seconds * NANOSECONDS)
        self._power[0] = 0
        self.medium.lose_power()
        self._power_off()

    def cut_power_during(self, operation: str, off_seconds: float = 30.0) -> None:
        """Take the power away in the middle of the unit's next `append`, `sync` or `create`, whenever that is."""
        self.medium.cut_during(operation, partial(self.cut_power, off_seconds))

    # -- inside ------------------------------------------------------------------------------------------------------

    def _plan_contacts(self, button: ButtonName, start_ns: int, *, closed: bool) -> int:
        for index, offset_ns in enumerate(BOUNCES_NS):
            state = closed if index % 2 == 0 else not closed
            self.timeline.plan(start_ns + offset_ns, partial(self._contact, button, start_ns + offset_ns, closed=state))
        settled_ns = start_ns + 2 * BOUNCE_NS
        self.timeline.plan(settled_ns, lambda: self.buttons.settled(button, settled_ns - self._power[2]))
        return settled_ns

    def _contact(self, button: ButtonName, world_ns: int, *, closed: bool) -> None:
        self.buttons.contact(button, closed=closed, at_boottime_ns=world_ns - self._power[2])

    def _change(self, part: str, state: str) -> None:
        self._recall_flags()
        self.journal.note("fault", part=part, state=state)

    def _recall_flags(self) -> None:
        flags, faults = self._flags, self.faults
        faults.camera_plugged, faults.microphone_plugged = flags[0] == 1, flags[1] == 1
        faults.camera_covered, faults.camera_frozen = flags[2] == 1, list(Frozen)[flags[3]]
        faults.speaker_plugged, faults.microphone_dead = flags[4] == 1, list(Dead)[flags[5]]
        faults.microphone_ppm = flags[7] / 1000
        self.battery.switch("network", self.network_up)

    def _look_at_battery(self) -> None:
        if self.battery.percent() <= 0.0:
            self.cut_power()

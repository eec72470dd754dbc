"""What the media drivers need of the world.

Rules of this module: Protocols only. `hw_sim.world.World` satisfies `MediaWorld` by its shape alone; tests use a
small world of their own. Drivers read the world and report to it; nothing here lets them change it.
"""

from __future__ import annotations

from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

from hal.ports import Clock
from hw_sim.media.faults import MediaFaults

if TYPE_CHECKING:
    from hw_sim.media.acoustics import Acoustics


class Truth(Protocol):
    """What really happened, for `simulation.json`. Every method returns at once and is called on any thread."""

    def camera_started(
        self, at_boottime_ns: int, width_pixels: int, height_pixels: int, frames_per_second: Fraction
    ) -> None:
        """Learn that the camera began to deliver with these settings."""
        ...

    def camera_frame(self, sensor_sequence: int, captured_boottime_ns: int, picture_number: int) -> None:
        """Learn that a picture is about to be handed over; `picture_number` counts over the world's whole life."""
        ...

    def camera_stopped(self, at_boottime_ns: int, reason: str) -> None:
        """Learn that no picture comes any more: `stop`, `unplugged`."""
        ...

    def microphone_started(self, at_boottime_ns: int, clock_error_ppm: float) -> None:
        """Learn that sample number 0 is taken at this time."""
        ...

    def microphone_samples(
        self, first_sample: int, count: int, captured_boottime_ns: int, lost: int, mean_square: int
    ) -> None:
        """Learn that a block is about to be handed over, how many samples were lost before it, and its power."""
        ...

    def microphone_stopped(self, at_boottime_ns: int, reason: str) -> None:
        """Learn that no sample comes any more: `stop`, `unplugged`."""
        ...


class Journal(Protocol):
    """Words as a bystander hears them. Every method returns at once and is called on any thread."""

    def speaking(self, speaker: str, words: str, started_boottime_ns: int) -> None:
        """Learn that somebody begins to speak (`speaker` is `unit` for the loudspeaker)."""
        ...

    def spoken(
        self, speaker: str, words: str, started_boottime_ns: int, ended_boottime_ns: int, *, complete: bool
    ) -> None:
        """Learn that the words ended, or were cut off (`complete` False)."""
        ...


class MediaWorld(Protocol):
    """The part of the world that camera, microphone and loudspeaker live in."""

    @property
    def clock(self) -> Clock:
        """The world's clock; every wait of a driver goes through it."""
        ...

    @property
    def faults(self) -> MediaFaults:
        """What is wrong just now."""
        ...

    @property
    def air(self) -> Acoustics:
        """The sound field around the unit."""
        ...

    @property
    def truth(self) -> Truth:
        """Where the drivers say what they really gave."""
        ...

    @property
    def journal(self) -> Journal:
        """Where the loudspeaker's words go."""
        ...

    def civil_utc_ns(self, boottime_ns: int) -> int:
        """True civil time at a moment of CLOCK_BOOTTIME, whatever the unit's own clock says."""
        ...

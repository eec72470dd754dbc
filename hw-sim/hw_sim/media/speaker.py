"""The simulated loudspeaker: puts clips into the air and their words into the journal.

Rules of this module: no setters; a clip takes as long as it is, by the world's clock.
"""

from __future__ import annotations

import threading

from hal.errors import PermanentHardwareError, TransientHardwareError
from hal.ports import Signal
from hal.values import Playback, SoundClip
from hw_sim.media.contract import MediaWorld

_SECOND_NS = 1_000_000_000
_LOOK_SECONDS = 0.1
"""How often a running clip looks whether the loudspeaker is still there."""
UNIT = "unit"
"""Who speaks in the journal when the loudspeaker does."""


class SimSpeaker:
    """A loudspeaker; satisfies `hal.ports.Speaker`.

    Args:
        world: Where it sounds.
    """

    def __init__(self, world: MediaWorld) -> None:
        self._world = world
        self._busy = threading.Lock()

    def play(self, clip: SoundClip, stop: Signal) -> Playback:
        """Play the clip to its end, or until `stop` is raised."""
        self._require()
        if not self._busy.acquire(blocking=False):
            raise TransientHardwareError(f"loudspeaker is busy; cannot play {clip.label!r} now")
        try:
            return self._play(clip, stop)
        finally:
            self._busy.release()

    def _play(self, clip: SoundClip, stop: Signal) -> Playback:
        started_ns = self._world.clock.boottime_ns()
        sound = self._world.air.play(clip, started_ns)
        self._world.journal.speaking(UNIT, clip.label, started_ns)
        complete = self._wait_for_end(started_ns + clip.duration_ns, stop)
        ended_ns = self._world.clock.boottime_ns()
        if not complete:
            self._world.air.cut(sound, ended_ns - started_ns)
        self._world.journal.spoken(UNIT, clip.label, started_ns, ended_ns, complete=complete)
        if not complete and not stop.is_set():
            raise TransientHardwareError(f"loudspeaker went away while it played {clip.label!r}")
        return Playback(started_ns, ended_ns, complete)

    def _wait_for_end(self, end_ns: int, stop: Signal) -> bool:
        """Wait by the world's clock; says whether the clip came to its end."""
        while (left_ns := end_ns - self._world.clock.boottime_ns()) > 0:
            if self._world.clock.wait(stop, min((left_ns + 1) / _SECOND_NS, _LOOK_SECONDS)):
                return False
            if not self._world.faults.speaker_plugged:
                return False
        return True

    def _require(self) -> None:
        if not self._world.faults.speaker_fitted:
            raise PermanentHardwareError("no loudspeaker is fitted to this unit")
        if not self._world.faults.speaker_plugged:
            raise TransientHardwareError("loudspeaker does not answer: it is unplugged; plug it in and play again")

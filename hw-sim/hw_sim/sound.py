"""People beside the unit, speaking.

Rules of this module: words are rendered before the world starts as far as a scenario knows them; speaking itself only
lays a finished clip into the air.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from hw_sim.civil import NANOSECONDS
from hw_sim.media.acoustics import Acoustics
from hw_sim.media.voices import Voices
from hw_sim.world import World


class OfficersVoices:
    """Lets people speak in a world's air and notes it in the journal.

    Args:
        world: Where they stand.
        air: The sound field there.
        voices: Turns words into clips.
    """

    def __init__(self, world: World, air: Acoustics, voices: Voices) -> None:
        self._world = world
        self._air = air
        self._voices = voices

    def prepare(self, lines: Sequence[tuple[str, str]]) -> None:
        """Render words ahead: who, and what.

        Raises:
            VoiceError: The synthesiser is missing or refused.
        """
        for who, words in lines:
            self._voices.clip(who, words)

    def say(self, who: str, words: str) -> float:
        """Let somebody speak now; returns at once with the length of the words in seconds."""
        world = self._world
        clip = self._voices.clip(who, words)
        begun_ns = world.clock.boottime_ns()
        world.journal.speaking(who, words, begun_ns)
        ended_ns = self._air.say(clip, begun_ns)
        spoken = partial(world.journal.spoken, who, words, begun_ns, ended_ns, complete=True)
        world.timeline.plan(world.clock.world_ns + ended_ns - begun_ns, spoken)
        return (ended_ns - begun_ns) / NANOSECONDS

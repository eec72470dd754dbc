"""Which unit a random walk takes place on: the rules of a shipped profile or of the sample, its buttons, its medium."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from hypothesis import strategies as st

from agent.profile import shipped_profiles
from capture.media.limits import FileLimits
from capture.settings import CHINA
from capture.shell.wardrobe import VoiceSettings, Wardrobe
from capture.voice.synthesiser import EspeakSynthesiser, Synthesiser
from sealing.service import CAPACITY_BYTES
from tests.scenario.recorder.unit import Place, sample_profile
from tests.support.agent_in_world import Hum, hummed
from tests.support.session_rules import Rules, shipped_rules

SAMPLE = "sample"
LITTLE_MEMORY_BYTES = 400_000
"""Room for what the medium does not take: one that fails for some seconds breaks the recording off."""
SMALL_FILES = FileLimits(seconds=9.0, bytes=300_000)
WALKED_BITRATE_BPS = 400_000
"""As much as a camera of 160×96 gives, so that figures of room in minutes are those of a real unit."""


def rules_of(name: str) -> Rules:
    """Take the rules of a shipped profile, or of the sample, for a small picture."""
    if name == SAMPLE:
        return Rules(name, sample_profile(), ())
    shipped = shipped_rules(name)
    recording = shipped.profile.recording.model_copy(update={"bitrate_bps": WALKED_BITRATE_BPS})
    return replace(shipped, profile=shipped.profile.model_copy(update={"recording": recording}))


@dataclass(frozen=True)
class Drawn:
    """A unit as it was drawn."""

    rules: Rules
    two_buttons: bool
    little_memory: bool
    small_files: bool


UNITS = st.builds(
    Drawn,
    rules=st.sampled_from([SAMPLE, *shipped_profiles()]).map(rules_of),
    two_buttons=st.booleans(),
    little_memory=st.booleans(),
    small_files=st.booleans(),
)


class Voices:
    """Clips of every profile that was drawn, made once: the sample's are spoken, the others hummed.

    Args:
        rendered: The sample's clips.
        directory: Where the others are made.
    """

    def __init__(self, rendered: Path, directory: Path) -> None:
        self._rendered = rendered
        self._directory = directory

    def of(self, rules: Rules) -> Path:
        """Folder with the clips of these rules."""
        if rules.name == SAMPLE:
            return self._rendered
        folder = self._directory / rules.name
        if not folder.exists():
            shutil.copytree(hummed(), folder)
            settings = VoiceSettings(folder, synthesiser=Hum)
            assert Wardrobe(settings, rules.profile, CHINA, rules.grounds).render_missing()
        return folder


def place_of(drawn: Drawn, voices: Voices, directory: Path) -> Place:
    """Make a place for the unit, with clips of its own."""
    home = Path(tempfile.mkdtemp(dir=directory))
    (home / "voice").mkdir()
    for clip in voices.of(drawn.rules).iterdir():
        os.link(clip, home / "voice" / clip.name)
    (home / "unit").mkdir()
    speaks: Callable[[], Synthesiser] = EspeakSynthesiser if drawn.rules.name == SAMPLE else Hum
    return Place(
        home / "unit",
        home / "voice",
        drawn.rules.profile,
        {"buttons": "record,mark" if drawn.two_buttons else "record"},
        queue_bytes=LITTLE_MEMORY_BYTES if drawn.little_memory else CAPACITY_BYTES,
        grounds=drawn.rules.grounds,
        file_limits=SMALL_FILES if drawn.small_files else FileLimits(),
        synthesiser=speaks,
    )

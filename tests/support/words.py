"""Words of the real synthesiser, rendered once for all workers of a test run: that takes many seconds."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from capture.settings import CHINA
from capture.shell.wardrobe import ASSIGNMENT_NAME, VoiceSettings, Wardrobe
from tests.scenario.recorder.unit import OFFICERS, sample_profile
from tests.support.once import made_once


def sample_words(factory: pytest.TempPathFactory) -> Path:
    """Clips of the sample profile and its officers."""

    def render(directory: Path) -> None:
        Wardrobe(VoiceSettings(directory), sample_profile(), CHINA).dress(OFFICERS, lambda _done, _total: None)

    return made_once(factory, "sample-voice", render)


def begin_with(words: Path, voice: Path) -> None:
    """Give a unit that nobody wears a voice directory to begin with: what its own profile lacks is rendered there."""
    shutil.copytree(words, voice, ignore=shutil.ignore_patterns(ASSIGNMENT_NAME))

"""One demo for all tests of this folder; the runs after it take over its unit's voice."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.system.demo.played import SMALL, Played, play


@pytest.fixture(scope="session", name="demo")
def demo_fixture(tmp_path_factory: pytest.TempPathFactory) -> Played:
    return play(tmp_path_factory.mktemp("demo") / "out", "demo", *SMALL, "--option", "microphone_ppm=200")


@pytest.fixture(scope="session", name="voice")
def voice_fixture(demo: Played) -> Path:
    return demo.voice

"""Words of the shipped profiles, rendered once: what they share with the sample profile is taken from there."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from agent.profile import load_profile
from capture.settings import CHINA
from capture.shell.wardrobe import ASSIGNMENT_NAME, VoiceSettings, Wardrobe
from tests.scenario.agencies.day import Day, day_of
from tests.scenario.agencies.evidence import Evidence, evidence_of
from tests.scenario.agencies.office import make_office
from tests.scenario.recorder.conftest import rendered_fixture

Live = Callable[[str, Callable[[Day], None]], Evidence]

__all__ = ["rendered_fixture"]


@pytest.fixture(scope="module", name="live")
def live_fixture(tmp_path_factory: pytest.TempPathFactory, rendered: Path) -> Live:
    """Lives a day under a shipped profile, and gives what it leaves behind."""

    def live(profile: str, what_happens: Callable[[Day], None]) -> Evidence:
        root = tmp_path_factory.mktemp(profile)
        voice = Path(shutil.copytree(rendered, root / "voice", ignore=shutil.ignore_patterns(ASSIGNMENT_NAME)))
        shipped = load_profile(profile).profile
        assert Wardrobe(VoiceSettings(voice), shipped.capture, CHINA, shipped.grounds).render_missing()
        office = make_office(root / "agency", profile)
        with day_of(office, voice) as day:
            what_happens(day)
        return evidence_of(day, root / "opened")

    return live

"""What the unit shows and says in its dock (CS-31)."""

import pytest

from capture import effects as fx
from capture import events as ev
from capture.cues import DOCK_LAMPS
from capture.effects import Phrase
from capture.events import DockStanding
from capture.states import State
from tests.unit.capture_session.script import Driver

OUT, UPLOADING, UPLOADED = DockStanding


def told(driver: Driver, *standings: DockStanding) -> list[Phrase]:
    """What is said while the unit is told these, one after the other."""
    before = len(driver.effects)
    for standing in standings:
        driver.feed(ev.DockTold(standing))
    return [effect.phrase for effect in driver.effects[before:] if isinstance(effect, fx.Speak)]


def test_every_standing_but_out_has_a_lamp_cs_31() -> None:
    assert set(DOCK_LAMPS) == {UPLOADING.value, UPLOADED.value}


@pytest.mark.parametrize(
    ("standings", "words", "lamp"),
    [
        ((UPLOADING,), [Phrase.DOCKED], "uploading"),
        ((UPLOADING, UPLOADED), [Phrase.DOCKED, Phrase.ALL_UPLOADED], "uploaded"),
        ((UPLOADED,), [Phrase.ALL_UPLOADED], "uploaded"),
        ((UPLOADED, UPLOADED, UPLOADED), [Phrase.ALL_UPLOADED], "uploaded"),
        ((UPLOADING, OUT), [Phrase.DOCKED, Phrase.NOT_ALL_UPLOADED], "idle"),
        ((UPLOADED, OUT), [Phrase.ALL_UPLOADED], "idle"),
    ],
)
def test_between_recordings_it_says_and_shows_how_far_the_upload_is_cs_31(
    standings: tuple[DockStanding, ...], words: list[Phrase], lamp: str
) -> None:
    driver = Driver()
    assert told(driver, *standings) == words
    assert driver.last(fx.ShowState).state == lamp


def test_a_recording_is_not_talked_over_and_the_lamp_waits_cs_31() -> None:
    driver = Driver()
    told(driver, UPLOADED)
    driver.record()
    assert told(driver, UPLOADING) == []
    assert driver.last(fx.ShowState).state == "recording"
    driver.finish()
    assert driver.state() is State.IDLE
    assert driver.last(fx.ShowState).state == "uploading"
    assert told(driver, UPLOADED) == [Phrase.ALL_UPLOADED]

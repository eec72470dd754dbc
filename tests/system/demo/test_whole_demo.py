"""The demo from end to end, with a sound card whose clock is off: nothing lost, everything where the timeline says."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta, timezone
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from capture.voice.cache import VoiceCache
from hw_sim.media import waveforms
from tests.system.demo.film import RATE, picture_times, place_of, sound_of, span
from tests.system.demo.played import SMALL, Played, play

pytestmark = [pytest.mark.system, pytest.mark.timeout(1800)]

BEIJING = timezone(timedelta(hours=8))
ECHO_MS = (5, 30)
"""From the loudspeaker to the microphone of the simulated unit."""
LIKE = 0.6
"""Room, echo and a clock that runs away by a millisecond in a sentence leave so much; other words stay below 0.4."""
Report = dict[str, Any]


@pytest.fixture(scope="module", name="demo")
def demo_fixture(tmp_path_factory: pytest.TempPathFactory, voices: Path) -> Played:
    out = tmp_path_factory.mktemp("demo") / "out"
    return play(out, "demo", *SMALL, "--option", "microphone_ppm=200", voices=voices)


def test_everything_that_happened_was_sealed_and_opened(demo: Played) -> None:
    assert "✗  " not in demo.output
    sessions = demo.report["sessions"]
    given = demo.simulation["frames"]["count"]
    lost = given - sum(session["frames"] for session in sessions)
    assert [len(session["breaks"]) for session in sessions] == [2, 1]
    assert [each["cause"] for session in sessions for each in session["breaks"]][::2] == ["camera-fault", "power-loss"]
    assert 0 <= lost <= 3 * 30
    assert sessions[0]["dropped_frames"] == sessions[1]["dropped_frames"] == 0
    opened = [picture_times(film).size for film in sorted((demo.out / "sessions").glob("*/run-*.mp4"))]
    assert opened == [run["frames"] for session in sessions for run in session["runs"]]


@pytest.mark.requirement("R6", "all")
def test_no_picture_of_a_run_is_missing_or_doubled(demo: Played) -> None:
    for film in sorted((demo.out / "sessions").glob("*/run-*.mp4")):
        steps = np.diff(picture_times(film))
        assert steps.min() > 0.5 / 30, film
        assert steps.max() < 1.5 / 30, film


def test_it_leaves_what_it_promises(demo: Played) -> None:
    names = {path.name for path in demo.out.iterdir()}
    promised = {"timeline.txt", "timeline.svg", "verify.json", "comparison.json", "session.mp4", "simulation.json"}
    assert promised | {"sessions", "sealed", "trust", "keys", "work"} <= names
    assert "断电" in (demo.out / "timeline.txt").read_text(encoding="utf-8")
    assert (demo.out / "timeline.svg").read_text(encoding="utf-8").startswith("<svg")
    assert sorted(path.name for path in (demo.out / "keys").iterdir()) == [
        "recipient-custodian.key",
        "recipient-escrow.key",
    ]


def test_space_came_back_and_what_stayed_is_whole(demo: Played) -> None:
    freed = re.search(r"([\d.]+) MiB → ([\d.]+) MiB", demo.output)
    assert freed is not None
    assert float(freed[1]) > 5
    assert float(freed[2]) < 0.2
    assert re.search(r"PRUNED 1–\d+, exit 0", demo.output)
    assert "--require evidence → exit 3" in demo.output


@pytest.mark.requirement("R4", "all")
def test_the_notice_is_in_the_film_where_the_timeline_says(demo: Played) -> None:
    for session in demo.report["sessions"]:
        (notice,) = span(session, "notice")
        delay_ms, agreement = _heard(demo, session, notice, ("notice",))
        assert agreement > LIKE
        assert ECHO_MS[0] <= delay_ms <= ECHO_MS[1]


@pytest.mark.requirement("R8", "all")
def test_the_markers_are_in_the_films_where_the_timeline_says(demo: Played) -> None:
    found = 0
    for session in demo.report["sessions"]:
        for marker, broken in zip(span(session, "resume-marker"), session["breaks"], strict=True):
            at = datetime.fromtimestamp(broken["began_utc_ns"] // 1_000_000_000, UTC).astimezone(BEIJING)
            words = ("resume.at", f"hour:{at.hour}", f"minute:{at.minute}", f"because:{broken['cause']}", "resume.now")
            delay_ms, agreement = _heard(demo, session, marker, words)
            assert agreement > LIKE
            assert ECHO_MS[0] <= delay_ms <= ECHO_MS[1]
            found += 1
    assert found == 3


def test_words_that_were_not_said_are_not_found(demo: Played) -> None:
    session = demo.report["sessions"][0]
    (notice,) = span(session, "notice")
    _, agreement = _heard(demo, session, notice, ("reason.request",))
    assert agreement < 0.4


def test_pictures_and_sound_keep_together_though_the_card_runs_fast(demo: Played) -> None:
    """200 ppm are 20 ms in a session's 100 s: the last words would come so much late."""
    (session, _) = demo.report["sessions"]
    requests = span(session, "reason-request")
    delays = [_heard(demo, session, each, ("reason.request",))[0] for each in requests]
    assert all(abs(later - earlier) < 3 for earlier, later in pairwise(delays))


def _heard(
    demo: Played, session: dict[str, Any], spoken: dict[str, Any], words: tuple[str, ...]
) -> tuple[float, float]:
    """By how many milliseconds words come after their place in the timeline, and how like they are."""
    runs = [run for run in session["runs"] if run["media_start_ns"] <= spoken["start_ns"] <= run["media_end_ns"]]
    run = runs[-1]
    clip = waveforms.resampled(VoiceCache(demo.voice).joined(words).clip)
    place = (spoken["start_ns"] - run["media_start_ns"]) / 1e9
    before = min(0.5, place)
    sound = sound_of(demo.run_film(session["number"], run["number"]))
    heard = sound.between(place - before, place + clip.size / RATE + 1.0)
    at, agreement = place_of(clip, heard)
    return (at - before) * 1000, agreement

"""Films of other sizes, rates and sounds in front of the camera, and microphones that die."""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from sealing.framing import RecordHeader, open_header
from sealing.reader import SealedFile
from sealing.records import Fragment, Open
from tests.system.demo.film import RATE, Wave, picture_times, pictures_of, place_of, sound_of, span
from tests.system.demo.played import Played, play
from tests.unit.hw_sim_media.support import ClipSpec, make_clip, tone

pytestmark = [pytest.mark.system, pytest.mark.timeout(1800)]

FILM_RATE = Fraction(24_000, 1001)
FILM_FRAMES = 264
FLASH_EVERY = 48
BEEP = (tone(0.08, 3_000, level=0.5) * np.hanning(3_840)).astype(np.float32)

OVER_A_BORDER = """
wait outside for words "已领用"
press record
wait for lamp "recording"
after 50 s
hold record 2.3 s
wait for lamp "idle"
after 1 s: end
"""

MICROPHONE_FAULTS = """
wait outside for words "已领用"
unplug microphone                    # before the press, and for a whole session
press record
wait for lamp "recording" within 3 min
after 5 s: hold record 2.3 s
wait for lamp "idle"
plug microphone
after 5 s: press record
wait for lamp "recording" within 3 min
after 10 s: microphone falls silent
after 10 s: hold record 2.3 s
wait for lamp "idle" within 3 min
after 1 s: end
"""


def flashing_film(path: Path) -> Path:
    """Every 48 pictures a bright one, and at the same moment a beep; 44.1 kHz stereo."""
    moments = range(0, FILM_FRAMES, FLASH_EVERY)
    sound = np.zeros(round(FILM_FRAMES / FILM_RATE * 44_100), np.float32)
    beep = (tone(0.08, 3_000, 44_100, 0.5) * np.hanning(3_528)).astype(np.float32)
    for moment in moments:
        first = round(moment / FILM_RATE * 44_100)
        sound[first : first + beep.size] = beep[: sound.size - first]
    lumas = dict.fromkeys(moments, 235)
    spec = ClipSpec(426, 238, FILM_FRAMES, FILM_RATE, sound=np.stack([sound, sound]), lumas=lumas)
    return make_clip(path, spec)


@pytest.fixture(scope="module", name="flashing")
def flashing_fixture(tmp_path_factory: pytest.TempPathFactory, voices: Path) -> Played:
    folder = tmp_path_factory.mktemp("flashing")
    (folder / "border.txt").write_text(OVER_A_BORDER, encoding="utf-8")
    film = flashing_film(folder / "film.mp4")
    more = ("--video", film, "--option", "microphone_ppm=-200")
    return play(folder / "out", "run", folder / "border.txt", *more, voices=voices)


@pytest.fixture(scope="module", name="dying")
def dying_fixture(tmp_path_factory: pytest.TempPathFactory, voices: Path) -> Played:
    folder = tmp_path_factory.mktemp("dying")
    (folder / "faults.txt").write_text(MICROPHONE_FAULTS, encoding="utf-8")
    film = make_clip(folder / "silent.mkv", ClipSpec(360, 640, 100, Fraction(50), lumas={50: 200}))
    return play(folder / "out", "run", folder / "faults.txt", "--video", film, voices=voices)


def test_the_films_size_and_rate_are_kept(flashing: Played, dying: Played) -> None:
    assert [_form(run) for run in flashing.report["sessions"][0]["runs"]] == [(426, 238)]
    assert {_form(run) for session in dying.report["sessions"] for run in session["runs"]} == {(360, 640)}


def test_a_run_goes_over_file_borders_without_a_gap(flashing: Played) -> None:
    (session,) = flashing.report["sessions"]
    (run,) = session["runs"]
    assert len(run["files"]) == 2
    times = picture_times(flashing.run_film(1, 1))
    assert times.size == run["frames"] == flashing.simulation["frames"]["count"]
    steps = np.diff(times) * float(FILM_RATE)
    assert steps.min() > 0.5
    assert steps.max() < 1.5


def test_flash_and_beep_stay_together(flashing: Played) -> None:
    """Within 40 ms over the whole run, though the sound card runs 200 ppm slow."""
    (session,) = flashing.report["sessions"]
    (notice,) = span(session, "notice")
    film = flashing.run_film(1, 1)
    quiet_from = (notice["end_ns"] - session["runs"][0]["media_start_ns"]) / 1e9 + 1
    wave = sound_of(film).wave
    flashes = [at for at, luma in pictures_of(film) if luma > 200 and quiet_from < at < wave.size / RATE - 4]
    apart_ms = [_beep_after(wave, at) * 1000 for at in flashes]
    assert len(flashes) >= 20
    assert max(apart_ms) < 40
    assert min(apart_ms) > -40


def _beep_after(wave: Wave, flash_seconds: float) -> float:
    begin = flash_seconds - 0.5
    heard = wave[round(begin * RATE) : round((flash_seconds + 0.5) * RATE)]
    at, agreement = place_of(BEEP, heard)
    assert agreement > 0.5
    return begin + at - flash_seconds


def test_without_a_microphone_pictures_alone_are_sealed(dying: Played) -> None:
    first = dying.report["sessions"][0]
    assert first["notice"] == "not-heard"
    assert [run["has_audio"] for run in first["runs"]] == [False]
    assert first["frames"] > 100


def test_a_microphone_that_dies_ends_the_run_and_not_the_recording(dying: Played) -> None:
    second = dying.report["sessions"][1]
    assert [run["has_audio"] for run in second["runs"]] == [True, False]
    assert second["dropped_frames"] == 0
    opened = [picture_times(dying.run_film(2, run["number"])).size for run in second["runs"]]
    assert opened == [run["frames"] for run in second["runs"]]


def test_pictures_given_are_pictures_sealed_without_sound_too(dying: Played) -> None:
    assert sum(each["frames"] for each in dying.report["sessions"]) == dying.simulation["frames"]["count"]


def test_fragments_keep_coming(dying: Played) -> None:
    """No two follow each other later than 1.3 s, with the microphone dead from the start or dying after 10 s."""
    for session in dying.report["sessions"]:
        times = [header.boottime_ns for header in _fragments(dying, session["session_id"])]
        steps = [(later - earlier) / 1e9 for earlier, later in pairwise(times)]
        assert len(steps) > 10
        assert max(steps) <= 1.3


def _fragments(played: Played, session_id: str) -> Iterator[RecordHeader]:
    """Headers of a session's fragments; their times are those of the sealing."""
    for path in played.sealed():
        with SealedFile(path) as file:
            wanted = False
            for header in _headers(file):
                if isinstance(header.body, Open):
                    run = header.body.run
                    wanted = run is not None and run.session_id.hex() == session_id
                if wanted and isinstance(header.body, Fragment):
                    yield header


def _form(run: dict[str, int]) -> tuple[int, int]:
    return run["width_pixels"], run["height_pixels"]


def _headers(file: SealedFile) -> Iterator[RecordHeader]:
    while (record := file.next_record()) is not None:
        yield open_header(record.header)[1]

"""What the bench makes of its counts, and of what is heard while nobody speaks."""

import numpy as np
import pytest

from capture.voice.samples import ANALYSIS_RATE_HZ
from tests.bench.mandarin import FEW_WORDS, OVERLAP_SECONDS, SENTENCES, joined, trimmed
from tests.bench.proportion import Proportion, counted
from tests.bench.surroundings import COMPUTED

from .acoustics import Sound, generator, rms


@pytest.mark.parametrize(
    ("hits", "of", "low", "high"),
    [(0, 200, 0.0, 1.885), (200, 200, 98.115, 100.0), (95, 100, 88.825, 97.846), (7, 10, 39.678, 89.221)],
)
def test_wilsons_interval_is_that_of_the_tables(hits: int, of: int, low: float, high: float) -> None:
    assert Proportion(hits, of).interval() == pytest.approx((low, high), abs=0.01)


def test_what_is_true_is_counted() -> None:
    found = counted([True, False, True, True])
    assert (found.hits, found.of, found.percent) == (3, 4, 75.0)
    assert found + Proportion(1, 2) == Proportion(4, 6)


@pytest.mark.parametrize("made", COMPUTED)
def test_computed_noises_are_sound_and_each_take_another(made: object) -> None:
    assert callable(made)
    one, other = made(ANALYSIS_RATE_HZ, generator(1)), made(ANALYSIS_RATE_HZ, generator(2))
    assert (one.size, bool(np.isfinite(one).all())) == (ANALYSIS_RATE_HZ, True)
    assert rms(one) == pytest.approx(1.0, abs=0.3)
    assert not np.allclose(one, other)


def share_above(sound: Sound, hertz: float) -> float:
    power = np.square(np.abs(np.fft.rfft(sound)))
    return float(power[np.fft.rfftfreq(sound.size, 1 / ANALYSIS_RATE_HZ) > hertz].sum() / power.sum())


def test_wind_is_bass_and_rain_is_treble() -> None:
    by_name = {made.__name__: made(4 * ANALYSIS_RATE_HZ, generator(3)) for made in COMPUTED}
    assert share_above(by_name["wind"], 500) < 0.02
    assert share_above(by_name["rain"], 500) > 0.9


@pytest.mark.parametrize(("text", "spelled"), [*FEW_WORDS.items(), *SENTENCES.items()])
def test_a_phrase_is_spelled_character_by_character(text: str, spelled: str) -> None:
    clauses = [clause.split() for clause in spelled.split(",")]
    assert [len(clause) for clause in clauses] == [len(clause) for clause in text.split("，")]


def test_a_syllable_loses_the_silence_around_it_and_fades_into_the_next() -> None:
    spoken = generator(4).normal(size=ANALYSIS_RATE_HZ // 4).astype(np.float32)
    quiet = np.zeros(ANALYSIS_RATE_HZ // 2, dtype=np.float32)
    syllable = trimmed(np.concatenate([quiet, spoken, quiet]))
    assert syllable.size == pytest.approx(spoken.size, abs=0.02 * ANALYSIS_RATE_HZ)
    said = joined([syllable, syllable])
    assert said.size == pytest.approx(2 * syllable.size - OVERLAP_SECONDS * ANALYSIS_RATE_HZ, abs=1)
    assert rms(said) == pytest.approx(rms(spoken), abs=0.1)

"""Sounds without words."""

from itertools import combinations

import numpy as np
import pytest

from capture.voice.samples import VOICE_RATE_HZ, from_s16
from capture.voice.sounds import Tone
from capture.voice.tones import tone


@pytest.mark.parametrize("name", list(Tone))
def test_every_tone_is_short_audible_and_does_not_click(name: Tone) -> None:
    samples = from_s16(tone(name).samples)
    assert tone(name).sample_rate_hz == VOICE_RATE_HZ
    assert 0.02 <= samples.size / VOICE_RATE_HZ <= 0.8
    assert 0.05 < np.abs(samples).max() <= 0.6
    assert max(abs(samples[0]), abs(samples[-1])) < 0.01


@pytest.mark.parametrize(("one", "other"), list(combinations(Tone, 2)))
def test_no_two_tones_sound_alike(one: Tone, other: Tone) -> None:
    a, b = (from_s16(tone(name).samples) for name in (one, other))
    size = 1 << 17
    likeness = np.fft.irfft(np.fft.rfft(a, size) * np.conj(np.fft.rfft(b, size)), size)
    assert np.abs(likeness).max() / np.sqrt(np.sum(a**2) * np.sum(b**2)) < 0.95


def test_the_chirp_rises_at_the_start_and_falls_at_the_stop() -> None:
    for name, rising in ((Tone.START, True), (Tone.STOP, False)):
        samples = from_s16(tone(name).samples)
        halves = np.split(samples[: samples.size // 2 * 2], 2)
        first, second = (int(np.argmax(np.abs(np.fft.rfft(half)))) for half in halves)
        assert (first < second) is rising

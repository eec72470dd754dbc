"""What a recorder hears while nobody speaks: windows of 15 s and the second before, recorded or computed.

Nothing here was listened to while the noise reducer and the rule were chosen; the other half of each kind was.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence

import numpy as np

from capture.voice.samples import ANALYSIS_RATE_HZ, Samples
from tests.bench.recordings import OUTDOORS, STREET_HELD_OUT, Sound, effects, keys, music, street, street_parts
from tests.support.listening import BEFORE_SECONDS
from tests.unit.capture_voice.acoustics import NOISES, band, generator, rms

WINDOW_SAMPLES = round((15 + BEFORE_SECONDS) * ANALYSIS_RATE_HZ)
LEVELS = (0.01, 0.06, 0.2)
"""A quiet street, a usual one, a loud one; 1 is full scale."""
CLIPPING = 1.5
STREETS = 20
TAKES = 3
KEYS_PER_SECOND = 5
MUSIC_PLACES = 6


def nobody_speaks() -> Iterator[Samples]:
    """Streets, single sounds of them, weather, signals, handling; each quiet, usual and loud."""
    parts = street_parts(STREET_HELD_OUT)
    sounds = [street(parts, WINDOW_SAMPLES, 900 + seed) for seed in range(STREETS)]
    sounds += [_again_and_again(sound) for sound in effects(held_out=True).values()]
    sounds += [_again_and_again(sound) for sound in street_parts(OUTDOORS)[1::2]]
    sounds += [_strokes(keys(held_out=True), take) for take in range(TAKES)]
    sounds += [made(WINDOW_SAMPLES, generator(70 + take)) for made in COMPUTED for take in range(TAKES - 1)]
    for sound in sounds:
        yield from (_at(sound, level) for level in LEVELS)
    yield from (_at(sound, CLIPPING) for sound in sounds[: STREETS // 2])


def music_plays() -> Iterator[Samples]:
    """Music between whose notes nobody is known to speak or sing."""
    for piece in music():
        for place in range(MUSIC_PLACES):
            begin = (2 * place + 1) * piece.size // (2 * MUSIC_PLACES + 1)
            yield _at(_again_and_again(piece[begin : begin + WINDOW_SAMPLES]), LEVELS[place % len(LEVELS)])


def wind(count: int, noise: np.random.Generator) -> Sound:
    """Gusts on a microphone without protection: bass alone, in bursts."""
    gusts = band(np.abs(noise.normal(size=count)), 0.1, 1.5)
    sound = band(noise.normal(size=count), 20, 150) * np.maximum(0, gusts / rms(gusts)) ** 2
    return np.asarray(sound / rms(sound), dtype=np.float64)


def rain(count: int, noise: np.random.Generator) -> Sound:
    """Drops on a hood over a steady hiss."""
    drops = (noise.random(count) < 60 / ANALYSIS_RATE_HZ) * noise.exponential(1.0, count)
    rung = np.exp(-np.arange(160) / 30) * np.sin(2 * np.pi * 2_500 * np.arange(160) / ANALYSIS_RATE_HZ)
    sound = 3 * np.convolve(drops, rung)[:count] + 0.3 * band(noise.normal(size=count), 1_000, 7_000)
    return np.asarray(sound / rms(sound), dtype=np.float64)


def siren(count: int, noise: np.random.Generator) -> Sound:
    """Two tones or a rising one, with overtones, over a street's hiss."""
    time = np.arange(count) / ANALYSIS_RATE_HZ
    swing, low, high = noise.uniform(0.2, 1.5), noise.uniform(380, 700), noise.uniform(750, 1_500)
    shape = np.sign if noise.random() < 0.5 else np.abs
    hertz = low + (high - low) * (0.5 + 0.5 * shape(np.sin(2 * np.pi * swing * time)))
    phase = 2 * np.pi * np.cumsum(hertz) / ANALYSIS_RATE_HZ
    sound = np.sin(phase) + 0.4 * np.sin(2 * phase) + 0.2 * np.sin(3 * phase)
    return np.asarray(sound / rms(sound) + 0.1 * NOISES["pink"](count, noise), dtype=np.float64)


def handling(count: int, noise: np.random.Generator) -> Sound:
    """Knocks on the unit and cloth that rubs along it."""
    knocks = (noise.random(count) < 2 / ANALYSIS_RATE_HZ) * noise.exponential(1.0, count)
    rung = np.exp(-np.arange(1_600) / 200) * np.sin(2 * np.pi * 180 * np.arange(1_600) / ANALYSIS_RATE_HZ)
    rubbing = band(noise.normal(size=count), 200, 3_000) * np.maximum(0, band(noise.normal(size=count), 0.5, 4))
    sound = np.convolve(knocks, rung)[:count] + 0.3 * rubbing / rms(rubbing)
    return np.asarray(sound / rms(sound), dtype=np.float64)


COMPUTED: tuple[Callable[[int, np.random.Generator], Sound], ...] = (*NOISES.values(), wind, rain, siren, handling)


def _again_and_again(sound: Samples) -> Sound:
    return np.resize(sound, WINDOW_SAMPLES).astype(np.float64)


def _strokes(single: Sequence[Samples], seed: int) -> Sound:
    random = np.random.default_rng(seed)
    sound = np.zeros(WINDOW_SAMPLES + max(one.size for one in single))
    for at in random.integers(0, WINDOW_SAMPLES, 15 * KEYS_PER_SECOND):
        one = single[int(random.integers(len(single)))]
        sound[at : at + one.size] += one
    return sound[:WINDOW_SAMPLES]


def _at(sound: Sound, level: float) -> Samples:
    return np.clip(sound / rms(sound) * level, -1, 1).astype(np.float32)

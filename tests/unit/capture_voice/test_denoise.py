"""What the noise reducer takes away, and what it leaves (R5, R8)."""

from collections.abc import Callable

import numpy as np
import pytest

from capture.voice.denoise import HOP_SAMPLES, NoiseReducer
from capture.voice.samples import ANALYSIS_RATE_HZ, Samples

from .acoustics import NOISES, generator, rms

Speech = Callable[[str], Samples]
SECOND = ANALYSIS_RATE_HZ


def decibels(ratio: float) -> float:
    return float(20 * np.log10(ratio))


def street(seconds: int, kind: str, seed: int = 2) -> Samples:
    return np.asarray(NOISES[kind](seconds * SECOND, generator(seed)) * 0.05, dtype=np.float32)


def level_between(sound: Samples, low_hz: float, high_hz: float) -> float:
    """In dB per Hz."""
    power = np.square(np.abs(np.fft.rfft(sound)))
    frequency = np.fft.rfftfreq(sound.size, 1 / ANALYSIS_RATE_HZ)
    return float(10 * np.log10(power[(frequency >= low_hz) & (frequency < high_hz)].mean()))


def colour(sound: Samples) -> float:
    """How far bass stands above treble, in dB."""
    return level_between(sound, 100, 300) - level_between(sound, 2_000, 6_000)


@pytest.mark.parametrize(("kind", "most"), [("white", 15.2), ("pink", 27.2)])
def test_a_steady_noise_is_lowered_by_seven_decibels_and_never_by_more_than_both_floors(kind: str, most: float) -> None:
    noise = street(4, kind)
    reduced = NoiseReducer().reduced(noise)
    lowered = decibels(rms(noise[SECOND:]) / rms(reduced[SECOND:]))
    assert 7.0 < lowered < most


def test_what_is_left_of_a_street_is_flatter_than_the_street() -> None:
    noise = street(4, "pink")
    reduced = NoiseReducer().reduced(noise)
    assert colour(noise) > 12
    assert 2 < colour(reduced[SECOND:]) < 0.7 * colour(noise)


def test_nothing_is_turned_up() -> None:
    """A band in which nothing is heard stays as quiet as it was."""
    noise = street(4, "pink")
    reduced = NoiseReducer().reduced(noise)
    for low in range(100, 7_900, 300):
        assert level_between(reduced[SECOND:], low, low + 300) < level_between(noise[SECOND:], low, low + 300)


def test_a_voice_in_a_quiet_room_keeps_its_level_and_most_of_its_colour(say: Speech) -> None:
    voice = say("设备自动关机，现在恢复录制。")
    voice = (
        voice[: voice.size // HOP_SAMPLES * HOP_SAMPLES]
        + street(8, "white")[: voice.size // HOP_SAMPLES * HOP_SAMPLES] * 0.001
    )
    reduced = NoiseReducer().reduced(voice)
    assert -4 < decibels(rms(reduced) / rms(voice)) < 0
    assert colour(voice) - 4 < colour(reduced) < colour(voice)


@pytest.mark.parametrize("kind", ["pink", "traffic"])
def test_a_voice_stands_further_above_the_street_than_before(say: Speech, kind: str) -> None:
    voice = say("刚才电池没有电了，所以录像中断了三分钟。")[: 3 * SECOND]
    noise = street(6, kind)
    mixed = noise.copy()
    mixed[2 * SECOND :][: voice.size] += voice / rms(voice) * rms(noise[2 * SECOND :][: voice.size])
    reduced = NoiseReducer().reduced(mixed)
    spoken = slice(2 * SECOND, 2 * SECOND + voice.size)
    before = decibels(rms(mixed[spoken]) / rms(mixed[SECOND : 2 * SECOND]))
    after = decibels(rms(reduced[spoken]) / rms(reduced[SECOND : 2 * SECOND]))
    assert after > before + 3


def test_it_does_not_matter_in_which_parts_sound_comes() -> None:
    noise = street(1, "traffic")[: 60 * HOP_SAMPLES]
    reducer = NoiseReducer()
    parts = [reducer.reduced(noise[at : at + 4 * HOP_SAMPLES]) for at in range(0, noise.size, 4 * HOP_SAMPLES)]
    assert np.array_equal(np.concatenate(parts), NoiseReducer().reduced(noise))


def test_what_is_no_whole_hop_is_left_out() -> None:
    assert NoiseReducer().reduced(street(1, "pink")[: 3 * HOP_SAMPLES + 7]).size == 3 * HOP_SAMPLES
    assert NoiseReducer().reduced(street(1, "pink")[:7]).size == 0


def test_silence_stays_silence() -> None:
    assert not NoiseReducer().reduced(np.zeros(8 * HOP_SAMPLES, dtype=np.float32)).any()


def test_a_reset_forgets_what_was_heard() -> None:
    reducer, noise = NoiseReducer(), street(1, "pink")[: 20 * HOP_SAMPLES]
    first = reducer.reduced(noise)
    reducer.reset()
    assert np.array_equal(reducer.reduced(noise), first)

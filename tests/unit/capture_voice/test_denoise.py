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


def share_of(voice: Samples, sound: Samples) -> float:
    """How far the voice in a sound stands above everything else in it, in dB."""
    there = sound[: voice.size]
    alone = voice * float(there @ voice) / float(voice @ voice)
    return decibels(rms(alone) / rms(there - alone))


@pytest.mark.parametrize("kind", ["pink", "white"])
def test_a_steady_noise_is_lowered_by_seven_decibels_and_never_by_more_than_fifteen(kind: str) -> None:
    noise = street(4, kind)
    reduced = NoiseReducer().reduced(noise)
    lowered = decibels(rms(noise[SECOND:]) / rms(reduced[SECOND:]))
    assert 7.0 < lowered < 15.2


def test_a_voice_in_a_quiet_room_passes_as_it_is(say: Speech) -> None:
    voice = say("设备自动关机，现在恢复录制。")
    voice = (
        voice[: voice.size // HOP_SAMPLES * HOP_SAMPLES]
        + street(8, "white")[: voice.size // HOP_SAMPLES * HOP_SAMPLES] * 0.001
    )
    reduced = NoiseReducer().reduced(voice)
    left = reduced[HOP_SAMPLES:] - voice[:-HOP_SAMPLES]
    assert decibels(rms(left) / rms(voice)) < -12
    assert abs(decibels(rms(reduced) / rms(voice))) < 1


@pytest.mark.parametrize("kind", ["pink", "traffic"])
def test_a_voice_stands_further_above_the_street_than_before(say: Speech, kind: str) -> None:
    voice = say("刚才电池没有电了，所以录像中断了三分钟。")[: 3 * SECOND]
    noise = street(6, kind)
    mixed = noise.copy()
    mixed[2 * SECOND :][: voice.size] += voice / rms(voice) * rms(noise[2 * SECOND :][: voice.size])
    reduced = NoiseReducer().reduced(mixed)
    before = share_of(voice, mixed[2 * SECOND :])
    after = share_of(voice, reduced[2 * SECOND + HOP_SAMPLES :])
    assert before == pytest.approx(0, abs=0.5)
    assert after > before + 2


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

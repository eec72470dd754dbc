"""A prompt that was played is found in the street's noise; one that was not played never is (R4, R8)."""

from collections.abc import Callable, Iterator
from itertools import permutations

import numpy as np
import pytest

from capture.voice.heard import HeardResult, chirp_heard, heard_in, prove_chirp, prove_heard
from capture.voice.phrases import PromptBook, Utterance
from capture.voice.ring import RecentSound
from capture.voice.samples import ANALYSIS_RATE_HZ, VOICE_RATE_HZ, Samples, from_s16, to_analysis_rate, to_s16
from capture.voice.sounds import Tone
from capture.voice.tones import tone
from hal.values import AudioBlock, Playback, SoundClip

from .acoustics import NOISES, generator, microphone, pink, played, rms, traffic, with_noise

Prompt = Callable[[Utterance], Samples]
SECOND = 1_000_000_000
BOOT = 900 * SECOND
MARKER = ("resume.at", "hour:10", "minute:32", "because:camera-fault", "resume.now")
LATER = ("resume.at", "hour:10", "minute:33", "because:camera-fault", "resume.now")
SENTENCES: tuple[Utterance, ...] = (
    ("notice",),
    MARKER,
    ("broken:camera-fault",),
    ("reason.request",),
    ("reason.again",),
)


@pytest.mark.parametrize("snr_db", [20, 0, -10])
@pytest.mark.parametrize("kind", ["pink", "traffic"])
@pytest.mark.requirement("R4", "all")
def test_the_notice_is_found_down_to_minus_10_db(prompt: Prompt, kind: str, snr_db: float) -> None:
    reference = prompt(("notice",))
    result = prove_heard(reference, microphone(reference, kind, snr_db, 0.12, seed=int(snr_db) + 50))
    assert result.heard
    assert result.agreement >= 0.85
    assert result.delay_ms == pytest.approx(120, abs=3)


@pytest.mark.parametrize("sentence", SENTENCES[1:], ids=lambda sentence: sentence[0])
@pytest.mark.parametrize(("kind", "snr_db"), [("pink", 10), ("traffic", 0), ("traffic", -5), ("white", 0)])
def test_sentences_of_a_few_seconds_are_found_too(
    prompt: Prompt, sentence: Utterance, kind: str, snr_db: float
) -> None:
    reference = prompt(sentence)
    result = prove_heard(reference, microphone(reference, kind, snr_db, 0.3, seed=len(sentence[0])))
    assert result.heard
    assert result.delay_ms == pytest.approx(300, abs=3)


@pytest.mark.parametrize("sentence", SENTENCES, ids=lambda sentence: sentence[0])
@pytest.mark.parametrize("kind", ["pink", "traffic", "white"])
@pytest.mark.requirement("R4", "all")
def test_noise_alone_is_never_taken_for_a_prompt(prompt: Prompt, sentence: Utterance, kind: str) -> None:
    reference = prompt(sentence)
    noise = NOISES[kind](reference.size + 12_800, generator(5)) * 0.1
    assert not prove_heard(reference, noise.astype(np.float32)).heard


@pytest.mark.parametrize(("sentence", "other"), list(permutations(SENTENCES, 2)), ids=lambda sentence: sentence[0])
def test_another_prompt_of_the_same_voice_is_never_taken_for_it(
    prompt: Prompt, sentence: Utterance, other: Utterance
) -> None:
    reference, spoken = prompt(sentence), prompt(other)
    fitted = np.resize(spoken, reference.size).astype(np.float32)
    assert not prove_heard(reference, microphone(fitted, "traffic", 20, 0.1, seed=1)).heard


def test_a_marker_with_another_minute_is_another_marker(prompt: Prompt) -> None:
    reference, spoken = prompt(MARKER), prompt(LATER)
    fitted = np.resize(spoken, reference.size).astype(np.float32)
    assert not prove_heard(reference, microphone(fitted, "pink", 20, 0.1, seed=1)).heard


@pytest.mark.parametrize("level", [0.0, 1e-5, 1e-3])
def test_silence_and_hiss_are_no_prompt(prompt: Prompt, level: float) -> None:
    reference = prompt(("notice",))
    hiss = generator(3).normal(size=reference.size + 12_800) * level
    result = prove_heard(reference, hiss.astype(np.float32))
    assert (result.heard, result.delay_ms) == (False, None)


def test_half_a_notice_is_not_the_notice(prompt: Prompt) -> None:
    reference = prompt(("notice",))
    sound = played(reference, 0.1, generator(2))
    sound[sound.size // 2 :] = 0.0
    assert not prove_heard(reference, with_noise(sound, "pink", 20, generator(3))).heard


def test_nothing_to_look_for_is_not_found() -> None:
    assert not prove_heard(np.zeros(0, dtype=np.float32), np.zeros(12_800, dtype=np.float32)).heard


def test_the_level_of_the_microphone_is_reported(prompt: Prompt) -> None:
    reference = prompt(("reason.request",))
    sound = microphone(reference, "pink", 10, 0.1, seed=4)
    assert prove_heard(reference, sound).level_dbfs == pytest.approx(20 * np.log10(rms(sound)), abs=0.1)


def at_card_rate(sound: Samples, ppm: float) -> Iterator[AudioBlock]:
    """What a card whose clock runs `ppm` fast makes of 16 kHz sound that begins at `BOOT`."""
    speed = 1 + ppm * 1e-6
    true_places = np.arange(int(sound.size * 3 * speed)) / (3 * speed)
    samples = np.interp(true_places, np.arange(sound.size), sound).astype(np.float32)
    for first in range(0, samples.size - 959, 960):
        at = BOOT + round(first * SECOND / (VOICE_RATE_HZ * speed))
        yield AudioBlock(to_s16(samples[first : first + 960] * np.float32(0.5)), first, at)


def heard_through_a_card(reference: Samples, ppm: float, silence_seconds: float = 3.0) -> HeardResult:
    before = pink(round(silence_seconds * ANALYSIS_RATE_HZ), generator(8)) * 0.01
    through = with_noise(played(reference, 0.1, generator(9)), "traffic", 0, generator(10))
    recent = RecentSound(40)
    for block in at_card_rate(np.concatenate([before, through / rms(through) * 0.1]).astype(np.float32), ppm):
        recent.append(block)
    started = BOOT + round((silence_seconds + 0.1) * SECOND)
    wide = np.interp(np.arange(reference.size * 3) / 3, np.arange(reference.size), reference).astype(np.float32)
    clip = SoundClip(to_s16(wide), VOICE_RATE_HZ, "notice")
    return heard_in(recent, clip, Playback(started, started + clip.duration_ns, True))


@pytest.mark.parametrize("ppm", [-200, 0, 200])
def test_the_notice_is_found_through_a_card_whose_clock_is_off(prompt: Prompt, ppm: float) -> None:
    result = heard_through_a_card(prompt(("notice",)), ppm)
    assert result.heard
    assert result.delay_ms == pytest.approx(100, abs=5)


def test_a_prompt_is_not_heard_where_the_microphone_was_dead(prompt: Prompt, book: PromptBook) -> None:
    clip = SoundClip(to_s16(np.repeat(prompt(("reason.request",)), 3)), VOICE_RATE_HZ, "reason")
    result = heard_in(RecentSound(5), clip, Playback(BOOT, BOOT + clip.duration_ns, True))
    assert (result.heard, result.agreement) == (False, 0.0)


CHIRP = to_analysis_rate(from_s16(tone(Tone.START).samples))


@pytest.mark.parametrize("snr_db", [10, 0, -5])
def test_the_chirp_is_found_in_traffic_within_20_ms(snr_db: float) -> None:
    for seed in range(4):
        result = prove_chirp(CHIRP, microphone(CHIRP, "traffic", snr_db, 0.2, seed))
        assert result.heard
        assert result.delay_ms == pytest.approx(200, abs=20)


def test_noise_speech_and_the_other_chirp_are_no_chirp(prompt: Prompt) -> None:
    speech = prompt(("notice",))
    falling = to_analysis_rate(from_s16(tone(Tone.STOP).samples))
    length = CHIRP.size + 12_800
    for seed in range(10):
        noise = generator(seed)
        start = int(noise.integers(0, speech.size - length))
        for sound in (pink(length, noise), traffic(length, noise), speech[start : start + length]):
            assert not prove_chirp(CHIRP, sound.astype(np.float32)).heard
    assert not prove_chirp(CHIRP, microphone(falling, "pink", 20, 0.1, seed=1)).heard
    assert not prove_chirp(CHIRP, np.zeros(length, dtype=np.float32)).heard


def test_the_chirp_is_found_in_what_the_microphone_kept() -> None:
    recent = RecentSound(10)
    sound = np.concatenate([np.zeros(VOICE_RATE_HZ), from_s16(tone(Tone.START).samples) * 0.1, np.zeros(VOICE_RATE_HZ)])
    for first in range(0, sound.size - 959, 960):
        block = to_s16(sound[first : first + 960].astype(np.float32))
        recent.append(AudioBlock(block, first, BOOT + first * SECOND // VOICE_RATE_HZ))
    started = BOOT + SECOND - SECOND // 20
    result = chirp_heard(recent, Playback(started, started + 400_000_000, True))
    assert result.heard
    assert result.delay_ms == pytest.approx(50, abs=3)

"""What the unit's ears make of real recordings: people who speak, a street, and the unit's own words between them.

Explanations: real speech over a real street, at 10, 0 and −5 dB over the length of the speech; the same with the voices
and the half of the street that nothing was tuned on; and the street, wind, leaves and water alone.
Prompts: the unit's notice (its own voice) and passages read by people (as an agency's clips would be), through a small
loudspeaker and a hard room, which are computed; and, for the absence, everything but the prompt.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np

from capture.voice.activity import SpeechDetector, judge
from capture.voice.heard import prove_heard
from capture.voice.language import Language
from capture.voice.loudness import normalised
from capture.voice.reading import speakable
from capture.voice.samples import ANALYSIS_RATE_HZ, Samples, to_analysis_rate
from capture.voice.synthesiser import find_synthesiser
from tests.bench.measurement import Measurement, at_least, at_most, figure
from tests.bench.recordings import (
    OUTDOORS,
    STREET_HELD_OUT,
    NoRecordingsError,
    Sound,
    speech,
    street,
    street_parts,
    windows,
)
from tests.unit.capture_voice.acoustics import generator, played, rms

SNR_DB = (10, 0, -5)
HARDEST_DB = min(SNR_DB)
WINDOW_SAMPLES = 15 * ANALYSIS_RATE_HZ
SENTENCE_SECONDS = 3.5
"""From here on a passage is a sentence; what is shorter are digits and commands of two or three words."""
SHORTEST_SECONDS = 2.0
NOISE_WINDOWS = 20
LEVELS = (0.01, 0.06, 0.2)
"""A quiet street, a usual one, a loud one; 1 is full scale."""
TAKES = 4
NOTICE_TAKES = 12
NOTICE = "您好，我们是执法人员甲某、乙某，为保护您的合法权益，监督我们的执法行为，本次执法全程录音录像。"
SOURCES = "speech: pocketsphinx-testdata (BSD); street: simutrans-pak64 (Artistic)"


def measure() -> list[Measurement]:
    """Shares of windows and prompts that are judged right."""
    try:
        passages, parts = speech(), street_parts()
    except NoRecordingsError as error:
        return [figure("speech: recordings", 0, "files", str(error))]
    sentences, words = _by_length(passages)
    return [
        figure("speech: recordings", len(sentences) + len(words) + len(parts), "files", SOURCES),
        *_explanations(sentences, words, parts),
        *_held_out(),
        *_refused(parts),
        *_prompts([_clean(sentence) for sentence in sentences], parts),
    ]


def _explanations(
    sentences: Sequence[Samples], words: Sequence[Samples], parts: Sequence[Samples]
) -> list[Measurement]:
    detector = SpeechDetector()
    what = f"{len(sentences) * TAKES} windows of 15 s, {len(sentences)} sentences by people in the street"
    accepted = {db: 100 * _accepted(detector, sentences, parts, db) for db in SNR_DB}
    results = [at_least(f"explanation accepted at {db} dB", share, "%", what, 95) for db, share in accepted.items()]
    brief = f"{len(words) * TAKES} windows, {len(words)} passages of 2 to 3.4 s"
    results += [
        figure(f"a few words accepted at {db} dB", 100 * _accepted(detector, words, parts, db), "%", brief)
        for db in SNR_DB
    ]
    return results


def _by_length(passages: Sequence[Samples]) -> tuple[list[Samples], list[Samples]]:
    sentences = [passage for passage in passages if passage.size >= SENTENCE_SECONDS * ANALYSIS_RATE_HZ]
    words = [passage for passage in passages if passage.size >= SHORTEST_SECONDS * ANALYSIS_RATE_HZ]
    return sentences, [passage for passage in words if passage.size < SENTENCE_SECONDS * ANALYSIS_RATE_HZ]


def _held_out() -> list[Measurement]:
    """What nothing was tuned on: the figures to believe."""
    detector, parts = SpeechDetector(), street_parts(STREET_HELD_OUT)
    sentences, words = _by_length(speech(held_out=True))
    told = f"{len(sentences) * TAKES} windows, voices and street that nothing was tuned on"
    share = 100 * _accepted(detector, sentences, parts, HARDEST_DB)
    brief = 100 * _accepted(detector, words, parts, HARDEST_DB)
    return [
        at_least(f"explanation accepted at {HARDEST_DB} dB, held out", share, "%", told, 95),
        figure(f"a few words accepted at {HARDEST_DB} dB, held out", brief, "%", f"{len(words) * TAKES} windows"),
    ]


def _refused(parts: Sequence[Samples]) -> list[Measurement]:
    detector = SpeechDetector()
    sounds: list[Sound] = [street(parts, WINDOW_SAMPLES, seed) for seed in range(NOISE_WINDOWS)]
    sounds += [np.resize(sound, WINDOW_SAMPLES).astype(np.float64) for sound in street_parts(OUTDOORS)]
    fooled = 100 * _share(_is_speech(detector, sound * level) for sound in sounds for level in LEVELS)
    told = f"{len(sounds) * len(LEVELS)} windows of 15 s: street, wind, leaves, water, birds; quiet, usual and loud"
    return [at_most("street taken for an explanation", fooled, "%", told, 0)]


def _accepted(detector: SpeechDetector, passages: Sequence[Samples], parts: Sequence[Samples], snr_db: int) -> float:
    return _share(
        _is_speech(
            detector, window + street(parts, WINDOW_SAMPLES, 10 * place + take) * _level(window, passage, snr_db)
        )
        for place, (passage, window) in enumerate(zip(passages, windows(passages, WINDOW_SAMPLES), strict=True))
        for take in range(TAKES)
    )


def _level(window: Samples, passage: Samples, snr_db: int) -> float:
    """Level of the street that lies so far below the speech, over the speech's own length."""
    spoken = min(passage.size, WINDOW_SAMPLES - 2 * ANALYSIS_RATE_HZ)
    return float(rms(window) * np.sqrt(window.size / spoken) * 10 ** (-snr_db / 20))


def _is_speech(detector: SpeechDetector, sound: Sound | Samples) -> bool:
    detector.reset()
    return judge(detector.probabilities(np.clip(sound, -1, 1).astype(np.float32))).accepted


def _prompts(readings: Sequence[Samples], parts: Sequence[Samples]) -> list[Measurement]:
    notice = _notice()
    what = f"{NOTICE_TAKES} takes of the unit's own notice in the street"
    shares = {db: 100 * _share(_heard(notice, parts, db, take) for take in range(NOTICE_TAKES)) for db in SNR_DB}
    heard = [at_least(f"notice heard at {db} dB", share, "%", what, 95) for db, share in shares.items()]
    said = f"{len(readings) * TAKES} takes of {len(readings)} sentences by people, as an agency's clips would be"
    for db in SNR_DB:
        share = 100 * _share(_heard(one, parts, db, take) for one in readings for take in range(TAKES))
        heard.append(figure(f"agency's clip heard at {db} dB", share, "%", said))
    absent = [_heard_without(one, readings, parts, take) for one in (notice, *readings) for take in range(NOTICE_TAKES)]
    told = f"{len(absent)} takes: the street alone, or other people talking in it"
    return [*heard, at_most("prompt heard that was not played", 100 * _share(absent), "%", told, 0)]


def _share(outcomes: Iterable[bool]) -> float:
    known = list(outcomes)
    return sum(known) / len(known)


def _heard(prompt: Samples, parts: Sequence[Samples], snr_db: int, take: int) -> bool:
    sound = played(prompt, take * 0.05, generator(take))
    level = rms(sound) * np.sqrt(sound.size / prompt.size)
    noise = street(parts, sound.size, 100 + take) * level * 10 ** (-snr_db / 20)
    return prove_heard(prompt, (sound + noise).astype(np.float32)).heard


def _heard_without(prompt: Samples, readings: Sequence[Samples], parts: Sequence[Samples], take: int) -> bool:
    size = played(prompt, 0.0, generator(take)).size
    sound = street(parts, size, 200 + take) * 0.05
    if take % 2:
        others = [passage for passage in readings if passage.size != prompt.size]
        sound = sound + np.resize(others[take % len(others)], size)
    return prove_heard(prompt, sound.astype(np.float32)).heard


def _notice() -> Samples:
    samples = find_synthesiser().synthesise(speakable(NOTICE, ()), Language.CHINESE)
    return to_analysis_rate(normalised(samples))


def _clean(passage: Samples) -> Samples:
    return np.asarray(passage / rms(passage) * 0.1, dtype=np.float32)

"""Whether the microphone really heard what the loudspeaker said (R4, R8).

Rules of this module: pure; known clip and microphone sound in, finding out. The clip is cut into pieces of about 1 s;
each is looked for in the microphone sound by its phase alone (GCC-PHAT, 300–4000 Hz), near the time of its playing.
Pieces of a clip that was heard lie at one common delay; pieces of another prompt, of noise or of silence do not.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from capture.voice.ring import RecentSound
from capture.voice.samples import ANALYSIS_RATE_HZ, Samples, from_s16, level_dbfs, to_analysis_rate
from capture.voice.sounds import Tone
from capture.voice.tones import tone
from hal.values import Playback, SoundClip

Correlation = NDArray[np.float64]

EARLIEST_SECONDS = -0.10
"""A driver's start time may be this late."""
LATEST_SECONDS = 0.70
"""Output buffer, way through the air and input buffer together."""
PIECE_SECONDS = 1.0
SHORTEST_PIECE_SECONDS = 0.5
FEWEST_PIECES = 4
TOLERANCE_SECONDS = 0.002
"""How far from the common delay a piece may show its evidence; echoes of one room are the same for all pieces."""
DRIFT_PPM_MAX = 250
"""Largest clock error between loudspeaker and microphone over which pieces are brought together."""
AGREEMENT_MIN = 0.75
"""Share of the pieces at the common delay, from which on a prompt counts as heard."""
STRENGTH_MIN = 6.5
"""Peak of the pieces' common correlation against its RMS; noise and other prompts stay below."""
CLEAR_STRENGTH = 10.0
CLEAR_AGREEMENT_MIN = 0.9
"""Where the peak stands out that clearly, a missing piece is no noise: it is a sentence that differs in a word."""
CHIRP_STRENGTH_MIN = 5.0
"""Peak of the matched filter's envelope against its RMS; noise stays below 4.7."""
CHIRP_OVER_MIRROR_MIN = 1.5
"""How much better the chirp fits than the same chirp backwards: speech fits both alike."""
_BAND_HZ = (300.0, 4000.0)
_BETTER_THAN = 0.9
_QUIET_BELOW_LOUDEST_DB = 30.0
_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class HeardResult:
    """What a look for a known sound found."""

    heard: bool
    agreement: float
    """Share of the clip's pieces found at one common delay, 0–1."""
    delay_ms: int | None
    """From the start of the playback to its arrival in the microphone; None when not heard."""
    level_dbfs: float
    """Level of the microphone sound while the unit spoke."""
    strength: float
    """Peak of the common correlation against its RMS."""
    pieces: int


def heard_in(recent: RecentSound, clip: SoundClip, playback: Playback) -> HeardResult:
    """Look for a played clip in what the microphone heard; call it `LATEST_SECONDS` after the end of the playback.

    Args:
        recent: The microphone's recent sound.
        clip: The clip as it was played (48 kHz).
        playback: When it was played; a part that was not played is not looked for.
    """
    played_seconds = (playback.ended_boottime_ns - playback.started_boottime_ns) / _NS
    reference = to_analysis_rate(from_s16(clip.samples))[: round(played_seconds * ANALYSIS_RATE_HZ)]
    excerpt = _around(recent, playback.started_boottime_ns, reference.size)
    return prove_heard(reference, excerpt)


def chirp_heard(recent: RecentSound, playback: Playback, name: Tone = Tone.START) -> HeardResult:
    """Look for one of the chirps by matched filter; its delay is exact to about a millisecond."""
    reference = to_analysis_rate(from_s16(tone(name).samples))
    return prove_chirp(reference, _around(recent, playback.started_boottime_ns, reference.size))


def _around(recent: RecentSound, started_ns: int, reference_samples: int) -> Samples:
    length_ns = reference_samples * _NS // ANALYSIS_RATE_HZ
    begin_ns = started_ns + round(EARLIEST_SECONDS * _NS)
    return recent.between(begin_ns, started_ns + length_ns + round(LATEST_SECONDS * _NS), by_clock=True).samples


def prove_heard(reference: Samples, microphone: Samples) -> HeardResult:
    """Decide whether a known clip is in the microphone sound.

    Args:
        reference: The clip, 16 kHz.
        microphone: 16 kHz, from `EARLIEST_SECONDS` before the playback's start to `LATEST_SECONDS` behind its end.
    """
    pieces = _pieces(reference)
    level = level_dbfs(microphone)
    found = [_phase_correlation(reference, microphone, piece) for piece in pieces]
    if not pieces or not np.any(found):
        return HeardResult(False, 0.0, None, level, 0.0, len(pieces))
    shifts, best, strength = _common_delay(np.stack(found), _possible_shifts(pieces))
    agreement = sum(_shows(one, best + shift) for one, shift in zip(found, shifts, strict=True)) / len(pieces)
    wanted = CLEAR_AGREEMENT_MIN if strength >= CLEAR_STRENGTH else AGREEMENT_MIN
    heard = agreement >= wanted and strength >= STRENGTH_MIN
    delay = round((best / ANALYSIS_RATE_HZ + EARLIEST_SECONDS) * 1000)
    return HeardResult(heard, agreement, delay if heard else None, level, strength, len(pieces))


def _possible_shifts(pieces: list[tuple[int, int]]) -> list[list[int]]:
    """By how many samples each piece moves against the first, for every drift that would show at the last one."""
    middles = [(first + last) / 2 for first, last in pieces]
    span = middles[-1] - middles[0]
    reach = math.ceil(span * DRIFT_PPM_MAX * 1e-6)
    drifts = [step / span for step in range(-reach, reach + 1)] if span else [0.0]
    return [[round(drift * (middle - middles[0])) for middle in middles] for drift in drifts]


def _common_delay(found: Correlation, possible: list[list[int]]) -> tuple[list[int], int, float]:
    """Find the drift and the delay at which the pieces' correlations add up best, and how far that stands out."""
    sums = [_summed(found, shifts) for shifts in possible]
    place = max(range(len(sums)), key=lambda index: float(sums[index].max()))
    common = sums[place]
    best = int(np.argmax(common))
    return possible[place], best, float(common[best] / (np.sqrt(np.mean(np.square(common))) + 1e-30))


def _summed(found: Correlation, shifts: list[int]) -> Correlation:
    total = np.zeros(found.shape[1], dtype=np.float64)
    for one, shift in zip(found, shifts, strict=True):
        total += np.roll(one, -shift)
    return total


def _shows(correlation: Correlation, delay: int) -> bool:
    """Whether one piece alone speaks for a delay: more than nine in ten other places of its correlation do."""
    reach = round(TOLERANCE_SECONDS * ANALYSIS_RATE_HZ)
    near = correlation[max(0, delay - reach) : delay + reach]
    blocks = correlation[: correlation.size // (2 * reach) * 2 * reach].reshape(-1, 2 * reach).max(axis=1)
    return bool(near.size and near.max() > np.quantile(blocks, _BETTER_THAN))


def _pieces(reference: Samples) -> list[tuple[int, int]]:
    """Cut a clip into pieces of 2 s, shorter ones where it is short; quiet pieces prove nothing and are left out."""
    seconds = reference.size / ANALYSIS_RATE_HZ
    length = min(PIECE_SECONDS, max(SHORTEST_PIECE_SECONDS, seconds / FEWEST_PIECES))
    count = max(1, int(seconds / length + 1e-6))
    borders = np.linspace(0, reference.size, count + 1).astype(int)
    pieces = [(int(first), int(last)) for first, last in pairwise(borders) if last > first]
    levels = [level_dbfs(reference[first:last]) for first, last in pieces]
    loudest = max(levels, default=0.0)
    return [piece for piece, level in zip(pieces, levels, strict=True) if level > loudest - _QUIET_BELOW_LOUDEST_DB]


def _lags() -> int:
    return round((LATEST_SECONDS - EARLIEST_SECONDS) * ANALYSIS_RATE_HZ)


def _phase_correlation(reference: Samples, microphone: Samples, piece: tuple[int, int]) -> Correlation:
    """Correlate one piece by phase over all lags, scaled to RMS 1; nothing but zeros where nothing was captured."""
    first, last = piece
    window = microphone[first : last + _lags()]
    if not np.any(window):
        return np.zeros(_lags(), dtype=np.float64)
    size = 1 << (window.size + last - first - 1).bit_length()
    cross = np.fft.rfft(window, size) * np.conj(np.fft.rfft(reference[first:last], size))
    magnitude = np.abs(cross)
    cross /= magnitude + 1e-9 * float(magnitude.max()) + 1e-30
    frequency = np.fft.rfftfreq(size, 1.0 / ANALYSIS_RATE_HZ)
    cross[(frequency < _BAND_HZ[0]) | (frequency > _BAND_HZ[1])] = 0.0
    correlation = np.asarray(np.fft.irfft(cross, size)[: _lags()], dtype=np.float64)
    return correlation / (float(np.sqrt(np.mean(np.square(correlation)))) + 1e-30)


def prove_chirp(reference: Samples, microphone: Samples) -> HeardResult:
    """Decide by matched filter whether a chirp is in the microphone sound; arguments as for `prove_heard`."""
    level = level_dbfs(microphone)
    if microphone.size < reference.size or not np.any(microphone):
        return HeardResult(False, 0.0, None, level, 0.0, 1)
    envelope = _matched(reference, microphone)
    best = int(np.argmax(envelope))
    strength = float(envelope[best] / (np.sqrt(np.mean(np.square(envelope))) + 1e-30))
    over_mirror = float(envelope[best] / (_matched(reference[::-1], microphone).max() + 1e-30))
    heard = strength >= CHIRP_STRENGTH_MIN and over_mirror >= CHIRP_OVER_MIRROR_MIN
    delay = round((best / ANALYSIS_RATE_HZ + EARLIEST_SECONDS) * 1000)
    return HeardResult(heard, float(heard), delay if heard else None, level, strength, 1)


def _matched(reference: Samples, microphone: Samples) -> Correlation:
    """Envelope of the matched filter at every place where the whole reference fits."""
    size = 1 << (microphone.size + reference.size - 1).bit_length()
    analytic = np.zeros(size, dtype=np.complex128)
    analytic[: size // 2 + 1] = np.fft.rfft(microphone, size) * np.conj(np.fft.rfft(reference, size))
    return np.abs(np.fft.ifft(analytic)[: microphone.size - reference.size + 1])

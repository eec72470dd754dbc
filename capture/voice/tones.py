"""Sounds without words: what answers a gesture, and what a person knows without listening.

Rules of this module: pure; every sound is computed, none is a file. One sound per meaning, told apart by pitch and
rhythm alone.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from functools import cache

import numpy as np

from capture.voice.samples import VOICE_RATE_HZ, Samples, faded, joined, to_s16
from hal.values import SoundClip

CHIRP_SECONDS = 0.4
CHIRP_LOW_HZ = 800.0
CHIRP_HIGH_HZ = 2400.0
_AMPLITUDE = 0.5
_QUIET_AMPLITUDE = 0.12
_EDGE_SECONDS = 0.005


class Tone(StrEnum):
    """Meanings that have a sound."""

    START = "start"
    """Recording begins: chirp upwards; also the preflight's proof that loudspeaker and microphone work."""
    STOP = "stop"
    """Recording ends: the same chirp downwards."""
    READY = "ready"
    """Preflight passed: two rising notes."""
    DEGRADED = "degraded"
    """Preflight passed with a shortcoming: two equal low notes."""
    FAILED = "failed"
    """A check failed and it is recorded all the same, or words are missing that should be here: three low notes."""
    WARNING = "warning"
    """Something goes wrong while the recording goes on: high and low in turn, twice."""
    FAULT = "fault"
    """Nothing is being recorded: three short beeps."""
    MARK = "mark"
    """A mark was set: one tick."""
    STILL_RECORDING = "still-recording"
    """Quiet low pulse, for profiles that want the minute's sign to be heard."""
    ACCEPTED = "accepted"
    """A gesture was understood."""
    WITHDRAWN = "withdrawn"
    """What was begun is not done; the recording goes on: one note falling."""
    REFUSED = "refused"
    """A gesture was understood and is not allowed now."""
    STEP = "step"
    """The menu moved on."""
    HOLD = "hold"
    """A hold was long enough; the button may be released."""
    RESUMED = "resumed"
    """Recording goes on after a break: chirp upwards, twice as fast, twice."""


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


HEARD: dict[Tone, str] = {
    Tone.START: "a chirp rising",
    Tone.STOP: "a chirp falling",
    Tone.READY: "two notes rising",
    Tone.DEGRADED: "two equal low notes",
    Tone.FAILED: "three equal low notes",
    Tone.WARNING: "high and low in turn, twice",
    Tone.FAULT: "three short beeps",
    Tone.MARK: "one tick",
    Tone.STILL_RECORDING: "one quiet low note",
    Tone.ACCEPTED: "one short high note",
    Tone.WITHDRAWN: "a high note, then a lower one",
    Tone.REFUSED: "two low notes falling",
    Tone.STEP: "one short click",
    Tone.HOLD: "one long high note",
    Tone.RESUMED: "two quick chirps rising",
}
"""How each sound is described to people."""


@cache
def tone(name: Tone) -> SoundClip:
    """Give a sound, ready to be played (48 kHz)."""
    return SoundClip(to_s16(_SOUNDS[name]()), VOICE_RATE_HZ, f"tone {name}")

"""Which sounds without words there are, and what each of them means.

Rules of this module: names and words alone, so that a table may name a sound without computing
any (`capture.voice.tones`).
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum


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


HEARD: Mapping[Tone, str] = {
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

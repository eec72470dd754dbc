"""How the unit answers without words: one lamp pattern per state, one vibration and tone per cue (CS-8, CS-37).

Rules of this module: tables only. Every state is told from every other without seeing a colour: no two lamp patterns
blink alike.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from capture.voice.sounds import Tone
from hal.values import LampColour, LampPattern, VibrationPattern


class Cue(StrEnum):
    """Something that the officer is told at once."""

    PRESSED = "pressed"
    READY = "ready"
    DEGRADED = "degraded"
    FAILED = "failed"
    BLOCKED = "blocked"
    MARK = "mark"
    ANNOUNCE = "announce"
    STEP = "step"
    CONFIRMED = "confirmed"
    WITHDRAWN = "withdrawn"
    BROKEN = "broken"
    STILL_BROKEN = "still-broken"
    RESUMED = "resumed"
    STILL_RECORDING = "still-recording"
    STILL_RECORDING_AUDIBLE = "still-recording-audible"
    FINISHED = "finished"
    REFUSED = "refused"
    FAULT = "fault"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class CueAnswer:
    """How one cue is given."""

    vibration_ms: tuple[int, ...]
    """On and off in turn."""
    tone: Tone | None
    lamp: LampPattern | None = None
    """Shown for a moment, then the state's own again."""

    def vibration(self, cue: Cue) -> VibrationPattern:
        """The pattern for the motor."""
        return VibrationPattern(self.vibration_ms, cue.value)


def _flash(colour: LampColour, meaning: str) -> LampPattern:
    return LampPattern(colour, 1000, 0, meaning)


def answer(cue: Cue, felt_ms: tuple[int, ...], tone: Tone | None, colour: LampColour | None) -> CueAnswer:
    """An answer as a profile words it."""
    return CueAnswer(felt_ms, tone, None if colour is None else _flash(colour, cue.value))


STATE_LAMPS: Mapping[str, LampPattern] = {
    "idle": LampPattern(LampColour.GREEN, 100, 4900, "idle"),
    "starting": LampPattern(LampColour.YELLOW, 900, 100, "starting"),
    "notice": LampPattern(LampColour.RED, 900, 300, "notice"),
    "statement": LampPattern(LampColour.RED, 300, 900, "statement"),
    "recording": LampPattern(LampColour.RED, 1000, 0, "recording"),
    "announcing": LampPattern(LampColour.YELLOW, 300, 300, "announcing"),
    "choosing": LampPattern(LampColour.YELLOW, 900, 900, "choosing"),
    "interrupted": LampPattern(LampColour.YELLOW, 100, 900, "interrupted"),
    "resuming": LampPattern(LampColour.RED, 300, 100, "resuming"),
    "finishing": LampPattern(LampColour.RED, 100, 300, "finishing"),
    "fault": LampPattern(LampColour.BLUE, 100, 100, "fault"),
}
"""State of the session machine → what the lamp shows. Its times on and off are of a few lengths, each three times the
next or more, and no two states have both alike: rhythms that a person tells apart at a glance."""

DOCK_LAMPS: Mapping[str, LampPattern] = {
    "uploading": LampPattern(LampColour.BLUE, 900, 2700, "uploading"),
    "uploaded": LampPattern(LampColour.GREEN, 2700, 300, "uploaded"),
}
"""What the lamp shows instead of «idle» while the unit is in its dock."""

CUES: Mapping[Cue, CueAnswer] = {
    Cue.PRESSED: CueAnswer((80,), None),
    Cue.READY: CueAnswer((120, 80, 120), Tone.READY, _flash(LampColour.GREEN, "ready")),
    Cue.DEGRADED: CueAnswer((120, 80, 400), Tone.DEGRADED, _flash(LampColour.YELLOW, "degraded")),
    Cue.FAILED: CueAnswer((400, 100, 400), Tone.FAILED, _flash(LampColour.YELLOW, "failed")),
    Cue.BLOCKED: CueAnswer((400, 100, 400, 100, 400), Tone.FAULT, _flash(LampColour.BLUE, "blocked")),
    Cue.MARK: CueAnswer((60,), Tone.MARK, _flash(LampColour.GREEN, "mark")),
    Cue.ANNOUNCE: CueAnswer((200, 100, 60), Tone.HOLD),
    Cue.STEP: CueAnswer((60, 60, 60), Tone.STEP),
    Cue.CONFIRMED: CueAnswer((120, 60, 60), Tone.ACCEPTED, _flash(LampColour.GREEN, "confirmed")),
    Cue.WITHDRAWN: CueAnswer((60, 100, 200), Tone.WITHDRAWN),
    Cue.BROKEN: CueAnswer((600, 200, 600), Tone.FAULT),
    Cue.STILL_BROKEN: CueAnswer((300, 200, 300, 200, 300), Tone.FAULT),
    Cue.RESUMED: CueAnswer((120, 80, 120, 80, 300), Tone.RESUMED),
    Cue.STILL_RECORDING: CueAnswer((40,), None, _flash(LampColour.GREEN, "still-recording")),
    Cue.STILL_RECORDING_AUDIBLE: CueAnswer((40,), Tone.STILL_RECORDING, _flash(LampColour.GREEN, "still-recording")),
    Cue.FINISHED: CueAnswer((800,), Tone.STOP),
    Cue.REFUSED: CueAnswer((60, 60, 60, 60, 60), Tone.REFUSED),
    Cue.FAULT: CueAnswer((1000, 200, 1000), Tone.FAULT),
    Cue.WARNING: CueAnswer((200, 100, 200, 100, 600), Tone.WARNING, _flash(LampColour.YELLOW, "warning")),
}
"""Cue → how it is given. The start chirp is played by the preflight, whose sync mark it is.

No sound has two meanings: `Tone.FAULT` is heard when nothing is being recorded, whatever the reason, and then alone.
"""

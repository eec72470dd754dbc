"""The part of a profile that states gestures, lamps and sounds of its own (PR-13).

Rules of this module: values as they stand in the file; what they must be like is `capture.signals`.
"""

from __future__ import annotations

from typing import Annotated, Self, TypeVar

from pydantic import AfterValidator, Field, field_validator, model_validator

from capture.cues import Cue, answer
from capture.gestures import Meaning, Movement
from capture.section import ITEMS_MAX, Code, Section
from capture.signals import OWN, SHORTEST_MS, SignalTable, check, with_presses
from capture.voice.sounds import Tone
from hal.values import ButtonName, LampColour, LampPattern

Named = TypeVar("Named", Cue, Meaning)


def _lit(colour: LampColour) -> LampColour:
    if colour is LampColour.OFF:
        raise ValueError("a lamp that is off shows nothing; give a colour")
    return colour


Lit = Annotated[LampColour, AfterValidator(_lit)]


class LampEntry(Section):
    """What the lamp shows in one state."""

    code: Code
    """The state, as in `capture/SESSION.md`."""
    colour: Lit
    on_ms: int = Field(ge=SHORTEST_MS, le=10_000)
    off_ms: int = Field(ge=0, le=10_000)
    """0: it does not blink."""

    @field_validator("off_ms")
    @classmethod
    def _is_seen(cls, off_ms: int) -> int:
        if 0 < off_ms < SHORTEST_MS:
            raise ValueError(f"a pause below {SHORTEST_MS} ms is not seen")
        return off_ms


class CueEntry(Section):
    """How one cue is answered."""

    code: Code
    felt_ms: Annotated[tuple[Annotated[int, Field(ge=20, le=2_000)], ...], Field(min_length=1, max_length=9)]
    """The motor on, off, on …"""
    tone: Tone | None = None
    lamp: Lit | None = None
    """Shown for a moment."""


class PressEntry(Section):
    """Where one gesture of a running recording lies, on two buttons."""

    code: Code
    button: ButtonName
    movement: Movement


class SignalsSection(Section):
    """Gestures, lamps and sounds (CS-8, CS-37; PR-13): what stands here takes the place of the recorder's own."""

    lamps: Annotated[tuple[LampEntry, ...], Field(max_length=ITEMS_MAX)] = ()
    cues: Annotated[tuple[CueEntry, ...], Field(max_length=2 * ITEMS_MAX)] = ()
    presses: Annotated[tuple[PressEntry, ...], Field(max_length=ITEMS_MAX)] = ()

    @model_validator(mode="after")
    def _told_apart(self) -> Self:
        for name, entries in (("lamps", self.lamps), ("cues", self.cues), ("presses", self.presses)):
            codes = [each.code for each in entries]
            if len(codes) != len(set(codes)):
                raise ValueError(f"{name}: each code may stand once")
        check(self.table())
        return self

    def table(self) -> SignalTable:
        """The whole table in force. Raises ValueError: a code that is none, or a gesture that cannot lie there."""
        lamps = {each.code: LampPattern(each.colour, each.on_ms, each.off_ms, each.code) for each in self.lamps}
        cues = {_known(Cue, each.code): each for each in self.cues}
        if unknown := sorted(set(lamps) - set(OWN.lamps)):
            raise ValueError(f"lamps: {unknown[0]!r} is no state; there are {', '.join(OWN.lamps)}")
        presses = {_known(Meaning, each.code): (each.button, each.movement) for each in self.presses}
        answers = {cue: answer(cue, each.felt_ms, each.tone, each.lamp) for cue, each in cues.items()}
        return SignalTable({**OWN.lamps, **lamps}, {**OWN.cues, **answers}, with_presses(presses))


def _known(kind: type[Named], code: str) -> Named:
    try:
        return kind(code)
    except ValueError as error:
        raise ValueError(f"{code!r} is none of {', '.join(each.value for each in kind)}") from error

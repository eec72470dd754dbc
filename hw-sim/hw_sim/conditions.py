"""What a scenario can wait for or expect: words that were spoken, lamps that shine, pulses that were felt, the film.

Rules of this module: conditions look at journal, lamps and scene, as a bystander does; none looks into the unit.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from hal.values import LampColour, LampPattern
from hw_sim.civil import NANOSECONDS
from hw_sim.journal import Happening
from hw_sim.wording import DURATION, QUOTED, seconds


@dataclass(frozen=True, slots=True)
class Perceived:
    """What a bystander has seen and heard."""

    shown: LampPattern
    """The lamp now."""
    since: Sequence[Happening]
    """Happenings since the scenario last did or saw something."""
    film_ns: int = 0
    """Place in the film that the camera looks at; it stands still while the camera is out."""


class Condition(Protocol):
    """Something that is so, or not yet."""

    def met(self, perceived: Perceived) -> bool:
        """Tell whether it is so."""
        ...


@dataclass(frozen=True, slots=True)
class Words:
    """Somebody has spoken words that contain a text, to their end."""

    text: str
    speaker: str = "unit"

    def met(self, perceived: Perceived) -> bool:
        """Tell whether the words were spoken."""
        return any(
            entry["kind"] == "spoken" and entry["speaker"] == self.speaker and self.text in str(entry["words"])
            for entry in perceived.since
        )


@dataclass(frozen=True, slots=True)
class Lamp:
    """The lamp shines now in a colour, in a manner, for a meaning; each may be left open."""

    colour: LampColour | None = None
    steady: bool | None = None
    meaning: str = ""

    def met(self, perceived: Perceived) -> bool:
        """Tell whether the lamp shines so."""
        shown = perceived.shown
        return (
            self.colour in {None, shown.colour}
            and self.steady in {None, shown.off_ms == 0}
            and self.meaning in shown.meaning
        )


@dataclass(frozen=True, slots=True)
class Pulse:
    """A vibration was felt, for a meaning that may be left open."""

    meaning: str = ""

    def met(self, perceived: Perceived) -> bool:
        """Tell whether it was felt."""
        return any(entry["kind"] == "vibration" and self.meaning in str(entry["meaning"]) for entry in perceived.since)


@dataclass(frozen=True, slots=True)
class Film:
    """The camera has seen the film up to a place; a film that repeats goes on counting."""

    position_ns: int

    def met(self, perceived: Perceived) -> bool:
        """Tell whether the place was reached."""
        return perceived.film_ns >= self.position_ns


@dataclass(frozen=True, slots=True)
class Never:
    """The opposite of a condition."""

    condition: Condition

    def met(self, perceived: Perceived) -> bool:
        """Tell whether the condition is not met."""
        return not self.condition.met(perceived)


FORMS = (
    'words "…"',
    "lamp off|green|yellow|red|blue [steady|blinking]",
    'lamp "meaning"',
    'vibration ["meaning"]',
    "film at 1:30",
)
_MANNERS = {"steady": True, "blinking": False, None: None}


def condition(text: str) -> Condition | None:
    """Read a condition; None when it is none of `FORMS`."""
    if found := re.fullmatch(rf"words\s+{QUOTED}", text):
        return Words(found[1])
    if found := re.fullmatch(r"lamp\s+(off|green|yellow|red|blue)(?:\s+(steady|blinking))?", text):
        return Lamp(LampColour(found[1]), _MANNERS[found[2]])
    if found := re.fullmatch(rf"lamp\s+{QUOTED}", text):
        return Lamp(meaning=found[1])
    if found := re.fullmatch(rf"vibration(?:\s+{QUOTED})?", text):
        return Pulse(found[1] or "")
    if found := re.fullmatch(rf"film\s+at\s+{DURATION}", text):
        return Film(round(seconds(found[1]) * NANOSECONDS))
    return None

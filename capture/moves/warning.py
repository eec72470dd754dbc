"""What goes wrong while the recording goes on: sealed, told, and told again with each pulse (R8, R18, CS-13).

Rules of this module: a fault stops nothing unless the profile says so; what cannot be told now is sealed all the same.
"""

from __future__ import annotations

from capture.conditions import FIGURES, PARTS
from capture.cues import Cue
from capture.effects import Phrase
from capture.events import ConditionChanged
from capture.moves import breaking
from capture.turn import Turn
from sealing.records import PromptKind


def condition_changed(turn: Turn, event: ConditionChanged) -> None:
    """Seal it and tell it; break off where the profile wants that."""
    if not _noted(turn, event) or not event.present:
        return
    if event.condition.value in turn.machine.rules.break_on:
        breaking.break_off(turn, event.condition.value, event.at_boottime_ns)
        return
    turn.cue(Cue.WARNING)
    minutes = event.figure if FIGURES.get(event.condition) == "minutes" else None
    turn.say(PromptKind.STATUS, Phrase.WARNING, cause=event.condition.value, number=minutes)


def condition_noted(turn: Turn, event: ConditionChanged) -> None:
    """Seal it while something else is being told."""
    _noted(turn, event)


def forget_shortages(turn: Turn) -> None:
    """A new recording tells a shortage anew; faults of parts stand until they are over."""
    turn.set(conditions=frozenset(each for each in turn.machine.conditions if each in PARTS))


def _noted(turn: Turn, event: ConditionChanged) -> bool:
    """Seal what is new; tells whether it was."""
    known = turn.machine.conditions
    if (event.condition in known) is event.present:
        return False
    turn.set(conditions=known | {event.condition} if event.present else known - {event.condition})
    part = PARTS.get(event.condition)
    if part is not None:
        turn.seal_fault(part, event.condition.value, present=event.present)
        return True
    named = FIGURES.get(event.condition)
    figure = () if named is None or event.figure is None else ((named, event.figure),)
    turn.seal_event(event.condition.value, ("present", int(event.present)), *figure)
    return True

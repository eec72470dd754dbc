"""Gestures, lamps and sounds as one table: the recorder's own, with what a profile puts in its place (CS-8, CS-37).

Rules of this module: values and checks. Whatever a profile states, states stay told apart without colours, no sound has
two meanings, and a gesture that the unit's own words name stays where they say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from itertools import combinations

from capture.cues import CUES, DOCK_LAMPS, STATE_LAMPS, Cue, CueAnswer
from capture.gestures import ONE_BUTTON, TWO_BUTTONS, Meaning, Mode, Movement, Presses
from capture.voice.sounds import Tone
from hal.values import ButtonName, LampPattern

APART = 3
"""Two rhythms are told apart when their times on, or off, differ by this factor."""
SHORTEST_MS = 100
"""Shorter flashes and pauses are not seen one by one."""
MOVABLE = frozenset({Meaning.BREAK, Meaning.NOTICE, Meaning.CATEGORY, Meaning.GROUND})
"""Gestures of a running recording, on two buttons, that no words of the unit name."""
NOT_RECORDING = frozenset({Cue.BLOCKED, Cue.BROKEN, Cue.STILL_BROKEN, Cue.FAULT})
"""Cues that share a sound: nothing is being recorded."""
_PULSES = frozenset({Cue.STILL_RECORDING, Cue.STILL_RECORDING_AUDIBLE})


@dataclass(frozen=True, slots=True)
class SignalTable:
    """How the unit is told what is wanted, and how it answers."""

    lamps: Mapping[str, LampPattern]
    """State, or standing in the dock → what the lamp shows."""
    cues: Mapping[Cue, CueAnswer]
    two_buttons: Presses
    """What presses mean on a unit that has a mark button, too; those of one button alone are always the same."""


OWN = SignalTable({**STATE_LAMPS, **DOCK_LAMPS}, CUES, TWO_BUTTONS)
"""The recorder's own table."""


def with_presses(moved: Mapping[Meaning, tuple[ButtonName, Movement]]) -> Presses:
    """Put gestures of a running recording elsewhere.

    Raises:
        ValueError: A gesture that cannot be moved, or two on one movement.
    """
    if fixed := sorted(set(moved) - MOVABLE):
        raise ValueError(
            f"presses: {fixed[0].value!r} stays where the unit's words say; only {_listed(MOVABLE)} may move"
        )
    kept = {
        press: wanted for press, wanted in TWO_BUTTONS.items() if press[0] is not Mode.CAPTURING or wanted not in moved
    }
    for wanted, (button, movement) in moved.items():
        press = (Mode.CAPTURING, button, movement)
        if movement is Movement.DOWN or press in kept:
            taken = kept.get(press, Meaning.START).value
            raise ValueError(
                f"presses: {wanted.value!r} cannot be {button.value}: {movement.value}, which is {taken!r}"
            )
        kept[press] = wanted
    return kept


def signal_rows(table: SignalTable) -> list[tuple[str, str, str]]:
    """The whole table for people to read: kind, when, how."""
    presses = [
        (f"press ({buttons})", f"{mode.value}: {wanted.value}", f"{button.value}: {movement.value}")
        for buttons, meant in ((2, table.two_buttons), (1, ONE_BUTTON))
        for (mode, button, movement), wanted in meant.items()
    ]
    lamps = [
        ("lamp", state, f"{each.colour.value} {each.on_ms}/{each.off_ms} ms") for state, each in table.lamps.items()
    ]
    return [*presses, *lamps, *(("cue", cue.value, _how(answer)) for cue, answer in table.cues.items())]


def _how(answer: CueAnswer) -> str:
    felt = f"felt {' '.join(str(each) for each in answer.vibration_ms)} ms"
    heard = "" if answer.tone is None else f", heard {answer.tone.value}"
    return felt + heard + ("" if answer.lamp is None else f", lamp {answer.lamp.colour.value}")


def check(table: SignalTable) -> None:
    """Hold a table to CS-8 and CS-37.

    Raises:
        ValueError: Two of its signals cannot be told apart; the message names both.
    """
    for one, other in combinations(table.lamps.items(), 2):
        if not _apart(one[1], other[1]):
            raise ValueError(f"lamps: {one[0]!r} and {other[0]!r} blink nearly alike; make one {APART} times as long")
    felt: dict[tuple[int, ...], Cue] = {}
    heard: dict[Tone, Cue] = {}
    for cue, answer in table.cues.items():
        if cue not in _PULSES and felt.setdefault(answer.vibration_ms, cue) is not cue:
            raise ValueError(f"cues: {cue.value!r} feels like {felt[answer.vibration_ms].value!r}; change felt_ms")
        if answer.tone is not None:
            _check_sound(cue, heard.setdefault(answer.tone, cue), answer.tone)


def _check_sound(cue: Cue, first: Cue, tone: Tone) -> None:
    together = {cue, first} <= NOT_RECORDING
    if first is not cue and not together:
        raise ValueError(f"cues: {cue.value!r} sounds like {first.value!r}; give it a tone of its own")
    if (tone is Tone.FAULT) is not (cue in NOT_RECORDING):
        raise ValueError(f"cues: {cue.value!r}: {Tone.FAULT.value!r} is heard when nothing is recorded, and only then")


def _apart(one: LampPattern, other: LampPattern) -> bool:
    if not (one.off_ms and other.off_ms):
        return bool(one.off_ms or other.off_ms)
    pairs = ((one.on_ms, other.on_ms), (one.off_ms, other.off_ms))
    return any(max(pair) >= APART * min(pair) for pair in pairs)


def _listed(meanings: Iterable[Meaning]) -> str:
    return ", ".join(sorted(meaning.value for meaning in meanings))

"""The session machine as a picture and as tables, made from its table: `capture/SESSION.md` carries them.

Rules of this module: nothing is drawn by hand; a test keeps the document equal to what is made here.
"""

from __future__ import annotations

from collections.abc import Iterator

from capture.cues import CUES, DOCK_LAMPS, STATE_LAMPS
from capture.gestures import ONE_BUTTON, TWO_BUTTONS
from capture.session import EVENTS, TABLE, Ignore, Move
from capture.states import State
from capture.voice.sounds import HEARD
from hal.values import LampPattern


def mermaid() -> str:
    """All transitions between states, as a mermaid state diagram."""
    lines = ["stateDiagram-v2", "    [*] --> idle"]
    for source in State:
        for target in State:
            events = [event.__name__ for event in EVENTS if _leads(source, event, target)]
            if events and target is not source:
                lines.append(f"    {source.value} --> {target.value}: {', '.join(events)}")
    return "\n".join(lines)


def cells() -> str:
    """Every cell of the table, as markdown: target states, `·` for stays, `–` for ignored, `✗` for rejected."""
    lines = ["| event | " + " | ".join(state.value for state in State) + " |"]
    lines.append("|" + " --- |" * (len(State) + 1))
    lines += [f"| {event.__name__} | " + " | ".join(_cell(state, event) for state in State) + " |" for event in EVENTS]
    return "\n".join(lines)


def gestures() -> str:
    """The gestures of both layouts, as markdown."""
    lines = ["| state | wanted | two buttons | one button |", "| --- | --- | --- | --- |"]
    keys = dict.fromkeys((mode, meaning) for (mode, _, _), meaning in (*TWO_BUTTONS.items(), *ONE_BUTTON.items()))
    for mode, wanted in keys:
        movements = [
            ", ".join(
                f"{button.value}: {movement.value}"
                for (where, button, movement), meaning in table.items()
                if where is mode and meaning is wanted
            )
            for table in (TWO_BUTTONS, ONE_BUTTON)
        ]
        lines.append(f"| {mode.value} | {wanted.value} | " + " | ".join(movements) + " |")
    return "\n".join(lines)


def lamps() -> str:
    """What the lamp shows in every state, as markdown."""
    lines = ["| state | colour | pattern |", "| --- | --- | --- |"]
    shown = {**STATE_LAMPS, **{f"idle, docked, {how}": lamp for how, lamp in DOCK_LAMPS.items()}}
    lines += [f"| {state} | {lamp.colour.value} | {_blink(lamp)} |" for state, lamp in shown.items()]
    return "\n".join(lines)


def sounds() -> str:
    """What is felt, heard and shown for a moment at each cue, as markdown."""
    lines = ["| cue | felt: ms on, off, on … | heard | lamp for a moment |", "| --- | --- | --- | --- |"]
    for cue, answer in CUES.items():
        felt = " ".join(str(each) for each in answer.vibration_ms)
        heard = "" if answer.tone is None else f"{answer.tone.value}: {HEARD[answer.tone]}"
        flash = "" if answer.lamp is None else answer.lamp.colour.value
        lines.append(f"| {cue.value} | {felt} | {heard} | {flash} |")
    return "\n".join(lines)


def sections() -> Iterator[tuple[str, str]]:
    """Name and text of everything that `SESSION.md` carries between markers of that name."""
    yield "diagram", f"```mermaid\n{mermaid()}\n```"
    yield "cells", cells()
    yield "gestures", gestures()
    yield "lamps", lamps()
    yield "sounds", sounds()


def _leads(source: State, event: type, target: State) -> bool:
    cell = TABLE[source][event]
    return isinstance(cell, Move) and target in cell.targets


def _cell(state: State, event: type) -> str:
    cell = TABLE[state][event]
    if isinstance(cell, Move):
        others = [target.value for target in State if target in cell.targets and target is not state]
        stays = ["·"] if state in cell.targets else []
        return ", ".join(stays + others)
    return "–" if isinstance(cell, Ignore) else "✗"


def _blink(lamp: LampPattern) -> str:
    return "steady" if lamp.off_ms == 0 else f"{lamp.on_ms} ms on, {lamp.off_ms} ms off"

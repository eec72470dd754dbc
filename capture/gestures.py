"""From edges of buttons to what the officer meant (CS-7).

Rules of this module: no clock; times come with the edges and with `settle`. A gesture carries the time of its first
edge. Which gesture a movement stands for is decided by `MEANINGS` alone, under the mode that was in force at that first
edge: what the officer saw when pressing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from hal.values import ButtonEdge, ButtonName


class Mode(StrEnum):
    """What presses mean now."""

    IDLE = "idle"
    CAPTURING = "capturing"
    ANNOUNCING = "announcing"
    INTERRUPTED = "interrupted"
    BUSY = "busy"


class Movement(StrEnum):
    """What a finger did to one button."""

    DOWN = "down"
    PRESS = "press"
    HOLD = "hold"
    PRESS_HOLD = "press-press-hold"


class Meaning(StrEnum):
    """What the officer wants."""

    START = "start"
    MARK = "mark"
    CATEGORY = "category"
    """Of the mark that the first press of the same gesture set."""
    NOTICE = "notice"
    GROUND = "ground"
    """Of an exemption."""
    BREAK = "break"
    MENU = "menu"
    """Of everything for which one button has no gesture of its own."""
    STEP = "step"
    CONFIRM = "confirm"
    FINISH = "finish"
    RESUME = "resume"


_R, _M = ButtonName.RECORD, ButtonName.MARK
Presses = Mapping[tuple[Mode, ButtonName, Movement], Meaning]

TWO_BUTTONS: Presses = {
    (Mode.IDLE, _R, Movement.DOWN): Meaning.START,
    (Mode.CAPTURING, _M, Movement.PRESS): Meaning.MARK,
    (Mode.CAPTURING, _M, Movement.PRESS_HOLD): Meaning.CATEGORY,
    (Mode.CAPTURING, _R, Movement.PRESS): Meaning.NOTICE,
    (Mode.CAPTURING, _R, Movement.PRESS_HOLD): Meaning.GROUND,
    (Mode.CAPTURING, _M, Movement.HOLD): Meaning.BREAK,
    (Mode.CAPTURING, _R, Movement.HOLD): Meaning.FINISH,
    (Mode.ANNOUNCING, _M, Movement.PRESS): Meaning.STEP,
    (Mode.ANNOUNCING, _M, Movement.HOLD): Meaning.BREAK,
    (Mode.ANNOUNCING, _R, Movement.PRESS): Meaning.CONFIRM,
    (Mode.ANNOUNCING, _R, Movement.HOLD): Meaning.FINISH,
    (Mode.INTERRUPTED, _R, Movement.PRESS): Meaning.RESUME,
    (Mode.INTERRUPTED, _R, Movement.HOLD): Meaning.FINISH,
}
"""Units with a record and a mark button."""

ONE_BUTTON: Presses = {
    (Mode.IDLE, _R, Movement.DOWN): Meaning.START,
    (Mode.CAPTURING, _R, Movement.PRESS): Meaning.MARK,
    (Mode.CAPTURING, _R, Movement.PRESS_HOLD): Meaning.MENU,
    (Mode.CAPTURING, _R, Movement.HOLD): Meaning.FINISH,
    (Mode.ANNOUNCING, _R, Movement.PRESS): Meaning.STEP,
    (Mode.ANNOUNCING, _R, Movement.PRESS_HOLD): Meaning.BREAK,
    (Mode.ANNOUNCING, _R, Movement.HOLD): Meaning.CONFIRM,
    (Mode.INTERRUPTED, _R, Movement.PRESS): Meaning.RESUME,
    (Mode.INTERRUPTED, _R, Movement.HOLD): Meaning.FINISH,
}
"""Units with a record button alone: break, notice, category and ground stand in a spoken menu there."""

EAGER = frozenset({(Mode.CAPTURING, _M)})
"""Presses that are answered at the release although a press-press-hold may follow: it says more of the same."""


@dataclass(frozen=True, slots=True)
class Gesture:
    """Something that the officer wants."""

    meaning: Meaning
    at_boottime_ns: int
    """Time of the gesture's first edge."""


@dataclass(slots=True)
class _Button:
    """One button's unfinished movement."""

    down_since_ns: int | None = None
    first_edge_ns: int = 0
    mode: Mode = Mode.BUSY
    spent: bool = False
    """The movement has been answered already; the finger is only still there."""
    second: bool = False
    """This is the second press of a press-press-hold."""
    waiting_since_ns: int | None = None
    """Released at this time; a second press may follow."""


@dataclass(slots=True)
class GestureReader:
    """Follows the buttons and says what is meant.

    Args:
        buttons: Names of the buttons that the unit has.
        hold_ns: From this time on a press is a hold.
        double_press_ns: Longest pause between the two presses of a press-press-hold.
        two_buttons: What presses mean on a unit that has a mark button, too.
    """

    buttons: frozenset[ButtonName]
    hold_ns: int
    double_press_ns: int
    two_buttons: Presses = field(default_factory=lambda: TWO_BUTTONS)
    _open: dict[ButtonName, _Button] = field(default_factory=dict)

    @property
    def meanings(self) -> Presses:
        """The table of this unit's buttons."""
        return self.two_buttons if ButtonName.MARK in self.buttons else ONE_BUTTON

    def edge(self, edge: ButtonEdge, mode: Mode) -> tuple[Gesture, ...]:
        """Take one edge under the mode in force.

        Returns:
            What is meant by it, oldest first; often nothing yet.
        """
        if edge.button not in self.buttons:
            return ()
        settled = self.settle(edge.at_boottime_ns)
        button = self._open.setdefault(edge.button, _Button())
        if edge.pressed:
            return settled + self._pressed(edge, button, mode)
        return settled + self._released(edge, button)

    def settle(self, now_ns: int) -> tuple[Gesture, ...]:
        """Say what has become clear by the passing of time alone, up to `now_ns` (CLOCK_BOOTTIME)."""
        found: list[Gesture] = []
        for name, button in self._open.items():
            if button.down_since_ns is not None and not button.spent and now_ns - button.down_since_ns >= self.hold_ns:
                button.spent = True
                movement = Movement.PRESS_HOLD if button.second else Movement.HOLD
                found += self._meant(name, button, movement)
            if button.waiting_since_ns is not None and now_ns - button.waiting_since_ns > self.double_press_ns:
                button.waiting_since_ns = None
                if (button.mode, name) not in EAGER:
                    found += self._meant(name, button, Movement.PRESS)
        return tuple(sorted(found, key=lambda gesture: gesture.at_boottime_ns))

    def next_deadline_ns(self) -> int | None:
        """When `settle` will have something to say, if no edge comes before; None when nothing is open."""
        times = [
            button.down_since_ns + self.hold_ns
            for button in self._open.values()
            if button.down_since_ns is not None and not button.spent
        ]
        times += [
            button.waiting_since_ns + self.double_press_ns + 1
            for button in self._open.values()
            if button.waiting_since_ns is not None
        ]
        return min(times, default=None)

    def _pressed(self, edge: ButtonEdge, button: _Button, mode: Mode) -> tuple[Gesture, ...]:
        button.second = button.waiting_since_ns is not None
        if not button.second:
            button.first_edge_ns, button.mode = edge.at_boottime_ns, mode
        button.down_since_ns, button.spent, button.waiting_since_ns = edge.at_boottime_ns, False, None
        if button.second:
            return ()
        down = self._meant(edge.button, button, Movement.DOWN)
        button.spent = bool(down)
        return down

    def _released(self, edge: ButtonEdge, button: _Button) -> tuple[Gesture, ...]:
        since, button.down_since_ns = button.down_since_ns, None
        if since is None or button.spent:
            return ()
        if not self._may_be_double(edge.button, button):
            return self._meant(edge.button, button, Movement.PRESS)
        eager = (button.mode, edge.button) in EAGER
        first = self._meant(edge.button, button, Movement.PRESS) if button.second and not eager else ()
        if button.second:
            button.first_edge_ns = since
        button.waiting_since_ns = edge.at_boottime_ns
        return self._meant(edge.button, button, Movement.PRESS) if eager else first

    def _may_be_double(self, name: ButtonName, button: _Button) -> bool:
        return (button.mode, name, Movement.PRESS_HOLD) in self.meanings

    def _meant(self, name: ButtonName, button: _Button, movement: Movement) -> tuple[Gesture, ...]:
        meaning = self.meanings.get((button.mode, name, movement))
        return () if meaning is None else (Gesture(meaning, button.first_edge_ns),)

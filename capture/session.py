"""The session machine: from an event to the next state and its effects (CS-1, CS-2).

Rules of this module: everything that decides about a recording is a cell of `TABLE`; every cell is a move, is ignored
with its reason, or is rejected with its reason. A rejected event raises and changes nothing. No I/O, no clock, no
thread, no randomness.

Theory of operation: `advance` looks up the cell of the machine's state and the event's type, lets its handler work on a
`Turn`, checks that the handler went where the cell allows, and puts the new snapshot among the effects when anything
changed that must survive a crash: behind the records of the transition, because a record that is lost in a crash must
not have been anticipated by an OPEN, and before a run begins, because its OPEN is of the new state.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TypeVar, get_args

from capture import events as ev
from capture.effects import BeginRun, Effect, EndRun, Seal, SetState, ShowState
from capture.moves import breaking, choosing, duties, ending, standing, starting, warning
from capture.states import Machine, State, snapshot
from capture.turn import IllegalEventError, Turn

Told = TypeVar("Told")
Handler = Callable[[Turn, ev.Event], None]

EVENTS: tuple[type[ev.Event], ...] = get_args(ev.Event)
"""Every type of event."""


@dataclass(frozen=True, slots=True)
class Move:
    """The event does something, and leads to one of these states."""

    targets: frozenset[State]
    handler: Handler


@dataclass(frozen=True, slots=True)
class Ignore:
    """The event may come and means nothing here."""

    reason: str


@dataclass(frozen=True, slots=True)
class Reject:
    """The event cannot come here: something is wrong with who sent it."""

    reason: str


Cell = Move | Ignore | Reject
Row = Mapping[type[ev.Event], Cell]

_S = State
_DUTIES = (_S.NOTICE, _S.STATEMENT, _S.RECORDING, _S.RESUMING)

_TOO_LATE = Ignore("a press for the state before")
_BUSY = Ignore("what was pressed for is under way")
_ANSWERED = Ignore("an answer that nobody waits for any more")
_NO_CHECK = Reject("no check is under way")
_NOT_RUNNING = Reject("nothing is being captured")
_NO_HANDOVER = Reject("a unit changes hands only between recordings")
_NO_RECOVERY = Reject("recovery comes before everything else")
_NO_MEMO = Reject("an exemption is taken between recordings, in a break, or while nothing else is being chosen")
_NOT_NOW = Ignore("a recording is not talked over; the status shows it")
_WRITES = Ignore("the chain is being written")


def _to(handler: Callable[[Turn, Told], None], *targets: State) -> Move:
    """Make a move; the table guarantees that the handler gets the event's own type."""

    def checked(turn: Turn, event: ev.Event) -> None:
        handler(turn, event)  # type: ignore[arg-type]

    checked.__name__ = getattr(handler, "__name__", "handler")
    return Move(frozenset(targets), checked)


def _stays(state: State) -> Row:
    """What any state with an open session does alike."""
    return {
        ev.StartPressed: _TOO_LATE,
        ev.MarkPressed: _TOO_LATE,
        ev.CategoryPressed: _TOO_LATE,
        ev.NoticePressed: _TOO_LATE,
        ev.GroundPressed: _TOO_LATE,
        ev.MenuPressed: _TOO_LATE,
        ev.Exempted: _NO_MEMO,
        ev.BreakPressed: _TOO_LATE,
        ev.CauseStepped: _TOO_LATE,
        ev.CauseConfirmed: _TOO_LATE,
        ev.ResumePressed: _TOO_LATE,
        ev.FirstFrame: _ANSWERED,
        ev.PreflightDone: _NO_CHECK,
        ev.RunEnded: _NOT_RUNNING,
        ev.BreakSealed: _to(standing.break_sealed_elsewhere, state),
        ev.MarkLocated: _to(standing.mark_located, state),
        ev.PromptEnded: _to(duties.prompt_ended, state),
        ev.WindowClosed: _to(duties.window_closed, state),
        ev.CheckedOut: _NO_HANDOVER,
        ev.CheckoutSealed: _to(standing.checkout_sealed, state),
        ev.CheckedIn: _NO_HANDOVER,
        ev.Recovered: _NO_RECOVERY,
        ev.SealingLost: _to(ending.sealing_lost, _S.FAULT),
        ev.SealingBack: _WRITES,
        ev.ClockStepped: _to(standing.clock_stepped, state),
        ev.ConditionChanged: _to(warning.condition_noted, state),
        ev.DockTold: _to(standing.dock_told, state),
        ev.DueTold: _NOT_NOW,
    }


def _capturing(state: State) -> Row:
    """What every state does alike in which captured frames are kept."""
    return {
        **_stays(state),
        ev.MarkPressed: _to(standing.mark_pressed, state),
        ev.CategoryPressed: _to(choosing.category_pressed, state, _S.CHOOSING),
        ev.NoticePressed: _to(choosing.refused, state),
        ev.GroundPressed: _to(choosing.ground_pressed, state, _S.CHOOSING),
        ev.MenuPressed: _to(choosing.menu_pressed, _S.CHOOSING, _S.ANNOUNCING),
        ev.Exempted: _to(choosing.exempted, _S.STATEMENT),
        ev.BreakPressed: _to(breaking.break_pressed, _S.ANNOUNCING),
        ev.FinishPressed: _to(ending.finish_pressed, _S.FINISHING),
        ev.CaptureLost: _to(breaking.capture_lost, _S.INTERRUPTED),
        ev.PromptEnded: _to(duties.prompt_ended, *_DUTIES),
        ev.WindowClosed: _to(duties.window_closed, *_DUTIES),
        ev.TimerFired: _to(duties.pulse, state),
        ev.ConditionChanged: _to(warning.condition_changed, state, _S.INTERRUPTED),
        ev.StopRequested: _to(ending.stop_capturing, _S.FINISHING),
    }


TABLE: Mapping[State, Row] = {
    _S.IDLE: {
        ev.StartPressed: _to(starting.start_pressed, _S.STARTING),
        ev.MarkPressed: _TOO_LATE,
        ev.CategoryPressed: _TOO_LATE,
        ev.NoticePressed: _TOO_LATE,
        ev.GroundPressed: _TOO_LATE,
        ev.MenuPressed: _TOO_LATE,
        ev.Exempted: _to(choosing.exempted_without_memo, _S.IDLE),
        ev.BreakPressed: _TOO_LATE,
        ev.CauseStepped: _TOO_LATE,
        ev.CauseConfirmed: _TOO_LATE,
        ev.ResumePressed: _TOO_LATE,
        ev.FinishPressed: _TOO_LATE,
        ev.FirstFrame: _to(standing.camera_delivers, _S.IDLE),
        ev.PreflightDone: _ANSWERED,
        ev.CaptureLost: _ANSWERED,
        ev.RunEnded: _NOT_RUNNING,
        ev.BreakSealed: _ANSWERED,
        ev.MarkLocated: Reject("marks are found before their run ends"),
        ev.PromptEnded: Ignore("what is said between recordings is not sealed"),
        ev.WindowClosed: _ANSWERED,
        ev.TimerFired: _ANSWERED,
        ev.CheckedOut: _to(standing.checked_out, _S.IDLE),
        ev.CheckoutSealed: _to(standing.checkout_sealed, _S.IDLE),
        ev.CheckedIn: _to(standing.checked_in, _S.IDLE),
        ev.Recovered: _to(standing.recovered, _S.STARTING, _S.INTERRUPTED, _S.IDLE),
        ev.SealingLost: _to(ending.sealing_lost, _S.FAULT),
        ev.SealingBack: _WRITES,
        ev.ClockStepped: _to(standing.clock_stepped, _S.IDLE),
        ev.ConditionChanged: _to(warning.condition_noted, _S.IDLE),
        ev.DockTold: _to(standing.dock_told, _S.IDLE),
        ev.DueTold: _to(standing.due_told, _S.IDLE),
        ev.StopRequested: Ignore("nothing is open"),
    },
    _S.STARTING: {
        **_stays(_S.STARTING),
        ev.StartPressed: _BUSY,
        ev.FinishPressed: Ignore("the start press is still held"),
        ev.FirstFrame: _to(starting.first_frame, _S.STARTING),
        ev.PreflightDone: _to(starting.preflight_done, _S.NOTICE, _S.STATEMENT, _S.RECORDING, _S.INTERRUPTED, _S.IDLE),
        ev.CaptureLost: _to(starting.capture_lost, _S.STARTING),
        ev.MarkLocated: Reject("nothing can be marked before the checks"),
        ev.PromptEnded: Ignore("said before the press"),
        ev.WindowClosed: _ANSWERED,
        ev.TimerFired: _ANSWERED,
        ev.StopRequested: _to(ending.stop_starting, _S.IDLE),
    },
    _S.NOTICE: _capturing(_S.NOTICE),
    _S.STATEMENT: _capturing(_S.STATEMENT),
    _S.RECORDING: {
        **_capturing(_S.RECORDING),
        ev.NoticePressed: _to(duties.notice_pressed, _S.RECORDING, _S.NOTICE),
        ev.PromptEnded: _to(duties.prompt_ended, _S.RECORDING),
        ev.WindowClosed: _to(duties.window_closed, _S.RECORDING),
    },
    _S.ANNOUNCING: {
        **_capturing(_S.ANNOUNCING),
        ev.CategoryPressed: _TOO_LATE,
        ev.GroundPressed: _TOO_LATE,
        ev.MenuPressed: _TOO_LATE,
        ev.Exempted: _NO_MEMO,
        ev.BreakPressed: _to(breaking.withdrawn, *_DUTIES),
        ev.CauseStepped: _to(breaking.cause_stepped, _S.ANNOUNCING),
        ev.CauseConfirmed: _to(breaking.cause_confirmed, _S.INTERRUPTED),
        ev.PromptEnded: _to(duties.prompt_ended, _S.ANNOUNCING),
        ev.WindowClosed: _to(duties.window_closed, _S.ANNOUNCING),
        ev.TimerFired: _to(breaking.announce_timer, _S.ANNOUNCING, *_DUTIES),
    },
    _S.CHOOSING: {
        **_capturing(_S.CHOOSING),
        ev.CategoryPressed: _TOO_LATE,
        ev.GroundPressed: _TOO_LATE,
        ev.MenuPressed: _TOO_LATE,
        ev.Exempted: _NO_MEMO,
        ev.BreakPressed: _to(choosing.withdrawn, *_DUTIES),
        ev.CauseStepped: _to(choosing.stepped, _S.CHOOSING),
        ev.CauseConfirmed: _to(choosing.confirmed, *_DUTIES, _S.CHOOSING, _S.ANNOUNCING),
        ev.PromptEnded: _to(duties.prompt_ended, _S.CHOOSING),
        ev.WindowClosed: _to(duties.window_closed, _S.CHOOSING),
        ev.TimerFired: _to(choosing.timer, _S.CHOOSING, *_DUTIES),
    },
    _S.INTERRUPTED: {
        **_stays(_S.INTERRUPTED),
        ev.Exempted: _to(choosing.exempted_without_memo, _S.INTERRUPTED),
        ev.ResumePressed: _to(breaking.resume_pressed, _S.INTERRUPTED),
        ev.FinishPressed: _to(ending.finish_interrupted, _S.IDLE, _S.FINISHING),
        ev.FirstFrame: _to(breaking.first_frame, _S.INTERRUPTED, _S.RESUMING),
        ev.CaptureLost: _to(breaking.lost_again, _S.INTERRUPTED),
        ev.RunEnded: _to(breaking.run_ended, _S.INTERRUPTED),
        ev.BreakSealed: _to(breaking.break_sealed, _S.INTERRUPTED, _S.RESUMING),
        ev.TimerFired: _to(breaking.still_broken, _S.INTERRUPTED),
        ev.StopRequested: _to(ending.stop_interrupted, _S.IDLE, _S.FINISHING),
    },
    _S.RESUMING: _capturing(_S.RESUMING),
    _S.FINISHING: {
        **_stays(_S.FINISHING),
        ev.FinishPressed: _BUSY,
        ev.CaptureLost: _to(ending.lost_while_closing, _S.FINISHING),
        ev.RunEnded: _to(ending.run_ended, _S.FINISHING, _S.IDLE),
        ev.PromptEnded: _to(ending.words_ended, _S.FINISHING),
        ev.WindowClosed: _to(ending.heard_while_closing, _S.FINISHING, _S.IDLE),
        ev.TimerFired: _to(ending.closing_timer, _S.FINISHING, _S.IDLE),
        ev.StopRequested: _to(ending.hurry, _S.FINISHING),
    },
    _S.FAULT: {
        **_stays(_S.FAULT),
        ev.FinishPressed: Ignore("nothing can be sealed; the pulse says so"),
        ev.CaptureLost: _ANSWERED,
        ev.PreflightDone: _ANSWERED,
        ev.RunEnded: _to(ending.run_ended_in_fault, _S.FAULT),
        ev.PromptEnded: Ignore("nothing can be sealed"),
        ev.WindowClosed: _to(ending.heard_in_fault, _S.FAULT),
        ev.TimerFired: _to(ending.still_faulty, _S.FAULT),
        ev.SealingLost: Ignore("it is known already"),
        ev.SealingBack: _to(ending.sealing_back, _S.IDLE, _S.INTERRUPTED, _S.FINISHING),
        ev.ClockStepped: _to(standing.clock_stepped_unsealed, _S.FAULT),
        ev.ConditionChanged: Ignore("nothing can be sealed; it is found again"),
        ev.StopRequested: Ignore("nothing can be sealed; recovery will"),
    },
}
"""State → type of event → what happens. No pair is missing."""


def advance(machine: Machine, event: ev.Event) -> tuple[Machine, tuple[Effect, ...]]:
    """Let one event happen.

    Args:
        machine: The machine before.
        event: What happened.

    Returns:
        The machine after, and what is to be done, in order.

    Raises:
        IllegalEventError: The event cannot happen in this state; the machine is as before.
    """
    cell = TABLE[machine.state][type(event)]
    if isinstance(cell, Ignore):
        return machine, ()
    if isinstance(cell, Reject):
        raise IllegalEventError(f"{type(event).__name__} in state {machine.state.value}: {cell.reason}")
    turn = Turn(machine)
    cell.handler(turn, event)
    if turn.machine.state not in cell.targets:
        named = f"{machine.state.value} by {type(event).__name__}"
        raise IllegalEventError(f"{named} went to {turn.machine.state.value}, which the table does not allow")
    return turn.machine, (*_saved(machine, turn), *_shown(machine, turn.machine))


def _saved(before: Machine, turn: Turn) -> tuple[Effect, ...]:
    """The turn's effects, with the new snapshot at its place (CS-2).

    A run that ends closes its file, on another thread: the OPEN of the next one must not find the state of before.
    """
    state = snapshot(turn.machine)
    if state == snapshot(before):
        return tuple(turn.effects)
    begins = [place for place, effect in enumerate(turn.effects) if isinstance(effect, BeginRun)]
    sealed = [place + 1 for place, effect in enumerate(turn.effects) if isinstance(effect, Seal)]
    place = min([max(sealed, default=0), *begins])
    first, then = turn.effects[:place], turn.effects[place:]
    ends = [effect for effect in first if isinstance(effect, EndRun)]
    return (*(effect for effect in first if not isinstance(effect, EndRun)), SetState(state), *ends, *then)


def _shown(before: Machine, after: Machine) -> tuple[Effect, ...]:
    return () if after.lamp == before.lamp else (ShowState(after.lamp),)

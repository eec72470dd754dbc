"""How a recording ends: by the officer, by the agent's end, or because the chain cannot be written.

Rules of this module: a session ends only by its SESSION_END, behind the last CLOSE; what cannot be sealed now is sealed
as soon as the chain can be written again.
"""

from __future__ import annotations

from capture.cues import Cue
from capture.effects import (
    CameraOrder,
    DropHeld,
    EndRun,
    Hush,
    Phrase,
    SetTimer,
    StartCapture,
    StopCapture,
)
from capture.events import (
    BreakSealed,
    CaptureLost,
    FinishPressed,
    PromptEnded,
    RunEnded,
    SealingBack,
    SealingLost,
    StopRequested,
    Timer,
    TimerFired,
    WindowClosed,
)
from capture.moves import breaking, duties, runs, starting
from capture.states import CAMERA_FAULT, STORAGE_FAULT, Gap, State, Waiting
from capture.turn import Turn
from sealing.records import BreakOrigin, PromptKind, SessionEnd

CLOSING_WORDS_SECONDS = 15.0
"""Longest time that the closing words may take before the recording ends without them."""


def finish_pressed(turn: Turn, event: FinishPressed) -> None:
    """Say the closing words, still recorded, then end."""
    duties.give_up_explanation(turn, event.at_boottime_ns)
    duties.drop_duty(turn)
    breaking.close_reason(turn)
    duties.clear_timers(turn)
    turn.note(end_reason="button", speech=turn.say(PromptKind.END, Phrase.END))
    turn.do(SetTimer(Timer.FINISH, CLOSING_WORDS_SECONDS))
    turn.go(State.FINISHING)


def words_ended(turn: Turn, event: PromptEnded) -> None:
    """Seal what was said; behind the closing words the recording ends."""
    turn.seal_prompt(event, event.kind)
    if turn.session.speech == event.speech:
        _close(turn)


def closing_timer(turn: Turn, event: TimerFired) -> None:
    """The closing words take too long, or the judgement of what was said before a break does."""
    if event.timer is not Timer.FINISH:
        return
    ended_ns = turn.session.ended_boottime_ns
    if turn.session.speech is not None:
        _close(turn)
    elif ended_ns is not None:
        breaking.miss_reason(turn, ended_ns)
        end_session(turn, ended_ns)


def heard_while_closing(turn: Turn, event: WindowClosed) -> None:
    """Seal what was said before a break; where nothing else is owed, the session ends."""
    duties.window_closed(turn, event)
    session = turn.session
    if session.ended_boottime_ns is not None and session.reason_window is None:
        end_session(turn, session.ended_boottime_ns)


def heard_in_fault(turn: Turn, event: WindowClosed) -> None:
    """Want what was said before a break sealed as soon as the chain can be written."""
    if turn.machine.session is not None:
        duties.window_closed(turn, event)


def lost_while_closing(turn: Turn, event: CaptureLost) -> None:
    """Frames stopped during the closing words: end now."""
    if turn.session.speech is not None:
        if event.cause == CAMERA_FAULT:
            turn.note_camera(out=True)
        else:
            turn.seal_event(event.cause)
        _close(turn)


def hurry(turn: Turn, _event: StopRequested) -> None:
    """The agent ends: no more closing words."""
    if turn.session.speech is not None:
        _close(turn)


def run_ended(turn: Turn, event: RunEnded) -> None:
    """Everything is on its way into the chain: seal the break that is still unsealed, and the end."""
    runs.count_run(turn, event)
    if turn.session.gap is not None:
        breaking.seal_break(turn, event)
    _end_when_heard(turn, event.last_frame_boottime_ns)


def finish_interrupted(turn: Turn, event: FinishPressed) -> None:
    """The recording ends without going on after its break (R9)."""
    stuck = _cannot_continue(turn)
    _end_interrupted(turn, "cannot-continue" if stuck else "button", event.at_boottime_ns)
    if turn.machine.rules.reported and stuck:
        turn.say(PromptKind.STATUS, Phrase.CANNOT_CONTINUE)


def _cannot_continue(turn: Turn) -> bool:
    """Tell whether an end in a break is the text's «确实无法继续记录» (HN 12, DL 14, NM 13, WH 8).

    A text that asks for an explanation on resuming knows two ways out of a break: to go on, or this. A ground on which
    it lets officers stop is a way of its own (R11); a text without a word on breaks leaves the end to the officer.
    """
    gap, rules = turn.gap, turn.machine.rules
    if gap.origin is BreakOrigin.MACHINE:
        return True
    return rules.explanation_window_seconds is not None and gap.cause not in rules.grounds


def stop_capturing(turn: Turn, _event: StopRequested) -> None:
    """The agent ends while recording: close and seal."""
    duties.give_up_explanation(turn, _went_on_ns(turn))
    duties.drop_duty(turn)
    breaking.close_reason(turn)
    duties.clear_timers(turn)
    turn.note(end_reason="stop")
    turn.do(EndRun("stop", CameraOrder.STOP))
    turn.go(State.FINISHING)


def stop_interrupted(turn: Turn, _event: StopRequested) -> None:
    """The agent ends during a break."""
    _end_interrupted(turn, "stop", None)


def stop_starting(turn: Turn, _event: StopRequested) -> None:
    """The agent ends before anything could be kept."""
    starting.abandon(turn, "stop")


def end_session(turn: Turn, at_boottime_ns: int | None) -> None:
    """Want SESSION_END sealed with the session's counters; the machine is idle again."""
    session = turn.session
    ended_ns = at_boottime_ns if at_boottime_ns is not None else session.pressed_boottime_ns
    unresumed = session.gap is not None and turn.machine.rules.explanation_window_seconds is not None
    turn.seal(
        SessionEnd(
            session_id=session.session_id,
            reason=session.end_reason or "stop",
            runs=session.run,
            frames=session.next_frame,
            samples=session.next_sample,
            marks=session.marks,
            breaks=session.breaks,
            unexplained_breaks=session.unexplained + unresumed,
            dropped_frames=session.dropped_frames,
            ended_boottime_ns=ended_ns,
            media_time_ns=session.media_time_ns,
        )
    )
    duties.clear_timers(turn)
    turn.set(session=None)
    turn.go(State.IDLE)
    turn.cue(Cue.FINISHED)


def sealing_lost(turn: Turn, _event: SealingLost) -> None:
    """Nothing can be kept: stop, and say so by every means but the chain (CS-11)."""
    if turn.machine.session is not None:
        _suspend(turn)
    duties.clear_timers(turn)
    turn.do(Hush(), SetTimer(Timer.PULSE, turn.machine.rules.pulse_seconds))
    turn.go(State.FAULT)
    turn.cue(Cue.FAULT)
    turn.say(PromptKind.STATUS, Phrase.FAULT)


def run_ended_in_fault(turn: Turn, event: RunEnded) -> None:
    """Keep the facts for the BREAK that will be sealed later."""
    runs.count_run(turn, event)
    if turn.session.gap is not None:
        turn.note_gap(ended=event)


def break_sealed_late(turn: Turn, event: BreakSealed) -> None:
    """The BREAK reached the chain before the chain was lost, or while the session ends."""
    if turn.machine.session is not None:
        breaking.note_sequence(turn, event)


def still_faulty(turn: Turn, event: TimerFired) -> None:
    """Say that nothing is being recorded."""
    if event.timer is Timer.PULSE:
        turn.cue(Cue.FAULT)
        turn.do(SetTimer(Timer.PULSE, turn.machine.rules.pulse_seconds))


def sealing_back(turn: Turn, _event: SealingBack) -> None:
    """The chain can be written again: seal what was owed, and go on."""
    duties.clear_timers(turn)
    if turn.machine.clock_owed is not None:
        turn.seal(turn.machine.clock_owed)
        turn.set(clock_owed=None)
    session = turn.machine.session
    if session is None:
        turn.go(State.IDLE)
        return
    if not session.checked:
        starting.abandon(turn, "stop")
        return
    gap = session.gap
    if gap is not None and gap.ended is not None:
        breaking.seal_break(turn, gap.ended)
    if session.end_reason is not None:
        turn.go(State.FINISHING)
        if session.ended_boottime_ns is not None:
            _end_when_heard(turn, session.ended_boottime_ns)
        elif gap is not None and gap.ended is not None:
            _end_when_heard(turn, gap.ended.last_frame_boottime_ns)
        return
    turn.go(State.INTERRUPTED)
    turn.do(SetTimer(Timer.PULSE, turn.machine.rules.pulse_seconds))
    if turn.gap.waiting is Waiting.CAMERA:
        turn.do(StartCapture())


def _close(turn: Turn) -> None:
    duties.clear_timers(turn)
    turn.note(speech=None)
    turn.do(EndRun("session-end", CameraOrder.STOP))


def _end_interrupted(turn: Turn, reason: str, at_boottime_ns: int | None) -> None:
    turn.note(end_reason=reason)
    duties.drop_duty(turn)
    breaking.close_reason(turn)
    turn.do(DropHeld(), StopCapture())
    duties.clear_timers(turn)
    if turn.gap.asked:
        _end_when_heard(turn, at_boottime_ns)
    else:
        turn.go(State.FINISHING)


def _end_when_heard(turn: Turn, at_boottime_ns: int | None) -> None:
    """End the session, behind the record of what was said before a break (CS-10)."""
    session = turn.session
    if session.reason_window is None:
        end_session(turn, at_boottime_ns)
        return
    turn.note(ended_boottime_ns=session.pressed_boottime_ns if at_boottime_ns is None else at_boottime_ns)
    turn.do(SetTimer(Timer.FINISH, breaking.REASON_JUDGED_SECONDS))
    turn.go(State.FINISHING)


def _suspend(turn: Turn) -> None:
    state, session = turn.machine.state, turn.session
    breaking.close_reason(turn)
    duties.drop_duty(turn)
    if session.ended_boottime_ns is not None:
        return
    # A recording that is finished in a break has its BREAK to come: that one, not another.
    if state in (State.STARTING, State.INTERRUPTED) or (state is State.FINISHING and session.gap is not None):
        turn.do(DropHeld(), StopCapture())
        turn.note(flowing=False)
        if session.gap is not None:
            turn.note_gap(returned=None)
        return
    duties.give_up_explanation(turn, _went_on_ns(turn))
    number = session.breaks + 1
    gap = Gap(number, BreakOrigin.MACHINE, STORAGE_FAULT, Waiting.CAMERA, automatic=True)
    turn.note(gap=gap, breaks=number, flowing=False)
    if state is not State.FINISHING or session.speech is not None:
        turn.do(EndRun("break", CameraOrder.STOP))


def _went_on_ns(turn: Turn) -> int:
    """When the recording went on after its break: from then on its explanation was awaited."""
    gap = turn.session.gap
    returned = None if gap is None else gap.returned
    return turn.session.pressed_boottime_ns if returned is None else returned.captured_boottime_ns

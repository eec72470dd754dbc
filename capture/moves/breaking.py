"""Breaks: found by the machine or announced, sealed, and ended (R8, CS-10).

Rules of this module: the recording never stops without a cause that is sealed. A machine-found break ends by itself
when the camera is back; an announced one ends by a press.
"""

from __future__ import annotations

from capture.cues import Cue
from capture.effects import (
    Answer,
    CameraOrder,
    CloseWindow,
    DropWindow,
    EndRun,
    Hush,
    OpenWindow,
    Phrase,
    SetTimer,
    StartCapture,
)
from capture.events import (
    BreakPressed,
    BreakSealed,
    CaptureLost,
    CauseConfirmed,
    CauseStepped,
    FirstFrame,
    ResumePressed,
    RunEnded,
    Timer,
    TimerFired,
)
from capture.moves import duties, exempting, runs
from capture.states import CAMERA_FAULT, UNCLASSIFIED, Gap, State, Waiting
from capture.turn import Turn
from sealing.records import Break, BreakOrigin, PromptKind, Resume, VoicePurpose

REASON_WINDOW_SECONDS = 120.0
"""Longest time for which the announced cause is listened to; the confirmation ends it as a rule."""
REASON_JUDGED_SECONDS = 5.0
"""Longest time that the end of a recording waits for the judgement of what was said; a look takes a quarter second."""


def break_pressed(turn: Turn, event: BreakPressed) -> None:
    """Ask which cause; the recording goes on meanwhile."""
    duties.drop_duty(turn)
    miss_reason(turn, event.at_boottime_ns)
    window = turn.machine.windows + 1
    turn.set(windows=window)
    turn.note(cause_index=0, reason_window=window)
    turn.go(State.ANNOUNCING)
    turn.cue(Cue.ANNOUNCE)
    turn.do(OpenWindow(window, VoicePurpose.BREAK_REASON, REASON_WINDOW_SECONDS))
    _offer(turn, Phrase.CAUSE_MENU)


def cause_stepped(turn: Turn, _event: CauseStepped) -> None:
    """Offer the next cause; the last one is `unclassified`."""
    causes = turn.machine.rules.announced_causes
    turn.note(cause_index=(turn.session.cause_index + 1) % len(causes))
    turn.cue(Cue.STEP)
    turn.do(Hush())
    _offer(turn, Phrase.CAUSE)


def cause_confirmed(turn: Turn, event: CauseConfirmed) -> None:
    """Break off for the cause that was offered last."""
    cause = turn.machine.rules.announced_causes[turn.session.cause_index]
    close_reason(turn)
    _interrupt(turn, BreakOrigin.ANNOUNCED, cause, event.at_boottime_ns)


def withdrawn(turn: Turn, _event: BreakPressed) -> None:
    """The officer thought better of it: nothing was interrupted."""
    _withdraw(turn)


def _withdraw(turn: Turn) -> None:
    if turn.session.reason_window is not None:
        turn.do(DropWindow(turn.session.reason_window))
        turn.note(reason_window=None)
    turn.seal_event("break-withdrawn")
    turn.cue(Cue.WITHDRAWN)
    turn.do(Hush())
    turn.say(PromptKind.STATUS, Phrase.BREAK_WITHDRAWN)
    duties.next_duty(turn)


def announce_timer(turn: Turn, event: TimerFired) -> None:
    """Nobody confirmed: as if withdrawn. The pulse goes on."""
    if event.timer is Timer.ANNOUNCE:
        _withdraw(turn)
    else:
        duties.pulse(turn, event)


def close_reason(turn: Turn) -> None:
    """Stop listening for the announced cause, and put any menu away; what was heard until now is judged and sealed."""
    turn.note(menu=None)
    if turn.session.reason_window is not None:
        turn.do(CloseWindow(turn.session.reason_window))


def miss_reason(turn: Turn, at_boottime_ns: int) -> None:
    """Seal the announced cause's spoken reason as missing, where its judgement is still owed (CS-10)."""
    window = turn.session.reason_window
    if window is not None:
        turn.do(DropWindow(window))
        turn.seal_window(duties.unheard(at_boottime_ns), VoicePurpose.BREAK_REASON, 0, final=True)
        turn.note(reason_window=None)


def capture_lost(turn: Turn, event: CaptureLost) -> None:
    """Frames stopped while they were being kept."""
    break_off(turn, event.cause, event.at_boottime_ns)


def break_off(turn: Turn, cause: str, at_boottime_ns: int) -> None:
    """Break off for a cause that the machine found."""
    close_reason(turn)
    _interrupt(turn, BreakOrigin.MACHINE, cause, at_boottime_ns)


def interrupt_from_start(turn: Turn, cause: str) -> None:
    """The camera is out from the first moment, or since the checks: the session begins with a break."""
    if turn.session.flowing:
        _interrupt(turn, BreakOrigin.MACHINE, cause, turn.session.pressed_boottime_ns)
        return
    _enter(turn, BreakOrigin.MACHINE, cause)
    turn.do(StartCapture())
    seal_break(turn, _nothing_kept(turn))


def run_ended(turn: Turn, event: RunEnded) -> None:
    """The run's last frame is known: seal the break behind it."""
    runs.count_run(turn, event)
    seal_break(turn, event)


def seal_break(turn: Turn, ended: RunEnded) -> None:
    """Want the pending BREAK sealed with the facts of the run that it ends; once only."""
    gap, session = turn.gap, turn.session
    if gap.asked:
        return
    turn.note_gap(
        asked=True,
        ended=ended,
        last_frame_boottime_ns=ended.last_frame_boottime_ns,
        last_frame_utc_ns=ended.last_frame_utc_ns,
    )
    body = Break(
        session_id=session.session_id,
        number=gap.number,
        origin=gap.origin,
        cause=gap.cause,
        cause_allowed=gap.cause in turn.machine.rules.allowed_causes,
        last_frame=ended.last_frame,
        last_frame_boottime_ns=ended.last_frame_boottime_ns,
        last_frame_utc_ns=ended.last_frame_utc_ns,
        media_time_ns=ended.media_time_ns,
        run=ended.run,
    )
    turn.seal(body, answer=Answer.BREAK_SEALED)
    if gap.cause in turn.machine.rules.grounds:
        exempting.seal_exemption(turn, gap.cause, break_number=gap.number)
    duties.seal_reason(turn)


def break_sealed(turn: Turn, event: BreakSealed) -> None:
    """The BREAK has its number: the RESUME can name it."""
    if note_sequence(turn, event):
        _try_resume(turn)


def note_sequence(turn: Turn, event: BreakSealed) -> bool:
    """Give the pending break its sequence number, if it is the one that was sealed."""
    session = turn.session
    if session.gap is None or (session.session_id, session.gap.number) != (event.session_id, event.number):
        return False
    turn.note_gap(sequence=event.sequence)
    return True


def first_frame(turn: Turn, event: FirstFrame) -> None:
    """The camera delivers again."""
    turn.note(flowing=True)
    turn.note_gap(returned=event)
    _try_resume(turn)


def lost_again(turn: Turn, event: CaptureLost) -> None:
    """The camera went away before anything could be kept; behind another cause that is a fault of its own (R18)."""
    turn.note(flowing=False)
    turn.note_gap(returned=None)
    if turn.gap.waiting is not Waiting.CAMERA:
        return
    turn.do(StartCapture())
    if event.cause == CAMERA_FAULT:
        turn.note_camera(out=True)


def resume_pressed(turn: Turn, _event: ResumePressed) -> None:
    """Go on after an announced break; while the camera is out, a press can only be answered."""
    if turn.gap.waiting is Waiting.PRESS:
        turn.note_gap(waiting=Waiting.CAMERA, automatic=False)
        turn.cue(Cue.PRESSED)
        turn.do(StartCapture())
    else:
        turn.cue(Cue.STILL_BROKEN)


def still_broken(turn: Turn, event: TimerFired) -> None:
    """Say that nothing is being recorded."""
    if event.timer is Timer.PULSE:
        turn.cue(Cue.STILL_BROKEN)
        turn.do(SetTimer(Timer.PULSE, turn.machine.rules.pulse_seconds))


def _offer(turn: Turn, phrase: Phrase) -> None:
    cause = turn.machine.rules.announced_causes[turn.session.cause_index]
    turn.say(PromptKind.STATUS, phrase, cause=cause)
    turn.do(SetTimer(Timer.ANNOUNCE, turn.machine.rules.announce_timeout_seconds))


def _interrupt(turn: Turn, origin: BreakOrigin, cause: str, at_boottime_ns: int) -> None:
    duties.give_up_explanation(turn, at_boottime_ns)
    duties.drop_duty(turn)
    by_camera = cause == CAMERA_FAULT
    turn.do(EndRun("break", CameraOrder.RESTART if by_camera else CameraOrder.STOP))
    _enter(turn, origin, cause)


def _enter(turn: Turn, origin: BreakOrigin, cause: str) -> None:
    number = turn.session.breaks + 1
    by_camera = cause == CAMERA_FAULT
    waiting = Waiting.CAMERA if by_camera else Waiting.PRESS
    turn.note(gap=Gap(number, origin, cause, waiting, automatic=by_camera), breaks=number, flowing=False, lost=None)
    turn.go(State.INTERRUPTED)
    turn.cue(Cue.BROKEN)
    duties.clear_timers(turn)
    turn.do(SetTimer(Timer.PULSE, turn.machine.rules.pulse_seconds))
    if by_camera:
        turn.note_camera(out=True)
    if cause == UNCLASSIFIED:
        turn.seal_event("break-unclassified")
    marker = Phrase.BREAK_MARKER if by_camera else Phrase.BREAK_MARKER_PRESS
    turn.say(PromptKind.BREAK_MARKER, marker, cause=cause)


def _nothing_kept(turn: Turn) -> RunEnded:
    session = turn.session
    return RunEnded(
        run=session.run,
        last_frame=None,
        last_frame_boottime_ns=None,
        last_frame_utc_ns=None,
        media_time_ns=session.media_time_ns,
        next_frame=session.next_frame,
        next_sample=session.next_sample,
        dropped_frames=session.dropped_frames,
    )


def _try_resume(turn: Turn) -> None:
    gap = turn.gap
    if gap.sequence is None or gap.returned is None:
        return
    turn.do(Hush())
    turn.note_camera(out=False)
    turn.seal(_resume_body(turn, gap, gap.sequence, gap.returned))
    runs.begin_run(turn)
    turn.go(State.RESUMING)
    turn.cue(Cue.RESUMED)
    turn.do(SetTimer(Timer.PULSE, turn.machine.rules.pulse_seconds))
    marker = turn.say(
        PromptKind.RESUME_MARKER,
        Phrase.RESUME_MARKER,
        cause=gap.cause,
        at_utc_ns=gap.last_frame_utc_ns,
        proof=True,
    )
    turn.note(speech=marker)


def _resume_body(turn: Turn, gap: Gap, sequence: int, back: FirstFrame) -> Resume:
    duration_ns, certain = _duration(turn, gap, back)
    return Resume(
        session_id=turn.session.session_id,
        break_sequence=sequence,
        first_frame=turn.session.next_frame,
        first_frame_boottime_ns=back.captured_boottime_ns,
        first_frame_utc_ns=back.captured_utc_ns,
        media_time_ns=turn.media_time_ns(back.captured_boottime_ns),
        duration_ns=duration_ns,
        duration_certain=certain,
        run=turn.session.run + 1,
        automatic=gap.automatic,
    )


def _duration(turn: Turn, gap: Gap, back: FirstFrame) -> tuple[int, bool]:
    """Length of a break in ns, and whether it rests on monotonic time."""
    if gap.same_boot:
        since_ns = gap.last_frame_boottime_ns
        if since_ns is None:
            since_ns = turn.session.pressed_boottime_ns
        return max(0, back.captured_boottime_ns - since_ns), True
    if gap.last_frame_utc_ns is None:
        return 0, False
    return max(0, back.captured_utc_ns - gap.last_frame_utc_ns), False

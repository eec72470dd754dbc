"""From the press to the first kept frame: start of capture, checks, verdict (R1, CS-3, CS-5).

Rules of this module: capture runs since the press; nothing is kept before PREFLIGHT is sealed.
"""

from __future__ import annotations

from capture.cues import Cue
from capture.effects import (
    DropHeld,
    Hush,
    Measure,
    Phrase,
    RollLedger,
    SetTimer,
    StartCapture,
    StopCapture,
)
from capture.events import CaptureLost, FirstFrame, PreflightDone, StartPressed, Timer
from capture.moves import breaking, duties, runs, warning
from capture.states import CAMERA_FAULT, OpenSession, State
from capture.turn import Turn
from sealing.records import CheckVerdict, Preflight, PromptKind, SessionEnd, SessionStart

FIRST_FRAME_MEDIA_TIME_NS = 1_000_000_000
"""Session time of the first frame: the priming of the sound coder may not reach below 0."""

_VERDICT_CUES = {
    CheckVerdict.PASS: Cue.READY,
    CheckVerdict.DEGRADED: Cue.DEGRADED,
    CheckVerdict.FAIL: Cue.FAILED,
}


def start_pressed(turn: Turn, event: StartPressed) -> None:
    """Open a session and start to capture at once."""
    turn.set(
        session=OpenSession(event.session_id, event.at_boottime_ns),
        session_number=turn.machine.session_number + 1,
    )
    warning.forget_shortages(turn)
    turn.go(State.STARTING)
    turn.cue(Cue.PRESSED)
    turn.do(Hush(), StartCapture(), Measure(event.at_boottime_ns), RollLedger("session-start"))


def first_frame(turn: Turn, event: FirstFrame) -> None:
    """Session time begins with the first frame; a camera that was out before is back (CS-38)."""
    turn.note(flowing=True, lost=None)
    _seal_start(turn, event.captured_boottime_ns)
    turn.note_camera(out=False)


def capture_lost(turn: Turn, event: CaptureLost) -> None:
    """Remember it: the checks come first, then the break."""
    turn.note(lost=event.cause)


def preflight_done(turn: Turn, event: PreflightDone) -> None:
    """Seal the verdict and tell it; keep what was captured since the press, or not where the profile blocks."""
    session, rules, result = turn.session, turn.machine.rules, event.result
    _seal_start(turn, session.pressed_boottime_ns)
    blocked = rules.blocking and result.verdict is CheckVerdict.FAIL
    turn.seal(Preflight(session.session_id, result.verdict, result.checks, blocked))
    turn.note(checked=True)
    if blocked:
        _block(turn, result.failing())
        return
    turn.cue(_VERDICT_CUES[result.verdict])
    _keep(turn)
    _tell(turn, result.failing())
    if turn.session.lost is not None or not turn.session.flowing:
        breaking.interrupt_from_start(turn, turn.session.lost or CAMERA_FAULT)
    else:
        duties.next_duty(turn)


def abandon(turn: Turn, reason: str) -> None:
    """End a session of which nothing was kept."""
    session = turn.session
    _seal_start(turn, session.pressed_boottime_ns)
    turn.do(DropHeld(), StopCapture())
    turn.seal(
        SessionEnd(
            session_id=session.session_id,
            reason=reason,
            runs=0,
            frames=0,
            samples=0,
            marks=0,
            breaks=0,
            unexplained_breaks=0,
            dropped_frames=0,
            ended_boottime_ns=session.pressed_boottime_ns,
            media_time_ns=0,
        )
    )
    duties.clear_timers(turn)
    turn.set(session=None)
    turn.go(State.IDLE)


def _seal_start(turn: Turn, first_frame_boottime_ns: int) -> None:
    session, machine = turn.session, turn.machine
    if session.zero_boottime_ns is not None:
        return
    zero_ns = first_frame_boottime_ns - FIRST_FRAME_MEDIA_TIME_NS
    turn.note(zero_boottime_ns=zero_ns)
    turn.seal(
        SessionStart(
            session_id=session.session_id,
            session_number=machine.session_number,
            profile_id=machine.profile_id,
            profile_hash=machine.profile_hash,
            pressed_boottime_ns=session.pressed_boottime_ns,
            checkout_sequence=machine.checkout_sequence,
            session_zero_boottime_ns=zero_ns,
        )
    )


def _block(turn: Turn, failing: tuple[str, ...]) -> None:
    turn.cue(Cue.BLOCKED)
    turn.say(PromptKind.STATUS, Phrase.BLOCKED, codes=failing)
    abandon(turn, "blocked")


def _keep(turn: Turn) -> None:
    session = turn.session
    if session.flowing:
        runs.begin_run(turn)
    turn.do(SetTimer(Timer.PULSE, turn.machine.rules.pulse_seconds))


def _tell(turn: Turn, failing: tuple[str, ...]) -> None:
    turn.say(PromptKind.STATUS, Phrase.PREFLIGHT, codes=failing)
    if turn.machine.checkout_sequence is None:
        turn.say(PromptKind.STATUS, Phrase.NOT_CHECKED_OUT)

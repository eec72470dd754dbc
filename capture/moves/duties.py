"""What is said and asked while the recording runs: notice, statement, explanation (R4, R5, R8).

Rules of this module: every duty ends, heard or not; what was not heard is asked for once more and then sealed as
missing. No duty stops the recording.
"""

from __future__ import annotations

from dataclasses import replace

from capture.cues import Cue
from capture.effects import ClearTimer, DropWindow, Hush, NoticeOver, OpenWindow, Phrase, SetTimer
from capture.events import NoticePressed, PromptEnded, Timer, TimerFired, WindowClosed
from capture.profile import Moment
from capture.states import Ask, State
from capture.turn import Turn
from sealing.records import BreakOrigin, PromptKind, VoicePurpose

_AGAIN = {
    Phrase.REASON_REQUEST: Phrase.REASON_AGAIN,
    Phrase.STATEMENT_REQUEST: Phrase.STATEMENT_AGAIN,
}
"""Requests that are worded differently the second time."""


def next_duty(turn: Turn) -> None:
    """Go on with what the profile still asks for, or to plain recording (CS-4)."""
    rules, session = turn.machine.rules, turn.session
    if session.gap is not None:
        _explain(turn)
    elif rules.statement is Moment.FIRST and not session.statement_done:
        _ask_statement(turn)
    elif rules.notice and not session.notice_done:
        _notice(turn)
    elif rules.statement is Moment.DURING and not session.statement_done:
        _ask_statement(turn)
    else:
        turn.go(State.RECORDING)


def notice_pressed(turn: Turn, _event: NoticePressed) -> None:
    """Say the notice once more, with its proof: another party has joined (R4, CS-15)."""
    if not turn.machine.rules.notice:
        turn.cue(Cue.REFUSED)
        turn.say(PromptKind.STATUS, Phrase.REFUSED)
        return
    turn.cue(Cue.CONFIRMED)
    turn.seal_event("notice-repeated")
    turn.note(notice_attempt=0)
    _notice(turn)


def drop_duty(turn: Turn) -> None:
    """Break off what is being said or asked; the duty itself stays, but a memo is sealed as missing (CS-10, CS-17)."""
    asked = turn.session.ask
    if asked is not None and asked.purpose is VoicePurpose.MEMO:
        turn.seal_window(unheard(asked.asked_boottime_ns), VoicePurpose.MEMO, asked.attempt, final=True)
    if asked is not None and asked.window is not None:
        turn.do(DropWindow(asked.window))
    turn.do(Hush())
    turn.note(ask=None, speech=None)


def prompt_ended(turn: Turn, event: PromptEnded) -> None:
    """Seal what was said; where a duty waited for it, take its next step."""
    session = turn.session
    awaited = session.speech == event.speech
    turn.seal_prompt(event, event.kind, _repetition(turn) if awaited else 0)
    if not awaited:
        return
    turn.note(speech=None)
    if session.ask is not None:
        _listen(turn, session.ask)
    elif turn.machine.state is State.NOTICE:
        _notice_spoken(turn, event)
    elif turn.machine.state is State.RESUMING:
        _explain(turn)


def window_closed(turn: Turn, event: WindowClosed) -> None:
    """Seal what was heard; where too little was, ask once more."""
    session, asked = turn.session, turn.session.ask
    if event.window == session.reason_window:
        turn.note(reason_heard=event)
        if session.gap is None or session.gap.asked or session.gap.origin is BreakOrigin.MACHINE:
            seal_reason(turn)
    elif asked is not None and event.window == asked.window:
        # A memo is the officer's own wish: nobody is asked for it twice.
        final = event.accepted or asked.attempt > 0 or asked.purpose is VoicePurpose.MEMO
        turn.seal_window(event, asked.purpose, asked.attempt, final=final)
        turn.note(ask=None)
        if final:
            _answered(turn, asked, event)
        else:
            again = _AGAIN.get(asked.phrase, asked.phrase)
            ask(turn, Ask(asked.purpose, asked.kind, again, asked.seconds, attempt=1))


def seal_reason(turn: Turn) -> None:
    """Seal what was said of an announced cause, where it was judged."""
    heard = turn.session.reason_heard
    if heard is not None:
        turn.seal_window(heard, VoicePurpose.BREAK_REASON, 0, final=True)
        turn.note(reason_window=None, reason_heard=None)


def pulse(turn: Turn, event: TimerFired) -> None:
    """Say without words that the recording still runs (R8); the other timers mean nothing here."""
    if event.timer is Timer.PULSE:
        audible = turn.machine.rules.pulse_audible
        well = Cue.STILL_RECORDING_AUDIBLE if audible else Cue.STILL_RECORDING
        turn.cue(Cue.WARNING if turn.machine.conditions else well)
        _remind(turn)
        turn.do(SetTimer(Timer.PULSE, turn.machine.rules.pulse_seconds))


def _remind(turn: Turn) -> None:
    """Say the next item of the key content, where the profile wants that and no duty is under way (R7, CS-14)."""
    place, rules, held = turn.session.reminded, turn.machine.rules, turn.machine.assignment
    items = len(held.key_content) if rules.reminds_of_activity and held is not None else rules.reminders
    if turn.machine.state is State.RECORDING and place < items:
        turn.note(reminded=place + 1)
        turn.say(PromptKind.REMINDER, Phrase.REMINDER, number=place)


def give_up_explanation(turn: Turn, at_boottime_ns: int) -> None:
    """Seal the explanation of the pending break as missing: another border came first (CS-10)."""
    gap = turn.session.gap
    if gap is None:
        return
    if turn.machine.rules.explanation_window_seconds is not None and gap.sequence is not None:
        attempt = 0 if turn.session.ask is None else turn.session.ask.attempt
        turn.seal_window(unheard(at_boottime_ns), VoicePurpose.EXPLANATION, attempt, final=True)
        turn.note(unexplained=turn.session.unexplained + 1)
    drop_duty(turn)
    turn.note(gap=None)


def unheard(at_boottime_ns: int) -> WindowClosed:
    """A window that another border cut off: whatever was said in it was not judged."""
    return WindowClosed(0, at_boottime_ns, at_boottime_ns, accepted=False, speech_ms=0, longest_run_ms=0)


def clear_timers(turn: Turn) -> None:
    """Forget every timer."""
    turn.do(*(ClearTimer(timer) for timer in Timer))


def _repetition(turn: Turn) -> int:
    asked = turn.session.ask
    return turn.session.notice_attempt if asked is None else asked.attempt


def _notice(turn: Turn) -> None:
    rules = turn.machine.rules
    turn.go(State.NOTICE)
    if rules.notice_by_officer:
        purpose, phrase = VoicePurpose.NOTICE_BY_OFFICER, Phrase.NOTICE_BY_OFFICER
        ask(turn, Ask(purpose, PromptKind.REMINDER, phrase, rules.notice_window_seconds))
    else:
        turn.note(speech=turn.say(PromptKind.NOTICE, Phrase.NOTICE, proof=True))


def _notice_spoken(turn: Turn, event: PromptEnded) -> None:
    heard = event.complete and event.heard is True
    if not heard and turn.session.notice_attempt == 0:
        turn.note(notice_attempt=1)
        _notice(turn)
        return
    if not heard:
        turn.seal_event("notice-not-heard")
        turn.say(PromptKind.STATUS, Phrase.NOT_HEARD)
    _notice_done(turn, event.ended_boottime_ns)


def _notice_done(turn: Turn, at_boottime_ns: int) -> None:
    if not turn.session.notice_done:
        turn.note(notice_done=True)
        turn.do(NoticeOver(at_boottime_ns))
    next_duty(turn)


def _ask_statement(turn: Turn) -> None:
    seconds = turn.machine.rules.statement_window_seconds
    turn.go(State.STATEMENT)
    ask(turn, Ask(VoicePurpose.STATEMENT, PromptKind.STATEMENT_REQUEST, Phrase.STATEMENT_REQUEST, seconds))


def _explain(turn: Turn) -> None:
    seconds = turn.machine.rules.explanation_window_seconds
    turn.go(State.RESUMING)
    if seconds is None:
        turn.note(gap=None)
        next_duty(turn)
    else:
        ask(turn, Ask(VoicePurpose.EXPLANATION, PromptKind.REASON_REQUEST, Phrase.REASON_REQUEST, seconds))


def ask(turn: Turn, wanted: Ask) -> None:
    """Ask an officer to say something, and listen when the request is spoken."""
    gap = turn.session.gap
    cause = gap.cause if gap is not None and wanted.purpose is VoicePurpose.EXPLANATION else None
    turn.note(ask=wanted, speech=turn.say(wanted.kind, wanted.phrase, cause=cause))


def _listen(turn: Turn, asked: Ask) -> None:
    window = turn.machine.windows + 1
    turn.set(windows=window)
    turn.note(ask=replace(asked, window=window))
    turn.do(OpenWindow(window, asked.purpose, asked.seconds))


def _answered(turn: Turn, asked: Ask, event: WindowClosed) -> None:
    if asked.purpose is VoicePurpose.NOTICE_BY_OFFICER:
        if not event.accepted:
            turn.seal_event("notice-not-heard")
        _notice_done(turn, event.closed_boottime_ns)
        return
    if asked.purpose is VoicePurpose.STATEMENT:
        turn.note(statement_done=True)
    elif asked.purpose is VoicePurpose.EXPLANATION:
        turn.note(gap=None, unexplained=turn.session.unexplained + (not event.accepted))
    next_duty(turn)

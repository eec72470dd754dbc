"""What may happen in any state: marks, hand-over, clock steps, recovery after a restart (R2, R7, R17, CS-9).

Rules of this module: a mark never waits; its frame is found by the media path and sealed when found.
"""

from __future__ import annotations

from capture.assignment import Assignment, Officer
from capture.cues import Cue
from capture.effects import Answer, LocateMark, Measure, Phrase, SetTimer, StartCapture
from capture.events import (
    BreakSealed,
    CheckedIn,
    CheckedOut,
    CheckoutSealed,
    ClockStepped,
    DockStanding,
    DockTold,
    DueTold,
    FirstFrame,
    MarkLocated,
    MarkPressed,
    Recovered,
    RunEnded,
    Timer,
)
from capture.moves import breaking, choosing, ending
from capture.resume import LastKnown, Resumption
from capture.states import CAPTURING, Gap, OpenSession, State, Waiting
from capture.turn import Turn
from sealing.codec import PrivateValue
from sealing.records import BreakOrigin, Checkin, Checkout, ClockStep, PromptKind, VoicePurpose, VoiceWindow

STEP_TOLD_NS = 500_000_000
"""A smaller step is sealed without a word."""
_TOLD_OF_STEPS = CAPTURING - {State.ANNOUNCING, State.CHOOSING}


def mark_pressed(turn: Turn, event: MarkPressed) -> None:
    """Answer at once, and have the frame found that was being taken at the press (CS-12)."""
    number = turn.session.marks + 1
    turn.note(marks=number)
    if event.category is not None:
        turn.note(mark_categories=(*turn.session.mark_categories, (number, event.category)))
    turn.cue(Cue.MARK)
    turn.do(LocateMark(number, event.at_boottime_ns))


def mark_located(turn: Turn, event: MarkLocated) -> None:
    """Seal the mark at its frame, with its category where it has one already."""
    given = dict(turn.session.mark_categories)
    waiting = tuple(pair for pair in turn.session.mark_categories if pair[0] != event.number)
    turn.note(last_mark=event, mark_categories=waiting)
    choosing.seal_mark(turn, event, given.get(event.number, turn.machine.rules.mark_category))


def checked_out(turn: Turn, event: CheckedOut) -> None:
    """Seal to whom the unit is handed; names as payload."""
    held = event.assignment
    least = turn.machine.rules.officers_least if held.officers_least is None else held.officers_least
    turn.set(assignment=held, checkout_sequence=None)
    ids = tuple(officer.certificate_number for officer in held.officers)
    names: list[PrivateValue] = [officer.name for officer in held.officers]
    private: dict[str, PrivateValue] = {"names": names}
    if held.keeper_name is not None:
        private["keeper"] = held.keeper_name
    private |= {f"label.{code}": text for code, text in held.labels}
    body = Checkout(
        officer_ids=ids,
        activity_id=held.activity_id,
        category=held.category,
        label=held.label,
        away=held.away,
        away_reason=held.due_rule,
        keeper_id=held.keeper_id,
        labels_given=held.labels_given,
        department=held.department,
    )
    turn.seal(body, private, Answer.CHECKOUT_SEALED)
    turn.say(PromptKind.STATUS, Phrase.OFFICERS)
    if least is not None and len(held.officers) < least:
        turn.seal_event("officers-too-few", ("officers", len(held.officers)), ("least", least))
        turn.say(PromptKind.STATUS, Phrase.TOO_FEW_OFFICERS)


def checkout_sealed(turn: Turn, event: CheckoutSealed) -> None:
    """The CHECKOUT has its number: sessions can name it."""
    turn.set(checkout_sequence=event.sequence)


def checked_in(turn: Turn, _event: CheckedIn) -> None:
    """Seal that the unit was given back."""
    turn.seal(Checkin(turn.machine.checkout_sequence))
    turn.set(assignment=None, checkout_sequence=None)
    turn.say(PromptKind.STATUS, Phrase.CHECKED_IN)


def clock_stepped(turn: Turn, event: ClockStepped) -> None:
    """Seal that civil time was moved or has another source; while recording, tell of a step (R17, CS-18)."""
    turn.seal(ClockStep(event.step_ns, event.source_before, event.source_after))
    if turn.machine.state in _TOLD_OF_STEPS and abs(event.step_ns) >= STEP_TOLD_NS:
        turn.cue(Cue.WARNING)
        turn.say(PromptKind.STATUS, Phrase.CLOCK_STEPPED)


def clock_stepped_unsealed(turn: Turn, event: ClockStepped) -> None:
    """The step is owed until the chain can be written again; several add up."""
    owed = turn.machine.clock_owed
    before_ns, source = (0, event.source_before) if owed is None else (owed.step_ns, owed.source_before)
    turn.set(clock_owed=ClockStep(before_ns + event.step_ns, source, event.source_after))


def dock_told(turn: Turn, event: DockTold) -> None:
    """Between recordings, say how far the upload is (CS-31); in one, only remember it."""
    words = _DOCK_WORDS.get((turn.machine.dock, event.standing))
    turn.set(dock=event.standing)
    if words is not None and turn.machine.state is State.IDLE:
        turn.say(PromptKind.STATUS, words)


_DOCK_WORDS = {
    (DockStanding.OUT, DockStanding.UPLOADING): Phrase.DOCKED,
    (DockStanding.OUT, DockStanding.UPLOADED): Phrase.ALL_UPLOADED,
    (DockStanding.UPLOADING, DockStanding.UPLOADED): Phrase.ALL_UPLOADED,
    (DockStanding.UPLOADING, DockStanding.OUT): Phrase.NOT_ALL_UPLOADED,
}
"""From where to where → what is said."""


def camera_delivers(turn: Turn, _event: FirstFrame) -> None:
    """A check without a recording shows that a camera that was out is back (CS-38)."""
    turn.note_camera(out=False)


def due_told(turn: Turn, event: DueTold) -> None:
    """Say by when what was recorded has to be handed over (R20, CS-32), and which labels are missing (R22, CS-36)."""
    if event.due_utc_ns is not None:
        turn.say(PromptKind.STATUS, Phrase.DUE, at_utc_ns=event.due_utc_ns)
    if event.labels_missing:
        turn.say(PromptKind.STATUS, Phrase.LABELS, at_utc_ns=event.labels_due_utc_ns, codes=event.labels_missing)


def break_sealed_elsewhere(turn: Turn, event: BreakSealed) -> None:
    """The answer to a BREAK whose session has gone on or ended without needing it."""
    ending.break_sealed_late(turn, event)


def recovered(turn: Turn, event: Recovered) -> None:
    """Take up the session that the restart broke off."""
    resumption = event.resumption
    known = resumption.known
    turn.set(session=_session(resumption, event.at_boottime_ns))
    if not known.preflight_done:
        turn.go(State.STARTING)
        turn.do(StartCapture(), Measure(event.at_boottime_ns))
        return
    turn.go(State.INTERRUPTED)
    if known.reason_owed:
        _seal_cut_off(turn, VoicePurpose.BREAK_REASON, None)
    _take_up_break(turn, resumption)
    if known.finishing:
        turn.note(end_reason="button")
        ending.end_session(turn, event.at_boottime_ns)
        return
    turn.cue(Cue.BROKEN)
    turn.do(SetTimer(Timer.PULSE, turn.machine.rules.pulse_seconds))
    if resumption.automatic:
        turn.do(StartCapture())
    else:
        turn.say(PromptKind.STATUS, Phrase.PRESS_TO_RESUME, cause=turn.gap.cause)


def held_assignment(known: LastKnown) -> Assignment | None:
    """To whom the unit is handed, as far as the chain tells in the clear: without names."""
    kept = known.snapshot
    if kept.checkout_sequence is None:
        return None
    officers = tuple(Officer(number, name="") for number in kept.officer_ids)
    return Assignment(
        officers=officers,
        activity_id=kept.activity_id,
        category=kept.category,
        label=kept.label,
        due_rule=kept.due_rule,
        away=kept.away,
        labels_sealed=kept.labels_given or (),
        department=kept.department,
    )


def _session(resumption: Resumption, at_boottime_ns: int) -> OpenSession:
    known, kept = resumption.known, resumption.known.snapshot
    return OpenSession(
        session_id=kept.session_id or b"",
        pressed_boottime_ns=at_boottime_ns,
        zero_boottime_ns=resumption.session_zero_boottime_ns if known.started else None,
        run=kept.run,
        next_frame=kept.next_frame,
        next_sample=kept.next_sample,
        media_time_ns=kept.media_time_ns,
        dropped_frames=kept.dropped_frames,
        marks=kept.marks,
        breaks=kept.breaks,
        unexplained=kept.unexplained_breaks,
        notice_done=kept.notice_done,
        statement_done=kept.statement_done,
        checked=known.preflight_done,
    )


def _take_up_break(turn: Turn, resumption: Resumption) -> None:
    pending = resumption.known.pending
    waiting = Waiting.CAMERA if resumption.automatic else Waiting.PRESS
    if pending is not None and not pending.resumed:
        gap = Gap(
            number=pending.number,
            origin=pending.origin,
            cause=pending.cause,
            waiting=waiting,
            automatic=resumption.automatic,
            asked=True,
            sequence=pending.sequence,
            last_frame_boottime_ns=pending.last_frame_boottime_ns,
            last_frame_utc_ns=pending.last_frame_utc_ns,
            same_boot=resumption.same_boot,
        )
        turn.note(gap=gap)
        return
    if pending is not None:
        _seal_unexplained(turn, pending.sequence)
    number = turn.session.breaks + 1
    gap = Gap(number, BreakOrigin.MACHINE, resumption.cause, waiting, resumption.automatic)
    turn.note(breaks=number, gap=gap)
    turn.note_gap(same_boot=resumption.same_boot)
    breaking.seal_break(turn, _ended_by_restart(resumption))


def _ended_by_restart(resumption: Resumption) -> RunEnded:
    known, kept = resumption.known, resumption.known.snapshot
    last = known.last_frame
    same_run = resumption.same_boot and kept.next_frame > 0
    reached_ns = resumption.session_zero_boottime_ns + kept.media_time_ns if same_run else None
    last_utc_ns = None if reached_ns is None else reached_ns + resumption.civil_offset_ns
    return RunEnded(
        run=kept.run,
        last_frame=None if kept.next_frame == 0 else kept.next_frame - 1,
        last_frame_boottime_ns=reached_ns if last is None else last.boottime_ns,
        last_frame_utc_ns=last_utc_ns if last is None else last.utc_ns,
        media_time_ns=kept.media_time_ns,
        next_frame=kept.next_frame,
        next_sample=kept.next_sample,
        dropped_frames=kept.dropped_frames,
    )


def _seal_unexplained(turn: Turn, break_sequence: int) -> None:
    """Seal as missing what the restart cut off; where nothing has to be explained, nothing is missing."""
    if turn.machine.rules.explanation_window_seconds is None:
        return
    turn.note(unexplained=turn.session.unexplained + 1)
    _seal_cut_off(turn, VoicePurpose.EXPLANATION, break_sequence)


def _seal_cut_off(turn: Turn, purpose: VoicePurpose, break_sequence: int | None) -> None:
    at_ns = turn.session.media_time_ns
    turn.seal(
        VoiceWindow(
            session_id=turn.session.session_id,
            purpose=purpose,
            opened_media_time_ns=at_ns,
            closed_media_time_ns=at_ns,
            accepted=False,
            speech_ms=0,
            longest_run_ms=0,
            attempt=0,
            break_sequence=break_sequence,
            final=True,
        )
    )

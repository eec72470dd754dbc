"""What stood when the agent last ended, folded from the chain, and how the recording goes on (CS-9).

Rules of this module: pure folds over what the writer's recovery read back: the snapshot of the last whole OPEN and the
clear bodies behind it. Nothing else is remembered anywhere, so nothing can disagree with the chain.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from hal.values import ClockReading, TimeSource
from sealing.framing import ChainRecord
from sealing.records import (
    Break,
    BreakOrigin,
    Checkin,
    Checkout,
    Fragment,
    Mark,
    Preflight,
    Prompt,
    PromptKind,
    Resume,
    SessionEnd,
    SessionStart,
    StateSnapshot,
    VoicePurpose,
    VoiceWindow,
)

STARTING = "starting"
RECORDING = "recording"
INTERRUPTED = "interrupted"
RESUMING = "resuming"
FINISHING = "finishing"
IDLE = "idle"
VIDEO_TICKS_PER_SECOND = 90_000
SECOND_NS = 1_000_000_000
TIME_AWAY_MAX_NS = 7 * 24 * 3600 * SECOND_NS
"""A longer absence by civil time is not believed when session time is carried over a reboot."""

CRASH = "crash"
WATCHDOG = "watchdog"
POWER_LOSS = "power-loss"


@dataclass(frozen=True, slots=True)
class SealedBody:
    """A record as the fold needs it."""

    sequence: int
    utc_ns: int
    boottime_ns: int
    body: object


@dataclass(frozen=True, slots=True)
class LastFrame:
    """The last frame that reached the chain."""

    number: int
    boottime_ns: int
    utc_ns: int


@dataclass(frozen=True, slots=True)
class PendingBreak:
    """A BREAK that still waits for its RESUME or for its explanation."""

    sequence: int
    number: int
    cause: str
    origin: BreakOrigin
    last_frame_boottime_ns: int | None
    last_frame_utc_ns: int | None
    resumed: bool


@dataclass(frozen=True, slots=True)
class LastKnown:
    """Everything that the chain tells about the unit's state."""

    snapshot: StateSnapshot
    last_utc_ns: int
    last_frame: LastFrame | None = None
    pending: PendingBreak | None = None
    preflight_done: bool = True
    started: bool = True
    """SESSION_START is on the chain."""
    finishing: bool = False
    reason_owed: bool = False
    """An announced BREAK is on the chain, and no judgement of what was said of it (CS-39)."""


@dataclass(frozen=True, slots=True)
class Resumption:
    """How an open session goes on after a restart of the agent."""

    known: LastKnown
    cause: str
    """Code of the break that the restart made: crash, watchdog or power-loss."""
    automatic: bool
    """The recording resumes by itself; otherwise the next press resumes it."""
    same_boot: bool
    """Monotonic times of before are comparable with those of now."""
    session_zero_boottime_ns: int
    """CLOCK_BOOTTIME of now at session time 0, so that session time goes on without going back."""
    civil_offset_ns: int
    """Civil minus monotonic time, now."""


def fold(snapshot: StateSnapshot, opened_utc_ns: int, records: Sequence[SealedBody]) -> LastKnown:
    """Bring the snapshot up to date with the records behind it.

    Args:
        snapshot: From the last whole OPEN.
        opened_utc_ns: Civil time of that OPEN.
        records: The records behind it, in chain order.

    Returns:
        The state at the last durable record.
    """
    known = LastKnown(
        snapshot,
        opened_utc_ns,
        preflight_done=snapshot.state != STARTING,
        started=snapshot.session_zero_boottime_ns is not None,
        finishing=snapshot.state == FINISHING,
    )
    if snapshot.break_sequence is not None:
        known = replace(known, pending=_pending_of_snapshot(snapshot))
    for record in records:
        known = replace(_fold_one(known, record), last_utc_ns=record.utc_ns)
    return known


def replay(snapshot: StateSnapshot, records: tuple[ChainRecord, ...]) -> StateSnapshot:
    """Bring a snapshot up to date, for the OPEN of the file behind: the writer's `Replay`.

    Without it a second crash would lose what stands between the last OPEN and the first crash.
    """
    return settled(fold(snapshot, 0, bodies(records)))


def settled(known: LastKnown) -> StateSnapshot:
    """The folded state as a snapshot of its own."""
    pending, now = known.pending, known.snapshot
    state = now.state
    if not known.preflight_done and now.session_id is not None:
        state = STARTING
    elif known.finishing:
        state = FINISHING
    elif pending is not None:
        state = RESUMING if pending.resumed else INTERRUPTED
    return replace(
        now,
        state=state,
        break_sequence=None if pending is None else pending.sequence,
        break_cause=None if pending is None else pending.cause,
        break_origin=None if pending is None else pending.origin.value,
    )


def bodies(records: Sequence[ChainRecord]) -> tuple[SealedBody, ...]:
    """What the fold needs of the writer's records."""
    return tuple(
        SealedBody(record.header.sequence, record.header.utc_ns, record.header.boottime_ns, record.header.body)
        for record in records
    )


def plan(known: LastKnown, reason: str, now: ClockReading, power_loss_limit_seconds: float) -> Resumption | None:
    """Decide how an open session goes on.

    Args:
        known: The folded state.
        reason: Why the agent ended, as BOOT has it (clean, crash, power-loss, watchdog, first-start).
        now: Clock reading of now.
        power_loss_limit_seconds: Off for at most this long, by civil time, and the unit resumes by itself.

    Returns:
        The resumption, or None when no session is open.
    """
    if known.snapshot.session_id is None:
        return None
    cause = reason if reason in {POWER_LOSS, WATCHDOG} else CRASH
    same_boot = known.snapshot.boot_id == now.boot_id
    away_ns = now.utc_ns - known.last_utc_ns
    announced = (
        known.pending is not None and not known.pending.resumed and known.pending.origin is BreakOrigin.ANNOUNCED
    )
    short = now.source is not TimeSource.UNSET and 0 <= away_ns <= power_loss_limit_seconds * SECOND_NS
    return Resumption(
        known=known,
        cause=cause,
        automatic=not announced and not known.finishing and (cause != POWER_LOSS or short),
        same_boot=same_boot,
        session_zero_boottime_ns=_session_zero(known, now, same_boot=same_boot),
        civil_offset_ns=now.utc_ns - now.boottime_ns,
    )


def _session_zero(known: LastKnown, now: ClockReading, *, same_boot: bool) -> int:
    before = known.snapshot.session_zero_boottime_ns
    if same_boot and before is not None:
        return before
    away_ns = now.utc_ns - known.last_utc_ns
    believed_ns = away_ns if 0 <= away_ns <= TIME_AWAY_MAX_NS else 0
    reached_ns = max(known.snapshot.media_time_ns, SECOND_NS)
    return now.boottime_ns - reached_ns - believed_ns


def _pending_of_snapshot(snapshot: StateSnapshot) -> PendingBreak | None:
    if snapshot.break_sequence is None:
        return None
    zero_ns = snapshot.session_zero_boottime_ns
    return PendingBreak(
        sequence=snapshot.break_sequence,
        number=snapshot.breaks,
        cause=snapshot.break_cause or CRASH,
        origin=BreakOrigin.MACHINE if snapshot.break_origin is None else BreakOrigin(snapshot.break_origin),
        last_frame_boottime_ns=None if zero_ns is None else zero_ns + snapshot.media_time_ns,
        last_frame_utc_ns=None,
        resumed=snapshot.state not in (INTERRUPTED, "fault"),
    )


def _fold_one(known: LastKnown, record: SealedBody) -> LastKnown:
    body = record.body
    if isinstance(body, Fragment):
        return _fold_fragment(known, record, body)
    if isinstance(body, Break | Resume | VoiceWindow):
        return _fold_break(known, record, body)
    if isinstance(body, SessionStart | SessionEnd | Checkout | Checkin):
        return _fold_border(known, record, body)
    return _fold_progress(known, body)


def _fold_fragment(known: LastKnown, record: SealedBody, body: Fragment) -> LastKnown:
    snapshot = known.snapshot
    length_ns = (body.last_video_pts - body.first_video_pts) * SECOND_NS // VIDEO_TICKS_PER_SECOND
    last = known.last_frame
    if body.frame_count:
        boottime_ns = body.captured_boottime_ns + length_ns
        utc_ns = record.utc_ns - (record.boottime_ns - boottime_ns)
        last = LastFrame(body.first_frame + body.frame_count - 1, boottime_ns, utc_ns)
    media_ns = body.last_video_pts * SECOND_NS // VIDEO_TICKS_PER_SECOND
    reached = replace(
        snapshot,
        next_frame=body.first_frame + body.frame_count,
        next_sample=body.first_sample + body.sample_count,
        media_time_ns=max(snapshot.media_time_ns, media_ns),
        dropped_frames=snapshot.dropped_frames + body.dropped_frames,
    )
    return replace(known, snapshot=reached, last_frame=last)


def _fold_break(known: LastKnown, record: SealedBody, body: Break | Resume | VoiceWindow) -> LastKnown:
    if isinstance(body, Break):
        pending = PendingBreak(
            sequence=record.sequence,
            number=body.number,
            cause=body.cause,
            origin=body.origin,
            last_frame_boottime_ns=body.last_frame_boottime_ns,
            last_frame_utc_ns=body.last_frame_utc_ns,
            resumed=False,
        )
        snapshot = replace(known.snapshot, breaks=body.number, media_time_ns=body.media_time_ns, run=body.run)
        return replace(known, snapshot=snapshot, pending=pending, reason_owed=body.origin is BreakOrigin.ANNOUNCED)
    if isinstance(body, Resume):
        snapshot = replace(known.snapshot, state=RESUMING)
        pending_now = None if known.pending is None else replace(known.pending, resumed=True)
        return replace(known, snapshot=snapshot, pending=pending_now)
    return _fold_window(known, body)


def _fold_window(known: LastKnown, body: VoiceWindow) -> LastKnown:
    if not body.final:
        return known
    if body.purpose is VoicePurpose.BREAK_REASON:
        return replace(known, reason_owed=False)
    if body.purpose is VoicePurpose.STATEMENT:
        return replace(known, snapshot=replace(known.snapshot, statement_done=True))
    if body.purpose is VoicePurpose.NOTICE_BY_OFFICER:
        return replace(known, snapshot=replace(known.snapshot, notice_done=True))
    if body.purpose is VoicePurpose.EXPLANATION:
        missing = known.snapshot.unexplained_breaks + (not body.accepted)
        return replace(known, snapshot=replace(known.snapshot, unexplained_breaks=missing), pending=None)
    return known


def _fold_border(
    known: LastKnown, record: SealedBody, body: SessionStart | SessionEnd | Checkout | Checkin
) -> LastKnown:
    snapshot = known.snapshot
    if isinstance(body, SessionStart):
        opened = replace(
            snapshot,
            state=STARTING,
            session_id=body.session_id,
            session_number=body.session_number,
            session_zero_boottime_ns=body.session_zero_boottime_ns,
            run=0,
            next_frame=0,
            next_sample=0,
            media_time_ns=0,
            marks=0,
            breaks=0,
            unexplained_breaks=0,
            dropped_frames=0,
            notice_done=False,
            statement_done=False,
        )
        return LastKnown(opened, known.last_utc_ns, preflight_done=False)
    if isinstance(body, SessionEnd):
        ended = replace(snapshot, state=IDLE, session_id=None, session_zero_boottime_ns=None, break_sequence=None)
        return LastKnown(replace(ended, break_cause=None, break_origin=None), known.last_utc_ns)
    if isinstance(body, Checkout):
        held = replace(snapshot, officer_ids=body.officer_ids, checkout_sequence=record.sequence, away=body.away)
        held = replace(held, activity_id=body.activity_id, category=body.category, label=body.label)
        held = replace(held, due_rule=body.away_reason, labels_given=body.labels_given, department=body.department)
        return replace(known, snapshot=held)
    given_back = replace(snapshot, officer_ids=(), checkout_sequence=None, away=False)
    given_back = replace(given_back, activity_id=None, category=None, label=None, due_rule=None)
    given_back = replace(given_back, labels_given=None, department=None)
    return replace(known, snapshot=given_back)


def _fold_progress(known: LastKnown, body: object) -> LastKnown:
    if isinstance(body, Preflight):
        return replace(known, snapshot=replace(known.snapshot, state=RECORDING), preflight_done=not body.blocked)
    if isinstance(body, Mark):
        return replace(known, snapshot=replace(known.snapshot, marks=max(known.snapshot.marks, body.number)))
    if isinstance(body, Prompt) and body.kind is PromptKind.END:
        return replace(known, finishing=True)
    if isinstance(body, Prompt) and body.kind is PromptKind.NOTICE and (body.heard or body.repetition):
        return replace(known, snapshot=replace(known.snapshot, notice_done=True))
    return known

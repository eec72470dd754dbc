"""What the session machine knows: its states, the rules it follows and the recording that is open.

Rules of this module: frozen dataclasses and the snapshot that survives a crash; no transition stands here.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from capture.assignment import Assignment
from capture.conditions import PARTS, Condition
from capture.effects import Phrase
from capture.events import DockStanding, FirstFrame, MarkLocated, RunEnded, WindowClosed
from capture.profile import CaptureProfile, ExemptionGround, Moment, Speaker
from sealing.records import BreakOrigin, ClockStep, PromptKind, StateSnapshot, VoicePurpose

UNCLASSIFIED = "unclassified"
CAMERA_FAULT = "camera-fault"
STORAGE_FULL = "storage-full"
STORAGE_FAULT = "storage-fault"
BATTERY = "battery"
OVERHEATING = "overheating"


class State(StrEnum):
    """States of a recording."""

    IDLE = "idle"
    STARTING = "starting"
    NOTICE = "notice"
    STATEMENT = "statement"
    RECORDING = "recording"
    ANNOUNCING = "announcing"
    CHOOSING = "choosing"
    INTERRUPTED = "interrupted"
    RESUMING = "resuming"
    FINISHING = "finishing"
    FAULT = "fault"


CAPTURING = frozenset(
    {State.NOTICE, State.STATEMENT, State.RECORDING, State.ANNOUNCING, State.CHOOSING, State.RESUMING}
)
"""States in which what is captured is kept and the officer may mark, announce a break or finish."""


class Waiting(StrEnum):
    """What an interrupted recording waits for."""

    CAMERA = "camera"
    PRESS = "press"


@dataclass(frozen=True, slots=True)
class SessionRules:
    """What the machine needs of a profile."""

    notice: bool
    notice_by_officer: bool
    notice_window_seconds: float
    statement: Moment | None
    statement_window_seconds: float
    reported: bool
    """A recording that cannot go on is reported at once: the unit says to whom (R9)."""
    explanation_window_seconds: float | None
    """None: no duty to explain, nothing is asked."""
    announced_causes: tuple[str, ...]
    """Menu of the announced break; the last one is always `unclassified`."""
    allowed_causes: frozenset[str]
    announce_timeout_seconds: float
    pulse_seconds: float
    pulse_audible: bool
    blocking: bool
    officers_least: int | None
    mark_category: str | None
    mark_categories: tuple[str, ...]
    """Menu of a mark's categories."""
    grounds: tuple[str, ...]
    """Grounds of the text for not recording (R11); none: no exemption can be made on the unit."""
    reminders: int
    """Items of the key content that are to be said, none where no reminders are wanted."""
    reminds_of_activity: bool
    """The text has no list of its own: what it wants of the activity is said instead."""
    break_on: frozenset[str]
    """Faults for which the recording breaks off."""

    @classmethod
    def of(cls, profile: CaptureProfile, grounds: Sequence[ExemptionGround] = ()) -> SessionRules:
        """Take the rules out of a profile.

        Args:
            profile: Its section `capture`.
            grounds: On which its text lets officers not record, or stop (R11).
        """
        interruptions, statement, notice = profile.interruptions, profile.statement, profile.notice
        stopping = tuple(ground.code for ground in grounds if ground.stops)
        announced = (*(cause.code for cause in interruptions.causes if cause.announced), *stopping)
        allowed = {cause.code for cause in interruptions.causes if cause.allowed}
        allowed |= {code for cause in interruptions.causes if cause.allowed for code in cause.covers}
        allowed |= set(stopping)
        explanation = interruptions.explanation
        return cls(
            notice=notice is not None,
            notice_by_officer=notice is not None and notice.speaker is Speaker.OFFICER,
            notice_window_seconds=NOTICE_WINDOW_SECONDS,
            statement=None if statement is None else statement.moment,
            statement_window_seconds=0.0 if statement is None else statement.window_seconds,
            reported=interruptions.report_to is not None,
            explanation_window_seconds=None if explanation is None else explanation.window_seconds,
            announced_causes=(*announced, UNCLASSIFIED),
            allowed_causes=frozenset(allowed),
            announce_timeout_seconds=interruptions.announce_timeout_seconds,
            pulse_seconds=profile.recording.pulse_seconds,
            pulse_audible=profile.recording.pulse_audible,
            blocking=profile.preflight.blocking,
            officers_least=profile.officers.least,
            mark_category=profile.marks.category,
            mark_categories=tuple(each.code for each in profile.marks.categories),
            grounds=tuple(ground.code for ground in grounds),
            reminders=len(profile.marks.key_content) if profile.marks.reminders else 0,
            reminds_of_activity=profile.marks.reminders and not profile.marks.key_content,
            break_on=frozenset(profile.warnings.break_on),
        )


MEMO_WINDOW_SECONDS = 30.0
"""How long an officer is listened to who says why nothing is recorded (R11)."""
NOTICE_WINDOW_SECONDS = 30.0
"""How long an officer who tells the party himself is listened to."""


@dataclass(frozen=True, slots=True)
class Gap:
    """A break that is going on, or that still waits for its explanation."""

    number: int
    origin: BreakOrigin
    cause: str
    waiting: Waiting
    automatic: bool = False
    """It ends without a press."""
    asked: bool = False
    """The BREAK is on its way into the chain."""
    sequence: int | None = None
    """Of the BREAK, once it is sealed."""
    ended: RunEnded | None = None
    """Facts of the run that the break ended."""
    returned: FirstFrame | None = None
    last_frame_boottime_ns: int | None = None
    last_frame_utc_ns: int | None = None
    same_boot: bool = True
    """Times of before the break are on the monotonic axis of now."""


@dataclass(frozen=True, slots=True)
class Ask:
    """Something that an officer is asked to say."""

    purpose: VoicePurpose
    kind: PromptKind
    phrase: Phrase
    seconds: float
    attempt: int = 0
    window: int | None = None
    """Number of the open window, None while the request is still being spoken."""
    asked_boottime_ns: int = 0
    """When a memo was wanted; the other purposes are asked for again and need none."""


class Menu(StrEnum):
    """What an officer chooses from while the recording goes on, the cause of a break apart."""

    CATEGORY = "category"
    """The category of the last mark (R7)."""
    GROUND = "ground"
    """The ground of an exemption (R11)."""
    ACTION = "action"
    """What can be done now, on a unit whose buttons have no gesture for it."""


class Action(StrEnum):
    """Entries of `Menu.ACTION`."""

    BREAK = "break"
    NOTICE = "notice"
    CATEGORY = "category"
    GROUND = "ground"


@dataclass(frozen=True, slots=True)
class OpenSession:
    """A recording from its press to its SESSION_END."""

    session_id: bytes
    pressed_boottime_ns: int
    zero_boottime_ns: int | None = None
    """CLOCK_BOOTTIME at session time 0; None until SESSION_START is sealed."""
    run: int = 0
    next_frame: int = 0
    next_sample: int = 0
    media_time_ns: int = 0
    dropped_frames: int = 0
    marks: int = 0
    breaks: int = 0
    unexplained: int = 0
    notice_done: bool = False
    notice_attempt: int = 0
    statement_done: bool = False
    checked: bool = False
    """PREFLIGHT is sealed: what is captured may be kept."""
    flowing: bool = False
    """The camera has delivered since it was last started."""
    lost: str | None = None
    """Cause for which frames stopped while the checks were still running."""
    gap: Gap | None = None
    ask: Ask | None = None
    speech: int | None = None
    """The speech whose end the state waits for."""
    cause_index: int = 0
    menu: Menu | None = None
    """What is being chosen from in state CHOOSING."""
    menu_index: int = 0
    actions: tuple[str, ...] = ()
    """What `Menu.ACTION` offers, as of its opening: an entry that is heard is the one that is confirmed."""
    last_mark: MarkLocated | None = None
    mark_categories: tuple[tuple[int, str], ...] = ()
    """Marks that were given a category before their frame was found."""
    reminded: int = 0
    """Items of the key content that were said."""
    reason_window: int | None = None
    """The window over an announced cause, until its record is sealed."""
    reason_heard: WindowClosed | None = None
    """Its judgement, where that came before the announced BREAK: the chain has them in this order (CS-39)."""
    end_reason: str | None = None
    ended_boottime_ns: int | None = None
    """When the recording was over; its SESSION_END waits for the record of that window alone."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Everything that the session machine knows."""

    rules: SessionRules
    profile_id: str
    profile_hash: bytes
    boot_id: str
    state: State = State.IDLE
    assignment: Assignment | None = None
    checkout_sequence: int | None = None
    session_number: int = 0
    session: OpenSession | None = None
    speeches: int = 0
    """Speeches asked for so far; the number of the last one."""
    windows: int = 0
    conditions: frozenset[Condition] = frozenset()
    """What was found wrong and is not over yet. A fault outlives its session, so that its end is sealed too."""
    camera_out: bool = False
    """The camera's FAULT is sealed, and it has not delivered since; outlives its session as well (CS-38)."""
    dock: DockStanding = DockStanding.OUT
    clock_owed: ClockStep | None = None
    """How civil time was moved while nothing could be sealed."""

    @property
    def lamp(self) -> str:
        """What the lamp shows: the state, or between recordings how far the upload is."""
        docked = self.state is State.IDLE and self.dock is not DockStanding.OUT
        return self.dock.value if docked else self.state.value


def with_faults(machine: Machine, standing: Collection[tuple[str, str]]) -> Machine:
    """The machine of a start that finds faults standing on the chain (CS-38).

    Args:
        machine: As it starts.
        standing: Part and code of each.
    """
    found = frozenset(each for each, part in PARTS.items() if (part, each.value) in standing)
    return replace(machine, conditions=machine.conditions | found, camera_out=("camera", CAMERA_FAULT) in standing)


def snapshot(machine: Machine) -> StateSnapshot:
    """What must survive a crash (CS-2). Media counters are as of the last run border.

    It anticipates nothing: a break counts once its BREAK is under way, and until PREFLIGHT is sealed the session is
    starting, whatever befell it.
    """
    session, held = machine.session, machine.assignment
    gap = None if session is None else session.gap
    unchecked = session is not None and not session.checked
    unsealed = gap is not None and not gap.asked
    pending = gap is not None and gap.sequence is not None
    return StateSnapshot(
        state=(State.STARTING if unchecked else machine.state).value,
        profile_id=machine.profile_id,
        profile_hash=machine.profile_hash,
        officer_ids=() if held is None else tuple(officer.certificate_number for officer in held.officers),
        checkout_sequence=machine.checkout_sequence,
        session_id=None if session is None else session.session_id,
        session_number=machine.session_number,
        activity_id=None if held is None else held.activity_id,
        category=None if held is None else held.category,
        label=None if held is None else held.label,
        due_rule=None if held is None else held.due_rule,
        run=0 if session is None else session.run,
        next_frame=0 if session is None else session.next_frame,
        next_sample=0 if session is None else session.next_sample,
        media_time_ns=0 if session is None else session.media_time_ns,
        break_sequence=gap.sequence if gap is not None and pending else None,
        break_cause=gap.cause if gap is not None and pending else None,
        boot_id=machine.boot_id,
        session_zero_boottime_ns=None if session is None else session.zero_boottime_ns,
        notice_done=session is not None and session.notice_done,
        statement_done=session is not None and session.statement_done,
        away=held is not None and held.away,
        marks=0 if session is None else session.marks,
        breaks=0 if session is None else session.breaks - unsealed,
        unexplained_breaks=0 if session is None else session.unexplained,
        dropped_frames=0 if session is None else session.dropped_frames,
        break_origin=gap.origin.value if gap is not None and pending else None,
        labels_given=None if held is None else held.labels_given,
        department=None if held is None else held.department,
    )

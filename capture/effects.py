"""What the session machine wants done: carried out in order by the recorder's shell.

Rules of this module: frozen dataclasses only. An effect says what, never how; it holds everything that the shell needs
but what only the shell can know (words, clips, frame numbers).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from capture.cues import Cue
from capture.events import Timer
from sealing.codec import Private
from sealing.records import PromptKind, SessionBody, StateSnapshot, VoicePurpose


class Phrase(StrEnum):
    """What the unit can say; the words are the voice's."""

    NOTICE = "notice"
    NOTICE_BY_OFFICER = "notice-by-officer"
    STATEMENT_REQUEST = "statement-request"
    STATEMENT_AGAIN = "statement-again"
    REASON_AGAIN = "reason-again"
    BREAK_MARKER = "break-marker"
    BREAK_MARKER_PRESS = "break-marker-press"
    RESUME_MARKER = "resume-marker"
    REASON_REQUEST = "reason-request"
    CAUSE_MENU = "cause-menu"
    CAUSE = "cause"
    BREAK_WITHDRAWN = "break-withdrawn"
    PREFLIGHT = "preflight"
    NOT_CHECKED_OUT = "not-checked-out"
    NOT_HEARD = "not-heard"
    BLOCKED = "blocked"
    PRESS_TO_RESUME = "press-to-resume"
    FAULT = "fault"
    END = "end"
    TOO_FEW_OFFICERS = "too-few-officers"
    CHECKED_IN = "checked-in"
    OFFICERS = "officers"
    WARNING = "warning"
    REMINDER = "reminder"
    CATEGORY_MENU = "category-menu"
    CATEGORY = "category"
    GROUND_MENU = "ground-menu"
    ACTION_MENU = "action-menu"
    ACTION = "action"
    MEMO_REQUEST = "memo-request"
    REFUSED = "refused"
    CANNOT_CONTINUE = "cannot-continue"
    CLOCK_STEPPED = "clock-stepped"
    DUE = "due"
    LABELS = "labels"
    DOCKED = "docked"
    ALL_UPLOADED = "all-uploaded"
    NOT_ALL_UPLOADED = "not-all-uploaded"


class Answer(StrEnum):
    """Which event a sealed record is answered with, once its sequence number is known."""

    BREAK_SEALED = "break-sealed"
    CHECKOUT_SEALED = "checkout-sealed"


class CameraOrder(StrEnum):
    """What becomes of the camera when a run ends."""

    STOP = "stop"
    RESTART = "restart"
    """Stop it, then try to start it every second until it delivers."""


@dataclass(frozen=True, slots=True)
class SetState:
    """The next OPEN carries this snapshot."""

    snapshot: StateSnapshot


@dataclass(frozen=True, slots=True)
class Seal:
    """Put a record into the chain."""

    body: SessionBody
    private: Private | None = field(default=None, repr=False)
    answer: Answer | None = None


@dataclass(frozen=True, slots=True)
class RollLedger:
    """The next record that is not footage begins a ledger file of its own."""

    reason: str


@dataclass(frozen=True, slots=True)
class StartCapture:
    """Start camera and microphone, every second anew until they deliver; answer with `FirstFrame`.

    What they deliver is held in memory until `BeginRun`.
    """


@dataclass(frozen=True, slots=True)
class StopCapture:
    """Stop camera and microphone; nothing was being kept."""


@dataclass(frozen=True, slots=True)
class DropHeld:
    """Let go of what is held in memory: it will not be kept."""


@dataclass(frozen=True, slots=True)
class BeginRun:
    """From the first frame that is held, everything is kept."""

    session_id: bytes
    run: int
    session_zero_boottime_ns: int
    next_frame: int
    next_sample: int
    dropped_frames: int
    """Dropped in the session so far."""
    before_notice: bool


@dataclass(frozen=True, slots=True)
class EndRun:
    """Deal with the camera, end the run behind its last frame, and answer with `RunEnded`."""

    reason: str
    camera: CameraOrder


@dataclass(frozen=True, slots=True)
class NoticeOver:
    """What was captured from this time on comes after the notice."""

    at_boottime_ns: int


@dataclass(frozen=True, slots=True)
class LocateMark:
    """Find the frame that was being taken; answer with `MarkLocated`."""

    number: int
    pressed_boottime_ns: int


@dataclass(frozen=True, slots=True)
class Measure:
    """Run the checks on what is being captured; answer with `PreflightDone` in time for the verdict."""

    pressed_boottime_ns: int


@dataclass(frozen=True, slots=True)
class Speak:
    """Say something after what is being said already; answer with `PromptEnded`."""

    speech: int
    kind: PromptKind
    phrase: Phrase
    cause: str | None = None
    """Code of the cause that the words name."""
    at_utc_ns: int | None = None
    """Civil time that the words name."""
    codes: tuple[str, ...] = ()
    """Codes that the words list."""
    proof: bool = False
    """Look for the words on the microphone track."""
    number: int | None = None
    """What the words count: minutes left, or an item's place in its list, from 0."""


@dataclass(frozen=True, slots=True)
class Hush:
    """Stop speaking, and forget what was still to be said."""


@dataclass(frozen=True, slots=True)
class OpenWindow:
    """Listen for an officer from just after the last words on; answer with `WindowClosed`."""

    window: int
    purpose: VoicePurpose
    seconds: float


@dataclass(frozen=True, slots=True)
class CloseWindow:
    """End the window now and answer with what was heard until now."""

    window: int


@dataclass(frozen=True, slots=True)
class DropWindow:
    """End the window without an answer."""

    window: int


@dataclass(frozen=True, slots=True)
class GiveCue:
    """Answer by lamp, tone and vibration."""

    cue: Cue


@dataclass(frozen=True, slots=True)
class ShowState:
    """The lamp shows this state until the next."""

    state: str


@dataclass(frozen=True, slots=True)
class SetTimer:
    """Answer with `TimerFired` after so many seconds; replaces the timer of the same name."""

    timer: Timer
    seconds: float


@dataclass(frozen=True, slots=True)
class ClearTimer:
    """Forget the timer."""

    timer: Timer


Effect = (
    SetState
    | Seal
    | RollLedger
    | StartCapture
    | StopCapture
    | DropHeld
    | BeginRun
    | EndRun
    | NoticeOver
    | LocateMark
    | Measure
    | Speak
    | Hush
    | OpenWindow
    | CloseWindow
    | DropWindow
    | GiveCue
    | ShowState
    | SetTimer
    | ClearTimer
)
"""Every effect."""

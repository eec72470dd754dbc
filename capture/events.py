"""What can happen to a recording: everything that the session machine is told.

Rules of this module: frozen dataclasses only. Times are CLOCK_BOOTTIME or civil nanoseconds as the names say; media
time is session time (CLOCK_BOOTTIME minus session zero). Randomness (session ids) comes in with the event, never from
the machine.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from capture.assignment import Assignment
from capture.conditions import Condition
from capture.preflight import PreflightResult
from capture.resume import Resumption
from sealing.records import PromptKind


class Timer(StrEnum):
    """Timers that the machine sets; one of each at a time."""

    PULSE = "pulse"
    """Recording, or still interrupted: say so."""
    ANNOUNCE = "announce"
    """Nobody confirmed the announced break."""
    FINISH = "finish"
    """The closing words take too long."""


class DockStanding(StrEnum):
    """Where the unit is, and how far what it holds has come."""

    OUT = "out"
    UPLOADING = "uploading"
    """In the dock; something that lay there at docking has no receipt yet."""
    UPLOADED = "uploaded"
    """In the dock; everything that lay there at docking has its receipt."""


@dataclass(frozen=True, slots=True)
class StartPressed:
    """The officer wants a recording."""

    at_boottime_ns: int
    session_id: bytes
    """16 fresh random bytes."""


@dataclass(frozen=True, slots=True)
class MarkPressed:
    """The officer marks this moment (R7)."""

    at_boottime_ns: int
    category: str | None = None
    """Code of the profile's, where it is known at the press; None: of whatever category."""


@dataclass(frozen=True, slots=True)
class CategoryPressed:
    """The officer wants to say what the last mark shows (R7)."""

    at_boottime_ns: int


@dataclass(frozen=True, slots=True)
class NoticePressed:
    """The officer wants the notice again: another party has joined (R4)."""

    at_boottime_ns: int


@dataclass(frozen=True, slots=True)
class MenuPressed:
    """The officer wants to be offered what can be done now."""

    at_boottime_ns: int


@dataclass(frozen=True, slots=True)
class GroundPressed:
    """The officer wants to say why something is not recorded (R11)."""

    at_boottime_ns: int


@dataclass(frozen=True, slots=True)
class Exempted:
    """Somebody said on which ground something is not recorded (R11)."""

    ground: str
    """Code of the profile's."""
    at_boottime_ns: int


@dataclass(frozen=True, slots=True)
class BreakPressed:
    """The officer announces a break, or withdraws one that is being announced (R8)."""

    at_boottime_ns: int


@dataclass(frozen=True, slots=True)
class CauseStepped:
    """The officer wants the next cause of the menu."""

    at_boottime_ns: int


@dataclass(frozen=True, slots=True)
class CauseConfirmed:
    """The officer takes the cause that was spoken last: the recording breaks off."""

    at_boottime_ns: int


@dataclass(frozen=True, slots=True)
class ResumePressed:
    """The officer wants to go on after a break."""

    at_boottime_ns: int


@dataclass(frozen=True, slots=True)
class FinishPressed:
    """The officer ends the recording."""

    at_boottime_ns: int


@dataclass(frozen=True, slots=True)
class FirstFrame:
    """The camera delivers: the first frame since it was last started."""

    captured_boottime_ns: int
    captured_utc_ns: int


@dataclass(frozen=True, slots=True)
class PreflightDone:
    """The checks on the recording's first seconds are through (R1)."""

    result: PreflightResult


@dataclass(frozen=True, slots=True)
class CaptureLost:
    """Frames stopped coming, or can no longer be kept."""

    cause: str
    """Code: camera-fault, storage-full."""
    at_boottime_ns: int


@dataclass(frozen=True, slots=True)
class RunEnded:
    """The media path ended the run that was going on; everything captured in it is on its way into the chain."""

    run: int
    last_frame: int | None
    """Session-wide number of the last frame kept, None when the session has none yet."""
    last_frame_boottime_ns: int | None
    last_frame_utc_ns: int | None
    media_time_ns: int
    next_frame: int
    next_sample: int
    dropped_frames: int
    """Dropped in the session so far."""


@dataclass(frozen=True, slots=True)
class BreakSealed:
    """The BREAK has its sequence number."""

    sequence: int
    session_id: bytes
    number: int
    """Of the break: a writer that stalled may answer when the session has gone on."""


@dataclass(frozen=True, slots=True)
class MarkLocated:
    """The media path found the frame of a mark."""

    number: int
    frame: int
    media_time_ns: int
    pressed_boottime_ns: int


@dataclass(frozen=True, slots=True)
class PromptEnded:
    """The unit has spoken, or could not."""

    speech: int
    """Number that the `Speak` effect gave."""
    kind: PromptKind
    started_boottime_ns: int
    ended_boottime_ns: int
    complete: bool
    clip_hash: bytes
    words: str = field(repr=False)
    heard: bool | None = None
    """Whether the microphone track carries the words; None when that was not asked, or could not be told."""
    agreement_permille: int | None = None
    delay_ms: int | None = None
    level_dbfs: int | None = None


@dataclass(frozen=True, slots=True)
class WindowClosed:
    """A window in which an officer was to speak is over."""

    window: int
    """Number that the `OpenWindow` effect gave."""
    opened_boottime_ns: int
    closed_boottime_ns: int
    accepted: bool
    speech_ms: int
    longest_run_ms: int


@dataclass(frozen=True, slots=True)
class TimerFired:
    """A timer that the machine set has run out."""

    timer: Timer


@dataclass(frozen=True, slots=True)
class CheckedOut:
    """The unit is handed to officers (R2)."""

    assignment: Assignment


@dataclass(frozen=True, slots=True)
class CheckoutSealed:
    """The CHECKOUT has its sequence number."""

    sequence: int


@dataclass(frozen=True, slots=True)
class CheckedIn:
    """The unit is given back (R2)."""


@dataclass(frozen=True, slots=True)
class Recovered:
    """The agent starts with a session still open on the chain."""

    resumption: Resumption
    at_boottime_ns: int


@dataclass(frozen=True, slots=True)
class SealingLost:
    """The chain cannot be written: nothing can be kept."""

    reason: str


@dataclass(frozen=True, slots=True)
class SealingBack:
    """The chain can be written again."""


@dataclass(frozen=True, slots=True)
class ClockStepped:
    """Civil time was moved against monotonic time (R17)."""

    step_ns: int
    source_before: str
    source_after: str


@dataclass(frozen=True, slots=True)
class ConditionChanged:
    """Something goes wrong while the recording goes on, or is over again."""

    condition: Condition
    present: bool
    at_boottime_ns: int
    figure: int | None = None
    """What was measured, in the unit that `FIGURES` names; None for what has none."""


@dataclass(frozen=True, slots=True)
class DockTold:
    """The unit was put into its dock or taken out, or its upload has come further (R20)."""

    standing: DockStanding


@dataclass(frozen=True, slots=True)
class DueTold:
    """What was recorded has to be handed over by a time (R20), and labelled (R22)."""

    due_utc_ns: int | None
    """None: nothing is due yet."""
    labels_missing: tuple[str, ...] = ()
    """Codes of the labels that something of it lacks."""
    labels_due_utc_ns: int | None = None
    """None: the text sets no limit for them, or nothing is due yet."""


@dataclass(frozen=True, slots=True)
class StopRequested:
    """The agent is asked to end."""


Event = (
    StartPressed
    | MarkPressed
    | CategoryPressed
    | NoticePressed
    | GroundPressed
    | MenuPressed
    | Exempted
    | BreakPressed
    | CauseStepped
    | CauseConfirmed
    | ResumePressed
    | FinishPressed
    | FirstFrame
    | PreflightDone
    | CaptureLost
    | RunEnded
    | BreakSealed
    | MarkLocated
    | PromptEnded
    | WindowClosed
    | TimerFired
    | CheckedOut
    | CheckoutSealed
    | CheckedIn
    | Recovered
    | SealingLost
    | SealingBack
    | ClockStepped
    | ConditionChanged
    | DockTold
    | DueTold
    | StopRequested
)
"""Every event; the table in `capture.session` has a cell for each in every state."""

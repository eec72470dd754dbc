"""The bodies of every record in the chain.

Rules of this module: frozen dataclasses of plain values only (int, bool, bytes, str codes, tuples, nested bodies,
None); no I/O, no cryptography, no clock. Every field stands in the clear in a signed header: codes, ids, times and counts
only. Names, spoken words and free text belong into the encrypted payload of the record (`private`), never here.

Field numbers are the CBOR map keys of `FORMAT.md`; they are given by `field_number` and never reused. A field whose
value is None is left out of the map.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import IntEnum, StrEnum
from typing import ClassVar, TypeVar

Value = TypeVar("Value")
_UNSET: object = object()


def numbered(number: int) -> Value:  # type: ignore[type-var]
    """Declare a body field with its CBOR map key."""
    return field(metadata={"key": number})  # type: ignore[return-value]


class RecordType(IntEnum):
    """What a record is; the number stands in its header."""

    BOOT = 1
    EPOCH = 2
    OPEN = 3
    FRAGMENT = 4
    CLOSE = 5
    TICK = 6
    ANCHOR = 7
    MARK = 8
    EVENT = 9
    RECEIPT = 10
    DELETE = 11
    CLOCK = 12
    ALIVE = 13
    HALT = 14
    CHECKOUT = 20
    CHECKIN = 21
    SESSION_START = 22
    PREFLIGHT = 23
    PROMPT = 24
    VOICE_WINDOW = 25
    BREAK = 26
    RESUME = 27
    SESSION_END = 28
    DOCK = 29
    FAULT = 30


class FileKind(StrEnum):
    """The two kinds of files that the chain is cut into."""

    FOOTAGE = "footage"
    LEDGER = "ledger"


class PromptKind(StrEnum):
    """Why the unit spoke."""

    NOTICE = "notice"
    STATEMENT_REQUEST = "statement-request"
    BREAK_MARKER = "break-marker"
    RESUME_MARKER = "resume-marker"
    REASON_REQUEST = "reason-request"
    REMINDER = "reminder"
    END = "end"
    STATUS = "status"


class VoicePurpose(StrEnum):
    """What a voice window was opened for."""

    STATEMENT = "statement"
    EXPLANATION = "explanation"
    BREAK_REASON = "break-reason"
    NOTICE_BY_OFFICER = "notice-by-officer"


class BreakOrigin(StrEnum):
    """Who found the break."""

    MACHINE = "machine"
    ANNOUNCED = "announced"


class CheckVerdict(StrEnum):
    """Result of one preflight check."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    DEGRADED = "degraded"
    FAIL = "fail"


@dataclass(frozen=True, slots=True)
class StateSnapshot:
    """What must survive a crash; stands in the clear in every file's OPEN."""

    state: str = numbered(1)
    """State of the session machine (`capture/SESSION.md`)."""
    profile_id: str = numbered(2)
    profile_hash: bytes = numbered(3)
    officer_ids: tuple[str, ...] = numbered(4)
    """Certificate numbers of the officers checked out, empty when none."""
    checkout_sequence: int | None = numbered(5)
    """Sequence number of the CHECKOUT in force."""
    session_id: bytes | None = numbered(6)
    """16 random bytes, None when no session is open."""
    session_number: int = numbered(7)
    """Sessions opened on this unit so far."""
    activity_id: str | None = numbered(8)
    category: str | None = numbered(9)
    label: str | None = numbered(10)
    """Secrecy label of the profile's list."""
    due_rule: str | None = numbered(11)
    run: int = numbered(12)
    """Number of the current or last unbroken run of the session, from 1; 0 before the first."""
    next_frame: int = numbered(13)
    """Session-wide number of the next video frame."""
    next_sample: int = numbered(14)
    """Session-wide number of the next audio sample."""
    media_time_ns: int = numbered(15)
    """Session time reached when the file was opened (starts at 1 s)."""
    break_sequence: int | None = numbered(16)
    """BREAK that still waits for its RESUME or its explanation."""
    break_cause: str | None = numbered(17)
    boot_id: str = numbered(18)
    """Kernel boot id under which the boottime values below hold."""
    session_zero_boottime_ns: int | None = numbered(19)
    """CLOCK_BOOTTIME at session time 0."""
    notice_done: bool = numbered(20)
    statement_done: bool = numbered(21)
    away: bool = numbered(22)
    """Claimed at check-out: continuous, remote or away work (R20)."""


@dataclass(frozen=True, slots=True)
class Boot:
    """Start of the agent: closes what the last run of it left open."""

    TYPE: ClassVar[RecordType] = RecordType.BOOT
    boot_number: int = numbered(1)
    """Starts of the agent on this chain, from 1."""
    clean: bool = numbered(2)
    """Whether the record before is a HALT (or there is none)."""
    torn_file: int | None = numbered(3)
    """Number of the file whose torn end is accepted, None when none was torn."""
    torn_bytes: int = numbered(4)
    torn_hash: bytes | None = numbered(5)
    """Suite hash over exactly the torn bytes."""
    dropped_files: tuple[int, ...] = numbered(6)
    """Numbers of files without a whole OPEN, renamed `*.torn`."""
    software_version: str = numbered(7)
    driver_set: str = numbered(8)
    simulated: bool = numbered(9)
    kernel_boot_id: str = numbered(10)
    epoch_certificate: bytes = numbered(11)
    """COSE_Sign1 by the device key over the new epoch key."""
    device_certificate: bytes = numbered(12)
    """DER of the unit's X.509 certificate."""
    reason: str = numbered(13)
    """Code of what ended the run before: clean, crash, power-loss, watchdog, first-start."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """Change of the record-signing key; signed by the old one."""

    TYPE: ClassVar[RecordType] = RecordType.EPOCH
    epoch_certificate: bytes = numbered(1)


@dataclass(frozen=True, slots=True)
class KeyWrap:
    """A file's content key, wrapped to one recipient."""

    recipient: bytes = numbered(1)
    """Key id: first 16 bytes of the suite hash of the recipient's SubjectPublicKeyInfo."""
    wrapped: bytes = numbered(2)
    """HPKE enc ‖ ciphertext."""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a footage file belongs to and which tracks it carries; fixed for the whole file."""

    session_id: bytes = numbered(1)
    run: int = numbered(2)
    run_file: int = numbered(3)
    """Position of the file inside the run, from 0."""
    has_video: bool = numbered(4)
    has_audio: bool = numbered(5)
    width_pixels: int = numbered(6)
    height_pixels: int = numbered(7)
    frame_rate_numerator: int = numbered(8)
    frame_rate_denominator: int = numbered(9)
    sample_rate_hz: int = numbered(10)
    first_frame: int = numbered(11)
    """Session-wide number of the first video frame that the file will carry."""
    first_sample: int = numbered(12)
    init_hash: bytes = numbered(13)
    """Suite hash of ftyp+moov, which the first fragment carries in front."""


@dataclass(frozen=True, slots=True)
class Open:
    """First record of every file."""

    TYPE: ClassVar[RecordType] = RecordType.OPEN
    kind: FileKind = numbered(1)
    file_number: int = numbered(2)
    suite: int = numbered(3)
    salt: bytes = numbered(4)
    """16 random bytes that name the content key's use (key commitment, AAD)."""
    commitment: bytes = numbered(5)
    wraps: tuple[KeyWrap, ...] = numbered(6)
    snapshot: StateSnapshot = numbered(7)
    run: RunFacts | None = numbered(8)
    """Present in footage files only."""
    ledger_receipts: tuple[bytes, ...] = numbered(9)
    """Suite hashes of receipts for ledger files that were kept beside them since the last ledger OPEN."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """One fMP4 fragment; its ciphertext is the record's payload."""

    TYPE: ClassVar[RecordType] = RecordType.FRAGMENT
    index: int = numbered(1)
    """Position in the file, from 0: also the nonce."""
    first_frame: int = numbered(2)
    frame_count: int = numbered(3)
    first_video_pts: int = numbered(4)
    """90 kHz session time of the first frame; 0 when the fragment has no video."""
    last_video_pts: int = numbered(5)
    first_sample: int = numbered(6)
    sample_count: int = numbered(7)
    first_audio_pts: int = numbered(8)
    """48 kHz session time of the first sample; 0 when the fragment has no audio."""
    dropped_frames: int = numbered(9)
    """Frames that the sensor made and that never arrived, since the fragment before."""
    lost_samples: int = numbered(10)
    captured_boottime_ns: int = numbered(11)
    """CLOCK_BOOTTIME of the first frame (of the first sample without video)."""
    before_notice: bool = numbered(12)
    """Taken before the notice was over (R4)."""


@dataclass(frozen=True, slots=True)
class Close:
    """Last record of a file that was ended in order."""

    TYPE: ClassVar[RecordType] = RecordType.CLOSE
    reason: str = numbered(1)
    """Code: full, time, break, tracks, session-start, session-end, dock, stop, ledger-full, daily."""
    fragments: int = numbered(2)
    next_frame: int = numbered(3)
    next_sample: int = numbered(4)
    audio_priming_samples: int = numbered(5)
    audio_padding_samples: int = numbered(6)
    queue_high_water_bytes: int = numbered(7)


@dataclass(frozen=True, slots=True)
class Mark:
    """An officer pressed mark (R7)."""

    TYPE: ClassVar[RecordType] = RecordType.MARK
    session_id: bytes = numbered(1)
    number: int = numbered(2)
    frame: int = numbered(3)
    """Session-wide number of the frame that was being taken at the press."""
    media_time_ns: int = numbered(4)
    pressed_boottime_ns: int = numbered(5)
    category: str | None = numbered(6)


@dataclass(frozen=True, slots=True)
class Event:
    """Anything else worth sealing: a code and counted facts."""

    TYPE: ClassVar[RecordType] = RecordType.EVENT
    code: str = numbered(1)
    session_id: bytes | None = numbered(2)
    values: tuple[tuple[str, int], ...] = numbered(3)


@dataclass(frozen=True, slots=True)
class ReceiptSeal:
    """A store's receipt was checked against the unit's own disk."""

    TYPE: ClassVar[RecordType] = RecordType.RECEIPT
    file_number: int = numbered(1)
    file_id: bytes = numbered(2)
    receipt_hash: bytes = numbered(3)
    store_id: str = numbered(4)
    receipt_number: int = numbered(5)


@dataclass(frozen=True, slots=True)
class Delete:
    """A receipted file is about to be freed; the verifier bridges the hole that it leaves."""

    TYPE: ClassVar[RecordType] = RecordType.DELETE
    file_number: int = numbered(1)
    file_id: bytes = numbered(2)
    first_sequence: int = numbered(3)
    last_sequence: int = numbered(4)
    hash_before: bytes = numbered(5)
    """`prev` of the file's first record."""
    head_after: bytes = numbered(6)
    """Hash of the file's last record."""
    receipt_hash: bytes = numbered(7)
    epoch_after: int = numbered(8)
    """Epoch in force after the file, so that the verifier can go on."""
    boot_after: int = numbered(9)


@dataclass(frozen=True, slots=True)
class ClockStep:
    """Civil time was moved against monotonic time."""

    TYPE: ClassVar[RecordType] = RecordType.CLOCK
    step_ns: int = numbered(1)
    """New minus old civil time."""
    source_before: str = numbered(2)
    source_after: str = numbered(3)


@dataclass(frozen=True, slots=True)
class Alive:
    """Nothing happened, and the unit was there."""

    TYPE: ClassVar[RecordType] = RecordType.ALIVE
    battery_percent: int = numbered(1)
    free_bytes: int = numbered(2)


@dataclass(frozen=True, slots=True)
class Halt:
    """Orderly end of the agent."""

    TYPE: ClassVar[RecordType] = RecordType.HALT
    reason: str = numbered(1)


@dataclass(frozen=True, slots=True)
class Checkout:
    """The unit was handed to named officers (R2); names stand in the payload."""

    TYPE: ClassVar[RecordType] = RecordType.CHECKOUT
    officer_ids: tuple[str, ...] = numbered(1)
    activity_id: str | None = numbered(2)
    category: str | None = numbered(3)
    label: str | None = numbered(4)
    away: bool = numbered(5)


@dataclass(frozen=True, slots=True)
class Checkin:
    """The unit was given back (R2)."""

    TYPE: ClassVar[RecordType] = RecordType.CHECKIN
    checkout_sequence: int | None = numbered(1)


@dataclass(frozen=True, slots=True)
class SessionStart:
    """The record button was pressed."""

    TYPE: ClassVar[RecordType] = RecordType.SESSION_START
    session_id: bytes = numbered(1)
    session_number: int = numbered(2)
    profile_id: str = numbered(3)
    profile_hash: bytes = numbered(4)
    pressed_boottime_ns: int = numbered(5)
    checkout_sequence: int | None = numbered(6)
    """None: nobody had checked the unit out; the session is flagged (R2)."""
    session_zero_boottime_ns: int = numbered(7)


@dataclass(frozen=True, slots=True)
class CheckResult:
    """One preflight check with its figure (R1)."""

    check: str = numbered(1)
    """Code: battery, storage, clock, camera, microphone, speaker, key, spool."""
    verdict: CheckVerdict = numbered(2)
    figure: int = numbered(3)
    """Measured figure in `unit`."""
    threshold: int | None = numbered(4)
    unit: str = numbered(5)
    """Code of the unit: percent, minutes, ms, luma, dbfs, permille, ok."""


@dataclass(frozen=True, slots=True)
class Preflight:
    """Result of the checks, sealed before the first fragment (R1)."""

    TYPE: ClassVar[RecordType] = RecordType.PREFLIGHT
    session_id: bytes = numbered(1)
    verdict: CheckVerdict = numbered(2)
    checks: tuple[CheckResult, ...] = numbered(3)
    blocked: bool = numbered(4)
    """The profile lets a failed check stop the start."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """The unit spoke; the words stand in the payload, the proof that they were heard here (R4, R8)."""

    TYPE: ClassVar[RecordType] = RecordType.PROMPT
    session_id: bytes | None = numbered(1)
    kind: PromptKind = numbered(2)
    started_media_time_ns: int = numbered(3)
    ended_media_time_ns: int = numbered(4)
    started_boottime_ns: int = numbered(5)
    ended_boottime_ns: int = numbered(6)
    complete: bool = numbered(7)
    clip_hash: bytes = numbered(8)
    """SHA-256 of the clip's samples."""
    heard: bool | None = numbered(9)
    """Whether the microphone track carries the words; None when it was not asked."""
    agreement_permille: int | None = numbered(10)
    """Share of the clip's pieces found at one common delay."""
    delay_ms: int | None = numbered(11)
    level_dbfs: int | None = numbered(12)
    """Level of the microphone track while the unit spoke."""
    repetition: int = numbered(13)
    """0 for the first time, 1 for the repetition."""


@dataclass(frozen=True, slots=True)
class VoiceWindow:
    """A window in which an officer was to speak (R5, R8). It says that somebody spoke, not who nor what."""

    TYPE: ClassVar[RecordType] = RecordType.VOICE_WINDOW
    session_id: bytes = numbered(1)
    purpose: VoicePurpose = numbered(2)
    opened_media_time_ns: int = numbered(3)
    closed_media_time_ns: int = numbered(4)
    accepted: bool = numbered(5)
    speech_ms: int = numbered(6)
    longest_run_ms: int = numbered(7)
    attempt: int = numbered(8)
    """0 for the first window, 1 after the second prompt."""
    break_sequence: int | None = numbered(9)
    final: bool = numbered(10)
    """No further window follows: with `accepted` false the explanation is missing."""


@dataclass(frozen=True, slots=True)
class Break:
    """The recording broke off (R8)."""

    TYPE: ClassVar[RecordType] = RecordType.BREAK
    session_id: bytes = numbered(1)
    number: int = numbered(2)
    """Breaks of the session, from 1."""
    origin: BreakOrigin = numbered(3)
    cause: str = numbered(4)
    """Code of the cause; `unclassified` is a task for the store."""
    cause_allowed: bool = numbered(5)
    """Whether the profile's list has the cause."""
    last_frame: int | None = numbered(6)
    last_frame_boottime_ns: int | None = numbered(7)
    last_frame_utc_ns: int | None = numbered(8)
    media_time_ns: int = numbered(9)
    run: int = numbered(10)
    """The run that it ends."""


@dataclass(frozen=True, slots=True)
class Resume:
    """The recording went on after a break (R8)."""

    TYPE: ClassVar[RecordType] = RecordType.RESUME
    session_id: bytes = numbered(1)
    break_sequence: int = numbered(2)
    first_frame: int = numbered(3)
    first_frame_boottime_ns: int = numbered(4)
    first_frame_utc_ns: int = numbered(5)
    media_time_ns: int = numbered(6)
    duration_ns: int = numbered(7)
    """Length of the break."""
    duration_certain: bool = numbered(8)
    """False when it spans a reboot and rests on civil time alone."""
    run: int = numbered(9)
    """The run that it begins."""
    automatic: bool = numbered(10)
    """Nobody pressed: the fault went away, or the unit came back by itself."""


@dataclass(frozen=True, slots=True)
class SessionEnd:
    """The officer finished, or the session was ended by rule."""

    TYPE: ClassVar[RecordType] = RecordType.SESSION_END
    session_id: bytes = numbered(1)
    reason: str = numbered(2)
    """Code: button, cannot-continue, stop, blocked."""
    runs: int = numbered(3)
    frames: int = numbered(4)
    samples: int = numbered(5)
    marks: int = numbered(6)
    breaks: int = numbered(7)
    unexplained_breaks: int = numbered(8)
    dropped_frames: int = numbered(9)
    ended_boottime_ns: int = numbered(10)
    media_time_ns: int = numbered(11)


@dataclass(frozen=True, slots=True)
class DockChange:
    """The unit was put into its dock or taken out."""

    TYPE: ClassVar[RecordType] = RecordType.DOCK
    docked: bool = numbered(1)


@dataclass(frozen=True, slots=True)
class Fault:
    """A part failed or came back (R18)."""

    TYPE: ClassVar[RecordType] = RecordType.FAULT
    part: str = numbered(1)
    code: str = numbered(2)
    present: bool = numbered(3)
    """True when found, False when it is gone again."""


Body = (
    Boot
    | Epoch
    | Open
    | Fragment
    | Close
    | Mark
    | Event
    | ReceiptSeal
    | Delete
    | ClockStep
    | Alive
    | Halt
    | Checkout
    | Checkin
    | SessionStart
    | Preflight
    | Prompt
    | VoiceWindow
    | Break
    | Resume
    | SessionEnd
    | DockChange
    | Fault
)
"""Every body of format version 1. TICK and ANCHOR are reserved numbers without a body in this version."""

SessionBody = (
    Mark
    | Event
    | ClockStep
    | Alive
    | Checkout
    | Checkin
    | SessionStart
    | Preflight
    | Prompt
    | VoiceWindow
    | Break
    | Resume
    | SessionEnd
    | DockChange
    | Fault
)
"""What other rooms may ask the writer to seal; the rest is the writer's own."""

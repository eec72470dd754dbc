"""The bodies of every record in the chain.

Rules of this module: frozen dataclasses of plain values only (int, bool, bytes, str codes, tuples, nested bodies,
None); no I/O, no cryptography, no clock. Every field stands in the clear in a signed header: codes, ids, times and
counts only. Names, spoken words and free text belong into the encrypted payload of the record (`private`), never here.

Field numbers are the CBOR map keys of `FORMAT.md`; they are given by `field_number` and never reused. A field whose
value is None is left out of the map. `numbered` also gives the range of integers and the exact length of byte
strings; `codec` holds both when it writes and when it reads.
"""

from __future__ import annotations

from dataclasses import MISSING, dataclass, field
from enum import IntEnum, StrEnum
from typing import ClassVar, TypeVar

from sealing.limits import (
    FILE_NUMBER_MAX,
    HASH_BYTES,
    INTEGER_MAX,
    INTEGER_MIN,
    KEY_ID_BYTES,
    SALT_BYTES,
    SESSION_ID_BYTES,
    SIGNATURE_BYTES_MAX,
)

Value = TypeVar("Value")


def numbered(
    number: int,
    *,
    low: int = INTEGER_MIN,
    high: int = INTEGER_MAX,
    size: int | None = None,
    default: object = MISSING,
) -> Value:  # type: ignore[type-var]
    """Declare a body field with its CBOR map key and what it may hold.

    Args:
        number: CBOR map key.
        low: Smallest value of an integer.
        high: Largest value of an integer.
        size: Exact length of a byte string; None for any up to `limits.BYTES_MAX`.
        default: For a field that came later than others: what those who do not know it leave it at.
    """
    metadata = {"key": number, "low": low, "high": high, "size": size}
    return field(default=default, metadata=metadata)  # type: ignore[return-value]


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
    TORN = 31


class FileKind(StrEnum):
    """The two kinds of files that the chain is cut into."""

    FOOTAGE = "footage"
    LEDGER = "ledger"


class FileOrigin(StrEnum):
    """Why a file was opened, which says what must stand before and behind its OPEN."""

    START = "start"
    """The agent started: BOOT follows; a new epoch begins with this OPEN."""
    NEXT = "next"
    """The file before ended with CLOSE."""
    FAULT = "fault"
    """The file before was given up after the medium failed: TORN follows."""


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
    MEMO = "memo"
    """Why something is not recorded (R11)."""


class CounterKind(StrEnum):
    """Where a unit's monotonic counter lives."""

    FILE = "file"
    """A file on the unit: an old image of the whole medium takes it back too."""
    TPM_NV = "tpm-nv"
    """A counter index of a TPM 2.0, attested by the TPM itself."""


class AnchorKind(StrEnum):
    """Who vouches for an anchor's time."""

    STORE = "store"
    """The agency's store: its witness statement over a record."""
    RFC_3161 = "rfc3161"
    """A time-stamping authority: a TimeStampToken over a record's hash."""


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
    profile_hash: bytes = numbered(3, size=HASH_BYTES)
    officer_ids: tuple[str, ...] = numbered(4)
    """Certificate numbers of the officers checked out, empty when none."""
    checkout_sequence: int | None = numbered(5, low=1)
    """Sequence number of the CHECKOUT in force."""
    session_id: bytes | None = numbered(6, size=SESSION_ID_BYTES)
    """16 random bytes, None when no session is open."""
    session_number: int = numbered(7, low=0)
    """Sessions opened on this unit so far."""
    activity_id: str | None = numbered(8)
    category: str | None = numbered(9)
    label: str | None = numbered(10)
    """Secrecy label of the profile's list."""
    due_rule: str | None = numbered(11)
    run: int = numbered(12, low=0)
    """Number of the current or last unbroken run of the session, from 1; 0 before the first."""
    next_frame: int = numbered(13, low=0)
    """Session-wide number of the next video frame."""
    next_sample: int = numbered(14, low=0)
    """Session-wide number of the next audio sample."""
    media_time_ns: int = numbered(15)
    """Session time reached when the file was opened (starts at 1 s)."""
    break_sequence: int | None = numbered(16, low=1)
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
    marks: int = numbered(23)
    """Marks of the session so far."""
    breaks: int = numbered(24)
    """Breaks of the session so far; the number of the pending one, if one is pending."""
    unexplained_breaks: int = numbered(25)
    dropped_frames: int = numbered(26)
    """Dropped in the session so far."""
    break_origin: str | None = numbered(27)
    """A `BreakOrigin`: who found the pending break decides whether the unit may resume by itself."""
    labels_given: tuple[str, ...] | None = numbered(28, default=None)
    """As in CHECKOUT."""
    department: str | None = numbered(29, default=None)


@dataclass(frozen=True, slots=True)
class Boot:
    """Start of the agent, second record of its first file: closes what the last run of it left open."""

    TYPE: ClassVar[RecordType] = RecordType.BOOT
    boot_number: int = numbered(1, low=1)
    """Starts of the agent on this chain, from 1."""
    clean: bool = numbered(2)
    """Whether HALT and CLOSE are the last records in front of this file and nothing is torn (or there is none)."""
    torn_file: int | None = numbered(3, low=1, high=FILE_NUMBER_MAX)
    """Number of the file whose torn end is accepted, None when none was torn."""
    torn_bytes: int = numbered(4, low=0)
    torn_hash: bytes | None = numbered(5, size=HASH_BYTES)
    """Suite hash over exactly the torn bytes."""
    dropped_files: tuple[int, ...] = numbered(6, low=1, high=FILE_NUMBER_MAX)
    """Numbers of files that hold no whole beginning, renamed `*.torn`; nothing in them counts."""
    software_version: str = numbered(7)
    driver_set: str = numbered(8)
    simulated: bool = numbered(9)
    kernel_boot_id: str = numbered(10)
    reason: str = numbered(11)
    """Code of what ended the run before: clean, crash, watchdog, power-loss, first-start."""
    alive_seconds: int | None = numbered(12, low=1)
    """Promise of this run: silence is never longer, ALIVE stands where nothing else happens. None: no promise."""
    tick_seconds: int | None = numbered(13, low=1)
    """Promise of this run: a TICK at its start and at its end, and at least so often while it records. None: no
    counter."""


@dataclass(frozen=True, slots=True)
class Epoch:
    """Change of the record-signing key; signed by the old one."""

    TYPE: ClassVar[RecordType] = RecordType.EPOCH
    epoch_certificate: bytes = numbered(1)


@dataclass(frozen=True, slots=True)
class KeyWrap:
    """A file's content key, wrapped to one recipient."""

    recipient: bytes = numbered(1, size=KEY_ID_BYTES)
    """Key id: first 16 bytes of the suite hash of the recipient's SubjectPublicKeyInfo."""
    wrapped: bytes = numbered(2)
    """HPKE enc ‖ ciphertext."""


@dataclass(frozen=True, slots=True)
class RunFacts:
    """What a footage file belongs to and which tracks it carries; fixed for the whole file."""

    session_id: bytes = numbered(1, size=SESSION_ID_BYTES)
    run: int = numbered(2, low=0)
    run_file: int = numbered(3, low=0)
    """Position of the file inside the run, from 0."""
    has_video: bool = numbered(4)
    has_audio: bool = numbered(5)
    width_pixels: int = numbered(6, low=0)
    height_pixels: int = numbered(7, low=0)
    frame_rate_numerator: int = numbered(8, low=0)
    frame_rate_denominator: int = numbered(9, low=0)
    sample_rate_hz: int = numbered(10, low=0)
    first_frame: int = numbered(11, low=0)
    """Session-wide number of the first video frame that the file will carry."""
    first_sample: int = numbered(12, low=0)
    init_hash: bytes = numbered(13, size=HASH_BYTES)
    """Suite hash of ftyp+moov, which the first fragment carries in front."""


@dataclass(frozen=True, slots=True)
class Open:
    """First record of every file: what it takes to verify and to decrypt the file alone."""

    TYPE: ClassVar[RecordType] = RecordType.OPEN
    kind: FileKind = numbered(1)
    file_number: int = numbered(2, low=1, high=FILE_NUMBER_MAX)
    suite: int = numbered(3, low=1)
    salt: bytes = numbered(4, size=SALT_BYTES)
    """16 random bytes that name the content key's use (key commitment, AAD)."""
    commitment: bytes = numbered(5, size=HASH_BYTES)
    wraps: tuple[KeyWrap, ...] = numbered(6)
    snapshot: StateSnapshot = numbered(7)
    run: RunFacts | None = numbered(8)
    """Present in footage files only."""
    ledger_receipts: tuple[bytes, ...] = numbered(9)
    """Suite hashes of receipts for ledger files that were kept beside them since the last ledger OPEN."""
    origin: FileOrigin = numbered(10)
    epoch_certificate: bytes = numbered(11)
    """COSE_Sign1 by the device key over the epoch key that signs this record: no file needs another to be verified."""
    device_certificate: bytes = numbered(12)
    """DER of the unit's X.509 certificate."""


@dataclass(frozen=True, slots=True)
class Fragment:
    """One fMP4 fragment; its ciphertext is the record's payload."""

    TYPE: ClassVar[RecordType] = RecordType.FRAGMENT
    index: int = numbered(1, low=0)
    """Position among the file's fragments, from 0."""
    first_frame: int = numbered(2, low=0)
    frame_count: int = numbered(3, low=0)
    first_video_pts: int = numbered(4, low=0)
    """90 kHz session time of the first frame; 0 when the fragment has no video."""
    last_video_pts: int = numbered(5, low=0)
    first_sample: int = numbered(6, low=0)
    sample_count: int = numbered(7, low=0)
    first_audio_pts: int = numbered(8, low=0)
    """48 kHz session time of the first sample; 0 when the fragment has no audio."""
    dropped_frames: int = numbered(9, low=0)
    """Frames that the sensor made and that never arrived, since the fragment before."""
    lost_samples: int = numbered(10, low=0)
    captured_boottime_ns: int = numbered(11)
    """CLOCK_BOOTTIME of the first frame (of the first sample without video)."""
    before_notice: bool = numbered(12)
    """Taken before the notice was over (R4)."""


@dataclass(frozen=True, slots=True)
class Close:
    """Last record of a file that was ended in order."""

    TYPE: ClassVar[RecordType] = RecordType.CLOSE
    reason: str = numbered(1)
    """Code: full, time, break, tracks, footage, session-start, session-end, dock, stop, ledger-full, daily,
    receipts."""
    fragments: int = numbered(2, low=0)
    next_frame: int = numbered(3, low=0)
    next_sample: int = numbered(4, low=0)
    audio_priming_samples: int = numbered(5, low=0)
    audio_padding_samples: int = numbered(6, low=0)
    queue_high_water_bytes: int = numbered(7, low=0)


@dataclass(frozen=True, slots=True)
class Tick:
    """The unit's monotonic counter, attested at exactly this place of the chain."""

    TYPE: ClassVar[RecordType] = RecordType.TICK
    counter: CounterKind = numbered(1)
    value: int = numbered(2, low=0)
    """As it stood; it is raised by one when this record is on the medium."""
    attestation: bytes = numbered(3)
    """`file`: COSE_Sign1 by the device key. `tpm-nv`: the TPM's TPMS_ATTEST."""
    signature: bytes | None = numbered(4, size=SIGNATURE_BYTES_MAX)
    """`tpm-nv`: signature of the device key over the attestation, r ‖ s."""


@dataclass(frozen=True, slots=True)
class Anchor:
    """Somebody else's signed time over an earlier record: it existed then, and what follows is later."""

    TYPE: ClassVar[RecordType] = RecordType.ANCHOR
    kind: AnchorKind = numbered(1)
    sequence: int = numbered(2, low=1)
    """Record that the token names."""
    record_hash: bytes = numbered(3, size=HASH_BYTES)
    utc_ns: int = numbered(4, low=0)
    """Time that the token says."""
    token: bytes = numbered(5)


@dataclass(frozen=True, slots=True)
class Mark:
    """An officer pressed mark (R7)."""

    TYPE: ClassVar[RecordType] = RecordType.MARK
    session_id: bytes = numbered(1, size=SESSION_ID_BYTES)
    number: int = numbered(2, low=0)
    """A MARK under a number that stands already gives that mark its category; the last one counts."""
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
    session_id: bytes | None = numbered(2, size=SESSION_ID_BYTES)
    values: tuple[tuple[str, int], ...] = numbered(3)


@dataclass(frozen=True, slots=True)
class ReceiptSeal:
    """A store's receipt was checked against the unit's own disk."""

    TYPE: ClassVar[RecordType] = RecordType.RECEIPT
    file_number: int = numbered(1, low=1, high=FILE_NUMBER_MAX)
    file_id: bytes = numbered(2, size=HASH_BYTES)
    receipt_hash: bytes = numbered(3, size=HASH_BYTES)
    store_id: str = numbered(4)
    receipt_number: int = numbered(5, low=0)


@dataclass(frozen=True, slots=True)
class Delete:
    """A receipted file is about to be freed; the verifier bridges the hole that it leaves."""

    TYPE: ClassVar[RecordType] = RecordType.DELETE
    file_number: int = numbered(1, low=1, high=FILE_NUMBER_MAX)
    file_id: bytes = numbered(2, size=HASH_BYTES)
    first_sequence: int = numbered(3, low=1)
    last_sequence: int = numbered(4, low=1)
    hash_before: bytes = numbered(5, size=HASH_BYTES)
    """`prev` of the file's first record."""
    head_after: bytes = numbered(6, size=HASH_BYTES)
    """Hash of the file's last record."""
    receipt_hash: bytes = numbered(7, size=HASH_BYTES)
    epoch_after: int = numbered(8, low=1)
    """Epoch in force after the file, so that the verifier can go on."""
    boot_after: int = numbered(9, low=1)


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
    battery_percent: int = numbered(1, low=0, high=100)
    free_bytes: int = numbered(2, low=0)


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
    away_reason: str | None = numbered(6, default=None)
    """Code of the reason for which the later transfer limit is claimed (R20)."""
    keeper_id: str | None = numbered(7, default=None)
    """The unit's standing keeper, apart from who wears it (R2)."""
    labels_given: tuple[str, ...] | None = numbered(8, default=None)
    """Codes of the profile's label fields whose texts stand in the payload (R22); None: none."""
    department: str | None = numbered(9, default=None)
    """The agency's department that the footage is kept under and found by (R22)."""


@dataclass(frozen=True, slots=True)
class Checkin:
    """The unit was given back (R2)."""

    TYPE: ClassVar[RecordType] = RecordType.CHECKIN
    checkout_sequence: int | None = numbered(1, low=1)


@dataclass(frozen=True, slots=True)
class SessionStart:
    """The record button was pressed."""

    TYPE: ClassVar[RecordType] = RecordType.SESSION_START
    session_id: bytes = numbered(1, size=SESSION_ID_BYTES)
    session_number: int = numbered(2, low=0)
    profile_id: str = numbered(3)
    profile_hash: bytes = numbered(4, size=HASH_BYTES)
    pressed_boottime_ns: int = numbered(5)
    checkout_sequence: int | None = numbered(6, low=1)
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
    session_id: bytes = numbered(1, size=SESSION_ID_BYTES)
    verdict: CheckVerdict = numbered(2)
    checks: tuple[CheckResult, ...] = numbered(3)
    blocked: bool = numbered(4)
    """The profile lets a failed check stop the start."""


@dataclass(frozen=True, slots=True)
class Prompt:
    """The unit spoke; the words stand in the payload, the proof that they were heard here (R4, R8)."""

    TYPE: ClassVar[RecordType] = RecordType.PROMPT
    session_id: bytes | None = numbered(1, size=SESSION_ID_BYTES)
    kind: PromptKind = numbered(2)
    started_media_time_ns: int = numbered(3)
    ended_media_time_ns: int = numbered(4)
    started_boottime_ns: int = numbered(5)
    ended_boottime_ns: int = numbered(6)
    complete: bool = numbered(7)
    clip_hash: bytes = numbered(8, size=HASH_BYTES)
    """SHA-256 of the clip's samples."""
    heard: bool | None = numbered(9)
    """Whether the microphone track carries the words; None when it was not asked."""
    agreement_permille: int | None = numbered(10, low=0, high=1000)
    """Share of the clip's pieces found at one common delay."""
    delay_ms: int | None = numbered(11)
    level_dbfs: int | None = numbered(12)
    """Level of the microphone track while the unit spoke."""
    repetition: int = numbered(13, low=0)
    """0 for the first time, 1 for the repetition."""


@dataclass(frozen=True, slots=True)
class VoiceWindow:
    """A window in which an officer was to speak (R5, R8). It says that somebody spoke, not who nor what."""

    TYPE: ClassVar[RecordType] = RecordType.VOICE_WINDOW
    session_id: bytes = numbered(1, size=SESSION_ID_BYTES)
    purpose: VoicePurpose = numbered(2)
    opened_media_time_ns: int = numbered(3)
    closed_media_time_ns: int = numbered(4)
    accepted: bool = numbered(5)
    speech_ms: int = numbered(6, low=0)
    longest_run_ms: int = numbered(7, low=0)
    attempt: int = numbered(8, low=0)
    """0 for the first window, 1 after the second prompt."""
    break_sequence: int | None = numbered(9, low=1)
    final: bool = numbered(10)
    """No further window follows: with `accepted` false the explanation is missing."""


@dataclass(frozen=True, slots=True)
class Break:
    """The recording broke off (R8)."""

    TYPE: ClassVar[RecordType] = RecordType.BREAK
    session_id: bytes = numbered(1, size=SESSION_ID_BYTES)
    number: int = numbered(2, low=0)
    """Breaks of the session, from 1."""
    origin: BreakOrigin = numbered(3)
    cause: str = numbered(4)
    """Code of the cause; `unclassified` is a task for the store."""
    cause_allowed: bool = numbered(5)
    """Whether the profile's list has the cause."""
    last_frame: int | None = numbered(6, low=0)
    last_frame_boottime_ns: int | None = numbered(7)
    last_frame_utc_ns: int | None = numbered(8)
    media_time_ns: int = numbered(9)
    run: int = numbered(10, low=0)
    """The run that it ends."""


@dataclass(frozen=True, slots=True)
class Resume:
    """The recording went on after a break (R8)."""

    TYPE: ClassVar[RecordType] = RecordType.RESUME
    session_id: bytes = numbered(1, size=SESSION_ID_BYTES)
    break_sequence: int = numbered(2, low=1)
    first_frame: int = numbered(3, low=0)
    first_frame_boottime_ns: int = numbered(4)
    first_frame_utc_ns: int = numbered(5)
    media_time_ns: int = numbered(6)
    duration_ns: int = numbered(7)
    """Length of the break."""
    duration_certain: bool = numbered(8)
    """False when it spans a reboot and rests on civil time alone."""
    run: int = numbered(9, low=0)
    """The run that it begins."""
    automatic: bool = numbered(10)
    """Nobody pressed: the fault went away, or the unit came back by itself."""


@dataclass(frozen=True, slots=True)
class SessionEnd:
    """The officer finished, or the session was ended by rule."""

    TYPE: ClassVar[RecordType] = RecordType.SESSION_END
    session_id: bytes = numbered(1, size=SESSION_ID_BYTES)
    reason: str = numbered(2)
    """Code: button, cannot-continue, stop, blocked."""
    runs: int = numbered(3, low=0)
    frames: int = numbered(4, low=0)
    samples: int = numbered(5, low=0)
    marks: int = numbered(6, low=0)
    breaks: int = numbered(7, low=0)
    unexplained_breaks: int = numbered(8, low=0)
    dropped_frames: int = numbered(9, low=0)
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
    session_id: bytes | None = numbered(4, size=SESSION_ID_BYTES, default=None)
    """The recording that was going on, None when none was."""


@dataclass(frozen=True, slots=True)
class Torn:
    """The medium failed while a file was written: it ends where its last synced record ends."""

    TYPE: ClassVar[RecordType] = RecordType.TORN
    torn_file: int = numbered(1, low=1, high=FILE_NUMBER_MAX)
    torn_bytes: int = numbered(2, low=0)
    """Bytes behind the last record that counts, as they were read back; nothing in them counts."""
    torn_hash: bytes | None = numbered(3, size=HASH_BYTES)
    """Suite hash over these bytes, None when there are none."""
    dropped_files: tuple[int, ...] = numbered(4, low=1, high=FILE_NUMBER_MAX)
    """Numbers under which not even a beginning could be written; there may be no such file."""
    code: str = numbered(5)
    """Name of the system error: ENOSPC, EIO, EROFS, ..."""


Body = (
    Boot
    | Epoch
    | Open
    | Fragment
    | Close
    | Tick
    | Anchor
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
    | Torn
)
"""Every body of format version 1."""

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

"""Bodies of the files themselves: what a file begins with, carries and ends with, and what becomes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sealing.limits import FILE_NUMBER_MAX, HASH_BYTES, KEY_ID_BYTES, SALT_BYTES, SESSION_ID_BYTES
from sealing.records.codes import FileKind, FileOrigin, RecordType
from sealing.records.numbering import numbered


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

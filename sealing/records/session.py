"""Bodies of one session: its start, what was checked, said and marked, where it broke off, its end."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from sealing.limits import HASH_BYTES, SESSION_ID_BYTES
from sealing.records.codes import BreakOrigin, CheckVerdict, PromptKind, RecordType, VoicePurpose
from sealing.records.numbering import numbered


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
    """Measured figure in `unit`; -1 percent or ms: nothing told it."""
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

"""The codes that records are told apart by, and those that stand in their fields."""

from __future__ import annotations

from enum import IntEnum, StrEnum


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


class BreakOrigin(StrEnum):
    """Who found the break."""

    MACHINE = "machine"
    ANNOUNCED = "announced"


class CheckVerdict(StrEnum):
    """Result of one preflight check."""

    PASS = "pass"  # noqa: S105 - a verdict, not a password
    DEGRADED = "degraded"
    FAIL = "fail"

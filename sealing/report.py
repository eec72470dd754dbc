"""What a verification says: verdicts, findings, files, sessions, timeline.

Rules of this module: frozen values and their JSON. Its fields are a contract (`sealing/REPORT.md`): new ones
may appear, none changes its meaning. Times are UTC in nanoseconds, media times session time in nanoseconds; hashes and
ids are lower-case hex.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, is_dataclass
from enum import StrEnum

from sealing.errors import SealingError
from sealing.findings import Code, Finding, Severity
from sealing.oids import Assurance
from sealing.verifier_ticks import TailFacts

REPORT_VERSION = 1
JsonValue = str | int | bool | None | Sequence["JsonValue"] | Mapping[str, "JsonValue"]


class Level(StrEnum):
    """How much an entry of the timeline matters to a reader."""

    PLAIN = "plain"
    NOTABLE = "notable"
    GOOD = "good"
    BAD = "bad"


class Standing(StrEnum):
    """How a chain stands, in one word: only `clean` has nothing that somebody should read."""

    CLEAN = "clean"
    REMARKS = "remarks"
    """As it was sealed; something may be missing at an end, was freed, or deserves a look."""
    PART = "part"
    """As it was sealed as far as it is here; it is not the whole chain."""
    BROKEN = "broken"


@dataclass(frozen=True, slots=True)
class FileFacts:
    """One sealed file."""

    name: str
    number: int
    file_id: str | None
    """None where the file could not be read to its end."""
    kind: str
    size_bytes: int
    records: int
    first_sequence: int | None
    last_sequence: int | None
    head_hash: str | None
    closed: bool
    torn_bytes: int
    session_id: str | None
    run: int | None


@dataclass(frozen=True, slots=True)
class RunSummary:
    """A stretch of footage without a break."""

    number: int
    files: tuple[int, ...]
    started_utc_ns: int
    """Of its first frame, by the clock of the unit."""
    media_start_ns: int
    media_end_ns: int
    """Of its last frame or sample."""
    frames: int
    samples: int
    dropped_frames: int
    lost_samples: int
    fragments: int
    has_video: bool
    has_audio: bool
    width_pixels: int
    height_pixels: int
    before_notice_until_ns: int | None
    """Media time of the end of the stretch that was taken before the notice was over; None where there is none."""


@dataclass(frozen=True, slots=True)
class BreakSummary:
    """A break and what was heard about it."""

    number: int
    sequence: int
    cause: str
    origin: str
    cause_allowed: bool
    began_utc_ns: int
    media_time_ns: int
    ended_utc_ns: int | None
    """None while it lasts, or where the session ended in it."""
    resumed_media_time_ns: int | None
    duration_ns: int | None
    duration_certain: bool
    automatic: bool
    explained: bool | None
    """Whether somebody spoke when asked why; None where nobody was asked."""


@dataclass(frozen=True, slots=True)
class SpanSummary:
    """A stretch in which the unit spoke or listened."""

    kind: str
    """Code of `PromptKind` or `VoicePurpose`."""
    listening: bool
    """True: the unit listened; False: it spoke."""
    sequence: int
    start_ns: int
    end_ns: int
    """Media times."""
    good: bool | None
    """Heard, or accepted; None where it was not asked."""
    speech_ms: int | None
    """Speech found, where the unit listened."""
    repetition: int
    final: bool


@dataclass(frozen=True, slots=True)
class MarkSummary:
    """A mark at a frame."""

    number: int
    sequence: int
    frame: int
    media_time_ns: int
    utc_ns: int
    category: str | None


@dataclass(frozen=True, slots=True)
class CheckSummary:
    """One preflight check."""

    check: str
    verdict: str
    figure: int
    threshold: int | None
    unit: str


@dataclass(frozen=True, slots=True)
class SessionSummary:
    """One recording, from the press to its end."""

    session_id: str
    number: int
    profile_id: str
    profile_hash: str
    checked_out: bool
    officer_ids: tuple[str, ...]
    activity_id: str | None
    category: str | None
    label: str | None
    started_utc_ns: int
    """Of the press."""
    ended_utc_ns: int | None
    end_reason: str | None
    """None: the session is open, or its end is not among the files."""
    time_source: str
    uncertainty_ns: int
    preflight: str | None
    checks: tuple[CheckSummary, ...]
    notice: str
    """heard, not-heard, spoken (nobody checked whether it was heard), or none."""
    statement: str
    """given, missing or none."""
    runs: tuple[RunSummary, ...]
    breaks: tuple[BreakSummary, ...]
    spans: tuple[SpanSummary, ...]
    marks: tuple[MarkSummary, ...]
    frames: int
    samples: int
    dropped_frames: int
    media_start_ns: int
    media_end_ns: int


@dataclass(frozen=True, slots=True)
class Entry:
    """One line of the timeline."""

    utc_ns: int
    uncertainty_ns: int
    """Largest error of `utc_ns` that the time source admits; −1: it admits none."""
    time_source: str
    media_time_ns: int | None
    session_id: str | None
    sequence: int
    file: str
    code: str
    level: Level
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class PolicyFacts:
    """The agency's policy that a chain was held to."""

    number: int
    issued_utc_ns: int
    digest: str
    """SHA-256 of the signed document."""


@dataclass(frozen=True, slots=True)
class Report:
    """Everything that a verification found."""

    device_id: str | None
    grade: Assurance | None
    """Lowest of what certificates and BOOT records say; None where neither could be read."""
    findings: tuple[Finding, ...]
    files: tuple[FileFacts, ...]
    pruned: tuple[tuple[int, int], ...]
    """Ranges of sequence numbers that were freed against a receipt."""
    first_sequence: int | None
    last_sequence: int | None
    records: int
    head_hash: str | None
    witnessed_sequence: int | None
    """Last sequence number that a store's receipt vouches for; None where the trust folder holds no receipts."""
    anchored_sequence: int | None
    """Last record that the store or a time-stamping authority put a time on; None where nobody who is trusted did."""
    policy: PolicyFacts | None
    """None: the trust folder holds no policy, nothing beyond certificates was asked for."""
    tail: TailFacts
    software_versions: tuple[str, ...]
    driver_sets: tuple[str, ...]
    sessions: tuple[SessionSummary, ...]
    timeline: tuple[Entry, ...]

    @property
    def intact(self) -> bool:
        """Whether nothing that was found is an error."""
        return not any(finding.severity is Severity.ERROR for finding in self.findings)

    @property
    def standing(self) -> Standing:
        """How the chain stands: what is intact and has residual cases is never called clean."""
        if not self.intact:
            return Standing.BROKEN
        if any(finding.code is Code.PARTIAL for finding in self.findings):
            return Standing.PART
        return Standing.REMARKS if self.findings else Standing.CLEAN

    @property
    def verdicts(self) -> tuple[str, ...]:
        """Codes of all findings, each once, in the order of the chain."""
        return tuple(dict.fromkeys(finding.code.value for finding in self.findings))

    @property
    def first_fault(self) -> Finding | None:
        """The first error along the chain."""
        return next((finding for finding in self.findings if finding.severity is Severity.ERROR), None)

    def to_plain(self) -> dict[str, JsonValue]:
        """Turn the report into plain values, ready for JSON."""
        found = plain(self)
        if not isinstance(found, dict):
            raise TypeError("a report is a map")
        head: dict[str, JsonValue] = {"version": REPORT_VERSION, "intact": self.intact, "standing": self.standing.value}
        return head | {"verdicts": list(self.verdicts), **found}

    def to_json(self) -> str:
        """Write the report as one JSON document (`sealing/REPORT.md`)."""
        return json.dumps(self.to_plain(), ensure_ascii=False, indent=2) + "\n"


class ChainError(SealingError):
    """The chain is not intact; `report` holds everything that was found.

    Args:
        report: The report.
    """

    def __init__(self, report: Report) -> None:
        first = report.first_fault
        errors = sum(finding.severity is Severity.ERROR for finding in report.findings)
        super().__init__(f"the chain is not intact, {errors} fault{'s' if errors > 1 else ''}; the first: {first}")
        self.report = report


class NotEvidenceError(SealingError):
    """The chain is intact and was not made by a unit that gives evidence: its grade is SIMULATED, or unknown.

    Args:
        report: The report.
    """

    def __init__(self, report: Report) -> None:
        grade = "unknown" if report.grade is None else report.grade.value.upper()
        super().__init__(f"the chain is of the grade {grade}, which is no evidence; use files of a real unit")
        self.report = report


def plain(value: object) -> JsonValue:
    """Turn values of a report into plain ones, ready for JSON."""
    if isinstance(value, StrEnum):
        return value.value
    if value is None or isinstance(value, str | int | bool):
        return value
    if isinstance(value, tuple | list):
        return [plain(item) for item in value]
    if is_dataclass(value) and not isinstance(value, type):
        return {each.name: plain(getattr(value, each.name)) for each in fields(value)}
    raise TypeError(f"a report holds a {type(value).__name__}")

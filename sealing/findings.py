"""What a verifier can find, and how it says so.

Rules of this module: values only. Codes are the verdicts of `FORMAT.md`, section 8, and are never renamed: stores,
packages and people's scripts read them.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final


class Severity(StrEnum):
    """How much a finding weighs."""

    ERROR = "error"
    """The chain is not intact."""
    WARNING = "warning"
    """Intact, and somebody has to look at it."""
    INFORMATION = "information"
    """Intact; worth knowing."""


class Code(StrEnum):
    """Kinds of findings."""

    NOT_SEALED = "NOT_SEALED"
    MALFORMED = "MALFORMED"
    TORN_TAIL = "TORN_TAIL"
    BAD_SIGNATURE = "BAD_SIGNATURE"
    UNTRUSTED_KEY = "UNTRUSTED_KEY"
    SUITE_FORBIDDEN = "SUITE_FORBIDDEN"
    RECIPIENT_MISMATCH = "RECIPIENT_MISMATCH"
    WRONG_DEVICE = "WRONG_DEVICE"
    EPOCH_ORDER = "EPOCH_ORDER"
    EPOCH_MISBOUND = "EPOCH_MISBOUND"
    HEAD_MISSING = "HEAD_MISSING"
    GAP = "GAP"
    REPLAY_OR_REORDER = "REPLAY_OR_REORDER"
    PAYLOAD_MODIFIED = "PAYLOAD_MODIFIED"
    CONTINUITY = "CONTINUITY"
    CLOCK_INCONSISTENT = "CLOCK_INCONSISTENT"
    ROLLBACK = "ROLLBACK"
    COUNTER_MISBOUND = "COUNTER_MISBOUND"
    TIME_TOKEN_REPLAY = "TIME_TOKEN_REPLAY"  # noqa: S105 - a verdict, not a password
    POLICY_VIOLATION = "POLICY_VIOLATION"
    UNDECRYPTABLE = "UNDECRYPTABLE"
    TAIL_MISSING_VS_WITNESS = "TAIL_MISSING_VS_WITNESS"
    FORK_VS_WITNESS = "FORK_VS_WITNESS"
    PARTIAL = "PARTIAL"
    CLOCK_WRONG = "CLOCK_WRONG"
    TORN_CHANGED = "TORN_CHANGED"
    COUNTS_DIFFER = "COUNTS_DIFFER"
    STALE = "STALE"
    UNCLEAN_STOP = "UNCLEAN_STOP"
    MEDIUM_FAULT = "MEDIUM_FAULT"
    TAIL_OPEN = "TAIL_OPEN"
    PRUNED = "PRUNED"


_MILDER: Final = {
    Code.PARTIAL: Severity.WARNING,
    Code.CLOCK_WRONG: Severity.WARNING,
    Code.TORN_CHANGED: Severity.WARNING,
    Code.COUNTS_DIFFER: Severity.WARNING,
    Code.STALE: Severity.WARNING,
    Code.UNCLEAN_STOP: Severity.INFORMATION,
    Code.MEDIUM_FAULT: Severity.INFORMATION,
    Code.TAIL_OPEN: Severity.INFORMATION,
    Code.PRUNED: Severity.INFORMATION,
}
_BEHIND: Final = 1 << 62
"""Where a finding without an offset is listed: behind all others of its file."""
ALIKE_MAX: Final = 20
"""Findings of one code that are kept for one file; the last one counts the rest."""


def severity_of(code: Code) -> Severity:
    """Weigh a kind of finding: an error unless `FORMAT.md` says that it is less."""
    return _MILDER.get(code, Severity.ERROR)


@dataclass(frozen=True, slots=True)
class Place:
    """Where in the chain something stands."""

    file: str
    """File name."""
    sequence: int | None = None
    """Sequence number of the record, or the one that should stand there; None when nobody can tell."""
    offset_bytes: int | None = None
    """Where the record's framing begins in the file."""

    def __str__(self) -> str:
        """Name the place for people."""
        parts = [self.file]
        if self.sequence is not None:
            parts.append(f"record {self.sequence}")
        if self.offset_bytes is not None:
            parts.append(f"byte {self.offset_bytes}")
        return ", ".join(parts)


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that was found."""

    code: Code
    severity: Severity
    place: Place
    detail: str
    more: int = 0
    """Further findings of this code in this file that are not listed."""

    def __str__(self) -> str:
        """Say it in one line."""
        more = f" (and {self.more} more like it in this file)" if self.more else ""
        return f"{self.code} in {self.place}: {self.detail}{more}"


class Findings:
    """Collects findings; bounded, so that a hostile file cannot fill the memory with them."""

    def __init__(self) -> None:
        self._kept: dict[tuple[str, Code], list[Finding]] = {}
        self._order: dict[str, int] = {}

    def file(self, name: str) -> None:
        """Say that findings of this file stand behind those of the files before."""
        self._order.setdefault(name, len(self._order))

    def add(self, code: Code, place: Place, detail: str) -> None:
        """Keep a finding."""
        alike = self._kept.setdefault((place.file, code), [])
        if len(alike) < ALIKE_MAX:
            alike.append(Finding(code, severity_of(code), place, detail))
        else:
            alike[-1] = replace(alike[-1], more=alike[-1].more + 1)

    def sorted(self) -> tuple[Finding, ...]:
        """All findings in the order of the chain."""
        found = [finding for alike in self._kept.values() for finding in alike]
        return tuple(sorted(found, key=self._position))

    def _position(self, finding: Finding) -> tuple[int, int, int]:
        place = finding.place
        return (
            self._order.get(place.file, len(self._order)),
            _BEHIND if place.offset_bytes is None else place.offset_bytes,
            place.sequence or 0,
        )

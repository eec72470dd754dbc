"""The chain itself: sequence numbers and previous hashes over all files, and the holes in them.

Rules of this module: no I/O. A hole is remembered, not judged, until all files were read: records that come later may
fill it (then something was reordered), a DELETE may bridge it (then it was pruned). Step 9 and step 1 of `FORMAT.md`,
section 8.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from sealing.findings import Code, Findings, Place
from sealing.framing import FIRST_PREVIOUS_HASH, RecordHeader
from sealing.limits import SEQUENCE_FIRST
from sealing.records import Delete, FileOrigin, Open


@dataclass(slots=True)
class Hole:
    """Records that did not stand where they belong."""

    first: int
    last: int
    hash_before: bytes | None
    """Hash of the record before it; None when nobody knows."""
    after: RecordHeader
    """The record behind it."""
    place: Place
    filled: set[int] = field(default_factory=set)
    """Sequence numbers of it that turned up later."""
    gone: bool = False
    """All of it is missing, and no DELETE names any of it; known once the holes were judged."""


@dataclass(frozen=True, slots=True)
class Bridged:
    """A range that a DELETE bridges."""

    file_number: int
    first: int
    last: int


class Links:
    """Follows the chain.

    Args:
        findings: Where faults go.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._head: bytes | None = FIRST_PREVIOUS_HASH
        self._unreadable = 0
        self.expected = SEQUENCE_FIRST
        """Sequence number of the record that has to come next."""
        self.generation = 0
        """Rises with every hole or unreadable record: who follows other numbers begins anew then."""
        self.holes: list[Hole] = []

    @property
    def head(self) -> bytes | None:
        """Hash of the last record that counts."""
        return self._head

    @property
    def position(self) -> int:
        """Sequence number that belongs where the reading stands, as far as anybody can tell."""
        return self.expected + self._unreadable

    def continues(self, header: RecordHeader) -> bool:
        """Tell whether the record is the one that has to come next, nothing unreadable before it."""
        return header.sequence == self.expected and not self._unreadable

    def skip_unreadable(self) -> None:
        """Take note of a record that cannot be believed; the one behind it may continue the chain."""
        self._unreadable += 1
        self.generation += 1

    def place(self, header: RecordHeader, digest: bytes, place: Place) -> bool:
        """Put a record into the chain (SF-13, SF-14).

        Returns:
            Whether it carries the chain on; False for one that was there already or stands too late.
        """
        if header.sequence < self.expected:
            self._too_late(header, place)
            return False
        if header.sequence == self.expected:
            self._check_hash(header, place)
        elif header.sequence > self.expected + self._unreadable:
            self._leave_hole(header, place)
        self.expected, self._head = header.sequence + 1, digest
        self._unreadable = 0
        return True

    def _check_hash(self, header: RecordHeader, place: Place) -> None:
        if self._head is not None and header.previous_hash != self._head:
            self.generation += 1
            detail = f"the record does not follow record {header.sequence - 1}: it names another hash"
            self._findings.add(Code.REPLAY_OR_REORDER, place, detail)

    def _leave_hole(self, header: RecordHeader, place: Place) -> None:
        known = None if self._unreadable else self._head
        first = self.expected + self._unreadable
        self.holes.append(Hole(first, header.sequence - 1, known, header, place))
        self.generation += 1

    def _too_late(self, header: RecordHeader, place: Place) -> None:
        index = bisect_right(self.holes, header.sequence, key=_first_of) - 1  # holes rise along the chain
        if index >= 0 and header.sequence <= self.holes[index].last:
            self.holes[index].filled.add(header.sequence)
        detail = f"record {header.sequence} stands behind record {self.expected - 1}"
        self._findings.add(Code.REPLAY_OR_REORDER, place, detail)


def _first_of(hole: Hole) -> int:
    return hole.first


def settle(
    holes: list[Hole], deletes: Mapping[int, Delete], findings: Findings, *, part: bool = False
) -> tuple[Bridged, ...]:
    """Judge the holes once all files were read (SF-33, step 1).

    Args:
        holes: What was missing at its place.
        deletes: DELETE bodies by their first sequence number.
        findings: Where faults go.
        part: The caller knows that the beginning is elsewhere: no fault is made of it.

    Returns:
        The ranges that DELETEs bridge.
    """
    bridged: list[Bridged] = []
    starts = sorted(deletes)
    for hole in holes:
        if len(hole.filled) < hole.last - hole.first + 1:
            heard = Findings() if part and hole.first == SEQUENCE_FIRST else findings
            bridged += _bridge(hole, deletes, starts, heard)
    return tuple(bridged)


def _bridge(hole: Hole, deletes: Mapping[int, Delete], starts: Sequence[int], findings: Findings) -> list[Bridged]:
    found: list[Bridged] = []
    position, head, last = hole.first, hole.hash_before, None
    while position <= hole.last:
        last = deletes.get(position)
        if last is None or last.last_sequence > hole.last or (head is not None and last.hash_before != head):
            _missing(hole, position, starts, findings)
            return found
        found.append(Bridged(last.file_number, last.first_sequence, last.last_sequence))
        position, head = last.last_sequence + 1, last.head_after
    if last is not None:
        _check_landing(hole, last, findings)
    return found


def _missing(hole: Hole, position: int, starts: Sequence[int], findings: Findings) -> None:
    index = bisect_right(starts, position)
    end = hole.last if index == len(starts) else min(starts[index] - 1, hole.last)
    if hole.first == SEQUENCE_FIRST:
        code, what = Code.HEAD_MISSING, "the beginning of the chain"
    else:
        code, what = Code.GAP, "the chain"
        hole.gone = (position, end) == (hole.first, hole.last) and not hole.filled
    place = Place(hole.place.file, position, hole.place.offset_bytes)
    count = "record" if position == end else "records"
    numbers = f"{position}" if position == end else f"{position} to {end}"
    detail = f"{count} {numbers} of {what} are missing before record {hole.after.sequence}; no DELETE accounts for them"
    findings.add(code, place, detail)


def _check_landing(hole: Hole, last: Delete, findings: Findings) -> None:
    """The record behind a bridged hole has to go on as the last DELETE says."""
    begins = isinstance(hole.after.body, Open) and hole.after.body.origin is FileOrigin.START
    wanted = (last.epoch_after + begins, last.boot_after + begins)
    if hole.after.previous_hash != last.head_after:
        detail = f"the record does not follow file {last.file_number} as DELETE names its end"
        findings.add(Code.REPLAY_OR_REORDER, hole.place, detail)
    elif (hole.after.epoch, hole.after.boot_number) != wanted:
        detail = f"epoch {hole.after.epoch} and boot {hole.after.boot_number} do not follow file {last.file_number}"
        findings.add(Code.EPOCH_ORDER, hole.place, detail)

"""The chain held to the agency's policy: suites, recipients, promises, anchors, revoked units (steps 19 and 20).

Rules of this module: no I/O; only records whose signature held come here. What a unit says of its own time proves
nothing once its certificate was revoked: whoever has its key says what he likes. Only other people's time counts then.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from sealing.findings import Code, Findings, Place
from sealing.framing import RecordHeader
from sealing.policy import UnitPolicy
from sealing.receipts import Receipt
from sealing.records import Anchor, Boot, Fragment, Open
from sealing.verifier_deletion import FileEnds
from sealing.verifier_links import Hole

_NS = 1_000_000_000


@dataclass(slots=True)
class _Revoked:
    """A file under a revoked certificate."""

    place: Place
    revoked_ns: int
    first: int
    last: int


class PolicyWatch:
    """Follows what the agency's policy has a say in.

    Args:
        policy: The policy, None where the caller has none: then nothing is said.
        findings: Where faults go.
    """

    def __init__(self, policy: UnitPolicy | None, findings: Findings) -> None:
        self._policy = policy
        self._findings = findings
        self._revoked: list[_Revoked] = []
        self._here: _Revoked | None = None
        self._waiting: tuple[Place, int, int] | None = None
        """First fragment behind the last ANCHOR: its place, its time, how long it may wait."""
        self._told = False
        self._vouched: dict[int, int] = {}
        """Sequence numbers that a time token names, and the earliest time of one."""

    def record(self, header: RecordHeader, place: Place) -> None:
        """Hold a record that carries the chain on to the policy."""
        if self._policy is None:
            return
        body = header.body
        if isinstance(body, Open):
            self._open(self._policy, header, body, place)
        if self._here is not None:
            self._here.last = header.sequence
        if isinstance(body, Boot):
            for code, detail in self._policy.judge_boot(body, header.utc_ns):
                self._findings.add(code, place, detail)
        self._watch_anchors(self._policy, header, place)

    def vouch(self, sequence: int, utc_ns: int) -> None:
        """Take note of a time token over a record that is here, its signature checked."""
        if self._policy is not None and self._policy.revocations:
            self._vouched[sequence] = min(utc_ns, self._vouched.get(sequence, utc_ns))

    def settle(
        self,
        receipts: Iterable[Receipt],
        present: Mapping[int, FileEnds],
        holes: Sequence[Hole],
        freed: Mapping[int, int],
    ) -> None:
        """Judge files of revoked units, once all files were read (SF-53).

        Args:
            receipts: Receipts of the agency's store for this unit.
            present: Files that could be read to their end.
            holes: Where records are missing.
            freed: Sequence numbers of DELETEs by the first sequence number that they name.
        """
        if not self._revoked:
            return
        heads = {(ends.last_sequence, ends.head_after) for ends in present.values()}
        points = [(sequence, utc_ns) for sequence, utc_ns in self._vouched.items()]
        points += [
            (each.last_sequence, each.received_utc_ns)
            for each in receipts
            if (each.last_sequence, each.head_hash) in heads
        ]
        bridges = _bridges(holes, freed)
        stretches = [(_reach(sequence, bridges), sequence, utc_ns) for sequence, utc_ns in points]
        for file in self._revoked:
            if not any(
                utc_ns < file.revoked_ns and low <= file.first and file.last <= sequence
                for low, sequence, utc_ns in stretches
            ):
                self._distrust(file)

    def _open(self, policy: UnitPolicy, header: RecordHeader, body: Open, place: Place) -> None:
        for code, detail in policy.judge_open(body, header.utc_ns):
            self._findings.add(code, place, detail)
        revoked_ns = policy.revoked_ns(body.device_certificate)
        self._here = None
        if revoked_ns is not None:
            self._here = _Revoked(place, revoked_ns, header.sequence, header.sequence)
            self._revoked.append(self._here)

    def _watch_anchors(self, policy: UnitPolicy, header: RecordHeader, place: Place) -> None:
        if isinstance(header.body, Anchor):
            self._waiting, self._told = None, False
            return
        if self._waiting is None and isinstance(header.body, Fragment):
            limit = policy.anchor_ns_at(header.utc_ns)
            self._waiting = None if limit is None else (place, header.utc_ns, limit)
        if self._waiting is None or self._told:
            return
        since, begun_ns, limit = self._waiting
        if header.utc_ns - begun_ns > limit:
            self._told = True
            detail = f"footage waits for an ANCHOR for more than the {limit // _NS} s of the agency's policy"
            self._findings.add(Code.STALE, since, detail)

    def _distrust(self, file: _Revoked) -> None:
        detail = (
            "the unit's certificate was revoked, and nobody but the unit says that this was sealed before: "
            "no time token and no receipt of an earlier time vouches for it"
        )
        self._findings.add(Code.UNTRUSTED_KEY, file.place, detail)


def _bridges(holes: Sequence[Hole], freed: Mapping[int, int]) -> list[tuple[int, int, int | None]]:
    """Holes in order: first and last number, and the last DELETE that accounts for each; None where none does."""
    starts = sorted(freed)
    found: list[tuple[int, int, int | None]] = []
    for hole in holes:
        inside = starts[bisect_left(starts, hole.first) : bisect_right(starts, hole.last)]
        found.append((hole.first, hole.last, max((freed[each] for each in inside), default=None)))
    return found


def _reach(sequence: int, bridges: Sequence[tuple[int, int, int | None]]) -> int:
    """First record that hashes lead back to from one that was seen.

    They lead to the next hole; over it leads only a DELETE that was there in time itself.
    """
    for first, last, deleted_at in reversed(bridges):
        if first <= sequence and (deleted_at is None or deleted_at > sequence):
            return last + 1
    return 0

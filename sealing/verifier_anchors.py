"""The unit's civil time held against other people's (step 18 of `FORMAT.md`, section 8).

Rules of this module: no I/O; only records that carry the chain on come here. An anchored record existed when the token
says, and the ANCHOR came later: inside one run of the agent that fixes what civil minus monotonic time can have been.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, NamedTuple

from sealing.errors import TimeTokenError
from sealing.findings import Code, Findings, Place
from sealing.framing import RecordHeader
from sealing.limits import ANCHOR_REACH_RECORDS_MAX, INTEGER_MAX
from sealing.records import Anchor
from sealing.timetokens import TrustedTime, verify_anchor

TOLERANCE_NS: Final = 5_000_000_000
"""A free-running crystal drifts so far in a shift."""
_SAME_NS: Final = 500_000_000
"""Difference of civil and monotonic time within which records count as one stretch."""
_STRETCHES_MAX: Final = 256


class _Seen(NamedTuple):
    """A record that an ANCHOR may name."""

    sequence: int
    hash: bytes
    boottime_ns: int
    boot_number: int
    utc_ns: int


@dataclass(slots=True)
class _Stretch:
    """Records of one run of the agent whose clocks agree."""

    place: Place
    offset_ns: int
    uncertainty_ns: int
    last_sequence: int
    named: bool = False


class Anchors:
    """Follows anchors.

    Args:
        trusted: Whose time is believed.
        findings: Where faults go.
        vouch: Told of every record that is here and that a good token names, with the token's time.
    """

    def __init__(self, trusted: TrustedTime, findings: Findings, vouch: Callable[[int, int], None]) -> None:
        self._trusted = trusted
        self._vouch = vouch
        self._findings = findings
        self._seen: deque[_Seen] = deque(maxlen=ANCHOR_REACH_RECORDS_MAX)
        self._boot = 0
        self._stretches: list[_Stretch] = []
        self._bounds: tuple[int, int] | None = None
        """What civil minus monotonic time can be in this run."""
        self.anchored_sequence: int | None = None
        """Last record that somebody else's time vouches for."""

    def record(self, header: RecordHeader, digest: bytes, place: Place) -> None:
        """Take note of a record's times, and judge an ANCHOR."""
        if header.boot_number != self._boot:
            self._boot, self._stretches, self._bounds = header.boot_number, [], None
        self._note(header, place)
        if isinstance(header.body, Anchor):
            self._anchor(header, header.body, place)
        self._seen.append(_Seen(header.sequence, digest, header.boottime_ns, header.boot_number, header.utc_ns))

    def _note(self, header: RecordHeader, place: Place) -> None:
        offset = header.utc_ns - header.boottime_ns
        stretch = self._stretches[-1] if self._stretches else None
        if stretch is None or abs(offset - stretch.offset_ns) > _SAME_NS:
            stretch = _Stretch(place, offset, max(header.uncertainty_ns, 0), header.sequence)
            self._stretches = [*self._stretches[-_STRETCHES_MAX + 1 :], stretch]
            self._judge(stretch)
        stretch.last_sequence = header.sequence

    def _anchor(self, header: RecordHeader, body: Anchor, place: Place) -> None:
        named = next((each for each in reversed(self._seen) if each.sequence == body.sequence), None)
        whole = len(self._seen) == ANCHOR_REACH_RECORDS_MAX
        beyond = body.sequence >= header.sequence or (whole and body.sequence < self._seen[0].sequence)
        if beyond or (named is not None and named.hash != body.record_hash):
            detail = f"the ANCHOR names record {body.sequence} by another hash than it has, or one out of its reach"
            self._findings.add(Code.TIME_TOKEN_REPLAY, place, detail)
            return
        if not self._trusted.knows(body.kind):
            return
        try:
            verify_anchor(body, header.device_id, self._trusted)
        except TimeTokenError as error:
            self._findings.add(Code.TIME_TOKEN_REPLAY, place, str(error))
            return
        self.anchored_sequence = body.sequence
        if named is not None:
            self._vouch(body.sequence, body.utc_ns)
        self._bind(header, body, named, place)

    def _bind(self, header: RecordHeader, body: Anchor, named: _Seen | None, place: Place) -> None:
        """The token's time lies between the record that it names and the ANCHOR."""
        low = body.utc_ns - header.boottime_ns
        if named is not None and named.boot_number == header.boot_number:
            self._bounds = (low, body.utc_ns - named.boottime_ns)
            for stretch in self._stretches:
                self._judge(stretch)
            return
        if named is not None and named.utc_ns > body.utc_ns + TOLERANCE_NS:
            ahead = (named.utc_ns - body.utc_ns) / 1e9
            detail = f"record {named.sequence} claims a time {ahead:.0f} s later than the token that already knows it"
            self._findings.add(Code.CLOCK_WRONG, place, detail)
        self._bounds = (low, INTEGER_MAX)
        self._judge(self._stretches[-1])

    def _judge(self, stretch: _Stretch) -> None:
        if self._bounds is None or stretch.named:
            return
        low, high = self._bounds
        slack = TOLERANCE_NS + stretch.uncertainty_ns
        wrong = 0
        if stretch.offset_ns > high + slack:
            wrong = stretch.offset_ns - high
        elif stretch.offset_ns < low - slack:
            wrong = stretch.offset_ns - low
        if wrong:
            stretch.named = True
            detail = (
                f"from record {stretch.place.sequence} to {stretch.last_sequence} the unit's civil time is off by "
                f"{wrong / 1e9:+.0f} s or more against the time that was anchored in this run"
            )
            self._findings.add(Code.CLOCK_WRONG, stretch.place, detail)

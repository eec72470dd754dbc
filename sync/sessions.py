"""What sealed records say of recordings, as far as handing over depends on it.

Rules of this module: pure; records in, facts out; the same on the unit and in the store. Records come in the chain's
order and may have holes: what has not been seen yet is None, never guessed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from types import MappingProxyType
from typing import Final

from sealing.records import Body, Checkin, Checkout, DockChange, Open, SessionEnd, SessionStart, StateSnapshot
from sync.deadlines import Due, TransferFacts, due_time
from sync.rules import Rules

_SECOND_NS = 1_000_000_000
NOTHING: Final[Mapping[str, int]] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What a file's OPEN says of the recording that it belongs to."""

    profile_id: str
    profile_hash: bytes
    session_id: bytes | None
    officer_ids: tuple[str, ...] = ()
    activity_id: str | None = None
    category: str | None = None
    label: str | None = None
    exception_reason: str | None = None
    """Reason that was claimed at check-out for a later hand-over."""
    labels_given: tuple[str, ...] = ()
    """Codes of the labels that came with the check-out (R22); their texts are sealed."""
    department: str | None = None
    """Under which the footage is kept (R22)."""


@dataclass(frozen=True, slots=True)
class Session:
    """One recording; times in UTC nanoseconds."""

    session_id: bytes
    circumstances: Circumstances | None = None
    number: int | None = None
    started_utc_ns: int | None = None
    checked_out: bool | None = None
    """False: nobody had checked the unit out (R2)."""
    ended_utc_ns: int | None = None
    end_reason: str | None = None
    end_sequence: int | None = None
    breaks: int | None = None
    unexplained_breaks: int | None = None
    returned_utc_ns: int | None = None
    """First contact with the dock behind the end."""


@dataclass
class SessionLog:
    """Takes records and keeps what they say of each recording."""

    _sessions: dict[bytes, Session] = field(default_factory=dict)
    _latest: Circumstances | None = None

    def opened(self, circumstances: Circumstances) -> None:
        """Take what a file's OPEN says."""
        self._latest = circumstances
        if circumstances.session_id is not None:
            found = self._of(circumstances.session_id)
            self._sessions[found.session_id] = replace(found, circumstances=_labelled(circumstances, found))

    def record(self, sequence: int, utc_ns: int, body: Body) -> None:
        """Take a record; kinds that say nothing of a hand-over are passed over."""
        match body:
            case Open():
                self.opened(circumstances_of(body.snapshot))
            case SessionStart():
                self._start(utc_ns, body)
            case SessionEnd():
                self._end(sequence, utc_ns, body)
            case Checkout() | Checkin():
                self._hand_over(body)
            case DockChange(docked=True):
                self._return(utc_ns)
            case _:
                return

    def sessions(self) -> tuple[Session, ...]:
        """Every recording that was seen, in the order of appearance."""
        return tuple(self._sessions.values())

    def _of(self, session_id: bytes) -> Session:
        return self._sessions.get(session_id) or Session(session_id)

    def _start(self, utc_ns: int, body: SessionStart) -> None:
        found = self._of(body.session_id)
        inherited = found.circumstances
        if inherited is None and self._latest is not None:
            inherited = replace(self._latest, session_id=body.session_id)
        self._sessions[body.session_id] = replace(
            found,
            circumstances=inherited,
            number=body.session_number,
            started_utc_ns=utc_ns,
            checked_out=body.checkout_sequence is not None,
        )

    def _end(self, sequence: int, utc_ns: int, body: SessionEnd) -> None:
        self._sessions[body.session_id] = replace(
            self._of(body.session_id),
            ended_utc_ns=utc_ns,
            end_reason=body.reason,
            end_sequence=sequence,
            breaks=body.breaks,
            unexplained_breaks=body.unexplained_breaks,
        )

    def _hand_over(self, body: Checkout | Checkin) -> None:
        """The labels are those of the hand-over in force; officers who check out while they record label that, too."""
        given = (body.labels_given or (), body.department) if isinstance(body, Checkout) else ((), None)
        if self._latest is not None:
            self._latest = replace(self._latest, labels_given=given[0], department=given[1])
        for session in self.sessions():
            told = session.circumstances
            if told is not None and session.started_utc_ns is not None and session.ended_utc_ns is None:
                now = replace(told, labels_given=given[0], department=given[1])
                self._sessions[session.session_id] = replace(session, circumstances=_labelled(now, session))

    def _return(self, utc_ns: int) -> None:
        for session in self.sessions():
            if session.ended_utc_ns is not None and session.returned_utc_ns is None:
                self._sessions[session.session_id] = replace(session, returned_utc_ns=utc_ns)


def _labelled(told: Circumstances, before: Session) -> Circumstances:
    """SY-65: what labels a recording once labels it for good, whoever has the unit now."""
    known = before.circumstances
    if known is None:
        return told
    given = tuple(sorted({*known.labels_given, *told.labels_given}))
    return replace(told, labels_given=given, department=told.department or known.department)


def circumstances_of(snapshot: StateSnapshot) -> Circumstances:
    """Take what matters here out of an OPEN's snapshot."""
    return Circumstances(
        profile_id=snapshot.profile_id,
        profile_hash=snapshot.profile_hash,
        session_id=snapshot.session_id,
        officer_ids=snapshot.officer_ids,
        activity_id=snapshot.activity_id,
        category=snapshot.category,
        label=snapshot.label,
        exception_reason=snapshot.due_rule,
        labels_given=snapshot.labels_given or (),
        department=snapshot.department,
    )


def due_of(
    session: Session, all_sessions: Sequence[Session], rules: Rules, activity_ended_utc_ns: int | None = None
) -> Due:
    """Say when a recording has to be in the store (R20), the same on the unit and in the store.

    Args:
        session: The recording.
        all_sessions: Everything that is known of the unit's recordings: an activity may have several.
        rules: The profile under which it was made.
        activity_ended_utc_ns: When the last recording of the same activity ended on any unit, where that is known: the
            store knows it, a unit does not (R15).
    """
    circumstances = session.circumstances
    ends = (_last_end(_same_activity(session, all_sessions)), activity_ended_utc_ns)
    facts = TransferFacts(
        recording_ended_utc_ns=session.ended_utc_ns,
        activity_ended_utc_ns=max((one for one in ends if one is not None), default=None),
        day_activity_ended_utc_ns=_last_end(_same_day(session, all_sessions, rules.zone)),
        exception_reason=None if circumstances is None else circumstances.exception_reason,
        returned_utc_ns=session.returned_utc_ns,
    )
    return due_time(rules.sync.transfer.rule(), facts, rules.table(), rules.zone)


def due_by_session(
    sessions: Sequence[Session], rules: Mapping[bytes, Rules], activity_ends: Mapping[str, int] = NOTHING
) -> dict[bytes, Due]:
    """Due times of all recordings whose profile is known, by session id.

    Args:
        sessions: A unit's recordings.
        rules: The profiles that are known, by hash.
        activity_ends: When activities ended on any unit, by activity id.
    """
    return {
        session.session_id: due_of(
            session, sessions, rules[told.profile_hash], activity_ends.get(told.activity_id or "")
        )
        for session in sessions
        if (told := session.circumstances) is not None and told.profile_hash in rules
    }


def _last_end(sessions: Iterable[Session]) -> int | None:
    return max((one.ended_utc_ns for one in sessions if one.ended_utc_ns is not None), default=None)


def _same_activity(session: Session, all_sessions: Sequence[Session]) -> list[Session]:
    activity = None if session.circumstances is None else session.circumstances.activity_id
    if activity is None:
        return [session]
    return [one for one in all_sessions if one.circumstances is not None and one.circumstances.activity_id == activity]


def _same_day(session: Session, all_sessions: Sequence[Session], zone: tzinfo) -> list[Session]:
    """«当天»: what goes on past midnight is of the day on which it began."""
    day = _civil_day(session, zone)
    return [session] if day is None else [one for one in all_sessions if _civil_day(one, zone) == day]


def _civil_day(session: Session, zone: tzinfo) -> int | None:
    began_ns = session.ended_utc_ns if session.started_utc_ns is None else session.started_utc_ns
    if began_ns is None:
        return None
    return datetime.fromtimestamp(began_ns // _SECOND_NS, UTC).astimezone(zone).toordinal()

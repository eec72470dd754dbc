"""What recordings look like with what was stated about them beside the evidence (R15 to R17, R20, R22).

Rules of this module: pure; sealed facts and standing annotations in, facts out. The sealed facts stay as they are:
whoever shows an amended one shows that it was stated.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from sync.labels import DEPARTMENT
from sync.sessions import Session
from sync.store.annotation import Stated
from sync.store.annotations import standing
from sync.store.statements import Activity, Category, DocumentTimes, Labels, LateTransfer, Secrecy


@dataclass(frozen=True, slots=True)
class Amendment:
    """What holds about one recording; the newest statement of a kind counts, labels are put together."""

    activity_id: str | None = None
    category: str | None = None
    secrecy: str | None = None
    late_transfer: str | None = None
    department: str | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    documents: tuple[DocumentTimes, ...] = ()

    @property
    def labels_stated(self) -> frozenset[str]:
        """Codes of the labels that were stated, the department's among them (R22)."""
        return frozenset({*self.labels, *((DEPARTMENT.code,) if self.department else ())})


@dataclass(frozen=True, slots=True)
class Difference:
    """How far the recording is from what a document says (R17): the recording's time less the document's."""

    document: str
    start_ns: int | None
    end_ns: int | None


NOTHING_STATED = Amendment()


def amendments_of(stated: Iterable[Stated]) -> dict[tuple[str, bytes], Amendment]:
    """Put together what holds about each recording, by its unit and its id."""
    found: dict[tuple[str, bytes], Amendment] = {}
    for one in standing(stated):
        subject = one.annotation.subject
        if subject.session_id is not None:
            key = (subject.device_id, subject.session_id)
            found[key] = _amended(found.get(key, NOTHING_STATED), one)
    return found


def _amended(before: Amendment, one: Stated) -> Amendment:
    match one.annotation.statement:
        case Activity(activity_id=activity_id):
            return replace(before, activity_id=activity_id)
        case Category(category=category):
            return replace(before, category=category)
        case Secrecy(label=label):
            return replace(before, secrecy=label)
        case LateTransfer(reason=reason):
            return replace(before, late_transfer=reason)
        case Labels(labels=labels, department=department):
            together = {**before.labels, **labels}
            return replace(before, labels=together, department=department or before.department)
        case DocumentTimes() as times:
            return replace(before, documents=(*before.documents, times))
        case _:
            return before


def amended(session: Session, amendment: Amendment) -> Session:
    """A recording as its due time and its tasks are reckoned: what was stated stands in for what was sealed."""
    told = session.circumstances
    if told is None:
        return session
    changed = replace(
        told,
        activity_id=amendment.activity_id or told.activity_id,
        category=amendment.category or told.category,
        label=amendment.secrecy or told.label,
        exception_reason=amendment.late_transfer or told.exception_reason,
    )
    return replace(session, circumstances=changed)


def activity_ends(sessions: Iterable[Session]) -> dict[str, int]:
    """When each activity ended, over all units: the end of its last recording (R15, R20)."""
    found: dict[str, int] = {}
    for session in sessions:
        activity = None if session.circumstances is None else session.circumstances.activity_id
        if activity is not None and session.ended_utc_ns is not None:
            found[activity] = max(session.ended_utc_ns, found.get(activity, session.ended_utc_ns))
    return found


def differences(session: Session, amendment: Amendment) -> tuple[Difference, ...]:
    """Compare a recording with every document whose times were stated (R17)."""
    started, ended = session.started_utc_ns, session.ended_utc_ns
    return tuple(
        Difference(
            one.document,
            None if started is None else started - one.started_utc_ns,
            None if ended is None else ended - one.ended_utc_ns,
        )
        for one in amendment.documents
    )

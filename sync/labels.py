"""Which labels a recording has to bear, and which of them it lacks (R22).

Rules of this module: pure; the same on the unit and in the store. What somebody stated at the store later is not known
here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from sync.profile import LabelField, Labels
from sync.rules import Rules
from sync.sessions import NOTHING, Session, due_of

DEPARTMENT: Final = LabelField(code="department", zh="科室", en="department")
"""What footage is kept under where the text says «以科室为单位»; the profile has no list of an agency's departments."""


@dataclass(frozen=True, slots=True)
class LabelsOwed:
    """What is missing of one recording."""

    fields: tuple[LabelField, ...]
    due_utc_ns: int | None
    """None where the text sets no limit, or nothing is due yet."""


def labels_wanted(labels: Labels | None) -> tuple[LabelField, ...]:
    """Everything that a profile's section `sync.labels` wants recordings to be labelled with; None: it has none."""
    if labels is None:
        return ()
    named = {one.code for one in labels.fields}
    return (*labels.fields, *((DEPARTMENT,) if labels.by_department and DEPARTMENT.code not in named else ()))


def labels_owed(
    session: Session, sessions: Sequence[Session], rules: Rules, activity_ends: Mapping[str, int] = NOTHING
) -> LabelsOwed:
    """Say what labels a recording lacks, and by when they have to be there: by when it has to be there itself.

    Args:
        session: The recording.
        sessions: Everything that is known of the unit's recordings.
        rules: The profile under which it was made.
        activity_ends: When activities ended on any unit, by activity id.
    """
    told = session.circumstances
    given = set() if told is None else {*told.labels_given, *((DEPARTMENT.code,) if told.department else ())}
    missing = tuple(one for one in labels_wanted(rules.sync.labels) if one.code not in given)
    labels = rules.sync.labels
    if not missing or labels is None or not labels.due_with_transfer:
        return LabelsOwed(missing, None)
    activity = None if told is None else told.activity_id
    return LabelsOwed(missing, due_of(session, sessions, rules, activity_ends.get(activity or "")).due_utc_ns)

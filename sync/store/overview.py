"""What the store knows of all units at one moment: recordings, due times, tasks, alerts, silent units.

Rules of this module: reads the tables and asks the pure functions; decides nothing, writes nothing.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

import sqlalchemy as sa

from sealing.records import Body, SessionEnd
from sync.alerts import AlertKind, alert_of
from sync.labels import LabelsOwed, labels_owed
from sync.rules import Rules
from sync.sessions import Session, due_by_session
from sync.store.amended import NOTHING_STATED, Amendment, activity_ends, amended, amendments_of
from sync.store.annotation import Stated
from sync.store.annotations import Annotations, standing
from sync.store.answers import answers_to, wanting
from sync.store.content_index import log_of, notes_of
from sync.store.ports import PromiseLedger
from sync.store.register import Closing, Held, Register
from sync.store.schema import files
from sync.store.stated_tasks import stated_tasks
from sync.store.tasks import SessionRow, Task, newest_rules, rules_of, tasks_of
from sync.witness import Witnessed

SILENT_NS: Final = 7 * 86_400 * 1_000_000_000
"""A unit that was not heard for so long is silent."""


@dataclass(frozen=True, slots=True)
class AlertRow:
    """An alert, told by the unit or found in its promised files."""

    device_id: str
    sequence: int
    kind: str
    proved: bool
    told_utc_ns: int | None
    """When the unit told it at once; None: found in a file only."""
    sealed_utc_ns: int | None
    """When it was sealed; None while its file has not come."""


@dataclass(frozen=True, slots=True)
class TaskRow:
    """A task, and how far it is done."""

    task: Task
    wanting: tuple[str, ...]
    """What is still to be stated; nothing of a task that is done."""
    answers: tuple[Stated, ...]
    """What was stated in answer to it and holds."""
    closing: Closing | None
    """By whose word it was closed without a signed answer."""

    @property
    def done(self) -> bool:
        """Whether nothing is left to do."""
        return self.closing is not None or not self.wanting


class Overview:
    """Reads one store as it stands when this is made.

    Args:
        ledger: Its promises.
        register: Its other tables.
    """

    def __init__(self, ledger: PromiseLedger, register: Register) -> None:
        self._ledger = ledger
        self._register = register
        self._rules = register.rules()
        self._stated = Annotations(ledger).all()
        self._amendments = amendments_of(self._stated)
        self._sessions: dict[str, tuple[Session, ...]] = {}
        self._ends: dict[str, int] | None = None

    def devices(self) -> tuple[str, ...]:
        """All enrolled units."""
        return tuple(unit.device_id for unit in self._ledger.units())

    def sessions(self, device_id: str) -> tuple[SessionRow, ...]:
        """A unit's recordings with their due times (R20), those included of which only the unit has told."""
        known = self._known(device_id)
        held = self._register.held(device_id)
        due = due_by_session(known, self._rules, self._activity_ends(known))
        promised = self._promised(device_id)
        left = {one.session_id for one in held if one.session_id is not None}
        rows = [
            SessionRow(
                device_id=device_id,
                session=one,
                due=due.get(one.session_id),
                complete=one.ended_utc_ns is not None and one.session_id not in left,
                complete_utc_ns=promised.get(one.session_id),
            )
            for one in known
        ]
        unknown = left - {one.session_id for one in known}
        return (*rows, *(SessionRow(device_id, Session(one), None, False, None) for one in sorted(unknown)))

    def held_files(self, device_id: str) -> frozenset[bytes]:
        """Files of a unit that the store holds, promised or parked."""
        promised = {bytes(row["file_id"]) for row in self._ledger.files(device_id)}
        return frozenset(promised | {bytes.fromhex(one.file_id) for one in self._ledger.parked(device_id)})

    def overdue_held(self, now_utc_ns: int) -> tuple[Held, ...]:
        """Files that units still hold beyond the time that they reckon with."""
        return tuple(one for one in self._register.held() if one.due_utc_ns is not None and now_utc_ns > one.due_utc_ns)

    def rules(self, device_id: str, session_id: bytes | None = None) -> Rules | None:
        """The profile of a recording, or of the unit's newest one; None where the store does not know it."""
        sessions = self._known(device_id)
        named = next((one for one in sessions if one.session_id == session_id), None)
        return rules_of(named, self._rules) or newest_rules(sessions, self._rules)

    def department(self, device_id: str, session: Session) -> str | None:
        """Under which a recording is kept: what was stated stands in for what was sealed (R22)."""
        told = session.circumstances
        return self.amendment(device_id, session.session_id).department or (None if told is None else told.department)

    def labels_missing(self, device_id: str, session: Session) -> LabelsOwed:
        """What labels a recording still lacks, neither given nor stated, and by when they are due (R22)."""
        rules = rules_of(session, self._rules)
        if rules is None:
            return LabelsOwed((), None)
        known = self._known(device_id)
        owed = labels_owed(session, known, rules, self._activity_ends(known))
        stated = self.amendment(device_id, session.session_id).labels_stated
        return replace(owed, fields=tuple(one for one in owed.fields if one.code not in stated))

    def stated(self) -> tuple[Stated, ...]:
        """Everything that the back office stated, in its order."""
        return self._stated

    def amendment(self, device_id: str, session_id: bytes) -> Amendment:
        """What was stated about a recording and holds."""
        return self._amendments.get((device_id, session_id), NOTHING_STATED)

    def tasks(self, *, closed: bool = False) -> Iterator[Task]:
        """What is to be done; with `closed`, what was done."""
        return (row.task for row in self.task_rows() if row.done is closed)

    def task_rows(self) -> Iterator[TaskRow]:
        """Every task that there ever was, with what was stated in answer to it."""
        closings, holding = self._register.closings(), standing(self._stated)
        for device_id in self.devices():
            notes, sessions = notes_of(self._ledger, device_id), self._known(device_id)
            found = tasks_of(device_id, notes, sessions, self._rules, self._activity_ends(sessions))
            for task in (*found, *stated_tasks(device_id, holding, sessions, self._rules)):
                about = NOTHING_STATED if task.session_id is None else self.amendment(device_id, task.session_id)
                missing = wanting(task, holding, about)
                yield TaskRow(task, missing, answers_to(task, holding), closings.get(task.task_id))

    def alerts(self) -> tuple[AlertRow, ...]:
        """Every alert once (R9, R18): a recording that could not go on is one where its text names somebody."""
        found: dict[tuple[str, int], AlertRow] = {}
        for told in self._register.witnessed(Witnessed.ALERT):
            key = (told.device_id, told.sequence)
            kind = told.kind or AlertKind.WITHHELD.value
            found[key] = AlertRow(*key, kind, told.proved, told.received_utc_ns, None)
        for device_id in self.devices():
            for note in notes_of(self._ledger, device_id):
                sealed = alert_of(note.body, self._rules_under(device_id, note.body))
                if sealed is None:
                    continue
                key = (device_id, note.sequence)
                before = found.get(key)
                told_utc_ns = None if before is None else before.told_utc_ns
                found[key] = AlertRow(*key, sealed.value, True, told_utc_ns, note.utc_ns)
        return tuple(found[key] for key in sorted(found))

    def _rules_under(self, device_id: str, body: Body) -> Rules | None:
        """The profile of the recording that a record ends; None where it ends none, or the store does not know it."""
        ended = body.session_id if isinstance(body, SessionEnd) else None
        return rules_of(next((one for one in self._known(device_id) if one.session_id == ended), None), self._rules)

    def silent(self, now_utc_ns: int, silent_ns: int = SILENT_NS) -> tuple[str, ...]:
        """Units that were not heard for long; one that was never heard counts from its enrolment."""
        heard = self._register.contacts()
        return tuple(
            unit.device_id
            for unit in self._ledger.units()
            if not unit.revoked and now_utc_ns - heard.get(unit.device_id, unit.enrolled_utc_ns) > silent_ns
        )

    def unreceipted(self, device_id: str) -> tuple[SessionRow, ...]:
        """Recordings of a unit that are not whole here: what is at stake when the unit is lost."""
        return tuple(one for one in self.sessions(device_id) if not one.complete)

    def _known(self, device_id: str) -> tuple[Session, ...]:
        """A unit's recordings as its promised files tell of them, with what was stated about them."""
        if device_id not in self._sessions:
            sealed = log_of(self._ledger, device_id).sessions()
            self._sessions[device_id] = tuple(amended(one, self.amendment(device_id, one.session_id)) for one in sealed)
        return self._sessions[device_id]

    def _activity_ends(self, sessions: Sequence[Session]) -> dict[str, int]:
        """R15: an activity may have recordings of several units; they are asked for only where one is named."""
        if not any(one.circumstances is not None and one.circumstances.activity_id for one in sessions):
            return {}
        if self._ends is None:
            self._ends = activity_ends(session for device_id in self.devices() for session in self._known(device_id))
        return self._ends

    def _promised(self, device_id: str) -> dict[bytes, int]:
        """By recording: when its newest file was promised."""
        newest = (
            sa.select(files.c.session_id, sa.func.max(files.c.received_utc_ns))
            .where(files.c.device_id == device_id, files.c.session_id.is_not(None))
            .group_by(files.c.session_id)
        )
        with self._ledger.transaction() as connection:
            return {row[0]: row[1] for row in connection.execute(newest)}


def overdue(rows: Iterable[SessionRow], now_utc_ns: int) -> tuple[SessionRow, ...]:
    """Recordings that are late."""
    return tuple(row for row in rows if row.overdue_at(now_utc_ns))

"""What somebody in the agency has to do, as promised chains show it: tasks with their facts, due times, silent units.

Rules of this module: pure; records, recordings and profiles in, tasks out. A task follows from sealed facts and is
there until somebody closes it; its id names the record that it rests on, so that a restart makes no second one.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum

from sealing.records import Break, Event, Fault, Resume, SessionEnd
from sync.deadlines import Due
from sync.labels import LabelsOwed, labels_owed
from sync.rules import Rules
from sync.sessions import NOTHING, Session
from sync.store.judge import NotedRecord

_HOUR_NS = 3600 * 1_000_000_000
EXEMPTION_EVENT = "exemption"
"""Code of the event that an exemption made on the unit is sealed as (R11); one that names a break is that break's."""


class TaskKind(StrEnum):
    """What is to be done."""

    WRITTEN_EXPLANATION = "written-explanation"
    """A recording that could not go on is explained in writing (R9)."""
    EXEMPTION_WORK_RECORD = "exemption-work-record"
    """Not recording, or a break on such a ground, takes a work record (R11)."""
    UNCLASSIFIED_BREAK = "unclassified-break"
    """A break without a cause needs one (R8)."""
    MISSING_LABELS = "missing-labels"
    """The footage's labels are owed (R22)."""
    REPAIR = "repair"
    """A part failed (R18)."""


@dataclass(frozen=True, slots=True)
class Task:
    """One thing to do."""

    kind: TaskKind
    device_id: str
    sequence: int
    """The record that it rests on; 0 when it is an annotation."""
    since_utc_ns: int
    session_id: bytes | None = None
    due_utc_ns: int | None = None
    addressee: str | None = None
    facts: Mapping[str, str | int | None] = field(default_factory=dict)
    """Sealed facts, filled in."""
    fields: tuple[str, ...] = ()
    """What the profile wants to be stated, in its words."""
    codes: tuple[str, ...] = ()
    """Of labels: the codes of these fields, in the same order."""
    reviewed: bool = False
    """The addressee reviews what was written (R11)."""
    filed: bool = False
    """It is filed then (R11)."""
    annotation: int | None = None
    """Number of the annotation that it rests on, where it is none of the unit's records."""

    @property
    def task_id(self) -> str:
        """Names the task for ever."""
        place = self.sequence if self.annotation is None else f"note-{self.annotation}"
        return f"{self.kind.value}:{self.device_id}:{place}"

    def overdue_at(self, now_utc_ns: int) -> bool:
        """Whether its time has passed: labels that are due and missing are overdue like footage (R22)."""
        return self.due_utc_ns is not None and now_utc_ns > self.due_utc_ns


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A recording with its due time, by the store's reckoning, which governs."""

    device_id: str
    session: Session
    due: Due | None
    """None: its profile is not known here."""
    complete: bool
    """Nothing of it is left on the unit, as far as the unit has told."""
    complete_utc_ns: int | None
    """When its last file was promised."""

    def overdue_at(self, now_utc_ns: int) -> bool:
        """Whether it came too late, or has still not come."""
        if self.due is None:
            return False
        return self.due.overdue_at(self.complete_utc_ns if self.complete and self.complete_utc_ns else now_utc_ns)


def tasks_of(
    device_id: str,
    notes: Sequence[NotedRecord],
    sessions: Sequence[Session],
    rules: Mapping[bytes, Rules],
    activity_ends: Mapping[str, int] = NOTHING,
) -> Iterator[Task]:
    """Find the tasks that a unit's promised records give rise to.

    Args:
        device_id: The unit.
        notes: Its noted records, in the chain's order.
        sessions: Its recordings.
        rules: The profiles that the store knows, by hash.
        activity_ends: When activities ended on any unit, by activity id.
    """
    by_id = {session.session_id: session for session in sessions}
    resumed = {note.body.break_sequence: note for note in notes if isinstance(note.body, Resume)}
    for note in notes:
        match note.body:
            case Break() as body:
                session = by_id.get(body.session_id)
                yield from _break_tasks(device_id, note, body, rules_of(session, rules), resumed.get(note.sequence))
            case SessionEnd() as body:
                session = by_id[body.session_id]
                wanted = rules_of(session, rules)
                if wanted is not None:
                    yield from _explanation(device_id, note, session, wanted)
                    yield from _labels(device_id, note, session, labels_owed(session, sessions, wanted, activity_ends))
            case Event(code=code) as body if code == EXEMPTION_EVENT and "break" not in dict(body.values):
                known = None if body.session_id is None else by_id.get(body.session_id)
                wanted = rules_of(known, rules) or newest_rules(sessions, rules)
                yield from _exemption(device_id, note, body.session_id, wanted, _exemption_facts(body, wanted))
            case _:
                continue
    yield from _repairs(device_id, notes, newest_rules(sessions, rules))


def rules_of(session: Session | None, rules: Mapping[bytes, Rules]) -> Rules | None:
    """The profile under which a recording was made, where the store knows it."""
    if session is None or session.circumstances is None:
        return None
    return rules.get(session.circumstances.profile_hash)


def newest_rules(sessions: Sequence[Session], rules: Mapping[bytes, Rules]) -> Rules | None:
    """The profile of the unit's newest recording, where the store knows one."""
    return next((found for session in reversed(sessions) if (found := rules_of(session, rules)) is not None), None)


def _break_tasks(
    device_id: str, note: NotedRecord, body: Break, rules: Rules | None, resumed: NotedRecord | None
) -> Iterator[Task]:
    resume = None if resumed is None or not isinstance(resumed.body, Resume) else resumed.body
    facts: dict[str, str | int | None] = {
        "break": body.number,
        "cause": body.cause,
        "origin": body.origin.value,
        "last_frame_utc_ns": body.last_frame_utc_ns,
        "resumed_utc_ns": None if resume is None else resume.first_frame_utc_ns,
        "duration_ns": None if resume is None else resume.duration_ns,
    }
    if body.cause == "unclassified":
        yield Task(TaskKind.UNCLASSIFIED_BREAK, device_id, note.sequence, note.utc_ns, body.session_id, facts=facts)
    if rules is not None and rules.exemption is not None and body.cause in rules.exemption.grounds:
        yield from _exemption(device_id, note, body.session_id, rules, facts)


def _exemption_facts(body: Event, rules: Rules | None) -> dict[str, str | int | None]:
    """What the unit sealed; its ground by the code that stands at that place of the profile's list, from 1."""
    facts: dict[str, str | int | None] = dict(body.values)
    grounds = () if rules is None or rules.exemption is None else rules.exemption.grounds
    place = dict(body.values).get("ground", 0)
    if 0 < place <= len(grounds):
        facts["ground"] = grounds[place - 1]
    return facts


def _exemption(
    device_id: str,
    note: NotedRecord,
    session_id: bytes | None,
    rules: Rules | None,
    facts: Mapping[str, str | int | None],
) -> Iterator[Task]:
    task = Task(TaskKind.EXEMPTION_WORK_RECORD, device_id, note.sequence, note.utc_ns, session_id, facts=facts)
    yield from work_record(task, rules)


def work_record(task: Task, rules: Rules | None) -> Iterator[Task]:
    """Say of a task who gets the work record and what becomes of it (R11); none where the text asks for none."""
    wanted = None if rules is None else rules.exemption
    if wanted is None:
        yield task
    elif wanted.fields or wanted.addressee is not None:
        yield replace(
            task, addressee=wanted.addressee, fields=wanted.fields, reviewed=wanted.reviewed, filed=wanted.filed
        )


def _explanation(device_id: str, note: NotedRecord, session: Session, rules: Rules) -> Iterator[Task]:
    if session.end_reason == "cannot-continue" and rules.written_explanation:
        yield Task(
            TaskKind.WRITTEN_EXPLANATION,
            device_id,
            note.sequence,
            note.utc_ns,
            session.session_id,
            addressee=rules.report_to,
            facts=_session_facts(session),
        )


def _labels(device_id: str, note: NotedRecord, session: Session, owed: LabelsOwed) -> Iterator[Task]:
    """SY-65: what came with the recording is not asked for again."""
    if owed.fields:
        yield Task(
            TaskKind.MISSING_LABELS,
            device_id,
            note.sequence,
            note.utc_ns,
            session.session_id,
            due_utc_ns=owed.due_utc_ns,
            facts=_session_facts(session),
            fields=tuple(one.zh for one in owed.fields),
            codes=tuple(one.code for one in owed.fields),
        )


def _session_facts(session: Session) -> dict[str, str | int | None]:
    told = session.circumstances
    return {
        "started_utc_ns": session.started_utc_ns,
        "ended_utc_ns": session.ended_utc_ns,
        "breaks": session.breaks,
        "unexplained_breaks": session.unexplained_breaks,
        "officers": None if told is None else ", ".join(told.officer_ids),
        "activity": None if told is None else told.activity_id,
        "category": None if told is None else told.category,
    }


def _repairs(device_id: str, notes: Iterable[NotedRecord], rules: Rules | None) -> Iterator[Task]:
    """A fault that has not gone away; its time runs from the first record of it (R18)."""
    newest: dict[tuple[str, str], tuple[NotedRecord, Fault]] = {}
    for note in notes:
        if not isinstance(note.body, Fault):
            continue
        key = (note.body.part, note.body.code)
        if note.body.present:
            newest.setdefault(key, (note, note.body))
        else:
            newest.pop(key, None)
    for note, fault in newest.values():
        yield Task(
            TaskKind.REPAIR,
            device_id,
            note.sequence,
            note.utc_ns,
            due_utc_ns=repair_due(note.utc_ns, rules),
            facts={"part": fault.part, "code": fault.code},
        )


def repair_due(discovered_utc_ns: int, rules: Rules | None) -> int | None:
    """When a repair is due, from the discovery by machine or person (R18); None where the text has no limit."""
    hours = None if rules is None else rules.repair_hours
    return None if hours is None else discovered_utc_ns + hours * _HOUR_NS

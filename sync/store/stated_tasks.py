"""Tasks that follow from what somebody stated, not from a sealed record (R11, R18).

Rules of this module: pure; standing annotations in, tasks out, with the number of the annotation in their ids.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence

from sync.rules import Rules
from sync.sessions import Session
from sync.store.annotation import Stated
from sync.store.statements import Cause, Damage, Exemption
from sync.store.tasks import Task, TaskKind, newest_rules, repair_due, rules_of, work_record


def stated_tasks(
    device_id: str, standing_now: Iterable[Stated], sessions: Sequence[Session], rules: Mapping[bytes, Rules]
) -> Iterator[Task]:
    """Find the tasks that what was stated about a unit gives rise to.

    Args:
        device_id: The unit.
        standing_now: What was stated and holds, about any unit.
        sessions: The unit's recordings.
        rules: The profiles that the store knows, by hash.
    """
    by_id = {session.session_id: session for session in sessions}
    for one in standing_now:
        made = one.annotation
        if made.subject.device_id != device_id:
            continue
        session_id = made.subject.session_id
        session = None if session_id is None else by_id.get(session_id)
        known = rules_of(session, rules) or newest_rules(sessions, rules)
        match made.statement:
            case Exemption(ground=ground, reason=reason, happened_utc_ns=happened):
                facts = {"ground": ground, "reason": reason, "stated_by": one.operator.name}
                yield from _work_record(one, session_id, happened, facts, known)
            case Cause(cause=cause, task=task) if known is not None and cause in _grounds(known):
                facts = {"ground": cause, "break": task, "stated_by": one.operator.name}
                yield from _work_record(one, session_id, made.stated_utc_ns, facts, known)
            case Damage(part=part, text=text, discovered_utc_ns=found):
                facts = {"part": part, "found": text, "stated_by": one.operator.name}
                due = repair_due(found, known)
                yield Task(TaskKind.REPAIR, device_id, 0, found, session_id, due, facts=facts, annotation=made.number)
            case _:
                continue


def _work_record(
    one: Stated, session_id: bytes | None, since_utc_ns: int, facts: Mapping[str, str], rules: Rules | None
) -> Iterator[Task]:
    made = one.annotation
    task = Task(
        TaskKind.EXEMPTION_WORK_RECORD,
        made.subject.device_id,
        0,
        since_utc_ns,
        session_id,
        facts=facts,
        annotation=made.number,
    )
    yield from work_record(task, rules)


def _grounds(rules: Rules) -> tuple[str, ...]:
    return () if rules.exemption is None else rules.exemption.grounds

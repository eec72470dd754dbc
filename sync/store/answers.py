"""Which statement answers which task, and what a task still wants (R8, R9, R11, R18, R22).

Rules of this module: pure; a task and what was stated in, what is wanting out. A task to which nothing is wanting is
done.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from sync.store.amended import NOTHING_STATED, Amendment
from sync.store.annotation import Stated
from sync.store.statements import Answer, Cause, Closing, Explanation, Filing, Repair, Review, WorkRecord
from sync.store.tasks import Task, TaskKind

ANSWERS: Final[dict[TaskKind, tuple[type[Answer], ...]]] = {
    TaskKind.WRITTEN_EXPLANATION: (Explanation, Closing),
    TaskKind.EXEMPTION_WORK_RECORD: (WorkRecord, Review, Filing, Closing),
    TaskKind.UNCLASSIFIED_BREAK: (Cause, Closing),
    TaskKind.REPAIR: (Repair, Closing),
    TaskKind.MISSING_LABELS: (Closing,),
}
"""Statements that name the task that they answer; labels are stated of the recording itself, any task may be closed."""


def answers_to(task: Task, standing_now: Iterable[Stated]) -> tuple[Stated, ...]:
    """What was stated in answer to a task and holds, in its order."""
    kinds = ANSWERS[task.kind]
    return tuple(
        one
        for one in standing_now
        if isinstance(one.annotation.statement, kinds) and one.annotation.statement.task == task.task_id
    )


def wanting(task: Task, standing_now: Iterable[Stated], amendment: Amendment = NOTHING_STATED) -> tuple[str, ...]:
    """Name what a task still wants; nothing when it is done.

    Args:
        task: The task.
        standing_now: What was stated and holds.
        amendment: What holds about the task's recording.
    """
    answers = answers_to(task, standing_now)
    if any(isinstance(one.annotation.statement, Closing) for one in answers):
        return ()
    if task.kind is TaskKind.MISSING_LABELS:
        missing = zip(task.codes, task.fields, strict=True)
        return tuple(words for code, words in missing if code not in amendment.labels_stated)
    if task.kind is TaskKind.EXEMPTION_WORK_RECORD:
        return _of_work_record(task, answers)
    return () if answers else (ANSWERS[task.kind][0].model_fields["kind"].default,)


def _of_work_record(task: Task, answers: Sequence[Stated]) -> tuple[str, ...]:
    """R11: every field of the profile, then its addressee's review of what was written, then its filing."""
    places = [place for place, one in enumerate(answers) if isinstance(one.annotation.statement, WorkRecord)]
    if not places:
        return ("work-record", *task.fields)
    record = answers[places[-1]].annotation.statement
    behind = [one.annotation.statement for one in answers[places[-1] + 1 :]]
    missing = [one for one in task.fields if isinstance(record, WorkRecord) and one not in record.fields]
    reviews = [one for one in behind if isinstance(one, Review)]
    if task.reviewed and (not reviews or reviews[-1].decision != "approved"):
        missing.append("review")
    if task.filed and not any(isinstance(one, Filing) for one in behind):
        missing.append("filing")
    return tuple(missing)

"""What may be stated about what (SY-60): judged before an annotation gets its place.

Rules of this module: decides from the overview alone, writes nothing. Codes are the profile's where the store knows it;
a statement that the profile has no word for is refused with the words that it has.
"""

from __future__ import annotations

from collections.abc import Collection

from sync.errors import ContentError
from sync.rules import Rules
from sync.store.annotation import CODE, Subject
from sync.store.annotations import Draft
from sync.store.answers import ANSWERS, wanting
from sync.store.overview import Overview, TaskRow
from sync.store.statements import (
    Acceptance,
    Activity,
    Answer,
    Category,
    Cause,
    DocumentTimes,
    Exemption,
    Filing,
    Labels,
    LateTransfer,
    Review,
    Secrecy,
    Statement,
    WorkRecord,
)

_OF_RECORDINGS = (Activity, Category, Labels, Secrecy, DocumentTimes, LateTransfer)


def check_draft(overview: Overview, draft: Draft) -> None:
    """Check that a statement can be made about its subject.

    Args:
        overview: The store as it stands.
        draft: What somebody wants to state.

    Raises:
        ContentError: Unit, recording or task are not known here, or the profile has no such word.
    """
    _check_subject(overview, draft.subject)
    statement, session_id = draft.statement, draft.subject.session_id
    if isinstance(statement, _OF_RECORDINGS) and session_id is None:
        raise ContentError(CODE, f"a statement of the kind {statement.kind} is about a recording; name it")
    if isinstance(statement, Acceptance) and draft.subject.file_id is None:
        raise ContentError(CODE, "an acceptance is about a file; name it")
    if isinstance(statement, Answer):
        _check_answer(overview, draft, statement)
    rules = overview.rules(draft.subject.device_id, session_id)
    if rules is not None:
        _check_words(rules, statement)


def task_row(overview: Overview, task_id: str) -> TaskRow:
    """Find a task, open or done. Raises ContentError: there is none of that name."""
    found = next((row for row in overview.task_rows() if row.task.task_id == task_id), None)
    if found is None:
        raise ContentError(CODE, f"there is no task {task_id}; see `recorder-store tasks`")
    return found


def subject_of(row: TaskRow) -> Subject:
    """What an answer to a task is about: its recording, or its unit."""
    return Subject(row.task.device_id, row.task.session_id)


def _check_subject(overview: Overview, subject: Subject) -> None:
    if subject.device_id not in overview.devices():
        raise ContentError(CODE, f"unit {subject.device_id} is not enrolled here; see `recorder-store units`")
    if subject.session_id is not None:
        known = {row.session.session_id for row in overview.sessions(subject.device_id)}
        if subject.session_id not in known:
            detail = f"unit {subject.device_id} has no recording {subject.session_id.hex()}"
            raise ContentError(CODE, f"{detail}; see `recorder-store sessions`")
    if subject.file_id is not None and subject.file_id not in overview.held_files(subject.device_id):
        raise ContentError(CODE, f"the store holds no file {subject.file_id.hex()} of {subject.device_id}")


def _check_answer(overview: Overview, draft: Draft, statement: Answer) -> None:
    row = task_row(overview, statement.task)
    if not isinstance(statement, ANSWERS[row.task.kind]):
        raise ContentError(CODE, f"a {statement.kind} does not answer {row.task.kind.value}")
    if draft.subject != subject_of(row):
        raise ContentError(CODE, f"task {statement.task} is about another unit or recording")
    if draft.supersedes is None:
        _check_turn(row, statement)


def _check_turn(row: TaskRow, statement: Answer) -> None:
    """R11: what is reviewed was written before, and what is filed was approved before."""
    task, said = row.task, [one.annotation.statement for one in row.answers]
    written = any(isinstance(one, WorkRecord) for one in said)
    if isinstance(statement, Review | Filing) and not written:
        raise ContentError(CODE, f"task {task.task_id} has no work record yet")
    if isinstance(statement, Filing) and set(wanting(task, row.answers)) - {"filing"}:
        raise ContentError(CODE, f"task {task.task_id} is not ready to be filed: {', '.join(row.wanting)}")


def _check_words(rules: Rules, statement: Statement) -> None:
    transfer, labels = rules.sync.transfer, rules.sync.labels
    match statement:
        case Category(category=code):
            _check_one_of(rules, "category", code, rules.categories)
        case Secrecy(label=code) if not rules.secrecy_open_ended:
            _check_one_of(rules, "secrecy label", code, rules.secrecy_labels)
        case LateTransfer(reason=code):
            reasons = () if transfer.exception is None else tuple(one.code for one in transfer.exception.reasons)
            _check_one_of(rules, "reason for handing over later", code, reasons)
        case Exemption(ground=code):
            grounds = () if rules.exemption is None else rules.exemption.grounds
            _check_one_of(rules, "ground for not recording", code, grounds)
        case Cause(cause=code):
            grounds = () if rules.exemption is None else rules.exemption.grounds
            _check_one_of(rules, "cause of a break", code, (*rules.causes, *grounds, "outside-the-list"))
        case Labels(labels=given):
            known = () if labels is None else tuple(one.code for one in labels.fields)
            for code in given:
                _check_one_of(rules, "label", code, known)
        case _:
            return


def _check_one_of(rules: Rules, what: str, code: str, known: Collection[str]) -> None:
    if code not in known:
        words = ", ".join(known) or "none"
        raise ContentError(CODE, f"profile {rules.profile_id} has no {what} {code}; it has: {words}")

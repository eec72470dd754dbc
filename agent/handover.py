"""Whether a unit may be handed over as asked, by the profile in force (R2, R4, R16, R20).

Rules of this module: pure; a request and a profile in, an assignment and remarks out. What the profile does not know is
refused with what it knows; too few officers are remarked and never refused, because no text forbids the recording.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from agent.config import CustodyTable
from agent.control_wire import CheckoutRequest
from agent.errors import AssignmentError
from agent.profile import Profile
from capture.assignment import Assignment, Officer
from sync.labels import DEPARTMENT, labels_wanted


@dataclass(frozen=True, slots=True)
class Remark:
    """Something that the officers should know."""

    code: str
    zh: str
    en: str


@dataclass(frozen=True, slots=True)
class Handover:
    """What a check-out comes to."""

    assignment: Assignment
    remarks: tuple[Remark, ...]


def handover_of(request: CheckoutRequest, profile: Profile, custody: CustodyTable | None = None) -> Handover:
    """Judge a check-out.

    Args:
        request: What was asked.
        profile: Whose rules bind the unit.
        custody: The unit's standing keeper, None where provisioning named none.

    Raises:
        AssignmentError: No officers, one twice, or a code that the profile does not have.
    """
    _check_officers(request)
    check_code("category", request.category, [each.code for each in profile.activities.categories])
    check_code("label", request.label, [each.code for each in profile.secrecy.classes] if profile.secrecy else [])
    check_code("away", request.away, _reasons(profile))
    for code in request.fields:
        check_code("field", code, _fields(profile))
    _check_department(request, profile)
    officers = tuple(Officer(each.certificate_number, each.name, each.reading) for each in request.officers)
    assignment = Assignment(
        officers=officers,
        activity_id=request.activity_id,
        category=request.category,
        label=request.label,
        labels=tuple(sorted(request.fields.items())),
        department=request.department,
        due_rule=request.away,
        away=request.away is not None,
        keeper_id=None if custody is None else custody.keeper_id,
        keeper_name=None if custody is None else custody.keeper_name,
        officers_least=least_officers(profile, request.category),
        key_content=_content(profile, request.category),
    )
    remarks = (*_remarks(request, profile), *_label_remarks(request, profile), *_keeper_remarks(profile, custody))
    return Handover(assignment, remarks)


def _check_officers(request: CheckoutRequest) -> None:
    if not request.officers:
        raise AssignmentError("no officers; name each with --officer 姓名:证号")
    numbers = [officer.certificate_number for officer in request.officers]
    twice = [number for number in numbers if numbers.count(number) > 1]
    if twice:
        raise AssignmentError(f"certificate number {twice[0]} stands twice; name each officer once")


def _check_department(request: CheckoutRequest, profile: Profile) -> None:
    labels = profile.sync.labels
    if request.department is not None and (labels is None or not labels.by_department):
        raise AssignmentError(f"--department {request.department!r}: leave it out, the profile keeps nothing by it")


def check_code(name: str, code: str | None, known: Sequence[str]) -> None:
    """See that the profile knows a code. Raises AssignmentError with what it knows."""
    if code is not None and code not in known:
        offered = f"give one of {', '.join(known)}" if known else "leave it out, the profile has none"
        raise AssignmentError(f"--{name} {code!r} is not in the profile; {offered}")


def _reasons(profile: Profile) -> list[str]:
    exception = profile.sync.transfer.exception
    return [] if exception is None else [reason.code for reason in exception.reasons]


def _fields(profile: Profile) -> list[str]:
    labels = profile.sync.labels
    return [] if labels is None else [field.code for field in labels.fields]


def _remarks(request: CheckoutRequest, profile: Profile) -> Iterable[Remark]:
    least = least_officers(profile, request.category)
    if least is not None and len(request.officers) < least:
        yield Remark(
            "officers-too-few",
            f"执法人员 {len(request.officers)} 人，规定不得少于 {least} 人",
            f"{len(request.officers)} officers, the rules ask for {least} at least",
        )
    if request.category is None and profile.activities.categories:
        yield Remark(
            "category-unknown", "未指定执法活动类别，录制将被标记", "no category given; the recording is flagged"
        )


def _label_remarks(request: CheckoutRequest, profile: Profile) -> Iterable[Remark]:
    """CS-36: what the recordings will lack (R22); the office can still state it at the store."""
    given = {*request.fields, *((DEPARTMENT.code,) if request.department is not None else ())}
    missing = [one for one in labels_wanted(profile.sync.labels) if one.code not in given]
    if not missing or profile.sync.labels is None:
        return
    zh, en = "、".join(one.zh for one in missing), ", ".join(one.en for one in missing)
    until = (
        ("，应随录制资料按期补齐", "; due with the recordings") if profile.sync.labels.due_with_transfer else ("", "")
    )
    yield Remark("labels-missing", f"尚缺标签：{zh}{until[0]}", f"labels missing: {en}{until[1]}")


def _content(profile: Profile, category: str | None) -> tuple[str, ...]:
    found = next((each.content for each in profile.activities.categories if each.code == category), None)
    return () if found is None else (found,)


def hints_of(profile: Profile, handover: Handover) -> dict[str, str | None]:
    """What officers should know of their text when they take the unit: how it is worn (R13), what to record (R7)."""
    wearing = None if profile.custody is None else profile.custody.wearing
    return {"wearing": wearing, "content": next(iter(handover.assignment.key_content), None)}


def _keeper_remarks(profile: Profile, custody: CustodyTable | None) -> Iterable[Remark]:
    """Where the text wants a named keeper, a unit without one is remarked at each check-out (R2)."""
    wanted = profile.custody is not None and profile.custody.keeper is not None
    if wanted and custody is None:
        yield Remark("keeper-unknown", "设备未指定保管人", "the unit has no standing keeper; name one in [custody]")


def least_officers(profile: Profile, category: str | None) -> int | None:
    """Least number of officers for an activity (R4); None where the text has none."""
    own = next((each.least_officers for each in profile.activities.categories if each.code == category), None)
    return own if own is not None else profile.capture.officers.least

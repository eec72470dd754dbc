"""What somebody in the back office can state about footage, a unit or a task: one shape for each kind.

Rules of this module: shapes alone, pydantic at the edge; who may state what about which thing is `annotating`'s matter.
Times are UTC in nanoseconds; codes are those of the agency's profile.
"""

from __future__ import annotations

from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, model_validator

from sync.profile import Code

TEXT_CHARACTERS_MAX: Final = 4000
Text = Annotated[str, Field(min_length=1, max_length=TEXT_CHARACTERS_MAX)]
Name = Annotated[str, Field(min_length=1, max_length=64)]
ActivityId = Annotated[str, Field(min_length=1, max_length=64, pattern=r"^[^\s\x00-\x1f]+$")]
TaskId = Annotated[str, Field(min_length=1, max_length=160)]
Moment = Annotated[int, Field(ge=0, le=2**63 - 1)]


class _Statement(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Activity(_Statement):
    """The recording belongs to an activity, of this unit or of several (R15)."""

    kind: Literal["activity"] = "activity"
    activity_id: ActivityId


class Category(_Statement):
    """What kind of activity was recorded (R3, R19)."""

    kind: Literal["category"] = "category"
    category: Code


class Labels(_Statement):
    """The profile's labels, by code, and the department that footage is kept under (R22)."""

    kind: Literal["labels"] = "labels"
    labels: Annotated[dict[Code, Text], Field(max_length=32)] = {}
    department: Name | None = None

    @model_validator(mode="after")
    def _says_something(self) -> Labels:
        if not self.labels and self.department is None:
            raise ValueError("neither a label nor a department; name what the footage is labelled with")
        return self


class Secrecy(_Statement):
    """A secrecy label of the profile's list (R16)."""

    kind: Literal["secrecy"] = "secrecy"
    label: Code


class DocumentTimes(_Statement):
    """Start and end as a written document has them (R17)."""

    kind: Literal["document-times"] = "document-times"
    document: Text
    started_utc_ns: Moment
    ended_utc_ns: Moment

    @model_validator(mode="after")
    def _in_order(self) -> DocumentTimes:
        if self.ended_utc_ns < self.started_utc_ns:
            raise ValueError("the end stands before the start; give the times as the document has them")
        return self


class LateTransfer(_Statement):
    """A reason of the profile for handing over after the return (R20)."""

    kind: Literal["late-transfer"] = "late-transfer"
    reason: Code
    text: Text


class Exemption(_Statement):
    """Something was not recorded, or not to its end, on a ground that the text allows (R11)."""

    kind: Literal["exemption"] = "exemption"
    ground: Code
    reason: Text
    happened_utc_ns: Moment


class Damage(_Statement):
    """A person found a part damaged: the time for its repair runs from then (R18)."""

    kind: Literal["damage"] = "damage"
    part: Name
    text: Text
    discovered_utc_ns: Moment


class Explanation(_Statement):
    """Answers `written-explanation` (R9)."""

    kind: Literal["explanation"] = "explanation"
    task: TaskId
    text: Text
    written_by: Name


class WorkRecord(_Statement):
    """Answers `exemption-work-record` (R11): the profile's fields, filled in."""

    kind: Literal["work-record"] = "work-record"
    task: TaskId
    fields: Annotated[dict[Name, Text], Field(max_length=32)] = {}
    written_by: Name


class Review(_Statement):
    """The addressee's decision about a work record (R11)."""

    kind: Literal["review"] = "review"
    task: TaskId
    decision: Literal["approved", "refused"]
    reviewed_by: Name


class Filing(_Statement):
    """Under what a reviewed work record is filed (R11)."""

    kind: Literal["filing"] = "filing"
    task: TaskId
    filed_as: Text


class Cause(_Statement):
    """Answers `unclassified-break` (R8)."""

    kind: Literal["cause"] = "cause"
    task: TaskId
    cause: Code
    text: Text


class Repair(_Statement):
    """Answers `repair` (R18)."""

    kind: Literal["repair"] = "repair"
    task: TaskId
    text: Text
    repaired_utc_ns: Moment


class Closing(_Statement):
    """A task of any kind needs nothing more, and why: it was done elsewhere, or does not apply."""

    kind: Literal["closing"] = "closing"
    task: TaskId
    text: Text


class Acceptance(_Statement):
    """A custodian has accepted a revoked unit's file (SY-36)."""

    kind: Literal["acceptance"] = "acceptance"
    text: Text


class Note(_Statement):
    """Anything else that is worth stating."""

    kind: Literal["note"] = "note"
    text: Text


class Withdrawal(_Statement):
    """An earlier statement is taken back, and nothing stands in its place."""

    kind: Literal["withdrawal"] = "withdrawal"
    text: Text


Answer = Explanation | WorkRecord | Review | Filing | Cause | Repair | Closing
"""What refers to a task."""
Statement = (
    Activity
    | Category
    | Labels
    | Secrecy
    | DocumentTimes
    | LateTransfer
    | Exemption
    | Damage
    | Explanation
    | WorkRecord
    | Review
    | Filing
    | Cause
    | Repair
    | Closing
    | Acceptance
    | Note
    | Withdrawal
)
STATEMENT: Final[TypeAdapter[Statement]] = TypeAdapter(Annotated[Statement, Field(discriminator="kind")])
KINDS: Final = (
    "activity",
    "category",
    "labels",
    "secrecy",
    "document-times",
    "late-transfer",
    "exemption",
    "damage",
    "explanation",
    "work-record",
    "review",
    "filing",
    "cause",
    "repair",
    "closing",
    "acceptance",
    "note",
    "withdrawal",
)

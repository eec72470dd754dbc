"""The section of a profile that sync obeys: transfer limits (R20) and labels (R22).

Rules of this module: pydantic models at the edge, turned into plain rules for the pure core. A value that no article
gives says so by `clause = ""`; a rule that the text does not have is absent, never a default.
"""

from __future__ import annotations

from typing import Annotated, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from sync.deadlines import Period, StartEvent, TransferRule

Code = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]
Clause = Annotated[str, Field(max_length=200)]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Limit(_Section):
    """A limit: hours, working days, or «at once», for which the agency sets the hours."""

    hours: Annotated[int, Field(gt=0, le=24 * 366)] | None = None
    working_days: Annotated[int, Field(gt=0, le=366)] | None = None
    at_once: Literal[True] | None = None
    """The text says «第一时间» and names no figure."""
    at_once_hours: Annotated[int, Field(gt=0, le=24 * 31)] | None = None
    """Agency setting, not the text's: the hours that «第一时间» stands for."""
    clause: Clause = ""

    @model_validator(mode="after")
    def _one_kind(self) -> Self:
        kinds = [self.hours is not None, self.working_days is not None, self.at_once is not None]
        if sum(kinds) != 1:
            raise ValueError("a limit is one of hours, working_days, at_once; remove the others")
        if (self.at_once is None) != (self.at_once_hours is None):
            raise ValueError("at_once and at_once_hours go together: set both or neither")
        return self

    def period(self) -> Period:
        """The limit as the pure function takes it."""
        return Period(hours=self.hours or self.at_once_hours, working_days=self.working_days)


class Reason(_Section):
    """A reason that the text names for handing over after the return."""

    code: Code
    zh: Annotated[str, Field(min_length=1, max_length=100)]
    en: Annotated[str, Field(min_length=1, max_length=100)]


class NormalTransfer(_Section):
    """The limit that runs unless the exception is claimed."""

    start: StartEvent
    limit: Limit


class TransferException(_Section):
    """Continuous, away or remote work: the limit runs from the return."""

    limit: Limit
    reasons: Annotated[tuple[Reason, ...], Field(min_length=1)]


class Transfer(_Section):
    """When footage has to be handed over."""

    normal: NormalTransfer
    exception: TransferException | None = None

    def rule(self) -> TransferRule:
        """The rule as the pure function takes it."""
        if self.exception is None:
            return TransferRule(self.normal.start, self.normal.limit.period())
        reasons = frozenset(reason.code for reason in self.exception.reasons)
        return TransferRule(
            self.normal.start, self.normal.limit.period(), self.exception.limit.period(), exception_reasons=reasons
        )


class LabelField(_Section):
    """One thing that footage has to be labelled with."""

    code: Code
    zh: Annotated[str, Field(min_length=1, max_length=100)]
    en: Annotated[str, Field(min_length=1, max_length=100)]


class Labels(_Section):
    """What footage is labelled with, and by when."""

    fields: tuple[LabelField, ...] = ()
    due_with_transfer: bool = False
    """The labels share the transfer's due time."""
    by_department: bool = False
    """Footage is kept and found by department."""
    clause: Clause = ""


class SyncProfile(_Section):
    """Section `sync` of a profile."""

    transfer: Transfer
    labels: Labels | None = None
    utc_offset_minutes: Annotated[int, Field(ge=-14 * 60, le=14 * 60)] = 480
    """The agency's zone, in which days end. China has one, without daylight saving time."""

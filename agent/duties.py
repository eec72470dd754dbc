"""The sections of a profile that neither recording nor transfer obeys by itself.

What must be recorded, what may be left out, who keeps, sees, copies and clears.

Rules of this module: values only. The unit carries them (its check-out lists, its lamps and the records it seals name
their codes), the store acts on them. A value that a text gives names its clause; what a text lacks is absent.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from typing import Annotated, Protocol, Self

from pydantic import Field, model_validator

from capture.profile import ExemptionGround
from capture.section import Code, Section, Words
from sync.deadlines import WorkingDayTable

ENTRIES_MAX = 24
YEARS_MAX = 12
DAYS_MAX = YEARS_MAX * 40
_SATURDAY = 5

Year = Annotated[int, Field(ge=2020, le=2100)]

List = Annotated[tuple[Words, ...], Field(max_length=ENTRIES_MAX)]


class Coded(Protocol):
    """An entry of a list that goes by a code."""

    @property
    def code(self) -> str:
        """Its code."""
        ...


def check_codes_once(name: str, entries: Iterable[Coded]) -> None:
    """PR-6: a code stands once in its list. Raises ValueError."""
    seen: set[str] = set()
    for entry in entries:
        if entry.code in seen:
            raise ValueError(f"{name}: each code may stand once; {entry.code!r} stands twice")
        seen.add(entry.code)


class ActivityCategory(Section):
    """One activity category with its duty to record (R3, R19)."""

    code: Code
    zh: Words
    en: Words
    must: bool
    """True: it must be recorded; False: it may be."""
    group: Words | None = None
    """The text's heading over it."""
    least_officers: int | None = Field(default=None, ge=1, le=8)
    carriers: List = ()
    """What records it, where the text lists carriers (执法记录仪 is one of them, or is not)."""
    place: Words | None = None
    content: Words | None = None
    """What the record has to show."""
    department: Words | None = None
    recorder: Words | None = None


class ActivitiesSection(Section):
    """What must and may be recorded (R19), and that nothing else may (R3)."""

    categories: Annotated[tuple[ActivityCategory, ...], Field(max_length=ENTRIES_MAX)] = ()
    only_for: Words | None = None
    """The text's words that bind the unit to enforcement."""

    @model_validator(mode="after")
    def _codes_once(self) -> Self:
        check_codes_once("categories", self.categories)
        return self


class SecrecyClass(Section):
    """A class of secrets that the text names."""

    code: Code
    zh: Words
    en: Words


class ExemptionSection(Section):
    """Not recording, or stopping, on a ground of the text (R11)."""

    grounds: Annotated[tuple[ExemptionGround, ...], Field(max_length=ENTRIES_MAX)]
    work_record_fields: List = ()
    """What the work record must state."""
    addressee: Words | None = None
    reviewed: bool = False
    """The addressee reviews it, not only receives it."""
    filed: bool = False

    @model_validator(mode="after")
    def _codes_once(self) -> Self:
        check_codes_once("grounds", self.grounds)
        return self


class SecrecySection(Section):
    """Secrecy classes and what may leave over which transport (R16)."""

    classes: Annotated[tuple[SecrecyClass, ...], Field(max_length=ENTRIES_MAX)]
    open_ended: bool = False
    """The text lets other laws add classes."""
    not_over_radio: tuple[Code, ...] = ()
    """Classes whose footage, headers and alerts never leave over radio (agency setting)."""

    @model_validator(mode="after")
    def _codes_fit(self) -> Self:
        check_codes_once("classes", self.classes)
        unknown = sorted(set(self.not_over_radio) - {each.code for each in self.classes})
        if unknown:
            raise ValueError(f"not_over_radio names {unknown[0]!r}, which is no class; correct the code")
        return self


class RetentionSection(Section):
    """How long footage is kept at least (R30). Absent: nothing is ever deleted."""

    months_min: int | None = Field(default=None, ge=1, le=1200)
    starts: Words | None = None
    """Event that the period counts from (agency setting where no text gives it)."""
    cleared_by: Words | None = None
    as_evidence: Words | None = None


class LongTermSection(Section):
    """Classes that are kept on disc or the like for long (R31)."""

    classes: List
    copies: int | None = Field(default=None, ge=1, le=9)
    label_fields: List = ()


class EvidenceCopySection(Section):
    """What a copy that serves as evidence must state (R32)."""

    fields: List
    transcript_of_sound: bool = False


class AccessSection(Section):
    """Who lets whom see and copy, and what is registered (R33, R36, R37)."""

    approver: Words | None = None
    registrar: Words | None = None
    register_fields: List = ()
    giving_out: Words | None = None
    publication_approver: Words | None = None
    custodian: Words | None = None
    """Who files, keeps and hands out what was recorded (R39)."""


class InspectionSection(Section):
    """Inspection by sample (R34)."""

    inspectors: List = ()
    items: List = ()
    sampling_percent: int | None = Field(default=None, ge=1, le=100)
    wording: Words | None = None


class CaseFileSection(Section):
    """When the case file has to stand (R35)."""

    days: int = Field(ge=1, le=366)
    starts: Words


class RepairSection(Section):
    """By when a damaged unit has to be in repair (R18)."""

    hours: int = Field(ge=1, le=24 * 366)
    starts: Words


class CustodySection(Section):
    """Who keeps the unit and how it is worn (R2, R13)."""

    keeper: Words | None = None
    handover_register: Words | None = None
    never_lent: Words | None = None
    wearing: Words | None = None


class CannotContinueSection(Section):
    """A recording that cannot go on (R9); to whom it is reported at once stands in `capture.interruptions`."""

    written_explanation: bool
    """It is to be explained in writing afterwards."""
    may_end: bool = False
    """The text lets the officers end the recording."""


class Duty(Section):
    """What the text says of one requirement, in its own words; shown wherever the requirement is."""

    requirement: Annotated[str, Field(pattern=r"^R[1-9][0-9]?$")]
    clause: Annotated[str, Field(min_length=1, max_length=40)]
    zh: Words


class WorkingDaysSection(Section):
    """The official calendar of named years, for limits in working days (R20).

    Made by `recorder profile holidays`; a year that is not named counts Monday to Friday and shows «unconfirmed».
    """

    years: Annotated[tuple[Year, ...], Field(min_length=1, max_length=YEARS_MAX)]
    """Years whose calendar had been published."""
    days_off: Annotated[tuple[date, ...], Field(max_length=DAYS_MAX)]
    """Holidays that fall on Monday to Friday."""
    made_up: Annotated[tuple[date, ...], Field(max_length=DAYS_MAX)]
    """Saturdays and Sundays that are worked (调休)."""

    @model_validator(mode="after")
    def _days_fit(self) -> Self:
        if strange := [day for day in (*self.days_off, *self.made_up) if day.year not in self.years]:
            raise ValueError(f"{strange[0]} is in a year that `years` does not name")
        if wrong := [day for day in self.days_off if day.weekday() >= _SATURDAY]:
            raise ValueError(f"days_off: {wrong[0]} is a weekend day and free anyway; leave it out")
        if wrong := [day for day in self.made_up if day.weekday() < _SATURDAY]:
            raise ValueError(f"made_up: {wrong[0]} is a weekday and worked anyway; leave it out")
        return self

    def table(self) -> WorkingDayTable:
        """The calendar as the pure function of due times takes it."""
        return WorkingDayTable(frozenset(self.years), frozenset(self.days_off), frozenset(self.made_up))

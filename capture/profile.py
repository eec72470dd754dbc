"""The section `capture` of a policy profile: what the agency's text, or the agency itself, asks of a recording.

Rules of this module: values only, no agency's name, no default that stands for a regulation. A value that a text gives
names its clause in `clauses`; what a text does not have is absent. Defaults are the recorder's own ways, which no text
rules.
"""

from __future__ import annotations

from enum import StrEnum
from fractions import Fraction
from typing import Annotated, Self

from pydantic import Field, model_validator

from capture.section import ITEMS_MAX, Code, Percent, Section, Spoken, Words
from capture.signal_section import SignalsSection
from capture.voice.reading import NAME_SLOT, OPEN_SLOT

CAUSES_MAX = 16

MACHINE_CAUSES = frozenset(
    {
        "battery",
        "camera-black",
        "camera-fault",
        "camera-frozen",
        "clock-step",
        "crash",
        "microphone-fault",
        "overheating",
        "power-loss",
        "storage-fault",
        "storage-full",
        "watchdog",
    }
)
"""Codes of causes that the unit may find by itself; a profile's cause may cover them."""

BREAKING_FAULTS = frozenset({"camera-black", "camera-frozen", "microphone-fault"})
"""Faults with which a recording goes on, unless the profile wants it to break off."""


class Speaker(StrEnum):
    """Who tells the party that it is recorded."""

    UNIT = "unit"
    OFFICER = "officer"


class Moment(StrEnum):
    """When the voice statement is asked for."""

    FIRST = "first"
    """Before anything else, as soon as the recording runs."""
    DURING = "during"
    """In the course of the recording, after a notice where there is one."""


class PreflightSection(Section):
    """Thresholds of the checks before a recording, and whether a failed one stops the start (R1, PR-9)."""

    blocking: bool = False
    battery_percent_low: Percent = 30
    """Below this the check is degraded."""
    battery_percent_min: Percent = 10
    """Below this it fails."""
    battery_minutes_low: int = Field(default=60, ge=0)
    """Predicted minutes below which the check is degraded, where the drain is known."""
    battery_minutes_min: int = Field(default=10, ge=0)
    storage_minutes_low: int = Field(default=120, ge=0)
    storage_minutes_min: int = Field(default=15, ge=0)
    clock_uncertainty_ms_max: int = Field(default=2_000, ge=1)
    luma_min: int = Field(default=12, ge=0, le=255)
    """A picture darker than this on the average is black."""
    luma_deviation_min: int = Field(default=3, ge=0, le=127)
    """A picture flatter than this is a covered lens."""
    microphone_dbfs_min: int = Field(default=-70, ge=-120, le=0)
    """A microphone quieter than this is dead."""
    clipped_permille_max: int = Field(default=1, ge=0, le=1000)

    @model_validator(mode="after")
    def _thresholds_in_order(self) -> Self:
        if self.battery_percent_low < self.battery_percent_min:
            raise ValueError("battery_percent_low must not be below battery_percent_min")
        if self.battery_minutes_low < self.battery_minutes_min:
            raise ValueError("battery_minutes_low must not be below battery_minutes_min")
        if self.storage_minutes_low < self.storage_minutes_min:
            raise ValueError("storage_minutes_low must not be below storage_minutes_min")
        return self


class OfficersSection(Section):
    """How many officers an activity needs (R4)."""

    least: int | None = Field(default=None, ge=1, le=8)


class NoticeSection(Section):
    """How the party is told that it is recorded (R4; `agent/PROFILE.md`, PR-8)."""

    wording: Words
    """The sentence, verbatim; every `name_slot` in it takes an officer's name."""
    wording_en: Words | None = None
    name_slot: str | None = Field(default=None, min_length=1, max_length=8)
    speaker: Speaker = Speaker.UNIT
    contains: Words | None = None
    """Words that the sentence must contain, where the text rules only those."""

    @model_validator(mode="after")
    def _wording_fits(self) -> Self:
        if self.name_slot is not None and self.name_slot not in self.wording:
            raise ValueError(f"wording has no name slot {self.name_slot!r}; leave name_slot out or correct it")
        if self.contains is not None and self.contains not in self.wording:
            raise ValueError(f"wording must contain {self.contains!r}")
        return self

    @model_validator(mode="after")
    def _no_slot_stays_open(self) -> Self:
        for key, wording in (("wording", self.wording), ("wording_en", self.wording_en or "")):
            filled = wording.replace("{officers}", "").replace(self.name_slot or NAME_SLOT, "")
            if OPEN_SLOT.search(filled):
                raise ValueError(f"{key} has a slot that nothing fills; name it in name_slot")
        return self


class StatementSection(Section):
    """The voice statement of the officers (R5)."""

    moment: Moment
    items: Annotated[tuple[Spoken, ...], Field(min_length=1, max_length=ITEMS_MAX)]
    items_en: tuple[Spoken, ...] = ()
    window_seconds: float = Field(default=30, ge=3, le=180)

    @model_validator(mode="after")
    def _items_pair(self) -> Self:
        if self.items_en and len(self.items_en) != len(self.items):
            raise ValueError("items_en must have as many entries as items, or none")
        return self


class CauseEntry(Section):
    """One cause for which a recording may break off (R8)."""

    code: Code
    zh: Spoken
    en: Spoken
    allowed: bool = True
    """False: officers may name it, and it is sealed as outside of what the text allows."""
    announced: bool = True
    """Officers find it in the menu of the announced break."""
    covers: tuple[Code, ...] = ()
    """Codes of machine-found causes that fall under it."""


class ExplanationSection(Section):
    """The spoken explanation when a recording goes on after a break (R8)."""

    window_seconds: float = Field(default=15, ge=3, le=120)


class InterruptionsSection(Section):
    """Breaks: their causes, explanation and report (R8, R9)."""

    causes: Annotated[tuple[CauseEntry, ...], Field(max_length=CAUSES_MAX)] = ()
    explanation: ExplanationSection | None = None
    """Absent where the text knows no duty to explain: nothing is asked."""
    report_to: Spoken | None = None
    resume_after_power_loss_seconds: int = Field(default=120, ge=0, le=3600)
    """Off for longer: the next press resumes, not the unit."""
    announce_timeout_seconds: float = Field(default=30, ge=5, le=120)
    """An announced break that nobody confirms in this time is withdrawn; the recording never stopped."""

    @model_validator(mode="after")
    def _codes_once(self) -> Self:
        codes = [cause.code for cause in self.causes]
        if len(codes) != len(set(codes)):
            raise ValueError("causes: each code may stand once")
        covered = [code for cause in self.causes for code in cause.covers]
        if len(covered) != len(set(covered)):
            raise ValueError("causes: a machine-found cause may be covered by one entry only")
        unknown = sorted(set(covered) - MACHINE_CAUSES)
        if unknown:
            known = ", ".join(sorted(MACHINE_CAUSES))
            raise ValueError(f"causes: covers names {', '.join(unknown)}; the unit finds only {known}")
        return self


class MarkCategory(Section):
    """What a mark may be said to show (R7)."""

    code: Code
    zh: Spoken
    en: Spoken


class ExemptionGround(Section):
    """A ground on which the text lets officers not record (R11)."""

    code: Code
    zh: Spoken
    en: Spoken
    stops: bool = False
    """The text lets a recording that runs stop for it, too: it stands in the menu of the announced break."""


class MarksSection(Section):
    """What officers are to take care of, and may mark (R7)."""

    key_content: Annotated[tuple[Spoken, ...], Field(max_length=ITEMS_MAX)] = ()
    categories: Annotated[tuple[MarkCategory, ...], Field(max_length=ITEMS_MAX)] = ()
    """Menu of a mark's categories, in its order; none: marks go without."""
    category: Code | None = None
    """Category that a mark of this unit carries."""
    reminders: bool = False
    """The unit says each item of `key_content` once, one with each pulse: they are heard on the recording."""

    @model_validator(mode="after")
    def _codes_once(self) -> Self:
        codes = [each.code for each in self.categories]
        if len(codes) != len(set(codes)):
            raise ValueError("categories: each code may stand once")
        return self


class GesturesSection(Section):
    """Times by which presses are told apart."""

    hold_ms: int = Field(default=2_000, ge=500, le=5_000)
    double_press_ms: int = Field(default=400, ge=150, le=1_000)


class RecordingSection(Section):
    """The course of a recording (R6) and its picture (R13)."""

    begins: Words | None = None
    """The text's words for the start."""
    ends: Words | None = None
    """The text's words for the end."""
    end_question: Spoken | None = None
    """Asked at the finish, where the agency wants the end event confirmed aloud."""
    pulse_seconds: float = Field(default=60, ge=10, le=600)
    pulse_audible: bool = False
    """A tone with each pulse: it is heard on the recording."""
    width_pixels: int = Field(default=1920, ge=16, le=3840)
    height_pixels: int = Field(default=1080, ge=16, le=2160)
    frames_per_second: int = Field(default=30, ge=5, le=60)
    bitrate_bps: int = Field(default=8_000_000, ge=50_000, le=50_000_000)
    caption: bool = False
    """A line in the picture, before it is encoded: time, agency, unit and officers (CS-34)."""

    @property
    def frame_rate(self) -> Fraction:
        """Frames in a second."""
        return Fraction(self.frames_per_second)


class WarningsSection(Section):
    """What is told while the recording goes on, and when it has to end in order (R8; `agent/PROFILE.md`, PR-9)."""

    battery_alarm_minutes: int = Field(default=20, ge=10, le=30)
    """Minutes left, by measured drain, at which the alarm is due."""
    battery_end_minutes: int = Field(default=2, ge=1, le=9)
    """Fewer minutes left: the recording breaks off in order, with its cause."""
    storage_alarm_minutes: int = Field(default=15, ge=1, le=240)
    heat_alarm_celsius: int = Field(default=80, ge=40, le=110)
    """The board is so hot: the alarm is due, where its heat is measured."""
    heat_end_celsius: int = Field(default=90, ge=41, le=120)
    """The recording breaks off in order, with its cause `overheating`."""
    break_on: tuple[Code, ...] = ()
    """Faults for which the recording breaks off instead of going on with what still works."""

    @model_validator(mode="after")
    def _alarm_before_end(self) -> Self:
        if self.heat_end_celsius <= self.heat_alarm_celsius:
            raise ValueError("heat_end_celsius must be above heat_alarm_celsius: the alarm comes first")
        return self

    @model_validator(mode="after")
    def _breaks_are_faults(self) -> Self:
        unknown = sorted(set(self.break_on) - BREAKING_FAULTS)
        if unknown:
            known = ", ".join(sorted(BREAKING_FAULTS))
            raise ValueError(f"break_on names {', '.join(unknown)}; a recording may break off only for {known}")
        return self


class CaptureProfile(Section):
    """Everything in a profile that the recording obeys."""

    preflight: PreflightSection = PreflightSection()
    officers: OfficersSection = OfficersSection()
    notice: NoticeSection | None = None
    statement: StatementSection | None = None
    interruptions: InterruptionsSection = InterruptionsSection()
    marks: MarksSection = MarksSection()
    gestures: GesturesSection = GesturesSection()
    signals: SignalsSection = SignalsSection()
    recording: RecordingSection = RecordingSection()
    warnings: WarningsSection = WarningsSection()

"""To whom a unit is handed: values of a check-out (R2).

Rules of this module: frozen dataclasses only. Names and readings are personal data: they go into encrypted payloads and
into the voice, never into a header or a log.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from capture.errors import AssignmentError

OFFICERS_MAX = 8


@dataclass(frozen=True, slots=True)
class Officer:
    """Somebody who wears or uses the unit."""

    certificate_number: str
    """Number of the enforcement certificate; stands in headers."""
    name: str = field(repr=False)
    reading: str | None = field(default=None, repr=False)
    """Pinyin with tone digits ("shan4 li4 hua2") for a name that the voice would misread."""


@dataclass(frozen=True, slots=True)
class Assignment:
    """What is given at check-out."""

    officers: tuple[Officer, ...]
    activity_id: str | None = None
    category: str | None = None
    label: str | None = None
    """Secrecy label of the profile's list."""
    due_rule: str | None = None
    away: bool = False
    """Continuous, remote or away work is claimed (R20); `due_rule` is the reason."""
    keeper_id: str | None = None
    """The unit's standing keeper, by certificate or staff number; stands in headers."""
    keeper_name: str | None = field(default=None, repr=False)
    officers_least: int | None = None
    """Least number of officers for this activity (R4); None where the text has none for it."""
    key_content: tuple[str, ...] = ()
    """What the text wants recorded of this activity (R7), where it says so for each activity."""
    labels: tuple[tuple[str, str], ...] = field(default=(), repr=False)
    """What the recordings are labelled with (R22): code of the profile's field and text; goes into payloads alone."""
    labels_sealed: tuple[str, ...] = ()
    """Codes of labels that the CHECKOUT in force has sealed; after a restart their texts cannot be read here."""
    department: str | None = None
    """The agency's department that the recordings are kept under (R22); stands in headers."""

    @property
    def labels_given(self) -> tuple[str, ...] | None:
        """SF-62: codes of the labels that came with the check-out; None where none did."""
        return tuple(sorted({*self.labels_sealed, *(code for code, _text in self.labels)})) or None

    def check(self) -> None:
        """Find every officer told from every other.

        Raises:
            AssignmentError: No officers, too many, one without name or number, or a number given twice.
        """
        numbers = [officer.certificate_number for officer in self.officers]
        if not 0 < len(numbers) <= OFFICERS_MAX:
            raise AssignmentError(f"check-out names {len(numbers)} officers; name 1 to {OFFICERS_MAX}")
        if len(set(numbers)) != len(numbers):
            raise AssignmentError("check-out names a certificate number twice; every officer has a number of his own")
        if any(not officer.name.strip() or not officer.certificate_number.strip() for officer in self.officers):
            raise AssignmentError("check-out: every officer needs a name and a certificate number")

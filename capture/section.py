"""What every section of a policy profile is made of: words, codes, and clauses that name what gives a value.

Rules of this module: no section of its own.
"""

from __future__ import annotations

import unicodedata
from typing import Annotated, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from capture.voice.reading import OPEN_SLOT

AGENCY_SETTING = "agency setting"
"""Stands in `clauses` for a value that the agency chose and no article gives."""

TEXT_LENGTH_MAX = 400
ITEMS_MAX = 16


def _visible(text: str) -> str:
    if not text.strip():
        raise ValueError("nothing but blanks; write the words, or leave the value out")
    if any(unicodedata.category(sign) in {"Cc", "Cf", "Cs", "Zl", "Zp"} for sign in text):
        raise ValueError("an invisible character or a line break is in it; write it as one line")
    return text


def _without_slot(text: str) -> str:
    if OPEN_SLOT.search(text):
        raise ValueError("a slot is open in it that nothing fills; write the words themselves")
    return text


Words = Annotated[str, Field(min_length=1, max_length=TEXT_LENGTH_MAX), AfterValidator(_visible)]
Spoken = Annotated[Words, AfterValidator(_without_slot)]
"""Words that the unit says as they stand."""
Code = Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
Percent = Annotated[float, Field(ge=0, le=100)]


class Section(BaseModel):
    """A part of a profile: nothing unknown in it, nothing changed after loading, each value with its clause."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    clauses: dict[str, Words] = Field(default_factory=dict)
    """Name of a value of this section → article that gives it, or `AGENCY_SETTING`."""

    @model_validator(mode="after")
    def _clauses_name_values(self) -> Self:
        unknown = sorted(set(self.clauses) - (set(type(self).model_fields) - {"clauses"}))
        if unknown:
            raise ValueError(f"clauses names {', '.join(unknown)}: no such value in this section; correct the name")
        return self

"""Languages that the unit can speak."""

from __future__ import annotations

from enum import StrEnum


class Language(StrEnum):
    """The value is the language's code in profiles and in the index of the voice cache."""

    CHINESE = "zh"
    ENGLISH = "en"

"""Whose unit it is, as the burnt-in line says it (CS-34).

Rules of this module: words only.
"""

from __future__ import annotations

from agent.config import Language
from agent.profile import ProfileHead
from capture.caption import CaptionFacts


def caption_facts(profile: ProfileHead, language: Language, device_id: str) -> CaptionFacts:
    """Give the line's words that stay the same while a unit runs.

    Args:
        profile: Names the agency, in Chinese and in English.
        language: The unit's.
        device_id: The unit, as its certificate names it.
    """
    return CaptionFacts(profile.agency_en if language is Language.EN else profile.agency, device_id)

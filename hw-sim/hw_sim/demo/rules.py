"""What a profile asks of the day that the demo plays.

Rules of this module: pure; reads the answer of `recorder profile show --json`, and nothing of what stands in it is
known here beforehand.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hw_sim.demo.documents import Document

Language = Literal["zh", "en"]


@dataclass(frozen=True, slots=True)
class Cause:
    """One cause of the menu of the announced break."""

    code: str
    words: str
    """As the unit says it."""


@dataclass(frozen=True, slots=True)
class Rules:
    """What officers will be asked, and what they can choose from."""

    profile: str
    agency: str
    notice: bool
    notice_by_officer: bool
    statement: Literal["first", "during"] | None
    explanation: bool
    causes: tuple[Cause, ...]
    """Empty: the unit offers only that the cause was not stated."""


def rules_of(profile: Document, language: Language) -> Rules:
    """Read a profile.

    Raises:
        DemoError: A value is not where it should be.
    """
    values = profile["values"]
    capture = values.get("capture")
    notice = None if capture is None else capture.get("notice")
    speaker = None if notice is None else notice.get("speaker")
    statement = None if capture is None else capture.get("statement")
    interruptions = None if capture is None else capture.get("interruptions")
    return Rules(
        profile=profile["id"].text(),
        agency=profile["agency" if language == "zh" else "agency_en"].text(),
        notice=notice is not None,
        notice_by_officer=speaker is not None and speaker.text() == "officer",
        statement=None if statement is None else _moment(statement["moment"].text()),
        explanation=interruptions is not None and interruptions.get("explanation") is not None,
        causes=() if interruptions is None else _causes(interruptions, language),
    )


def _moment(text: str) -> Literal["first", "during"]:
    return "first" if text == "first" else "during"


def _causes(interruptions: Document, language: Language) -> tuple[Cause, ...]:
    listed = interruptions.get("causes")
    if listed is None:
        return ()
    entries = [each for each in listed.items() if each.get("announced") is None or each["announced"].flag()]
    return tuple(Cause(each["code"].text(), each[language].text()) for each in entries)

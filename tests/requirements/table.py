"""The requirements of the five regulations against the agencies, each cell with its tests or its reason."""

from __future__ import annotations

import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from tests.requirements.marks import EACH, EVERY, TIERS, Mark

AGENCIES: Mapping[str, str] = {
    "huainan": "HN",
    "wuhu": "WU",
    "dalian-jinpu": "DL",
    "wuhan": "WH",
    "inner-mongolia": "NM",
}
"""Profile → the letters that its articles are cited by."""

REQUIREMENTS: Mapping[str, str] = {
    "R1": "Checked before it is used",
    "R2": "One keeper; handed over on record; never lent",
    "R3": "For enforcement alone",
    "R4": "The party is told beforehand, in the agency's words",
    "R5": "Voice statement, its items at its moment",
    "R6": "From arrival to the end, without a gap",
    "R7": "Key content",
    "R8": "No break without a cause of the text, explained by voice",
    "R9": "Cannot go on: reported as the text says",
    "R10": "Nothing chosen, added, inserted, deleted, edited",
    "R11": "Not recorded or stopped on a ground of the text",
    "R12": "Whole and confidential",
    "R13": "Fluent, high definition, long; loop recording; worn well",
    "R14": "No private copy",
    "R15": "Several units on one activity",
    "R16": "Secrets by the secrecy rules",
    "R17": "Start and end agree with the documents",
    "R18": "Repair in time from its discovery",
    "R19": "What must and may be recorded",
    "R20": "Handed over in time",
}

STORE: Mapping[str, str] = {
    "R21": "Collected centrally on the agency's own machines",
    "R22": "Labelled: the profile's fields; by department; retrievable",
    "R30": "Retention for its period, and no deletion before its end",
    "R31": "Long-term keeping of the text's classes, on disc",
    "R32": "Evidence copies with a written description",
    "R33": "Access with the approver's leave, registered",
    "R34": "Inspection by sample",
    "R35": "The case file in its time",
    "R36": "Parties and other organs may see and copy; third persons are protected",
    "R37": "No giving out or publication without leave",
    "R38": "Nothing is lost in keeping",
    "R39": "Retrievable at once, by a named custodian",
    "R40": "Obstruction by force goes to the police",
}
"""What handing over and the store are asked for."""

REASONS = Path(__file__).with_name("reasons.toml")


@dataclass(frozen=True)
class Cell:
    """What shows a requirement for an agency, and why there may be nothing of its own."""

    own: tuple[Mark, ...]
    shared: tuple[Mark, ...]
    reason: str | None
    """Why the text asks for nothing here; None where it does ask."""
    open: str | None
    """What is not shown yet; None where nothing is missing."""

    @property
    def tiers(self) -> str:
        """Letters of the surroundings in which it is shown, each once, the nearest to the code first."""
        found = {mark.tier for mark in (*self.own, *self.shared)}
        return "".join(letter for letter in dict.fromkeys(TIERS.values()) if letter in found)

    @property
    def empty(self) -> bool:
        """Neither shown, nor asked for by nobody, nor said to be open."""
        return not (self.own or self.shared or self.reason or self.open)


Notes = Mapping[tuple[str, str], str]


def notes(kind: str, path: Path = REASONS) -> Notes:
    """The entries of `reasons.toml` of one kind: `absent` or `open`, by requirement and agency."""
    entries = tomllib.loads(path.read_text("utf-8")).get(kind, [])
    found = {(entry["requirement"], agency): entry["text"] for entry in entries for agency in entry["agencies"]}
    if len(found) != sum(len(entry["agencies"]) for entry in entries):
        raise ValueError(f"{path.name}: a cell stands twice under {kind}; keep one entry for each")
    return found


def remarks(path: Path = REASONS) -> Mapping[str, str]:
    """The entries `later` of `reasons.toml`: requirement → how far the product is."""
    return {entry["requirement"]: entry["text"] for entry in tomllib.loads(path.read_text("utf-8")).get("later", [])}


def table_of(
    marks: Iterable[Mark], absent: Notes, still_open: Notes, requirements: Iterable[str] = REQUIREMENTS
) -> Mapping[tuple[str, str], Cell]:
    """Every cell of these requirements, by requirement and agency, in their order."""
    known = tuple(marks)
    return {
        (requirement, agency): Cell(
            tuple(mark for mark in known if mark.requirement == requirement and mark.is_of(agency)),
            tuple(mark for mark in known if mark.requirement == requirement and mark.agencies == (EVERY,)),
            absent.get((requirement, agency)),
            still_open.get((requirement, agency)),
        )
        for requirement in requirements
        for agency in AGENCIES
    }


def unknown_names(marks: Iterable[Mark]) -> Iterator[str]:
    """What a mark names that there is not."""
    for mark in marks:
        if mark.requirement not in REQUIREMENTS and mark.requirement not in STORE:
            yield f"{mark.file}: {mark.test}: no requirement {mark.requirement}"
        if not mark.tier:
            yield f"{mark.file}: no surroundings; name its folder in TIERS"
        if mark.agencies not in {(EVERY,), (EACH,)}:
            yield from (f"{mark.file}: {mark.test}: no agency {name}" for name in mark.agencies if name not in AGENCIES)

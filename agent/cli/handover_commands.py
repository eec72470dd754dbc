"""`recorder checkout` and `recorder checkin`: the unit is handed to officers and taken back (R2).

Rules of this module: reads the command line, asks the agent, says what came of it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

import click
from pydantic import ValidationError

from agent.cli.surroundings import MESSAGES, Surroundings, json_option, pass_surroundings, print_json, print_pairs
from agent.control_client import ask
from agent.control_wire import CheckinRequest, CheckoutRequest, OfficerEntry
from agent.errors import AssignmentError
from agent.profile import describe_short
from capture.voice.errors import ReadingError
from capture.voice.reading import check_reading

_RENDERING_SECONDS: Final = 300.0
"""All clips of two officers take a Pi Zero minutes; every sound in between is the agent's to bound."""
_ANSWER_SECONDS: Final = 60.0
"""The agent waits for a stalling card itself, and renders the notice anew, without names."""
_OFFICER: Final = re.compile(r"([^:]+):([^:]+)(?::(.+))?")


def officer_of(text: str) -> OfficerEntry:
    """Read `姓名:证号[:reading]`.

    Raises:
        AssignmentError: It is not of that form, or a part of it cannot be used.
    """
    # Full-width letters, digits and colons are what a Chinese keyboard gives; NFKC makes the usual ones of them.
    found = _OFFICER.fullmatch(unicodedata.normalize("NFKC", text))
    if found is None:
        raise AssignmentError(f"--officer {text!r}: write 姓名:证号[:reading], for example 张某:A001:zhang1 mou3")
    name, number, reading = (part and part.strip() for part in found.groups())
    try:
        if reading:
            check_reading(name, reading)
        return OfficerEntry(name=name, certificate_number=number, reading=reading)
    except ReadingError as error:
        raise AssignmentError(f"--officer {text!r}: {error}") from error
    except ValidationError as error:
        raise AssignmentError(f"--officer {text!r}: {describe_short(error)}") from error


def fields_of(texts: Sequence[str]) -> dict[str, str]:
    """Take labels apart.

    Raises:
        AssignmentError: One has no code or no text, or a code stands twice.
    """
    found: dict[str, str] = {}
    for text in texts:
        code, _, value = (part.strip() for part in text.partition("="))
        if not code or not value:
            raise AssignmentError(f"--field {text!r}: give CODE=TEXT, for example case-number=2026-18")
        if code in found:
            raise AssignmentError(f"--field {code!r} stands twice; give each field once")
        found[code] = value
    return found


@click.command()
@click.option(
    "--officer", "officers", multiple=True, metavar="姓名:证号[:读音]", help="执法人员 / Officer; give it for each."
)
@click.option("--activity", metavar="ID", help="执法活动编号 / Id of the activity.")
@click.option("--category", metavar="CODE", help="执法活动类别 / Category of the profile.")
@click.option("--label", metavar="CODE", help="密级标签 / Secrecy label of the profile.")
@click.option(
    "--field",
    "fields",
    multiple=True,
    metavar="CODE=TEXT",
    help="标签，如 case-number=2026-18 / Label of the recordings, by a field of the profile; give it for each.",
)
@click.option("--department", metavar="NAME", help="科室 / Department that the recordings are kept under.")
@click.option("--away", metavar="CODE", help="延期移交理由 / Reason of the profile for the later transfer limit.")
@json_option
@pass_surroundings
def checkout(  # noqa: PLR0913, PLR0917 - click hands over each option
    surroundings: Surroundings,
    officers: tuple[str, ...],
    activity: str | None,
    category: str | None,
    label: str | None,
    fields: tuple[str, ...],
    department: str | None,
    away: str | None,
    as_json: bool,
) -> None:
    """领用：把记录仪交给执法人员 / Hand the unit to officers; the notice is made ready in their names."""
    if not officers:
        raise AssignmentError("no officers; name each with --officer 姓名:证号, for example --officer 张某:A001")
    try:
        request = CheckoutRequest(
            officers=tuple(officer_of(text) for text in officers),
            activity_id=activity,
            category=category,
            label=label,
            fields=fields_of(fields),
            department=department,
            away=away,
        )
    except ValidationError as error:
        raise AssignmentError(f"checkout: {describe_short(error)}") from error
    with MESSAGES.status(surroundings.words("正在准备语音…", "Making the voice ready …")):
        answer = ask(surroundings.paths().socket, request, _RENDERING_SECONDS)
    if as_json:
        print_json(answer)
        return
    print_pairs(
        (
            (surroundings.words("已领用", "Checked out"), "、".join(entry.name for entry in request.officers)),
            (surroundings.words("记录序号", "Record"), str(answer.get("sequence"))),
        )
    )
    hints = (("wearing", "佩戴", "Wearing"), ("content", "记录内容", "To be recorded"))
    print_pairs((surroundings.words(zh, en), str(answer[key])) for key, zh, en in hints if answer.get(key))
    remarks = answer.get("remarks")
    for remark in remarks if isinstance(remarks, list) else ():
        if isinstance(remark, dict):
            said = surroundings.words(str(remark.get("zh")), str(remark.get("en")))
            MESSAGES.print(f"{surroundings.words('注意', 'Note')}: {said}")


@click.command()
@json_option
@pass_surroundings
def checkin(surroundings: Surroundings, as_json: bool) -> None:
    """归还 / Take the unit back."""
    answer = ask(surroundings.paths().socket, CheckinRequest(), _ANSWER_SECONDS)
    if as_json:
        print_json(answer)
        return
    click.echo(surroundings.words("已归还", "Checked in"))

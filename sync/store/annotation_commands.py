"""`recorder-store operator`, `annotate`, `annotations`: what the back office states beside the evidence.

Rules of this module: the command line alone; results on stdout, messages on stderr. Times without a zone are China's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Final

import click
from pydantic import ValidationError

from sync.deadlines import CHINA_STANDARD_TIME
from sync.store.annotating import check_draft, subject_of, task_row
from sync.store.annotation import Stated, Subject
from sync.store.annotations import Annotations, Draft, standing
from sync.store.authority import Authority
from sync.store.ledger import Ledger
from sync.store.operator_keys import load_operator_key, make_operator
from sync.store.overview import Overview
from sync.store.register import Register
from sync.store.settings import load_settings
from sync.store.statements import KINDS, STATEMENT, Closing, Statement
from sync.store.tables import NS, Directory, JsonOption, Row, hex_text, now, now_utc_ns, show, time_text, with_ledger
from sync.wire import device_id_of, file_id_of

Store = click.argument("directory", type=Directory)
KeyOption = click.option(
    "--key", "key_file", required=True, type=click.Path(path_type=Path, dir_okay=False), help="The person's own key."
)
PasswordOption = click.option(
    "--password-file", type=click.Path(path_type=Path, dir_okay=False, exists=True), help="Holds the key's password."
)
_TIMES: Final = ("started", "ended", "happened", "discovered", "repaired")
_MAPS: Final = {"labels": ("labels", ("department",)), "work-record": ("fields", ("task", "written_by"))}
"""Kinds whose pairs are a map of the profile's own words, and the pairs that are not part of it."""


@click.group("operator")
def operator_group() -> None:
    """The people of the back office who may annotate."""


@operator_group.command("add")
@Store
@click.argument("name")
@click.option("--office", required=True, help="What the person is in the agency.")
@KeyOption
@PasswordOption
def add_operator(directory: Path, name: str, office: str, key_file: Path, password_file: Path | None) -> None:
    """Make a key for NAME and let it annotate in the store in DIRECTORY; the key goes into a file of its owner's."""
    load_settings(directory)
    certificate = make_operator(Authority(directory), name, office, key_file, now(), password_in(password_file))
    with_ledger(directory, lambda ledger: Annotations(ledger).add_operator(certificate, now_utc_ns()))
    click.echo(f"{name} ({office}) may annotate; the key is in {key_file}: give it to nobody else", err=True)


@operator_group.command("end")
@Store
@click.argument("name")
@click.option("--why", required=True, help="Why: left the agency, lost the key, …")
def end_operator(directory: Path, name: str, why: str) -> None:
    """Let NAME annotate no more; what was stated stays."""
    count = with_ledger(directory, lambda ledger: Annotations(ledger).end_operator(name, why, now_utc_ns()))
    click.echo(f"{name} may annotate no more; {count} keys ended", err=True)


@operator_group.command("list")
@Store
@JsonOption
def list_operators(directory: Path, as_json: bool) -> None:
    """List who may and who might annotate."""
    rows: list[Row] = [
        {
            "name": one.operator.name,
            "office": one.operator.office,
            "since": time_text(one.since_utc_ns),
            "ended": time_text(one.ended_utc_ns),
            "why": one.ended_why,
            "certificate_sha256": one.operator.certificate_sha256.hex(),
        }
        for one in with_ledger(directory, lambda ledger: Annotations(ledger).operators())
    ]
    show("operators", rows, as_json)


@click.command()
@Store
@click.argument("kind", type=click.Choice(KINDS))
@click.argument("pairs", nargs=-1, metavar="[NAME=VALUE]...")
@KeyOption
@PasswordOption
@click.option("--task", "task_id", help="The task that is answered; it says what is spoken of.")
@click.option("--unit", "device_id", help="The unit that is spoken of.")
@click.option("--session", "session_id", help="Its recording that is spoken of.")
@click.option("--file", "file_id", help="Its file that is spoken of.")
@click.option("--supersedes", help="Hash of the annotation that no longer holds.")
def annotate(  # noqa: PLR0913, PLR0917 - one parameter for each option
    directory: Path,
    kind: str,
    pairs: tuple[str, ...],
    key_file: Path,
    password_file: Path | None,
    task_id: str | None,
    device_id: str | None,
    session_id: str | None,
    file_id: str | None,
    supersedes: str | None,
) -> None:
    """State something about a recording, file, unit or task of the store in DIRECTORY; the evidence stays as it is.

    KIND and its NAME=VALUE pairs are in sync/README.md, «Annotations».
    """
    if (task_id is None) is (device_id is None):
        raise click.UsageError("name what is spoken of: --task, or --unit with --session or --file where it is one")
    given = dict(_pair(one) for one in pairs) | ({} if task_id is None else {"task": task_id})
    statement = _statement(kind, given)

    def about(overview: Overview) -> Draft:
        if task_id is not None:
            subject = subject_of(task_row(overview, task_id))
        else:
            subject = _subject(device_id or "", session_id, file_id)
        return Draft(subject, statement, None if supersedes is None else _hash(supersedes))

    made = state(directory, about, key_file, password_file)
    click.echo(f"annotation {made.annotation.number} by {made.operator.name}", err=True)
    click.echo(made.digest.hex())


def state(directory: Path, about: Callable[[Overview], Draft], key_file: Path, password_file: Path | None) -> Stated:
    """Sign a statement with somebody's key and append it.

    Raises:
        ContentError: It cannot be made about that.
        StoreError: The key cannot be used, or may annotate no more.
    """
    key, store_id = load_operator_key(key_file, password_in(password_file)), load_settings(directory).store_id

    def use(ledger: Ledger) -> Stated:
        overview = Overview(ledger, Register(ledger))
        draft = about(overview)
        check_draft(overview, draft)
        return Annotations(ledger).add(draft, store_id, key, now_utc_ns())

    return with_ledger(directory, use)


def close_task(directory: Path, task_id: str, why: str, key_file: Path, password_file: Path | None) -> Stated:
    """Close a task by a signed statement; raises as `state`."""

    def about(overview: Overview) -> Draft:
        return Draft(subject_of(task_row(overview, task_id)), Closing(task=task_id, text=why))

    return state(directory, about, key_file, password_file)


@click.command("annotations")
@Store
@JsonOption
@click.option("--unit", "device_id", help="About this unit alone.")
@click.option("--session", "session_id", help="About this recording alone.")
@click.option("--holding", is_flag=True, help="What holds alone: neither superseded nor taken back.")
def list_annotations(
    directory: Path, as_json: bool, device_id: str | None, session_id: str | None, holding: bool
) -> None:
    """List what was stated, in its order, with who stated it."""
    stated = with_ledger(directory, lambda ledger: Annotations(ledger).all())
    holds = {one.digest for one in standing(stated)}
    rows = [
        _row(one, stated, one.digest in holds)
        for one in stated
        if device_id in {None, one.annotation.subject.device_id}
        and session_id in {None, hex_text(one.annotation.subject.session_id)}
        and (one.digest in holds or not holding)
    ]
    show("annotations", rows, as_json)


def _row(one: Stated, stated: Sequence[Stated], holds: bool) -> Row:
    made = one.annotation
    by = next((later.digest.hex() for later in stated if later.annotation.supersedes == one.digest), None)
    said = made.statement.model_dump(exclude={"kind"}, exclude_none=True)
    return {
        "number": made.number,
        "hash": one.digest.hex(),
        "stated": time_text(made.stated_utc_ns),
        "by": one.operator.name,
        "office": one.operator.office,
        "device_id": made.subject.device_id,
        "session_id": hex_text(made.subject.session_id),
        "file_id": hex_text(made.subject.file_id),
        "kind": made.statement.kind,
        "says": {key: time_text(value) if key.endswith("_utc_ns") else value for key, value in said.items()},
        "holds": holds,
        "supersedes": hex_text(made.supersedes),
        "superseded_by": by,
    }


def _pair(text: str) -> tuple[str, str]:
    name, sign, value = text.partition("=")
    if not sign or not name:
        raise click.UsageError(f"{text!r} is not NAME=VALUE")
    return name, value


def _statement(kind: str, given: dict[str, str]) -> Statement:
    plain: dict[str, object] = {"kind": kind}
    inner, outside = _MAPS.get(kind, ("", tuple(given)))
    if inner:
        plain[inner] = {name: value for name, value in given.items() if name not in outside}
    for name in (one for one in given if one in outside):
        plain[f"{name}_utc_ns" if name in _TIMES else name] = _time(given[name]) if name in _TIMES else given[name]
    try:
        return STATEMENT.validate_python(plain)
    except ValidationError as error:
        found = error.errors()[0]
        where = ".".join(str(one) for one in found["loc"][1:])
        raise click.UsageError(f"{kind} {where}: {found['msg']}") from error


def _time(text: str) -> int:
    try:
        when = datetime.fromisoformat(text)
    except ValueError as error:
        raise click.UsageError(f"{text!r} is no time; write it as 2026-03-01T09:30") from error
    zoned = when if when.tzinfo is not None else when.replace(tzinfo=CHINA_STANDARD_TIME)
    return int(zoned.timestamp()) * NS


def _subject(device_id: str, session_id: str | None, file_id: str | None) -> Subject:
    if session_id is not None and file_id is not None:
        raise click.UsageError("--session and --file: name one of them")
    name = None if file_id is None else bytes.fromhex(file_id_of(file_id))
    return Subject(device_id_of(device_id), None if session_id is None else _hash(session_id), name)


def _hash(digits: str) -> bytes:
    try:
        return bytes.fromhex(digits)
    except ValueError as error:
        raise click.UsageError(f"{digits[:80]!r} is not in hexadecimal digits") from error


def password_in(password_file: Path | None) -> bytes | None:
    """The password that a file holds, without the end of its line; None where none was named. Raises OSError."""
    return None if password_file is None else password_file.read_bytes().rstrip(b"\r\n")

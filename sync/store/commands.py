"""The commands of `recorder-store` that look, check, keep and decide; `store_main` puts them into its group.

Rules of this module: the command line alone; results on stdout, messages on stderr.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Final

import click

from sync.store.activity_commands import activities
from sync.store.alert_commands import alerts
from sync.store.annotation_commands import PasswordOption, annotate, close_task, list_annotations, operator_group
from sync.store.backup import back_up, restore
from sync.store.broker_commands import broker_files
from sync.store.custody import take_in
from sync.store.custody_commands import accept_file
from sync.store.fleet_commands import fleet
from sync.store.fork_commands import export_fork, forks
from sync.store.fsck import check_store
from sync.store.key_commands import rotate
from sync.store.ledger import Ledger
from sync.store.log_commands import log_group
from sync.store.overview import Overview, TaskRow
from sync.store.policy_commands import policy_group, tell_verifiers, trust_group
from sync.store.publish_commands import publish
from sync.store.register import Register
from sync.store.service import only_one, opened_intake
from sync.store.session_rows import due_rows, session_row
from sync.store.settings import load_settings
from sync.store.tables import Directory, JsonOption, Row, hex_text, now_utc_ns, show, time_text, with_ledger
from sync.wire import device_id_of

_DAY_NS: Final = 86_400 * 1_000_000_000
Device = click.argument("device_id")
Store = click.argument("directory", type=Directory)


def _overview(directory: Path, read: Callable[[Overview, Register, Ledger], list[Row]]) -> list[Row]:
    def use(ledger: Ledger) -> list[Row]:
        register = Register(ledger)
        return read(Overview(ledger, register), register, ledger)

    return with_ledger(directory, use)


@click.command()
@Store
@JsonOption
@click.option("--silent-days", default=7, show_default=True, help="A unit unheard for so long counts as silent.")
def units(directory: Path, as_json: bool, silent_days: int) -> None:
    """List the units of the store in DIRECTORY."""

    def read(overview: Overview, register: Register, ledger: Ledger) -> list[Row]:
        heard = register.contacts()
        silent = overview.silent(now_utc_ns(), silent_days * _DAY_NS)
        rows: list[Row] = []
        for unit in ledger.units():
            count, size_bytes, sequence = ledger.holds(unit.device_id)
            rows.append(
                {
                    "device_id": unit.device_id,
                    "assurance": unit.assurance.value,
                    "enrolled": time_text(unit.enrolled_utc_ns),
                    "revoked": unit.revoked,
                    "heard": time_text(heard.get(unit.device_id)),
                    "silent": unit.device_id in silent,
                    "files": count,
                    "size_bytes": size_bytes,
                    "head_sequence": sequence,
                    "parked": len(ledger.parked(unit.device_id)),
                    "held": len(register.held(unit.device_id)),
                }
            )
        return rows

    show("units", _overview(directory, read), as_json)


@click.command()
@Store
@JsonOption
@click.option("--unit", "device_id", help="Of this unit alone.")
@click.option("--unreceipted", is_flag=True, help="Those alone that are not whole here: what a lost unit takes along.")
@click.option("--department", help="Of this department alone (R22).")
@click.option("--activity", help="Of this activity alone, of whatever units (R15).")
def sessions(
    directory: Path,
    as_json: bool,
    device_id: str | None,
    unreceipted: bool,
    department: str | None,
    activity: str | None,
) -> None:
    """List the recordings of the store in DIRECTORY with their due times."""

    def read(overview: Overview, _: Register, __: Ledger) -> list[Row]:
        devices = overview.devices() if device_id is None else (device_id,)
        found = [row for one in devices for row in overview.sessions(one)]
        wanted = [row for row in found if not (unreceipted and row.complete)]
        shown = [session_row(overview, row, now_utc_ns()) for row in wanted]
        return [row for row in shown if department in {None, row["department"]} and activity in {None, row["activity"]}]

    show("sessions", _overview(directory, read), as_json)


@click.command()
@Store
@JsonOption
@click.option("--overdue", "late", is_flag=True, help="What is late alone.")
def due(directory: Path, as_json: bool, late: bool) -> None:
    """List what is owed to the store in DIRECTORY, and by when: recordings (R20) and their labels (R22)."""

    def read(overview: Overview, _: Register, __: Ledger) -> list[Row]:
        return due_rows(overview, now_utc_ns(), late=late)

    show("due", _overview(directory, read), as_json)


@click.command()
@Store
@JsonOption
@click.option("--closed", is_flag=True, help="What was done, instead of what is to be done.")
@click.option("--close", "task_id", help="State that a task needs nothing more; signed.")
@click.option("--note", help="Why; goes with --close.")
@click.option("--key", "key_file", type=click.Path(path_type=Path, dir_okay=False), help="The person's own key.")
@PasswordOption
def tasks(
    directory: Path,
    as_json: bool,
    closed: bool,
    task_id: str | None,
    note: str | None,
    key_file: Path | None,
    password_file: Path | None,
) -> None:
    """List what is to be done by what units sealed, with the facts filled in."""
    if len({one is None for one in (task_id, note, key_file)}) > 1:
        raise click.UsageError("--close, --note and --key go together")
    if task_id is not None and note is not None and key_file is not None:
        if task_id not in {str(row["task_id"]) for row in _open_tasks(directory)}:
            raise click.UsageError(f"no open task {task_id}; see `recorder-store tasks`")
        close_task(directory, task_id, note, key_file, password_file)

    def read(overview: Overview, _: Register, __: Ledger) -> list[Row]:
        return [_task_row(row, now_utc_ns()) for row in overview.task_rows() if row.done is closed]

    show("tasks", _overview(directory, read), as_json)


def _open_tasks(directory: Path) -> list[Row]:
    return _overview(directory, lambda overview, _, __: [{"task_id": one.task_id} for one in overview.tasks()])


@click.command()
@Store
@JsonOption
def fsck(directory: Path, as_json: bool) -> None:
    """Check everything that the store in DIRECTORY holds against its receipts; it may be served meanwhile."""
    with opened_intake(directory, now_utc_ns) as intake:
        found = check_store(intake)
    rows: list[Row] = [
        {"device_id": one.device_id, "file_id": one.file_id, "code": one.code, "detail": one.detail}
        for one in found.faults
    ]
    show("faults", rows, as_json)
    click.echo(f"{found.files} files, {found.bytes} bytes checked, {len(found.faults)} faults", err=True)
    sys.exit(os.EX_DATAERR if found.faults else os.EX_OK)


@click.command()
@Store
@click.argument("target", type=Directory)
@click.option("--with-keys", is_flag=True, help="Take the private keys along; keep the backup as safe as them.")
def backup(directory: Path, target: Path, with_keys: bool) -> None:
    """Copy the store in DIRECTORY to TARGET, while it is served or not."""
    count = back_up(directory, target, with_keys=with_keys)
    click.echo(f"{count} files in {target}", err=True)


@click.command("restore")
@click.argument("source", type=Directory)
@Store
def restore_store(source: Path, directory: Path) -> None:
    """Make the store DIRECTORY out of the backup SOURCE; check it with fsck before it is served."""
    count = restore(source, directory)
    click.echo(f"{count} files in {directory}; bring keys/ if the backup has none, then run fsck", err=True)


@click.command()
@Store
@Device
@click.option("--reason", required=True, help="Why: lost, stolen, retired, …")
@click.option("--door-only", is_flag=True, help="Go on believing what it sealed: it was retired in order.")
def revoke(directory: Path, device_id: str, reason: str, door_only: bool) -> None:
    """Let a unit in no more; lists its recordings that are not whole here (SY-36).

    Verifiers learn of it by a new device policy (SF-53), which is signed and handed down where the CA's key is there.
    """

    def read(overview: Overview, register: Register, _: Ledger) -> list[Row]:
        register.revoke(device_id, reason, now_utc_ns())
        return [session_row(overview, row, now_utc_ns()) for row in overview.unreceipted(device_id)]

    rows = _overview(directory, read)
    click.echo(f"unit {device_id} is revoked; {len(rows)} recordings are not whole here", err=True)
    show("not whole", rows, as_json=False)
    if not door_only:
        tell_verifiers(directory, device_id)


@click.command()
@Store
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
def profile(directory: Path, file: Path) -> None:
    """Let the store in DIRECTORY know the profile in FILE, byte for byte as the units have it."""
    content = file.read_bytes()
    rules = with_ledger(directory, lambda ledger: Register(ledger).add_profile(content, now_utc_ns()))
    click.echo(f"profile {rules.profile_id} {rules.profile_sha256} is known", err=True)


@click.command()
@Store
@Device
@click.argument("session_id")
def want(directory: Path, device_id: str, session_id: str) -> None:
    """Have a recording sent before everything else, at the unit's next docking."""
    try:
        digits = bytes.fromhex(session_id)
    except ValueError as error:
        raise click.UsageError(f"{session_id} is no recording's id; see `recorder-store sessions`") from error
    with_ledger(directory, lambda ledger: Register(ledger).want(device_id_of(device_id), digits, now_utc_ns()))


@click.command("intake")
@Store
@Device
@click.argument("spool", type=Directory)
@JsonOption
def intake_files(directory: Path, device_id: str, spool: Path, as_json: bool) -> None:
    """Take in the sealed files of a card that somebody brought; the store must not be served meanwhile.

    A revoked unit's files are verified and parked for a custodian to accept; any other's get receipts.
    """
    load_settings(directory)
    with only_one(directory), opened_intake(directory, now_utc_ns) as intake:
        rows: list[Row] = [
            {"file_number": one.number, "file_id": one.file_id, "state": one.state, "reason": one.reason}
            for one in take_in(intake, device_id_of(device_id), spool)
        ]
    show("intake", rows, as_json)


def _task_row(row: TaskRow, now_ns: int) -> Row:
    task, closing = row.task, row.closing
    return {
        "task_id": task.task_id,
        "device_id": task.device_id,
        "kind": task.kind.value,
        "since": time_text(task.since_utc_ns),
        "due": time_text(task.due_utc_ns),
        "overdue": not row.done and task.overdue_at(now_ns),
        "session_id": hex_text(task.session_id),
        "addressee": task.addressee,
        "facts": {key: _fact(key, value) for key, value in task.facts.items() if value is not None},
        "fields": list(task.fields),
        "wanting": [] if row.done else list(row.wanting),
        "answered_by": [one.operator.name for one in row.answers],
        "closed_by": None if closing is None else closing.closed_by,
    }


def _fact(key: str, value: str | int | None) -> str | int | None:
    return time_text(value) if key.endswith("_utc_ns") and isinstance(value, int) else value


ALL: Final = (
    units,
    sessions,
    due,
    tasks,
    alerts,
    fsck,
    backup,
    restore_store,
    revoke,
    profile,
    want,
    intake_files,
    accept_file,
    publish,
    policy_group,
    trust_group,
    rotate,
    log_group,
    operator_group,
    annotate,
    list_annotations,
    forks,
    export_fork,
    activities,
    broker_files,
    fleet,
)

"""`recorder-store accept`: a custodian decides about a revoked unit's file (SY-36).

Rules of this module: the command line alone; messages on stderr. With a key the decision is signed and stays beside the
file; without one it is a word in the log.
"""

from __future__ import annotations

from pathlib import Path

import click

from sync.store.annotation import Subject
from sync.store.annotation_commands import PasswordOption, password_in
from sync.store.annotations import Annotations, Draft
from sync.store.custody import accept
from sync.store.operator_keys import load_operator_key
from sync.store.service import only_one, opened_intake
from sync.store.settings import load_settings
from sync.store.statements import Acceptance
from sync.store.tables import Directory, now_utc_ns
from sync.store.vault import Name
from sync.wire import device_id_of, file_id_of


@click.command("accept")
@click.argument("directory", type=Directory)
@click.argument("device_id")
@click.argument("file_id")
@click.option("--key", "key_file", type=click.Path(path_type=Path, dir_okay=False), help="The custodian's own key.")
@PasswordOption
@click.option("--why", help="Why; signed with --key.")
@click.option("--by", "accepted_by", help="Name of the custodian, where there is no key: a word alone.")
def accept_file(
    directory: Path,
    device_id: str,
    file_id: str,
    key_file: Path | None,
    password_file: Path | None,
    why: str | None,
    accepted_by: str | None,
) -> None:
    """Promise a file of a revoked unit after all; the store must not be served meanwhile."""
    if (key_file is None) is (accepted_by is None) or (key_file is None) is not (why is None):
        raise click.UsageError("say who decides: --key with --why, or --by")
    name, settings = Name(device_id_of(device_id), file_id_of(file_id)), load_settings(directory)
    key = None if key_file is None else load_operator_key(key_file, password_in(password_file))
    with only_one(directory), opened_intake(directory, now_utc_ns) as intake:
        annotations = Annotations(intake.ledger)
        who = accepted_by or "" if key is None else annotations.operator_with(key).name
        accept(intake, name, who)
        if key is not None:
            draft = Draft(Subject(name.device_id, None, bytes.fromhex(name.file_id)), Acceptance(text=why or ""))
            annotations.add(draft, settings.store_id, key, now_utc_ns())
    click.echo(f"{file_id} is promised, by {who}", err=True)

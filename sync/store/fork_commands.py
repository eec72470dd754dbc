"""`recorder-store forks | export-fork`: chains that stand twice, and the folder that proves it.

Rules of this module: the command line alone; results on stdout, messages on stderr.
"""

from __future__ import annotations

from pathlib import Path

import click

from sync.store.forks import Forks
from sync.store.service import opened_intake
from sync.store.tables import Directory, JsonOption, Row, now_utc_ns, show
from sync.wire import device_id_of

Store = click.argument("directory", type=Directory)


@click.command()
@Store
@JsonOption
def forks(directory: Path, as_json: bool) -> None:
    """List the records that units of the store in DIRECTORY have sealed twice (SY-17, SY-32); 0 lines: none."""
    with opened_intake(directory, now_utc_ns) as intake:
        found = Forks(intake).found()
    rows: list[Row] = [
        {
            "device_id": fork.device_id,
            "sequence": fork.sequence,
            "record_hash": side.record_hash.hex(),
            "source": side.source,
            "file_id": None if side.file is None else side.file.file_id,
        }
        for fork in found
        for side in fork.sides
    ]
    show("forks", rows, as_json)


@click.command("export-fork")
@Store
@click.argument("device_id")
@click.argument("sequence", type=click.IntRange(min=1))
@click.argument("folder", type=Directory)
def export_fork(directory: Path, device_id: str, sequence: int, folder: Path) -> None:
    """Write both records SEQUENCE of a unit into FOLDER, as proof that anybody can check: `recorder verify-fork`."""
    with opened_intake(directory, now_utc_ns) as intake:
        Forks(intake).export(device_id_of(device_id), sequence, folder)
    click.echo(
        f"both records {sequence} of {device_id} are in {folder}; README.txt there says how to check them", err=True
    )

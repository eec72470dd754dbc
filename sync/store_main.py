"""`recorder-store`: the agency's side.

Rules of this module: the command line alone; results on stdout, messages on stderr.

Exit codes: 0 done · 64 wrong usage · 65 a request is malformed or forged, content does not verify, or fsck found
faults · 73 a file cannot be made or would be overwritten · 74 the disk failed, or the address cannot be listened on ·
78 the store's folder, a profile or a backup is missing or damaged. One that is not listed here means failure.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Final

import click
from pydantic import ValidationError
from sqlalchemy import RowMapping

from sealing.oids import Assurance
from sync import durable
from sync.command_line import run
from sync.errors import ConfigurationError, ContentError, EnrolmentError, StoreError, WireError
from sync.inbox import receipt_name
from sync.store.authority import WARNING, Authority, create_authority, enrol
from sync.store.commands import ALL
from sync.store.doorkeeper import HEAD_SECONDS
from sync.store.engines import ledger_of
from sync.store.gateway import gateway
from sync.store.ledger import Ledger, Unit
from sync.store.operations import JsonFormatter
from sync.store.register import Register
from sync.store.service import Listening, serve
from sync.store.settings import StoreSettings, load_settings, save_settings
from sync.store.tables import (
    Directory,
    JsonOption,
    hex_text,
    now,
    now_utc_ns,
    show,
    time_text,
    with_ledger,
)

_DEFAULT_PORT: Final = 8370
_LOCAL_HOSTS: Final = ("localhost", "127.0.0.1", "::1")
_EXIT_CODES: Final[Mapping[type[Exception], int]] = {
    EnrolmentError: os.EX_DATAERR,
    ContentError: os.EX_DATAERR,
    WireError: os.EX_USAGE,
    ConfigurationError: os.EX_CONFIG,
    StoreError: os.EX_CONFIG,
    FileExistsError: os.EX_CANTCREAT,
    OSError: os.EX_IOERR,
}


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def commands() -> None:
    """Keep what recorders seal: receive it, verify it, promise it."""


@commands.command()
@click.argument("directory", type=Directory)
@click.option("--store-id", default="store", show_default=True, help="Names the store in receipts.")
@click.option("--url", default=f"https://localhost:{_DEFAULT_PORT}", show_default=True, help="Where units find it.")
@click.option("--host", "hosts", multiple=True, help="Another name or address of the store, for its TLS certificate.")
@click.option(
    "--suite",
    type=click.Choice(["1", "2", "3"]),
    default="1",
    show_default=True,
    help="What units seal by: 1; 2, with post-quantum wraps; 3, SM2, SM3 and SM4.",
)
@click.option("--ledger", help="Keep rows in a database: postgresql://user@host/name. [a file]")
@click.option("--objects", help="Keep content in a bucket: s3://bucket/prefix. [the folder]")
@click.option("--s3-endpoint", help="The bucket's server. [Amazon's]")
@click.option("--s3-region", default="us-east-1", show_default=True, help="The bucket's region.")
@click.option("--s3-credentials", type=click.Path(path_type=Path), help="File with its key. [environment, role]")
@click.option("--lock-days", type=int, help="Objects can be neither deleted nor replaced for so long (Object Lock).")
def init(  # noqa: PLR0913, PLR0917 - one parameter for each option
    directory: Path,
    store_id: str,
    url: str,
    hosts: tuple[str, ...],
    suite: str,
    ledger: str | None,
    objects: str | None,
    s3_endpoint: str | None,
    s3_region: str,
    s3_credentials: Path | None,
    lock_days: int | None,
) -> None:
    """Make a store with an agency CA, receipt key and two recipients in an empty DIRECTORY.

    With --ledger and --objects several processes may serve it (docs/scaling.md).
    """
    bucket = {
        "url": objects,
        "endpoint": s3_endpoint,
        "region": s3_region,
        "credentials": s3_credentials,
        "lock_days": lock_days,
    }
    settings = _settings(store_id=store_id, url=url, ledger=ledger, objects=bucket if objects else None)
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise FileExistsError(f"{directory} is not empty; name a new folder")
    names = tuple(dict.fromkeys((settings.host, *hosts, *_LOCAL_HOSTS)))
    create_authority(directory, store_id, names, now(), int(suite))
    ledger_of(directory, settings).close()
    save_settings(directory, settings)
    click.echo(f"store {store_id} made in {directory}\n\n{directory / 'keys'}: {WARNING}", err=True)


@commands.command("enrol")
@click.argument("request", type=click.Path(path_type=Path, dir_okay=False))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Where the signed bundle goes.")
@click.option(
    "--dir", "directory", type=Directory, default=Path(), envvar="RECORDER_STORE", help="The store's folder. [.]"
)
@click.option("--url", help="Another store URL for this unit.")
@click.option("--hardware-seen", is_flag=True, help="You have seen that the unit's device key lives in a token or TPM.")
@click.option("--lift-revocation", is_flag=True, help="The unit was revoked and has come back: let it in again.")
@click.option("--deny-old", is_flag=True, help="Its link certificate until now opens no connection any more.")
def enrol_unit(
    request: Path,
    output: Path,
    directory: Path,
    url: str | None,
    hardware_seen: bool,
    lift_revocation: bool,
    deny_old: bool,
) -> None:
    """Take a unit in: sign its REQUEST, write the bundle that makes it this agency's."""
    settings = load_settings(directory)
    asked = request.read_bytes()
    where = url or settings.url
    enrolled = enrol(Authority(directory), asked, settings.store_id, where, now(), hardware_seen=hardware_seen)
    unit = Unit(enrolled.device_id, Assurance(enrolled.assurance), now_utc_ns(), revoked=False)
    certificates = (enrolled.device_certificate_der, enrolled.link_certificate_der)

    def write_in(ledger: Ledger) -> None:
        old = ledger.enrol(unit, *certificates, lift_revocation=lift_revocation)
        if deny_old and old is not None:
            Register(ledger).deny(unit.device_id, old, "enrolled again", now_utc_ns())

    with_ledger(directory, write_in)
    durable.write_file(output, enrolled.bundle, 0o644)
    click.echo(f"unit {unit.device_id} enrolled as {unit.assurance}; bundle in {output}", err=True)


@commands.command("serve")
@click.argument("directory", type=Directory)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=_DEFAULT_PORT, show_default=True, help="Port to listen on; 0 takes a free one.")
@click.option("--tls", is_flag=True, help="HTTPS, TLS 1.3 with client certificates.")
@click.option("--reserve-mb", default=64, show_default=True, help="Room on the disk that uploads must leave, in MiB.")
@click.option("--body-idle-seconds", default=30.0, show_default=True, help="Longest stillness of an upload.")
@click.option("--operations-port", type=int, help="Health and metrics on 127.0.0.1 at this port, without TLS.")
@click.option("--fsck-hours", default=24.0, show_default=True, help="Hours between checks of everything; 0: none.")
@click.option("--head-seconds", default=HEAD_SECONDS, show_default=True, help="Longest wait for a request's head.")
@click.option("--mqtt", "mqtt_url", metavar="URL", help="Serve units through this broker, too: mqtts://HOST:PORT.")
@click.option("--log-json", is_flag=True, help="Log JSON lines.")
@click.option("-v", "--verbose", is_flag=True, help="Log every refusal.")
def serve_store(  # noqa: PLR0913, PLR0917 - one parameter for each option
    directory: Path,
    host: str,
    port: int,
    tls: bool,
    reserve_mb: int,
    body_idle_seconds: float,
    operations_port: int | None,
    fsck_hours: float,
    head_seconds: float,
    mqtt_url: str | None,
    log_json: bool,
    verbose: bool,
) -> None:
    """Serve the store in DIRECTORY until SIGTERM; says in one JSON line where it listens."""
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    if log_json:
        for handler in logging.getLogger().handlers:
            handler.setFormatter(JsonFormatter())
    if not tls and host not in _LOCAL_HOSTS:
        click.echo("warning: plain HTTP beyond this machine; use --tls", err=True)
    reserve_bytes = reserve_mb * 1024 * 1024
    limits = (body_idle_seconds, operations_port, fsck_hours, head_seconds, mqtt_url)
    listening = Listening(host, port, tls, reserve_bytes, *limits)

    def ready(url: str, recovered: int) -> None:
        click.echo(json.dumps({"listening": url, "recovered": recovered}))
        sys.stdout.flush()

    serve(directory, listening, now_utc_ns, ready)


@commands.command()
@click.argument("directory", type=Directory)
@click.option("--unit", "device_id", metavar="ID", help="Only this unit's.")
@click.option(
    "--export",
    "folder",
    type=click.Path(path_type=Path, file_okay=False),
    help="Write them there, byte for byte, as NNNNNNNN.receipt: the folder `receipts` of a verifier's trust.",
)
@JsonOption
def receipts(directory: Path, device_id: str | None, folder: Path | None, as_json: bool) -> None:
    """List the receipts of the store in DIRECTORY, or export them as witnesses of how far a chain went."""
    found = with_ledger(directory, lambda ledger: [row for row in ledger.files() if _is_of(row, device_id)])
    if folder is not None:
        _export(found, folder)
    show("receipts", [_receipt_row(row) for row in found], as_json)


def _is_of(row: RowMapping, device_id: str | None) -> bool:
    return device_id is None or row["device_id"] == device_id


def _export(rows: Sequence[RowMapping], folder: Path) -> None:
    """One unit's receipts into a folder; file numbers of two units would collide there."""
    units = {row["device_id"] for row in rows}
    if len(units) > 1:
        raise click.UsageError(f"--export takes one unit's receipts; name it with --unit ({', '.join(sorted(units))})")
    folder.mkdir(parents=True, exist_ok=True)
    for row in rows:
        durable.write_file(folder / receipt_name(row["file_number"]), row["receipt"])


@commands.command()
@click.argument("directory", type=Directory)
@JsonOption
def files(directory: Path, as_json: bool) -> None:
    """List the files of the store in DIRECTORY, the parked ones behind the promised."""

    def read(ledger: Ledger) -> list[dict[str, object]]:
        promised = [_file_row(row) for row in ledger.files()]
        return promised + [
            {
                "device_id": one.device_id,
                "file_id": one.file_id,
                "size_bytes": one.size_bytes,
                "state": "parked",
                "reason": one.code,
                "detail": one.detail,
            }
            for one in ledger.parked()
        ]

    show("files", with_ledger(directory, read), as_json)


for command in (*ALL, gateway):
    commands.add_command(command)


def main() -> None:
    """Run the command line; turns errors into one line and an exit code."""
    run(commands, "recorder-store", _EXIT_CODES)


def _settings(**given: object) -> StoreSettings:
    try:
        return StoreSettings.model_validate(given)
    except ValidationError as error:
        wrong = error.errors()[0]
        named = ".".join(map(str, wrong["loc"])) or "settings"
        raise click.UsageError(f"{named}: {wrong['msg']}") from error


def _receipt_row(row: RowMapping) -> dict[str, object]:
    return {
        "device_id": row["device_id"],
        "receipt_number": row["receipt_number"],
        "file_number": row["file_number"],
        "file_id": hex_text(row["file_id"]),
        "received": time_text(int(str(row["received_utc_ns"]))),
        "size_bytes": row["size_bytes"],
    }


def _file_row(row: RowMapping) -> dict[str, object]:
    return {
        "device_id": row["device_id"],
        "file_number": row["file_number"],
        "kind": row["kind"],
        "file_id": hex_text(row["file_id"]),
        "size_bytes": row["size_bytes"],
        "first_sequence": row["first_sequence"],
        "last_sequence": row["last_sequence"],
        "closed": row["closed"],
        "state": "promised",
        "receipt_number": row["receipt_number"],
    }

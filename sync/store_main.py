"""`recorder-store`: the agency's side.

Rules of this module: the command line alone; results on stdout, messages on stderr.

Exit codes: 0 done · 64 wrong usage · 65 a request is malformed or forged · 73 a file cannot be made or would be
overwritten · 74 the disk failed, or the address cannot be listened on · 78 the store's folder is
missing or damaged. One that is not listed here means failure.
"""

from __future__ import annotations

import json
import logging
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import RowMapping

from hal.drivers.system_clock import SystemClock
from sealing.oids import Assurance
from sync import durable
from sync.errors import EnrolmentError, StoreError
from sync.store.authority import WARNING, Authority, create_authority, enrol
from sync.store.ledger import Ledger, Unit, open_ledger
from sync.store.service import Listening, serve
from sync.store.settings import StoreSettings, load_settings, save_settings

Result = TypeVar("Result")

_NS: Final = 1_000_000_000
_DEFAULT_PORT: Final = 8370
_LOCAL_HOSTS: Final = ("localhost", "127.0.0.1", "::1")
_EXIT_CODES: Final[Mapping[type[Exception], int]] = {
    EnrolmentError: os.EX_DATAERR,
    StoreError: os.EX_CONFIG,
    FileExistsError: os.EX_CANTCREAT,
    OSError: os.EX_IOERR,
}

Directory = click.Path(path_type=Path, file_okay=False)
JsonOption = click.option("--json", "as_json", is_flag=True, help="One JSON object in a line for each entry.")


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def commands() -> None:
    """Keep what recorders seal: receive it, verify it, promise it."""


@commands.command()
@click.argument("directory", type=Directory)
@click.option("--store-id", default="store", show_default=True, help="Names the store in receipts.")
@click.option("--url", default=f"https://localhost:{_DEFAULT_PORT}", show_default=True, help="Where units find it.")
@click.option("--host", "hosts", multiple=True, help="Another name or address of the store, for its TLS certificate.")
def init(directory: Path, store_id: str, url: str, hosts: tuple[str, ...]) -> None:
    """Make a store with an agency CA, receipt key and two recipients in an empty DIRECTORY."""
    settings = _settings(store_id, url)
    directory.mkdir(parents=True, exist_ok=True)
    if any(directory.iterdir()):
        raise FileExistsError(f"{directory} is not empty; name a new folder")
    names = tuple(dict.fromkeys((settings.host, *hosts, *_LOCAL_HOSTS)))
    create_authority(directory, store_id, names, _now())
    open_ledger(directory).close()
    save_settings(directory, settings)
    click.echo(f"store {store_id} made in {directory}\n\n{directory / 'keys'}: {WARNING}", err=True)


@commands.command("enrol")
@click.argument("request", type=click.Path(path_type=Path, dir_okay=False))
@click.option("-o", "--output", required=True, type=click.Path(path_type=Path), help="Where the signed bundle goes.")
@click.option(
    "--dir", "directory", type=Directory, default=Path(), envvar="RECORDER_STORE", help="The store's folder. [.]"
)
@click.option("--url", help="Another store URL for this unit.")
def enrol_unit(request: Path, output: Path, directory: Path, url: str | None) -> None:
    """Take a unit in: sign its REQUEST, write the bundle that makes it this agency's."""
    settings = load_settings(directory)
    asked = request.read_bytes()
    enrolled = enrol(Authority(directory), asked, settings.store_id, url or settings.url, _now())
    unit = Unit(enrolled.device_id, Assurance(enrolled.assurance), _now_utc_ns(), revoked=False)
    certificates = (enrolled.device_certificate_der, enrolled.link_certificate_der)
    with_ledger(directory, lambda ledger: ledger.enrol(unit, *certificates))
    durable.write_file(output, enrolled.bundle, 0o644)
    click.echo(f"unit {unit.device_id} enrolled as {unit.assurance}; bundle in {output}", err=True)


@commands.command("serve")
@click.argument("directory", type=Directory)
@click.option("--host", default="127.0.0.1", show_default=True, help="Address to listen on.")
@click.option("--port", default=_DEFAULT_PORT, show_default=True, help="Port to listen on; 0 takes a free one.")
@click.option("--tls", is_flag=True, help="HTTPS, TLS 1.3 with client certificates.")
@click.option("--reserve-mb", default=64, show_default=True, help="Room on the disk that uploads must leave, in MiB.")
@click.option("--body-idle-seconds", default=30.0, show_default=True, help="Longest stillness of an upload.")
@click.option("-v", "--verbose", is_flag=True, help="Log every refusal.")
def serve_store(
    directory: Path, host: str, port: int, tls: bool, reserve_mb: int, body_idle_seconds: float, verbose: bool
) -> None:
    """Serve the store in DIRECTORY until SIGTERM; says in one JSON line where it listens."""
    logging.basicConfig(level=logging.INFO if verbose else logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    if not tls and host not in _LOCAL_HOSTS:
        click.echo("warning: plain HTTP beyond this machine; use --tls", err=True)
    listening = Listening(host, port, tls, reserve_mb * 1024 * 1024, body_idle_seconds)

    def ready(url: str, recovered: int) -> None:
        click.echo(json.dumps({"listening": url, "recovered": recovered}))
        sys.stdout.flush()

    serve(directory, listening, _now_utc_ns, ready)


@commands.command()
@click.argument("directory", type=Directory)
@JsonOption
def receipts(directory: Path, as_json: bool) -> None:
    """List the receipts of the store in DIRECTORY."""
    load_settings(directory)
    rows = with_ledger(directory, lambda ledger: [_receipt_row(row) for row in ledger.files()])
    _show("receipts", rows, as_json)


@commands.command()
@click.argument("directory", type=Directory)
@JsonOption
def files(directory: Path, as_json: bool) -> None:
    """List the files of the store in DIRECTORY, the parked ones behind the promised."""
    load_settings(directory)

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

    _show("files", with_ledger(directory, read), as_json)


@commands.command()
@click.argument("directory", type=Directory)
@JsonOption
def units(directory: Path, as_json: bool) -> None:
    """List the units of the store in DIRECTORY."""
    load_settings(directory)

    def read(ledger: Ledger) -> list[dict[str, object]]:
        return [_unit_row(ledger, unit) for unit in ledger.units()]

    _show("units", with_ledger(directory, read), as_json)


def with_ledger(directory: Path, use: Callable[[Ledger], Result]) -> Result:
    """Open a store's database for one use."""
    ledger = open_ledger(directory)
    try:
        return use(ledger)
    finally:
        ledger.close()


def main() -> None:
    """Run the command line; turns errors into one line and an exit code."""
    try:
        commands.main(standalone_mode=False)
    except click.exceptions.Exit as stop:
        sys.exit(stop.exit_code)
    except click.ClickException as error:
        error.show()
        sys.exit(os.EX_USAGE)
    except click.Abort:
        sys.exit(os.EX_TEMPFAIL)
    except tuple(_EXIT_CODES) as error:
        click.echo(f"recorder-store: {error}", err=True)
        sys.exit(next(code for kind, code in _EXIT_CODES.items() if isinstance(error, kind)))


def _settings(store_id: str, url: str) -> StoreSettings:
    try:
        return StoreSettings(store_id=store_id, url=url)
    except ValueError as error:
        raise click.UsageError(f"store id {store_id!r} or URL {url!r} cannot be used: {error}") from error


def _now_utc_ns() -> int:
    return SystemClock().read().utc_ns


def _now() -> datetime:
    return datetime.fromtimestamp(_now_utc_ns() // _NS, UTC)


def _time(utc_ns: int) -> str:
    return datetime.fromtimestamp(utc_ns // _NS, UTC).isoformat()


def _receipt_row(row: RowMapping) -> dict[str, object]:
    return {
        "device_id": row["device_id"],
        "receipt_number": row["receipt_number"],
        "file_number": row["file_number"],
        "file_id": _hex(row["file_id"]),
        "received": _time(int(str(row["received_utc_ns"]))),
        "size_bytes": row["size_bytes"],
    }


def _file_row(row: RowMapping) -> dict[str, object]:
    return {
        "device_id": row["device_id"],
        "file_number": row["file_number"],
        "kind": row["kind"],
        "file_id": _hex(row["file_id"]),
        "size_bytes": row["size_bytes"],
        "first_sequence": row["first_sequence"],
        "last_sequence": row["last_sequence"],
        "closed": row["closed"],
        "state": "promised",
        "receipt_number": row["receipt_number"],
    }


def _unit_row(ledger: Ledger, unit: Unit) -> dict[str, object]:
    count, size_bytes, sequence = ledger.holds(unit.device_id)
    return {
        "device_id": unit.device_id,
        "assurance": unit.assurance.value,
        "enrolled": _time(unit.enrolled_utc_ns),
        "revoked": unit.revoked,
        "files": count,
        "size_bytes": size_bytes,
        "head_sequence": sequence,
        "parked": len(ledger.parked(unit.device_id)),
    }


def _hex(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)


def _show(title: str, rows: Iterable[dict[str, object]], as_json: bool) -> None:
    listed = list(rows)
    if as_json:
        for row in listed:
            click.echo(json.dumps(row, ensure_ascii=False))
        return
    columns = tuple(dict.fromkeys(key for row in listed for key in row))
    table = Table(*columns, title=title)
    for row in listed:
        table.add_row(*(str(row.get(column, "")) for column in columns))
    Console().print(table)

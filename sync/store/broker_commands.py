"""`recorder-store broker`: what an MQTT broker needs.

Rules of this module: the command line alone (`sync.store.broker` does it); messages on stderr.
"""

from __future__ import annotations

from pathlib import Path

import click

from sync.store import broker
from sync.store.authority import Authority
from sync.store.register import Register
from sync.store.tables import Directory, now, with_ledger


@click.command("broker")
@click.argument("directory", type=Directory)
@click.argument("folder", type=Directory)
@click.option("--host", "hosts", multiple=True, help="A name or address by which the broker is reached; at least one.")
@click.option("--port", default=broker.DEFAULT_PORT, show_default=True, help="Where it listens.")
@click.option("--denied-only", is_flag=True, help="Only the list of certificates that are let in no more.")
def broker_files(directory: Path, folder: Path, hosts: tuple[str, ...], port: int, denied_only: bool) -> None:
    """Write into FOLDER all that mosquitto needs to stand between the store in DIRECTORY and its units.

    The store gets its own end, too. Again into the same folder renews keys and certificates.
    """
    if bool(hosts) is denied_only:
        raise click.UsageError("name the broker with --host, or ask for --denied-only")
    denied = with_ledger(directory, lambda ledger: Register(ledger).denied_certificates())
    authority = Authority(directory)
    folder.mkdir(mode=0o750, parents=True, exist_ok=True)
    if denied_only:
        broker.write_denied(authority, folder, denied, now())
        click.echo(f"{len(denied)} certificates are refused once the broker reads its list again (SIGHUP)", err=True)
        return
    broker.write_broker(authority, folder, hosts, port, now(), denied)
    broker.make_client(authority, now())
    click.echo(
        f"start the broker with: mosquitto -c {folder.absolute() / broker.CONFIGURATION}; its user has to be able to "
        f"read {folder}. The store's own end is {authority.keys / broker.CLIENT_KEY}",
        err=True,
    )

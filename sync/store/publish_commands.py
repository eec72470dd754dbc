"""`recorder-store publish`: hand a signed document down to the units.

Rules of this module: the command line alone; results on stdout, messages on stderr.
"""

from __future__ import annotations

from pathlib import Path

import click
from cryptography.hazmat.primitives.serialization import Encoding

from sync.errors import WireError
from sync.store.authority import CA_CERTIFICATE, Authority
from sync.store.publishing import Publishing
from sync.store.tables import Directory, now_utc_ns, with_ledger
from sync.wire import DOCUMENT_BYTES_MAX


@click.command()
@click.argument("directory", type=Directory)
@click.argument("document", type=click.Path(path_type=Path, dir_okay=False))
def publish(directory: Path, document: Path) -> None:
    """Hand DOCUMENT, a profile or policy that the agency signed, down to the units of the store in DIRECTORY."""
    with document.open("rb") as file:
        content = file.read(DOCUMENT_BYTES_MAX + 1)
    if len(content) > DOCUMENT_BYTES_MAX:
        raise WireError(f"{document} has more than {DOCUMENT_BYTES_MAX} bytes; no document is so large")
    authority = Authority(directory).certificate(CA_CERTIFICATE).public_bytes(Encoding.DER)
    made = with_ledger(directory, lambda ledger: Publishing(ledger).publish(content, [authority], now_utc_ns()))
    click.echo(f"{made.kind} number {made.number} goes to every unit at its next docking", err=True)

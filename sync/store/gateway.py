"""`recorder-store gateway`: a folder from which another process serves the same store.

Rules of this module: copies what a serving process needs and no more: neither the CA's key nor a recipient's.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Final

import click

from sync import durable
from sync.errors import StoreError
from sync.store.settings import SETTINGS_NAME, load_settings
from sync.store.tables import Directory

_KEYS: Final = ("receipt.key", "tls.key")


def make_gateway(store: Path, folder: Path) -> None:
    """Make the folder of another gateway.

    Args:
        store: Folder of the store, or of a gateway of it.
        folder: Where the new one shall be; empty, or not there.

    Raises:
        StoreError: It is a store on one machine, or there is something where the gateway shall be.
        OSError: It cannot be read or written.
    """
    if not load_settings(store).scaled:
        raise StoreError(f"{store} keeps its files to itself; only a store on a database and a bucket has gateways")
    if folder.exists() and any(folder.iterdir()):
        raise StoreError(f"{folder} is not empty; name a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copytree(store / "trust", folder / "trust", dirs_exist_ok=True)
    (folder / "keys").mkdir(mode=0o700)
    for name in _KEYS:
        durable.write_file(folder / "keys" / name, (store / "keys" / name).read_bytes(), 0o600)
    durable.write_file(folder / SETTINGS_NAME, (store / SETTINGS_NAME).read_bytes())


@click.command("gateway")
@click.argument("directory", type=Directory)
@click.argument("folder", type=Directory)
def gateway(directory: Path, folder: Path) -> None:
    """Make FOLDER, from which another process serves the store in DIRECTORY; it holds the receipt key: keep it safe."""
    make_gateway(directory, folder)
    click.echo(f"`recorder-store serve {folder}` serves the same store", err=True)

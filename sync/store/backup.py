"""Backup of a store while it is served, and its restoration (R38).

Rules of this module: a backup is a folder that is a store again: database, objects, parked content, certificates and
settings, and a manifest with the hash of every file. Private keys are left out unless asked for: whoever has the backup
should not be able to sign receipts. Objects never change, so a later backup into the same folder copies what is new.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Final

from sync import durable
from sync.errors import StoreError
from sync.store.content import read_pieces
from sync.store.ledger import DATABASE_NAME
from sync.store.settings import SETTINGS_NAME, load_settings

MANIFEST_NAME: Final = "manifest.json"
_GROWING: Final = ("objects", "parked")
_FOLDERS: Final = (*_GROWING, "trust")
_KEYS: Final = "keys"


def back_up(store: Path, target: Path, *, with_keys: bool = False) -> int:
    """Copy a store; it may be served meanwhile.

    The database is copied first: every promise in the copy has its object, because an object is there before its row.

    Args:
        store: The store's folder.
        target: Folder of the backup; an older backup of the same store is brought up to date.
        with_keys: Take the private keys along.

    Returns:
        How many files the backup holds.

    Raises:
        StoreError: The folder is no store, or the target holds something else.
        OSError: It cannot be read or written.
    """
    settings = load_settings(store)
    if settings.scaled:
        raise StoreError(f"{store} is on a database and a bucket: back those up with their own tools (docs/scaling.md)")
    target.mkdir(parents=True, exist_ok=True)
    if any(target.iterdir()) and load_settings(target).store_id != settings.store_id:
        raise StoreError(f"{target} is the backup of another store; name another folder")
    _copy_database(store / DATABASE_NAME, target / DATABASE_NAME)
    for folder in (*_FOLDERS, *((_KEYS,) if with_keys else ())):
        _copy_folder(store / folder, target / folder)
    shutil.copy2(store / SETTINGS_NAME, target / SETTINGS_NAME)
    manifest = {name: _digest(target / name) for name in _names(target)}
    durable.write_file(target / MANIFEST_NAME, json.dumps(manifest, indent=1).encode() + b"\n")
    return len(manifest)


def restore(backup: Path, store: Path) -> int:
    """Make a store out of a backup; keys that the backup does not hold have to be brought separately.

    Args:
        backup: The backup's folder.
        store: Where the store shall be; an empty folder, or none.

    Returns:
        How many files were restored.

    Raises:
        StoreError: The backup is damaged, or there is something where the store shall be.
        OSError: It cannot be read or written.
    """
    verify_backup(backup)
    if store.exists() and any(store.iterdir()):
        raise StoreError(f"{store} is not empty; restore into a new folder")
    shutil.copytree(backup, store, dirs_exist_ok=True, ignore=shutil.ignore_patterns(MANIFEST_NAME))
    keys = store / _KEYS
    keys.mkdir(mode=0o700, exist_ok=True)
    for path in sorted(store.rglob("*"), reverse=True):
        if path.is_dir():
            durable.sync_directory(path)
    return len(list(_names(store)))


def verify_backup(backup: Path) -> None:
    """Check every file of a backup against its manifest.

    Raises:
        StoreError: Something is missing, changed, or there besides.
    """
    try:
        manifest = json.loads((backup / MANIFEST_NAME).read_bytes())
    except (OSError, ValueError) as error:
        raise StoreError(f"{backup} is no whole backup: {error}; take another one") from error
    present = set(_names(backup))
    if wrong := sorted(present ^ set(manifest)):
        raise StoreError(f"{backup}: {wrong[0]} is missing or was not there; take another backup")
    for name, digest in manifest.items():
        if _digest(backup / name) != digest:
            raise StoreError(f"{backup / name} has changed since the backup; take another one")


def _copy_database(source: Path, target: Path) -> None:
    """SQLite's own online copy: consistent while the store commits."""
    beside = target.with_name(f".{target.name}.tmp")
    beside.unlink(missing_ok=True)
    with closing(sqlite3.connect(source)) as read, closing(sqlite3.connect(beside)) as written:
        read.backup(written)
        written.execute("PRAGMA journal_mode = DELETE")
    beside.replace(target)


def _copy_folder(source: Path, target: Path) -> None:
    for path in sorted(source.rglob("*")):
        copy = target / path.relative_to(source)
        if path.is_dir():
            copy.mkdir(parents=True, exist_ok=True)
        elif not (copy.exists() and source.name == "objects" and copy.stat().st_size == path.stat().st_size):
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, copy)


def _names(folder: Path) -> Iterator[str]:
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if path.is_file() and name != MANIFEST_NAME and not path.name.startswith("."):
            yield name


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    for piece in read_pieces(path):
        digest.update(piece)
    return digest.hexdigest()

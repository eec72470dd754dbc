"""Opens what stands behind a store, as its settings say: files and SQLite, or a bucket and PostgreSQL.

Rules of this module: composition only. A bucket's and a database's libraries are imported where settings name them, so
that a store on one machine needs neither.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from sync.errors import StoreError
from sync.store.ledger import Ledger, open_ledger
from sync.store.ports import ObjectStore
from sync.store.settings import ObjectsSettings, StoreSettings
from sync.store.vault import Name, Vault

_EXTRA = "install the extra `scale` of this distribution"


def ledger_of(directory: Path, settings: StoreSettings) -> Ledger:
    """Open a store's database. Raises StoreError."""
    if settings.ledger is None:
        return open_ledger(directory)
    try:
        from sync.store.postgres import open_postgresql  # noqa: PLC0415

        return open_postgresql(settings.ledger, settings.store_id)
    except ImportError as error:
        raise StoreError(f"PostgreSQL's driver is missing: {error}; {_EXTRA}") from error


def objects_of(
    directory: Path, settings: StoreSettings, ledger: Ledger, reserve_bytes: int, now_utc_ns: Callable[[], int]
) -> ObjectStore:
    """Open a store's objects. Raises StoreError."""
    vault = Vault(directory, reserve_bytes)
    vault.prepare()
    if settings.objects is None:
        return vault
    return _in_bucket(settings.objects, vault, ledger, now_utc_ns)


def _in_bucket(settings: ObjectsSettings, local: Vault, ledger: Ledger, now_utc_ns: Callable[[], int]) -> ObjectStore:
    try:
        from sync.store.s3_bucket import S3Bucket  # noqa: PLC0415
        from sync.store.s3_objects import S3Objects  # noqa: PLC0415
    except ImportError as error:
        raise StoreError(f"S3's library is missing: {error}; {_EXTRA}") from error

    def is_parked(name: Name) -> bool:
        return bool(ledger.parked(name.device_id, name.file_id))

    return S3Objects(S3Bucket(settings, now_utc_ns), settings.prefix, local, is_parked)

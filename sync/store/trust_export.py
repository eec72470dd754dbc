"""What the store has signed for and seen, as a folder that a verifier takes (`sealing.trust`).

Rules of this module: everything in it was signed before; no key is needed, nothing is signed here.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sqlalchemy as sa

from sealing.policy import POLICY_FILE
from sealing.trust import AGENCY_CA_FILE, HEADS_FOLDER, RECEIPTS_FOLDER, STAMPERS_FILE, STORE_RECEIPT_FILE
from sync import durable
from sync.errors import StoreError
from sync.store.authority import Authority
from sync.store.content_index import Transactions
from sync.store.schema import files, units, witnessed
from sync.witness import Witnessed

_NEEDED: Final = (AGENCY_CA_FILE, STORE_RECEIPT_FILE)
_OPTIONAL: Final = (STAMPERS_FILE, POLICY_FILE)
_MODE: Final = 0o644


@dataclass(frozen=True, slots=True)
class Exported:
    """How much was written."""

    receipts: int
    heads: int


def export_trust(authority: Authority, ledger: Transactions, device_ids: Sequence[str], target: Path) -> Exported:
    """Write a trust folder.

    Args:
        authority: Whose certificates and policy.
        ledger: The store's database.
        device_ids: Units whose receipts and heads are wanted; none: all units'.
        target: A folder that is empty or not there yet.

    Raises:
        StoreError: The folder holds something, a unit is unknown, or a certificate is missing.
        OSError: It cannot be written.
    """
    if target.exists() and any(target.iterdir()):
        raise StoreError(f"{target} is not empty; what lies there already would be trusted, too: give another folder")
    wanted = _units(ledger, device_ids)
    for folder in (target, target / RECEIPTS_FOLDER, target / HEADS_FOLDER):
        folder.mkdir(parents=True, exist_ok=True)
    _certificates(authority, target)
    receipts = heads = 0
    for device_id in wanted:
        for number, receipt in _receipts(ledger, device_id):
            durable.write_file(target / RECEIPTS_FOLDER / f"{device_id}-{number:08d}.receipt", receipt, _MODE)
            receipts += 1
        for index, statement in enumerate(_heads(ledger, device_id)):
            durable.write_file(target / HEADS_FOLDER / f"{device_id}-{index:08d}.head", statement, _MODE)
            heads += 1
    return Exported(receipts, heads)


def _units(ledger: Transactions, device_ids: Sequence[str]) -> tuple[str, ...]:
    with ledger.transaction() as connection:
        known = tuple(connection.execute(sa.select(units.c.device_id).order_by(units.c.device_id)).scalars())
    unknown = sorted(set(device_ids) - set(known))
    if unknown:
        raise StoreError(f"no unit {', '.join(unknown)} is enrolled; see `recorder-store units`")
    return tuple(each for each in known if not device_ids or each in device_ids)


def _certificates(authority: Authority, target: Path) -> None:
    for name in (*_NEEDED, *_OPTIONAL):
        source = authority.trust / name
        if source.is_file():
            durable.write_file(target / name, source.read_bytes(), _MODE)
        elif name in _NEEDED:
            raise StoreError(f"{source} is missing; restore it from the backup")


def _receipts(ledger: Transactions, device_id: str) -> Iterator[tuple[int, bytes]]:
    wanted = sa.select(files.c.receipt_number, files.c.receipt).where(files.c.device_id == device_id)
    with ledger.transaction() as connection:
        rows = connection.execute(wanted.order_by(files.c.receipt_number)).all()
    for row in rows:
        yield int(row[0]), bytes(row[1])


def _heads(ledger: Transactions, device_id: str) -> Iterator[bytes]:
    """Only heads that the unit's own signature proved: anybody could have told the others."""
    wanted = sa.select(witnessed.c.statement).where(
        witnessed.c.device_id == device_id, witnessed.c.seen_as == Witnessed.HEAD.value, witnessed.c.proved.is_(True)
    )
    with ledger.transaction() as connection:
        rows = connection.execute(wanted.order_by(witnessed.c.sequence, witnessed.c.received_utc_ns)).scalars().all()
    yield from map(bytes, rows)

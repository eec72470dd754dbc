"""The store's other tables: witnessed records, contacts, inventories, profiles, closed tasks, denied certificates.

Rules of this module: SQLAlchemy Core, one transaction for each call, on the ledger's database. Promises are the
ledger's; nothing here touches them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, Final

import sqlalchemy as sa

from sync.errors import StoreError
from sync.rules import Rules, rules_of_profile
from sync.store.database import insert_once, lock_unit, put
from sync.store.ports import PromiseLedger
from sync.store.schema import (
    closings,
    contacts,
    denials,
    denied_certificates,
    files,
    held,
    noted,
    profiles,
    units,
    wanted,
    witnessed,
)
from sync.wire import Inventory
from sync.witness import Witnessed

CONTACT_NS: Final = 60 * 1_000_000_000
"""How exactly a contact is kept; a row for every request would cost a sync each."""


@dataclass(frozen=True, slots=True)
class Seen:
    """A record that a unit told of."""

    device_id: str
    seen_as: Witnessed
    sequence: int
    record_hash: bytes
    kind: str | None
    proved: bool
    """Whether its own signature came with it; without it the unit's link alone vouches."""
    record: bytes | None
    opening: bytes | None
    received_utc_ns: int
    statement: bytes
    """The store's signed answer, the same bytes every time."""


@dataclass(frozen=True, slots=True)
class Fork:
    """Two hashes for one sequence number of one unit."""

    device_id: str
    sequence: int
    hashes: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Held:
    """A file that a unit said it holds."""

    device_id: str
    file_id: bytes
    file_number: int
    size_bytes: int
    session_id: bytes | None
    due_utc_ns: int | None
    told_utc_ns: int


@dataclass(frozen=True, slots=True)
class Closing:
    """A task that is done."""

    task_id: str
    closed_utc_ns: int
    closed_by: str
    note: str


class Register:
    """Reads and writes the tables around the promises.

    Args:
        ledger: Whose database it uses.
    """

    def __init__(self, ledger: PromiseLedger) -> None:
        self._ledger = ledger
        self._heard: dict[str, int] = {}

    def seen(self, device_id: str, seen_as: Witnessed, sequence: int, record_hash: bytes) -> Seen | None:
        """Find what was told before."""
        found = sa.select(witnessed).where(
            witnessed.c.device_id == device_id,
            witnessed.c.seen_as == seen_as.value,
            witnessed.c.sequence == sequence,
            witnessed.c.record_hash == record_hash,
        )
        with self._ledger.transaction() as connection:
            row = connection.execute(found).mappings().first()
        return None if row is None else _seen(row)

    def witness(self, seen: Seen) -> Seen:
        """Keep what a unit told; told again, the first entry stays (SY-32). Gives the entry that counts."""
        before = self.seen(seen.device_id, seen.seen_as, seen.sequence, seen.record_hash)
        if before is not None:
            return before
        row = {one.name: getattr(seen, one.name) for one in fields(seen)} | {"seen_as": seen.seen_as.value}
        with self._ledger.transaction() as connection:
            inserted = insert_once(connection, witnessed, row)
        if inserted:
            return seen
        # Another process of the store was told in the same moment; what it signed counts.
        return self.seen(seen.device_id, seen.seen_as, seen.sequence, seen.record_hash) or seen

    def witnessed(self, seen_as: Witnessed, device_id: str | None = None) -> tuple[Seen, ...]:
        """Everything that was told, in the order of its coming."""
        found = sa.select(witnessed).where(witnessed.c.seen_as == seen_as.value).order_by(witnessed.c.received_utc_ns)
        if device_id is not None:
            found = found.where(witnessed.c.device_id == device_id)
        with self._ledger.transaction() as connection:
            rows = connection.execute(found).mappings().all()
        return tuple(_seen(row) for row in rows)

    def forks(self, device_id: str | None = None) -> tuple[Fork, ...]:
        """SY-32: proved heads, of one unit where given, that contradict one another, or what was promised."""
        proved = sa.select(witnessed.c.device_id, witnessed.c.sequence, witnessed.c.record_hash).where(
            witnessed.c.seen_as == Witnessed.HEAD.value, witnessed.c.proved.is_(True)
        )
        same = (witnessed.c.device_id == files.c.device_id) & (witnessed.c.sequence == files.c.last_sequence)
        promised = sa.select(files.c.device_id, files.c.last_sequence, files.c.head_hash).join(witnessed, same)
        within = (witnessed.c.device_id == noted.c.device_id) & (witnessed.c.sequence == noted.c.sequence)
        told = sa.select(noted.c.device_id, noted.c.sequence, noted.c.record_hash).join(witnessed, within)
        if device_id is not None:
            proved, promised, told = (one.where(witnessed.c.device_id == device_id) for one in (proved, promised, told))
        found: dict[tuple[str, int], set[bytes]] = {}
        with self._ledger.transaction() as connection:
            for whose, sequence, record_hash in connection.execute(sa.union(proved, promised, told)):
                found.setdefault((whose, sequence), set()).add(record_hash)
        return tuple(Fork(*key, tuple(sorted(hashes))) for key, hashes in sorted(found.items()) if len(hashes) > 1)

    def heard(self, device_id: str, now_utc_ns: int) -> None:
        """Remember a contact, to the minute."""
        if abs(now_utc_ns - self._heard.get(device_id, 0)) < CONTACT_NS:
            return
        self._heard[device_id] = now_utc_ns
        with self._ledger.transaction() as connection:
            put(connection, contacts, {"device_id": device_id, "last_utc_ns": now_utc_ns})

    def contacts(self) -> dict[str, int]:
        """When each unit was heard last."""
        with self._ledger.transaction() as connection:
            return {row[0]: row[1] for row in connection.execute(sa.select(contacts))}

    def told_inventory(self, device_id: str, told: Inventory, now_utc_ns: int) -> None:
        """Replace what the unit said that it holds (SY-34)."""
        rows = [
            {
                "device_id": device_id,
                "file_id": bytes.fromhex(one.file_id),
                "file_number": one.number,
                "size_bytes": one.size_bytes,
                "session_id": None if one.session_id is None else bytes.fromhex(one.session_id),
                "due_utc_ns": one.due_utc_ns,
                "told_utc_ns": now_utc_ns,
            }
            for one in {one.file_id: one for one in told.files}.values()
        ]
        with self._ledger.transaction() as connection:
            lock_unit(connection, device_id)
            connection.execute(sa.delete(held).where(held.c.device_id == device_id))
            if rows:
                connection.execute(sa.insert(held), rows)

    def held(self, device_id: str | None = None) -> tuple[Held, ...]:
        """Files that units hold and the store has not promised."""
        promised = sa.exists().where(files.c.device_id == held.c.device_id, files.c.file_id == held.c.file_id)
        found = sa.select(held).where(~promised).order_by(held.c.device_id, held.c.file_number)
        if device_id is not None:
            found = found.where(held.c.device_id == device_id)
        with self._ledger.transaction() as connection:
            return tuple(Held(**_named(row)) for row in connection.execute(found).mappings())

    def want(self, device_id: str, session_id: bytes, now_utc_ns: int) -> None:
        """Have a recording sent before everything else."""
        row: dict[str, object] = {"device_id": device_id, "session_id": session_id, "since_utc_ns": now_utc_ns}
        with self._ledger.transaction() as connection:
            put(connection, wanted, row)

    def wanted(self, device_id: str) -> frozenset[bytes]:
        """Recordings of a unit that somebody waits for."""
        found = sa.select(wanted.c.session_id).where(wanted.c.device_id == device_id)
        with self._ledger.transaction() as connection:
            return frozenset(connection.execute(found).scalars())

    def add_profile(self, content: bytes, now_utc_ns: int) -> Rules:
        """Let the store know a profile. Raises ConfigurationError when it is none."""
        rules = rules_of_profile(content)
        digest = hashlib.sha256(content).digest()
        row: dict[str, object] = {
            "profile_hash": digest,
            "profile_id": rules.profile_id,
            "content": content,
            "added_utc_ns": now_utc_ns,
        }
        with self._ledger.transaction() as connection:
            insert_once(connection, profiles, row)
        return rules

    def rules(self) -> dict[bytes, Rules]:
        """The profiles that the store knows, by hash."""
        with self._ledger.transaction() as connection:
            rows = connection.execute(sa.select(profiles.c.profile_hash, profiles.c.content)).all()
        return {digest: rules_of_profile(content) for digest, content in rows}

    def closings(self) -> dict[str, Closing]:
        """Tasks that were closed by a word alone, as stores before did, by id."""
        with self._ledger.transaction() as connection:
            rows = connection.execute(sa.select(closings)).mappings().all()
        return {row["task_id"]: Closing(**_named(row)) for row in rows}

    def revoke(self, device_id: str, reason: str, now_utc_ns: int) -> None:
        """SY-36: let a unit in no more, and remember why. Raises StoreError: no such unit."""
        with self._ledger.transaction() as connection:
            row = connection.execute(sa.select(units).where(units.c.device_id == device_id)).mappings().first()
            if row is None:
                raise StoreError(f"unit {device_id} is not enrolled; see `recorder-store units`")
            connection.execute(sa.update(units).where(units.c.device_id == device_id).values(revoked=True))
            _deny(connection, device_id, row["link_certificate"], reason, now_utc_ns)

    def deny(self, device_id: str, certificate_der: bytes, reason: str, now_utc_ns: int) -> None:
        """SY-36: put one link certificate on the deny list."""
        with self._ledger.transaction() as connection:
            _deny(connection, device_id, certificate_der, reason, now_utc_ns)

    def is_denied(self, certificate_der: bytes) -> bool:
        """Tell whether a link certificate stands on the deny list."""
        digest = hashlib.sha256(certificate_der).digest()
        found = sa.select(denials.c.device_id).where(denials.c.certificate_sha256 == digest)
        with self._ledger.transaction() as connection:
            return connection.execute(found).scalar() is not None

    def denials(self) -> Sequence[sa.RowMapping]:
        """The deny list."""
        with self._ledger.transaction() as connection:
            return connection.execute(sa.select(denials).order_by(denials.c.since_utc_ns)).mappings().all()

    def denied_certificates(self) -> tuple[bytes, ...]:
        """The link certificates of the deny list, in DER, those that were denied before they were kept left out."""
        with self._ledger.transaction() as connection:
            kept = connection.execute(sa.select(denied_certificates.c.certificate)).scalars().all()
            own = (
                connection.execute(sa.select(units.c.link_certificate).where(units.c.revoked.is_(True))).scalars().all()
            )
        return tuple(sorted({*kept, *own}))


def _deny(connection: sa.Connection, device_id: str, certificate_der: bytes, reason: str, now_utc_ns: int) -> None:
    digest = hashlib.sha256(certificate_der).digest()
    row: dict[str, object] = {"certificate_sha256": digest, "device_id": device_id, "since_utc_ns": now_utc_ns}
    insert_once(connection, denials, {**row, "reason": reason})
    insert_once(connection, denied_certificates, {"certificate_sha256": digest, "certificate": certificate_der})


def _seen(row: sa.RowMapping) -> Seen:
    return Seen(**{**_named(row), "seen_as": Witnessed(row["seen_as"])})


def _named(row: sa.RowMapping) -> dict[str, Any]:
    return {str(key): value for key, value in row.items()}

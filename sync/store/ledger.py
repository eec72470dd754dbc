"""The store's index: units, files with their receipts, epochs, parked content.

Rules of this module: SQLAlchemy Core only, so that another engine is a setting; what SQLite and PostgreSQL do
differently stands in `database`. A row of `files` is the promise itself and holds the signed receipt. Nothing is ever
updated there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine.interfaces import DBAPIConnection
from sqlalchemy.pool import ConnectionPoolEntry, StaticPool

from sealing.oids import Assurance
from sealing.receipts import FIRST_PREVIOUS_RECEIPT, receipt_hash
from sync.errors import ContentError, EngineUnavailableError, StoreError
from sync.store import receipt_log
from sync.store.content_index import index_content
from sync.store.continuity import Arrival, check_chain
from sync.store.database import add_columns, insert_once, lock_log, lock_unit, only_runner, put, unavailable
from sync.store.judge import ContentFacts, EpochFacts, TornEnd
from sync.store.schema import METADATA, SCHEMA_VERSION, epochs, files, parked, torn_ends, units

DATABASE_NAME: Final = "store.db"
_BUSY_MS: Final = 30_000
"""Longest wait for another process that writes: on a busy disk each commit takes its time."""


@dataclass(frozen=True, slots=True)
class Unit:
    """An enrolled unit."""

    device_id: str
    assurance: Assurance
    enrolled_utc_ns: int
    revoked: bool


@dataclass(frozen=True, slots=True)
class ParkedContent:
    """Content that the store holds and refuses."""

    device_id: str
    file_id: str
    size_bytes: int
    code: str
    detail: str
    parked_utc_ns: int


MakeReceipt = Callable[[int, bytes], bytes]
"""From receipt number and the hash of the receipt before to the signed receipt."""


class Ledger:
    """The database of one store; every call is one transaction, any thread.

    Args:
        engine: Where it lives.
        shared: Other threads and processes use it at the same time; without it this object has one connection.
    """

    def __init__(self, engine: sa.Engine, *, shared: bool = False) -> None:
        self._engine = engine
        self._alone: AbstractContextManager[object] = nullcontext() if shared else threading.Lock()

    @contextmanager
    def transaction(self) -> Iterator[sa.Connection]:
        """One transaction; durable when the block ends without an error.

        Raises:
            EngineUnavailableError: The database does not answer. What became of a commit is not known.
        """
        with self._alone, unavailable(), self._engine.begin() as connection:
            yield connection

    def only_runner(self, name: str) -> AbstractContextManager[bool]:
        """Try to be the store's only process that does something; gives whether this one may."""
        return only_runner(self._engine, name)

    def close(self) -> None:
        """Give the database back."""
        self._engine.dispose()

    def enrol(
        self, unit: Unit, device_certificate_der: bytes, link_certificate_der: bytes, *, lift_revocation: bool = False
    ) -> bytes | None:
        """Write a unit in; one that was enrolled before gets its new certificates.

        Args:
            unit: The unit, not revoked.
            device_certificate_der: Its new certificate for sealing.
            link_certificate_der: Its new certificate for connections.
            lift_revocation: Somebody has decided that a revoked unit may come back (SY-36).

        Returns:
            The link certificate that it had before, which stays good until it ends or is denied; None at first.

        Raises:
            StoreError: The unit is revoked, and nobody has decided that.
        """
        row: dict[str, object] = {
            "device_id": unit.device_id,
            "assurance": unit.assurance.value,
            "enrolled_utc_ns": unit.enrolled_utc_ns,
            "device_certificate": device_certificate_der,
            "link_certificate": link_certificate_der,
            "revoked": False,
        }
        own = units.c.device_id == unit.device_id
        with self.transaction() as connection:
            before = connection.execute(sa.select(units.c.revoked, units.c.link_certificate).where(own)).first()
            if before is not None and before.revoked and not lift_revocation:
                raise StoreError(
                    f"unit {unit.device_id} is revoked (`recorder-store units`); "
                    "if it has really come back, enrol it with --lift-revocation"
                )
            put(connection, units, row)
        return None if before is None else bytes(before.link_certificate)

    def unit(self, device_id: str) -> Unit | None:
        """Find an enrolled unit."""
        with self.transaction() as connection:
            row = connection.execute(sa.select(units).where(units.c.device_id == device_id)).mappings().first()
        return None if row is None else _unit(row)

    def units(self) -> tuple[Unit, ...]:
        """All enrolled units, by id."""
        with self.transaction() as connection:
            rows = connection.execute(sa.select(units).order_by(units.c.device_id)).mappings().all()
        return tuple(_unit(row) for row in rows)

    def epochs(self, device_id: str) -> dict[int, EpochFacts]:
        """Every epoch that files of the unit have certified."""
        with self.transaction() as connection:
            rows = connection.execute(sa.select(epochs).where(epochs.c.device_id == device_id)).mappings().all()
        return {
            row["epoch"]: EpochFacts(row["epoch"], row["boot_number"], row["sequence"], row["public_key"])
            for row in rows
        }

    def receipt(self, device_id: str, file_id: bytes) -> bytes | None:
        """The receipt of a file, as it was first made (SY-23)."""
        wanted = sa.select(files.c.receipt).where(files.c.device_id == device_id, files.c.file_id == file_id)
        with self.transaction() as connection:
            receipt: bytes | None = connection.execute(wanted).scalar()
        return receipt

    def size(self, device_id: str, file_id: bytes) -> int | None:
        """Length of a receipted file."""
        wanted = sa.select(files.c.size_bytes).where(files.c.device_id == device_id, files.c.file_id == file_id)
        with self.transaction() as connection:
            size: int | None = connection.execute(wanted).scalar()
        return size

    def check(self, arrival: Arrival, *, by_custodian: bool = False) -> None:
        """Check a file against the chain as far as it is here (SY-17). Raises ContentError; a promised file passes."""
        with self.transaction() as connection:
            known = sa.select(files.c.file_number).where(
                files.c.device_id == arrival.device_id, files.c.file_id == arrival.file_id
            )
            if connection.execute(known).scalar() is None:
                if not by_custodian:
                    _check_allowed(connection, arrival.device_id)
                check_chain(connection, arrival)

    def commit(self, arrival: Arrival, make_receipt: MakeReceipt, *, by_custodian: bool = False) -> bytes:
        """Promise a file: check it against the chain, number and sign its receipt, and make the row durable.

        Args:
            arrival: The file, judged.
            make_receipt: Signs its receipt.
            by_custodian: A custodian has decided about a revoked unit's file (SY-36).

        Returns:
            The receipt; the first one when the file was promised before.

        Raises:
            ContentError: The file forks the chain or does not join it (SY-17); nothing was written.
        """
        try:
            return self._commit(arrival, make_receipt, by_custodian=by_custodian)
        except EngineUnavailableError:
            # What became of the commit is not known: the database is asked, and the row that may be there counts.
            return self._commit(arrival, make_receipt, by_custodian=by_custodian)

    def _commit(self, arrival: Arrival, make_receipt: MakeReceipt, *, by_custodian: bool) -> bytes:
        device_id = arrival.device_id
        with self.transaction() as connection:
            lock_unit(connection, device_id)
            known = sa.select(files.c.receipt).where(files.c.device_id == device_id, files.c.file_id == arrival.file_id)
            found: bytes | None = connection.execute(known).scalar()
            if found is not None:
                return found
            if not by_custodian:
                _check_allowed(connection, device_id)
            check_chain(connection, arrival)
            number, previous = _last_receipt(connection, device_id)
            receipt = make_receipt(number + 1, previous)
            connection.execute(sa.insert(files).values(_file_row(arrival, number + 1, receipt)))
            _learn(connection, device_id, arrival.facts)
            if by_custodian:
                own = (parked.c.device_id == device_id, parked.c.file_id == arrival.file_id.hex())
                connection.execute(sa.delete(parked).where(*own))
            # Last, for everybody waits for it.
            lock_log(connection)
            receipt_log.append(connection, device_id, arrival.file_id, receipt)
        return receipt

    def park(self, content: ParkedContent) -> None:
        """Write down why content is refused; the first reason stays."""
        row = {column: getattr(content, column) for column in parked.c.keys()}  # noqa: SIM118 - a collection
        with self.transaction() as connection:
            insert_once(connection, parked, row)

    def parked(self, device_id: str | None = None, file_id: str | None = None) -> tuple[ParkedContent, ...]:
        """Refused content, of one unit or file where given."""
        wanted = sa.select(parked).order_by(parked.c.parked_utc_ns)
        if device_id is not None:
            wanted = wanted.where(parked.c.device_id == device_id)
        if file_id is not None:
            wanted = wanted.where(parked.c.file_id == file_id)
        with self.transaction() as connection:
            rows = connection.execute(wanted).mappings().all()
        return tuple(ParkedContent(**{str(key): value for key, value in row.items()}) for row in rows)

    def files(self, device_id: str | None = None) -> Sequence[sa.RowMapping]:
        """Rows of promised files, by unit and receipt number."""
        wanted = sa.select(files).order_by(files.c.device_id, files.c.receipt_number)
        if device_id is not None:
            wanted = wanted.where(files.c.device_id == device_id)
        with self.transaction() as connection:
            return connection.execute(wanted).mappings().all()

    def holds(self, device_id: str) -> tuple[int, int, int | None]:
        """Number of files, their bytes, and the highest sequence number of a unit."""
        wanted = sa.select(
            sa.func.count(), sa.func.coalesce(sa.func.sum(files.c.size_bytes), 0), sa.func.max(files.c.last_sequence)
        ).where(files.c.device_id == device_id)
        with self.transaction() as connection:
            count, size, sequence = connection.execute(wanted).one()
        return int(count), int(size), sequence

    def holds_in_all(self) -> tuple[int, int]:
        """Number of promised files, and their bytes."""
        wanted = sa.select(sa.func.count(), sa.func.coalesce(sa.func.sum(files.c.size_bytes), 0)).select_from(files)
        with self.transaction() as connection:
            count, size = connection.execute(wanted).one()
        return int(count), int(size)

    def last_receipt(self, device_id: str) -> tuple[int, bytes]:
        """Number and hash of a unit's newest receipt; 0 and zeros before the first."""
        with self.transaction() as connection:
            return _last_receipt(connection, device_id)


def open_ledger(directory: Path) -> Ledger:
    """Open a store's database, making it when there is none.

    Raises:
        StoreError: It is damaged, or of another version.
    """
    path = directory / DATABASE_NAME
    engine = sa.create_engine(
        f"sqlite:///{path}", poolclass=StaticPool, connect_args={"check_same_thread": False, "timeout": _BUSY_MS / 1000}
    )
    sa.event.listen(engine, "connect", _make_durable)
    try:
        with engine.begin() as connection:
            version = connection.execute(sa.text("PRAGMA user_version")).scalar()
            if version is None or version > SCHEMA_VERSION:
                raise StoreError(f"{path} is of version {version}, this software has {SCHEMA_VERSION}; update it")
            METADATA.create_all(connection)
            add_columns(connection, METADATA)
            receipt_log.catch_up(connection)
            if version != SCHEMA_VERSION:
                # Who only reads is not to wait for who writes.
                connection.execute(sa.text(f"PRAGMA user_version = {SCHEMA_VERSION}"))
    except sa.exc.DatabaseError as error:
        raise StoreError(f"{path} cannot be used: {error.orig}; restore it from the backup") from error
    return Ledger(engine)


def _make_durable(connection: DBAPIConnection, _: ConnectionPoolEntry) -> None:
    """SY-19: a committed row survives a power cut."""
    cursor = connection.cursor()
    cursor.execute("PRAGMA journal_mode = WAL")
    cursor.execute("PRAGMA synchronous = FULL")
    cursor.close()


def _unit(row: sa.RowMapping) -> Unit:
    return Unit(row["device_id"], Assurance(row["assurance"]), row["enrolled_utc_ns"], row["revoked"])


def _last_receipt(connection: sa.Connection, device_id: str) -> tuple[int, bytes]:
    """SY-22: the next receipt is numbered behind this one and names its hash."""
    newest = (
        sa.select(files.c.receipt_number, files.c.receipt)
        .where(files.c.device_id == device_id)
        .order_by(files.c.receipt_number.desc())
        .limit(1)
    )
    row = connection.execute(newest).first()
    return (0, FIRST_PREVIOUS_RECEIPT) if row is None else (row[0], receipt_hash(row[1]))


def _check_allowed(connection: sa.Connection, device_id: str) -> None:
    """SY-36: a unit that was revoked while it sent gets no promise; its content is a custodian's matter."""
    revoked = connection.execute(sa.select(units.c.revoked).where(units.c.device_id == device_id)).scalar()
    if revoked is not False:
        raise ContentError("revoked", f"unit {device_id} is revoked; a custodian decides about what it sent")


def _learn(connection: sa.Connection, device_id: str, facts: ContentFacts) -> None:
    for one in facts.epochs:
        if not insert_once(connection, epochs, _epoch_row(device_id, one)):
            _check_epoch(connection, device_id, one)
    for end in facts.torn_ends:
        insert_once(connection, torn_ends, _torn_row(device_id, end))
    index_content(connection, device_id, facts)


def _check_epoch(connection: sa.Connection, device_id: str, one: EpochFacts) -> None:
    """SY-17: a file that was judged while another one of its unit was committed may name another key than that one."""
    found = sa.select(epochs.c.public_key).where(epochs.c.device_id == device_id, epochs.c.epoch == one.epoch)
    if connection.execute(found).scalar_one() != one.public_key_der:
        raise ContentError("fork", f"epoch {one.epoch} was already certified for another key")


def _epoch_row(device_id: str, one: EpochFacts) -> dict[str, object]:
    return {
        "device_id": device_id,
        "epoch": one.epoch,
        "boot_number": one.boot_number,
        "sequence": one.sequence,
        "public_key": one.public_key_der,
    }


def _torn_row(device_id: str, end: TornEnd) -> dict[str, object]:
    facts = {"file_number": end.file_number, "torn_bytes": end.torn_bytes, "torn_hash": end.torn_hash}
    return {"device_id": device_id, **facts}


def _file_row(arrival: Arrival, receipt_number: int, receipt: bytes) -> dict[str, object]:
    facts = arrival.facts
    return {
        "device_id": arrival.device_id,
        "file_id": arrival.file_id,
        "file_number": facts.file_number,
        "kind": facts.kind.value,
        "size_bytes": arrival.size_bytes,
        "torn_bytes": arrival.torn_bytes,
        "torn_hash": arrival.torn_hash,
        "first_sequence": facts.first_sequence,
        "last_sequence": facts.last_sequence,
        "hash_before": facts.hash_before,
        "head_hash": facts.head_hash,
        "closed": facts.closed,
        "first_utc_ns": facts.first_utc_ns,
        "last_utc_ns": facts.last_utc_ns,
        "session_id": facts.session_id,
        "simulated": facts.simulated,
        "received_utc_ns": arrival.received_utc_ns,
        "receipt_number": receipt_number,
        "receipt": receipt,
    }

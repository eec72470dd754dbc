"""What SQLite and PostgreSQL do differently, in one place.

Rules of this module: no table of the store's is named here. A statement that several processes may race for takes a
lock of its own transaction, or yields to the row that was there first; nothing is held between transactions.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.types import TypeDecorator

from sync.errors import EngineUnavailableError

POSTGRESQL: Final = "postgresql"
_UNITS: Final = 0x5245_4301
_LOG: Final = 0x5245_4302
_ROUNDS: Final = 0x5245_4303
_SCHEMA: Final = 0x5245_4304
"""First halves of advisory locks; they have to differ from those of other users of the database alone."""


class Words(TypeDecorator[str]):
    """Text that comes from outside: of any length, and without the NUL that PostgreSQL cannot keep."""

    impl = sa.Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: sa.Dialect) -> str | None:  # noqa: ARG002 - SQLAlchemy's
        """Put a sign in the place of each NUL: what cannot be written down would be sent again for ever."""
        return None if value is None else value.replace("\0", "\N{REPLACEMENT CHARACTER}")


def lock_unit(connection: sa.Connection, device_id: str) -> None:
    """Have what is decided about a unit decided by one transaction at a time, until the caller's ends (SY-80)."""
    _lock(connection, _UNITS, device_id)


def lock_log(connection: sa.Connection) -> None:
    """Be the only one who appends to the log of receipts, until the caller's transaction ends (SY-80)."""
    _lock(connection, _LOG, "")


def lock_schema(connection: sa.Connection) -> None:
    """Be the only one who makes tables, until the caller's transaction ends."""
    _lock(connection, _SCHEMA, "")


def _lock(connection: sa.Connection, kind: int, name: str) -> None:
    # SQLite has one writer, and the ledger one connection.
    if connection.dialect.name == POSTGRESQL:
        connection.execute(sa.select(sa.func.pg_advisory_xact_lock(kind, sa.func.hashtext(name))))


@contextmanager
def only_runner(engine: sa.Engine, name: str) -> Iterator[bool]:
    """Try to be the only process of the store that does something; the lock goes with its connection.

    Args:
        engine: The store's database.
        name: What is to be done.

    Yields:
        Whether this process may.
    """
    if engine.dialect.name != POSTGRESQL:
        yield True
        return
    # A transaction that stands open for hours would keep the database from cleaning up.
    with unavailable(), engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        key = (_ROUNDS, sa.func.hashtext(name))
        got = bool(connection.execute(sa.select(sa.func.pg_try_advisory_lock(*key))).scalar_one())
        try:
            yield got
        finally:
            if got:
                connection.execute(sa.select(sa.func.pg_advisory_unlock(*key)))


@contextmanager
def unavailable() -> Iterator[None]:
    """Say of errors that a repetition may heal what they are.

    Raises:
        EngineUnavailableError: The database is gone, or has given a transaction up. Whether a commit that was under
            way stands is not known: only asking again tells.
    """
    try:
        yield
    except sa.exc.TimeoutError as error:
        raise EngineUnavailableError(f"no connection to the database became free: {error}") from error
    except sa.exc.DBAPIError as error:
        if isinstance(error, sa.exc.OperationalError | sa.exc.InterfaceError) or error.connection_invalidated:
            raise EngineUnavailableError(f"the database did not answer: {error.orig}") from error
        raise


def insert_once(connection: sa.Connection, table: sa.Table, row: dict[str, object]) -> bool:
    """Insert a row unless one of its key is there already; gives whether it was inserted."""
    key = next(iter(table.primary_key))
    # What comes back is what was inserted; how many rows were is not told by every driver.
    if connection.dialect.name == POSTGRESQL:
        inserted = postgresql.insert(table).values(**row).on_conflict_do_nothing().returning(key)
        return connection.execute(inserted).first() is not None
    kept = sqlite.insert(table).values(**row).on_conflict_do_nothing().returning(key)
    return connection.execute(kept).first() is not None


def add_columns(connection: sa.Connection, metadata: sa.MetaData) -> None:
    """Give the tables of an older version the columns that came since; what stood there before has nothing in them."""
    found = sa.inspect(connection)
    for table in metadata.sorted_tables:
        present = {column["name"] for column in found.get_columns(table.name)}
        for column in table.columns:
            if column.name not in present:
                declared = sa.schema.CreateColumn(column).compile(dialect=connection.dialect)
                connection.execute(sa.text(f"ALTER TABLE {table.name} ADD COLUMN {declared}"))


def put(connection: sa.Connection, table: sa.Table, row: dict[str, object]) -> None:
    """Insert a row, or put it in the place of the one that has its key."""
    keys = [column.name for column in table.primary_key]
    rest = {name: value for name, value in row.items() if name not in keys}
    if connection.dialect.name == POSTGRESQL:
        connection.execute(postgresql.insert(table).values(**row).on_conflict_do_update(index_elements=keys, set_=rest))
    else:
        connection.execute(sqlite.insert(table).values(**row).on_conflict_do_update(index_elements=keys, set_=rest))

"""A ledger on PostgreSQL, for a store with several gateways.

Rules of this module: opens, makes tables, and makes sure that what is committed is durable; the rest is the ledger's.
"""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy.engine import make_url

from sync.errors import EngineUnavailableError, StoreError
from sync.store.database import add_columns, insert_once, lock_schema, put, unavailable
from sync.store.ledger import Ledger
from sync.store.schema import METADATA, SCHEMA_VERSION, facts

_DRIVER: Final = "postgresql+psycopg"
_CONNECT_SECONDS: Final = 5
_CONNECTIONS: Final = 8
_MORE_CONNECTIONS: Final = 12
_SESSION: Final = {
    # SY-19: whatever the database's own setting, a commit is answered when it is durable.
    "synchronous_commit": "on",
    "lock_timeout": "30s",
    # A gateway whose machine has vanished must not keep the others from the log.
    "idle_in_transaction_session_timeout": "15s",
    "tcp_keepalives_idle": "10",
    "tcp_keepalives_interval": "5",
    "tcp_keepalives_count": "3",
}
_VERSION: Final = "schema version"
_STORE: Final = "store id"


def open_postgresql(url: str, store_id: str) -> Ledger:
    """Open a store's database, making its tables when there are none.

    Args:
        url: `postgresql://user@host:port/database`; the password comes from PGPASSFILE or PGPASSWORD.
        store_id: Whose it has to be.

    Raises:
        StoreError: It does not answer, is not durable, is another store's, or of another version.
    """
    engine = sa.create_engine(
        make_url(url).set(drivername=_DRIVER),
        pool_pre_ping=True,
        pool_size=_CONNECTIONS,
        max_overflow=_MORE_CONNECTIONS,
        pool_timeout=_CONNECT_SECONDS,
        # READ COMMITTED: behind a lock that it waited for, a transaction has to see what the one before has written.
        isolation_level="READ COMMITTED",
        connect_args={
            "connect_timeout": _CONNECT_SECONDS,
            "options": " ".join(f"-c {name}={value}" for name, value in _SESSION.items()),
            "application_name": "recorder-store",
        },
    )
    try:
        with unavailable(), engine.begin() as connection:
            _check_durable(connection)
            lock_schema(connection)
            METADATA.create_all(connection)
            add_columns(connection, METADATA)
            _check_whose(connection, store_id)
    except StoreError:
        engine.dispose()
        raise
    except (EngineUnavailableError, sa.exc.DBAPIError) as error:
        engine.dispose()
        raise StoreError(f"database {make_url(url)} cannot be used: {error}; see that it runs") from error
    return Ledger(engine, shared=True)


def _check_durable(connection: sa.Connection) -> None:
    for name in ("fsync", "full_page_writes"):
        if connection.execute(sa.text(f"SHOW {name}")).scalar_one() != "on":
            raise StoreError(f"the database has {name} off; a receipt must not rest on it: switch it on")


def _check_whose(connection: sa.Connection, store_id: str) -> None:
    insert_once(connection, facts, {"name": _STORE, "value": store_id})
    insert_once(connection, facts, {"name": _VERSION, "value": str(SCHEMA_VERSION)})
    found = {row.name: row.value for row in connection.execute(sa.select(facts))}
    if found[_STORE] != store_id:
        raise StoreError(f"the database is that of store {found[_STORE]}, not of {store_id}; name another one")
    if int(found[_VERSION]) > SCHEMA_VERSION:
        raise StoreError(f"the database is of version {found[_VERSION]}, this software has {SCHEMA_VERSION}; update it")
    put(connection, facts, {"name": _VERSION, "value": str(SCHEMA_VERSION)})

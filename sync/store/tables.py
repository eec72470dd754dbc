"""How the store's command line shows what it found: a table for people, one JSON object in a line for programs.

Rules of this module: formatting and opening; nothing is decided here.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

import click
from rich.console import Console
from rich.table import Table

from hal.drivers.system_clock import SystemClock
from sync.store.engines import ledger_of
from sync.store.ledger import Ledger
from sync.store.settings import load_settings

Result = TypeVar("Result")
Row = dict[str, object]

NS: Final = 1_000_000_000
Directory = click.Path(path_type=Path, file_okay=False)
JsonOption = click.option("--json", "as_json", is_flag=True, help="One JSON object in a line for each entry.")


def with_ledger(directory: Path, use: Callable[[Ledger], Result]) -> Result:
    """Open a store's database for one use. Raises StoreError: the folder is no store."""
    ledger = ledger_of(directory, load_settings(directory))
    try:
        return use(ledger)
    finally:
        ledger.close()


def now_utc_ns() -> int:
    """The store's civil time."""
    return SystemClock().read().utc_ns


def now() -> datetime:
    """The store's civil time, with its zone."""
    return datetime.fromtimestamp(now_utc_ns() // NS, UTC)


def time_text(utc_ns: int | None) -> str | None:
    """A time as ISO 8601 in UTC."""
    return None if utc_ns is None else datetime.fromtimestamp(utc_ns // NS, UTC).isoformat()


def hex_text(value: object) -> str | None:
    """Bytes as hexadecimal digits; anything else as it is."""
    if value is None:
        return None
    return value.hex() if isinstance(value, bytes) else str(value)


def show(title: str, rows: Iterable[Row], as_json: bool) -> None:
    """Print rows."""
    listed = list(rows)
    if as_json:
        for row in listed:
            click.echo(json.dumps(row, ensure_ascii=False))
        return
    columns = tuple(dict.fromkeys(key for row in listed for key in row))
    table = Table(*columns, title=title)
    for row in listed:
        table.add_row(*("" if row.get(column) is None else str(row[column]) for column in columns))
    Console().print(table)

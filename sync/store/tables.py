"""How the store's command line shows what it found: a table for people, one JSON object in a line for programs.

Rules of this module: formatting and opening; nothing is decided here.
"""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

import click
from rich.cells import cell_len
from rich.console import Console
from rich.table import Table

from hal.drivers.system_clock import SystemClock
from sealing.layout import BEIJING
from sync.store.engines import ledger_of
from sync.store.ledger import Ledger
from sync.store.settings import load_settings
from sync.store.table_words import CODES_ZH, COLUMNS_ZH, TITLES_ZH

Result = TypeVar("Result")
Row = dict[str, object]

NS: Final = 1_000_000_000
_TEXT_WIDTH: Final = 180
"""Columns that a table may take where nobody watches."""
_UTC: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\+00:00")
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
    """Print rows: one JSON object in a line, or for people a table, or a block for each where no table has room.

    People read Chinese and Beijing time unless the environment's RECORDER_LANG says `en`.
    """
    listed = list(rows)
    if as_json:
        for row in listed:
            click.echo(json.dumps(row, ensure_ascii=False))
        return
    english = os.environ.get("RECORDER_LANG") == "en"
    columns = tuple(dict.fromkeys(key for row in listed for key in row))
    told = [{_head(key, english): _cell(key, row.get(key), english) for key in columns} for row in listed]
    click.echo(f"{title if english else TITLES_ZH.get(title, title)}: {len(listed)}")
    heads = [head for head in (told[0] if told else ()) if any(each[head] for each in told)]
    width = 1 + sum(3 + max(cell_len(text) for text in (head, *(each[head] for each in told))) for head in heads)
    console = Console(highlight=False)
    if not console.is_terminal:
        console = Console(highlight=False, width=_TEXT_WIDTH, no_color=True)
    if width > console.width:
        for number, each in enumerate(told, 1):
            _block(number, {head: each[head] for head in heads})
    elif heads:
        table = Table(*heads)
        for each in told:
            table.add_row(*(each[head] for head in heads))
        console.print(table)


def _block(number: int, cells: Mapping[str, str]) -> None:
    click.echo(f"── {number} ──")
    width = max(cell_len(head) for head in cells)
    for head, text in cells.items():
        if text:
            click.echo(f"  {head}{' ' * (width - cell_len(head))}  {text}")


def _head(column: str, english: bool) -> str:
    return column if english else COLUMNS_ZH.get(column, column)


def _cell(column: str, value: object, english: bool) -> str:
    if value is None or value in ([], {}):
        return ""
    if isinstance(value, list):
        return (", " if english else "、").join(str(one) for one in value)
    if english:
        return str(value)
    if isinstance(value, bool):
        return "是" if value else "否"
    text = str(value)
    if _UTC.fullmatch(text):
        return f"{datetime.fromisoformat(text).astimezone(BEIJING):%F %T}"
    return CODES_ZH.get(column, {}).get(text, text)

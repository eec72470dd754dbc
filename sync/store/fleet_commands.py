"""`recorder-store fleet`: how the units stand, by what they said of themselves last.

Rules of this module: the command line alone; results on stdout, messages on stderr.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import click

from sync.store.presences import Presences, Standing
from sync.store.tables import Directory, JsonOption, Row, now_utc_ns, show, time_text, with_ledger

_DAY_NS: Final = 86_400 * 1_000_000_000
_GIB: Final = 1 << 30
_COLUMNS: Final = ("device_id", "link", "told", "state", "docked", "battery", "free_gib", "due", "overdue", "verdict")
"""Of the table for people; programs get everything."""


@click.command()
@click.argument("directory", type=Directory)
@JsonOption
@click.option("--silent-days", default=7, show_default=True, help="A unit unheard for so long counts as silent.")
@click.option("--trouble", is_flag=True, help="Those alone that are silent, lost, overdue, or not as they should be.")
def fleet(directory: Path, as_json: bool, silent_days: int, trouble: bool) -> None:
    """List how the units of the store in DIRECTORY stand: battery, storage, due time, state, and who is silent."""
    now_ns = now_utc_ns()
    found = with_ledger(directory, lambda ledger: Presences(ledger).fleet(now_ns, silent_days * _DAY_NS))
    rows = [_row(one) for one in found if not trouble or one.in_trouble]
    show("fleet", rows if as_json else [_narrow(row) for row in rows], as_json)


def _row(one: Standing) -> Row:
    told = one.told
    row: Row = {
        "device_id": one.device_id,
        "link": one.link.value,
        "since": None if told is None else time_text(told.changed_utc_ns),
        "told": None if told is None else time_text(told.told_utc_ns),
        "heard": time_text(one.heard_utc_ns),
    }
    said = {} if told is None else told.presence.model_dump(exclude={"version", "online", "connection"})
    said["due"] = time_text(said.pop("due_utc_ns", None))
    said["clock"] = time_text(said.pop("utc_ns", None))
    return row | said


def _narrow(row: Row) -> Row:
    percent, free = row.get("battery_percent"), row.get("free_bytes")
    row["battery"] = None if percent is None else f"{percent} %{' +' if row.get('charging') else ''}"
    row["free_gib"] = f"{free / _GIB:.1f}" if isinstance(free, int) else None
    return {key: row.get(key) for key in _COLUMNS}

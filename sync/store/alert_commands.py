"""`recorder-store alerts`: what units reported at once, what contradicts itself, and what is overdue.

Rules of this module: the command line alone; results on stdout, messages on stderr.
"""

from __future__ import annotations

from pathlib import Path

import click

from sync.store.ledger import Ledger
from sync.store.overview import Overview, overdue
from sync.store.register import Register
from sync.store.tables import Directory, JsonOption, Row, hex_text, now_utc_ns, show, time_text, with_ledger


@click.command()
@click.argument("directory", type=Directory)
@JsonOption
def alerts(directory: Path, as_json: bool) -> None:
    """List what units of the store in DIRECTORY reported at once, forks, and what is overdue (R9, R18, R20, R22)."""

    def read(ledger: Ledger) -> list[Row]:
        register = Register(ledger)
        overview = Overview(ledger, register)
        return [*_told_rows(overview), *_fork_rows(register), *_overdue_rows(overview, now_utc_ns())]

    show("alerts", with_ledger(directory, read), as_json)


def _told_rows(overview: Overview) -> list[Row]:
    return [
        {
            "device_id": one.device_id,
            "sequence": one.sequence,
            "kind": one.kind,
            "proved": one.proved,
            "told": time_text(one.told_utc_ns),
            "sealed": time_text(one.sealed_utc_ns),
        }
        for one in overview.alerts()
    ]


def _fork_rows(register: Register) -> list[Row]:
    return [
        {"device_id": one.device_id, "sequence": one.sequence, "kind": "fork", "proved": True}
        for one in register.forks()
    ]


def _overdue_rows(overview: Overview, now_ns: int) -> list[Row]:
    """R20: a recording that should be here and is not. R22: labels that are missing are overdue like footage."""
    late = [row for one in overview.devices() for row in overdue(overview.sessions(one), now_ns) if not row.complete]
    rows: list[Row] = [
        {
            "device_id": row.device_id,
            "sequence": row.session.end_sequence,
            "kind": "overdue",
            "session_id": row.session.session_id.hex(),
            "due": None if row.due is None else time_text(row.due.due_utc_ns),
        }
        for row in late
    ]
    return rows + [
        {
            "device_id": row.task.device_id,
            "sequence": row.task.sequence,
            "kind": f"overdue:{row.task.kind.value}",
            "session_id": hex_text(row.task.session_id),
            "due": time_text(row.task.due_utc_ns),
        }
        for row in overview.task_rows()
        if not row.done and row.task.overdue_at(now_ns)
    ]

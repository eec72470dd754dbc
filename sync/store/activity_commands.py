"""`recorder-store activities`: the recordings of one activity, of whatever units, side by side (R15).

Rules of this module: the command line alone; results on stdout, messages on stderr.
"""

from __future__ import annotations

from pathlib import Path

import click

from sync.store.overview import Overview
from sync.store.record_clocks import ClockFacts, clocks_of_recordings
from sync.store.register import Register
from sync.store.service import opened_intake
from sync.store.tables import NS, Directory, JsonOption, Row, now_utc_ns, show, time_text
from sync.store.tasks import SessionRow


@click.command()
@click.argument("directory", type=Directory)
@JsonOption
@click.option("--activity", help="This activity alone.")
def activities(directory: Path, as_json: bool, activity: str | None) -> None:
    """List activities of the store in DIRECTORY with their recordings, and how far each unit's clock may be off."""
    rows: list[Row] = []
    with opened_intake(directory, now_utc_ns) as intake:
        overview = Overview(intake.ledger, Register(intake.ledger))
        for device_id in overview.devices():
            found = [row for row in overview.sessions(device_id) if _activity(row) in _wanted(row, activity)]
            clocks = clocks_of_recordings(intake.ledger, intake.vault, device_id) if found else {}
            rows += [_row(row, clocks.get(row.session.session_id)) for row in found]
    show("activities", sorted(rows, key=lambda row: (str(row["activity"]), str(row["started"]))), as_json)


def _activity(row: SessionRow) -> str | None:
    return None if row.session.circumstances is None else row.session.circumstances.activity_id


def _wanted(row: SessionRow, activity: str | None) -> tuple[str, ...]:
    named = _activity(row)
    return (activity,) if activity is not None else () if named is None else (named,)


def _row(row: SessionRow, clock: ClockFacts | None) -> Row:
    uncertainty_ns = None if clock is None else clock.uncertainty_ns
    return {
        "activity": _activity(row),
        "device_id": row.device_id,
        "session_id": row.session.session_id.hex(),
        "started": time_text(row.session.started_utc_ns),
        "ended": time_text(row.session.ended_utc_ns),
        "time_source": None if clock is None else clock.source,
        "uncertainty_seconds": None if uncertainty_ns is None else uncertainty_ns / NS,
        "state": "whole" if row.complete else "partial",
    }

"""Recordings as the store's command line shows them, and what is owed of each (R20, R22).

Rules of this module: reads the overview, decides nothing.
"""

from __future__ import annotations

from collections.abc import Iterator

from sync.store.amended import differences
from sync.store.overview import Overview, overdue
from sync.store.tables import NS, Row, hex_text, time_text
from sync.store.tasks import SessionRow


def session_row(overview: Overview, row: SessionRow, now_utc_ns: int) -> Row:
    """One recording with its due time, and the labels that it has and lacks."""
    session, told = row.session, row.session.circumstances
    stated = overview.amendment(row.device_id, session.session_id)
    owed = overview.labels_missing(row.device_id, session)
    return {
        "device_id": row.device_id,
        "session_id": session.session_id.hex(),
        "number": session.number,
        "profile": None if told is None else told.profile_id,
        "activity": None if told is None else told.activity_id,
        "category": None if told is None else told.category,
        "secrecy": None if told is None else told.label,
        "department": overview.department(row.device_id, session),
        "labels": dict(stated.labels),
        "labels_given": [] if told is None else list(told.labels_given),
        "labels_missing": [one.zh for one in owed.fields],
        "labels_due": time_text(owed.due_utc_ns),
        "started": time_text(session.started_utc_ns),
        "ended": time_text(session.ended_utc_ns),
        "end_reason": session.end_reason,
        "breaks": session.breaks,
        "due": None if row.due is None else time_text(row.due.due_utc_ns),
        "due_kind": None if row.due is None else row.due.kind.value,
        "due_confirmed": None if row.due is None else row.due.confirmed,
        "overdue": row.overdue_at(now_utc_ns),
        "state": "whole" if row.complete else "partial",
        "documents": [
            {"document": one.document, "start_seconds": _seconds(one.start_ns), "end_seconds": _seconds(one.end_ns)}
            for one in differences(session, stated)
        ],
    }


def due_rows(overview: Overview, now_utc_ns: int, *, late: bool) -> list[Row]:
    """What is owed: recordings that are not whole here, files that units still hold, labels with a limit.

    Args:
        overview: The store as it stands.
        now_utc_ns: Civil time.
        late: What is overdue alone.
    """
    found = [row for one in overview.devices() for row in overview.sessions(one)]
    owed = [row for row in found if not row.complete]
    owed = list(overdue(owed, now_utc_ns)) if late else owed
    known = {row.session.session_id for row in owed}
    return [
        *(session_row(overview, row, now_utc_ns) for row in owed),
        *_held_rows(overview, now_utc_ns, known),
        *_label_rows(overview, [row for row in found if row.complete], now_utc_ns, late=late),
    ]


def _held_rows(overview: Overview, now_utc_ns: int, known: set[bytes]) -> Iterator[Row]:
    for one in overview.overdue_held(now_utc_ns):
        if one.session_id not in known:
            yield {
                "device_id": one.device_id,
                "session_id": hex_text(one.session_id),
                "due": time_text(one.due_utc_ns),
                "overdue": True,
                "state": "held",
                "file_number": one.file_number,
            }


def _label_rows(overview: Overview, whole: list[SessionRow], now_utc_ns: int, *, late: bool) -> Iterator[Row]:
    """R22: of a recording that is here, the labels that are due and missing are overdue like footage."""
    for row in whole:
        owed = overview.labels_missing(row.device_id, row.session)
        if not owed.fields or owed.due_utc_ns is None:
            continue
        over = now_utc_ns > owed.due_utc_ns
        if over or not late:
            shown = session_row(overview, row, now_utc_ns)
            yield {**shown, "due": time_text(owed.due_utc_ns), "overdue": over, "state": "labels-missing"}


def _seconds(ns: int | None) -> float | None:
    return None if ns is None else ns / NS

"""What is kept of promised files beside the promise: circumstances and noted records, and what is read from them.

Rules of this module: rows follow from the files alone and may be made anew from them at any time; they are written in
the transaction that makes the promise. SQLAlchemy Core only.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager
from typing import Final, Protocol

import sqlalchemy as sa

from sealing import codec, encoding
from sealing.limits import HEADER_BYTES_MAX
from sealing.records import RecordType
from sync.sessions import Circumstances, SessionLog
from sync.store.database import insert_once
from sync.store.judge import ContentFacts, NotedRecord
from sync.store.schema import files, noted, openings, witnessed
from sync.witness import Witnessed

_BATCH: Final = 500


class Transactions(Protocol):
    """A database that gives transactions."""

    def transaction(self) -> AbstractContextManager[sa.Connection]:
        """One transaction, alone; durable when the block ends without an error."""
        ...


def index_content(connection: sa.Connection, device_id: str, facts: ContentFacts) -> None:
    """Write down what a file says; a file that was indexed before changes nothing."""
    if not insert_once(connection, openings, _opening_row(device_id, facts)):
        return
    rows = [_note_row(device_id, note) for note in facts.notes]
    for begin in range(0, len(rows), _BATCH):
        connection.execute(sa.insert(noted), rows[begin : begin + _BATCH])


def _opening_row(device_id: str, facts: ContentFacts) -> dict[str, object]:
    told = facts.circumstances
    return {
        "device_id": device_id,
        "sequence": facts.first_sequence,
        "session_id": told.session_id,
        "profile_id": told.profile_id,
        "profile_hash": told.profile_hash,
        "officer_ids": list(told.officer_ids),
        "activity_id": told.activity_id,
        "category": told.category,
        "label": told.label,
        "exception_reason": told.exception_reason,
        "labels_given": list(told.labels_given),
        "department": told.department,
    }


def _note_row(device_id: str, note: NotedRecord) -> dict[str, object]:
    return {
        "device_id": device_id,
        "sequence": note.sequence,
        "type": int(note.body.TYPE),
        "record_hash": note.record_hash,
        "utc_ns": note.utc_ns,
        "body": encoding.encode(codec.encode_body(note.body)),
    }


def heads_of(ledger: Transactions, device_id: str) -> dict[int, bytes]:
    """Proved hashes of records whose files are not here yet, by sequence number; the first one of each counts."""
    wanted = (
        sa.select(witnessed.c.sequence, witnessed.c.record_hash)
        .where(
            witnessed.c.device_id == device_id,
            witnessed.c.seen_as == Witnessed.HEAD.value,
            witnessed.c.proved.is_(True),
            ~sa.exists().where(
                files.c.device_id == device_id,
                files.c.first_sequence <= witnessed.c.sequence,
                files.c.last_sequence >= witnessed.c.sequence,
            ),
        )
        .order_by(witnessed.c.received_utc_ns.desc())
    )
    with ledger.transaction() as connection:
        return {row[0]: row[1] for row in connection.execute(wanted)}


def notes_of(ledger: Transactions, device_id: str) -> tuple[NotedRecord, ...]:
    """Noted records of a unit's promised files, in the chain's order."""
    wanted = sa.select(noted).where(noted.c.device_id == device_id).order_by(noted.c.sequence)
    with ledger.transaction() as connection:
        rows = connection.execute(wanted).mappings().all()
    return tuple(_note(row) for row in rows)


def _note(row: sa.RowMapping) -> NotedRecord:
    body = codec.decode_body(RecordType(row["type"]), encoding.decode(row["body"], HEADER_BYTES_MAX))
    return NotedRecord(row["sequence"], row["record_hash"], row["utc_ns"], body)


def circumstances_of_unit(ledger: Transactions, device_id: str) -> Iterator[tuple[int, Circumstances]]:
    """What the OPENs of a unit's promised files say, with their sequence numbers, in the chain's order."""
    wanted = sa.select(openings).where(openings.c.device_id == device_id).order_by(openings.c.sequence)
    with ledger.transaction() as connection:
        rows = connection.execute(wanted).mappings().all()
    for row in rows:
        yield (
            row["sequence"],
            Circumstances(
                profile_id=row["profile_id"],
                profile_hash=row["profile_hash"],
                session_id=row["session_id"],
                officer_ids=tuple(row["officer_ids"]),
                activity_id=row["activity_id"],
                category=row["category"],
                label=row["label"],
                exception_reason=row["exception_reason"],
                labels_given=tuple(row["labels_given"] or ()),
                department=row["department"],
            ),
        )


def log_of(ledger: Transactions, device_id: str) -> SessionLog:
    """A unit's recordings, as its promised files tell of them."""
    log = SessionLog()
    opened = list(circumstances_of_unit(ledger, device_id))
    for note in notes_of(ledger, device_id):
        while opened and opened[0][0] < note.sequence:
            log.opened(opened.pop(0)[1])
        log.record(note.sequence, note.utc_ns, note.body)
    for _, circumstances in opened:
        log.opened(circumstances)
    return log

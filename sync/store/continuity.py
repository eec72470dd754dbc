"""Whether a judged file joins the chain as far as the store has it (SY-17).

Rules of this module: reads inside one transaction, writes nothing; what contradicts raises.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from sealing.framing import FIRST_PREVIOUS_HASH
from sealing.limits import SEQUENCE_FIRST
from sync.errors import ContentError
from sync.store.judge import ContentFacts
from sync.store.schema import files, torn_ends


@dataclass(frozen=True, slots=True)
class Arrival:
    """A judged file that is about to be promised."""

    device_id: str
    file_id: bytes
    size_bytes: int
    torn_bytes: int
    torn_hash: bytes
    facts: ContentFacts
    received_utc_ns: int


def check_chain(connection: sa.Connection, arrival: Arrival) -> None:
    """SY-17: one content for one sequence number; neighbours join. One that has not come yet says nothing (SY-15)."""
    facts = arrival.facts
    own = files.c.device_id == arrival.device_id
    overlaps = (files.c.first_sequence <= facts.last_sequence) & (files.c.last_sequence >= facts.first_sequence)
    taken = sa.select(files.c.file_number).where(own, overlaps | (files.c.file_number == facts.file_number)).limit(1)
    other = connection.execute(taken).scalar()
    if other is not None:
        detail = f"records {facts.first_sequence} to {facts.last_sequence} (file {facts.file_number})"
        raise ContentError("fork", f"{detail} stand already in another file {other}")
    _check_adjacent(connection, arrival)
    before = sa.select(files.c.head_hash).where(own, files.c.last_sequence == facts.first_sequence - 1)
    head: bytes | None = connection.execute(before).scalar()
    if facts.first_sequence == SEQUENCE_FIRST:
        head = FIRST_PREVIOUS_HASH
    if head is not None and head != facts.hash_before:
        raise ContentError(
            "chain-break", f"record {facts.first_sequence} does not follow the head that the store holds"
        )
    behind = sa.select(files.c.hash_before).where(own, files.c.first_sequence == facts.last_sequence + 1)
    following: bytes | None = connection.execute(behind).scalar()
    if following is not None and following != facts.head_hash:
        raise ContentError("chain-break", f"record {facts.last_sequence} is not what the next one in the store follows")
    _check_torn_ends(connection, arrival)


def _check_adjacent(connection: sa.Connection, arrival: Arrival) -> None:
    """Files with adjacent numbers hold adjacent records: one that lost its end or its beginning shows here."""
    facts = arrival.facts
    beside = sa.select(files.c.file_number, files.c.first_sequence, files.c.last_sequence).where(
        files.c.device_id == arrival.device_id,
        files.c.file_number.in_((facts.file_number - 1, facts.file_number + 1)),
    )
    for number, first, last in connection.execute(beside):
        expected = (last, facts.first_sequence) if number < facts.file_number else (facts.last_sequence, first)
        if expected[0] + 1 != expected[1]:
            detail = f"between files {number} and {facts.file_number} records are missing: {expected}"
            raise ContentError("chain-break", detail)


def _check_torn_ends(connection: sa.Connection, arrival: Arrival) -> None:
    facts = arrival.facts
    named = sa.select(torn_ends.c.torn_bytes, torn_ends.c.torn_hash).where(
        torn_ends.c.device_id == arrival.device_id, torn_ends.c.file_number == facts.file_number
    )
    row = connection.execute(named).first()
    if row is not None and (row[0], row[1]) != (arrival.torn_bytes, arrival.torn_hash):
        raise ContentError("chain-break", f"torn end of file {facts.file_number} is not the one that BOOT names")
    for end in facts.torn_ends:
        held = sa.select(files.c.torn_bytes, files.c.torn_hash).where(
            files.c.device_id == arrival.device_id, files.c.file_number == end.file_number
        )
        row = connection.execute(held).first()
        if row is not None and (row[0], row[1]) != (end.torn_bytes, end.torn_hash):
            raise ContentError("chain-break", f"BOOT names another torn end of file {end.file_number} than is held")

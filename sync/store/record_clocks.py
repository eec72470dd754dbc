"""How sure a recording's times are: time source and uncertainty, as the unit sealed them (R15, R17).

Rules of this module: reads the first record of promised files; believes what was verified on arrival, judges nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from sealing.errors import SealingError
from sealing.framing import PREFIX_BYTES, decode_prefix, open_header
from sealing.limits import MAGIC
from sync.store.content import Content
from sync.store.ports import ObjectStore, PromiseLedger
from sync.store.vault import Name

_BEGIN: Final = len(MAGIC) + PREFIX_BYTES


@dataclass(frozen=True, slots=True)
class ClockFacts:
    """What the unit knew of its clock."""

    source: str
    """network, store, rtc or unset."""
    uncertainty_ns: int | None
    """Largest error that the source admits; None when it admits none."""


def clock_of(content: Content) -> ClockFacts | None:
    """Read what a sealed file's OPEN says of the clock; None where it cannot be read. Raises OSError."""
    data = b""
    for piece in content.pieces() if content.size_bytes() is not None else ():
        data += piece
        if len(data) < _BEGIN:
            continue
        try:
            length, _ = decode_prefix(data[len(MAGIC) : _BEGIN])
            if len(data) >= _BEGIN + length:
                header = open_header(data[_BEGIN : _BEGIN + length])[1]
                return ClockFacts(header.time_source, header.uncertainty_ns if header.uncertainty_ns >= 0 else None)
        except SealingError:
            return None
    return None


def clocks_of_recordings(ledger: PromiseLedger, objects: ObjectStore, device_id: str) -> Mapping[bytes, ClockFacts]:
    """The clock at the first promised file of each of a unit's recordings, by session id. Raises OSError."""
    found: dict[bytes, ClockFacts] = {}
    rows = sorted(ledger.files(device_id), key=lambda row: int(row["first_sequence"]))
    for row in rows:
        session_id = row["session_id"]
        if session_id is None or bytes(session_id) in found:
            continue
        facts = clock_of(objects.content(Name(device_id, row["file_id"].hex())))
        if facts is not None:
            found[bytes(session_id)] = facts
    return found

"""Faults that stand: found, and not over yet (R18).

Rules of this module: pure. A fault may outlive the file that tells of it, its receipt and the agent: so each file says
again which faults stand, and the last one alone tells it after a restart (`FORMAT.md`, SF-63).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sealing.framing import ChainRecord
from sealing.records import Body, Boot, Epoch, Event, Fault, Open, Tick, Torn

FAULTS_STANDING: Final = "faults-standing"
"""Code of the EVENT; its values are `part/code` and the number of the FAULT that found it."""
_BEGINNING: Final = (Open, Boot, Torn, Tick, Epoch, Fault)
"""What may stand in front of that EVENT."""

Standing = Mapping[tuple[str, str], int]
"""Part and code → sequence number of the FAULT that found it."""


def after(standing: Standing, body: Body, sequence: int) -> Standing:
    """What stands behind one more record."""
    if isinstance(body, Fault):
        key = (body.part, body.code)
        others = {each: found for each, found in standing.items() if each != key}
        return {**others, key: standing.get(key, sequence)} if body.present else others
    return _said(body) if isinstance(body, Event) and is_restated(body) else standing


def standing_in(records: Sequence[ChainRecord]) -> Standing:
    """What stands behind records of one file or of several, in chain order."""
    standing: Standing = {}
    for record in records:
        standing = after(standing, record.header.body, record.header.sequence)
    return standing


def tells_of_faults(records: Sequence[ChainRecord]) -> bool:
    """Whether a file came as far as the place of that EVENT: where it has none, none stood."""
    return any(not isinstance(record.header.body, _BEGINNING) for record in records)


def restated(standing: Standing) -> Event | None:
    """The EVENT for a new file; None where nothing stands."""
    if not standing:
        return None
    values = tuple((f"{part}/{code}", sequence) for (part, code), sequence in sorted(standing.items()))
    return Event(FAULTS_STANDING, None, values)


def is_restated(body: Body) -> bool:
    """Whether a record only says again which faults stand."""
    return isinstance(body, Event) and body.code == FAULTS_STANDING


def _said(body: Event) -> Standing:
    return {(part, code): sequence for name, sequence in body.values for part, _, code in [name.partition("/")]}

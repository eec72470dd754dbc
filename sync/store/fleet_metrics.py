"""The fleet in Prometheus' text format.

Rules of this module: pure; names follow Prometheus' conventions. A figure that a unit did not tell has no line: absent
is not zero.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from typing import Final

from sync.presence import Link, Presence
from sync.store.presences import Standing, Told

_S_NS: Final = 1_000_000_000


def _waiting(said: Presence) -> int | None:
    return None if said.files is None or said.receipted is None else max(0, said.files - said.receipted)


_FIGURES: Final[tuple[tuple[str, str, Callable[[Presence], int | bool | None]], ...]] = (
    ("battery_percent", "Charge that the unit told last.", lambda said: said.battery_percent),
    ("charging", "1 while its battery is charged.", lambda said: said.charging),
    ("free_bytes", "Room on the unit's medium.", lambda said: said.free_bytes),
    ("overdue", "1 where something should have been handed over.", lambda said: said.overdue),
    ("waiting_files", "Files in the spool without a receipt.", _waiting),
    ("unhealthy_threads", "Threads that stand still or ended.", lambda said: said.unhealthy),
)


def fleet_lines(fleet: Sequence[Standing]) -> Iterator[str]:
    """Write the gauges of a fleet.

    Args:
        fleet: How every unit stands.
    """
    counted = Counter(one.link for one in fleet)
    yield from _head("recorder_store_units_by_link", "Units, by how they stand.")
    for link in Link:
        yield f'recorder_store_units_by_link{{link="{link.value}"}} {counted[link]}\n'
    told: list[tuple[str, Told]] = [(one.device_id, one.told) for one in fleet if one.told is not None]
    yield from _head("recorder_store_unit_told_timestamp_seconds", "When the unit said something of itself.")
    for device_id, word in told:
        yield f"recorder_store_unit_told_timestamp_seconds{_of(device_id)} {word.told_utc_ns // _S_NS}\n"
    for name, words, figure in _FIGURES:
        yield from _head(f"recorder_store_unit_{name}", words)
        for device_id, word in told:
            value = figure(word.presence)
            if value is not None:
                yield f"recorder_store_unit_{name}{_of(device_id)} {int(value)}\n"


def _of(device_id: str) -> str:
    return f'{{device_id="{device_id}"}}'


def _head(name: str, words: str) -> Iterator[str]:
    yield f"# HELP {name} {words}\n# TYPE {name} gauge\n"

"""All suites beside each other: what post-quantum wraps and 国密 cost."""

from __future__ import annotations

import hashlib
import os
from dataclasses import dataclass
from functools import partial

from sealing.identity import DeviceIdentity, SealingPolicy
from sealing.suites import SUITES
from tests.bench.measurement import Measurement, figure, medians
from tests.support import chains, suites
from tests.support.clocks import ManualClock
from tests.support.counting_storage import CountingStorage

FRAGMENTS = 40
FRAGMENT_BYTES = 1_500_000


@dataclass(frozen=True)
class _Unit:
    unit: DeviceIdentity
    policy: SealingPolicy


def measure() -> list[Measurement]:
    """Median of five rounds, CPU seconds, into a counting sink."""
    pieces = [os.urandom(FRAGMENT_BYTES) for _ in range(FRAGMENTS)]
    units = {
        1: _Unit(chains.identity(), chains.policy()),
        2: _Unit(suites.hybrid().unit, suites.hybrid().policy),
        3: _Unit(suites.gm().unit, suites.gm().policy),
    }
    works = {f"suite {number}": partial(_seal, unit, pieces) for number, unit in units.items()}
    seconds = medians({"sha256": partial(_hash, pieces), **works})
    clear = FRAGMENTS * FRAGMENT_BYTES
    found: list[Measurement] = []
    for number, unit in units.items():
        taken, stored = seconds[f"suite {number}"], _seal(unit, pieces)
        name = f"suite {number}"
        found += [
            figure(f"{name}: seal speed", clear / taken / 1e6, "MB/s", "CPU seconds, into a counting sink"),
            figure(f"{name}: seal speed", seconds["sha256"] / taken, "ratio", "SHA-256 in this process, CPU"),
            figure(f"{name}: overhead", (stored - clear) / clear * 100, "%", "fragments of 1.5 MB, one file of 60 MB"),
        ]
    return [*found, *_records(units)]


def _records(units: dict[int, _Unit]) -> list[Measurement]:
    """Signing and checking one record."""
    found = []
    for number in units:
        used = SUITES[number]
        key, public = used.new_record_key()
        seconds = medians({"sign": lambda key=key: [key.sign(bytes(300)) for _ in range(500)]}, rounds=3)  # type: ignore[misc]
        found.append(
            figure(f"suite {number}: sign a record", seconds["sign"] / 500 * 1e6, "µs", f"{len(public)} byte key")
        )
    return found


def _seal(unit: _Unit, pieces: list[bytes]) -> int:
    storage = CountingStorage()
    writer = chains.start_writer(storage, ManualClock(), chain_policy=unit.policy, unit=unit.unit)
    writer.open_footage(chains.run_facts())
    for number, piece in enumerate(pieces):
        writer.append_fragment(chains.fragment(number), piece)
    writer.close_footage(chains.close_facts(len(pieces)))
    writer.halt("stop")
    return storage.bytes


def _hash(pieces: list[bytes]) -> None:
    for piece in pieces:
        hashlib.sha256(piece).digest()

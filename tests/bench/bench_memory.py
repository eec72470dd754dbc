"""Memory of the writer over a long time of footage: flat, whatever was sealed."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

from sealing.writer import ChainWriter
from tests.bench.measurement import Measurement, at_most, figure
from tests.support.chains import close_facts, fragment, run_facts, start_writer
from tests.support.counting_storage import CountingStorage

FRAGMENT_BYTES = 1_500_000
FRAGMENTS_PER_FILE = 44
FILES = 760
"""50 GB in files of 66 MB."""
FILES_TO_WARM_UP = 15
_PAGE_BYTES = os.sysconf("SC_PAGE_SIZE")


def measure() -> list[Measurement]:
    """Resident memory behind the first gigabyte and behind fifty."""
    storage = CountingStorage()
    writer = start_writer(storage)
    piece = os.urandom(FRAGMENT_BYTES)
    warm = 0
    for number in range(FILES):
        _file(writer, number, piece)
        if number == FILES_TO_WARM_UP:
            warm = _resident_bytes()
    growth = (_resident_bytes() - warm) / 1e6
    writer.halt("stop")
    return [
        figure("sealed into a counting sink", storage.bytes / 1e9, "GB", f"{storage.appends} writes"),
        at_most("memory growth", growth, "MB", "resident, from 1 GB sealed to 50 GB", 4),
    ]


def _file(writer: ChainWriter, number: int, piece: bytes) -> None:
    first = number * FRAGMENTS_PER_FILE
    writer.open_footage(replace(run_facts(number + 1), first_frame=30 * first, first_sample=48_000 * first))
    for each in range(first, first + FRAGMENTS_PER_FILE):
        writer.append_fragment(fragment(each), piece)
    writer.close_footage(close_facts(first + FRAGMENTS_PER_FILE))


def _resident_bytes() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * _PAGE_BYTES

"""The truth of a long day is told without being held."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

from hw_sim.simulation import simulation

BLOCKS = 40_000
BLOCK_SAMPLES = 960
AS_OBJECTS_BYTES = 12_000_000
"""Less than so many blocks take when all are held at once."""


def test_a_days_sound_is_summed_up_and_never_held(tmp_path: Path) -> None:
    with (tmp_path / "truth.jsonl").open("w", encoding="utf-8") as truth:
        truth.write('{"kind": "microphone_started", "boot_id": "b", "at_boottime_ns": 1, "clock_error_ppm": 0.0}\n')
        for number in range(BLOCKS):
            truth.write(
                f'{{"kind": "microphone_samples", "first_sample": {number * BLOCK_SAMPLES}, "count": {BLOCK_SAMPLES}, '
                f'"captured_boottime_ns": {number * 20_000_000}, "lost": 0}}\n'
            )
    tracemalloc.start()
    try:
        document = simulation(tmp_path)
        peak_bytes = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    samples = document["samples"]
    assert isinstance(samples, dict)
    assert samples["count"] == BLOCKS * BLOCK_SAMPLES
    assert peak_bytes < AS_OBJECTS_BYTES / 4

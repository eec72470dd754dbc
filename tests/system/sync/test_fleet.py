"""Two hundred units come back from their shift at once: all finish, none is starved."""

import random
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hal.drivers.system_clock import SystemClock
from sync.unit.client import StoreClient, tls_context
from sync.unit.courier import Ending
from sync.unit.spool import numbers
from tests.support.docks import UnitOnDisk, fill_spool, make_unit, opened_store
from tests.support.store_process import StoreProcess
from tests.system.sync.test_chaos import carry

pytestmark = [pytest.mark.system, pytest.mark.soak, pytest.mark.timeout(1800)]

UNITS = 200
SHARE_LEAST = 0.2
"""When half of all bytes are there, this share of the units has at least had its turn with one file."""


def shift(folder: Path, directory: Path) -> list[UnitOnDisk]:
    """Enrolled units, each with a shift's work."""
    with opened_store(directory) as store:
        units = [make_unit(store.authority, store.ledger, folder / f"u{one}", f"unit-{one}") for one in range(UNITS)]
    for unit in units:
        fill_spool(unit, footage_files=3, fragments=4, fragment_bytes=20_000)
    return units


def test_two_hundred_units_at_once_all_finish_with_fair_shares(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """SY-20, SY-21: over mutual TLS; waiting units are asked to come back, and do."""
    directory = tmp_path / "store"
    units = shift(tmp_path, directory)
    process = StoreProcess(directory, tls=True)
    process.start()
    clock, together = SystemClock(), threading.Barrier(UNITS + 1)

    def dock(number: int) -> tuple[Ending, float]:
        unit = units[number]
        client = StoreClient(process.url, unit.device_id, tls_context(unit.paths), timeout_seconds=60)
        together.wait()
        ending = carry(unit, client, seed=number, seconds=1200.0)
        return ending, (clock.boottime_ns() - begun_ns) / 1e9

    with ThreadPoolExecutor(UNITS) as pool:
        running = [pool.submit(dock, number) for number in random.Random(1).sample(range(UNITS), UNITS)]
        begun_ns = clock.boottime_ns()
        together.wait()
        found = [one.result() for one in running]
    assert process.stop() == 0
    seconds = sorted(took for _, took in found)
    assert [ending for ending, _ in found] == [Ending.ALL_RECEIPTED] * UNITS
    with opened_store(directory) as store:
        rows = sorted((row["received_utc_ns"], row["device_id"], row["size_bytes"]) for row in store.ledger.files())
    assert len(rows) == sum(len(numbers(unit.paths.spool)) for unit in units)
    half = rows[: len(rows) // 2]
    served = {device_id for _, device_id, _ in half}
    shares = [sum(size for _, device_id, size in half if device_id == one) for one in served]
    fairness = sum(shares) ** 2 / (UNITS * sum(share**2 for share in shares))
    with capsys.disabled():
        text = f"{UNITS} units, {len(rows)} files: first {seconds[0]:.1f} s, median {seconds[UNITS // 2]:.1f} s, "
        text += f"last {seconds[-1]:.1f} s; at half time {len(served)} units were served, Jain index {fairness:.2f}"
        sys.stdout.write(f"\n{text}\n")
    assert len(served) >= SHARE_LEAST * UNITS

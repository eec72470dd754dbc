"""Two hundred units come back from their shift at once, over one broker as it is shipped: all finish."""

import random
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from hal.drivers.system_clock import SystemClock
from sync.mqtt.window import window_bytes
from sync.unit.client import tls_context
from sync.unit.courier import Ending
from sync.unit.spool import numbers
from tests.support.broker import agency_broker
from tests.support.broker_ends import mqtt_client
from tests.support.docks import opened_store
from tests.support.restarting import ended_after_all
from tests.support.store_process import StoreProcess
from tests.system.sync.test_chaos import carry
from tests.system.sync.test_fleet import SHARE_LEAST, UNITS, shift

pytestmark = [pytest.mark.system, pytest.mark.soak, pytest.mark.timeout(1800)]

BROKERS_OWN_BYTES = 64_000_000
LONGEST_SECONDS = 1200.0


def test_two_hundred_units_at_once_over_mqtt_all_finish_with_fair_shares(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """SY-20, SY-21, SY-46, SY-52: by the shipped configuration, with mutual TLS and access rules."""
    directory = tmp_path / "store"
    units = shift(tmp_path, directory)
    clock, together = SystemClock(), threading.Barrier(UNITS + 1)
    with opened_store(directory) as opened, agency_broker(opened.authority, tmp_path / "broker") as broker:
        store = StoreProcess(directory, mqtt=broker.url)
        store.start()

        def dock(number: int) -> tuple[Ending, float, int]:
            client = mqtt_client(units[number], broker.url, tls_context(units[number].paths), haste=1)
            together.wait()
            ending = carry(units[number], client, seed=number, seconds=LONGEST_SECONDS)
            return ending, (clock.boottime_ns() - begun_ns) / 1e9, client.sent_bytes

        with ended_after_all(store), ThreadPoolExecutor(UNITS) as pool:
            running = [pool.submit(dock, number) for number in random.Random(1).sample(range(UNITS), UNITS)]
            begun_ns = clock.boottime_ns()
            together.wait()
            found = [one.result() for one in running]
        peak_bytes = broker.peak_bytes()
        assert store.stop() == 0
    assert [ending for ending, _, _ in found] == [Ending.ALL_RECEIPTED] * UNITS
    with opened_store(directory) as opened:
        rows = sorted((row["received_utc_ns"], row["device_id"], row["size_bytes"]) for row in opened.ledger.files())
    assert len(rows) == sum(len(numbers(unit.paths.spool)) for unit in units)
    served = {device_id for _, device_id, _ in rows[: len(rows) // 2]}
    seconds = sorted(took for _, took, _ in found)
    allowed = UNITS * window_bytes(UNITS) + BROKERS_OWN_BYTES
    with capsys.disabled():
        share = sum(sent for _, _, sent in found) / sum(size for _, _, size in rows)
        text = f"{UNITS} units over MQTT, {len(rows)} files: first {seconds[0]:.1f} s, "
        text += f"median {seconds[UNITS // 2]:.1f} s, last {seconds[-1]:.1f} s; "
        text += f"at half time {len(served)} units were served; {share:.2f}x bytes; "
        text += f"broker's peak {peak_bytes / 1e6:.1f} MB of {allowed / 1e6:.1f} MB"
        sys.stdout.write(f"\n{text}\n")
    assert len(served) >= SHARE_LEAST * UNITS
    assert peak_bytes <= allowed

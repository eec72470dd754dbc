"""CPU seconds per GiB from the unit's disk to a receipt through a broker, as a ratio to `curl` into nginx; its memory.

Unit, broker and store count. The broker's memory is what the windows of the units that send allow, and its own.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from hal.drivers.system_clock import SystemClock
from sealing.receipts import read_receipt
from sync.inclusion import detach
from sync.mqtt.bodies import WINDOW_BYTES_MAX
from sync.unit.broker_link import BrokerLink
from sync.unit.client import tls_context
from sync.unit.mqtt_client import MqttStoreClient
from sync.unit.spool import SealedFile
from tests.bench.bench_sync import GIB, MEMORY, _curl, _footage, _own_seconds, _process_seconds
from tests.bench.measurement import ROUNDS, Measurement, at_most, figure
from tests.support.broker import Broker, agency_broker, plain_broker
from tests.support.docks import UnitOnDisk, opened_store
from tests.support.store_process import StoreProcess

GOAL = 5.5
OWN_MEMORY_MB = 64
_MB = 1_000_000


def measure() -> list[Measurement]:
    """Plain, and by the shipped configuration: mutual TLS and access rules."""
    where = MEMORY if MEMORY.is_dir() and os.access(MEMORY, os.W_OK) else None
    with tempfile.TemporaryDirectory(prefix="bench-mqtt-", dir=where) as name:
        folder = Path(name)
        unit, files = _footage(folder)
        seconds: dict[str, list[float]] = {"curl": [], "plain": [], "mutual TLS 1.3": []}
        peaks: list[int] = []
        for number in range(ROUNDS):
            seconds["curl"].append(_curl(folder / f"nginx-{number}", files[1:], synced=False))
            for way in ("plain", "mutual TLS 1.3"):
                spent, peak = _carried(folder, f"{way}-{number}", unit, files, tls=way != "plain")
                seconds[way].append(spent)
                peaks.append(peak)
        scale = GIB / sum(one.size_bytes for one in files[1:])
        base, plain, mutual = (median(one) * scale for one in seconds.values())
        window_mb = WINDOW_BYTES_MAX / _MB
        allowed = round(window_mb + OWN_MEMORY_MB, 1)
        return [
            figure("sync, MQTT", plain, "CPU s/GiB", "unit, broker and store, verified and receipted"),
            figure("sync, MQTT, mutual TLS 1.3", mutual, "CPU s/GiB", "unit, broker and store, verified and receipted"),
            figure("sync, MQTT, mutual TLS 1.3", mutual / base, "ratio", "curl into nginx, same run"),
            at_most("sync, MQTT", plain / base, "ratio", "curl into nginx, same run", GOAL),
            at_most("broker, peak memory", max(peaks) / _MB, "MB", "one unit: its window and 64 MB", allowed),
        ]


def _carried(folder: Path, run: str, unit: UnitOnDisk, files: list[SealedFile], *, tls: bool) -> tuple[float, int]:
    """CPU seconds of all three from the second file to its last receipt, and the broker's peak memory."""
    agency = folder / run
    subprocess.run(["cp", "-a", str(folder / "agency"), str(agency)], check=True)
    with _broker(agency, folder / f"broker-{run}", tls=tls) as broker, _served(agency, broker) as store:
        link = BrokerLink(broker.url, unit.device_id, "bytes", tls_context(unit.paths) if tls else None)
        client = MqttStoreClient(link, unit.device_id, SystemClock().boottime_ns)
        _send(client, files[0])
        before = _process_seconds(store.pid) + broker.cpu_seconds() + _own_seconds()
        for file in files[1:]:
            _send(client, file)
        spent = _process_seconds(store.pid) + broker.cpu_seconds() + _own_seconds() - before
        client.close()
        peak = broker.peak_bytes()
    subprocess.run(["rm", "-rf", str(agency)], check=True)
    return spent, peak


@contextlib.contextmanager
def _broker(agency: Path, folder: Path, *, tls: bool) -> Iterator[Broker]:
    if not tls:
        with plain_broker(folder) as one:
            yield one
        return
    with opened_store(agency) as store, agency_broker(store.authority, folder) as one:
        yield one


@contextlib.contextmanager
def _served(agency: Path, broker: Broker) -> Iterator[StoreProcess]:
    process = StoreProcess(agency, mqtt=broker.url)
    process.start()
    try:
        yield process
    finally:
        process.stop()


def _send(client: MqttStoreClient, file: SealedFile) -> None:
    client.create(file)
    standing = client.head(file)
    client.append(file, 0 if standing is None else standing.offset_bytes, lambda: True, lambda _: None)
    receipt = read_receipt(detach(client.receipt(file) or b"")[0])
    if receipt.file_id != file.file_id:
        raise RuntimeError(f"the receipt is for {receipt.file_id.hex()}, not for {file.file_id.hex()}")

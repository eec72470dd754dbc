"""A store killed at random behind a line that breaks at random: nothing lost, nothing twice, no false receipt."""

import hashlib
import os
import random
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from cryptography import x509

from hal.drivers.system_clock import SystemClock
from sealing.receipts import FIRST_PREVIOUS_RECEIPT, read_receipt, receipt_hash, receipt_key
from sync import inbox
from sync.backoff import Backoff
from sync.receipt_check import check_receipt
from sync.store.content import read_pieces
from sync.unit.client import StoreClient
from sync.unit.courier import Courier, Ending, Surroundings
from sync.unit.reports import Quiet
from sync.unit.spool import numbers
from sync.unit.transport import Transport
from tests.support.chaos_proxy import ChaosProxy
from tests.support.clocks import START_UTC_NS, ManualClock
from tests.support.docks import UnitOnDisk, crash_spool, fill_spool, make_unit, opened_store
from tests.support.restarting import ended_after_all, killed_at_random
from tests.support.store_process import StoreProcess

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]

LONGEST_SECONDS = 300.0
ENOUGH_KILLS = 5
STILL_SECONDS = 1.0
"""So long a unit waits on a line that breaks all the time."""


def carry(unit: UnitOnDisk, client: Transport | str, seed: int = 1, seconds: float = LONGEST_SECONDS) -> Ending:
    """The unit's own loop, with short waits, over a client or, without TLS, to a URL."""
    if isinstance(client, str):
        client = StoreClient(client, unit.device_id, None)
    certificate = x509.load_pem_x509_certificate(unit.paths.receipt_certificate.read_bytes())
    clock = SystemClock()
    courier = Courier(
        Surroundings(
            paths=unit.paths,
            device_id=unit.device_id,
            client=client,
            store_key=receipt_key(certificate),
            clock=clock,
            stop=clock.signal(),
            draw=random.Random(seed).random,
            reporter=Quiet(),
            backoff=Backoff(0.02, 0.3),
        )
    )
    try:
        return courier.run_once(seconds)
    finally:
        client.close()


def hasty(unit: UnitOnDisk, url: str) -> StoreClient:
    """A client that soon gives a silent line up."""
    return StoreClient(url, unit.device_id, None, timeout_seconds=STILL_SECONDS)


def check_nothing_lost(directory: Path, unit: UnitOnDisk) -> None:
    """Every file once, every receipt true, numbered and chained; nothing else in the store."""
    spool = {number: unit.paths.spool / f"{number:08d}.evs" for number in numbers(unit.paths.spool)}
    with opened_store(directory) as store:
        store.intake.recover()
        own = [name for name in store.vault.objects() if name.device_id == unit.device_id]
        objects = {name.file_id: store.vault.object(name) for name in own}
        digests = sorted(_digest(path) for path in spool.values())
        assert sorted(_digest(path) for path in objects.values()) == digests
        rows = store.ledger.files(unit.device_id)
        assert {row["file_id"].hex() for row in rows} == set(objects)
        previous = FIRST_PREVIOUS_RECEIPT
        for number, row in enumerate(rows, start=1):
            receipt = read_receipt(row["receipt"])
            assert (receipt.receipt_number, receipt.previous_receipt_hash) == (number, previous)
            previous = receipt_hash(row["receipt"])
        for number, path in spool.items():
            data = (unit.paths.inbox / inbox.receipt_name(number)).read_bytes()
            receipt = check_receipt(data, store.receipt_certificate(), unit.device_id, path, spool.get(number + 1))
            assert store.ledger.receipt(unit.device_id, receipt.file_id) == data
        assert not store.ledger.parked()
        assert not list((directory / "incoming").rglob("*.part"))


def _digest(path: Path) -> str:
    digest = hashlib.sha256()
    for piece in read_pieces(path):
        digest.update(piece)
    return digest.hexdigest()


def make_units(directory: Path, folder: Path, count: int) -> list[UnitOnDisk]:
    """Enrolled units whose first start ended in a crash."""
    with opened_store(directory) as store:
        units = [make_unit(store.authority, store.ledger, folder / f"u{one}", f"unit-{one}") for one in range(count)]
    for unit in units:
        crash_spool(unit)
    return units


def work_a_day(unit: UnitOnDisk, day: int) -> None:
    """One more start of the agent with some footage."""
    clock = ManualClock(START_UTC_NS + day * 86_400 * 10**9, boot_id=f"boot-{day + 2}")
    fill_spool(unit, footage_files=3, fragments=4, fragment_bytes=250_000, clock=clock)


@pytest.mark.parametrize("seed", [1, 2])
def test_kills_and_broken_lines_lose_nothing(tmp_path: Path, seed: int, capsys: pytest.CaptureFixture[str]) -> None:
    """SY-8, SY-12, SY-13, SY-14, SY-19, SY-20, SY-22, SY-24: both ends through everything at once."""
    directory = tmp_path / "store"
    units = make_units(directory, tmp_path, count=3)
    process = StoreProcess(directory)
    day = 0
    process.start()
    with (
        ended_after_all(process),
        ChaosProxy(process.port, seed) as proxy,
        killed_at_random(lambda _: process, seed, lambda: proxy.passed_bytes),
    ):
        while process.kills < ENOUGH_KILLS:
            day += 1
            for unit in units:
                work_a_day(unit, day)
            with ThreadPoolExecutor(len(units)) as pool:
                endings = list(pool.map(lambda unit: carry(unit, hasty(unit, proxy.url), seed), units))
            assert endings == [Ending.ALL_RECEIPTED] * len(units)
    assert process.stop() == os.EX_OK
    happened = dict(proxy.happened)
    with capsys.disabled():
        sys.stdout.write(f"\nseed {seed}: kills {process.kills}, promised after one {process.recovered}, {happened}\n")
    assert {"rst", "fin", "stall"} & set(happened)
    for unit in units:
        check_nothing_lost(directory, unit)

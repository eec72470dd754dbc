"""Several processes of one store on PostgreSQL and S3: killed, and what stands behind them killed in mid-commit."""

import os
import socket
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sync.store.gateway import make_gateway
from sync.unit.client import StoreClient
from sync.unit.courier import Ending
from tests.support.clocks import START_UTC_NS, ManualClock
from tests.support.cutting_gateway import POINTS
from tests.support.docks import UnitOnDisk, crash_spool, fill_spool, make_unit
from tests.support.engines import Engines, check_whole, opened, started_engines
from tests.support.line_proxy import LineProxy, pieces
from tests.support.restarting import started_again
from tests.support.s3_process import S3Process
from tests.support.store_process import StoreProcess
from tests.system.sync.test_chaos import carry

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

SEALED_BYTES = 300_000
LATER = START_UTC_NS + 86_400 * 10**9
WORDS_BYTES = 60_000
"""Heads, inventories and questions of one unit; far less than a file."""


@pytest.fixture(scope="module")
def engines(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Engines]:
    with started_engines(tmp_path_factory.mktemp("engines")) as running:
        yield running


class CuttingGateway(StoreProcess):
    """A gateway in which the database dies once."""

    def __init__(self, directory: Path, point: str, engines: Engines) -> None:
        super().__init__(directory)
        marker, pid_file = directory / "died", engines.postgres.pid_file
        self._start = ["-m", "tests.support.cutting_gateway", point, str(marker), str(pid_file)]


def made(directory: Path, engines: Engines, folder: Path, count: int = 1) -> list[UnitOnDisk]:
    """A store, and units whose first start ended in a crash."""
    with opened(directory, engines.settings()) as store:
        units = [make_unit(store.authority, store.ledger, folder / f"u{one}", f"unit-{one}") for one in range(count)]
    for unit in units:
        crash_spool(unit)
    return units


@pytest.mark.parametrize("point", POINTS)
def test_a_database_that_dies_in_a_commit_costs_no_receipt(tmp_path: Path, engines: Engines, point: str) -> None:
    """SY-13, SY-19, SY-22, SY-23, SY-80, SY-83: before COMMIT, and behind it where nobody hears the answer."""
    (unit,) = made(tmp_path / "store", engines, tmp_path)
    gateway, before = CuttingGateway(tmp_path / "store", point, engines), engines.postgres.kills
    with started_again(engines.postgres):
        gateway.start()
        assert carry(unit, gateway.url) is Ending.ALL_RECEIPTED
    assert gateway.stop() == os.EX_OK
    assert engines.postgres.kills == before + 1
    with opened(tmp_path / "store") as store:
        check_whole(store, [unit])


@pytest.mark.parametrize("point", ["before-put", "after-put"])
def test_a_bucket_that_dies_in_a_commit_costs_no_object(tmp_path: Path, engines: Engines, point: str) -> None:
    """SY-13, SY-19, SY-82, SY-83: before the object is there, and behind it where nobody hears the answer."""
    s3 = S3Process(tmp_path, dies_at=point)
    s3.start()
    try:
        s3.make_bucket()
        (unit,) = made(tmp_path / "store", Engines(engines.postgres, s3), tmp_path)
        gateway = StoreProcess(tmp_path / "store")
        with started_again(s3):
            gateway.start()
            assert carry(unit, gateway.url) is Ending.ALL_RECEIPTED
        assert gateway.stop() == os.EX_OK
        assert s3.kills == 1
        with opened(tmp_path / "store") as store:
            check_whole(store, [unit])
    finally:
        s3.stop()


class Balancer(LineProxy):
    """Gives every connection to the first gateway of its list that is alive, and counts what units send.

    Args:
        gateways: The list.
        passed: Told of every piece on its way to a gateway.
    """

    def __init__(self, gateways: list[StoreProcess], passed: Callable[[int], None]) -> None:
        self._gateways = gateways
        self._passed = passed
        super().__init__(gateways[0].port)
        self.sent_bytes = 0

    @property
    def store_port(self) -> int:
        return next(one.port for one in self._gateways if one.alive())

    @store_port.setter
    def store_port(self, _: int) -> None:
        """The list decides."""

    def joined(self, unit: socket.socket, store: socket.socket) -> None:
        self.start(self._upwards, unit, store)
        self.start(self.carry, store, unit)

    def _upwards(self, unit: socket.socket, gateway: socket.socket) -> None:
        with self.carrying(unit, gateway):
            for data in pieces(unit):
                self.sent_bytes += len(data)
                self._passed(self.sent_bytes)
                gateway.sendall(data)


def test_a_lost_gateway_costs_each_unit_at_most_one_file(tmp_path: Path, engines: Engines) -> None:
    """SY-80, SY-81: three processes, one killed in the middle of a file; the others finish its unit's work."""
    units = made(tmp_path / "one", engines, tmp_path, count=3)
    for unit in units:
        clock = ManualClock(LATER, boot_id="boot-9")
        fill_spool(unit, footage_files=3, fragments=3, fragment_bytes=SEALED_BYTES // 3, clock=clock)
    folders = [tmp_path / name for name in ("one", "two", "three")]
    for folder in folders[1:]:
        make_gateway(folders[0], folder)
    gateways = [StoreProcess(folder) for folder in folders]
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(StoreProcess.start, gateways))
    doomed, once = gateways[0], threading.Lock()

    def kill_in_the_middle(sent_bytes: int) -> None:
        if sent_bytes > SEALED_BYTES * 3 // 2 and once.acquire(blocking=False):
            doomed.kill()

    lists = [gateways[place:] + gateways[:place] for place in range(3)]
    lines = [Balancer(one, kill_in_the_middle if one[0] is doomed else lambda _: None) for one in lists]
    with lines[0], lines[1], lines[2], ThreadPoolExecutor(3) as pool:
        # A file that is given up for the wait alone would be sent twice: only what was lost may be.
        clients = [
            StoreClient(line.url, unit.device_id, None, timeout_seconds=60.0)
            for unit, line in zip(units, lines, strict=True)
        ]
        endings = list(pool.map(carry, units, clients))
    assert endings == [Ending.ALL_RECEIPTED] * 3
    assert doomed.kills == 1
    assert [one.stop() for one in gateways[1:]] == [os.EX_OK] * 2
    for unit, line in zip(units, lines, strict=True):
        sizes = [path.stat().st_size for path in unit.paths.spool.glob("*.evs")]
        again = max(sizes) if line is lines[0] else 0
        assert line.sent_bytes < sum(sizes) + again + WORDS_BYTES
    with opened(folders[1]) as store:
        check_whole(store, units)

"""One small exchange over MQTT, broken at the bytes of both lines and directions: nothing lost, nothing twice.

The lines are those of the unit to the broker and of the store to the broker. Each file of a spool is one exchange, on a
connection of its own; the lines are armed anew as soon as the file before has its receipt.
"""

import random
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

import pytest
from cryptography import x509

from hal.drivers.system_clock import SystemClock
from sealing.receipts import receipt_key
from sync.backoff import Backoff
from sync.unit.courier import Courier, Ending, Surroundings
from sync.unit.reports import Report
from tests.support.broker import plain_broker
from tests.support.broker_ends import mqtt_client
from tests.support.cutting_proxy import Cut, CuttingProxy, Way
from tests.support.docks import UnitOnDisk, fill_spool, make_unit, opened_store
from tests.support.restarting import ended_after_all
from tests.support.store_process import StoreProcess
from tests.system.sync.test_chaos import check_nothing_lost

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

QUICK = 4
"""Positions of each direction of the unit's line in `make test`; the store's line, and every byte, in `make soak`."""
BATCH = 200
MEASURED = 3
HASTE = 20
"""Who cuts lines need not wait for what will never come; who counts bytes must not have a question asked again."""
PATIENCE_SECONDS = 200.0
NOWHERE = 1 << 62


class Side(Enum):
    """Whose line to the broker is broken."""

    UNIT = "unit"
    STORE = "store"


class Arming:
    """Breaks the line at the next position whenever a file has its receipt.

    Args:
        proxy: The line.
        cuts: One for each file behind the first.
    """

    def __init__(self, proxy: CuttingProxy, cuts: Sequence[Cut]) -> None:
        self._proxy = proxy
        self._left = iter(cuts)

    def report(self, report: Report) -> None:
        if report.event == "receipted":
            self._proxy.close(*list(self._proxy._open))
            self._proxy.arm(next(self._left, Cut(Way.UP, NOWHERE)))


@dataclass
class Scene:
    """A store with its broker between two lines that can be cut."""

    folder: Path
    store: StoreProcess
    lines: dict[Side, CuttingProxy]
    units: int = 0

    def exchange(self, side: Side, cuts: Sequence[Cut], haste: int = HASTE) -> None:
        """Carry one file for each cut, and one before them."""
        with opened_store(self.store.directory) as store:
            self.units += 1
            name = f"unit-{self.units}"
            unit = make_unit(store.authority, store.ledger, self.folder / name, name)
        fill_spool(unit, footage_files=len(cuts) - 1, fragments=1, fragment_bytes=64)
        assert self._carry(unit, Arming(self.lines[side], cuts), haste) is Ending.ALL_RECEIPTED
        check_nothing_lost(self.store.directory, unit)

    def _carry(self, unit: UnitOnDisk, arming: Arming, haste: int) -> Ending:
        clock = SystemClock()
        url = self.lines[Side.UNIT].url.replace("http", "mqtt")
        client = mqtt_client(unit, url, haste=haste)
        certificate = x509.load_pem_x509_certificate(unit.paths.receipt_certificate.read_bytes())
        courier = Courier(
            Surroundings(
                paths=unit.paths,
                device_id=unit.device_id,
                client=client,
                store_key=receipt_key(certificate),
                clock=clock,
                stop=clock.signal(),
                draw=random.Random(1).random,
                reporter=arming,
                backoff=Backoff(0.001, 0.01),
            )
        )
        try:
            return courier.run_once(PATIENCE_SECONDS * max(1, len(list(unit.paths.spool.iterdir())) / 50))
        finally:
            client.close()


@pytest.fixture
def scene(tmp_path: Path) -> Iterator[Scene]:
    with opened_store(tmp_path / "store"):
        pass
    with (
        plain_broker(tmp_path / "broker") as broker,
        CuttingProxy(broker.port) as ours,
        CuttingProxy(broker.port) as theirs,
    ):
        store = StoreProcess(tmp_path / "store", mqtt=theirs.url.replace("http", "mqtt"))
        store.start()
        with ended_after_all(store):
            yield Scene(tmp_path, store, {Side.UNIT: ours, Side.STORE: theirs})
        assert store.stop() == 0


def measured(scene: Scene, side: Side) -> dict[Way, int]:
    """Bytes of one whole exchange on a line; of several the shortest, in which nothing was said twice."""
    whole = [Cut(Way.UP, NOWHERE) for _ in range(MEASURED + 1)]
    scene.exchange(side, whole, haste=1)
    return {way: min(one.seen[way] for one in whole[:MEASURED]) for way in Way}


def cut_at(scene: Scene, side: Side, way: Way, positions: Sequence[int]) -> int:
    """Break one exchange at each position; gives how many were really broken."""
    broken = 0
    for begin in range(0, len(positions), BATCH):
        cuts = [Cut(way, position, reset=bool(position % 2)) for position in positions[begin : begin + BATCH]]
        scene.exchange(side, cuts)
        broken += sum(cut.done for cut in cuts)
    return broken


@contextmanager
def said(capsys: pytest.CaptureFixture[str]) -> Iterator[list[str]]:
    """Show what was counted."""
    lines: list[str] = []
    yield lines
    with capsys.disabled():
        sys.stdout.write("\n" + "\n".join(lines) + "\n")


@pytest.mark.parametrize("side", [Side.UNIT, pytest.param(Side.STORE, marks=pytest.mark.soak)])
def test_cut_at_bytes_of_a_small_exchange(scene: Scene, side: Side, capsys: pytest.CaptureFixture[str]) -> None:
    """SY-8, SY-13, SY-19, SY-20, SY-23, SY-47, SY-48."""
    lengths = measured(scene, side)
    with said(capsys) as told:
        for way, length in lengths.items():
            positions = range(3, length, max(1, length // QUICK))
            broken = cut_at(scene, side, way, positions)
            told.append(f"MQTT, line of the {side.value}, {way.value}: {length} bytes, cut at {broken}")
            assert broken >= len(positions) // 2


@pytest.mark.soak
@pytest.mark.timeout(7200)
@pytest.mark.parametrize("side", list(Side))
@pytest.mark.parametrize("way", list(Way))
def test_cut_at_every_byte_of_a_small_exchange(
    scene: Scene, side: Side, way: Way, capsys: pytest.CaptureFixture[str]
) -> None:
    """SY-8, SY-13, SY-19, SY-20, SY-23, SY-47, SY-48."""
    length = measured(scene, side)[way]
    with said(capsys) as told:
        broken = cut_at(scene, side, way, range(length))
        told.append(f"MQTT, line of the {side.value}, {way.value}: {length} bytes, cut at {broken}")

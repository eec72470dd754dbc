"""The chaos of `test_chaos` over MQTT, the broker killed, too: nothing lost, nothing twice, no false receipt."""

import os
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from sync.unit.courier import Ending
from tests.support.broker import Broker, plain_broker
from tests.support.broker_ends import all_killed_at_random, mqtt_client
from tests.support.broker_lines import BrokenLines, LosingBroker, Losses, NarrowLine
from tests.support.broker_peer import peer
from tests.support.clocks import START_UTC_NS, ManualClock
from tests.support.docks import UnitOnDisk, fill_spool, make_unit, opened_store
from tests.support.dying_store import POINTS
from tests.support.restarting import ended_after_all, started_again
from tests.support.store_process import StoreProcess
from tests.system.sync.test_chaos import carry, check_nothing_lost, make_units, work_a_day

pytestmark = [pytest.mark.system, pytest.mark.timeout(900)]

LONGEST_SECONDS = 300.0
ENOUGH_KILLS = 3
LATER_UTC_NS = START_UTC_NS + 86_400 * 10**9
QUICK_POINTS = ("between-rename-and-folder-sync", "after-row")


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with plain_broker(tmp_path / "broker") as one:
        yield one


def carry_over(unit: UnitOnDisk, url: str, seed: int, seconds: float = LONGEST_SECONDS) -> tuple[Ending, int]:
    """The unit's own loop over a broker; gives the bytes of files that it gave to the line, too."""
    client = mqtt_client(unit, url)
    ending = carry(unit, client, seed, seconds)
    return ending, client.sent_bytes


def carry_all(units: list[UnitOnDisk], url: str, seed: int, seconds: float = LONGEST_SECONDS) -> int:
    """All units at once; gives the bytes that they gave to the line."""
    with ThreadPoolExecutor(len(units)) as pool:
        found = list(pool.map(lambda unit: carry_over(unit, url, seed, seconds), units))
    assert [ending for ending, _ in found] == [Ending.ALL_RECEIPTED] * len(units)
    return sum(sent for _, sent in found)


def held_bytes(units: list[UnitOnDisk]) -> int:
    return sum(path.stat().st_size for unit in units for path in unit.paths.spool.glob("*.evs"))


def say(capsys: pytest.CaptureFixture[str], text: str) -> None:
    with capsys.disabled():
        sys.stdout.write(f"\n{text}\n")


def chaos(folder: Path, broker: Broker, seed: int, kills: int, seconds: float = LONGEST_SECONDS) -> str:
    """Until store and broker were killed often enough: everything at once. Gives the counts."""
    directory = folder / "store"
    units = make_units(directory, folder, count=3)
    day = sent = 0
    with BrokenLines(broker.port, seed) as lines, BrokenLines(broker.port, seed + 1000) as stores_lines:
        store = StoreProcess(directory, mqtt=stores_lines.url)
        with all_killed_at_random(store, broker, seed, lambda: stores_lines.passed_bytes):
            while store.kills < kills or not broker.kills:
                day += 1
                for unit in units:
                    work_a_day(unit, day)
                sent += carry_all(units, lines.url, seed, seconds)
    assert store.stop() == os.EX_OK
    happened = dict(lines.happened + stores_lines.happened)
    for unit in units:
        check_nothing_lost(directory, unit)
    files = sum(1 for unit in units for _ in unit.paths.spool.glob("*.evs"))
    return (
        f"MQTT, seed {seed}: store killed {store.kills}, broker {broker.kills}, {files} files, "
        f"{sent / held_bytes(units):.2f}x bytes, promised after a kill {store.recovered}, lines {happened}"
    )


def test_kills_and_broken_lines_lose_nothing(
    tmp_path: Path, broker: Broker, capsys: pytest.CaptureFixture[str]
) -> None:
    """SY-8, SY-13, SY-14, SY-19, SY-20, SY-22, SY-24, SY-46, SY-47, SY-48."""
    say(capsys, chaos(tmp_path, broker, seed=1, kills=ENOUGH_KILLS))


@pytest.mark.soak
@pytest.mark.timeout(1800)
@pytest.mark.parametrize("seed", range(2, 8))
def test_many_kills_and_broken_lines_lose_nothing(
    tmp_path: Path, broker: Broker, seed: int, capsys: pytest.CaptureFixture[str]
) -> None:
    """SY-8, SY-13, SY-14, SY-19, SY-20, SY-22, SY-24, SY-46, SY-47, SY-48."""
    say(capsys, chaos(tmp_path, broker, seed, kills=25, seconds=900.0))


def killed_at(folder: Path, broker: Broker, point: str) -> None:
    directory = folder / "store"
    with opened_store(directory) as store:
        unit = make_unit(store.authority, store.ledger, folder / "unit")
    work_a_day(unit, 0)
    process = StoreProcess(directory, dies_at=point, mqtt=broker.url)
    process.start()
    with ended_after_all(process), started_again(process):
        assert carry_over(unit, broker.url, seed=1)[0] is Ending.ALL_RECEIPTED
    assert process.kills == 1
    assert process.stop() == os.EX_OK
    check_nothing_lost(directory, unit)


@pytest.mark.parametrize("point", QUICK_POINTS)
def test_killed_at(tmp_path: Path, broker: Broker, point: str) -> None:
    """SY-13, SY-19, SY-22, SY-23, SY-48."""
    killed_at(tmp_path, broker, point)


@pytest.mark.soak
@pytest.mark.parametrize("point", [point for point in POINTS if point not in QUICK_POINTS])
def test_killed_at_every_other_point(tmp_path: Path, broker: Broker, point: str) -> None:
    """SY-13, SY-19, SY-22, SY-23, SY-48."""
    killed_at(tmp_path, broker, point)


def test_a_broker_that_drops_repeats_and_swaps_does_no_harm(
    tmp_path: Path, broker: Broker, capsys: pytest.CaptureFixture[str]
) -> None:
    """SY-47, SY-48: messages of both ends are taken, acknowledged where that is asked for, and gone."""
    directory = tmp_path / "store"
    units = make_units(directory, tmp_path, count=2)
    for unit in units:
        work_a_day(unit, 1)
    losses = Losses(dropped=0.03, repeated=0.03, swapped=0.03)
    with LosingBroker(broker.port, 1, losses) as ours, LosingBroker(broker.port, 2, losses) as theirs:
        store = StoreProcess(directory, mqtt=theirs.url)
        store.start()
        with ended_after_all(store):
            sent = carry_all(units, ours.url, seed=1)
        assert store.stop() == os.EX_OK
        happened = {"units": dict(ours.happened), "store": dict(theirs.happened)}
    for unit in units:
        check_nothing_lost(directory, unit)
    say(capsys, f"MQTT, a broker that loses: {sent / held_bytes(units):.2f}x bytes, {happened}")
    assert min(happened["units"][what] for what in ("dropped", "repeated", "swapped")) >= 1


def test_a_stock_mosquitto_whose_queue_is_full_does_no_harm(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """SY-46, SY-48: units hand over faster than the store's line takes; the broker drops the rest and says nothing."""
    directory = tmp_path / "store"
    units = make_units(directory, tmp_path, count=3)
    for unit in units:
        fill_spool(unit, footage_files=1, fragments=12, fragment_bytes=1_000_000, clock=ManualClock(LATER_UTC_NS))
    with (
        plain_broker(tmp_path / "broker", ["max_queued_messages 5", "sys_interval 1"]) as broker,
        NarrowLine(broker.port, 20_000_000) as line,
        peer("watcher", broker.port) as watcher,
    ):
        store = StoreProcess(directory, mqtt=line.url)
        store.start()
        with ended_after_all(store):
            sent = carry_all(units, broker.url, seed=1)
        assert store.stop() == os.EX_OK
        watcher.subscribe("$SYS/broker/publish/messages/dropped")
        # The broker counts up once in a second: what it says first may be from before.
        while not (dropped := int(watcher.hear()[1])):
            continue
    for unit in units:
        check_nothing_lost(directory, unit)
    share = sent / held_bytes(units)
    say(capsys, f"MQTT, stock mosquitto with a short queue: {dropped} messages dropped, {share:.2f}x bytes")

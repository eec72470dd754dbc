"""A store of two histories or with a smaller log: the unit catches it, keeps its footage and says so (SY-43)."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import sqlalchemy as sa

from agent.config import AgentConfig, FreePolicy, HalTable, ProfileTable, SpoolTable, UnitPaths, UnitTable
from agent.errors import RefusedError
from agent.receipts import KeptReceipts, ReceiptKeeper, ReceiptRules
from agent.upload import Decision, clear_contradiction
from capture.resume import replay
from hal.drivers.files import DirectoryStorage
from hal.drivers.system_clock import SystemClock
from sealing.records import Event
from sealing.service import SealingService
from sync.alerts import AlertKind, alert_of
from sync.checkpoint import verify_checkpoint
from sync.store.fsck import check_store
from sync.store.schema import log_leaves
from sync.unit.client import StoreClient
from sync.unit.log_watch import contradiction_of, watch_log
from sync.unit.spool import numbers, opened, steps
from sync.wire import LogAnswer
from tests.support.chains import start_writer
from tests.support.clocks import START_UTC_NS, ManualClock
from tests.support.docks import StoreOnDisk, UnitOnDisk, fill_spool, make_unit, opened_store, served
from tests.unit.sync.test_courier import Heard, run_once


@dataclass(frozen=True)
class Agency:
    """Where a store and two units lie, and a copy of the store as it was after the first day."""

    store: Path
    earlier: Path
    unit: UnitOnDisk
    second: UnitOnDisk


@pytest.fixture
def agency(tmp_path: Path) -> Agency:
    with opened_store(tmp_path / "store") as store:
        unit = make_unit(store.authority, store.ledger, tmp_path / "unit")
        second = make_unit(store.authority, store.ledger, tmp_path / "second", "unit-2")
        fill_spool(unit)
        dock(store, unit)
    shutil.copytree(tmp_path / "store", tmp_path / "earlier")
    with opened_store(tmp_path / "store") as store:
        work(unit, day=1)
        dock(store, unit)
        assert dock(store, unit) is None, "a log that only grew contradicts nothing"
    return Agency(tmp_path / "store", tmp_path / "earlier", unit, second)


def work(unit: UnitOnDisk, day: int) -> None:
    clock = ManualClock(START_UTC_NS + day * 86_400 * 10**9, boot_id=f"boot-{day}")
    fill_spool(unit, footage_files=3, clock=clock)


def dock(store: StoreOnDisk, unit: UnitOnDisk) -> str | None:
    """One docking; gives what sync says of a contradiction."""
    heard = Heard()
    with served(store) as url:
        run_once(unit, url, heard)
    said = [report.reason for report in heard.reports if report.event == "store-contradicts-itself"]
    assert heard.reports[-1].receipted_to == (0 if said else max(numbers(unit.paths.spool)))
    assert said == [reason for reason in [contradiction_of(unit.paths)] if reason is not None]
    return said[0] if said else None


def smaller(agency: Agency) -> Path:
    """The store as it was: restored from a backup, or rolled back on purpose."""
    return agency.earlier


def other_history(agency: Agency) -> Path:
    """From the same beginning, other promises followed: as many, and more."""
    with opened_store(agency.earlier) as store:
        for day in (1, 2):
            work(agency.second, day)
            dock(store, agency.second)
    return agency.earlier


def lacking(agency: Agency) -> Path:
    """The log is told without what the unit was promised last."""
    with opened_store(agency.store) as store, store.ledger.transaction() as connection:
        newest = connection.execute(sa.select(sa.func.max(log_leaves.c.leaf_index))).scalar_one()
        connection.execute(
            sa.update(log_leaves).where(log_leaves.c.leaf_index == newest).values(file_id=bytes(32), device_id="x")
        )
    return agency.store


@pytest.mark.parametrize(
    ("change", "says"),
    [(smaller, "and had"), (other_history, "did not grow"), (lacking, "is not in the store's log")],
)
def test_a_store_that_contradicts_itself_is_caught_and_frees_nothing(
    agency: Agency, change: Callable[[Agency], Path], says: str
) -> None:
    """SY-43, SY-33: with both signed notes as evidence; new work is still sent and kept by both."""
    kept = (agency.unit.paths.inbox / "store.checkpoint").read_bytes()
    with opened_store(change(agency)) as store:
        key = store.intake.signer.key.public_key()
        reason = dock(store, agency.unit)
        assert reason is not None
        assert says in reason
        told = json.loads((agency.unit.paths.inbox / "store.contradiction").read_bytes())
        assert told["before"].encode() == kept
        stands, stood = (verify_checkpoint(note.encode(), key) for note in (told["now"], told["before"]))
        assert stands.origin == stood.origin, "signed by one and the same"
        assert stands != stood or change is lacking
        assert dock(store, agency.unit) == reason, "it does not heal by itself"
        assert (agency.unit.paths.inbox / "store.checkpoint").read_bytes() == kept
        with keeper(store, agency.unit) as side:
            before = numbers(agency.unit.paths.spool)
            side.keeper.tend()
            side.keeper.tend()
            assert numbers(agency.unit.paths.spool) == before
            assert list(agency.unit.paths.inbox.glob("*.receipt")), "no receipt is taken"
    events = [body for body in bodies(agency.unit.paths.spool) if isinstance(body, Event)]
    assert [body.code for body in events] == ["store-contradiction"]
    assert alert_of(events[0], None) is AlertKind.STORE_CONTRADICTION


def test_a_custodian_decides_about_a_store_that_came_back_from_a_backup(agency: Agency) -> None:
    """SY-64: what it had lost is sent again; nothing goes by a receipt from before; the chain is whole."""
    unit = agency.unit
    with opened_store(smaller(agency)) as store:
        assert dock(store, unit) is not None
        held = numbers(unit.paths.spool)
        with keeper(store, unit) as side:
            side.keeper.tend()
            decision = Decision("甲某", "存储由备份恢复", START_UTC_NS)
            kept = clear_contradiction(side.paths, side.sealing, side.kept, decision)
            assert [path.name.rpartition(".")[0] for path in kept] == ["store.checkpoint", "store.contradiction"]
            assert not list(unit.paths.inbox.glob("*.receipt"))
            with pytest.raises(RefusedError, match="nothing to decide"):
                clear_contradiction(side.paths, side.sealing, side.kept, decision)
            side.keeper.tend()
            assert numbers(unit.paths.spool)[: len(held)] == held, "nothing is freed by what was promised before"
        codes = [body.code for body in bodies(unit.paths.spool) if isinstance(body, Event)]
        assert codes == ["store-contradiction", "store-contradiction-cleared"]
        assert dock(store, unit) is None
        assert {row["file_number"] for row in store.ledger.files(unit.device_id)} >= set(held)
        with keeper(store, unit) as side:
            side.keeper.tend()
            assert set(held) - set(numbers(unit.paths.spool)), "freed by the receipts of today"
        assert check_store(store.intake).faults == ()


class Garbled(StoreClient):
    """A line that spoils some answers about the log."""

    def __init__(self, url: str, device_id: str, spoil: Callable[[LogAnswer], LogAnswer], times: int) -> None:
        super().__init__(url, device_id, None, timeout_seconds=60)
        self.spoil, self.times = spoil, times

    def log(self, old_size: int) -> LogAnswer:
        answer = super().log(old_size)
        self.times -= 1
        return answer if self.times < 0 else self.spoil(answer)


def unsigned(answer: LogAnswer) -> LogAnswer:
    return answer.model_copy(update={"checkpoint": answer.checkpoint.replace("\n9\n", "\n8\n")})


def unproved(answer: LogAnswer) -> LogAnswer:
    return answer.model_copy(update={"consistency": ("0" * 64, *answer.consistency)})


@pytest.mark.parametrize(
    ("spoil", "times", "convicted"), [(unsigned, 2, False), (unproved, 1, False), (unproved, 2, True)]
)
def test_what_the_line_spoils_convicts_nobody(
    agency: Agency, spoil: Callable[[LogAnswer], LogAnswer], times: int, convicted: bool
) -> None:
    """SY-43: what the store has not signed proves nothing, and a proof that does not fit is asked for again."""
    with opened_store(agency.store) as store, served(store) as url:
        client = Garbled(url, agency.unit.device_id, spoil, times)
        key = store.intake.signer.key.public_key()
        assert (watch_log(client, agency.unit.paths, key) is not None) is convicted
        client.close()


@dataclass(frozen=True)
class Side:
    """The agent's side of a unit."""

    keeper: ReceiptKeeper
    kept: KeptReceipts
    sealing: SealingService
    paths: UnitPaths


@contextmanager
def keeper(store: StoreOnDisk, unit: UnitOnDisk) -> Iterator[Side]:
    """The agent's side, freeing whatever it may."""
    clock = SystemClock()
    service = SealingService(lambda: start_writer(unit.paths.spool, clock, unit=unit.identity, replay=replay), clock)
    service.start()
    table = UnitTable(device_id=unit.device_id, state_directory=unit.state, run_directory=unit.state / "run")
    paths = UnitPaths(AgentConfig(unit=table, hal=HalTable(driver_set="-"), profile=ProfileTable(name="-")))
    spool = SpoolTable(free=FreePolicy.WHEN_RECEIPTED)
    rules = ReceiptRules(paths, store.receipt_certificate(), unit.device_id, spool)
    storage = DirectoryStorage(paths.spool)
    kept = KeptReceipts({}, {})
    made = ReceiptKeeper(rules, kept, clock, storage, service, lambda: False)
    try:
        yield Side(made, kept, service, paths)
    finally:
        service.stop("stop", 60)


def bodies(spool: Path) -> list[object]:
    """The bodies of all records, in order."""
    found: list[object] = []
    for path in sorted(spool.glob("*.evs")):
        with opened(path) as descriptor:
            found += [step.header.body for step in steps(descriptor, path.stat().st_size)]
    return found

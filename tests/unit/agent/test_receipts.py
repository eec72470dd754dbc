"""From the inbox to free space: nothing is freed without a receipt that was checked against the own disk."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from agent.config import AgentConfig, FreePolicy, HalTable, ProfileTable, SpoolTable, UnitPaths, UnitTable
from agent.receipts import COMPANY_SECONDS, KeptReceipts, ReceiptKeeper, ReceiptRules, load_kept, set_receipts_aside
from capture.resume import replay
from hal.drivers.files import DirectoryStorage
from hal.ports import Clock, Storage
from hal.values import StorageReading
from sealing.foreign import has_own_files
from sealing.receipts import receipt_hash
from sealing.records import Anchor, Event
from sealing.service import SealingService
from sealing.trust import Trust
from sealing.verifier import verify_chain
from sync import inbox
from sync.receipt_check import check_receipt
from sync.unit.spool import opened, opening, read_ended, steps
from sync.witness import Statement, Witnessed, sign_statement
from tests.support.chains import agency, start_writer
from tests.support.clocks import START_UTC_NS, ManualClock, MiddayClock
from tests.support.docks import StoreOnDisk, UnitOnDisk, fill_spool, make_unit, opened_store
from tests.unit.sync.test_intake import bring, ended

FILES = ("00000001.evs", "00000002.evs", "00000003.evs", "00000004.evs")


class TightStorage(DirectoryStorage):
    """A medium with a tenth of its room free while more than two of the four first files lie on it."""

    def usage(self) -> StorageReading:
        free = 10 if len(set(FILES) & set(self.names())) > 2 else 50
        return StorageReading(100, free, writable=True, life_percent=None)


@dataclass
class Desk:
    """A unit's spool with a writer at work, and the keeper under test."""

    store: StoreOnDisk
    unit: UnitOnDisk
    sealing: SealingService
    policy: FreePolicy
    recording: bool = False
    receipts: dict[int, bytes] = field(default_factory=dict)

    @property
    def paths(self) -> UnitPaths:
        table = UnitTable(device_id=self.unit.device_id, state_directory=self.unit.state, run_directory=self.unit.state)
        return UnitPaths(AgentConfig(unit=table, hal=HalTable(driver_set="-"), profile=ProfileTable(name="-")))

    def keeper(self, storage: Storage | None = None, clock: Clock | None = None) -> ReceiptKeeper:
        spool = SpoolTable(free=self.policy, free_below_percent=20 if storage else 1)
        rules = ReceiptRules(self.paths, self.store.receipt_certificate(), self.unit.device_id, spool)
        medium = storage or DirectoryStorage(self.paths.spool)
        kept = KeptReceipts({}, {})
        return ReceiptKeeper(rules, kept, clock or MiddayClock(), medium, self.sealing, lambda: self.recording)

    def deliver(self, *numbers: int) -> None:
        for number in numbers:
            inbox.put(self.paths.inbox, number, self.receipts[number])

    def sealed(self) -> list[str]:
        return sorted(path.name for path in self.paths.spool.glob("*.evs"))

    def inbox_names(self) -> list[str]:
        return sorted(path.name for path in self.paths.inbox.iterdir())


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    """Four files that have ended, all of them receipted by the store, and a fifth that is being written."""
    with opened_store(tmp_path / "store") as store:
        unit = make_unit(store.authority, store.ledger, tmp_path / "unit")
        fill_spool(unit, footage_files=2)
        receipts = {file.number: bring(store, file) for file in ended(unit)}
        assert sorted(receipts) == [1, 2, 3, 4]
        service = SealingService(
            lambda: start_writer(unit.paths.spool, MiddayClock(), unit=unit.identity, replay=replay), MiddayClock()
        )
        service.start()
        yield Desk(store, unit, service, FreePolicy.WHEN_RECEIPTED, receipts=receipts)
        service.stop("stop", 60)
        verify_chain([unit.paths.spool], Trust.load(store.directory / "trust"))


@pytest.mark.requirement("R13", "all")
def test_what_is_receipted_is_sealed_kept_and_freed_but_for_the_newest(desk: Desk) -> None:
    desk.deliver(1, 2, 3, 4)
    desk.keeper().tend()
    assert desk.inbox_names() == []
    ended_still = [file.number for file in desk.sealing.sealed_files()]
    assert not set(FILES[:3]) & set(desk.sealed())
    assert ended_still == [max(ended_still)], "the newest that has ended stays"
    assert {path.name for path in desk.paths.receipts.iterdir()} <= {"00000004.receipt"}


def test_receipts_that_come_one_by_one_end_one_ledger_more_and_no_endless_row(desk: Desk) -> None:
    """SF-34: to free a ledger ends the one that is open, and that one has to be sent, too."""
    keeper, sent = desk.keeper(), list[int]()
    while waiting := [file.number for file in desk.sealing.sealed_files() if file.number not in sent]:
        sent.append(waiting[0])
        if waiting[0] not in desk.receipts:
            path, behind = (desk.paths.spool / f"{number:08d}.evs" for number in (waiting[0], waiting[0] + 1))
            file = read_ended(path, opening(behind) if behind.exists() else None)
            assert file is not None
            desk.receipts[file.number] = bring(desk.store, file)
        desk.deliver(waiting[0])
        keeper.tend()
        assert len(sent) < 10
    assert sent == [1, 2, 3, 4, 5]
    assert desk.sealed() == ["00000005.evs", "00000006.evs"]


def test_a_ledger_does_not_wait_for_ever_for_a_receipt_that_nobody_brings(desk: Desk) -> None:
    """Sync may have ended once all was sent: the file that ended since has no receipt then."""
    clock = ManualClock()
    keeper = desk.keeper(clock=clock)
    desk.deliver(1)
    keeper.tend()
    assert FILES[0] in desk.sealed(), "the newest is still to be receipted"
    clock.advance(COMPANY_SECONDS - 1)
    keeper.tend()
    assert FILES[0] in desk.sealed()
    clock.advance(2)
    keeper.tend()
    assert FILES[0] not in desk.sealed()


def test_receipts_are_kept_byte_for_byte(desk: Desk) -> None:
    desk.policy = FreePolicy.WHEN_NEEDED
    desk.deliver(2, 4)
    desk.keeper().tend()
    for number in (2, 4):
        assert (desk.paths.receipts / f"{number:08d}.receipt").read_bytes() == desk.receipts[number]


@pytest.mark.requirement("R10", "all")
@pytest.mark.requirement("R13", "all")
@pytest.mark.requirement("R21", "all")
def test_without_a_receipt_nothing_is_freed(desk: Desk) -> None:
    desk.deliver(2)
    desk.keeper().tend()
    assert desk.sealed() == ["00000001.evs", "00000003.evs", "00000004.evs", "00000005.evs"]


def test_when_needed_keeps_everything_while_there_is_room(desk: Desk) -> None:
    desk.policy = FreePolicy.WHEN_NEEDED
    desk.deliver(1, 2, 3, 4)
    desk.keeper().tend()
    assert desk.inbox_names() == []
    assert desk.sealed() == [*FILES, "00000005.evs"]
    assert [file.receipt_hash for file in desk.sealing.sealed_files()] == [
        receipt_hash(desk.receipts[number]) for number in (1, 2, 3, 4)
    ]


def test_loop_recording_frees_the_oldest_until_there_is_room_again(desk: Desk) -> None:
    """R13: only what the store has, also while a recording goes on."""
    desk.policy = FreePolicy.WHEN_NEEDED
    desk.deliver(2, 3, 4)
    keeper = desk.keeper(TightStorage(desk.paths.spool))
    desk.recording = True
    keeper.tend()
    assert desk.sealed() == [*FILES, "00000005.evs"], "no receipt is taken while it records"
    desk.recording = False
    keeper.tend()
    assert set(FILES) & set(desk.sealed()) == {"00000001.evs", "00000004.evs"}
    assert (desk.paths.receipts / "00000004.receipt").exists()


def test_while_a_recording_goes_on_the_disk_is_left_to_it(desk: Desk) -> None:
    desk.recording = True
    desk.deliver(1, 2, 3, 4)
    keeper = desk.keeper()
    keeper.tend()
    assert len(desk.inbox_names()) == 4
    assert desk.sealed() == [*FILES, "00000005.evs"]
    desk.recording = False
    keeper.tend()
    assert desk.inbox_names() == []


def test_a_file_that_changed_on_the_disk_is_kept_and_its_receipt_put_aside(desk: Desk) -> None:
    path = desk.paths.spool / "00000002.evs"
    data = bytearray(path.read_bytes())
    data[-200] ^= 1
    good = path.read_bytes()
    path.write_bytes(bytes(data))
    desk.deliver(2, 3)
    desk.keeper().tend()
    assert "00000002.evs" in desk.sealed()
    assert "00000003.evs" not in desk.sealed()
    assert (desk.paths.rejected / "00000002.receipt").exists()
    assert "the file must be kept" in (desk.paths.rejected / "00000002.receipt.reason").read_text()
    path.write_bytes(good)


def test_a_receipt_under_another_files_name_frees_neither(desk: Desk) -> None:
    inbox.put(desk.paths.inbox, 3, desk.receipts[2])
    desk.keeper().tend()
    assert desk.sealed() == [*FILES, "00000005.evs"]
    assert (desk.paths.rejected / "00000003.receipt").exists()


def test_a_receipt_of_another_cards_file_frees_nothing(desk: Desk) -> None:
    """SF-33: it lies beside the spool under the same number, and was the store's once."""
    desk.policy = FreePolicy.WHEN_NEEDED
    desk.deliver(1, 2)
    keeper = desk.keeper()
    keeper.tend()
    desk.policy = FreePolicy.WHEN_RECEIPTED
    (desk.paths.receipts / "00000001.receipt").write_bytes(desk.receipts[3])
    (desk.paths.receipts / "00000002.receipt").unlink()
    keeper = desk.keeper()
    keeper._kept.by_file.update({1: receipt_hash(desk.receipts[3]), 2: receipt_hash(desk.receipts[2])})
    keeper.tend()
    assert desk.sealed() == [*FILES, "00000005.evs"]


def test_on_another_card_no_receipt_of_the_old_one_counts(desk: Desk) -> None:
    """SF-41: sync would send no file that has one, and the numbers begin anew."""
    desk.policy = FreePolicy.WHEN_NEEDED
    desk.deliver(1, 2)
    desk.keeper().tend()
    identity, spool = desk.unit.identity, DirectoryStorage(desk.paths.spool)
    assert has_own_files(spool, identity)
    assert not has_own_files(spool, agency().identity("unit-0002"))
    assert not has_own_files(DirectoryStorage(desk.unit.state / "empty"), identity)
    set_receipts_aside(desk.paths.receipts)
    assert load_kept(desk.paths.receipts, frozenset({1, 2})).by_file == {}
    assert len(list(desk.paths.receipts.glob("*.receipt.other-chain"))) == 2
    set_receipts_aside(desk.unit.state / "no such folder")


def test_a_receipt_for_the_open_file_is_put_aside(desk: Desk) -> None:
    inbox.put(desk.paths.inbox, 5, desk.receipts[2])
    desk.keeper().tend()
    assert "open or not in the spool" in (desk.paths.rejected / "00000005.receipt.reason").read_text()


def test_a_receipt_that_is_known_is_taken_out_and_not_sealed_again(desk: Desk) -> None:
    desk.policy = FreePolicy.WHEN_NEEDED
    keeper = desk.keeper()
    desk.deliver(2)
    keeper.tend()
    before = (desk.paths.spool / "00000005.evs").stat().st_size
    desk.deliver(2)
    keeper.tend()
    assert desk.inbox_names() == []
    assert (desk.paths.spool / "00000005.evs").stat().st_size == before


def test_receipts_are_found_again_at_the_next_start(desk: Desk) -> None:
    desk.policy = FreePolicy.WHEN_NEEDED
    desk.deliver(1, 2, 3)
    desk.keeper().tend()
    (desk.paths.receipts / "00000003.receipt").write_bytes(b"damaged")
    (desk.paths.receipts / "note.txt").write_text("not a receipt")
    kept = load_kept(desk.paths.receipts, frozenset({2, 3, 4}))
    assert kept.by_file == {2: receipt_hash(desk.receipts[2])}
    assert set(kept.by_number.values()) == {receipt_hash(desk.receipts[2])}
    left = sorted(path.name for path in desk.paths.receipts.iterdir())
    assert left == ["00000001.receipt", "00000002.receipt", "note.txt"], "what is damaged is fetched again"


def test_a_unit_without_receipts_has_none_to_load(tmp_path: Path) -> None:
    assert load_kept(tmp_path / "nowhere", frozenset()) == KeptReceipts({}, {})


def test_its_thread_takes_what_comes_and_ends_when_told(desk: Desk) -> None:
    keeper = desk.keeper()
    desk.deliver(2)
    keeper.worker.start()
    clock = MiddayClock()
    for _ in range(1200):
        if not desk.inbox_names():
            break
        clock.wait(clock.signal(), 0.05)
    keeper.worker.request_stop()
    assert keeper.worker.join(60)
    assert desk.inbox_names() == []


def test_the_store_promised_what_lies_on_the_disk(desk: Desk) -> None:
    for number, data in desk.receipts.items():
        path = desk.paths.spool / f"{number:08d}.evs"
        check_receipt(data, desk.store.receipt_certificate(), desk.unit.device_id, path)


def test_the_stores_word_on_a_record_is_sealed_once_and_taken_out(desk: Desk) -> None:
    """SF-46, SY-29: also while a recording goes on; a word on a record that is none of ours is taken out unsealed."""
    reference = desk.sealing.seal(Event("test", None, ())).result(60)
    signer = desk.store.intake.signer
    desk.recording = True
    for digest in (reference.hash, bytes(32)):
        statement = Statement(
            signer.store_id, desk.unit.device_id, Witnessed.ALERT, reference.sequence, digest, START_UTC_NS
        )
        data = sign_statement(statement, signer.key_id, signer.signature)
        inbox.put_statement(desk.paths.inbox, reference.sequence, Witnessed.ALERT, data)
        desk.keeper().tend()
        assert not list(desk.paths.inbox.iterdir())
    assert not desk.paths.rejected.exists()
    newest = max(desk.paths.spool.glob("*.evs"))
    with opened(newest) as descriptor:
        bodies = [step.header.body for step in steps(descriptor, newest.stat().st_size)]
    assert [body.record_hash for body in bodies if isinstance(body, Anchor)] == [reference.hash]

"""Any order of calls, faults, power cuts and starts leaves one chain with everything in it that a call returned for."""

from collections.abc import Callable

from hypothesis import Phase, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, precondition, rule

from sealing.ended_files import file_id_of
from sealing.errors import DeletionRefusedError, StorageFaultError
from sealing.records import Event
from sealing.recovery import spool_numbers
from sealing.references import RecordReference, StoreReceipt
from sealing.writer import ChainWriter
from tests.support import chain_check, chains
from tests.support.clocks import ManualClock
from tests.support.faulty_storage import FaultyStorage, PowerCutError
from tests.support.memory_storage import MemoryStorage


class ChainMachine(RuleBasedStateMachine):
    """A unit's life."""

    writer: ChainWriter

    @initialize()
    def first_start(self) -> None:
        self.medium = MemoryStorage()
        self.clock = ManualClock()
        self.durable: dict[int, RecordReference] = {}
        self.receipts: dict[int, bytes] = {}
        self.fragments = 0
        self.run = 0
        self.recording = False
        self._start()

    @rule(private=st.booleans())
    def seal(self, private: bool) -> None:
        self._do(lambda: self.writer.seal(Event("test", None, ()), {"name": "甲某"} if private else None))

    @precondition(lambda self: not self.recording)
    @rule()
    def open_footage(self) -> None:
        facts = chains.run_facts(self.run + 1, 30 * self.fragments, 48_000 * self.fragments)
        if self._call(lambda: self.writer.open_footage(facts)):
            self.recording = True
            self.run += 1

    @precondition(lambda self: self.recording)
    @rule()
    def append_fragment(self) -> None:
        number = self.fragments
        if self._do(lambda: self.writer.append_fragment(chains.fragment(number), chains.media(number, 100))):
            self.fragments += 1

    @precondition(lambda self: self.recording)
    @rule()
    def close_footage(self) -> None:
        if self._do(lambda: self.writer.close_footage(chains.close_facts(self.fragments))):
            self.recording = False

    @rule()
    def roll_ledger(self) -> None:
        self._call(lambda: self.writer.roll_ledger("dock"))

    @rule(seconds=st.sampled_from([1, 700, 90_000]))
    def wait(self, seconds: int) -> None:
        self.clock.advance(seconds)

    @rule(data=st.data())
    def receipt_and_free(self, data: st.DataObject) -> None:
        ended = [file.number for file in self.writer.sealed_files()][:-1]
        if not ended:
            return
        number = data.draw(st.sampled_from(ended))
        behind = min(each for each in spool_numbers(self.medium)[0] if each > number)
        file_id = file_id_of(self.medium, number, behind, chains.identity())
        receipt = StoreReceipt(number, file_id, bytes(32), "store-1", 1)
        if self._call(lambda: self.writer.seal_receipt(receipt)):
            self.receipts[number] = bytes(32)
            self._call(lambda: self.writer.free_file(number))

    @rule(operation=st.integers(1, 6), partial=st.sampled_from([0.0, 0.5, 1.0]), times=st.integers(1, 3))
    def medium_fails_soon(self, operation: int, partial: float, times: int) -> None:
        self.storage.fail_at(operation, "EIO", partial=partial, times=times)

    @rule(operation=st.integers(1, 6), partial=st.sampled_from([0.0, 0.5, 1.0]))
    def power_goes_soon(self, operation: int, partial: float) -> None:
        self.storage.cut_power_at(operation, partial)

    @rule(kept=st.sampled_from([0.0, 0.3, 1.0]), killed=st.booleans())
    def stop_hard(self, kept: float, killed: bool) -> None:
        if not killed:
            self.medium.lose_unsynced(kept)
        self.clock.reboot("boot-1" if killed else f"boot-{kept}")
        self._start()

    @rule()
    def stop_in_order(self) -> None:
        while not self._call(lambda: self.writer.halt("stop")):
            pass
        self.clock.reboot("boot-x")
        self._start()
        assert self.writer.recovery.clean

    def teardown(self) -> None:
        """Look at the whole once, at the end: every step before is still in it."""
        if hasattr(self, "writer"):
            self._start()
            self.the_chain_is_one()

    def the_chain_is_one(self) -> None:
        found = {record.header.sequence: record.hash for record in chain_check.counted_records(self.medium)}
        present = {file.number for file in self.writer.sealed_files()} | {self._open_number()}
        for reference in self.durable.values():
            if reference.file_number in present:
                assert found.get(reference.sequence) == reference.hash

    def _open_number(self) -> int:
        numbers = spool_numbers(self.medium)[0]
        return max(numbers, default=0)

    def _start(self) -> None:
        self.storage = FaultyStorage(self.medium)
        self.recording = False
        self.writer = chains.start_writer(self.storage, self.clock, receipted=self.receipts)

    def _do(self, call: Callable[[], RecordReference]) -> bool:
        return self._call(lambda: self._note(call()))

    def _note(self, reference: RecordReference) -> None:
        self.durable[reference.sequence] = reference

    def _call(self, call: Callable[[], object]) -> bool:
        """Make a call; after a fault the state stays as it was, after a power cut the unit starts again."""
        try:
            call()
        except (StorageFaultError, DeletionRefusedError):
            return False
        except PowerCutError:
            self.medium.lose_unsynced(0.5)
            self.clock.reboot("boot-cut")
            self._start()
            return False
        return True


ChainMachine.TestCase.settings = settings(
    max_examples=60, stateful_step_count=25, deadline=None, phases=(Phase.generate,)
)
TestChainMachine = ChainMachine.TestCase

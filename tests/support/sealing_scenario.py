"""A day of a unit in few records: every kind of file, an epoch change, a receipt and a deletion.

Calls are made one after the other; what returned is durable and has to be in the chain whatever comes later.
"""

from collections.abc import Callable, Iterator

from hal.ports import Storage
from sealing.ended_files import file_id_of
from sealing.errors import DeletionRefusedError, StorageFaultError
from sealing.records import Event, RecordType
from sealing.recovery import spool_numbers
from sealing.references import RecordReference, StoreReceipt
from sealing.writer import ChainWriter
from tests.support import chains
from tests.support.clocks import ManualClock

ATTEMPTS = 8


class Day:
    """Runs the day on a storage and notes what became durable."""

    def __init__(self, storage: Storage, clock: ManualClock | None = None) -> None:
        self.storage = storage
        self.clock = clock or ManualClock()
        self.durable: list[RecordReference] = []
        """Everything that a call returned."""
        self.refusals: list[DeletionRefusedError] = []
        self.footage = 0
        """Number of the first footage file: the one that is freed."""
        self.writer: ChainWriter | None = None

    def run(self) -> None:
        """Do everything once; a fault of the medium or a power cut comes out as it is."""
        for step in self.steps():
            step()

    def run_stubbornly(self) -> None:
        """Do everything, and every step again while the medium fails."""
        for step in self.steps():
            for attempt in range(ATTEMPTS):
                try:
                    step()
                except StorageFaultError:
                    assert attempt < ATTEMPTS - 1, "the medium works again, and the step does not"
                else:
                    break

    def steps(self) -> Iterator[Callable[[], None]]:
        """The steps in order."""
        yield self._start
        yield self._noting(lambda writer: writer.seal(Event("checked-out", None, ()), {"officer": "甲某"}))
        yield self._calling(self._open_footage)
        yield from (self._appending(number) for number in range(3))
        yield self._noting(lambda writer: writer.close_footage(chains.close_facts(3)))
        yield lambda: self.clock.advance(700)
        yield self._noting(lambda writer: writer.seal(Event("later", None, (("count", -1),))))
        yield self._calling(lambda writer: writer.roll_ledger("dock"))
        yield self._calling(self._seal_receipt)
        yield self._calling(self._free_footage)
        yield self._calling(lambda writer: writer.open_footage(chains.run_facts(2, 90, 144_000)))
        yield self._appending(3)
        yield self._noting(lambda writer: writer.halt("stop"))

    def _start(self) -> None:
        self.writer = chains.start_writer(self.storage, self.clock)

    def _open_footage(self, writer: ChainWriter) -> None:
        self.footage = writer.open_footage(chains.run_facts())

    def _seal_receipt(self, writer: ChainWriter) -> None:
        writer.seal_receipt(StoreReceipt(self.footage, self._footage_id(), bytes(32), "store", 1))

    def _footage_id(self) -> bytes:
        numbers = [number for number in spool_numbers(self.storage)[0] if number > self.footage]
        return file_id_of(self.storage, self.footage, min(numbers, default=None), chains.identity())

    def _free_footage(self, writer: ChainWriter) -> None:
        try:
            self.durable.append(writer.free_file(self.footage))
        except DeletionRefusedError as error:
            # After a fault the file may say where the one before it ends, and has to stay as long as that.
            self.refusals.append(error)

    def _appending(self, number: int) -> Callable[[], None]:
        return self._noting(lambda writer: writer.append_fragment(chains.fragment(number), chains.media(number, 700)))

    def _calling(self, call: Callable[[ChainWriter], object]) -> Callable[[], None]:
        def step() -> None:
            assert self.writer is not None
            call(self.writer)

        return step

    def _noting(self, call: Callable[[ChainWriter], RecordReference]) -> Callable[[], None]:
        def step() -> None:
            assert self.writer is not None
            self.durable.append(call(self.writer))

        return step


def whole_day_types() -> list[RecordType]:
    """Record types of an undisturbed day, in the order of the chain, with the freed file left out."""
    return [
        *(RecordType.OPEN, RecordType.BOOT, RecordType.EVENT, RecordType.CLOSE),
        *(RecordType.OPEN, RecordType.EPOCH, RecordType.EVENT, RecordType.CLOSE),
        *(RecordType.OPEN, RecordType.RECEIPT, RecordType.DELETE, RecordType.CLOSE),
        *(RecordType.OPEN, RecordType.FRAGMENT, RecordType.CLOSE),
        *(RecordType.OPEN, RecordType.HALT, RecordType.CLOSE),
    ]

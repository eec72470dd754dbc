"""The writer's thread, and the queue in front of it.

Rules of this module: callers never block; what does not fit is refused and said, never dropped. Order of calls is order
in the chain. While the medium fails, the request at the head is tried again and the queue keeps what comes, up to its
capacity. A ticket completes only when its record is on the medium (`FORMAT.md`, SF-25).
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Final, Generic, TypeVar

from hal.mailbox import Mailbox, MailboxFullError
from hal.ports import Clock
from hal.worker import Worker
from sealing import codec
from sealing.codec import Private
from sealing.errors import (
    SealingBackpressureError,
    SealingError,
    SealingStoppedError,
    StorageFaultError,
)
from sealing.records import Alive, Anchor, Close, Fragment, RunFacts, SessionBody, StateSnapshot
from sealing.recovery import Recovery
from sealing.references import RecordReference, SealedFile, StoreReceipt
from sealing.tickets import Ticket
from sealing.writer import ChainWriter

log = logging.getLogger(__name__)

Result = TypeVar("Result")

CAPACITY_BYTES: Final = 96 * 1024 * 1024
CAPACITY_REQUESTS: Final = 4_096
WRITER_ALLOWANCE_SECONDS: Final = 20.0
"""Longest time between two heartbeats: a card may stall this long inside one call."""
_IDLE_SECONDS: Final = 1.0
_NS: Final = 1_000_000_000
_RETRY_SECONDS: Final = (0.05, 0.2, 0.5, 1.0, 2.0, 5.0)


class _Request(Generic[Result]):
    """One thing to do on the writer's thread."""

    def __init__(self, operation: Callable[[ChainWriter], Result], ticket: Ticket[Result], size_bytes: int) -> None:
        self.ticket = ticket
        self.size_bytes = size_bytes
        self._operation = operation

    def run(self, writer: ChainWriter, note: Callable[[], None]) -> None:
        """Do it once; the ticket learns how it went, unless the medium failed.

        Args:
            writer: Does it.
            note: Called between the two, so that who waited for the ticket finds the service as it is now.

        Raises:
            StorageFaultError: The medium failed; may be done again.
        """
        try:
            outcome = self._operation(writer)
        except StorageFaultError:
            raise
        except SealingError as error:
            note()
            self.ticket.fail(error)
        except Exception as error:
            self.ticket.fail(SealingError(f"the writer failed by a fault of its own: {error!r}"))
            raise
        else:
            note()
            self.ticket.complete(outcome)


@dataclass(slots=True)
class _Load:
    """Bytes that wait, with their high-water marks."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    waiting_bytes: int = 0
    high_bytes: int = 0
    file_high_bytes: int = 0

    def add(self, size_bytes: int, capacity_bytes: int) -> None:
        with self.lock:
            if self.waiting_bytes + size_bytes > capacity_bytes:
                raise SealingBackpressureError(
                    f"{self.waiting_bytes} bytes wait for the writer, {size_bytes} more would pass {capacity_bytes}"
                )
            self.waiting_bytes += size_bytes
            self.high_bytes = max(self.high_bytes, self.waiting_bytes)
            self.file_high_bytes = max(self.file_high_bytes, self.waiting_bytes)

    def take(self, size_bytes: int) -> None:
        with self.lock:
            self.waiting_bytes -= size_bytes

    def new_file(self) -> None:
        with self.lock:
            self.file_high_bytes = self.waiting_bytes


@dataclass(frozen=True, slots=True)
class SignOfLife:
    """What is sealed while nothing happens."""

    body: Callable[[], Alive | None]
    """Measures; called on the writer's thread, under 100 ms, must not raise. None: nothing can be said now."""
    every_seconds: int = 60
    """Also stands in `SoftwareFacts.alive_seconds`, so that BOOT promises it."""


class SealingService:
    """Seals on a thread of its own.

    Args:
        writer_factory: Starts the writer; called once on the writer's thread by `start`.
        clock: The unit's clock.
        capacity_bytes: Most media bytes that may wait.
        capacity_requests: Most requests that may wait.
        on_fault: Called on the writer's thread when the medium begins to fail (once, until it works again) and when
            the writer ends by an error; must return at once.
        sign_of_life: Seals ALIVE where nothing else was sealed for so long; None: never.
    """

    def __init__(
        self,
        writer_factory: Callable[[], ChainWriter],
        clock: Clock,
        capacity_bytes: int = CAPACITY_BYTES,
        capacity_requests: int = CAPACITY_REQUESTS,
        on_fault: Callable[[SealingError], None] = lambda error: log.error("sealing: %s", error),
        sign_of_life: SignOfLife | None = None,
    ) -> None:
        self._writer_factory = writer_factory
        self._clock = clock
        self._capacity_bytes = capacity_bytes
        self._on_fault = on_fault
        self._sign_of_life = sign_of_life
        self._load = _Load()
        self._requests: Mailbox[_Request[object]] = Mailbox(clock, capacity_requests)
        self._intake = threading.Lock()
        self._accepting = False
        self._fault: StorageFaultError | None = None
        self._files: tuple[SealedFile, ...] = ()
        self._started: Ticket[Recovery] = Ticket(clock)
        self._recovery: Recovery | None = None
        self.worker: Final = Worker("writer", clock, self._body, allowance_seconds=WRITER_ALLOWANCE_SECONDS)
        """The thread, for the watchdog."""

    @property
    def recovery(self) -> Recovery:
        """What the last run left; only after `start`.

        Raises:
            SealingStoppedError: The service was not started.
        """
        if self._recovery is None:
            raise SealingStoppedError("the sealing service was not started")
        return self._recovery

    @property
    def high_water_bytes(self) -> int:
        """Most media bytes that ever waited."""
        return self._load.high_bytes

    @property
    def waiting_bytes(self) -> int:
        """Media bytes that wait now."""
        return self._load.waiting_bytes

    @property
    def fault(self) -> StorageFaultError | None:
        """Why the medium fails now, None while it works."""
        return self._fault

    def start(self) -> Recovery:
        """Start the thread and the writer; returns when BOOT is on the medium.

        Raises:
            SealingError: The writer did not start (`ChainWriter.start`); the thread has ended.
        """
        self.worker.start()
        try:
            self._recovery = self._started.result(None)
        except SealingError:
            self.worker.join(_IDLE_SECONDS)
            raise
        return self._recovery

    def stop(self, reason: str, timeout_seconds: float) -> None:
        """Seal everything that waits, HALT and CLOSE; then end the thread. Nothing is taken any more.

        Raises:
            SealingTimeoutError: The medium did not let it end in time; the chain ends without HALT.
            SealingError: HALT could not be sealed.
        """
        with self._intake:
            halting = self._accepting
            self._accepting = False
        try:
            if halting:
                self._put(lambda writer: self._halt(writer, reason), 0).result(timeout_seconds)
        finally:
            self.worker.request_stop()
            self.worker.join(timeout_seconds)

    def seal(self, body: SessionBody, private: Private | None = None) -> Ticket[RecordReference]:
        """Seal an event (`ChainWriter.seal`).

        Raises:
            SealingBackpressureError: The queue is full.
            SealingStoppedError: The service does not run.
        """
        return self._submit(lambda writer: writer.seal(body, private))

    def open_footage(self, run: RunFacts) -> Ticket[int]:
        """Open a footage file (`ChainWriter.open_footage`); raises as `seal`."""
        return self._submit(lambda writer: writer.open_footage(run))

    def append_fragment(self, body: Fragment, data: bytes) -> Ticket[RecordReference]:
        """Seal a fragment (`ChainWriter.append_fragment`); raises as `seal`."""
        return self._submit(lambda writer: writer.append_fragment(body, data), len(data))

    def close_footage(self, facts: Close) -> Ticket[RecordReference]:
        """End the footage file (`ChainWriter.close_footage`); raises as `seal`."""
        return self._submit(lambda writer: self._close_footage(writer, facts))

    def set_state(self, snapshot: StateSnapshot) -> None:
        """Set the state that the next OPEN behind this call carries.

        Raises:
            BodyError: A value is outside its range.
            SealingBackpressureError, SealingStoppedError: As `seal`.
        """
        codec.check_snapshot(snapshot)
        self._submit(lambda writer: writer.set_state(snapshot))

    def roll_ledger(self, reason: str, *, for_news_alone: bool = False) -> Ticket[None]:
        """End the ledger file (`ChainWriter.roll_ledger`); raises as `seal`."""
        return self._submit(lambda writer: writer.roll_ledger(reason, for_news_alone=for_news_alone))

    def seal_receipt(self, receipt: StoreReceipt) -> Ticket[RecordReference | None]:
        """Seal a receipt (`ChainWriter.seal_receipt`); raises as `seal`."""
        return self._submit(lambda writer: writer.seal_receipt(receipt))

    def seal_anchor(self, anchor: Anchor) -> Ticket[RecordReference]:
        """Seal an anchor (`ChainWriter.seal_anchor`); raises as `seal`."""
        return self._submit(lambda writer: writer.seal_anchor(anchor))

    def free_file(self, number: int, file_id: bytes | None = None) -> Ticket[RecordReference]:
        """Free a file (`ChainWriter.free_file`); raises as `seal`."""
        return self._submit(lambda writer: writer.free_file(number, file_id))

    def sealed_files(self) -> Sequence[SealedFile]:
        """All ended files of the spool, as the writer last knew them. Never blocks."""
        return self._files

    def _submit(self, operation: Callable[[ChainWriter], Result], size_bytes: int = 0) -> Ticket[Result]:
        with self._intake:
            if not self._accepting:
                raise SealingStoppedError("the sealing service does not run; nothing was taken")
            return self._put(operation, size_bytes)

    def _put(self, operation: Callable[[ChainWriter], Result], size_bytes: int) -> Ticket[Result]:
        ticket: Ticket[Result] = Ticket(self._clock)
        self._load.add(size_bytes, self._capacity_bytes)
        try:
            self._requests.put(_Request(operation, ticket, size_bytes))  # type: ignore[arg-type]
        except MailboxFullError as error:
            self._load.take(size_bytes)
            raise SealingBackpressureError(f"{len(self._requests)} requests wait for the writer: {error}") from error
        return ticket

    def _body(self, worker: Worker) -> None:
        """The thread: start the writer, then request after request until told to stop."""
        writer = self._start_writer()
        if writer is None:
            return
        try:
            while not worker.stop.is_set():
                worker.beat()
                request = self._requests.get(_IDLE_SECONDS)
                if request is not None:
                    self._serve(worker, writer, request)
                elif self._silent_too_long(writer):
                    self._give_sign(worker, writer)
        except Exception as error:
            self._on_fault(SealingError(f"the writer ended by an error: {error!r}"))
            raise
        finally:
            self._refuse_the_rest()
            writer.abandon()

    def _silent_too_long(self, writer: ChainWriter) -> bool:
        sign = self._sign_of_life
        return sign is not None and self._clock.boottime_ns() - writer.last_sealed_ns >= sign.every_seconds * _NS

    def _give_sign(self, worker: Worker, writer: ChainWriter) -> None:
        """Seal ALIVE (SF-45), in the order of the chain as everything else."""
        sign = self._sign_of_life
        body = None if sign is None else sign.body()
        if body is not None:
            ticket: Ticket[RecordReference] = Ticket(self._clock)
            self._serve(worker, writer, _Request(lambda chain: chain.seal(body), ticket, 0))  # type: ignore[arg-type]

    def _start_writer(self) -> ChainWriter | None:
        try:
            writer = self._writer_factory()
        except SealingError as error:
            self._started.fail(error)
            return None
        except Exception as error:
            self._started.fail(SealingError(f"the writer did not start: {error!r}"))
            raise
        self._files = writer.sealed_files()
        with self._intake:
            self._accepting = True
        self._started.complete(writer.recovery)
        return writer

    def _serve(self, worker: Worker, writer: ChainWriter, request: _Request[object]) -> None:
        """Do one request, again and again while the medium fails."""
        attempt = 0
        while True:
            writer.queue_high_water_bytes = self._load.file_high_bytes
            try:
                request.run(writer, lambda: self._note_done(writer, request))
            except StorageFaultError as error:
                self._note_fault(error)
            else:
                break
            if self._clock.wait(worker.stop, _RETRY_SECONDS[min(attempt, len(_RETRY_SECONDS) - 1)]):
                self._files = writer.sealed_files()
                self._load.take(request.size_bytes)
                request.ticket.fail(SealingStoppedError(f"stopped while the medium failed: {self._fault}"))
                break
            attempt += 1
            worker.beat()

    def _note_fault(self, error: StorageFaultError) -> None:
        first = self._fault is None
        self._fault = error
        if first:
            log.error("the medium fails: %s", error)
            self._on_fault(error)

    def _note_done(self, writer: ChainWriter, request: _Request[object]) -> None:
        self._files = writer.sealed_files()
        self._load.take(request.size_bytes)
        if self._fault is not None:
            log.warning("the medium works again; %d bytes wait", self._load.waiting_bytes)
            self._fault = None

    def _close_footage(self, writer: ChainWriter, facts: Close) -> RecordReference:
        reference = writer.close_footage(facts)
        self._load.new_file()
        return reference

    def _halt(self, writer: ChainWriter, reason: str) -> RecordReference:
        reference = writer.halt(reason)
        self.worker.request_stop()
        return reference

    def _refuse_the_rest(self) -> None:
        with self._intake:
            self._accepting = False
        while (request := self._requests.get(0)) is not None:
            request.ticket.fail(SealingStoppedError("the sealing service stopped before it came to this request"))
            self._load.take(request.size_bytes)

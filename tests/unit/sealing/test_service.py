"""The writer's thread: order, backpressure, faults, stop."""

import threading
from functools import partial
from pathlib import Path

import pytest

from hal.drivers.files import DirectoryStorage
from hal.drivers.system_clock import SystemClock
from sealing.errors import (
    BodyError,
    SealingBackpressureError,
    SealingError,
    SealingStoppedError,
    StorageFaultError,
    WriterStateError,
)
from sealing.records import Alive, Anchor, AnchorKind, Event, Mark
from sealing.service import CAPACITY_BYTES, SealingService, SignOfLife
from tests.support import chains
from tests.support.faulty_storage import FaultyStorage
from tests.support.forging import records_of

PATIENCE_SECONDS = 60.0


def service_on(
    storage: DirectoryStorage | FaultyStorage, capacity_bytes: int = CAPACITY_BYTES, capacity_requests: int = 4_096
) -> tuple[SealingService, list[SealingError]]:
    clock = SystemClock()
    faults: list[SealingError] = []
    factory = partial(chains.start_writer, storage, clock)
    service = SealingService(factory, clock, capacity_bytes, capacity_requests, on_fault=faults.append)
    return service, faults


def seal_many(service: SealingService, count: int) -> None:
    for _ in range(count):
        service.seal(event())


def event(code: str = "test") -> Event:
    return Event(code, None, ())


def test_calls_are_sealed_in_their_order_and_tickets_complete(tmp_path: Path) -> None:
    service, faults = service_on(DirectoryStorage(tmp_path))
    recovery = service.start()
    assert recovery.reason == "first-start"
    assert service.recovery is recovery
    service.seal(event("a"))
    opened = service.open_footage(chains.run_facts())
    fragments = [service.append_fragment(chains.fragment(n), chains.media(n)) for n in range(3)]
    closed = service.close_footage(chains.close_facts(3))
    assert opened.result(PATIENCE_SECONDS) == 2
    sequences = [ticket.result(PATIENCE_SECONDS).sequence for ticket in (*fragments, closed)]
    assert sequences == list(range(sequences[0], sequences[0] + 4))
    service.stop("test", PATIENCE_SECONDS)
    assert service.high_water_bytes >= 3_000
    assert service.waiting_bytes == 0
    assert not faults
    assert [file.number for file in service.sealed_files()] == [1, 2, 3]


def test_a_ticket_calls_back_on_the_writers_thread_and_at_once_when_done(tmp_path: Path) -> None:
    service, _ = service_on(DirectoryStorage(tmp_path))
    service.start()
    names: list[str] = []
    ticket = service.seal(event())
    ticket.then(lambda done: names.append(threading.current_thread().name))
    ticket.result(PATIENCE_SECONDS)
    service.roll_ledger("dock").result(PATIENCE_SECONDS)
    ticket.then(lambda done: names.append(f"sequence {done.result(0).sequence}"))
    service.stop("test", PATIENCE_SECONDS)
    assert names in (["writer", "sequence 3"], ["MainThread", "sequence 3"])


def test_who_waited_for_a_ticket_finds_files_and_load_as_they_are_now(tmp_path: Path) -> None:
    """What had ended at the dock was asked for behind a ticket, and the file that the ticket ended was not in it."""
    service, _ = service_on(DirectoryStorage(tmp_path))
    service.start()
    ended: list[list[int]] = []
    waiting: list[int] = []
    for _ in range(20):
        service.seal(event())
        service.roll_ledger("dock").then(lambda _: ended.append([file.number for file in service.sealed_files()]))
    service.open_footage(chains.run_facts())
    fragment = service.append_fragment(chains.fragment(0), chains.media(0))
    fragment.then(lambda _: waiting.append(service.waiting_bytes))
    fragment.result(PATIENCE_SECONDS)
    service.stop("test", PATIENCE_SECONDS)
    assert ended == [list(range(1, last + 1)) for last in range(1, 21)]
    assert waiting == [0]


def test_a_failing_callback_does_not_stop_the_writer(tmp_path: Path) -> None:
    service, _ = service_on(DirectoryStorage(tmp_path))
    service.start()
    service.seal(event("first")).then(lambda ticket: 1 // 0)  # type: ignore[arg-type]
    assert service.seal(event("second")).result(PATIENCE_SECONDS).sequence == 4
    service.stop("test", PATIENCE_SECONDS)


def test_what_does_not_fit_is_refused_and_said(tmp_path: Path) -> None:
    storage = FaultyStorage(DirectoryStorage(tmp_path))
    service, _ = service_on(storage, capacity_bytes=10_000, capacity_requests=8)
    service.start()
    service.open_footage(chains.run_facts()).result(PATIENCE_SECONDS)
    storage.fail_everything("EIO")
    kept = [service.append_fragment(chains.fragment(n), chains.media(n)) for n in range(3)]
    with pytest.raises(SealingBackpressureError, match="9000 bytes wait"):
        service.append_fragment(chains.fragment(3), chains.media(3))
    with pytest.raises(SealingBackpressureError, match="requests wait"):
        seal_many(service, 9)
    storage.work_again()
    assert [ticket.result(PATIENCE_SECONDS).sequence for ticket in kept]
    service.stop("test", PATIENCE_SECONDS)


def test_pending_fragments_are_kept_over_a_fault_and_sealed_after_it(tmp_path: Path) -> None:
    storage = FaultyStorage(DirectoryStorage(tmp_path))
    service, faults = service_on(storage)
    service.start()
    service.open_footage(chains.run_facts()).result(PATIENCE_SECONDS)
    service.append_fragment(chains.fragment(0), chains.media(0)).result(PATIENCE_SECONDS)
    storage.fail_everything("ENOSPC")
    tickets = [service.append_fragment(chains.fragment(n), chains.media(n)) for n in (1, 2)]
    closed = service.close_footage(chains.close_facts(3))
    while not faults:
        assert not closed.done
    assert isinstance(faults[0], StorageFaultError)
    storage.work_again()
    assert [ticket.result(PATIENCE_SECONDS).file_number for ticket in (*tickets, closed)] == [3, 3, 3]
    assert len(faults) == 1
    assert service.fault is None
    service.stop("test", PATIENCE_SECONDS)


def test_an_error_of_one_request_leaves_the_others_alone(tmp_path: Path) -> None:
    service, _ = service_on(DirectoryStorage(tmp_path))
    service.start()
    bad = service.seal(Mark(b"short", 1, 0, 0, 0, None))
    unordered = service.close_footage(chains.close_facts(0))
    good = service.seal(event())
    with pytest.raises(BodyError, match="session_id"):
        bad.result(PATIENCE_SECONDS)
    with pytest.raises(WriterStateError):
        unordered.result(PATIENCE_SECONDS)
    assert good.result(PATIENCE_SECONDS).sequence == 3
    service.stop("test", PATIENCE_SECONDS)


def test_start_says_why_it_cannot_and_leaves_no_thread(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    service, _ = service_on(DirectoryStorage(spool))
    spool.rmdir()
    with pytest.raises(StorageFaultError, match="the spool cannot be read"):
        service.start()
    assert not service.worker.alive
    with pytest.raises(SealingStoppedError):
        service.seal(event())


def test_stop_refuses_what_comes_later_and_halts(tmp_path: Path) -> None:
    service, _ = service_on(DirectoryStorage(tmp_path))
    service.start()
    service.open_footage(chains.run_facts()).result(PATIENCE_SECONDS)
    service.stop("test", PATIENCE_SECONDS)
    with pytest.raises(SealingStoppedError):
        service.seal(event())
    assert chains.start_writer(tmp_path).recovery.clean


def test_a_stop_while_the_medium_fails_ends_and_fails_the_tickets(tmp_path: Path) -> None:
    storage = FaultyStorage(DirectoryStorage(tmp_path))
    service, _ = service_on(storage)
    service.start()
    storage.fail_everything("EROFS")
    ticket = service.seal(event())
    with pytest.raises(SealingError):
        service.stop("test", 0.5)
    assert service.worker.join(PATIENCE_SECONDS)
    with pytest.raises(SealingStoppedError):
        ticket.result(PATIENCE_SECONDS)


def test_a_bad_snapshot_is_refused_before_it_is_queued(tmp_path: Path) -> None:
    service, _ = service_on(DirectoryStorage(tmp_path))
    service.start()
    with pytest.raises(BodyError, match="state"):
        service.set_state(chains.snapshot(state="x" * 300))
    service.set_state(chains.snapshot(state="recording"))
    service.roll_ledger("dock")
    service.seal(event()).result(PATIENCE_SECONDS)
    service.stop("test", PATIENCE_SECONDS)
    found = chains.start_writer(tmp_path).recovery.snapshot
    assert found is not None
    assert found.state == "recording"


class HurriedClock(SystemClock):
    """A real clock on which an hour passes with each look."""

    looks = 0

    def boottime_ns(self) -> int:
        self.looks += 1
        return super().boottime_ns() + self.looks * 3_600 * 10**9


def test_where_nothing_happens_a_sign_of_life_is_sealed(tmp_path: Path) -> None:
    """SF-45."""
    clock = HurriedClock()
    asked = threading.Event()

    def measure() -> Alive | None:
        if asked.is_set():
            return None
        asked.set()
        return Alive(57, 1_000)

    service = SealingService(
        partial(chains.start_writer, DirectoryStorage(tmp_path), clock), clock, sign_of_life=SignOfLife(measure)
    )
    service.start()
    assert asked.wait(PATIENCE_SECONDS)
    service.stop("test", PATIENCE_SECONDS)
    bodies = [record.read.body for path in sorted(tmp_path.glob("*.evs")) for record in records_of(path)]
    assert [body for body in bodies if isinstance(body, Alive)] == [Alive(57, 1_000)]


def test_an_anchor_goes_through_the_queue(tmp_path: Path) -> None:
    service, _ = service_on(DirectoryStorage(tmp_path))
    service.start()
    seen = service.seal(event()).result(PATIENCE_SECONDS)
    anchored = service.seal_anchor(Anchor(AnchorKind.STORE, seen.sequence, seen.hash, 1, b"token"))
    assert anchored.result(PATIENCE_SECONDS).sequence == seen.sequence + 1
    service.stop("test", PATIENCE_SECONDS)

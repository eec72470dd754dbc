"""The way into the chain: nothing dropped, one order, the newest numbers in every snapshot (CS-2, CS-11)."""

from __future__ import annotations

from dataclasses import replace
from typing import cast

import pytest

from capture.events import CaptureLost, Event, SealingBack, SealingLost
from capture.media.values import CloseFacts
from capture.shell.seals import Seals
from sealing.errors import ReserveReachedError, SealingBackpressureError, StorageFaultError
from sealing.records import Alive, Close, Fragment, RunFacts, SessionBody, StateSnapshot
from sealing.references import RecordReference
from sealing.service import SealingService
from sealing.tickets import Ticket
from tests.support.chains import snapshot
from tests.support.clocks import ManualClock

SESSION = bytes(range(16))


class FakeWorker:
    alive = True


class FakeService:
    """Takes what it is given, or refuses it, and keeps the order."""

    def __init__(self) -> None:
        self.taken: list[object] = []
        self.refusing = False
        self.fault: StorageFaultError | None = None
        self.worker = FakeWorker()
        self.tickets: list[Ticket[RecordReference]] = []

    def _take(self, what: object) -> Ticket[RecordReference]:
        if self.refusing:
            raise SealingBackpressureError("full")
        self.taken.append(what)
        ticket: Ticket[RecordReference] = Ticket(ManualClock())
        self.tickets.append(ticket)
        return ticket

    def seal(self, body: SessionBody, _private: object = None) -> Ticket[RecordReference]:
        return self._take(body)

    def set_state(self, state: StateSnapshot) -> None:
        self._take(state)

    def roll_ledger(self, reason: str) -> Ticket[RecordReference]:
        return self._take(reason)

    def open_footage(self, run: RunFacts) -> Ticket[RecordReference]:
        return self._take(run)

    def append_fragment(self, body: Fragment, _data: bytes) -> Ticket[RecordReference]:
        return self._take(body)

    def close_footage(self, facts: Close) -> Ticket[RecordReference]:
        return self._take(facts)


@pytest.fixture(name="service")
def service_fixture() -> FakeService:
    return FakeService()


@pytest.fixture(name="posted")
def posted_fixture() -> list[Event]:
    return []


@pytest.fixture(name="seals")
def seals_fixture(service: FakeService, posted: list[Event]) -> Seals:
    return Seals(cast("SealingService", service), posted.append, lambda: 77)


def run(number: int = 1, first_frame: int = 0) -> RunFacts:
    return RunFacts(SESSION, number, 0, True, True, 160, 96, 15, 1, 48_000, first_frame, first_frame * 3_200, bytes(32))


def fragment(first_frame: int, frames: int = 15) -> Fragment:
    pts = 90_000 + first_frame * 6_000
    return Fragment(
        index=0,
        first_frame=first_frame,
        frame_count=frames,
        first_video_pts=pts,
        last_video_pts=pts + (frames - 1) * 6_000,
        first_sample=first_frame * 3_200,
        sample_count=frames * 3_200,
        first_audio_pts=48_000,
        dropped_frames=1,
        lost_samples=0,
        captured_boottime_ns=0,
        before_notice=False,
    )


def in_session() -> StateSnapshot:
    return replace(snapshot(state="recording"), session_id=SESSION, session_number=1, media_time_ns=0)


def states(service: FakeService) -> list[StateSnapshot]:
    return [taken for taken in service.taken if isinstance(taken, StateSnapshot)]


def test_every_opened_file_carries_its_own_numbers_cs_2(seals: Seals, service: FakeService) -> None:
    seals.set_state(in_session())
    seals.open_file(run(2, first_frame=45))
    assert (states(service)[-1].run, states(service)[-1].next_frame) == (2, 45)
    assert isinstance(service.taken[-1], RunFacts)


def test_a_ledger_file_between_two_footage_files_repeats_no_number_cs_2(seals: Seals, service: FakeService) -> None:
    seals.set_state(in_session())
    seals.open_file(run())
    seals.fragment(fragment(0), b"")
    seals.fragment(fragment(15), b"")
    seals.close_file(CloseFacts("time", 2, 30, 96_000, 1024, 0))
    last = states(service)[-1]
    assert (last.next_frame, last.next_sample, last.dropped_frames) == (30, 96_000, 2)
    assert last.media_time_ns == (90_000 + 29 * 6_000) * 1_000_000_000 // 90_000


def test_an_older_state_of_the_machine_does_not_turn_the_numbers_back_cs_2(seals: Seals, service: FakeService) -> None:
    seals.set_state(in_session())
    seals.open_file(run())
    seals.fragment(fragment(0), b"")
    seals.set_state(replace(in_session(), notice_done=True))
    assert (states(service)[-1].next_frame, states(service)[-1].notice_done) == (15, True)


def test_numbers_of_a_session_end_with_it(seals: Seals, service: FakeService) -> None:
    seals.set_state(in_session())
    seals.open_file(run())
    seals.fragment(fragment(0), b"")
    seals.set_state(replace(snapshot(), media_time_ns=0))
    assert (states(service)[-1].session_id, states(service)[-1].next_frame) == (None, 0)


def test_what_is_refused_waits_and_keeps_its_order_cs_11(
    seals: Seals, service: FakeService, posted: list[Event]
) -> None:
    service.refusing = True
    seals.seal(Alive(1, 1), None)
    seals.seal(Alive(2, 2), None)
    seals.roll_ledger("session-start")
    assert service.taken == []
    assert posted == [SealingLost("full")]
    assert seals.lost
    service.refusing = False
    seals.seal(Alive(3, 3), None)
    assert service.taken == [Alive(1, 1), Alive(2, 2), "session-start", Alive(3, 3)]


def test_the_chain_counts_as_back_only_when_nothing_waits_and_the_medium_works_cs_11(
    seals: Seals, service: FakeService, posted: list[Event]
) -> None:
    service.refusing = True
    seals.seal(Alive(1, 1), None)
    seals.retry()
    service.refusing, service.fault = False, StorageFaultError("EIO")
    seals.retry()
    assert SealingBack() not in posted
    service.fault = None
    seals.retry()
    assert posted[-1] == SealingBack()
    assert not seals.lost


@pytest.mark.requirement("R6", "all")
def test_a_fragment_that_has_to_wait_is_not_lost_and_ends_the_run_cs_11(seals: Seals, service: FakeService) -> None:
    seals.set_state(in_session())
    seals.open_file(run())
    service.refusing = True
    with pytest.raises(SealingBackpressureError, match="1 records wait"):
        seals.fragment(fragment(0), b"")
    service.refusing = False
    seals.retry()
    assert service.taken[-1] == fragment(0)


def test_a_sealed_record_is_answered_with_its_reference(seals: Seals, service: FakeService) -> None:
    answers: list[int] = []
    seals.seal(Alive(1, 1), None, lambda reference: answers.append(reference.sequence))
    assert answers == []
    service.tickets[-1].complete(RecordReference(41, bytes(32), 3, 0, 0))
    assert answers == [41]


def test_footage_that_the_writer_refuses_for_room_breaks_the_recording(
    seals: Seals, service: FakeService, posted: list[Event]
) -> None:
    seals.open_file(run())
    service.tickets[-1].fail(ReserveReachedError("only the reserve is left"))
    assert posted == [CaptureLost("storage-full", 77)]

"""Mailbox and worker: the two ways in which threads of the unit live."""

from __future__ import annotations

import logging
import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from hal.mailbox import Mailbox, MailboxFullError
from hal.worker import Worker
from hw_sim.civil import NANOSECONDS
from hw_sim.clock import SimClock


@pytest.fixture(name="clock")
def clock_fixture() -> Iterator[SimClock]:
    clock = SimClock("max")
    with clock.participate():
        yield clock


def test_a_mailbox_gives_in_the_order_in_which_it_took(clock: SimClock) -> None:
    box = Mailbox[str](clock, 3)
    for item in "abc":
        box.put(item)
    assert len(box) == 3
    assert [box.get() for _ in range(3)] == ["a", "b", "c"]


def test_a_full_mailbox_refuses_aloud_and_keeps_what_it_has(clock: SimClock) -> None:
    box = Mailbox[int](clock, 1)
    box.put(1)
    with pytest.raises(MailboxFullError, match="holds 1 items"):
        box.put(2)
    assert box.get() == 1
    box.put(3)
    assert box.get() == 3


def test_an_empty_mailbox_waits_by_the_clock(clock: SimClock) -> None:
    box = Mailbox[int](clock, 1)
    assert box.get(2.0) is None
    assert clock.world_ns == 2 * NANOSECONDS

    def writer() -> None:
        clock.sleep(1.0)
        box.put(7)

    thread = clock.spawn("writer", writer)
    assert box.get() == 7
    assert clock.world_ns == 3 * NANOSECONDS
    clock.join(thread)


def test_nothing_is_lost_between_many_writers_and_one_reader(clock: SimClock) -> None:
    box = Mailbox[int](clock, 4_000)

    def writer(worker: Worker) -> None:
        first = int(worker.name)
        for number in range(first, first + 1_000):
            box.put(number)
            if number % 7 == 0:
                clock.sleep(0.001)

    workers = [Worker(str(first), clock, writer) for first in range(0, 4_000, 1_000)]
    for worker in workers:
        worker.start()
    got = [box.get(10.0) for _ in range(4_000)]
    assert sorted(number for number in got if number is not None) == list(range(4_000))
    assert all(worker.join(1.0) for worker in workers)
    for first in range(0, 4_000, 1_000):
        mine = [number for number in got if number is not None and first <= number < first + 1_000]
        assert mine == sorted(mine)


def test_a_worker_has_a_name_a_heartbeat_and_an_end(clock: SimClock) -> None:
    def body(worker: Worker) -> None:
        while not clock.wait(worker.stop, 0.5):
            worker.beat()

    worker = Worker("heart", clock, body, allowance_seconds=2.0)
    assert worker.join(0.0)
    worker.start()
    clock.sleep(3.2)
    assert worker.alive
    assert worker.last_beat_ns == 3 * NANOSECONDS
    assert not worker.join(0.1)
    worker.request_stop()
    assert worker.join(1.0)


class LingeringClock(SimClock):
    """Who has done his work leaves it late, as on a machine that has no turn for him."""

    @contextmanager
    def participate(self) -> Iterator[None]:
        with super().participate():
            yield
        threading.Event().wait(0.1)


def test_a_worker_that_was_joined_is_gone() -> None:
    clock = LingeringClock("max")
    worker = Worker("lingers", clock, lambda _: None)
    worker.start()
    assert worker.join(1.0)
    assert not worker.alive
    assert "lingers" not in {thread.name for thread in threading.enumerate()}


def test_a_crash_is_logged_and_told(clock: SimClock, caplog: pytest.LogCaptureFixture) -> None:
    told: list[tuple[str, str]] = []

    def body(_: Worker) -> None:
        raise ValueError("broken")

    worker = Worker("breaks", clock, body, on_crash=lambda name, error: told.append((name, str(error))))
    with caplog.at_level(logging.ERROR):
        worker.start()
        assert worker.join(1.0)
    assert told == [("breaks", "broken")]
    assert "thread breaks ended by an error" in caplog.text

"""The lock-step clock keeps the contract of hal.ports.Clock and moves only while everybody waits."""

from __future__ import annotations

import threading
from collections.abc import Iterator

import pytest

from hal.mailbox import Mailbox
from hal.values import TimeSource
from hal.worker import Worker
from hw_sim.civil import NANOSECONDS
from hw_sim.clock import SimClock, Speed
from hw_sim.errors import ClockStalledError, SimulationError
from hw_sim.pacer import real_ns


@pytest.fixture(name="clock")
def clock_fixture() -> Iterator[SimClock]:
    clock = SimClock("stepped")
    yield clock
    clock.close()


class Ticker:
    """Notes the world's time at every tick until it is told to stop."""

    def __init__(self, clock: SimClock, name: str, period_seconds: float, log: list[tuple[str, int]]) -> None:
        self.stop = clock.signal()

        def body() -> None:
            while not clock.wait(self.stop, period_seconds):
                log.append((name, clock.world_ns))

        self.thread = clock.spawn(name, body)

    def end(self) -> None:
        self.stop.set()
        self.thread.join()


def test_time_stands_while_a_participant_runs(clock: SimClock) -> None:
    clock.set_speed("max")
    with clock.participate():
        before = clock.boottime_ns()
        deadline_ns = real_ns() + 20_000_000
        while real_ns() < deadline_ns:
            assert clock.boottime_ns() == before
        assert not clock.wait(clock.signal(), 3600.0)
        assert clock.boottime_ns() == before + 3600 * NANOSECONDS


def test_stepping_serves_every_deadline_in_order(clock: SimClock) -> None:
    log: list[tuple[str, int]] = []
    tickers = [Ticker(clock, "a", 0.2, log), Ticker(clock, "b", 0.3, log)]
    clock.step_to(NANOSECONDS)
    milliseconds = [(name, at // 1_000_000) for name, at in log]
    assert milliseconds == [
        ("a", 200),
        ("b", 300),
        ("a", 400),
        ("b", 600),
        ("a", 600),
        ("a", 800),
        ("b", 900),
        ("a", 1000),
    ]
    assert clock.world_ns == NANOSECONDS
    for ticker in tickers:
        ticker.end()


def test_equal_deadlines_are_served_one_by_one_in_waiting_order(clock: SimClock) -> None:
    runs: list[list[tuple[str, int]]] = []
    for _ in range(5):
        log: list[tuple[str, int]] = []
        tickers = []
        for name in "abcd":
            tickers.append(Ticker(clock, name, 0.5, log))
            clock.settle()
        clock.step_by(10.0)
        start = log[0][1]
        runs.append([(name, at - start) for name, at in log])
        for ticker in tickers:
            ticker.end()
    assert len(runs[0]) == 80
    assert all(run == runs[0] for run in runs)


def test_a_signal_wakes_before_the_deadline_and_says_so(clock: SimClock) -> None:
    flag = clock.signal()
    seen: list[tuple[bool, int]] = []
    thread = clock.spawn("waiter", lambda: seen.append((clock.wait(flag, 10.0), clock.world_ns)))
    clock.step_to(4 * NANOSECONDS)
    flag.set()
    thread.join()
    assert seen == [(True, 4 * NANOSECONDS)]


def test_a_raised_flag_does_not_wait_until_it_is_cleared(clock: SimClock) -> None:
    flag = clock.signal()
    flag.set()
    assert flag.is_set()
    assert clock.wait(flag, 1.0)
    assert clock.wait(flag)
    flag.clear()
    assert not clock.wait(flag, 0)
    assert not clock.wait(flag, -1.0)


def test_no_participant_is_lost_between_set_and_wake(clock: SimClock) -> None:
    """Two threads hand a token to and fro; a third one's deadline may never overtake them."""
    clock.set_speed("max")
    ping, pong = Mailbox[int](clock, 4), Mailbox[int](clock, 4)
    seen: list[int] = []

    def left() -> None:
        for turn in range(2000):
            ping.put(turn)
            assert pong.get() == turn

    def right() -> None:
        for _ in range(2000):
            turn = ping.get()
            assert turn is not None
            pong.put(turn)

    def impatient() -> None:
        clock.sleep(0.001)
        seen.append(len(ping) + len(pong))

    with clock.participate():
        threads = [clock.spawn(body.__name__, body) for body in (left, right)]
        before = clock.world_ns
        with clock.outside():
            threads[0].join()
        assert clock.world_ns == before
        threads.append(clock.spawn("impatient", impatient))
    for thread in threads:
        thread.join()
    assert seen == [0]


def test_a_thread_that_does_not_participate_is_served_but_holds_nothing(clock: SimClock) -> None:
    clock.set_speed("max")
    assert not clock.wait(clock.signal(), 5.0)
    assert clock.world_ns == 5 * NANOSECONDS


def test_a_held_world_waits_for_its_first_participant(clock: SimClock) -> None:
    clock.set_speed("max")
    clock.hold()
    log: list[tuple[str, int]] = []
    ticker = Ticker(clock, "a", 60.0, log)
    deadline_ns = real_ns() + 20_000_000
    while real_ns() < deadline_ns:
        assert clock.world_ns == 0
    with clock.participate():
        assert clock.world_ns == 0
        clock.sleep(90.0)
        assert [name for name, _ in log] == ["a"]
        ticker.end()


def test_a_held_world_goes_on_with_whoever_waits_or_sets_its_speed(clock: SimClock) -> None:
    clock.set_speed("max")
    clock.hold()
    clock.sleep(5.0)
    assert clock.world_ns == 5 * NANOSECONDS
    clock.hold()
    clock.set_speed("stepped")
    clock.step_by(1.0)
    assert clock.world_ns == 6 * NANOSECONDS


def test_participation_nests(clock: SimClock) -> None:
    with clock.participate():
        with clock.participate():
            pass
        with pytest.raises(SimulationError, match="cannot step"):
            clock.step_by(1.0)
    clock.step_by(1.0)


def test_a_worker_of_hal_lives_by_it(clock: SimClock) -> None:
    beats: list[int] = []

    def body(worker: Worker) -> None:
        while not clock.wait(worker.stop, 1.0):
            worker.beat()
            beats.append(worker.last_beat_ns)

    worker = Worker("beating", clock, body)
    worker.start()
    clock.settle()
    clock.step_by(3.5)
    worker.request_stop()
    clock.set_speed("max")
    assert worker.join(1.0)
    assert beats == [NANOSECONDS, 2 * NANOSECONDS, 3 * NANOSECONDS]


@pytest.mark.parametrize("rate", [1.0, 10.0])
def test_a_rate_follows_real_time(rate: float) -> None:
    clock = SimClock(rate)
    started_ns = real_ns()
    with clock.participate():
        for _ in range(10):
            clock.sleep(0.01 * rate)
    elapsed_ns = real_ns() - started_ns
    assert clock.world_ns >= round(0.1 * rate * NANOSECONDS)
    assert 99_000_000 < elapsed_ns < 60_000_000_000
    clock.close()


def test_real_time_goes_on_while_all_wait_for_the_outside() -> None:
    clock = SimClock(20.0)
    flag = clock.signal()
    woken: list[int] = []

    def body() -> None:
        clock.wait(flag)
        woken.append(clock.world_ns)

    thread = clock.spawn("waiter", body)
    begun = clock.world_ns
    while clock.world_ns < begun + NANOSECONDS:
        pass
    seen = clock.world_ns
    flag.set()
    thread.join()
    assert woken[0] >= seen
    clock.close()


def test_the_speed_can_change_while_threads_wait() -> None:
    clock = SimClock(1.0)
    thread = clock.spawn("long", lambda: clock.sleep(3600.0))
    clock.set_speed("max")
    thread.join()
    assert clock.world_ns >= 3600 * NANOSECONDS


@pytest.mark.parametrize("speed", [0.0, -1.0])
def test_a_speed_that_is_none_is_refused(speed: Speed) -> None:
    with pytest.raises(SimulationError, match="above 0"):
        SimClock(speed)


def test_a_flag_of_another_clock_is_refused(clock: SimClock) -> None:
    with pytest.raises(SimulationError, match="not made by this clock"):
        clock.wait(SimClock().signal(), 1.0)


def test_a_stall_dumps_the_stacks_and_fails_every_waiter(capfd: pytest.CaptureFixture[str]) -> None:
    clock = SimClock("max", stall_seconds=0.2)
    block = threading.Event()
    failed: list[str] = []

    def waits() -> None:
        try:
            clock.sleep(1.0)
        except ClockStalledError as error:
            failed.append(str(error))

    blocker = clock.spawn("blocks-outside-the-clock", lambda: (block.wait(), None)[1])
    waiter = clock.spawn("waits", waits)
    waiter.join()
    block.set()
    blocker.join()
    assert "no participant made progress for 0.2 s" in failed[0]
    assert "blocks" in capfd.readouterr().err or failed
    with pytest.raises(ClockStalledError):
        clock.sleep(1.0)


def test_boottime_starts_with_the_boot_and_the_memory_follows_the_time() -> None:
    memory = [7 * NANOSECONDS]
    clock = SimClock("max", booted_world_ns=5 * NANOSECONDS, memory=memory, boot_id="boot-2")
    assert clock.boottime_ns() == 2 * NANOSECONDS
    clock.sleep(1.5)
    reading = clock.read()
    assert memory == [8_500_000_000]
    assert (reading.boottime_ns, reading.boot_id) == (3_500_000_000, "boot-2")
    assert reading.source is TimeSource.NETWORK

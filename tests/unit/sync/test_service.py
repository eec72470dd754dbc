"""What the service manager hears of `recorder-sync`."""

import os
import signal
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from hal.drivers.system_clock import SystemClock
from hal.notify import Notifier
from sync.unit.reports import Report
from sync.unit.service import ServiceReporter, WatchedClock
from sync.unit_main import end_at_signals


@pytest.fixture
def manager(tmp_path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as listening:
        listening.bind(str(tmp_path / "notify"))
        listening.setblocking(False)
        yield listening


def watched(tmp_path: Path, microseconds: int) -> Notifier:
    return Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": str(microseconds)})


def said(manager: socket.socket) -> list[str]:
    found = []
    while True:
        try:
            found.append(manager.recv(1000).decode())
        except BlockingIOError:
            return found


def test_a_long_wait_gives_signs_of_life_more_often_than_the_watchdog_asks(
    manager: socket.socket, tmp_path: Path
) -> None:
    clock = WatchedClock(watched(tmp_path, 60_000))
    assert not clock.wait(clock.signal(), 0.1)
    assert said(manager) == ["WATCHDOG=1"] * 5


def test_a_raised_flag_ends_the_wait_at_once(manager: socket.socket, tmp_path: Path) -> None:
    clock = WatchedClock(watched(tmp_path, 60_000_000))
    stop = clock.signal()
    stop.set()
    assert clock.wait(stop)
    assert said(manager) == ["WATCHDOG=1"]


def test_nothing_is_said_where_nobody_watches(tmp_path: Path) -> None:
    clock = WatchedClock(Notifier({}))
    assert not clock.wait(clock.signal(), 0.01)


@pytest.mark.parametrize(
    ("report", "line"),
    [
        (Report("idle", receipted_to=4), "idle"),
        (Report("sending", file=7, offset_bytes=5 << 20, size_bytes=9 << 20), "sending 00000007 5 of 9 MiB"),
        (Report("begin", files_left=3, bytes_left=10), "begin 3 files left"),
        (Report("waiting", seconds=12.4, reason="line"), "waiting 12 s (line)"),
    ],
)
def test_what_it_does_stands_in_one_line(manager: socket.socket, tmp_path: Path, report: Report, line: str) -> None:
    ServiceReporter(watched(tmp_path, 60_000_000)).report(report)
    assert said(manager) == ["WATCHDOG=1", f"STATUS={line}"]


def test_the_manager_is_not_flooded_while_a_file_goes(manager: socket.socket, tmp_path: Path) -> None:
    reporter = ServiceReporter(Notifier({"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_PID": str(os.getpid())}))
    for offset in range(0, 2 << 20, 256 << 10):
        reporter.report(Report("sending", file=1, offset_bytes=offset, size_bytes=2 << 20))
    assert said(manager) == ["STATUS=sending 00000001 0 of 2 MiB", "STATUS=sending 00000001 1 of 2 MiB"]


@pytest.fixture
def handlers() -> Iterator[None]:
    """As they were before."""
    numbers = (signal.SIGTERM, signal.SIGINT)
    before = {number: signal.getsignal(number) for number in numbers}
    yield
    for number, handler in before.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_in_the_middle_of_a_wait_for_the_flag_that_it_raises_ends_that_wait(
    handlers: None, number: signal.Signals
) -> None:
    clock = SystemClock()
    stop = clock.signal()
    end_at_signals(clock, stop)
    with stop._cond:  # type: ignore[attr-defined]  # as a wait has it when it begins and when it ends
        signal.raise_signal(number)
    assert clock.wait(stop, 60.0)

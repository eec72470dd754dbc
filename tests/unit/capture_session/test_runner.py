"""The session's thread when the machine is too busy to let it run (CS-7)."""

from __future__ import annotations

from capture import effects as fx
from capture.gestures import GestureReader
from capture.shell.executor import Executor
from capture.shell.panel import Panel
from capture.shell.runner import SessionRunner
from capture.states import State
from hal.drivers.system_clock import SystemClock
from hal.ports import Signal
from hal.values import ButtonEdge, ButtonName
from hal.worker import Worker
from tests.unit.capture_session.script import SECOND_NS, Driver

HOLD_NS = 2 * SECOND_NS


class HeldClock(SystemClock):
    """Boot time stands where a test puts it; whoever has nothing left to do and waits is told to end."""

    now_ns = 100 * SECOND_NS
    worker: Worker | None = None

    def boottime_ns(self) -> int:
        return self.now_ns

    def wait(self, signal: Signal, timeout_seconds: float | None = None) -> bool:
        assert self.worker is not None
        self.worker.request_stop()
        return signal.is_set()


class Notes(Executor):
    """Keeps the effects instead of carrying them out."""

    def __init__(self) -> None:
        self.effects: list[fx.Effect] = []

    @property
    def next_deadline_ns(self) -> int | None:
        return None

    def timers_due(self, now_ns: int) -> tuple[()]:
        return ()

    def carry_out(self, effect: fx.Effect) -> None:
        self.effects.append(effect)


class DarkPanel(Panel):
    """A unit without lamps."""

    def __init__(self) -> None:
        self._until_ns = None

    def show(self, state: str) -> None:
        """Nobody looks."""


def live_through(edges: list[ButtonEdge], until_ns: int) -> State:
    """Let a recording's thread find all of this at once, at `until_ns`."""
    driver, clock = Driver(), HeldClock()
    driver.record()
    reader = GestureReader(frozenset({ButtonName.RECORD, ButtonName.MARK}), HOLD_NS, SECOND_NS // 2)
    runner = SessionRunner(driver.machine, clock, reader, DarkPanel(), Notes(), lambda: bytes(16))
    for edge in edges:
        runner.edge(edge)
    clock.now_ns, clock.worker = until_ns, runner.worker
    runner._body(runner.worker)
    return runner.machine.state


def test_a_press_that_is_found_late_is_no_hold_cs_7() -> None:
    """CS-7: the finger was gone after 200 ms; the thread was held up for five seconds."""
    down_ns = 100 * SECOND_NS
    edges = [
        ButtonEdge(ButtonName.RECORD, pressed=True, at_boottime_ns=down_ns),
        ButtonEdge(ButtonName.RECORD, pressed=False, at_boottime_ns=down_ns + SECOND_NS // 5),
    ]
    assert live_through(edges, down_ns + 5 * SECOND_NS) is not State.FINISHING


def test_a_finger_that_is_still_there_is_a_hold_cs_7() -> None:
    """CS-7: the same, without a release."""
    down_ns = 100 * SECOND_NS
    edges = [ButtonEdge(ButtonName.RECORD, pressed=True, at_boottime_ns=down_ns)]
    assert live_through(edges, down_ns + 5 * SECOND_NS) is State.FINISHING

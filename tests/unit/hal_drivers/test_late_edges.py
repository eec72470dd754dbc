"""Edges on gpiozero's pins that are read long after they happened: a starved machine loses no press (DR-31)."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from gpiozero.pins.mock import MockPin
from gpiozero.pins.pi import PiPin

from hal.drivers.pi import lines
from hal.drivers.pi.lines import InputLine, Panel
from hal.drivers.pi.panel import GpioButtons
from hal.values import ButtonName
from hw_sim.clock import SimClock
from tests.unit.hal_drivers.test_panel import Hand, WorldFactory

_SETTLE_NS = 15_000_000
_MILLI_NS = 1_000_000
_SECOND_NS = 1_000_000_000
PIN = 17


class Skipping(SimClock):
    """A clock that goes on when all wait, and a way to let seconds pass while nobody gets to run."""

    skipped_ns = _SECOND_NS

    def boottime_ns(self) -> int:
        return super().boottime_ns() + self.skipped_ns


class LatePin(MockPin):  # type: ignore[misc]
    """A pin whose edges the library's thread stamps when they happen and hands over when it gets to run."""

    def __init__(self, factory: WorldFactory, info: object) -> None:
        self.waiting: list[tuple[float, bool]] = []
        super().__init__(factory, info)

    def _call_when_changed(self) -> None:
        self.waiting.append((self.factory.ticks(), self._state))

    def hand_over(self) -> None:
        waiting, self.waiting = self.waiting, []
        for ticks, state in waiting:
            PiPin._call_when_changed(self, ticks, state)


class Late:
    """One button, its panel, and who listens."""

    def __init__(self) -> None:
        self.clock = Skipping("max")
        self.factory = WorldFactory(self.clock, LatePin)
        self.line = InputLine(self.factory, self.clock, PIN, active_low=True)
        self.panel = Panel(self.clock, [self.line])
        self.pin: LatePin = self.factory.pin(PIN)
        self.hand = Hand(self.factory, self.clock)
        GpioButtons({ButtonName.RECORD: self.line}).subscribe(self.hand)

    def move(self, *, low: bool, bounces: int = 0) -> int:
        """Bring the contact to rest; each bounce takes a millisecond."""
        begun_ns = self.clock.boottime_ns()
        for _ in range(bounces):
            (self.pin.drive_low if low else self.pin.drive_high)()
            self.clock.skipped_ns += _MILLI_NS
            (self.pin.drive_high if low else self.pin.drive_low)()
            self.clock.skipped_ns += _MILLI_NS
        (self.pin.drive_low if low else self.pin.drive_high)()
        return begun_ns

    def later(self, seconds: float) -> None:
        self.clock.skipped_ns += round(seconds * _SECOND_NS)

    def heard(self) -> list[tuple[bool, int]]:
        return [(edge.pressed, edge.at_boottime_ns) for edge in self.hand.edges]


@pytest.fixture(name="late")
def late_fixture() -> Iterator[Late]:
    late = Late()
    with late.clock.participate():
        late.panel.start()
        yield late
        late.panel.close()
    late.factory.close()


def check(heard: list[tuple[bool, int]], wanted: list[tuple[bool, int]]) -> None:
    assert [pressed for pressed, _ in heard] == [pressed for pressed, _ in wanted]
    apart_ns = [abs(found - begun) for (_, found), (_, begun) in zip(heard, wanted, strict=True)]
    assert max(apart_ns) <= _MILLI_NS, [ns / _MILLI_NS for ns in apart_ns]


@pytest.mark.parametrize("late_seconds", [0.9, 1.1, 7.0, 600.0])
def test_a_short_press_that_is_read_late_keeps_both_its_edges_and_their_times_dr_31(
    late: Late, late_seconds: float
) -> None:
    """DR-31: pressed for 0.3 s, and the thread that reads gets to run much later: stamped anew, both edges would be one
    moment, a disturbance, and the press would be lost."""
    wanted = [(True, late.move(low=True, bounces=3))]
    late.later(0.3)
    wanted.append((False, late.move(low=False, bounces=3)))
    late.later(late_seconds)
    late.pin.hand_over()
    late.hand.wait_for(2)
    check(late.heard(), wanted)


def test_many_presses_that_are_read_together_are_each_a_press_dr_31(late: Late) -> None:
    """DR-31: whatever bounces, however long the thread waited."""
    drawn, wanted = random.Random(31), []
    for _ in range(20):
        wanted.append((True, late.move(low=True, bounces=drawn.randint(0, 4))))
        late.later(drawn.uniform(0.03, 2.0))
        wanted.append((False, late.move(low=False, bounces=drawn.randint(0, 4))))
        late.later(drawn.uniform(0.03, 2.0))
        if drawn.random() < 0.3:
            late.pin.hand_over()
    late.pin.hand_over()
    late.hand.wait_for(len(wanted))
    check(late.heard(), wanted)


def test_a_stamp_of_another_axis_is_not_believed(late: Late) -> None:
    """An edge is no older than the watch for it, and never in the future."""
    for axis_seconds in (-1e6, 1e9):
        before = len(late.hand.edges)
        at_ns = late.move(low=before == 0)
        late.pin.waiting = [(ticks + axis_seconds, state) for ticks, state in late.pin.waiting]
        late.pin.hand_over()
        late.hand.wait_for(before + 1)
        assert abs(late.heard()[-1][1] - at_ns) < 500 * _MILLI_NS


def test_what_moved_before_the_watch_is_seen() -> None:
    late = Late()
    with late.clock.participate():
        late.move(low=True)
        late.panel.start()
        late.hand.wait_for(1)
        late.panel.close()
    assert [pressed for pressed, _ in late.heard()] == [True]


def test_a_line_that_swung_more_often_than_anybody_could_look_is_read_when_it_is_quiet(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """What was not taken is said, and where the line settled is known all the same."""
    monkeypatch.setattr(lines, "_EDGES_MAX", 8)
    late = Late()
    with late.clock.participate():
        late.line.watch(late.panel._take)
        for _ in range(20):
            late.move(low=True)
            late.move(low=False)
        late.move(low=True)
        late.pin.hand_over()
        late.panel.start()
        late.hand.wait_for(1)
        late.panel.close()
    assert late.heard()[-1][0]

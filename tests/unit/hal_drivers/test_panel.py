"""Buttons, lamps, vibration and dock on gpiozero's mock pins."""

from __future__ import annotations

import random
from collections.abc import Iterator

import pytest
from gpiozero.pins.mock import MockFactory, MockPin
from gpiozero.pins.pi import PiPin
from hypothesis import given
from hypothesis import strategies as st

from hal.drivers.common.debounce import Debouncer
from hal.drivers.common.nothing import NoDock, NoLamps, NoVibration
from hal.drivers.pi.lines import InputLine, Panel
from hal.drivers.pi.panel import GpioButtons, GpioDock, GpioLamps, GpioVibration
from hal.errors import PermanentHardwareError
from hal.ports import Clock
from hal.values import ButtonEdge, ButtonName, LampColour, LampPattern, VibrationPattern
from hw_sim.clock import SimClock

_SETTLE_NS = 15_000_000
_MILLI_NS = 1_000_000
CLOCK = SimClock("max")
"""Its time goes on when the panel's threads and the test wait: none of them is ever late."""


class WorldPin(MockPin):  # type: ignore[misc]
    """A pin whose edges carry the clock's time, as the kernel stamps them."""

    def _call_when_changed(self) -> None:
        PiPin._call_when_changed(self, self.factory.ticks(), self._state)


class WorldFactory(MockFactory):  # type: ignore[misc]
    """Pins on the axis of a clock."""

    def __init__(self, clock: Clock, pin_class: type[MockPin] = WorldPin) -> None:
        super().__init__(pin_class=pin_class)
        self._clock = clock

    def ticks(self) -> float:
        return self._clock.boottime_ns() / 1e9


class Hand:
    """A sink, and contacts that bounce."""

    def __init__(self, factory: MockFactory, clock: Clock = CLOCK) -> None:
        self.factory = factory
        self.clock = clock
        self.edges: list[ButtonEdge] = []
        self.arrived = clock.signal()

    def edge(self, edge: ButtonEdge) -> None:
        self.edges.append(edge)
        self.arrived.set()

    def move(self, pin: int, *, low: bool, bounces: int = 0) -> int:
        """Bring a contact to rest; gives the time before it was first touched."""
        contact = self.factory.pin(pin)
        begun_ns = self.clock.boottime_ns()
        for _ in range(bounces):
            (contact.drive_low if low else contact.drive_high)()
            (contact.drive_high if low else contact.drive_low)()
        (contact.drive_low if low else contact.drive_high)()
        return begun_ns

    def wait_for(self, count: int) -> None:
        end_ns = self.clock.boottime_ns() + 2_000 * _MILLI_NS
        while len(self.edges) < count and self.clock.boottime_ns() < end_ns:
            self.arrived.clear()
            if len(self.edges) < count:
                self.clock.wait(self.arrived, 0.1)
        assert len(self.edges) >= count, f"{len(self.edges)} edges came, not {count}"


@pytest.fixture(name="factory")
def factory_fixture() -> Iterator[MockFactory]:
    factory = WorldFactory(CLOCK)
    with CLOCK.participate():
        # A line that never moved says 0: no edge may come at that time.
        pass_time(1.0)
        yield factory
    factory.close()


def pass_time(seconds: float) -> None:
    CLOCK.wait(CLOCK.signal(), seconds)


def test_a_press_that_bounces_is_two_edges_at_their_first_contacts(factory: MockFactory) -> None:
    """DR-31: debounced, and stamped before the bouncing, not after it."""
    line = InputLine(factory, CLOCK, 17, active_low=True)
    buttons = GpioButtons({ButtonName.RECORD: line})
    panel = Panel(CLOCK, [line])
    panel.start()
    hand = Hand(factory)
    buttons.subscribe(hand)
    pressed_ns = hand.move(17, low=True, bounces=5)
    contact_ns = CLOCK.boottime_ns()
    hand.wait_for(1)
    released_ns = hand.move(17, low=False, bounces=5)
    hand.wait_for(2)
    pass_time(0.05)
    panel.close()
    assert [(edge.button, edge.pressed) for edge in hand.edges] == [
        (ButtonName.RECORD, True),
        (ButtonName.RECORD, False),
    ]
    assert pressed_ns <= hand.edges[0].at_boottime_ns <= contact_ns
    assert hand.edges[1].at_boottime_ns >= released_ns
    assert buttons.fitted() == ["record"]


def test_a_disturbance_is_no_press(factory: MockFactory) -> None:
    """DR-31: a line that falls back at once has not moved."""
    line = InputLine(factory, CLOCK, 17, active_low=True)
    buttons = GpioButtons({ButtonName.RECORD: line})
    panel = Panel(CLOCK, [line])
    panel.start()
    hand = Hand(factory)
    buttons.subscribe(hand)
    hand.move(17, low=True)
    hand.move(17, low=False)
    pass_time(0.06)
    panel.close()
    assert hand.edges == []


def test_a_button_to_the_supply_works_the_other_way_round(factory: MockFactory) -> None:
    """DR-31: with a pull-down, high is pressed."""
    line = InputLine(factory, CLOCK, 27, active_low=False)
    buttons = GpioButtons({ButtonName.MARK: line})
    panel = Panel(CLOCK, [line])
    panel.start()
    hand = Hand(factory)
    buttons.subscribe(hand)
    hand.move(27, low=False)
    hand.wait_for(1)
    panel.close()
    assert hand.edges[0].pressed


def test_the_dock_is_read_as_it_is_with_its_last_change(factory: MockFactory) -> None:
    """DR-33: settled, like any contact."""
    line = InputLine(factory, CLOCK, 26, active_low=True)
    dock = GpioDock(line)
    panel = Panel(CLOCK, [line])
    panel.start()
    assert (dock.read().docked, dock.read().changed_boottime_ns) == (False, 0)
    begun_ns = Hand(factory).move(26, low=True, bounces=2)
    pass_time(0.06)
    reading = dock.read()
    panel.close()
    assert reading.docked
    assert begun_ns <= reading.changed_boottime_ns <= CLOCK.boottime_ns()


def lit(factory: MockFactory, pins: dict[str, int]) -> set[str]:
    return {name for name, pin in pins.items() if factory.pin(pin).state}


@pytest.mark.parametrize(
    ("colour", "expected"),
    [
        (LampColour.RED, {"red"}),
        (LampColour.GREEN, {"green"}),
        (LampColour.YELLOW, {"red", "green"}),
        (LampColour.BLUE, {"blue"}),
        (LampColour.OFF, set()),
    ],
)
def test_colours_are_mixed_of_the_lamps_that_are_there(
    factory: MockFactory, colour: LampColour, expected: set[str]
) -> None:
    """DR-32: and stay until something else is shown."""
    pins = {"red": 5, "green": 6, "blue": 13}
    lamps = GpioLamps(factory, CLOCK, pins, active_high=True)
    lamps.show(LampPattern(colour))
    pass_time(0.05)
    shown = lit(factory, pins)
    lamps.close()
    assert shown == expected


def test_a_lamp_blinks_and_a_newer_pattern_ends_it(factory: MockFactory) -> None:
    """DR-32: on and off by the pattern's times."""
    lamps = GpioLamps(factory, CLOCK, {"red": 5}, active_high=True)
    pin = factory.pin(5)
    lamps.show(LampPattern(LampColour.RED, 20, 20))
    pass_time(0.3)
    lamps.show(LampPattern(LampColour.OFF))
    pass_time(0.05)
    changes = [state.state for state in pin.states]
    assert sum(1 for state in changes if state) >= 4
    assert pin.state == 0
    lamps.close()


def test_a_colour_without_a_lamp_is_refused(factory: MockFactory) -> None:
    """DR-32: a state that cannot be shown is not shown as another."""
    lamps = GpioLamps(factory, CLOCK, {"red": 5}, active_high=True)
    with pytest.raises(PermanentHardwareError, match="blue"):
        lamps.show(LampPattern(LampColour.BLUE))
    lamps.close()


def test_a_pulse_is_played_once(factory: MockFactory) -> None:
    """DR-32: on, off, on, and still."""
    motor = GpioVibration(factory, CLOCK, 19)
    motor.pulse(VibrationPattern((20, 20, 20)))
    pass_time(0.2)
    states = [int(state.state) for state in factory.pin(19).states]
    motor.close()
    assert states == [0, 1, 0, 1, 0]


def test_what_is_not_fitted_says_so() -> None:
    """DR-32, DR-33: for good; and a unit without a dock is never in one."""
    with pytest.raises(PermanentHardwareError):
        NoLamps().show(LampPattern(LampColour.RED))
    with pytest.raises(PermanentHardwareError):
        NoVibration().pulse(VibrationPattern((10,)))
    assert not NoDock().read().docked


@given(st.integers(0, 2**32 - 1))
def test_however_contacts_bounce_each_move_is_one_change(seed: int) -> None:
    """DR-31: bounces shorter than the settling time; the first contact is the change's time."""
    random_bounce = random.Random(seed)
    debouncer = Debouncer(active=False, settle_ns=_SETTLE_NS)
    now_ns, expected, changes = 0, [], []
    for move in range(random_bounce.randint(1, 6)):
        active = move % 2 == 0
        now_ns += random_bounce.randint(_SETTLE_NS + 1, 10 * _SETTLE_NS)
        changes += [change for change in [debouncer.settle(now_ns)] if change is not None]
        expected.append((active, now_ns))
        for _ in range(random_bounce.randint(0, 5)):
            debouncer.edge(active, now_ns)
            now_ns += random_bounce.randint(1, _SETTLE_NS // 2)
            debouncer.edge(not active, now_ns)
            now_ns += random_bounce.randint(1, _SETTLE_NS // 2)
        debouncer.edge(active, now_ns)
        assert debouncer.settle(now_ns + _SETTLE_NS // 2) is None
    changes += [change for change in [debouncer.settle(now_ns + _SETTLE_NS)] if change is not None]
    assert [(change.active, change.at_boottime_ns) for change in changes] == expected
    assert debouncer.due_ns is None

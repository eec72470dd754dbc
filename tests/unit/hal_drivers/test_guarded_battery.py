"""A gauge on a bus that hangs keeps nobody waiting (DR-9); it is answered again when it is back."""

import pytest

from hal.drivers.common.guarded_battery import LIMIT_SECONDS, GuardedBattery
from hal.errors import PermanentHardwareError, TransientHardwareError
from hal.values import BatteryReading
from hw_sim.clock import SimClock

CLOCK = SimClock("max")
"""Its time goes on when all of them wait: a gauge that answers at once is never too late, however slow the machine."""
READING = BatteryReading(80.0, 3900, charging=False, draw_mw=None, capacity_mwh=None)


class Gauge:
    """Answers when the bus lets it."""

    def __init__(self) -> None:
        self.bus_free = CLOCK.signal()
        self.asked = 0

    def read(self) -> BatteryReading:
        self.asked += 1
        CLOCK.wait(self.bus_free, 3_600)
        return READING


def test_a_gauge_that_answers_is_read_and_what_it_refuses_is_passed_on() -> None:
    """DR-9."""
    gauge = Gauge()
    gauge.bus_free.set()
    with CLOCK.participate():
        assert GuardedBattery(gauge, CLOCK).read() == READING

        class Missing:
            def read(self) -> BatteryReading:
                raise PermanentHardwareError("no gauge is fitted")

        with pytest.raises(PermanentHardwareError, match="no gauge is fitted"):
            GuardedBattery(Missing(), CLOCK).read()


def test_a_gauge_that_hangs_is_given_up_at_once_and_asked_again_when_it_is_back() -> None:
    """DR-9, CS-5: the verdict of the checks does not wait for it, and no thread piles up behind another."""
    gauge = Gauge()
    battery = GuardedBattery(gauge, CLOCK)
    with CLOCK.participate():
        begun_ns = CLOCK.boottime_ns()
        with pytest.raises(TransientHardwareError, match=f"within {LIMIT_SECONDS} s"):
            battery.read()
        assert CLOCK.boottime_ns() - begun_ns < 300_000_000
        for _ in range(3):
            with pytest.raises(TransientHardwareError, match="still hangs"):
                battery.read()
        assert gauge.asked == 1
        gauge.bus_free.set()
        assert answered(battery) == READING


def answered(battery: GuardedBattery) -> BatteryReading:
    """What it says as soon as it speaks again."""
    for _ in range(1_000):
        try:
            return battery.read()
        except TransientHardwareError:
            CLOCK.wait(CLOCK.signal(), 0.05)
    raise AssertionError("the gauge never came back")

"""DR-5 to DR-9: time, waiting and the battery, which has no rules of its own but its figures."""

# ruff: noqa: S101, PLR2004 -- assert is how a test speaks, and expected values are literals

from __future__ import annotations

from itertools import pairwise

from hal.conformance.rig import Rig, RigConformance
from hal.errors import PermanentHardwareError
from hal.ports import Hardware
from hal.values import TimeSource
from hal.worker import Worker

_SECOND_NS = 1_000_000_000
_BUSY_SECONDS = 10.0
"""A thread whose time has come may still have to wait for its turn on a busy machine."""


class ClockConformance(RigConformance):
    """Time, and waiting for it."""

    def test_boottime_never_goes_back_and_is_one_axis(self, rig: Rig, hardware: Hardware) -> None:
        """DR-5: one monotonic axis, whoever reads it and however."""
        clock = hardware.clock
        times = []
        for _ in range(200):
            times += [clock.boottime_ns(), clock.read().boottime_ns]
            rig.pass_time(0.001)
        assert all(early <= late for early, late in pairwise(times))
        assert times[-1] - times[0] >= 199 * 1_000_000

    def test_a_wait_ends_at_its_time_and_not_before(self, hardware: Hardware) -> None:
        """DR-6: False, after the time asked for."""
        clock = hardware.clock
        for seconds in (0.01, 0.2):
            begun_ns = clock.boottime_ns()
            assert not clock.wait(clock.signal(), seconds)
            passed_ns = clock.boottime_ns() - begun_ns
            assert seconds * _SECOND_NS - 1_000 <= passed_ns <= (seconds + _BUSY_SECONDS) * _SECOND_NS

    def test_a_raised_flag_ends_a_wait_at_once(self, hardware: Hardware) -> None:
        """DR-6: True without waiting; a lowered flag holds again."""
        clock = hardware.clock
        flag = clock.signal()
        assert not flag.is_set()
        flag.set()
        flag.set()
        begun_ns = clock.boottime_ns()
        assert clock.wait(flag, 60.0)
        assert clock.wait(flag)
        assert clock.boottime_ns() - begun_ns < _BUSY_SECONDS * _SECOND_NS
        flag.clear()
        assert not flag.is_set()
        assert not clock.wait(flag, 0.01)

    def test_raising_a_flag_wakes_every_waiter(self, rig: Rig, hardware: Hardware) -> None:
        """DR-7: all of them, from another thread."""
        clock = hardware.clock
        flag = clock.signal()
        woken: list[bool] = []
        workers = [Worker(f"waits-{number}", clock, lambda _: woken.append(clock.wait(flag, 30.0))) for number in "abc"]
        for worker in workers:
            worker.start()
        rig.pass_time(0.05)
        assert woken == []
        flag.set()
        assert all(worker.join(30.0) for worker in workers)
        assert woken == [True, True, True]

    def test_civil_time_admits_its_error(self, rig: Rig, hardware: Hardware) -> None:
        """DR-8: no trust, no bound; one boot, one id; a second is a second on both axes."""
        first = hardware.clock.read()
        rig.pass_time(1.0)
        second = hardware.clock.read()
        for reading in (first, second):
            assert (reading.uncertainty_ns == -1) == (reading.source is TimeSource.UNSET)
            assert reading.uncertainty_ns >= -1
        assert first.boot_id == second.boot_id != ""
        civil_ns, boot_ns = second.utc_ns - first.utc_ns, second.boottime_ns - first.boottime_ns
        assert abs(civil_ns - boot_ns) < 2_000_000

    def test_the_battery_gives_possible_figures(self, hardware: Hardware) -> None:
        """DR-9: charge, voltage, draw and capacity within what a pack can be, or no gauge at all."""
        try:
            reading = hardware.battery.read()
        except PermanentHardwareError:
            return
        assert 0 <= reading.charge_percent <= 100
        assert 1_000 < reading.voltage_mv < 60_000
        assert reading.draw_mw is None or reading.draw_mw >= 0
        assert reading.capacity_mwh is None or reading.capacity_mwh > 0

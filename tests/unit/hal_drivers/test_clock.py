"""A unit's clock: what vouches for its time, and steps that are noticed at once."""

from __future__ import annotations

import ctypes
import errno
import os
import threading
from dataclasses import dataclass
from pathlib import Path

import pytest

from hal.drivers import system_clock
from hal.drivers.common.clock_check import UnitClockCheck
from hal.drivers.common.clock_kernel import (
    KernelTime,
    arm_step_alarm,
    civil_offset_ns,
    monotonic_offset_ns,
    open_step_alarm,
    read_kernel_time,
    step_alarm_rang,
)
from hal.drivers.common.clock_steps import ClockStep, StepWatch
from hal.drivers.common.clock_unit import UnitClock, vouches
from hal.drivers.system_clock import SystemClock, read_together
from hal.values import ClockComparison, TimeSource
from tests.unit.hal_drivers.sysfs import Sysfs

_SECOND_NS = 1_000_000_000
_PATIENCE_SECONDS = 60.0


class Kernel:
    """What adjtimex says."""

    def __init__(self, synchronised: bool, max_error_ns: int = 0) -> None:
        self.time = KernelTime(synchronised, max_error_ns)

    def __call__(self) -> KernelTime:
        return self.time


@dataclass
class Stood:
    """Time of the machine, which goes on only when a test says so: an RTC that is a file goes on by itself never."""

    utc_ns: int = 1_767_225_600_750_000_000
    boottime_ns: int = 86_400 * _SECOND_NS

    def go_on(self, seconds: int) -> None:
        self.utc_ns += seconds * _SECOND_NS
        self.boottime_ns += seconds * _SECOND_NS

    def rtc(self, sysfs: Sysfs, off_seconds: int = 0) -> Path:
        return sysfs.write("class/rtc/rtc0/since_epoch", str(self.utc_ns // _SECOND_NS + off_seconds)).parent


@pytest.fixture(name="stood")
def stood_fixture(monkeypatch: pytest.MonkeyPatch) -> Stood:
    stood = Stood()
    monkeypatch.setattr(system_clock, "read_together", lambda *_: (stood.utc_ns, stood.boottime_ns))
    monkeypatch.setattr(SystemClock, "boottime_ns", lambda _: stood.boottime_ns)
    return stood


def test_a_disciplined_kernel_is_the_best_witness(sysfs: Sysfs, stood: Stood) -> None:
    """DR-8: with the bound that it keeps itself."""
    reading = UnitClock(stood.rtc(sysfs), kernel_time=Kernel(True, 216_000)).read()
    assert (reading.source, reading.uncertainty_ns) == (TimeSource.NETWORK, 216_000)


def test_an_rtc_that_agrees_vouches_within_its_drift(sysfs: Sysfs, stood: Stood) -> None:
    """DR-8: half a minute for the time that the unit was off, and the crystal's drift since."""
    clock = UnitClock(stood.rtc(sysfs), rtc_error_seconds=30.0, kernel_time=Kernel(False))
    for passed_seconds in (0, 10_000):
        stood.go_on(passed_seconds)
        reading = clock.read()
        assert reading.source is TimeSource.RTC
        assert reading.uncertainty_ns == 30 * _SECOND_NS + passed_seconds * _SECOND_NS // 10_000


def test_an_rtc_of_2019_vouches_for_nothing(sysfs: Sysfs, stood: Stood) -> None:
    """DR-8: systemd moved the clock to its build date, and the RTC is years away from that."""
    reading = UnitClock(stood.rtc(sysfs, -220_000_000), kernel_time=Kernel(False)).read()
    assert (reading.source, reading.uncertainty_ns) == (TimeSource.UNSET, -1)


@pytest.mark.parametrize("text", ["", "no time"])
def test_an_rtc_without_time_vouches_for_nothing(sysfs: Sysfs, text: str) -> None:
    """DR-8: a cell that was lost, or no RTC at all."""
    folder = sysfs.write("class/rtc/rtc0/since_epoch", text).parent
    assert not vouches(folder, 1_900_000_000 * _SECOND_NS)
    assert not vouches(sysfs.root / "none", 1_900_000_000 * _SECOND_NS)


def test_time_that_was_once_known_runs_on_with_a_growing_error(sysfs: Sysfs, stood: Stood) -> None:
    """DR-8: a server that is gone leaves a good time behind, for as long as nobody sets it."""
    kernel = Kernel(True, 1_000_000)
    clock = UnitClock(sysfs.root / "none", kernel_time=kernel)
    assert clock.read().source is TimeSource.NETWORK
    kernel.time = KernelTime(False, 16 * _SECOND_NS)
    first = clock.read()
    stood.go_on(5)
    second = clock.read()
    assert first.source is second.source is TimeSource.RTC
    assert (first.uncertainty_ns, second.uncertainty_ns) == (1_000_000, 1_500_000)


def test_a_time_that_was_set_by_hand_is_not_trusted(sysfs: Sysfs, stood: Stood) -> None:
    """DR-8: the trust was in another time."""
    clock = UnitClock(stood.rtc(sysfs), rtc_error_seconds=1.0, kernel_time=Kernel(False))
    assert clock.read().source is TimeSource.RTC
    stood.utc_ns += 5 * _SECOND_NS
    assert clock.read().source is TimeSource.UNSET


def test_a_kernel_that_is_not_asked_is_no_witness(sysfs: Sysfs, caplog: pytest.LogCaptureFixture) -> None:
    """DR-8: a sandbox may forbid the call; that is said once."""

    def refuse() -> KernelTime:
        raise OSError(1, "Operation not permitted")

    clock = UnitClock(sysfs.root / "none", kernel_time=refuse)
    assert clock.read().source is clock.read().source is TimeSource.UNSET
    assert len([line for line in caplog.messages if "does not say" in line]) == 1


def test_this_kernel_answers() -> None:
    """DR-8: adjtimex gives a bound that is no more than what the kernel counts to."""
    assert 0 <= read_kernel_time().max_error_ns <= 20 * _SECOND_NS


def test_stamps_of_another_clock_can_be_brought_over() -> None:
    """DR-5: CLOCK_BOOTTIME is ahead of CLOCK_MONOTONIC by what the machine slept, and by nothing else."""
    first_ns = monotonic_offset_ns()
    assert first_ns > -5_000_000
    assert abs(monotonic_offset_ns() - first_ns) < 5_000_000
    reading = SystemClock().read()
    assert abs(reading.utc_ns - reading.boottime_ns - civil_offset_ns()) < 5_000_000


def test_the_kernels_alarm_is_silent_while_nobody_sets_the_clock() -> None:
    """DR-5: an armed alarm has nothing to read."""
    alarm = open_step_alarm()
    assert not step_alarm_rang(alarm)
    os.close(alarm)


class Alarm:
    """An alarm that a test can ring, with civil time that moves when it does."""

    def __init__(self) -> None:
        self._offset_ns = 1_000
        self._one_step = threading.Lock()
        self.descriptor = os.eventfd(0, os.EFD_NONBLOCK)

    def ring(self, moved_ns: int) -> None:
        with self._one_step:
            self._offset_ns += moved_ns
            os.eventfd_write(self.descriptor, 1)

    def offset_ns(self) -> int:
        """Nobody sees the one without the other."""
        with self._one_step:
            return self._offset_ns

    def rang(self, descriptor: int) -> bool:
        try:
            return os.eventfd_read(descriptor) > 0
        except BlockingIOError:
            return False


def test_a_step_is_told_at_once_and_how_far() -> None:
    """DR-5: each one, forward and back."""
    clock, alarm = SystemClock(), Alarm()
    seen = clock.signal()
    steps: list[ClockStep] = []

    def note(step: ClockStep) -> None:
        steps.append(step)
        seen.set()

    looked = clock.signal()

    def look() -> int:
        offset_ns = alarm.offset_ns()
        looked.set()
        return offset_ns

    watch = StepWatch(clock, note, lambda: alarm.descriptor, alarm.rang, look)
    watch.start()
    assert clock.wait(looked, _PATIENCE_SECONDS)
    for moved_ns in (3_600 * _SECOND_NS, -1_800 * _SECOND_NS):
        seen.clear()
        alarm.ring(moved_ns)
        assert clock.wait(seen, _PATIENCE_SECONDS)
    watch.close()
    watch.close()
    assert [step.moved_ns for step in steps] == [3_600 * _SECOND_NS, -1_800 * _SECOND_NS]
    assert all(0 < step.at_boottime_ns <= clock.boottime_ns() for step in steps)


@pytest.mark.parametrize(
    ("moved_at", "rings_at"),
    [pytest.param(2, 1, id="after-the-look"), pytest.param(1, 2, id="before-the-look-whose-alarm-was-still-silent")],
)
def test_a_step_beside_a_look_is_measured_from_before_it(moved_at: int, rings_at: int) -> None:
    """DR-5: the kernel sets the clock and rings then; the watch looks at the clocks and asks the alarm then."""
    clock = SystemClock()
    seen, ringing, asked = clock.signal(), os.eventfd(0, os.EFD_NONBLOCK), 0
    offsets = iter([1_000] * moved_at)
    steps: list[ClockStep] = []

    def rang(_: int) -> bool:
        nonlocal asked
        asked += 1
        return asked == rings_at

    def note(step: ClockStep) -> None:
        steps.append(step)
        seen.set()

    watch = StepWatch(clock, note, lambda: ringing, rang, lambda: next(offsets, 1_000 + 7 * _SECOND_NS))
    watch.start()
    os.eventfd_write(ringing, 1)
    assert clock.wait(seen, _PATIENCE_SECONDS)
    watch.close()
    assert [step.moved_ns for step in steps] == [7 * _SECOND_NS]


@pytest.mark.parametrize(("number", "armed"), [(errno.ECANCELED, True), (errno.EINVAL, False)])
def test_a_clock_that_is_set_while_the_alarm_is_armed_again_ends_no_watch(number: int, armed: bool) -> None:
    """DR-5: the kernel says ECANCELED and arms all the same; anything else is an error."""

    def settime(*_: object) -> int:
        ctypes.set_errno(number)
        return -1

    if armed:
        arm_step_alarm(0, settime)
        return
    with pytest.raises(OSError, match="timerfd_settime"):
        arm_step_alarm(0, settime)


def test_two_clocks_are_read_together_even_where_the_thread_has_to_wait_in_between() -> None:
    """DR-5: a second of waiting between the two would be a step that never was."""
    boot_ns = iter([0, _SECOND_NS, _SECOND_NS + 10_000])
    civil_ns = iter([5 * _SECOND_NS, 6 * _SECOND_NS + 5_000])
    assert read_together(civil_ns.__next__, boot_ns.__next__) == (6 * _SECOND_NS + 5_000, _SECOND_NS + 5_000)


def test_on_a_machine_that_never_lets_a_reading_through_the_closest_counts() -> None:
    """DR-5: it ends, and is off by half of the shortest wait at most."""
    boot_ns = iter([0, 400, 500, 900, 1_300, 1_700])
    scaled = (value * 1_000_000 for value in boot_ns)
    civil_ns = iter(range(5))
    assert read_together(civil_ns.__next__, scaled.__next__) == (1, 450_000_000)


def test_civil_time_is_held_against_the_rtc_and_the_kernels_correction_dr_36(sysfs: Sysfs, stood: Stood) -> None:
    """DR-36: to half a second, because the RTC tells whole ones."""
    synchronised = KernelTime(synchronised=True, max_error_ns=0, offset_ns=-1_250_000)
    found = UnitClockCheck(SystemClock(), stood.rtc(sysfs, off_seconds=-7), lambda: synchronised).read()
    assert found == ClockComparison(rtc_difference_ns=7_250_000_000, kernel_offset_ns=-1_250_000)


def test_without_an_rtc_and_a_time_server_nothing_is_compared_dr_36(tmp_path: Path) -> None:
    """DR-36."""

    def broken() -> KernelTime:
        raise OSError("adjtimex: not here")

    free = UnitClockCheck(SystemClock(), tmp_path / "rtc0", Kernel(synchronised=False))
    assert free.read() == ClockComparison(rtc_difference_ns=None, kernel_offset_ns=None)
    assert UnitClockCheck(SystemClock(), tmp_path, broken).read().kernel_offset_ns is None

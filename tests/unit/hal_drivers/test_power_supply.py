"""Battery and external power as the kernel tells them."""

from __future__ import annotations

import pytest

from hal.drivers.common.power_supply import KernelBattery, PowerDock, is_powered
from hal.drivers.common.thermal import BoardHealth, BoardHeat, read_board
from hal.errors import PermanentHardwareError, TransientHardwareError
from hal.unfitted import NoHeat
from hal.values import HeatReading
from tests.support.clocks import ManualClock
from tests.unit.hal_drivers.sysfs import Sysfs


def battery(sysfs: Sysfs, **attributes: str) -> KernelBattery:
    facts = {"type": "Battery", "status": "Discharging", "capacity": "87", "voltage_now": "3960000"}
    sysfs.supply("bat", **{**facts, **attributes})
    return KernelBattery(sysfs.supplies)


def test_the_kernels_figures_come_in_the_ports_units(sysfs: Sysfs) -> None:
    """DR-9: microvolts to millivolts; what is not given is not known."""
    reading = battery(sysfs).read()
    assert (reading.charge_percent, reading.voltage_mv, reading.charging) == (87, 3960, False)
    assert reading.draw_mw is None
    assert reading.capacity_mwh is None


def test_power_and_energy_are_taken_where_the_kernel_has_them(sysfs: Sysfs) -> None:
    """DR-9: by themselves, or from current and charge."""
    assert battery(sysfs, power_now="4200000", energy_full="37000000").read().draw_mw == 4200
    assert battery(sysfs).read().capacity_mwh == 37_000
    (sysfs.supplies / "bat" / "power_now").unlink()
    (sysfs.supplies / "bat" / "energy_full").unlink()
    reading = battery(sysfs, current_now="-1000000", charge_full="10000000", voltage_min_design="3700000").read()
    assert reading.draw_mw == pytest.approx(3960)
    assert reading.capacity_mwh == pytest.approx(37_000)


def test_a_gauge_that_does_not_know_its_charger_asks_the_mains(sysfs: Sysfs) -> None:
    """DR-9: max17040 has no status of its own."""
    unit = battery(sysfs, status="Unknown")
    assert not unit.read().charging
    sysfs.supply("usb", type="USB", online="1")
    assert unit.read().charging


def test_a_mouses_battery_is_not_the_units(sysfs: Sysfs) -> None:
    """DR-9: a supply of scope Device is passed over."""
    sysfs.supply("a-mouse", type="Battery", scope="Device", capacity="3", voltage_now="1500000")
    with pytest.raises(PermanentHardwareError, match="no battery"):
        KernelBattery(sysfs.supplies).read()
    assert battery(sysfs).read().charge_percent == 87
    assert KernelBattery(sysfs.supplies, "a-mouse").read().charge_percent == 3


@pytest.mark.parametrize("text", ["", "n/a"])
def test_a_gauge_that_gives_no_figure_may_do_so_later(sysfs: Sysfs, text: str) -> None:
    """DR-9: the unit is not without a battery because one reading failed."""
    with pytest.raises(TransientHardwareError, match="capacity"):
        battery(sysfs, capacity=text).read()


def test_a_battery_without_charge_is_named(sysfs: Sysfs) -> None:
    """DR-9: for good; another gauge has to be named."""
    sysfs.supply("bat", type="Battery", voltage_now="3700000")
    with pytest.raises(PermanentHardwareError, match="name a gauge"):
        KernelBattery(sysfs.supplies).read()


def test_a_machine_without_the_class_has_no_power_and_no_battery(sysfs: Sysfs) -> None:
    """DR-9: nothing is made up."""
    nowhere = sysfs.root / "nowhere"
    assert not is_powered(nowhere)
    assert not KernelBattery(nowhere).present()


def test_a_dock_is_known_by_its_power(sysfs: Sysfs) -> None:
    """DR-33: with the time of the reading that saw it change."""
    clock = ManualClock()
    sysfs.supply("ac", type="Mains", online="0")
    dock = PowerDock(clock, sysfs.supplies)
    assert (dock.read().docked, dock.read().changed_boottime_ns) == (False, 0)
    clock.advance(3.0)
    sysfs.supply("ac", type="Mains", online="1")
    reading = dock.read()
    assert (reading.docked, reading.changed_boottime_ns) == (True, clock.boottime_ns())
    clock.advance(3.0)
    assert dock.read() == reading


def test_a_board_tells_of_heat_and_power(sysfs: Sysfs) -> None:
    """The hottest zone counts; the firmware's bits say what is and what was."""
    sysfs.write("class/thermal/thermal_zone0/temp", "51234")
    sysfs.write("class/thermal/thermal_zone1/temp", "63500")
    sysfs.write("devices/platform/soc/soc:firmware/get_throttled", "50005")
    assert read_board(sysfs.root) == BoardHealth(63.5, True, True, True, True)
    sysfs.write("devices/platform/soc/soc:firmware/get_throttled", "0")
    assert read_board(sysfs.root) == BoardHealth(63.5, False, False, False, False)


def test_heat_is_what_is_now_not_what_was(sysfs: Sysfs) -> None:
    """DR-34: the firmware's memory of the past is no state; a Pi 5 writes its bus's address into the path."""
    sysfs.write("class/thermal/thermal_zone0/temp", "82000")
    flags = "devices/platform/soc@107c000000/soc@107c000000:firmware/get_throttled"
    for bits, throttled, weak in (("50000", False, False), ("4", True, False), ("8", True, False), ("1", False, True)):
        sysfs.write(flags, bits)
        assert BoardHeat(sysfs.root).read() == HeatReading(82.0, throttled, weak)


def test_a_kernel_without_the_flags_still_tells_of_the_voltage(sysfs: Sysfs) -> None:
    """DR-34: by the alarm of the firmware's hwmon, and by no other chip's."""
    sysfs.write("class/hwmon/hwmon0/name", "nvme")
    sysfs.write("class/hwmon/hwmon0/in0_lcrit_alarm", "0")
    sysfs.write("class/hwmon/hwmon1/name", "rpi_volt")
    sysfs.write("class/hwmon/hwmon1/in0_lcrit_alarm", "1")
    assert BoardHeat(sysfs.root).read() == HeatReading(None, throttled=False, undervoltage=True)


def test_a_board_that_nobody_measures_knows_nothing(sysfs: Sysfs) -> None:
    """DR-34: as a driver set without such sensors."""
    assert BoardHeat(sysfs.root).read() == NoHeat().read() == HeatReading(None, throttled=False, undervoltage=False)


def test_a_board_that_says_nothing_is_not_guessed_at(sysfs: Sysfs) -> None:
    """None is not False."""
    assert read_board(sysfs.root) == BoardHealth(None, None, None, None, None)

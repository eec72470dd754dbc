"""Fuel gauges on a bus with chips that hold what the datasheets say."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal.drivers.common.batteries import Gauge, GaugeFacts, NoBattery, open_battery
from hal.drivers.common.gauges import CELL_CURVE_MV, Ina219, Ina219Wiring, Max1704x, charge_of_cell
from hal.drivers.common.pisugar import PiSugarBattery
from hal.drivers.common.power_supply import KernelBattery
from hal.errors import DriverSetError, PermanentHardwareError, TransientHardwareError
from hal.ports import Battery
from tests.unit.hal_drivers.sysfs import Sysfs


class Bus:
    """An SMBus: chips answer with words, low byte first; an address without a chip does not answer."""

    def __init__(self, chips: dict[int, dict[int, int]]) -> None:
        self.chips = chips
        self.closed = False

    def read_word_data(self, i2c_addr: int, register: int) -> int:
        if i2c_addr not in self.chips:
            raise OSError(121, "Remote I/O error")
        value = self.chips[i2c_addr].get(register, 0)
        return (value & 0xFF) << 8 | value >> 8

    def close(self) -> None:
        self.closed = True


def max17048(voltage_mv: float, percent: float, rate: float = 0.0) -> dict[int, int]:
    crate = round(rate / 0.208) & 0xFFFF
    return {0x02: round(voltage_mv * 1000 / 78.125), 0x04: round(percent * 256), 0x08: 0x0012, 0x16: crate}


def max17040(voltage_mv: float, percent: float) -> dict[int, int]:
    return {0x02: round(voltage_mv / 1.25) << 4, 0x04: round(percent * 256), 0x08: 0x0002}


def ina219(voltage_mv: int, current_ma: float, shunt_mohm: float) -> dict[int, int]:
    shunt = round(current_ma * shunt_mohm / 10) & 0xFFFF
    return {0x01: shunt, 0x02: (voltage_mv // 4) << 3 | 0x02}


def test_a_max17048_gives_voltage_charge_and_rate() -> None:
    """DR-9: 3.96 V, 87.5 %, discharging by 10 % an hour of 37 Wh."""
    reading = Max1704x(Bus({0x36: max17048(3960, 87.5, -10.0)}), capacity_mwh=37_000).read()
    assert reading.voltage_mv == pytest.approx(3960, abs=1)
    assert reading.charge_percent == pytest.approx(87.5)
    assert not reading.charging
    assert reading.draw_mw == pytest.approx(3_700, rel=0.01)


def test_a_max17048_on_the_charger_says_so_and_ends_at_100() -> None:
    """DR-9: a full cell reads above 100 on the chip."""
    reading = Max1704x(Bus({0x36: max17048(4190, 102.3, 20.0)})).read()
    assert reading.charging
    assert reading.charge_percent == 100
    assert reading.draw_mw is None


def test_a_max17040_is_told_from_a_max17048_by_its_version() -> None:
    """DR-9: its voltage has another scale and it knows no rate."""
    reading = Max1704x(Bus({0x36: max17040(3700, 42.0)}), capacity_mwh=10_000).read()
    assert (reading.voltage_mv, reading.charge_percent) == (3700, 42.0)
    assert reading.draw_mw is None


def test_an_ina219_gives_power_and_the_charge_of_its_cells() -> None:
    """DR-9: two cells, 1.5 A drawn: the charge is that of the voltage which the cells would rest at."""
    wiring = Ina219Wiring(0x42, cells=2, shunt_mohm=100.0)
    reading = Ina219(Bus({0x42: ina219(7420, -1500, 100.0)}), wiring).read()
    assert reading.voltage_mv == 7420
    assert reading.draw_mw == pytest.approx(11_130)
    assert reading.charge_percent == pytest.approx(charge_of_cell(3800))
    assert not reading.charging


def test_an_ina219_with_current_into_the_pack_is_charging() -> None:
    """DR-9: nothing is drawn then."""
    reading = Ina219(Bus({0x43: ina219(4000, 800, 10.0)}), Ina219Wiring(0x43, shunt_mohm=10.0)).read()
    assert reading.charging
    assert reading.draw_mw == 0


def test_an_overflow_is_no_reading() -> None:
    """DR-9: a figure that the chip calls wrong is not given."""
    with pytest.raises(TransientHardwareError, match="overflow"):
        Ina219(Bus({0x40: {0x02: 0x0001}}), Ina219Wiring(0x40)).read()


@pytest.mark.parametrize("gauge", [Max1704x, lambda bus: Ina219(bus, Ina219Wiring(0x40))])
def test_a_chip_that_is_gone_may_come_back(gauge: Callable[[Bus], Battery]) -> None:
    """DR-9: it does not answer, and the message says where to look."""
    battery = gauge(Bus({}))
    with pytest.raises(TransientHardwareError, match="check the I2C bus"):
        battery.read()


@given(st.floats(2000, 5000), st.floats(2000, 5000))
def test_more_voltage_is_never_less_charge(one: float, other: float) -> None:
    """DR-9: the curve rises from 0 to 100."""
    low, high = sorted((one, other))
    assert 0 <= charge_of_cell(low) <= charge_of_cell(high) <= 100


def test_the_curve_meets_its_own_points() -> None:
    """DR-9: what stands in the table is what is given."""
    assert [charge_of_cell(voltage) for voltage, _ in CELL_CURVE_MV] == [charge for _, charge in CELL_CURVE_MV]


def test_the_kernels_gauge_comes_before_any_other(sysfs: Sysfs) -> None:
    """DR-9: one that the kernel has is not read behind its back."""
    sysfs.supply("max17048", type="Battery", capacity="50", voltage_now="3800000", status="Discharging")
    battery = open_battery(GaugeFacts(Gauge.MAX1704X), lambda _: Bus({}), sysfs.supplies)
    assert isinstance(battery, KernelBattery)


def test_gauges_are_chosen_by_name(sysfs: Sysfs) -> None:
    """DR-9: and a unit without one says so for good."""
    bus = Bus({0x36: max17048(3700, 50.0), 0x42: ina219(7600, -100, 100.0)})
    facts = GaugeFacts(Gauge.INA219, ina219=Ina219Wiring(0x42, cells=2))
    assert open_battery(facts, lambda _: bus, sysfs.supplies).read().voltage_mv == 7600
    assert open_battery(GaugeFacts(Gauge.MAX1704X), lambda _: bus, sysfs.supplies).read().charge_percent == 50
    assert isinstance(open_battery(GaugeFacts(Gauge.PISUGAR), lambda _: bus, sysfs.supplies), PiSugarBattery)
    nothing = open_battery(GaugeFacts(Gauge.NONE), lambda _: bus, sysfs.supplies)
    assert isinstance(nothing, NoBattery)
    with pytest.raises(PermanentHardwareError, match=r"hal\.options\.gauge"):
        nothing.read()


def test_a_bus_that_is_not_there_is_named(sysfs: Sysfs) -> None:
    """DR-2: with the option that names it."""

    def refuse(number: int) -> Bus:
        raise FileNotFoundError(2, "No such file or directory", f"/dev/i2c-{number}")

    with pytest.raises(DriverSetError, match=r"hal\.options\.i2c_bus"):
        open_battery(GaugeFacts(Gauge.MAX1704X, i2c_bus=9), refuse, sysfs.supplies)

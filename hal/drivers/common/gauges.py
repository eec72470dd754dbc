"""Fuel gauges on I2C: MAX17040/43/48/49 and INA219 (DR-9).

Rules of this module: the bus is handed in; registers are read, never written, so that a gauge is never disturbed. A
gauge that does not answer is transient: the next reading may do.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Protocol

from hal.errors import TransientHardwareError
from hal.values import BatteryReading

_VCELL, _SOC, _VERSION, _CRATE = 0x02, 0x04, 0x08, 0x16
_VCELL_48_UV = 78.125
_VCELL_40_MV = 1.25
_FAMILY_48 = 0x0010
"""Version register of MAX17048/49 from here on; MAX17040/43 are below."""
_CRATE_PERCENT_AN_HOUR = 0.208
_CHARGING_PERCENT_AN_HOUR = 0.5
_SHUNT, _BUS = 0x01, 0x02
_SHUNT_UV = 10
_BUS_MV = 4
_OVERFLOW = 0x01
_CHARGING_MA = 20

CELL_CURVE_MV: Sequence[tuple[int, float]] = (
    (3000, 0.0),
    (3450, 5.0),
    (3610, 10.0),
    (3690, 20.0),
    (3750, 35.0),
    (3800, 50.0),
    (3870, 60.0),
    (3950, 70.0),
    (4020, 80.0),
    (4110, 90.0),
    (4200, 100.0),
)
"""Charge of a lithium-ion cell by its resting voltage: what an INA219 unit has instead of a fuel gauge."""


class WordBus(Protocol):
    """What is used of an SMBus (smbus2.SMBus)."""

    def read_word_data(self, i2c_addr: int, register: int) -> int:
        """Read a word, low byte first as SMBus has it. Raises OSError."""
        ...

    def close(self) -> None:
        """Give the bus back."""
        ...


class _Registers:
    """Big-endian registers of one chip."""

    def __init__(self, bus: WordBus, address: int, chip: str) -> None:
        self._bus, self._address, self._chip = bus, address, chip

    def word(self, register: int) -> int:
        try:
            word = self._bus.read_word_data(self._address, register)
        except OSError as error:
            raise TransientHardwareError(
                f"battery gauge {self._chip} at 0x{self._address:02x} does not answer: {error}; check the I2C bus"
            ) from error
        return (word & 0xFF) << 8 | word >> 8

    def signed(self, register: int) -> int:
        word = self.word(register)
        return word - 0x10000 if word & 0x8000 else word


class Max1704x:
    """A MAX17040, 43, 48 or 49 (`hal.ports.Battery`); which one is read from the chip.

    Args:
        bus: The I2C bus.
        address: The chip's address.
        capacity_mwh: Energy of a full pack, None where nobody knows.
    """

    def __init__(self, bus: WordBus, address: int = 0x36, capacity_mwh: float | None = None) -> None:
        self._registers = _Registers(bus, address, "MAX1704x")
        self._capacity_mwh = capacity_mwh

    def read(self) -> BatteryReading:
        """Read voltage, charge and, where the chip has it, the rate. Raises TransientHardwareError."""
        is_48 = self._registers.word(_VERSION) & 0xFFF0 == _FAMILY_48
        raw = self._registers.word(_VCELL)
        voltage_mv = raw * _VCELL_48_UV / 1000 if is_48 else (raw >> 4) * _VCELL_40_MV
        rate = self._registers.signed(_CRATE) * _CRATE_PERCENT_AN_HOUR if is_48 else 0.0
        draw_mw = None
        if is_48 and self._capacity_mwh is not None:
            draw_mw = max(0.0, -rate / 100 * self._capacity_mwh)
        # A full, freshly charged cell reads up to 103 %; the port's scale ends at 100.
        charge_percent = min(100.0, self._registers.word(_SOC) / 256)
        return BatteryReading(
            charge_percent, round(voltage_mv), rate > _CHARGING_PERCENT_AN_HOUR, draw_mw, self._capacity_mwh
        )


@dataclass(frozen=True, slots=True)
class Ina219Wiring:
    """How a board uses its INA219."""

    address: int
    cells: int = 1
    """Cells in series."""
    shunt_mohm: float = 100.0
    cell_mohm: float = 60.0
    """Inner resistance of a cell: a loaded pack shows less voltage than its charge stands for."""


class Ina219:
    """A voltage and current monitor in the pack's line (`hal.ports.Battery`).

    The charge is read off the cells' curve at the voltage that they would rest at; the chip counts none itself.

    Args:
        bus: The I2C bus.
        wiring: How the board uses the chip; current into the pack counts as positive.
        capacity_mwh: Energy of a full pack, None where nobody knows.
    """

    def __init__(self, bus: WordBus, wiring: Ina219Wiring, capacity_mwh: float | None = None) -> None:
        self._registers = _Registers(bus, wiring.address, "INA219")
        self._wiring = wiring
        self._capacity_mwh = capacity_mwh

    def read(self) -> BatteryReading:
        """Read voltage and current. Raises TransientHardwareError."""
        bus = self._registers.word(_BUS)
        if bus & _OVERFLOW:
            raise TransientHardwareError("battery monitor INA219 overflowed; check its shunt and its range")
        voltage_mv = (bus >> 3) * _BUS_MV
        current_ma = self._registers.signed(_SHUNT) * _SHUNT_UV / self._wiring.shunt_mohm
        resting_mv = voltage_mv / self._wiring.cells - current_ma * self._wiring.cell_mohm / 1000
        draw_mw = max(0.0, -current_ma * voltage_mv / 1000)
        return BatteryReading(
            charge_of_cell(resting_mv), voltage_mv, current_ma > _CHARGING_MA, draw_mw, self._capacity_mwh
        )


def charge_of_cell(resting_mv: float) -> float:
    """Charge in percent of a lithium-ion cell at rest, read off its curve."""
    if resting_mv <= CELL_CURVE_MV[0][0]:
        return CELL_CURVE_MV[0][1]
    for (low_mv, low), (high_mv, high) in pairwise(CELL_CURVE_MV):
        if resting_mv <= high_mv:
            return low + (high - low) * (resting_mv - low_mv) / (high_mv - low_mv)
    return CELL_CURVE_MV[-1][1]

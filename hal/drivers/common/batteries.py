"""Which gauge a unit has: chosen by name, or found.

Rules of this module: the kernel's own gauge comes first, because it shares the chip with nobody.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from hal.drivers.common import pisugar, power_supply
from hal.drivers.common.gauges import Ina219, Ina219Wiring, Max1704x, WordBus
from hal.drivers.common.pisugar import PiSugarBattery
from hal.drivers.common.power_supply import KernelBattery
from hal.errors import DriverSetError, PermanentHardwareError
from hal.ports import Battery
from hal.values import BatteryReading

PLAIN_INA219 = Ina219Wiring(0x40)


class Gauge(Enum):
    """Gauges that there are drivers for."""

    NONE = "none"
    KERNEL = "kernel"
    MAX1704X = "max1704x"
    INA219 = "ina219"
    PISUGAR = "pisugar"


@dataclass(frozen=True, slots=True)
class GaugeFacts:
    """What has to be known of the unit's gauge."""

    gauge: Gauge
    capacity_mwh: float | None = None
    i2c_bus: int = 1
    max1704x_address: int = 0x36
    ina219: Ina219Wiring = PLAIN_INA219
    pisugar_socket: Path = pisugar.SOCKET


class NoBattery:
    """A unit without a gauge (`hal.ports.Battery`)."""

    def read(self) -> BatteryReading:
        """Refuse. Raises PermanentHardwareError."""
        raise PermanentHardwareError("no battery gauge is fitted; name it in hal.options.gauge")


def open_battery(facts: GaugeFacts, open_bus: Callable[[int], WordBus], supplies: Path = power_supply.SYSFS) -> Battery:
    """Make the battery that the facts name.

    Args:
        facts: What is fitted.
        open_bus: Opens an I2C bus by number.
        supplies: The kernel's folder of power supplies.

    Raises:
        DriverSetError: The I2C bus is not there.
    """
    kernel = KernelBattery(supplies)
    if facts.gauge is Gauge.KERNEL or (facts.gauge is not Gauge.NONE and kernel.present()):
        return kernel
    if facts.gauge is Gauge.PISUGAR:
        return PiSugarBattery(facts.pisugar_socket, facts.capacity_mwh)
    if facts.gauge is Gauge.MAX1704X:
        return Max1704x(_bus(facts, open_bus), facts.max1704x_address, facts.capacity_mwh)
    if facts.gauge is Gauge.INA219:
        return Ina219(_bus(facts, open_bus), facts.ina219, facts.capacity_mwh)
    return NoBattery()


def open_smbus(number: int) -> WordBus:
    """Open an I2C bus by smbus2. Raises DriverSetError, OSError."""
    try:
        import smbus2
    except ImportError as error:
        raise DriverSetError(f"an I2C gauge needs smbus2: {error}; install the extra pi") from error
    bus: WordBus = smbus2.SMBus(number)
    return bus


def _bus(facts: GaugeFacts, open_bus: Callable[[int], WordBus]) -> WordBus:
    try:
        return open_bus(facts.i2c_bus)
    except OSError as error:
        raise DriverSetError(
            f"hal.options.gauge = {facts.gauge.value!r} is on I2C bus {facts.i2c_bus}, which does not open: {error}; "
            "enable I2C, or name another bus in hal.options.i2c_bus"
        ) from error

"""Heat and power of a board, as its firmware and kernel tell them (DR-34).

Rules of this module: reads files under a root that is handed in; what a board does not tell is unknown, never guessed.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from hal.values import HeatReading

SYSFS = Path("/sys")
_THROTTLED = "devices/platform/soc*/soc*:firmware/get_throttled"
"""The Pi 5 writes the bus's address behind both names."""
_VOLT_ALARM = "class/hwmon/hwmon*/in0_lcrit_alarm"
_VOLT_NAME = "rpi_volt"
"""What kernels without `get_throttled` have of the firmware's flags."""
_ZONES = "class/thermal"
_NOW_UNDER_VOLTAGE, _NOW_CAPPED, _NOW_THROTTLED, _NOW_HOT = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_EVER_UNDER_VOLTAGE, _EVER_THROTTLED = 1 << 16, 1 << 18


@dataclass(frozen=True, slots=True)
class BoardHealth:
    """What a board says of itself; None where it says nothing."""

    temperature_celsius: float | None
    """The hottest zone."""
    under_voltage: bool | None
    throttled: bool | None
    """Slowed down now, by heat or by power."""
    under_voltage_since_boot: bool | None
    throttled_since_boot: bool | None


class BoardHeat:
    """`hal.ports.Heat` of boards whose kernel tells it.

    Args:
        sysfs: The kernel's device tree.
    """

    def __init__(self, sysfs: Path = SYSFS) -> None:
        self._sysfs = sysfs

    def read(self) -> HeatReading:
        """Measure now. Under 5 ms; raises nothing."""
        board = read_board(self._sysfs)
        return HeatReading(board.temperature_celsius, board.throttled is True, board.under_voltage is True)


def read_board(sysfs: Path = SYSFS) -> BoardHealth:
    """Read temperature and throttling. Under 5 ms; raises nothing."""
    bits = next((_number(flags, 16) for flags in sysfs.glob(_THROTTLED)), None)
    zones = sorted((sysfs / _ZONES).glob("thermal_zone*/temp"))
    temperatures = [value for zone in zones if (value := _number(zone, 10)) is not None]
    return BoardHealth(
        max(temperatures) / 1000 if temperatures else None,
        _volt_alarm(sysfs) if bits is None else _bit(bits, _NOW_UNDER_VOLTAGE),
        _bit(bits, _NOW_CAPPED | _NOW_THROTTLED | _NOW_HOT),
        _bit(bits, _EVER_UNDER_VOLTAGE),
        _bit(bits, _EVER_THROTTLED),
    )


def _volt_alarm(sysfs: Path) -> bool | None:
    for alarm in sysfs.glob(_VOLT_ALARM):
        name = alarm.with_name("name")
        if name.is_file() and name.read_text().strip() == _VOLT_NAME:
            return _bit(_number(alarm, 10), 1)
    return None


def _number(path: Path, base: int) -> int | None:
    try:
        return int(path.read_text().strip(), base)
    except (OSError, ValueError):
        return None


def _bit(bits: int | None, mask: int) -> bool | None:
    return None if bits is None else bool(bits & mask)

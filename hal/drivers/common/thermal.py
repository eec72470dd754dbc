"""Heat and power of a board, as its firmware and kernel tell them.

Rules of this module: reads files under a root that is handed in; there is no port for it yet, `doctor` asks directly.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

SYSFS = Path("/sys")
_THROTTLED = "devices/platform/soc/soc:firmware/get_throttled"
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


def read_board(sysfs: Path = SYSFS) -> BoardHealth:
    """Read temperature and throttling. Under 5 ms; raises nothing."""
    bits = _number(sysfs / _THROTTLED, 16)
    zones = sorted((sysfs / _ZONES).glob("thermal_zone*/temp"))
    temperatures = [value for zone in zones if (value := _number(zone, 10)) is not None]
    return BoardHealth(
        max(temperatures) / 1000 if temperatures else None,
        _bit(bits, _NOW_UNDER_VOLTAGE),
        _bit(bits, _NOW_CAPPED | _NOW_THROTTLED | _NOW_HOT),
        _bit(bits, _EVER_UNDER_VOLTAGE),
        _bit(bits, _EVER_THROTTLED),
    )


def _number(path: Path, base: int) -> int | None:
    try:
        return int(path.read_text().strip(), base)
    except (OSError, ValueError):
        return None


def _bit(bits: int | None, mask: int) -> bool | None:
    return None if bits is None else bool(bits & mask)

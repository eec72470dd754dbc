"""Battery and external power as the kernel knows them: /sys/class/power_supply (DR-9, DR-33).

Rules of this module: reads files under a root that is handed in; what the kernel does not say stays unknown.
"""

from __future__ import annotations

from pathlib import Path

from hal.errors import PermanentHardwareError, TransientHardwareError
from hal.ports import Clock
from hal.values import BatteryReading, DockReading

SYSFS = Path("/sys/class/power_supply")


class _Supply:
    """One folder of the class."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def text(self, name: str) -> str | None:
        try:
            return (self._folder / name).read_text().strip()
        except FileNotFoundError:
            return None
        except OSError as error:
            # ENODATA and ENODEV are how a gauge driver says that the chip did not answer.
            raise TransientHardwareError(f"battery gauge {self._folder.name} did not give {name}: {error}") from error

    def number(self, name: str) -> int | None:
        text = self.text(name)
        if text is None:
            return None
        try:
            return int(text)
        except ValueError as error:
            raise TransientHardwareError(f"battery gauge {self._folder.name}: {name} is {text!r}") from error

    def milli(self, name: str) -> float | None:
        """A figure that the kernel gives in millionths, in thousandths."""
        number = self.number(name)
        return None if number is None else number / 1000


class KernelBattery:
    """The first battery of the unit itself that the kernel has (`hal.ports.Battery`).

    Args:
        root: The class folder.
        name: The supply to read; empty for the first one that fits.
    """

    def __init__(self, root: Path = SYSFS, name: str = "") -> None:
        self._root = root
        self._name = name

    def read(self) -> BatteryReading:
        """Read the gauge.

        Raises:
            TransientHardwareError: The gauge did not answer.
            PermanentHardwareError: The kernel knows no battery, or none that knows its charge.
        """
        supply = _Supply(self._folder())
        percent, voltage_mv = supply.number("capacity"), supply.milli("voltage_now")
        if percent is None or voltage_mv is None:
            raise PermanentHardwareError(f"battery {self._folder().name} gives no capacity or no voltage; name a gauge")
        status = supply.text("status")
        charging = is_powered(self._root) if status in {None, "Unknown"} else status == "Charging"
        draw_mw = None if charging else _draw_mw(supply, voltage_mv)
        return BatteryReading(min(100, max(0, percent)), round(voltage_mv), charging, draw_mw, _capacity_mwh(supply))

    def present(self) -> bool:
        """Whether the kernel has a battery at all."""
        try:
            return self._folder().is_dir()
        except PermanentHardwareError:
            return False

    def _folder(self) -> Path:
        for folder in _folders(self._root):
            supply = _Supply(folder)
            # A battery of scope Device sits in a mouse or a headset.
            fits = supply.text("type") == "Battery" and supply.text("scope") != "Device"
            if self._name == folder.name or (not self._name and fits):
                return folder
        wanted = f"called {self._name!r}" if self._name else "of the unit"
        raise PermanentHardwareError(f"no battery {wanted} in {self._root}; name its gauge in hal.options.gauge")


class PowerDock:
    """A dock that is known by the power it gives (`hal.ports.Dock`).

    Args:
        clock: The unit's clock.
        root: The class folder.
    """

    def __init__(self, clock: Clock, root: Path = SYSFS) -> None:
        self._clock = clock
        self._root = root
        self._last: DockReading | None = None

    def read(self) -> DockReading:
        """Read whether external power is there; the change is as old as the reading that saw it."""
        docked = is_powered(self._root)
        if self._last is None:
            self._last = DockReading(docked, 0)
        elif self._last.docked != docked:
            self._last = DockReading(docked, self._clock.boottime_ns())
        return self._last


def is_powered(root: Path = SYSFS) -> bool:
    """Whether a mains or USB supply is online. Raises TransientHardwareError."""
    supplies = [_Supply(folder) for folder in _folders(root)]
    return any(each.text("type") in {"Mains", "USB"} and each.number("online") == 1 for each in supplies)


def _folders(root: Path) -> list[Path]:
    return sorted(root.iterdir()) if root.is_dir() else []


def _draw_mw(supply: _Supply, voltage_mv: float) -> float | None:
    power_mw = supply.milli("power_now")
    if power_mw is not None:
        return abs(power_mw)
    current_ma = supply.milli("current_now")
    return None if current_ma is None else abs(current_ma) * voltage_mv / 1000


def _capacity_mwh(supply: _Supply) -> float | None:
    energy_mwh = supply.milli("energy_full")
    if energy_mwh is not None:
        return energy_mwh
    charge_mah, nominal_mv = supply.milli("charge_full"), supply.milli("voltage_min_design")
    return None if charge_mah is None or nominal_mv is None else charge_mah * nominal_mv / 1000

"""The evidence medium with what is known of its remaining life (DR-14).

Rules of this module: reads what the kernel, or a report of smartctl, says; asks no disk itself, because the agent's
sandbox lets it touch none. Plain SD cards say nothing of their life, and then it is unknown.
"""

from __future__ import annotations

import json
import os
from dataclasses import replace
from pathlib import Path

from hal.drivers.files import DirectoryStorage
from hal.values import StorageReading

SYSFS = Path("/sys")
_EMMC_STEPS = range(1, 12)
"""life_time in tenths used: 1 is 0 to 10 %, 11 is past the end."""


class UnitStorage(DirectoryStorage):
    """A spool on a medium that may know its age (`hal.ports.Storage`).

    Args:
        directory: The spool.
        sysfs: The kernel's device tree.
        smart_report: A file that `smartctl --json --all` was written to by somebody who may ask disks; None for none.
    """

    def __init__(self, directory: Path, sysfs: Path = SYSFS, smart_report: Path | None = None) -> None:
        super().__init__(directory)
        self._sysfs = sysfs
        self._report = smart_report
        self._device = directory.stat().st_dev

    def usage(self) -> StorageReading:
        """Measure the medium. Raises PermanentHardwareError."""
        return replace(super().usage(), life_percent=self._life_percent())

    def _life_percent(self) -> float | None:
        """Remaining life: the report's, else the eMMC's own, else unknown."""
        reported = None if self._report is None else life_in_report(self._report)
        return emmc_life(self._sysfs, self._device) if reported is None else reported


def emmc_life(sysfs: Path, device: int) -> float | None:
    """Remaining life of the eMMC that holds a device number, in percent; None where it is none."""
    node = sysfs / "dev" / "block" / f"{os.major(device)}:{os.minor(device)}"
    # A partition's own folder lies inside its disk's.
    for folder in (node, node.resolve().parent):
        try:
            used = [int(step, 16) for step in (folder / "device" / "life_time").read_text().split()]
        except (OSError, ValueError):
            continue
        if used and all(step in _EMMC_STEPS for step in used):
            return max(0.0, 110.0 - 10.0 * max(used))
    return None


def life_in_report(report: Path) -> float | None:
    """Remaining life in percent in smartctl's JSON; None where it says nothing."""
    try:
        found = json.loads(report.read_bytes())
    except (OSError, ValueError):
        return None
    if not isinstance(found, dict):
        return None
    used = _figure(found, "nvme_smart_health_information_log", "percentage_used")
    if used is None:
        used = _figure(found, "endurance_used", "current_percent")
    return None if used is None else max(0.0, 100.0 - used)


def _figure(found: dict[str, object], section: str, name: str) -> int | None:
    part = found.get(section)
    value = part.get(name) if isinstance(part, dict) else None
    return value if isinstance(value, int) else None

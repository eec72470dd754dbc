"""What is known of a medium's remaining life."""

from __future__ import annotations

import json
import os
from pathlib import Path

import pytest

from hal.drivers.common.storage_life import UnitStorage, emmc_life, life_in_report
from tests.unit.hal_drivers.sysfs import Sysfs

_DEVICE = os.makedev(179, 2)


def emmc(sysfs: Sysfs, life_time: str) -> None:
    """An eMMC as the kernel shows it: the partition lies in the disk, and is linked by its number."""
    sysfs.write("devices/mmcblk0/device/life_time", life_time)
    partition = sysfs.root / "devices" / "mmcblk0" / "mmcblk0p2"
    partition.mkdir()
    numbers = sysfs.root / "dev" / "block"
    numbers.mkdir(parents=True)
    (numbers / "179:2").symlink_to(partition)


@pytest.mark.parametrize(("life_time", "percent"), [("0x01 0x01", 100), ("0x02 0x04", 70), ("0x0b 0x01", 0)])
def test_an_emmc_tells_by_tenths(sysfs: Sysfs, life_time: str, percent: float) -> None:
    """DR-14: the worse of its two areas counts."""
    emmc(sysfs, life_time)
    assert emmc_life(sysfs.root, _DEVICE) == percent


@pytest.mark.parametrize("life_time", ["0x00 0x00", "", "broken"])
def test_an_emmc_that_does_not_know_is_unknown(sysfs: Sysfs, life_time: str) -> None:
    """DR-14: 0 stands for «not defined»."""
    emmc(sysfs, life_time)
    assert emmc_life(sysfs.root, _DEVICE) is None


def test_an_sd_card_knows_nothing(sysfs: Sysfs) -> None:
    """DR-14: and nothing is made up."""
    assert emmc_life(sysfs.root, _DEVICE) is None


@pytest.mark.parametrize(
    ("found", "percent"),
    [
        ({"nvme_smart_health_information_log": {"percentage_used": 12}}, 88),
        ({"nvme_smart_health_information_log": {"percentage_used": 140}}, 0),
        ({"endurance_used": {"current_percent": 30}}, 70),
        ({"smart_status": {"passed": True}}, None),
        ([], None),
    ],
)
def test_a_report_of_smartctl_is_read(tmp_path: Path, found: object, percent: float | None) -> None:
    """DR-14: of NVMe and of SATA disks; a report without the figure says nothing."""
    report = tmp_path / "smart.json"
    report.write_text(json.dumps(found))
    assert life_in_report(report) == percent


def test_a_report_that_is_missing_or_torn_says_nothing(tmp_path: Path) -> None:
    """DR-14: it is written by somebody else, perhaps right now."""
    assert life_in_report(tmp_path / "none") is None
    (tmp_path / "torn").write_text('{"nvme_sm')
    assert life_in_report(tmp_path / "torn") is None


def test_the_spool_reports_the_life_of_its_medium(tmp_path: Path, sysfs: Sysfs) -> None:
    """DR-14: everything else is the file system's, as before."""
    report = tmp_path / "smart.json"
    report.write_text(json.dumps({"nvme_smart_health_information_log": {"percentage_used": 5}}))
    storage = UnitStorage(tmp_path / "spool", sysfs.root, report)
    usage = storage.usage()
    assert usage.life_percent == 95
    assert 0 < usage.free_bytes <= usage.total_bytes
    assert UnitStorage(tmp_path / "spool", sysfs.root).usage().life_percent is None

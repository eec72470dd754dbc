"""The shipped units, judged by systemd itself as far as this machine's version goes."""

import subprocess
from pathlib import Path

import pytest

from agent.errors import ConfigError
from agent.exit_codes import exit_code_of
from tests.unit.systemd.conftest import SHIPPED

UNITS = sorted(path.name for path in (SHIPPED / "units").iterdir())


def judged(root: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", "--man=no", f"--root={root}", "verify", *UNITS],
        capture_output=True,
        text=True,
        check=False,
    )


def settings(name: str) -> dict[str, list[str]]:
    """Keys of a unit, each with all its values."""
    found: dict[str, list[str]] = {}
    for line in (SHIPPED / "units" / name).read_text(encoding="utf-8").splitlines():
        key, is_setting, value = line.partition("=")
        if is_setting and not line.startswith("#"):
            found.setdefault(key, []).append(value)
    return found


def test_systemd_finds_nothing_to_say_about_the_units(unit_root: Path) -> None:
    verdict = judged(unit_root)
    assert (verdict.returncode, verdict.stderr) == (0, "")


@pytest.mark.parametrize(
    ("good", "bad"),
    [
        ("PrivateTmp=", "PrivatTmp="),
        ("WatchdogSec=30", "WatchdogSec=soon"),
        ("bin/recorder-agent ", "bin/recorder-no "),
    ],
)
def test_a_slip_in_a_unit_would_be_seen(unit_root: Path, good: str, bad: str) -> None:
    path = unit_root / "etc/systemd/system/recorder-agent.service"
    text = path.read_text(encoding="utf-8")
    assert good in text
    path.write_text(text.replace(good, bad), encoding="utf-8")
    assert judged(unit_root).stderr


@pytest.mark.parametrize(("unit", "tenths"), [("recorder-agent", 18), ("recorder-sync", 15)])
def test_the_sandbox_is_as_tight_as_promised(unit_root: Path, unit: str, tenths: int) -> None:
    path = unit_root / f"etc/systemd/system/{unit}.service"
    command = ["systemd-analyze", "security", "--offline=true", "--no-pager", f"--threshold={tenths}", str(path)]
    verdict = subprocess.run(command, capture_output=True, text=True, check=False)
    assert verdict.returncode == 0, verdict.stdout + verdict.stderr
    assert "Overall exposure level" in verdict.stdout
    path.write_text("[Service]\nExecStart=/bin/sh\n", encoding="utf-8")
    assert subprocess.run(command, capture_output=True, check=False).returncode != 0, "the threshold judges nothing"


def test_the_agent_has_devices_and_no_network_and_sync_the_reverse() -> None:
    agent, sync = settings("recorder-agent.service"), settings("recorder-sync.service")
    assert agent["RestrictAddressFamilies"] == ["AF_UNIX AF_NETLINK"]
    assert agent["IPAddressDeny"] == ["any"]
    assert {value.split()[0] for value in agent["DeviceAllow"]} >= {"char-video4linux", "char-alsa", "char-gpiochip"}
    assert sync["PrivateDevices"] == ["yes"]
    assert "DeviceAllow" not in sync
    assert sync["ReadWritePaths"] == ["/var/lib/recorder/inbox /run/recorder"]
    assert (agent["User"], sync["User"]) == (["recorder"], ["recorder-sync"])


def test_what_only_a_person_can_mend_is_not_tried_again() -> None:
    never = settings("recorder-agent.service")["RestartPreventExitStatus"][0].split()
    assert str(exit_code_of(ConfigError("x"))) in never
    assert "70" not in never, "a bug or an ended thread is what a restart recovers from"


def test_the_watchdog_waits_longer_than_the_slowest_thread_may_take() -> None:
    agent = settings("recorder-agent.service")
    assert agent["WatchdogSec"] == ["30"]
    assert agent["Type"] == ["notify"]
    assert (agent["StartLimitBurst"], agent["StartLimitIntervalSec"], agent["StartLimitAction"]) == (
        ["3"],
        ["300"],
        ["reboot"],
    )


def test_every_file_of_the_folder_is_in_its_table() -> None:
    table = (SHIPPED / "README.md").read_text(encoding="utf-8")
    files = [path.relative_to(SHIPPED) for path in SHIPPED.rglob("*") if path.is_file() and path.name != "README.md"]
    unnamed = [
        str(path)
        for path in files
        if str(path) not in table and f"{path.parts[0]}/`" not in table and path.stem != "recorder-smart"
    ]
    assert not unnamed


def test_the_agent_may_ask_how_good_the_kernel_s_time_is_and_nobody_may_set_it() -> None:
    """DR-8: glibc's adjtimex is the call clock_adjtime; ProtectClock= refuses the question as if it set something."""
    agent = settings("recorder-agent.service")
    assert agent["ProtectClock"] == ["no"]
    assert agent["SystemCallFilter"][-1] == "adjtimex clock_adjtime"
    assert agent["CapabilityBoundingSet"] == agent["AmbientCapabilities"] == [""]

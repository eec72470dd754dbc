"""Users, directories, rules and the default configuration, made by the system's own tools in a root of the test's."""

import os
import re
import shutil
import subprocess
import tomllib
from pathlib import Path

import pytest

from agent.cli.time_command import DEFAULT_NOTES
from agent.config import AgentConfig, UnitPaths, load_config
from agent.errors import ConfigError
from agent.journal import MessageId
from agent.profile import load_profile
from hal.drivers.pi.options import read_options
from sync.unit.config import load_config as load_sync_config
from tests.unit.systemd.conftest import SHIPPED

OWN_CATALOGUE = SHIPPED / "catalog/recorder.catalog"
CONFIG = SHIPPED / "config/agent.toml"
needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may give files to users")


def in_root(root: Path, program: str, folder: str, *options: str) -> str:
    """Run one of systemd's programs on a shipped file as it stands in a root; gives what it complained of."""
    shutil.copytree(SHIPPED / folder, root / "usr/lib" / folder, dirs_exist_ok=True)
    command = [program, *options, f"--root={root}", "recorder.conf"]
    return subprocess.run(command, check=True, capture_output=True, text=True).stderr


def made_users(root: Path) -> None:
    (root / "etc").mkdir()
    in_root(root, "systemd-sysusers", "sysusers.d")


@needs_root
def test_users_and_groups_are_made(tmp_path: Path) -> None:
    made_users(tmp_path)
    users = (tmp_path / "etc/passwd").read_text(encoding="utf-8")
    groups = (tmp_path / "etc/group").read_text(encoding="utf-8")
    assert re.search(r"^recorder:.*:/usr/sbin/nologin$", users, re.MULTILINE)
    assert re.search(r"^recorder-sync:.*:/usr/sbin/nologin$", users, re.MULTILINE)
    assert re.search(r"^recorder:x:\d+:recorder-sync$", groups, re.MULTILINE)
    for devices in ("video", "audio", "render", "gpio", "i2c"):
        assert re.search(rf"^{devices}:x:\d+:recorder$", groups, re.MULTILINE), "the doctor could not reach its parts"


@needs_root
def test_directories_are_made_and_what_is_in_them_stays(tmp_path: Path) -> None:
    made_users(tmp_path)
    assert in_root(tmp_path, "systemd-tmpfiles", "tmpfiles.d", "--create") == ""
    state, run = tmp_path / "var/lib/recorder", tmp_path / "run/recorder"
    modes = {path.name: path.stat().st_mode & 0o7777 for path in (*state.iterdir(), run)}
    assert (modes["spool"], modes["inbox"], modes["keys"], modes["recorder"]) == (0o750, 0o770, 0o750, 0o1770)
    sealed = state / "spool/00000001.evs"
    sealed.write_bytes(b"evidence")
    for action in ("--create", "--clean", "--remove"):
        in_root(tmp_path, "systemd-tmpfiles", "tmpfiles.d", action)
    assert sealed.read_bytes() == b"evidence"


def test_every_directory_of_a_unit_is_made_beforehand() -> None:
    lines = (SHIPPED / "tmpfiles.d/recorder.conf").read_text(encoding="utf-8").splitlines()
    rows = [line.split() for line in lines if not line.startswith("#")]
    assert {row[0] for row in rows} == {"d"}
    assert {row[5] for row in rows} == {"-"}
    paths = UnitPaths(
        AgentConfig.model_validate(
            {"unit": {"device_id": "u"}, "hal": {"driver_set": "pi"}, "profile": {"name": "huainan"}}
        )
    )
    needed = (paths.spool, paths.inbox, paths.rejected, paths.receipts, paths.voice, paths.keys, paths.certificates)
    own = (paths.run, paths.state, DEFAULT_NOTES)
    assert {str(path) for path in (*needed, *own)} == {row[1] for row in rows}


def with_id(folder: Path, text: str) -> Path:
    path = folder / "agent.toml"
    path.write_text(text.replace("REPLACE-ME", "unit-7"), encoding="utf-8")
    return path


def test_the_default_configuration_loads_on_both_sides(tmp_path: Path) -> None:
    path = with_id(tmp_path, CONFIG.read_text(encoding="utf-8"))
    config = load_config(path)
    assert str(config.unit.state_directory) == "/var/lib/recorder"
    assert load_profile(config.profile.name).profile.profile.id == "huainan"
    assert read_options(config.hal.options).board.record_pin == 17
    assert load_sync_config(path).unit.device_id == "unit-7"


def test_what_is_commented_out_is_the_default_and_is_accepted(tmp_path: Path) -> None:
    text = CONFIG.read_text(encoding="utf-8")
    active = re.sub(r"^#(?=\[[a-z]+\]$|[a-z0-9_]+ = )", "", text, flags=re.MULTILINE)
    keys = {table: set(values) for table, values in tomllib.loads(active).items()}
    assert keys["spool"] == {"free", "free_below_percent", "footage_seconds"}
    config = load_config(with_id(tmp_path, active))
    assert read_options(config.hal.options).smart_report == Path("/run/recorder-smart/smart.json")
    plain = load_config(with_id(tmp_path, text))
    assert (config.unit, config.spool) == (plain.unit, plain.spool)
    with pytest.raises(ConfigError, match="footage_second"):
        load_config(with_id(tmp_path, active.replace("footage_seconds", "footage_second")))


@pytest.mark.requirement("R14", "all")
def test_usb_mass_storage_is_refused_and_nothing_is_mounted_by_itself() -> None:
    rules = (SHIPPED / "udev/70-recorder.rules").read_text(encoding="utf-8")
    assert re.search(r'ATTR\{bInterfaceClass\}=="08", ATTR\{authorized\}="0"$', rules, re.MULTILINE)
    assert 'ENV{UDISKS_AUTO}="0"' in rules


def test_every_message_id_of_the_agent_is_explained() -> None:
    explained = re.findall(
        r"^-- ([0-9a-f]{32})\nSubject: .+\nDefined-By: ", OWN_CATALOGUE.read_text(encoding="utf-8"), re.MULTILINE
    )
    documented = (SHIPPED / "README.md").read_text(encoding="utf-8")
    assert sorted(explained) == sorted(MessageId)
    assert not [each for each in explained if f"| `{each}` |" not in documented]


def test_message_ids_are_those_of_the_installed_catalogue() -> None:
    catalogue = Path("/usr/lib/systemd/catalog/systemd.catalog")
    if not catalogue.is_file():
        pytest.skip("no message catalogue on this machine")
    ids = re.findall(r"^\| `([0-9a-f]{32})`", (SHIPPED / "README.md").read_text(encoding="utf-8"), re.MULTILINE)
    known = catalogue.read_text(encoding="utf-8") + OWN_CATALOGUE.read_text(encoding="utf-8")
    assert len(ids) >= 5
    assert not [each for each in ids if f"-- {each}\n" not in known]

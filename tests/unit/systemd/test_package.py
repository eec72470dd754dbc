"""The package's maintainer scripts under the real dpkg, in a root of the test's."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.unit.systemd.conftest import PROGRAMS, SHIPPED

pytestmark = pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("dpkg-deb") is None, reason="installing takes root and dpkg"
)
RECORDING = '{"docked": false, "session_open": true}'
IDLE = '{"docked": false, "session_open": false}'


@pytest.fixture(scope="module")
def packages(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The real scripts around a private environment that is empty; two versions of it."""
    folder = tmp_path_factory.mktemp("packages")
    return assembled(folder, "1.0"), assembled(folder, "1.1")


def assembled(folder: Path, version: str) -> Path:
    tree, package = folder / f"tree-{version}", folder / f"recorder-agent_{version}.deb"
    programs = tree / "opt/venvs/recorder/bin"
    programs.mkdir(parents=True)
    for name in PROGRAMS:
        (programs / name).write_text(f"#!/bin/sh\necho {version}\n", encoding="utf-8")
    command = [str(SHIPPED / "packaging/assemble"), str(tree), version, "all", "3.11", str(package)]
    subprocess.run(command, check=True, capture_output=True)
    return package


class Root:
    """A root with nothing in it but dpkg's database."""

    def __init__(self, path: Path) -> None:
        self.path = path
        for folder in ("var/lib/dpkg/info", "var/lib/dpkg/updates", "etc", "run/recorder"):
            (path / folder).mkdir(parents=True)
        (path / "var/lib/dpkg/status").touch()

    def dpkg(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        options = ["--force-script-chrootless", "--force-depends", f"--root={self.path}"]
        # Apart from this machine's debconf and of its log.
        environment = {**os.environ, "LC_ALL": "C.UTF-8"}
        command = ["dpkg", *options, "--log=/dev/null", *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=False, env=environment)

    def says(self, text: str) -> None:
        (self.path / "run/recorder/link.json").write_text(text, encoding="utf-8")

    def version(self) -> str:
        status = (self.path / "var/lib/dpkg/status").read_text(encoding="utf-8")
        return next((line.split()[1] for line in status.splitlines() if line.startswith("Version:")), "none")


@pytest.fixture
def root(tmp_path: Path, packages: tuple[Path, Path]) -> Root:
    made = Root(tmp_path)
    done = made.dpkg("--install", packages[0])
    assert done.returncode == 0, done.stderr
    return made


@pytest.fixture
def evidence(root: Root) -> dict[Path, bytes]:
    """What lies in a unit's state directory, with its content."""
    state = root.path / "var/lib/recorder"
    found = {state / "spool/00000001.evs": b"evidence", state / "keys/device.key": b"key", state / "receipts/1": b"r"}
    found[root.path / "etc/recorder/agent.toml"] = b"[unit]"
    for path, data in found.items():
        path.write_bytes(data)
    return found


def test_installing_makes_users_directories_units_and_commands(root: Root) -> None:
    assert "recorder-sync:" in (root.path / "etc/passwd").read_text(encoding="utf-8")
    spool = root.path / "var/lib/recorder/spool"
    assert spool.stat().st_mode & 0o777 == 0o750
    assert spool.stat().st_uid != 0
    assert (root.path / "usr/lib/systemd/system/recorder-agent.service").is_file()
    assert (root.path / "usr/bin/recorder").readlink() == Path("/opt/venvs/recorder/bin/recorder")
    assert not (root.path / "etc/recorder/agent.toml").exists(), "the configuration is provisioning's"


def test_an_upgrade_leaves_everything_that_was_recorded(
    root: Root, packages: tuple[Path, Path], evidence: dict[Path, bytes]
) -> None:
    root.says(IDLE)
    assert root.dpkg("--install", packages[1]).returncode == 0
    assert root.version() == "1.1"
    assert {path: path.read_bytes() for path in evidence} == evidence


@pytest.mark.parametrize("action", ["upgrade", "remove"])
def test_a_recording_is_never_cut_for_the_package(root: Root, packages: tuple[Path, Path], action: str) -> None:
    root.says(RECORDING)
    arguments = ("--install", packages[1]) if action == "upgrade" else ("--remove", "recorder-agent")
    refused = root.dpkg(*arguments)
    program = root.path / "opt/venvs/recorder/bin/recorder"
    assert refused.returncode != 0
    assert "a recording is going on" in refused.stderr
    assert "echo 1.0" in program.read_text(encoding="utf-8")


@pytest.mark.parametrize("action", ["--remove", "--purge"])
def test_removal_leaves_evidence_keys_and_configuration(root: Root, evidence: dict[Path, bytes], action: str) -> None:
    done = root.dpkg(action, "recorder-agent")
    assert done.returncode == 0, done.stderr
    assert not (root.path / "opt/venvs/recorder/bin/recorder").exists()
    assert {path: path.read_bytes() for path in evidence} == evidence

import shutil
from pathlib import Path

import pytest

SHIPPED = Path(__file__).resolve().parents[3] / "systemd"
PROGRAMS = ("recorder", "recorder-agent", "recorder-sync")


@pytest.fixture
def unit_root(tmp_path: Path) -> Path:
    """A root with the shipped units, the system's own, and programs where the units expect them."""
    system = Path("/usr/lib/systemd/system")
    if shutil.which("systemd-analyze") is None or not system.is_dir():
        pytest.skip("no systemd on this machine: the units are not judged here")
    shutil.copytree(system, tmp_path / "usr/lib/systemd/system", symlinks=True)
    (tmp_path / "lib").symlink_to("usr/lib")
    units = tmp_path / "etc/systemd/system"
    shutil.copytree(SHIPPED / "units", units)
    programs = [tmp_path / "opt/venvs/recorder/bin" / name for name in PROGRAMS]
    for program in (*programs, tmp_path / "bin/sh"):
        program.parent.mkdir(parents=True, exist_ok=True)
        program.write_text("#!/bin/sh\n", encoding="utf-8")
        program.chmod(0o755)
    return tmp_path

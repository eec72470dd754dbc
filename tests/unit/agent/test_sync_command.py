"""`recorder sync`: what recorder-sync says of itself, for people and for programs."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from agent.cli.main import run
from sync.unit.progress_file import ProgressFile
from sync.unit.reports import Report

Captured = pytest.CaptureFixture[str]


@pytest.fixture
def config(tmp_path: Path) -> Path:
    (tmp_path / "run").mkdir()
    path = tmp_path / "agent.toml"
    path.write_text(
        '[unit]\ndevice_id = "u-1"\nstate_directory = "."\nrun_directory = "run"\n'
        '[hal]\ndriver_set = "sim"\n[profile]\nname = "huainan"\n',
        encoding="utf-8",
    )
    return path


def test_it_says_what_is_left_and_when_all_is_uploaded(config: Path, capsys: Captured) -> None:
    """SY-38."""
    file = ProgressFile(config.parent / "run" / "sync.json")
    file.report(Report("begin", files_left=3, bytes_left=3 << 20))
    file.report(Report("sending", file=7, offset_bytes=1 << 20, size_bytes=2 << 20))
    assert run(["--config", str(config), "sync"]) == 0
    said = capsys.readouterr().out
    assert "00000007" in said
    assert "3 · 3.0 MiB" in said
    file.report(Report("idle", receipted_to=9))
    assert run(["--config", str(config), "sync", "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert (told["all_uploaded"], told["receipted_to"]) == (True, 9)
    file.report(Report("idle", reason="some files were refused", receipted_to=6))
    assert run(["--config", str(config), "sync"]) == 0
    said = capsys.readouterr().out
    assert "全部上传完成" not in said
    assert "some files have no receipt" in said


def test_without_the_service_it_says_so(config: Path, capsys: Captured) -> None:
    assert run(["--config", str(config), "sync"]) == os.EX_UNAVAILABLE
    assert "is it running?" in capsys.readouterr().err


def test_it_watches_until_it_is_interrupted(config: Path) -> None:
    ProgressFile(config.parent / "run" / "sync.json").report(Report("idle", receipted_to=1))
    code = "from agent.cli.main import main; main()"
    command = [sys.executable, "-c", code, "--config", str(config), "sync", "--watch", "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        assert json.loads(watching.stdout.readline())["event"] == "idle"
        watching.send_signal(signal.SIGINT)
        assert watching.wait(100) == 0

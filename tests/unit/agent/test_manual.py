"""Manual pages: every command in them, and none that a formatter stumbles over."""

import gzip
import shutil
import subprocess
from pathlib import Path

import pytest

from agent.cli.main import _COMMANDS
from agent.cli.manual import write_manuals

HYPHEN = "\\-"
"""How roff is told that a hyphen is one."""


def test_every_command_has_its_place(tmp_path: Path) -> None:
    pages = {path.name: gzip.decompress(path.read_bytes()).decode() for path in write_manuals(tmp_path)}
    assert set(pages) == {"recorder.1.gz", "recorder-agent.8.gz", "recorder-sync.8.gz"}
    for name in _COMMANDS:
        assert f"\n.SS recorder {name.replace('-', HYPHEN)}" in pages["recorder.1.gz"]
    assert "\\-\\-check" in pages["recorder-agent.8.gz"]


def test_the_formatter_has_nothing_to_say(tmp_path: Path) -> None:
    if shutil.which("groff") is None:
        pytest.skip("no groff on this machine")
    for path in write_manuals(tmp_path):
        command = ["groff", "-man", "-Tutf8", "-ww", "-k"]
        done = subprocess.run(command, input=gzip.decompress(path.read_bytes()), capture_output=True, check=True)
        assert done.stderr == b""
        assert done.stdout

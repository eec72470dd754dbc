"""Plays demos and scenarios with the real command, and reads what they left behind."""

from __future__ import annotations

import contextlib
import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hw_sim.demo.folder import MARKER

SMALL = ("--option", "width=320", "--option", "height=180")
_LIMIT_SECONDS = 1500


@dataclass(frozen=True)
class Played:
    """A folder that a command left behind."""

    out: Path
    output: str

    @property
    def report(self) -> dict[str, Any]:
        return _json(self.out / "verify.json")

    @property
    def simulation(self) -> dict[str, Any]:
        return _json(self.out / "simulation.json")

    @property
    def voice(self) -> Path:
        return self.out / "work" / "unit" / "state" / "voice"

    def run_film(self, session: int, run: int) -> Path:
        return self.out / "sessions" / f"session-{session:04d}" / f"run-{run:02d}.mp4"

    def sealed(self) -> list[Path]:
        return sorted((self.out / "sealed").glob("*.evs"))


def play(out: Path, *arguments: str | Path, voices: Path, expected: int = 0) -> Played:
    """Run `recorder-sim`.

    Args:
        out: The folder for results.
        arguments: Of the command.
        voices: Folder with words to begin with, in which the first run leaves its unit's voice for those after it.
        expected: The exit code.
    """
    kept = voices / "voice"
    shutil.copytree(kept if kept.exists() else voices / "seed", out / "work" / "unit" / "state" / "voice")
    (out / MARKER).touch()
    command = [str(Path(sys.executable).with_name("recorder-sim")), *map(str, arguments), "--out", str(out)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=_LIMIT_SECONDS, check=False)
    log = out / "work" / "logs" / "recorder-agent.log"
    said = log.read_text(encoding="utf-8")[-2000:] if log.exists() else ""
    assert done.returncode == expected, f"{done.stdout}\n{done.stderr}\n{said}"
    played = Played(out, done.stdout + done.stderr)
    if not kept.exists():
        _publish(played.voice, kept)
    return played


def _publish(voice: Path, kept: Path) -> None:
    """Leave a voice for others; another worker may do so at the same moment, and the first one wins."""
    fresh = Path(tempfile.mkdtemp(dir=kept.parent)) / "voice"
    shutil.copytree(voice, fresh)
    with contextlib.suppress(OSError):
        fresh.rename(kept)


def _json(path: Path) -> dict[str, Any]:
    document: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return document

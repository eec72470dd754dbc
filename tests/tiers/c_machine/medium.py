"""The evidence medium as it lies there without power: looked at from outside, never changed."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path

_CLEAN, _CORRECTED = 0, 1


@dataclass(frozen=True, slots=True)
class Medium:
    """An ext4 file system in a file."""

    path: Path

    def take_out(self, to: Path) -> Path:
        """Copy the spool out of a copy of the medium; gives the folder that it lies in.

        The copy's journal is replayed as the next mount would do it; afterwards nothing may be left to repair.
        """
        shutil.rmtree(to, ignore_errors=True)
        to.mkdir(parents=True)
        copy = to / "medium.img"
        subprocess.run(["cp", "--sparse=always", str(self.path), str(copy)], check=True)
        replayed = subprocess.run(["e2fsck", "-E", "journal_only", "-y", str(copy)], capture_output=True, check=False)
        assert replayed.returncode in {_CLEAN, _CORRECTED}, replayed.stdout + replayed.stderr
        checked = subprocess.run(["e2fsck", "-f", "-n", str(copy)], capture_output=True, check=False)
        assert checked.returncode == _CLEAN, checked.stdout + checked.stderr
        subprocess.run(["debugfs", "-R", f"rdump spool {to}", str(copy)], capture_output=True, check=True)
        copy.unlink()
        return to / "spool"

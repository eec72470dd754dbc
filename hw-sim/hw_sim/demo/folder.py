"""The folder that a demo leaves behind.

Rules of this module: only a folder that is empty, missing or marked as a demo's is ever written to; everything that
stands here is made by the demo and may be made again.
"""

from __future__ import annotations

import os
import shutil
from pathlib import Path

from hw_sim.demo.errors import FolderRefusedError

MARKER = ".recorder-demo"
_MARKED = "Made by recorder-sim. The next run replaces this folder.\n"


class OutFolder:
    """Where results go, and where the work is done.

    Args:
        root: The folder that was named.
    """

    def __init__(self, root: Path) -> None:
        self.root = root.absolute()
        self.timeline_text = self.root / "timeline.txt"
        self.timeline_picture = self.root / "timeline.svg"
        self.timeline_bitmap = self.root / "timeline.png"
        self.verification = self.root / "verify.json"
        self.simulation = self.root / "simulation.json"
        self.comparison = self.root / "comparison.json"
        self.session_video = self.root / "session.mp4"
        self.sessions = self.root / "sessions"
        self.sealed = self.root / "sealed"
        self.trust = self.root / "trust"
        self.receipts = self.trust / "receipts"
        self.keys = self.root / "keys"
        self.work = self.root / "work"
        self.unit = self.work / "unit"
        self.voice = self.unit / "state" / "voice"
        """Clips of the unit's voice: they take longest to make, and the next run's unit says mostly the same."""
        self._kept_voice = self.root / ".voice"

    def prepare(self) -> None:
        """Make it empty and mark it; only the voice of an earlier run stays.

        Raises:
            FolderRefusedError: It holds something that is not a demo's, or cannot be written.
        """
        try:
            self._clear()
            self.voice.parent.mkdir(parents=True)
            if self._kept_voice.exists():
                self._kept_voice.rename(self.voice)
            (self.root / MARKER).write_text(_MARKED, encoding="utf-8")
        except OSError as error:
            raise FolderRefusedError(
                f"{error.filename or self.root}: {error.strerror}; name a folder that can be written with --out"
            ) from error

    def take_trust_and_keys(self, store: Path) -> None:
        """Copy what verifying and opening need out of the store's folder."""
        self.trust.mkdir()
        self.keys.mkdir(mode=0o700)
        for name in ("agency-ca.pem", "store-receipt.pem"):
            shutil.copy2(store / "trust" / name, self.trust / name)
        for path in sorted((store / "keys").glob("recipient-*.key")):
            shutil.copy2(path, self.keys / path.name)

    def take_sealed(self, spool: Path) -> int:
        """Copy the sealed files before any of them is freed; gives their bytes."""
        shutil.copytree(spool, self.sealed, ignore=lambda _, names: [n for n in names if not n.endswith(".evs")])
        return folder_bytes(self.sealed)

    def keep_receipts_of_sealed(self) -> None:
        """Leave out receipts for files that the unit wrote after the copy was taken: they witness what is not there."""
        copied = {path.stem for path in self.sealed.glob("*.evs")}
        for path in self.receipts.glob("*.receipt"):
            if path.stem not in copied:
                path.unlink()

    def take_film(self, film: Path) -> None:
        """Put the first session's film where nobody misses it; a second name, not a second copy, where that can be."""
        try:
            os.link(film, self.session_video)
        except OSError:
            shutil.copy2(film, self.session_video)

    def _clear(self) -> None:
        if not self.root.exists():
            return
        if not self.root.is_dir():
            raise FolderRefusedError(f"{self.root} is a file; name a folder with --out")
        if any(self.root.iterdir()) and not (self.root / MARKER).is_file():
            raise FolderRefusedError(
                f"{self.root} is not empty and was not made by a demo (there is no {MARKER} in it); "
                "nothing was touched; name another folder with --out, or empty this one"
            )
        if self.voice.is_dir() and not self._kept_voice.exists():
            self.voice.rename(self._kept_voice)
        # The marker goes last, so that a demo that is stopped here can be started again.
        for path in sorted(self.root.iterdir(), key=lambda each: each.name == MARKER):
            if path == self._kept_voice:
                continue
            if path.is_dir() and not path.is_symlink():
                shutil.rmtree(path)
            else:
                path.unlink()


def folder_bytes(folder: Path) -> int:
    """Bytes of the sealed files in a folder."""
    return sum(path.stat().st_size for path in folder.glob("*.evs"))

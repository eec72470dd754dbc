"""`recorder-store serve` that ends by SIGKILL at a named point of a commit, once; started again it lives on."""

import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from sync import durable
from sync.store import intake, ledger, vault
from sync.store_main import main

POINTS: dict[str, tuple[object, str, bool]] = {
    "before-judging": (intake.Intake, "_judged", True),
    "after-judging": (intake.Intake, "_judged", False),
    "after-file-sync": (intake.Upload, "sync", False),
    "before-rename": (vault.Vault, "keep", True),
    "between-rename-and-folder-sync": (durable, "sync_directory", True),
    "after-rename": (vault.Vault, "keep", False),
    "before-row": (ledger.Ledger, "commit", True),
    "after-signature-before-row": (intake.ReceiptSigner, "sign", False),
    "after-row": (ledger.Ledger, "commit", False),
    "before-forgetting-the-upload": (vault.Vault, "forget", True),
    "after-forgetting-the-upload": (vault.Vault, "forget", False),
    "before-the-answer": (intake.Intake, "finish", False),
}
"""Name of each point: whose function, which, and whether the end comes before or behind it."""


def arm(point: str, marker: Path) -> None:
    """Let this process end at the point, unless it did before."""
    owner, name, before = POINTS[point]
    real: Callable[..., object] = getattr(owner, name)

    def dying(*arguments: object, **named: object) -> object:
        if marker.exists() or not _counts(point, marker):
            return real(*arguments, **named)
        if not before:
            real(*arguments, **named)
        marker.touch()
        os.kill(os.getpid(), signal.SIGKILL)
        raise AssertionError("still alive")

    setattr(owner, name, dying)


def _counts(point: str, marker: Path) -> bool:
    """The folder sync of an object's rename alone; others are synced long before."""
    return point != "between-rename-and-folder-sync" or any(marker.parent.glob("objects/*/*/*.evs"))


if __name__ == "__main__":
    arm(sys.argv[1], Path(sys.argv[2]))
    sys.argv[1:] = sys.argv[3:]
    main()

"""What sync is doing now, for everybody who wants to look: lamps, voice, `recorder-sync --watch`.

Rules of this module: one small file in the run directory, which is memory: written beside and renamed, never synced. A
run directory that cannot be written costs the view, never the transfer.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from pydantic import BaseModel, ConfigDict, ValidationError

from hal.ports import Clock, Signal
from sync.unit.reports import Report, Reporter, plain

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.5
_BYTES_MAX: Final = 4096
_STEP_BYTES: Final = 1024 * 1024
_MODE: Final = 0o644
_LASTING: Final = ("files_left", "bytes_left", "receipted_to")
"""What one report says and the later ones leave as it is."""
_ANSWERED: Final = frozenset({"answered", "receipted", "parked", "head-told", "alert-told", "document"})
"""Reports that say that the store has answered."""


class Progress(BaseModel):
    """Contents of `sync.json`: the newest report, and what is left by it."""

    model_config = ConfigDict(extra="ignore", frozen=True)

    event: str
    file: int | None = None
    offset_bytes: int | None = None
    size_bytes: int | None = None
    files_left: int | None = None
    bytes_left: int | None = None
    seconds: float | None = None
    reason: str | None = None
    receipted_to: int | None = None
    """Every file up to this number has its receipt, whatever else was reported since that was found."""
    contact_utc_ns: int | None = None
    """When the store answered last, by the unit's clock."""

    @property
    def all_uploaded(self) -> bool:
        """«全部上传完成»: nothing that is ended waits for a receipt."""
        return self.event in {"idle", "done"} and self.reason is None

    def holds_receipts_to(self, file_number: int) -> bool:
        """Tell whether every file up to this number has its receipt (SY-38)."""
        return self.receipted_to is not None and self.receipted_to >= file_number


class ProgressFile:
    """Writes the newest report; `sending` at most once in 1 MiB.

    Args:
        path: The file.
        now_utc_ns: The unit's civil clock, for the time of the last contact; None leaves that out.
    """

    def __init__(self, path: Path, now_utc_ns: Callable[[], int] | None = None) -> None:
        self._path = path
        self._now_utc_ns = now_utc_ns
        self._kept: dict[str, object] = {}
        self._said_bytes = 0
        self._complained = False

    def report(self, report: Report) -> None:
        """Take one."""
        if report.event == "sending" and 0 <= (report.offset_bytes or 0) - self._said_bytes < _STEP_BYTES:
            return
        self._said_bytes = report.offset_bytes or 0
        told = plain(report)
        self._kept |= {key: told[key] for key in _LASTING if key in told}
        if self._now_utc_ns is not None and report.event in _ANSWERED:
            self._kept["contact_utc_ns"] = self._now_utc_ns()
        try:
            self._write(json.dumps({**self._kept, **told}, ensure_ascii=False) + "\n")
        except OSError as error:
            if not self._complained:
                log.warning("%s cannot be written (%s); the transfer goes on unseen", self._path, error)
            self._complained = True

    def _write(self, text: str) -> None:
        beside = self._path.with_name(f".{self._path.name}.tmp")
        beside.write_text(text, encoding="utf-8")
        beside.chmod(_MODE)
        beside.replace(self._path)


class Both:
    """Hands every report to two reporters.

    Args:
        first: One.
        second: The other.
    """

    def __init__(self, first: Reporter, second: Reporter) -> None:
        self._reporters = (first, second)

    def report(self, report: Report) -> None:
        """Take one."""
        for reporter in self._reporters:
            reporter.report(report)


def read_progress(path: Path) -> Progress | None:
    """Read what sync is doing; None when nothing can be said."""
    try:
        with path.open("rb") as file:
            return Progress.model_validate_json(file.read(_BYTES_MAX))
    except (OSError, ValidationError):
        return None


def follow(path: Path, reporter: Reporter, clock: Clock, stop: Signal) -> None:
    """Show what another process is doing until told to stop."""
    shown: Progress | None = None
    while not stop.is_set():
        now = read_progress(path)
        if now is not None and now != shown:
            if now.files_left is not None and (shown is None or now.files_left != shown.files_left):
                reporter.report(Report("begin", files_left=now.files_left, bytes_left=now.bytes_left))
            reporter.report(Report(**now.model_dump(exclude={"contact_utc_ns"})))
            shown = now
        clock.wait(stop, LOOK_SECONDS)

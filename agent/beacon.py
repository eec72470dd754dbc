"""What the agent tells the other processes of the unit: `status.json`, and `link.json` for sync.

Rules of this module: small files, written beside and renamed, never synced to a medium: the run directory is memory.
`link.json` says «docked» only when the ledger as it stood at dock has been closed (design: «all uploaded» is every
closed footage file and the ledger as it stood at dock).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from pydantic import JsonValue

from agent.config import UnitPaths
from capture.events import DockStanding
from hal.errors import HardwareError
from hal.ports import Clock, Dock
from hal.worker import Worker
from sealing.errors import SealingError
from sealing.records import DockChange
from sealing.service import SealingService
from sync.unit.config import PROGRESS_NAME
from sync.unit.progress_file import read_progress

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 0.2
"""How soon sync learns of a press or of the dock."""
STATUS_SECONDS: Final = 1.0
_ROLL_SECONDS: Final = 20.0
_ALLOWANCE_SECONDS: Final = 30.0
_FILE_MODE: Final = 0o640


@dataclass(frozen=True, slots=True)
class Link:
    """What sync has to know."""

    docked: bool
    session_open: bool

    @property
    def at_rest(self) -> bool:
        """In the dock, with no recording that sending could disturb."""
        return self.docked and not self.session_open


class Beacon:
    """Watches dock and session, and tells.

    Args:
        paths: Where the files go.
        clock: By which it waits.
        dock: The sense line.
        sealing: Seals the dock's changes, and closes the ledger at the dock.
        session_open: Whether a recording is going on.
        status: The unit's status, ready for JSON.
        tell_dock: Told how far the upload is, whenever that changes (CS-31). Never blocks.
    """

    def __init__(
        self,
        paths: UnitPaths,
        clock: Clock,
        dock: Dock,
        sealing: SealingService,
        session_open: Callable[[], bool],
        status: Callable[[], Mapping[str, JsonValue]],
        tell_dock: Callable[[DockStanding], None] = lambda _: None,
    ) -> None:
        self._paths = paths
        self._clock = clock
        self._dock = dock
        self._sealing = sealing
        self._session_open = session_open
        self._status = status
        self._tell_dock = tell_dock
        self._standing = DockStanding.OUT
        self._ended_at_dock = 0
        self._said = Link(docked=False, session_open=False)
        self._sealed_docked = False
        self._docked = False
        self._dock_fails = False
        self.worker: Final = Worker("beacon", clock, self._body, allowance_seconds=_ALLOWANCE_SECONDS)

    @property
    def docked(self) -> bool:
        """Whether the unit sits in its dock, as last seen."""
        return self._docked

    @property
    def standing(self) -> DockStanding:
        """How far the upload is, as last seen."""
        return self._standing

    def begin(self) -> None:
        """Replace what a process before has left. Raises OSError: the run directory cannot be written."""
        self._write(self._paths.link, {"docked": False, "session_open": self._session_open()})

    def look(self) -> None:
        """Look once, and tell what is new. Raises OSError when a file cannot be written, SealingError."""
        self._docked = self._read_dock()
        now = Link(self._docked, self._session_open())
        if now != self._said:
            self._follow(now)
        self._look_at_sync()

    def _follow(self, now: Link) -> None:
        if not now.at_rest:
            # Sync lets go first; what is sealed about it can wait.
            self._tell(now)
        if now.docked != self._sealed_docked:
            self._sealing.seal(DockChange(now.docked))
            self._sealed_docked = now.docked
        if now.at_rest:
            self._sealing.roll_ledger("dock", for_news_alone=True).result(_ROLL_SECONDS)
            self._ended_at_dock = max((file.number for file in self._sealing.sealed_files()), default=0)
            self._tell(now)

    def _look_at_sync(self) -> None:
        """SY-38: uploaded is what had ended at the dock; what was sealed since is no reason to take that back."""
        standing = DockStanding.OUT
        if self._said.docked:
            progress = read_progress(self._paths.run / PROGRESS_NAME) if self._said.at_rest else None
            uploaded = progress is not None and progress.holds_receipts_to(self._ended_at_dock)
            standing = DockStanding.UPLOADED if uploaded else DockStanding.UPLOADING
        if standing is not self._standing:
            self._standing = standing
            self._tell_dock(standing)

    def write_status(self) -> None:
        """Write `status.json`. Raises OSError."""
        self._write(self._paths.status, self._status())

    def _body(self, worker: Worker) -> None:
        next_status_ns = 0
        while not worker.stop.is_set():
            worker.beat()
            try:
                self.look()
                if self._clock.boottime_ns() >= next_status_ns:
                    self.write_status()
                    next_status_ns = self._clock.boottime_ns() + int(STATUS_SECONDS * 1e9)
            except (OSError, SealingError):
                log.exception("the run directory cannot be kept up to date")
                self._clock.wait(worker.stop, STATUS_SECONDS)
            self._clock.wait(worker.stop, LOOK_SECONDS)

    def _tell(self, link: Link) -> None:
        self._write(self._paths.link, {"docked": link.docked, "session_open": link.session_open})
        self._said = link

    def _read_dock(self) -> bool:
        try:
            docked = self._dock.read().docked
        except HardwareError as error:
            if not self._dock_fails:
                log.warning("the dock's sense line does not answer (%s); taken as out of the dock", error)
            self._dock_fails = True
            return False
        self._dock_fails = False
        return docked

    def _write(self, path: Path, value: Mapping[str, JsonValue]) -> None:
        beside = path.with_name(f".{path.name}.tmp")
        beside.write_text(json.dumps(value, ensure_ascii=False) + "\n", encoding="utf-8")
        beside.chmod(_FILE_MODE)
        beside.replace(path)

"""What sync says at a terminal: a bar.

Rules of this module: imported where somebody watches; the service and the agent live without what draws it.
"""

from __future__ import annotations

from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import (
    BarColumn,
    DownloadColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeRemainingColumn,
    TransferSpeedColumn,
)

from sync.unit.reports import EVENT_WORDS, Report


class ProgressBar:
    """A bar over everything that is left, for a person.

    Args:
        console: The terminal.
    """

    def __init__(self, console: Console) -> None:
        self._progress = Progress(
            TextColumn("{task.description}"),
            BarColumn(),
            DownloadColumn(),
            TransferSpeedColumn(),
            TimeRemainingColumn(),
            console=console,
        )
        self._task: TaskID | None = None
        self._sent_before = 0
        self._total = 0

    def __enter__(self) -> Self:
        """Show the bar."""
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Leave the bar as it stands."""
        self._progress.stop()

    def report(self, report: Report) -> None:
        """Take one."""
        if self._task is None:
            self._task = self._progress.add_task("上传 upload", total=None)
        if report.event == "begin":
            self._total = self._sent_before + (report.bytes_left or 0)
            self._progress.update(self._task, total=self._total)
        description = EVENT_WORDS.get(report.event, report.event)
        file = "" if report.file is None else f" {report.file:08d}"
        wait = "" if report.seconds is None else f" {report.seconds:.0f} s"
        reason = "" if report.reason is None else f" ({report.reason})"
        self._progress.update(self._task, description=f"{description}{file}{wait}{reason}")
        if report.event == "sending":
            self._progress.update(self._task, completed=self._sent_before + (report.offset_bytes or 0))
        if report.event in {"receipted", "parked", "left", "withheld"}:
            self._sent_before += report.size_bytes or 0
            self._progress.update(self._task, completed=self._sent_before)

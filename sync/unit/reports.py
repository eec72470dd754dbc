"""What sync says while it works: JSON lines, or a bar at a terminal (`progress_bar`).

Rules of this module: words and numbers only; nothing is decided by what is said.

JSON lines: every object has `event` and the fields of the `Report`; new fields and events may come.
"""

from __future__ import annotations

import dataclasses
import json
from dataclasses import dataclass
from typing import Final, Protocol, TextIO

_STEP_BYTES: Final = 4 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Report:
    """One thing that happened."""

    event: str
    """answered, begin, sending, receipted, parked, left, withheld, waiting, idle, stopped, done, head-told, alert-told,
    store-lost-receipts, store-contradicts-itself, time, document."""
    file: int | None = None
    """Number of the file."""
    offset_bytes: int | None = None
    size_bytes: int | None = None
    files_left: int | None = None
    bytes_left: int | None = None
    seconds: float | None = None
    """Length of a wait."""
    reason: str | None = None
    receipted_to: int | None = None
    """In idle and done: every file with this number or a lower one has its receipt, or was freed by it."""


def plain(report: Report) -> dict[str, object]:
    """What a report says, ready for JSON."""
    return {key: value for key, value in dataclasses.asdict(report).items() if value is not None}


class Reporter(Protocol):
    """Takes reports."""

    def report(self, report: Report) -> None:
        """Take one. Never blocks for long, never raises."""
        ...


class Quiet:
    """Says nothing."""

    def report(self, report: Report) -> None:
        """Take one."""


class JsonLines:
    """One JSON object in a line for each report; `sending` at most once in 4 MiB.

    Args:
        out: Where the lines go.
    """

    def __init__(self, out: TextIO) -> None:
        self._out = out
        self._said: tuple[int | None, int] = (None, 0)

    def report(self, report: Report) -> None:
        """Take one."""
        if report.event == "sending" and not self._worth_saying(report):
            return
        print(json.dumps(plain(report), ensure_ascii=False), file=self._out, flush=True)

    def _worth_saying(self, report: Report) -> bool:
        file, offset = self._said
        now = report.offset_bytes or 0
        if report.file == file and offset <= now < offset + _STEP_BYTES and now != report.size_bytes:
            return False
        self._said = (report.file, now)
        return True


EVENT_WORDS: Final = {
    "answered": "已联系存储 the store answered",
    "begin": "上传 upload",
    "sending": "上传 sending",
    "receipted": "已收讫 receipted",
    "parked": "存疑留存 parked",
    "left": "暂缓 left",
    "withheld": "涉密,待有线连接 withheld, waits for the wire",
    "alert-told": "告警已送达 alert told",
    "head-told": "链头已见证 head witnessed",
    "time": "时钟待校准 the clock may be wrong",
    "store-contradicts-itself": "存储端前后矛盾,请报告保管人 the store contradicts itself",
    "store-lost-receipts": "存储端丢失回执 the store lost receipts",
    "document": "机关文件已送达 document of the agency",
    "waiting": "等待 waiting",
    "idle": "全部上传完成 all uploaded",
    "stopped": "已停止 stopped",
    "done": "全部上传完成 all uploaded",
}

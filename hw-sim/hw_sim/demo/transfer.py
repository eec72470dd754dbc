"""From the dock to free space: upload, receipts, and what the agent frees against them.

Rules of this module: watches; the unit's agent alone decides what is freed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from hw_sim.demo.agency import Agency
from hw_sim.demo.documents import Document
from hw_sim.demo.folder import folder_bytes
from hw_sim.demo.programs import wait_until
from hw_sim.demo.telling import Both, Telling

_FREE_SECONDS = 180.0
MIB = 1024 * 1024


@dataclass(slots=True)
class Receipts:
    """What the store has promised."""

    files: list[int] = field(default_factory=list)
    bytes_promised: int = 0


def upload(agency: Agency, telling: Telling) -> Receipts:
    """Send everything that is sealed.

    Raises:
        CommandFailedError: Something was left or refused.
    """
    receipts = Receipts()
    words = Both("已上传，存储服务核验并签发回执", "uploaded over TLS, verified, receipts signed")
    begun = telling.seconds
    with telling.bar(Both("上传", "upload")) as move:
        agency.unit.upload(agency.store.url, _Sent(receipts, move).report)
    count = telling.short(Both(f"{len(receipts.files)} 份回执", f"{len(receipts.files)} receipts"))
    telling.done(words, f"{receipts.bytes_promised / MIB:.1f} MiB, {count}", telling.seconds - begun)
    return receipts


class _Sent:
    """Turns reports of recorder-sync into a bar.

    Args:
        receipts: Filled as they come.
        move: Moves the bar.
    """

    def __init__(self, receipts: Receipts, move: Callable[[float, str], None]) -> None:
        self._receipts = receipts
        self._move = move
        self._total = 1

    def report(self, report: Document) -> None:
        """Take one report."""
        event = report["event"].text()
        if event == "begin":
            left = report.get("bytes_left")
            self._total = max(1, 0 if left is None else left.number()) + self._receipts.bytes_promised
        offset = report.get("offset_bytes")
        done = self._receipts.bytes_promised + (0 if offset is None or event != "sending" else offset.number())
        if event == "receipted":
            self._receipts.files.append(report["file"].number())
            size = report.get("size_bytes")
            self._receipts.bytes_promised += 0 if size is None else size.number()
            done = self._receipts.bytes_promised
        self._move(done / self._total, f"{done / MIB:.1f} / {self._total / MIB:.1f} MiB")


def await_space(agency: Agency, receipts: Receipts, sealed_bytes: int, telling: Telling) -> None:
    """Wait until the agent has checked, sealed and used the receipts.

    Args:
        agency: Whose unit it is.
        receipts: What the store has promised.
        sealed_bytes: What the spool held before the first receipt came.
        telling: Where it is told.

    Raises:
        LateError: Space does not come back in time.
    """
    spool = agency.unit.spool
    newest = max(receipts.files, default=0)

    def freed() -> bool:
        agency.unit.require_alive()
        return not any((spool / f"{number:08d}.evs").exists() for number in receipts.files if number != newest)

    with telling.step(Both("设备核对回执、封存、释放空间", "receipts checked and sealed, space freed")) as step:
        wait_until(freed, _FREE_SECONDS, "freeing what the store has receipted")
        step.detail = f"{sealed_bytes / MIB:.1f} MiB → {folder_bytes(spool) / MIB:.1f} MiB"

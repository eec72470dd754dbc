"""Receipts and deletion: nothing may be freed that no store holds (step 14 of `FORMAT.md`, section 8).

Rules of this module: no I/O; only records that carry the chain on come here.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass

from sealing.findings import Code, Findings, Place
from sealing.framing import RecordHeader
from sealing.records import Delete, Open, ReceiptSeal
from sealing.verifier_links import Bridged


@dataclass(frozen=True, slots=True)
class FileEnds:
    """What a file that is here turned out to be, as a DELETE has to name it."""

    file_id: bytes
    first_sequence: int
    last_sequence: int
    hash_before: bytes
    head_after: bytes


@dataclass(frozen=True, slots=True)
class _Deletion:
    body: Delete
    sequence: int
    place: Place
    receipted: bool


class Deletion:
    """Follows receipts and deletions.

    Args:
        findings: Where faults go.
    """

    def __init__(self, findings: Findings) -> None:
        self._findings = findings
        self._receipts: dict[int, tuple[ReceiptSeal, Place]] = {}
        self._ledger_receipts: set[bytes] = set()
        self._deletions: dict[int, _Deletion] = {}

    @property
    def deletes(self) -> dict[int, Delete]:
        """DELETE bodies by their first sequence number."""
        return {each.body.first_sequence: each.body for each in self._deletions.values()}

    @property
    def sealed_at(self) -> dict[int, int]:
        """Sequence numbers of DELETEs by the first sequence number that they name."""
        return {each.body.first_sequence: each.sequence for each in self._deletions.values()}

    def record(self, header: RecordHeader, place: Place) -> None:
        """Take note of receipts, check deletions."""
        body = header.body
        if isinstance(body, Open):
            self._ledger_receipts.update(body.ledger_receipts)
        elif isinstance(body, ReceiptSeal):
            self._receipt(body, place)
        elif isinstance(body, Delete):
            self._delete(body, header, place)

    def _receipt(self, body: ReceiptSeal, place: Place) -> None:
        known = self._receipts.setdefault(body.file_number, (body, place))[0]
        if known.file_id != body.file_id:
            self._fault(place, f"a second RECEIPT names another content for file {body.file_number}")

    def _delete(self, body: Delete, header: RecordHeader, place: Place) -> None:
        if body.last_sequence >= header.sequence or body.first_sequence > body.last_sequence:
            detail = f"DELETE names the records {body.first_sequence} to {body.last_sequence}, which are not before it"
            self._fault(place, detail)
            return
        sealed = self._receipts.get(body.file_number)
        receipted = (sealed is not None and sealed[0].file_id == body.file_id) or (
            body.receipt_hash in self._ledger_receipts
        )
        found = self._deletions.setdefault(body.file_number, _Deletion(body, header.sequence, place, receipted))
        if found.body != body:
            self._fault(place, f"a second DELETE names other facts for file {body.file_number}")

    def settle(self, bridged: tuple[Bridged, ...], present: dict[int, FileEnds], elsewhere: int = 0) -> None:
        """Judge once all files were read.

        Args:
            bridged: Ranges that were deleted, in order.
            present: Files that are here, by number.
            elsewhere: Last record of the beginning that is known to be elsewhere; RECEIPTs may stand in it.
        """
        starts = [each.first for each in bridged]
        for deletion in self._deletions.values():
            held = deletion.body.last_sequence < elsewhere or _may_hold_receipt(deletion, starts)
            if not deletion.receipted and not held:
                detail = f"file {deletion.body.file_number} was freed without a RECEIPT before it"  # SF-33
                self._fault(deletion.place, detail)
        self._check_present(present)

    def _check_present(self, present: dict[int, FileEnds]) -> None:
        for number, (receipt, place) in self._receipts.items():
            here = present.get(number)
            if here is not None and here.file_id != receipt.file_id:
                self._fault(place, f"RECEIPT is for another content than file {number} has")
        for number, deletion in self._deletions.items():
            here, body = present.get(number), deletion.body
            said = FileEnds(body.file_id, body.first_sequence, body.last_sequence, body.hash_before, body.head_after)
            if here is not None and here != said:
                self._fault(deletion.place, f"DELETE names other facts than file {number} has")

    def _fault(self, place: Place, detail: str) -> None:
        self._findings.add(Code.POLICY_VIOLATION, place, detail)


def _may_hold_receipt(deletion: _Deletion, starts: Sequence[int]) -> bool:
    """Whether another deleted file lies between the deleted one and its DELETE: its RECEIPT may have gone with it."""
    behind = bisect_right(starts, deletion.body.last_sequence)
    return behind < len(starts) and starts[behind] < deletion.sequence

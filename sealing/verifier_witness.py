"""The chain held against what a store has signed for: what was there once cannot be gone without a word.

Rules of this module: no I/O; receipts and heads come here with their signatures checked (`trust`). A head names one
record by sequence number and hash, a receipt a whole file (step 16 of `FORMAT.md`, section 8).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Mapping

from sealing.findings import Code, Findings, Place
from sealing.framing import RecordHeader
from sealing.limits import MAGIC
from sealing.receipts import Receipt
from sealing.report import FileFacts
from sealing.timetokens import Statement
from sealing.trust import Trust
from sealing.verifier_deletion import FileEnds
from sealing.verifier_links import Links


class Witness:
    """Follows what others have seen of the chain.

    Args:
        trust: Holds the receipts and the heads.
        findings: Where faults go.
        vouch: Told of every record here that a head names, with the time at which the store saw it.
    """

    def __init__(self, trust: Trust, findings: Findings, vouch: Callable[[int, int], None]) -> None:
        self._trust = trust
        self._findings = findings
        self._vouch = vouch
        self._heads: dict[tuple[str, int], list[Statement]] = {}
        for each in trust.heads:
            self._heads.setdefault((each.device_id, each.sequence), []).append(each)
        self._device_id: str | None = None

    @property
    def receipts(self) -> list[Receipt]:
        """Receipts for this unit, in the order of the chain; once `identify` was called."""
        mine = [each for each in self._trust.receipts if each.device_id == self._device_id]
        return sorted(mine, key=lambda each: each.first_sequence)

    @property
    def last_sequence(self) -> int | None:
        """Last record that a store vouches for; once `identify` was called."""
        return max(self._seen(), default=None)

    def record(self, header: RecordHeader, digest: bytes, place: Place) -> None:
        """Hold a record that carries the chain on to the heads that name it."""
        if not self._heads:
            return
        for head in self._heads.get((header.device_id, header.sequence), ()):
            if head.record_hash == digest:
                self._vouch(head.sequence, head.utc_ns)
            else:
                detail = f"the store has seen another record with the number {header.sequence}"
                self._findings.add(Code.FORK_VS_WITNESS, place, detail)

    def identify(self, device_id: str | None) -> None:
        """Say whose chain it is, once it is read; None where no record could be believed."""
        self._device_id = device_id

    def settle(
        self, present: Mapping[int, FileEnds], files: Mapping[int, FileFacts], links: Links, *, part: bool
    ) -> None:
        """Compare what the store holds with the files that are here; once `identify` was called.

        Args:
            present: Files that could be read to their end, by number.
            files: All files, by number.
            links: Where the chain ended.
            part: The caller said that more lies elsewhere, and PARTIAL says so: what is behind the end is not missed.
        """
        last = links.position - 1
        ordered = sorted(present.items(), key=lambda each: each[1].first_sequence)
        starts = [ends.first_sequence for _, ends in ordered]
        for receipt in self.receipts:
            begin = max(bisect_right(starts, receipt.first_sequence) - 1, 0)
            for number, ends in ordered[begin : bisect_right(starts, receipt.last_sequence)]:
                if receipt.last_sequence <= last and _contradict(receipt, ends):
                    said = f"{receipt.first_sequence} to {receipt.last_sequence}"
                    detail = f"the store holds another content for records {said}"
                    place = Place(files[number].name, ends.first_sequence, len(MAGIC))
                    self._findings.add(Code.FORK_VS_WITNESS, place, detail)
        seen = self.last_sequence or 0
        if seen > last and not part:
            newest = files[max(files)]
            detail = f"the store holds records up to {seen}; the chain here ends at {last}"
            place = Place(newest.name, last + 1, newest.size_bytes)
            self._findings.add(Code.TAIL_MISSING_VS_WITNESS, place, detail)

    def _seen(self) -> list[int]:
        heads = [sequence for device_id, sequence in self._heads if device_id == self._device_id]
        return [each.last_sequence for each in self.receipts] + heads


def _contradict(receipt: Receipt, here: FileEnds) -> bool:
    """Whether a file here shares records with a receipt, and is not the file that it is for."""
    if receipt.last_sequence < here.first_sequence or here.last_sequence < receipt.first_sequence:
        return False
    said = (receipt.file_id, receipt.first_sequence, receipt.last_sequence, receipt.head_hash)
    return said != (here.file_id, here.first_sequence, here.last_sequence, here.head_after)

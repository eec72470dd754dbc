"""The chain held against what a store has signed for: what was there once cannot be gone without a word.

Rules of this module: no I/O; receipts come here with their signatures checked (`trust`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from sealing.findings import Code, Findings, Place
from sealing.receipts import Receipt
from sealing.verifier_deletion import FileEnds
from sealing.verifier_links import Links

_NAMELESS: Final = "the chain"


def check_witness(
    receipts: Sequence[Receipt],
    present: Mapping[int, FileEnds],
    names: Mapping[int, str],
    links: Links,
    findings: Findings,
) -> None:
    """Compare receipts with the files that are here (step 16).

    Args:
        receipts: Receipts for this unit.
        present: Files that could be read to their end, by number.
        names: File names by number.
        links: Where the chain ended.
        findings: Where faults go.
    """
    by_first = {ends.first_sequence: (number, ends) for number, ends in present.items()}
    last = links.position - 1
    for receipt in sorted(receipts, key=lambda each: each.first_sequence):
        number, here = by_first.get(receipt.first_sequence, (0, None))
        if receipt.last_sequence > last:
            name = names[max(names)] if names else _NAMELESS
            detail = f"the store holds records up to {receipt.last_sequence}; the chain here ends at {last}"
            findings.add(Code.TAIL_MISSING_VS_WITNESS, Place(name, last + 1), detail)
            return
        if here is not None and not _agree(receipt, here):
            detail = f"the store holds another content for records {receipt.first_sequence} to {receipt.last_sequence}"
            findings.add(Code.FORK_VS_WITNESS, Place(names[number], receipt.first_sequence), detail)


def _agree(receipt: Receipt, here: FileEnds) -> bool:
    said = (receipt.file_id, receipt.last_sequence, receipt.head_hash)
    return said == (here.file_id, here.last_sequence, here.head_after)

"""Proofs that a store gives with its receipts: that they stand in its log (SY-70).

Rules of this module: blocking; reads the log in one transaction, and signs its root.
"""

from __future__ import annotations

from sealing.cose import Algorithm
from sealing.receipts import read_receipt
from sync import inclusion
from sync.checkpoint import origin_of
from sync.store import receipt_log
from sync.store.intake import ReceiptSigner
from sync.store.ports import PromiseLedger


def prove(ledger: PromiseLedger, signer: ReceiptSigner, device_id: str, file_id: bytes) -> bytes | None:
    """Sign a receipt of inclusion for a file's receipt, in the log as it is now.

    Returns:
        The receipt of inclusion; None in a log of one leaf, where RFC 9942 has none.

    Raises:
        ProofError: There is no such receipt in the log.
    """
    with ledger.transaction() as connection:
        found = receipt_log.included(connection, device_id, file_id)
    if not found.proof:
        return None
    said = inclusion.Inclusion(origin_of(signer.store_id), found.size, found.leaf_index, found.proof)
    return inclusion.sign_inclusion(said, found.root, Algorithm.ESP256, signer.key_id, signer.signature)


def transparent(ledger: PromiseLedger, signer: ReceiptSigner, device_id: str, receipt: bytes) -> bytes:
    """Give a receipt with the proof that it is in the log, or alone where there is none yet. Raises ProofError."""
    proof = prove(ledger, signer, device_id, read_receipt(receipt).file_id)
    return receipt if proof is None else inclusion.attach(receipt, proof)

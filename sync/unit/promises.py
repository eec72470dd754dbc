"""What came as a file's receipt: taken apart and checked, before the agent gets to see it.

Rules of this module: bytes in, bytes out, or `LinkError`: what is not the store's word is no better than no answer.
"""

from __future__ import annotations

from sealing.cose import PublicKey
from sealing.errors import SealingError
from sealing.receipts import verify_receipt
from sync.checkpoint import origin_of
from sync.errors import WireError
from sync.inclusion import detach, verify_inclusion
from sync.unit.client import LinkError
from sync.unit.spool import SealedFile


def checked_receipt(data: bytes, file: SealedFile, device_id: str, store_key: PublicKey) -> tuple[bytes, bytes | None]:
    """Check what came as a receipt, and the proof that came with it (SY-70).

    Args:
        data: As it came, transparent or alone.
        file: What it has to be for.
        device_id: This unit.
        store_key: The store's receipt key.

    Returns:
        The receipt, byte for byte, and its receipt of inclusion; None where the store offered none.

    Raises:
        LinkError: It is not the store's receipt for this file, or is not shown to be in the store's log.
    """
    try:
        alone, inclusion = detach(data)
        receipt = verify_receipt(alone, store_key)
        if inclusion is not None:
            verify_inclusion(inclusion, alone, store_key, origin_of(receipt.store_id))
    except (SealingError, WireError) as error:
        raise LinkError(f"what came as receipt for file {file.number} is none: {error}") from error
    if (receipt.device_id, receipt.file_id) != (device_id, file.file_id):
        raise LinkError(f"the receipt for file {file.number} is for another file")
    return alone, inclusion

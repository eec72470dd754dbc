"""Checks a receipt against the unit's own disk, before anything may be freed (SY-24).

Rules of this module: reads one file again, from the medium and not from memory; answers by returning the receipt or by
raising. Called by the agent; sync itself frees nothing.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509

from sealing.cose import Sign1
from sealing.errors import SealingError
from sealing.framing import RecordHeader
from sealing.receipts import Receipt, receipt_key, verify_receipt
from sync.errors import ContentError, ReceiptMismatchError, SpoolError
from sync.stream import SealedStream
from sync.unit.spool import opening, read_ended

_PIECE_BYTES: Final = 1024 * 1024


@dataclass
class _Ends:
    """Examiner that only remembers the first and the last record."""

    device_id: str = ""
    first_sequence: int = 0
    last_sequence: int = 0
    head_hash: bytes = b""

    def record(self, _: Sign1, header: RecordHeader, digest: bytes) -> None:
        """Take the next record."""
        self.device_id = header.device_id
        self.first_sequence = self.first_sequence or header.sequence
        self.last_sequence, self.head_hash = header.sequence, digest


def check_receipt(
    receipt_bytes: bytes, store_certificate: x509.Certificate, device_id: str, path: Path, following: Path | None = None
) -> Receipt:
    """Check that a store's receipt is for a file exactly as it lies on this unit's disk.

    Blocks as long as the file takes to read.

    Args:
        receipt_bytes: The receipt as the store made it.
        store_certificate: The receipt certificate that the unit was enrolled with.
        device_id: This unit.
        path: The sealed file.
        following: The next file of the spool, where there is one: it says where a file without CLOSE ends.

    Returns:
        The receipt.

    Raises:
        ReceiptMismatchError: Forged, for another unit or file, or not what is on the disk. Keep the file.
        OSError: The file cannot be read. Keep it.
    """
    try:
        receipt = verify_receipt(receipt_bytes, receipt_key(store_certificate))
    except SealingError as error:
        raise ReceiptMismatchError(f"receipt for {path.name}: {error}") from error
    if receipt.device_id != device_id:
        raise ReceiptMismatchError(f"receipt for {path.name} is for unit {receipt.device_id}, this is {device_id}")
    _compare(receipt, _read_again(path, following), path)
    return receipt


def _compare(receipt: Receipt, found: dict[str, object], path: Path) -> None:
    for field, value in found.items():
        promised = getattr(receipt, field)
        if promised != value:
            detail = f"{field} is {_text(value)} on the disk and {_text(promised)} in the receipt"
            raise ReceiptMismatchError(f"receipt for {path.name}: {detail}; the file must be kept")


def _read_again(path: Path, following: Path | None) -> dict[str, object]:
    ended = _ended(path, following)
    ends = _Ends()
    with path.open("rb", buffering=0) as file:
        size = os.fstat(file.fileno()).st_size
        _forget_pages(file.fileno())
        stream = SealedStream(size, ends, ended)
        for piece in _pieces(file.fileno(), 0):
            stream.feed(piece)
        try:
            file_id = stream.finish(_pieces(file.fileno(), stream.whole_bytes))
        except ContentError as error:
            raise ReceiptMismatchError(f"{path.name} on the disk is damaged: {error}; the file must be kept") from error
    return {
        "device_id": ends.device_id,
        "size_bytes": size,
        "file_id": file_id,
        "first_sequence": ends.first_sequence,
        "last_sequence": ends.last_sequence,
        "head_hash": ends.head_hash,
    }


def _ended(path: Path, following: Path | None) -> int:
    """Length of the file's torn end."""
    try:
        found = read_ended(path, None if following is None else opening(following))
    except SpoolError as error:
        raise ReceiptMismatchError(str(error)) from error
    if found is None:
        raise ReceiptMismatchError(f"{path.name} has not ended; a receipt for it cannot be right")
    return found.torn_bytes


def _forget_pages(descriptor: int) -> None:
    """Have the kernel read from the medium: a receipt is worth what the disk holds, not what memory holds."""
    os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)


def _pieces(descriptor: int, offset: int) -> Iterator[bytes]:
    while piece := os.pread(descriptor, _PIECE_BYTES, offset):
        yield piece
        offset += len(piece)


def _text(value: object) -> str:
    return value.hex() if isinstance(value, bytes) else str(value)

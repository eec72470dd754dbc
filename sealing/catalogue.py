"""Which files of the spool have ended, which have a receipt, and which may be freed.

Rules of this module: book-keeping in memory, no medium. A file that is not known here is never freed.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from sealing.errors import DeletionRefusedError
from sealing.framing import file_name
from sealing.references import SealedFile


class Catalogue:
    """The files that have ended.

    Args:
        ended: Numbers of files in the spool at the start.
        receipts: Receipt hashes by file number, of receipts that were sealed or named before (SF-34).
    """

    def __init__(self, ended: Iterable[int], receipts: Mapping[int, bytes]) -> None:
        self._ended = set(ended)
        self._receipts = {number: receipt for number, receipt in receipts.items() if number in self._ended}

    def __contains__(self, number: int | None) -> bool:
        """Whether the file is in the spool and has ended."""
        return number in self._ended

    def add(self, number: int) -> None:
        """A file has ended."""
        self._ended.add(number)

    def remove(self, number: int) -> None:
        """A file was freed."""
        self._ended.discard(number)
        self._receipts.pop(number, None)

    def set_receipt(self, number: int, receipt_hash: bytes) -> None:
        """A file has a receipt that the chain knows of."""
        self._receipts[number] = receipt_hash

    def receipted(self) -> list[int]:
        """Numbers of files with a receipt, ascending."""
        return sorted(self._receipts)

    def before(self, number: int) -> int | None:
        """The nearest file in front that is still in the spool."""
        return max((each for each in self._ended if each < number), default=None)

    def behind(self, number: int) -> int | None:
        """The nearest ended file behind that is still in the spool."""
        return min((each for each in self._ended if each > number), default=None)

    def receipt_for_freeing(self, number: int) -> bytes:
        """Return the receipt under which a file may be freed (SF-33).

        Raises:
            DeletionRefusedError: It is open or unknown, the newest that has ended, or has no receipt.
        """
        if number not in self._ended:
            raise DeletionRefusedError(f"file {number} is open or not in the spool")
        if number == max(self._ended):
            raise DeletionRefusedError(f"file {number} is the newest that has ended; it stays until another has")
        receipt = self._receipts.get(number)
        if receipt is None:
            raise DeletionRefusedError(f"file {number} has no sealed receipt; it stays until the store has it")
        return receipt

    def files(self) -> tuple[SealedFile, ...]:
        """All ended files, ascending."""
        newest = max(self._ended, default=0)
        return tuple(self._file(number, newest) for number in sorted(self._ended))

    def _file(self, number: int, newest: int) -> SealedFile:
        receipt = self._receipts.get(number)
        return SealedFile(number, file_name(number), receipt, receipt is not None and number != newest)

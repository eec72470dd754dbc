"""The file id: one hash that commits to every byte of a sealed file without reading its payloads twice.

It runs over magic, framing and headers of all records and over the torn end; headers commit to their payloads by
hash. Writer, verifier, unit and store compute it in passing (`FORMAT.md`, SF-9).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from sealing.limits import MAGIC
from sealing.suites import Suite

_DOMAIN: Final = b"evs1 file id\x00"
_END: Final = b"\x00\x00\x00\x00"
"""A header length of 0 is no record: it separates the records from the torn end."""


class FileIdentity:
    """Accumulates the id of one file.

    Args:
        suite: The suite that the file's OPEN names.
    """

    def __init__(self, suite: Suite) -> None:
        self._hash = suite.hasher()
        self._hash.update(_DOMAIN + MAGIC)

    def add_record(self, prefix: bytes, header: bytes) -> None:
        """Take the next record: its 8 bytes of framing and its whole signed header."""
        self._hash.update(prefix + header)

    def digest(self, torn: bytes = b"") -> bytes:
        """Return the id of the file as it stands, with its torn end.

        Args:
            torn: All bytes behind the last record that counts; none in a file that was closed in order.
        """
        return self.digest_of_torn(len(torn), [torn])

    def digest_of_torn(self, torn_bytes: int, pieces: Iterable[bytes]) -> bytes:
        """As `digest`, for a torn end that is read piece by piece.

        Args:
            torn_bytes: Length of the torn end.
            pieces: The torn end in order.
        """
        final = self._hash.copy()
        final.update(_END + torn_bytes.to_bytes(8, "big"))
        for piece in pieces:
            final.update(piece)
        return final.digest()

"""Room for one record in one piece: framing and header right in front of the ciphertext.

Rules of this module: one buffer, used again for record after record, so that a payload is neither copied behind its
header nor allocated anew. What it hands out holds until the next `payload`; ciphertext alone ever stands in it.
"""

from __future__ import annotations

from typing import Final

from sealing.framing import PREFIX_BYTES
from sealing.limits import HEADER_BYTES_MAX

_FRONT_BYTES: Final = PREFIX_BYTES + HEADER_BYTES_MAX
_STEP_BYTES: Final = 1 << 20


class RecordBuffer:
    """The buffer of one writer, on one thread."""

    def __init__(self) -> None:
        self._room = memoryview(b"")

    def payload(self, length_bytes: int) -> memoryview:
        """Hand out room for the payload of the next record."""
        if len(self._room) < _FRONT_BYTES + length_bytes:
            steps = -(-(_FRONT_BYTES + length_bytes) // _STEP_BYTES)
            self._room = memoryview(bytearray(steps * _STEP_BYTES))
        return self._room[_FRONT_BYTES : _FRONT_BYTES + length_bytes]

    def frame(self, prefix: bytes, header: bytes, payload_length: int) -> memoryview:
        """Put framing and header in front of the payload; returns the record as it stands in the file."""
        begin = _FRONT_BYTES - len(prefix) - len(header)
        self._room[begin:_FRONT_BYTES] = prefix + header
        return self._room[begin : _FRONT_BYTES + payload_length]

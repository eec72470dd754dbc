"""Takes DER apart, as far as time tokens and SM2 need it.

Rules of this module: definite lengths in their shortest form, bounded input, no recursion; what a field means is the
caller's matter.
"""

from __future__ import annotations

from typing import Final

from sealing.errors import MalformedError

INTEGER: Final = 0x02
BIT_STRING: Final = 0x03
OCTET_STRING: Final = 0x04
OBJECT_IDENTIFIER: Final = 0x06
GENERALIZED_TIME: Final = 0x18
SEQUENCE: Final = 0x30
SET: Final = 0x31
CONTEXT_0: Final = 0xA0
_LONG: Final = 0x80
_LENGTH_BYTES_MAX: Final = 3


class Reader:
    """Reads one value after the other.

    Args:
        data: Encoded values, one behind the other.
    """

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def next_tag(self) -> int | None:
        """Tag of the next value; None at the end."""
        return self._data[self._at] if self._at < len(self._data) else None

    def take(self, tag: int) -> bytes:
        """Return the contents of the next value, which has to have this tag.

        Raises:
            MalformedError: It has another, or is cut off.
        """
        return self.whole(tag)[1]

    def whole(self, tag: int) -> tuple[bytes, bytes]:
        """As `take`; returns the whole encoding and its contents."""
        if self.next_tag != tag:
            raise MalformedError(f"DER value with tag {self.next_tag}, not {tag}")
        start = self._at
        begin, length = self._length(start + 1)
        end = begin + length
        if end > len(self._data):
            raise MalformedError("DER value is cut off")
        self._at = end
        return self._data[start:end], self._data[begin:end]

    def skip(self) -> None:
        """Pass over the next value, whatever it is.

        Raises:
            MalformedError: There is none, or it is cut off.
        """
        if self.next_tag is None:
            raise MalformedError("DER value is missing")
        self.whole(self.next_tag)

    def end(self) -> None:
        """Check that nothing is left.

        Raises:
            MalformedError: Something is.
        """
        if self.next_tag is not None:
            raise MalformedError("bytes behind a DER value")

    def _length(self, at: int) -> tuple[int, int]:
        if at >= len(self._data):
            raise MalformedError("DER value without a length")
        first = self._data[at]
        if first < _LONG:
            return at + 1, first
        count = first - _LONG
        digits = self._data[at + 1 : at + 1 + count]
        length = int.from_bytes(digits, "big")
        shortest = count == (length.bit_length() + 7) // 8 and length >= _LONG
        if not 1 <= count <= _LENGTH_BYTES_MAX or len(digits) != count or not shortest:
            raise MalformedError("DER length that is not in its shortest form")
        return at + 1 + count, length


def only(data: bytes, tag: int) -> Reader:
    """Open the one value that the data are.

    Raises:
        MalformedError: It has another tag, or bytes follow it.
    """
    outer = Reader(data)
    inner = Reader(outer.take(tag))
    outer.end()
    return inner


def integer(data: bytes) -> int:
    """Read the contents of an INTEGER."""
    return int.from_bytes(data, "big", signed=True)


def value(tag: int, contents: bytes) -> bytes:
    """Encode one value."""
    length = len(contents)
    if length < _LONG:
        return bytes([tag, length]) + contents
    digits = length.to_bytes((length.bit_length() + 7) // 8, "big")
    return bytes([tag, _LONG + len(digits)]) + digits + contents


def identifier(dotted: str) -> bytes:
    """Encode an OBJECT IDENTIFIER."""
    first, second, *others = map(int, dotted.split("."))
    arcs = [40 * first + second, *others]
    return value(OBJECT_IDENTIFIER, b"".join(map(_arc, arcs)))


def _arc(number: int) -> bytes:
    digits = [number & 0x7F]
    while number := number >> 7:
        digits.append(0x80 | number & 0x7F)
    return bytes(reversed(digits))

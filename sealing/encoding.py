"""Deterministic CBOR: one value, one encoding, and nothing else accepted.

Rules of this module: bytes in, plain values out, or an error; no knowledge of records. Integers, booleans, byte and
text strings, arrays and maps exist; floats, null, tags, undefined and simple values do not. What was read is held to
the length of its one encoding, so that a second spelling of the same value never passes (`FORMAT.md`, SF-1 to SF-4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final, NoReturn

import cbor2

from sealing.errors import MalformedError
from sealing.limits import CBOR_DEPTH_MAX, CBOR_ITEMS_MAX, INTEGER_MAX

Plain = int | bool | bytes | str | Sequence["Plain"] | Mapping[int, "Plain"] | Mapping[str, "Plain"]
"""What the format can say."""

_BUILT_IN_TAGS: Final = (
    *(0, 1, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100),
    *(256, 258, 260, 261, 1004, 43000, 55799),
)


def _refuse_tag(*_: object) -> NoReturn:
    """No tag of any number is acted upon, whatever the library could make of it (SF-3)."""
    raise MalformedError("a CBOR tag stands where the format has none")


_IN_FIRST_BYTE: Final = 24
"""Numbers below stand in the first byte of their encoding."""
_HEAD_BYTES: Final = (1,) * 5 + (2,) * 4 + (3,) * 8 + (5,) * 16 + (9,) * 31
"""Length of a type and its number by the number's bits, where it does not stand in the first byte."""
_NESTING: Final = frozenset({list, tuple, dict})
_REFUSING: Final = dict.fromkeys(_BUILT_IN_TAGS, _refuse_tag)


def encode(value: Plain) -> bytes:
    """Encode a value deterministically (RFC 8949, 4.2.1).

    Raises:
        MalformedError: The value has a type, a size or a range that the format does not know.
    """
    _measure(value, CBOR_DEPTH_MAX)
    # The library writes the shortest form anyway, and sorts slowly: it is asked to only where that is needed.
    return cbor2.dumps(value, canonical=not _in_order(value))


def decode(data: bytes, longest_bytes: int) -> Plain:
    """Decode exactly one deterministic value.

    Args:
        data: The whole encoding, nothing before or after it.
        longest_bytes: Longest encoding that is accepted here; checked before anything is read.

    Raises:
        MalformedError: Anything is not as `encode` would have written it.
    """
    if len(data) > longest_bytes:
        raise MalformedError(f"CBOR of {len(data)} bytes is longer than the {longest_bytes} allowed here")
    value = _loads(data)
    # SF-2: every other spelling of the same value with its keys in order is longer, for each part has one shortest
    # form; and so is whatever has bytes behind it.
    if _measure(value, CBOR_DEPTH_MAX) != len(data) or not _in_order(value):
        raise MalformedError("CBOR is not in its deterministic form, or bytes follow it")
    return value


def _loads(data: bytes) -> Plain:
    try:
        value: Plain = cbor2.loads(
            data,
            allow_duplicate_keys=False,
            allow_indefinite=False,
            max_depth=CBOR_DEPTH_MAX,
            semantic_decoders=_REFUSING,
            tag_hook=_refuse_tag,
        )
    except (cbor2.CBORDecodeError, ValueError, TypeError, OverflowError, RecursionError) as error:
        raise MalformedError(f"not CBOR as the format allows it: {error}") from error
    return value


def _measure(value: object, depth: int) -> int:
    """Length of a value's one encoding in bytes.

    Refuses types that the format does not know; subclasses too, for they may encode as something else.
    """
    kind = type(value)
    if kind is dict:
        return _measure_map(value, depth)  # type: ignore[arg-type]  # as the line above says
    if kind is list or kind is tuple:
        return _measure_array(value, depth)  # type: ignore[arg-type]  # as the line above says
    return _measure_items((value,), depth)


def _measure_items(items: Iterable[Any], depth: int) -> int:
    # In one loop, without a call for each: every record that is sealed or verified comes through here.
    size = 0
    for value in items:
        kind = type(value)
        if kind is int:
            number = value if value >= 0 else ~value
            if number > INTEGER_MAX:
                raise MalformedError("CBOR integer outside 64 bits signed")
            size += 1 if number < 24 else _HEAD_BYTES[number.bit_length()]  # noqa: PLR2004 - _IN_FIRST_BYTE, at once
        elif kind is bytes:
            size += len(value) + _head_bytes(len(value))
        elif kind is str:
            length = len(value) if value.isascii() else _text_bytes(value)
            size += length + _head_bytes(length)
        elif kind in _NESTING:
            size += _measure(value, depth)
        elif kind is bool:
            size += 1
        else:
            raise MalformedError(f"CBOR value of type {kind.__name__}, which the format does not know")
    return size


def _head_bytes(number: int) -> int:
    """Length of a type with the number that belongs to it."""
    return 1 if number < _IN_FIRST_BYTE else _HEAD_BYTES[number.bit_length()]


def _text_bytes(text: str) -> int:
    try:
        return len(text.encode())
    except UnicodeEncodeError as error:
        raise MalformedError("text is not Unicode that UTF-8 can carry") from error


def _measure_array(value: list[object] | tuple[object, ...], depth: int) -> int:
    _check_size(len(value), depth)
    return _head_bytes(len(value)) + _measure_items(value, depth - 1)


def _measure_map(value: dict[Any, object], depth: int) -> int:
    _check_size(len(value), depth)
    # One kind of key in a map: there the length-first and the bytewise order of keys are the same.
    kinds = set(map(type, value))
    if kinds == {int}:
        if min(value) < 0:
            raise MalformedError("CBOR map with a negative key")
    elif kinds and kinds != {str}:
        raise MalformedError("CBOR map whose keys are not all integers or all text")
    return _head_bytes(len(value)) + _measure_items(value, depth - 1) + _measure_items(value.values(), depth - 1)


def _in_order(value: object) -> bool:
    """Whether the keys of every map in a checked value stand in the order of their encodings (SF-2)."""
    if isinstance(value, dict):
        keys = list(value)
        if keys != sorted(keys, key=_text_key if keys and type(keys[0]) is str else None):
            return False
        value = value.values()
    elif not isinstance(value, list | tuple):
        return True
    for item in value:  # noqa: SIM110 - every record comes through here, and a generator costs more than the loop
        if type(item) in _NESTING and not _in_order(item):
            return False
    return True


def _text_key(key: str) -> tuple[int, bytes]:
    encoded = key.encode()
    return len(encoded), encoded


def _check_size(count: int, depth: int) -> None:
    if depth <= 0:
        raise MalformedError(f"CBOR nested deeper than {CBOR_DEPTH_MAX}")
    if count > CBOR_ITEMS_MAX:
        raise MalformedError(f"CBOR array or map of {count} entries, more than {CBOR_ITEMS_MAX}")

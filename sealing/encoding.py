"""Deterministic CBOR: one value, one encoding, and nothing else accepted.

Rules of this module: bytes in, plain values out, or an error; no knowledge of records. Integers, booleans, byte and
text strings, arrays and maps exist; floats, null, tags, undefined and simple values do not. What was read is encoded
again and compared, so that a second spelling of the same value never passes (`FORMAT.md`, SF-1 to SF-4).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Final, NoReturn

import cbor2

from sealing.errors import MalformedError
from sealing.limits import CBOR_DEPTH_MAX, CBOR_ITEMS_MAX, INTEGER_MAX, INTEGER_MIN

Plain = int | bool | bytes | str | Sequence["Plain"] | Mapping[int, "Plain"] | Mapping[str, "Plain"]
"""What the format can say."""

_BUILT_IN_TAGS: Final = (
    *(0, 1, 2, 3, 4, 5, 25, 28, 29, 30, 35, 36, 37, 52, 54, 100),
    *(256, 258, 260, 261, 1004, 43000, 55799),
)


def _refuse_tag(*_: object) -> NoReturn:
    """No tag of any number is acted upon, whatever the library could make of it (SF-3)."""
    raise MalformedError("a CBOR tag stands where the format has none")


_NESTING: Final = frozenset({list, tuple, dict})
_REFUSING: Final = dict.fromkeys(_BUILT_IN_TAGS, _refuse_tag)


def encode(value: Plain) -> bytes:
    """Encode a value deterministically (RFC 8949, 4.2.1).

    Raises:
        MalformedError: The value has a type, a size or a range that the format does not know.
    """
    _check(value, CBOR_DEPTH_MAX)
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
    _check(value, CBOR_DEPTH_MAX)
    # SF-2: this also refuses trailing bytes, long integers, unsorted keys and every other second spelling.
    if not _in_order(value) or cbor2.dumps(value) != data:
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


def _check(value: object, depth: int) -> None:
    """Refuse types that the format does not know; subclasses too, for they may encode as something else."""
    kind = type(value)
    if kind is list or kind is tuple:
        _check_array(value, depth)
    elif kind is dict:
        _check_map(value, depth)
    else:
        _check_items((value,), depth)


def _check_items(items: Iterable[object], depth: int) -> None:
    # In one loop, without a call for each: every record that is sealed or verified comes through here.
    for value in items:
        kind = type(value)
        if kind is int:
            if not INTEGER_MIN <= value <= INTEGER_MAX:  # type: ignore[operator]  # an int, as the line above says
                raise MalformedError("CBOR integer outside 64 bits signed")
        elif kind is str:
            _check_text(value)
        elif kind in _NESTING:
            _check(value, depth)
        elif kind is not bytes and kind is not bool:
            raise MalformedError(f"CBOR value of type {kind.__name__}, which the format does not know")


def _check_text(value: object) -> None:
    if isinstance(value, str) and not value.isascii():
        try:
            value.encode()
        except UnicodeEncodeError as error:
            raise MalformedError("text is not Unicode that UTF-8 can carry") from error


def _check_array(value: object, depth: int) -> None:
    assert isinstance(value, list | tuple)  # noqa: S101 - narrows for the type checker
    _check_size(len(value), depth)
    _check_items(value, depth - 1)


def _check_map(value: object, depth: int) -> None:
    assert isinstance(value, dict)  # noqa: S101 - narrows for the type checker
    _check_size(len(value), depth)
    # One kind of key in a map: there the length-first and the bytewise order of keys are the same.
    kinds = set(map(type, value))
    if kinds == {int}:
        if min(value) < 0:
            raise MalformedError("CBOR map with a negative key")
        _check(max(value), depth)
    elif kinds == {str}:
        for key in value:
            _check_text(key)
    elif kinds:
        raise MalformedError("CBOR map whose keys are not all integers or all text")
    _check_items(value.values(), depth - 1)


def _in_order(value: object) -> bool:
    """Whether the keys of every map in a checked value stand in the order of their encodings (SF-2)."""
    if isinstance(value, dict):
        keys = list(value)
        if keys != sorted(keys, key=_text_key if keys and type(keys[0]) is str else None):
            return False
        value = value.values()
    elif not isinstance(value, list | tuple):
        return True
    return all(_in_order(item) for item in value if type(item) in _NESTING)


def _text_key(key: str) -> tuple[int, bytes]:
    encoded = key.encode()
    return len(encoded), encoded


def _check_size(count: int, depth: int) -> None:
    if depth <= 0:
        raise MalformedError(f"CBOR nested deeper than {CBOR_DEPTH_MAX}")
    if count > CBOR_ITEMS_MAX:
        raise MalformedError(f"CBOR array or map of {count} entries, more than {CBOR_ITEMS_MAX}")

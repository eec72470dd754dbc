"""Bodies to CBOR maps and back, by the field numbers that `records` declares.

Rules of this module: driven by the declarations alone, so that a new body needs no code here. Reading and writing
check the same types, ranges and lengths; an unknown key, a missing field or a value of another type is an error,
never skipped (`FORMAT.md`, SF-6, SF-7).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from functools import cache
from types import NoneType, UnionType
from typing import Final, get_args, get_origin, get_type_hints

from sealing import encoding
from sealing.encoding import Plain
from sealing.errors import BodyError, MalformedError
from sealing.limits import BYTES_MAX, HEADER_BYTES_MAX, LIST_ITEMS_MAX, PRIVATE_BYTES_MAX, TEXT_BYTES_MAX
from sealing.records import Body, RecordType, StateSnapshot

PrivateValue = str | int | list["PrivateValue"]
Private = Mapping[str, PrivateValue]
"""What an event says in its encrypted payload: names, spoken words, free text."""

BODY_CLASSES: Final[Mapping[RecordType, type[Body]]] = {body.TYPE: body for body in get_args(Body)}
"""The body that each record type carries."""


@dataclass(frozen=True, slots=True)
class _Rule:
    """What one field may hold."""

    low: int
    high: int
    size: int | None


_ENVELOPE_BYTES: Final = 512
"""More than everything in a header beside its body."""

_SHORT_FIELDS_MAX: Final = 64
"""So many numbers with their keys fit into any header."""

_Convert = Callable[[object, _Rule], object]


@dataclass(frozen=True, slots=True)
class _Field:
    name: str
    key: int
    optional: bool
    rule: _Rule
    write: _Convert
    read: _Convert
    number: type[int] | None
    """`int`, or `bool`, where it is a number or a truth value: at most nine bytes."""


def encode_body(body: Body) -> dict[int, Plain]:
    """Turn a body into its map.

    Raises:
        BodyError: A field holds a value of another type, or outside its range; names body and field.
    """
    try:
        fields = _write_fields(body)
    except MalformedError as error:
        raise BodyError(f"{type(body).__name__} cannot be sealed: {error}") from error
    return fields


def check_body(body: Body) -> dict[int, Plain]:
    """Make sure that a body can be sealed, before anything is encrypted for it.

    Returns:
        Its map, as `encode_body` makes it.

    Raises:
        BodyError: A field is outside its range, or the whole would not fit into a header.
    """
    fields = encode_body(body)
    body_class: type = type(body)
    if _always_fits(body_class):
        return fields
    length = len(encoding.encode(fields))
    if length > HEADER_BYTES_MAX - _ENVELOPE_BYTES:
        raise BodyError(f"{type(body).__name__} of {length} bytes does not fit into a header of {HEADER_BYTES_MAX}")
    return fields


def check_snapshot(snapshot: StateSnapshot) -> None:
    """Make sure that a snapshot can stand in an OPEN.

    Raises:
        BodyError: A field is outside its range.
    """
    try:
        encoding.encode(_write_fields(snapshot))
    except MalformedError as error:
        raise BodyError(f"snapshot cannot be sealed: {error}") from error


def decode_body(record_type: RecordType, value: Plain) -> Body:
    """Turn a map back into the body of a record type.

    Raises:
        MalformedError: A key is unknown or missing, or a value is outside its range.
    """
    body: Body = _read_fields(BODY_CLASSES[record_type], value)  # type: ignore[assignment]
    return body


def encode_private(private: Private) -> bytes:
    """Encode the clear text of an event's payload.

    Raises:
        BodyError: It is larger than 64 KiB or holds something other than text, integers and lists of them.
    """
    try:
        data = encoding.encode(_private_plain(private))
    except MalformedError as error:
        raise BodyError(f"private part cannot be sealed: {error}") from error
    if len(data) > PRIVATE_BYTES_MAX:
        raise BodyError(f"private part of {len(data)} bytes is longer than {PRIVATE_BYTES_MAX}; shorten its texts")
    return data


def decode_private(data: bytes) -> dict[str, PrivateValue]:
    """Decode the decrypted payload of an event.

    Raises:
        MalformedError: It is not a map of text to text, integers and lists of them.
    """
    value = encoding.decode(data, PRIVATE_BYTES_MAX)
    if not isinstance(value, dict):
        raise MalformedError("private part is not a map")
    return _private_plain(value)


def _private_plain(private: Mapping[str, object] | Mapping[int, object]) -> dict[str, PrivateValue]:
    result: dict[str, PrivateValue] = {}
    for key, value in private.items():
        if not isinstance(key, str):
            raise MalformedError(f"private part has the key {key!r}, which is not text")
        result[key] = _private_value(value)
    return result


def _private_value(value: object) -> PrivateValue:
    if isinstance(value, list | tuple):
        return [_private_value(item) for item in value]
    if isinstance(value, bool) or not isinstance(value, str | int):
        raise MalformedError(f"private part holds a {type(value).__name__}; text, integers and lists may stand there")
    return str(value) if isinstance(value, str) else value


def _write_fields(body: object) -> dict[int, Plain]:
    result: dict[int, Plain] = {}
    body_class: type = type(body)
    for field in _fields(body_class):
        value = getattr(body, field.name)
        if value is None and field.optional:
            continue
        try:
            result[field.key] = field.write(value, field.rule)  # type: ignore[assignment]
        except MalformedError as error:
            raise MalformedError(f"field {field.name}: {error}") from error
    return result


def _read_fields(body_class: type, value: object) -> object:
    if type(value) is not dict:
        raise MalformedError(f"{body_class.__name__} is not a map")
    if not value.keys() <= _keys(body_class):
        unknown = sorted(map(str, value.keys() - _keys(body_class)))
        raise MalformedError(f"{body_class.__name__} has unknown keys {unknown}")
    found: list[object] = []
    for field in _fields(body_class):
        item = value.get(field.key)
        # Numbers without a call for each: every record that is verified comes through here.
        if type(item) is field.number and field.rule.low <= item <= field.rule.high:
            found.append(item)
        elif item is not None:
            found.append(_read_field(body_class, field, item))
        elif field.optional:
            found.append(None)
        else:
            raise MalformedError(f"{body_class.__name__} lacks {field.name} (key {field.key})")
    return body_class(*found)


def _read_field(body_class: type, field: _Field, item: object) -> object:
    try:
        return field.read(item, field.rule)
    except MalformedError as error:
        raise MalformedError(f"{body_class.__name__}.{field.name}: {error}") from error


@cache
def _keys(body_class: type) -> frozenset[int]:
    return frozenset(field.key for field in _fields(body_class))


@cache
def _always_fits(body_class: type) -> bool:
    """Whether no value of a body can make it too long: those of every second need not be measured each time."""
    fields = _fields(body_class)
    return all(field.number is not None for field in fields) and len(fields) <= _SHORT_FIELDS_MAX


@cache
def _fields(body_class: type) -> tuple[_Field, ...]:
    """The fields of a body with their converters, worked out once."""
    hints = get_type_hints(body_class)
    return tuple(_field(declared, hints[declared.name]) for declared in dataclasses.fields(body_class))


def _field(declared: dataclasses.Field[object], hint: object) -> _Field:
    rule = _Rule(declared.metadata["low"], declared.metadata["high"], declared.metadata["size"])
    optional = get_origin(hint) is UnionType and NoneType in get_args(hint)
    if optional:
        hint = next(part for part in get_args(hint) if part is not NoneType)
    write, read = _converters(hint)
    number = _NUMBERS.get(hint)
    return _Field(declared.name, declared.metadata["key"], optional, rule, write, read, number)


def _converters(hint: object) -> tuple[_Convert, _Convert]:
    """How a value of the type is written and read; refuses types that a body must not use."""
    if hint in _PLAIN:
        return _PLAIN[hint], _PLAIN[hint]
    if get_origin(hint) is tuple:
        return _list_converters(get_args(hint))
    if isinstance(hint, type) and issubclass(hint, StrEnum):
        return lambda value, _: _enum(hint, value).value, lambda value, _: _enum(hint, value)
    if isinstance(hint, type) and dataclasses.is_dataclass(hint):
        return lambda value, _: _write_nested(hint, value), lambda value, _: _read_fields(hint, value)
    raise TypeError(f"a body field has the type {hint}, which the format cannot carry")


def _list_converters(arguments: tuple[object, ...]) -> tuple[_Convert, _Convert]:
    if len(arguments) == 2 and arguments[1] is Ellipsis:  # noqa: PLR2004 - tuple[X, ...]
        write, read = _converters(arguments[0])
        return (
            lambda value, rule: [write(item, rule) for item in _items(value)],
            lambda value, rule: tuple(read(item, rule) for item in _items(value)),
        )
    pairs = [_converters(argument) for argument in arguments]
    return (
        lambda value, rule: [write(item, rule) for (write, _), item in zip(pairs, _exactly(value, pairs), strict=True)],
        lambda value, rule: tuple(
            read(item, rule) for (_, read), item in zip(pairs, _exactly(value, pairs), strict=True)
        ),
    )


def _items(value: object) -> list[object] | tuple[object, ...]:
    if not isinstance(value, list | tuple):
        raise MalformedError(f"a {type(value).__name__} where a list belongs")
    if len(value) > LIST_ITEMS_MAX:
        raise MalformedError(f"a list of {len(value)}, more than {LIST_ITEMS_MAX}")
    return value


def _exactly(value: object, pairs: list[tuple[_Convert, _Convert]]) -> list[object] | tuple[object, ...]:
    items = _items(value)
    if len(items) != len(pairs):
        raise MalformedError(f"a list of {len(items)} where {len(pairs)} belong")
    return items


def _write_nested(nested: type, value: object) -> dict[int, Plain]:
    if type(value) is not nested:
        raise MalformedError(f"a {type(value).__name__} where a {nested.__name__} belongs")
    return _write_fields(value)


def _enum(kind: type[StrEnum], value: object) -> StrEnum:
    try:
        return kind(_text(value, _ANY))
    except ValueError as error:
        raise MalformedError(f"{value!r} is none of {', '.join(kind)}") from error


def _integer(value: object, rule: _Rule) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise MalformedError(f"a {type(value).__name__} where an integer belongs")
    if not rule.low <= value <= rule.high:
        raise MalformedError(f"{value} is outside {rule.low} to {rule.high}")
    return int(value)


def _boolean(value: object, _: _Rule) -> bool:
    if not isinstance(value, bool):
        raise MalformedError(f"a {type(value).__name__} where true or false belongs")
    return value


def _text(value: object, _: _Rule) -> str:
    if not isinstance(value, str):
        raise MalformedError(f"a {type(value).__name__} where text belongs")
    if len(value.encode(errors="surrogatepass")) > TEXT_BYTES_MAX:
        raise MalformedError(f"text of {len(value)} characters is longer than {TEXT_BYTES_MAX} bytes")
    return str(value)


def _bytes(value: object, rule: _Rule) -> bytes:
    if not isinstance(value, bytes):
        raise MalformedError(f"a {type(value).__name__} where bytes belong")
    if rule.size is not None and len(value) != rule.size:
        raise MalformedError(f"{len(value)} bytes where {rule.size} belong")
    if len(value) > BYTES_MAX:
        raise MalformedError(f"{len(value)} bytes are more than {BYTES_MAX}")
    return value


_ANY: Final = _Rule(0, 0, None)
_NUMBERS: Final[Mapping[object, type[int]]] = {int: int, bool: bool}
_PLAIN: Final[Mapping[object, _Convert]] = {int: _integer, bool: _boolean, str: _text, bytes: _bytes}

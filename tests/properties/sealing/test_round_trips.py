"""Whatever can be said has one encoding, and any other bytes are refused or say something else."""

import dataclasses
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519
from hypothesis import assume, given
from hypothesis import strategies as st

from sealing import codec, cose, encoding, framing, limits
from sealing.cose import Algorithm
from sealing.errors import BadSignatureError, MalformedError, SealingError, SuiteError
from sealing.framing import RecordHeader
from sealing.records import Body

INTEGERS = st.integers(limits.INTEGER_MIN, limits.INTEGER_MAX)
TEXTS = st.text(max_size=40)
LEAVES = INTEGERS | st.booleans() | st.binary(max_size=40) | TEXTS
VALUES = st.recursive(
    LEAVES,
    lambda inner: (
        st.lists(inner, max_size=5)
        | st.dictionaries(st.integers(0, limits.INTEGER_MAX), inner, max_size=5)
        | st.dictionaries(TEXTS, inner, max_size=5)
    ),
    max_leaves=20,
)
KEY = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(32))


def deep(value: object, depth: int = 0) -> int:
    if isinstance(value, list):
        return max((deep(item, depth + 1) for item in value), default=depth + 1)
    if isinstance(value, dict):
        return max((deep(item, depth + 1) for item in value.values()), default=depth + 1)
    return depth


def bodies() -> st.SearchStrategy[Any]:
    return st.one_of([body_of(body) for body in get_args(Body)])


def body_of(body: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401 - any of the record classes
    hints = get_type_hints(body)
    return st.builds(body, **{field.name: values(field, hints[field.name]) for field in dataclasses.fields(body)})


def values(field: Any, hint: Any) -> st.SearchStrategy[Any]:  # noqa: ANN401 - a field and its type
    if get_origin(hint) is UnionType:
        inner = next(part for part in get_args(hint) if part is not NoneType)
        return st.none() | values(field, inner)
    if get_origin(hint) is tuple:
        return tuples(field, get_args(hint))
    if hint is int:
        return st.integers(field.metadata["low"], field.metadata["high"])
    if hint is bytes:
        size = field.metadata["size"]
        return st.binary(min_size=size or 0, max_size=size or 60)
    if hint in {str, bool}:
        return TEXTS if hint is str else st.booleans()
    return body_of(hint) if dataclasses.is_dataclass(hint) else st.sampled_from(list(hint))


def tuples(field: Any, parts: tuple[Any, ...]) -> st.SearchStrategy[Any]:  # noqa: ANN401 - a field and its type
    if parts[-1] is Ellipsis:
        return st.lists(values(field, parts[0]), max_size=3).map(tuple)
    return st.tuples(*(values(field, part) for part in parts))


@given(VALUES)
def test_every_value_has_one_encoding(value: Any) -> None:  # noqa: ANN401 - any value of the format
    """SF-1, SF-2."""
    assume(deep(value) <= limits.CBOR_DEPTH_MAX)
    data = encoding.encode(value)
    assert encoding.decode(data, len(data)) == value
    assert encoding.encode(encoding.decode(data, len(data))) == data


@given(VALUES, st.data())
def test_a_changed_byte_never_reads_as_the_same_value(value: Any, data: st.DataObject) -> None:  # noqa: ANN401
    """SF-2."""
    assume(deep(value) <= limits.CBOR_DEPTH_MAX)
    encoded = encoding.encode(value)
    changed = flipped(encoded, data)
    try:
        assert encoding.encode(encoding.decode(changed, len(changed))) == changed != encoded
    except MalformedError:
        return


@given(st.binary(max_size=200))
def test_no_bytes_break_the_reader(data: bytes) -> None:
    """SF-3, SF-4: an error of ours, or a value that encodes to the same bytes."""
    for read in (
        lambda: encoding.decode(data, 4_096),
        lambda: cose.decode_sign1(data),
        lambda: framing.decode_header(data),
    ):
        try:
            read()
        except (MalformedError, SuiteError):
            continue


@given(bodies())
def test_every_body_comes_back(body: Any) -> None:  # noqa: ANN401 - any body
    """SF-6, SF-7."""
    encoded = encoding.encode(codec.encode_body(body))
    assert codec.decode_body(body.TYPE, encoding.decode(encoded, limits.HEADER_BYTES_MAX)) == body


@given(bodies(), st.data())
def test_a_flipped_byte_of_a_signed_header_is_found(body: Any, data: st.DataObject) -> None:  # noqa: ANN401
    """SF-5, SF-12, SF-17: refused before the signature, or by it."""
    header = RecordHeader(body.TYPE, 5, bytes(32), "unit-0001", 1, 1, 1, 1, body, None, 0, "rtc", 0)
    sealed = framing.seal_header(header, Algorithm.ED25519, bytes(16), KEY.sign)
    message, found = framing.open_header(sealed)
    assert found == header
    cose.verify_sign1(message, cose.RECORD, KEY.public_key())
    changed = flipped(sealed, data)
    with pytest.raises((MalformedError, SuiteError, BadSignatureError, OtherKeyError)):
        accept(changed)


class OtherKeyError(SealingError):
    """The key id is another one: a reader looks for another key and finds none."""


def accept(sealed: bytes) -> None:
    message, _ = framing.open_header(sealed)
    if message.key_id != bytes(16):
        raise OtherKeyError("another key id")
    cose.verify_sign1(message, cose.RECORD, KEY.public_key())


def flipped(encoded: bytes, data: st.DataObject) -> bytes:
    position = data.draw(st.integers(0, len(encoded) - 1))
    mask = data.draw(st.integers(1, 255))
    return encoded[:position] + bytes([encoded[position] ^ mask]) + encoded[position + 1 :]

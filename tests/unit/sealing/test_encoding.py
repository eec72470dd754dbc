"""Deterministic CBOR: known answers, and everything that is refused (SF-1 to SF-4)."""

import cbor2
import pytest

from sealing import encoding
from sealing.encoding import Plain
from sealing.errors import MalformedError
from sealing.limits import CBOR_DEPTH_MAX, CBOR_ITEMS_MAX

KNOWN: list[tuple[Plain, str]] = [
    (0, "00"),
    (23, "17"),
    (24, "1818"),
    (255, "18ff"),
    (65_536, "1a00010000"),
    (2**63 - 1, "1b7fffffffffffffff"),
    (-1, "20"),
    (-(2**63), "3b7fffffffffffffff"),
    (False, "f4"),
    (True, "f5"),
    (b"", "40"),
    (b"\x01\x02", "420102"),
    ("", "60"),
    ("警号", "66e8ada6e58fb7"),
    ([1, [2, b"x"]], "8201820241" + "78"),
    ({}, "a0"),
    ({10: 1, 2: 3, 300: 4}, "a302030a0119012c04"),
    ({"bb": 1, "a": 2}, "a261610262626201"),
]


@pytest.mark.parametrize(("value", "expected"), KNOWN, ids=[expected for _, expected in KNOWN])
def test_known_answers(value: Plain, expected: str) -> None:
    """SF-1: one value, one encoding (RFC 8949, 4.2.1)."""
    assert encoding.encode(value).hex() == expected
    assert encoding.decode(bytes.fromhex(expected), 64) == value


REFUSED = {
    "nothing": "",
    "bytes behind": "0000",
    "long integer": "1800",
    "long length": "580101",
    "keys out of order": "a20a010203",
    "key twice": "a201010102",
    "one and true": "a20101f502",
    "key types mixed": "a20101616101",
    "negative key": "a12001",
    "list as a key": "a1810102",
    "indefinite list": "9f01ff",
    "indefinite map": "bf0101ff",
    "indefinite bytes": "5f4101ff",
    "float": "f93c00",
    "null": "f6",
    "undefined": "f7",
    "simple value": "e0",
    "date tag": "c074323032362d30312d30315430303a30303a30305a",
    "bignum tag": "c2420102",
    "short bignum tag": "c24101",
    "regex tag": "d8236161",
    "self-described": "d9d9f701",
    "shared reference": "d81c8101",
    "unknown tag": "d9ffff01",
    "integer beyond 63 bits": "1b8000000000000000",
    "bad UTF-8": "62c328",
    "surrogate": "63eda080",
    "list of 2^64": "9bffffffffffffffff",
    "bytes of 2 GiB": "5a7fffffff01",
    "map cut off": "a10",
    "too deep": "81" * CBOR_DEPTH_MAX + "8100",
}


@pytest.mark.parametrize("data", REFUSED.values(), ids=REFUSED)
def test_other_spellings_and_types_are_refused(data: str) -> None:
    """SF-2, SF-3: no second spelling, no type that the format has no use for."""
    with pytest.raises(MalformedError):
        encoding.decode(bytes.fromhex(data if len(data) % 2 == 0 else data + "0"), 4_096)


@pytest.mark.parametrize("value", [None, 1.5, 2**63, -(2**63) - 1, {1: 1, "a": 1}, {-1: 1}, {True: 1}, "\ud800", {1}])
def test_what_the_format_cannot_say_is_not_encoded(value: object) -> None:
    with pytest.raises(MalformedError):
        encoding.encode(value)  # type: ignore[arg-type]


def test_limits_are_checked_first() -> None:
    """SF-4: length before decoding, then depth and entries."""
    with pytest.raises(MalformedError, match="3 bytes is longer than the 2"):
        encoding.decode(b"\x01\x01\x01", 2)
    deepest = bytes.fromhex("81" * (CBOR_DEPTH_MAX - 1) + "00")
    assert encoding.encode(encoding.decode(deepest, 64)) == deepest
    with pytest.raises(MalformedError, match="entries"):
        encoding.decode(cbor2.dumps([0] * (CBOR_ITEMS_MAX + 1)), 1 << 20)

"""Bodies and maps (SF-6, SF-7, SF-36)."""

import dataclasses
from typing import get_args

import pytest

from sealing import codec, records
from sealing.encoding import Plain
from sealing.errors import BodyError, MalformedError
from sealing.records import Body, CheckResult, CheckVerdict, Event, FileKind, Halt, Mark, Preflight, RecordType
from tests.support import chains

EVENT = Event("code", bytes(16), (("a", 1), ("b", -2)))


def test_known_map() -> None:
    assert codec.encode_body(EVENT) == {1: "code", 2: bytes(16), 3: [["a", 1], ["b", -2]]}
    assert codec.decode_body(RecordType.EVENT, {1: "code", 2: bytes(16), 3: [["a", 1], ["b", -2]]}) == EVENT


def test_a_field_without_a_value_is_left_out() -> None:
    body = Event("code", None, ())
    assert codec.encode_body(body) == {1: "code", 3: []}
    assert codec.decode_body(RecordType.EVENT, {1: "code", 3: []}) == body


def test_nested_bodies_and_codes() -> None:
    check = CheckResult("battery", CheckVerdict.DEGRADED, -3, None, "percent")
    body = Preflight(bytes(16), CheckVerdict.PASS, (check,), blocked=False)
    encoded = codec.encode_body(body)
    assert encoded[3] == [{1: "battery", 2: "degraded", 3: -3, 5: "percent"}]
    assert codec.decode_body(RecordType.PREFLIGHT, encoded) == body


def test_every_body_has_its_own_type_and_unique_keys() -> None:
    bodies = get_args(Body)
    assert len({body.TYPE for body in bodies}) == len(bodies)
    for body in bodies:
        keys = [field.metadata["key"] for field in dataclasses.fields(body)]
        assert keys == list(range(1, len(keys) + 1)), body


BAD_MAPS: dict[str, Plain] = {
    "no map": [],
    "unknown key": {1: "code", 3: [], 9: 1},
    "missing key": {3: []},
    "text for a list": {1: "code", 3: "x"},
    "integer for text": {1: 1, 3: []},
    "bytes for text": {1: b"code", 3: []},
    "short session id": {1: "code", 2: b"x", 3: []},
    "pair of three": {1: "code", 3: [["a", 1, 1]]},
    "pair of wrong types": {1: "code", 3: [[1, "a"]]},
    "bool for an integer": {1: "code", 3: [["a", True]]},
    "long text": {1: "x" * 257, 3: []},
    "long list": {1: "code", 3: [["a", 1]] * 257},
}


@pytest.mark.parametrize("value", BAD_MAPS.values(), ids=BAD_MAPS)
def test_a_map_that_breaks_its_table_is_refused(value: Plain) -> None:
    """SF-6, SF-7."""
    with pytest.raises(MalformedError):
        codec.decode_body(RecordType.EVENT, value)


@pytest.mark.parametrize(
    "body",
    [
        Mark(b"short", 1, 0, 0, 0, None),
        Mark(bytes(16), -1, 0, 0, 0, None),
        Mark(bytes(16), 1, 0, 2**63, 0, None),
        Mark(bytes(16), 1, 0, 0, 0, "x" * 300),
        Event("code", None, (("a", 1),) * 257),
        Event(1, None, ()),  # type: ignore[arg-type]
        Event(None, None, ()),  # type: ignore[arg-type]
        Event("code", None, (("a", True),)),
        dataclasses.replace(chains.close_facts(1), fragments=-1),
    ],
    ids=str,
)
def test_what_a_reader_would_refuse_is_not_sealed(body: Body) -> None:
    """SF-7: the writer holds the same ranges, and names body and field."""
    with pytest.raises(BodyError, match=type(body).__name__):
        codec.check_body(body)


def test_a_body_that_fits_no_header_is_refused() -> None:
    with pytest.raises(BodyError, match="does not fit"):
        codec.check_body(Event("code", None, tuple(("x" * 256, number) for number in range(256))))


def test_an_unknown_code_is_refused() -> None:
    kind = dataclasses.replace(records.ReceiptSeal(1, bytes(32), bytes(32), "store", 1))
    assert codec.encode_body(kind)[1] == 1
    with pytest.raises(MalformedError, match="none of"):
        codec._enum(FileKind, "other")


def test_private_maps_hold_text_integers_and_lists() -> None:
    private: codec.Private = {"officers": ["张某", "李某"], "count": 2, "nested": [[1], "x"]}
    data = codec.encode_private(private)
    assert codec.decode_private(data) == private


@pytest.mark.parametrize(
    "private", [{"a": 1.5}, {"a": None}, {"a": True}, {1: "a"}, {"a": {"b": 1}}, {"a": "x" * 70_000}]
)
def test_private_maps_hold_nothing_else(private: codec.Private) -> None:
    """SF-36."""
    with pytest.raises(BodyError):
        codec.encode_private(private)


@pytest.mark.parametrize("data", [b"\x80", b"\xa1\x01\x61a", b"\xa1\x61a\xf5", b"\xa1\x61a\xa0"])
def test_other_private_parts_are_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        codec.decode_private(data)


def test_halt_is_small() -> None:
    assert codec.encode_body(Halt("stop")) == {1: "stop"}

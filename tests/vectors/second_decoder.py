"""Bytes of the sealed format, read from FORMAT.md alone: CBOR, envelopes, bodies by its own tables."""

import re
import struct
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

FORMAT = Path(__file__).parents[2] / "sealing" / "FORMAT.md"
MAGIC = bytes.fromhex("89455653310d0a1a")
HEADER_MAX, PAYLOAD_MAX = 65536, 67_108_864
ED25519, ESP256 = -19, -9
WIDTHS = {24: 1, 25: 2, 26: 4, 27: 8}
DEPTH_MAX, ITEMS_MAX = 8, 4096


class BadBytesError(Exception):
    """The bytes are not of the format."""


class BorderError(BadBytesError):
    """Framing and header do not agree about the payload's length."""


class ForbiddenError(BadBytesError):
    """A signature of a kind that the format does not have."""


def need(condition: object, why: str = "not of the format") -> None:
    if not condition:
        raise BadBytesError(why)


class Decoder:
    """Deterministic CBOR (section 1), no byte left over."""

    def __init__(self, data: bytes) -> None:
        self.data = data
        self.at = 0

    @classmethod
    def whole(cls, data: bytes) -> Any:  # noqa: ANN401  # what it is, the bytes say
        decoder = cls(data)
        value = decoder.item(0)
        need(decoder.at == len(data), "bytes left over")
        return value

    def take(self, count: int) -> bytes:
        need(count <= len(self.data) - self.at, "cut off")
        self.at += count
        return self.data[self.at - count : self.at]

    def head(self) -> tuple[int, int]:
        first = self.take(1)[0]
        major, low = first >> 5, first & 31
        if major == 7 or low < 24:
            return major, low
        need(low in WIDTHS, "indefinite or reserved length")
        number = int.from_bytes(self.take(WIDTHS[low]), "big")
        need(number >= (24 if low == 24 else 1 << (4 << (low - 24))), "not the shortest")
        return major, number

    def item(self, depth: int) -> Any:  # noqa: ANN401
        major, number = self.head()
        if major in (0, 1):
            need(number < 1 << 63, "integer out of range")
            return number if major == 0 else -1 - number
        if major in (2, 3):
            data = self.take(number)
            return data if major == 2 else self.text(data)
        if major in (4, 5):
            need(depth < DEPTH_MAX and number <= ITEMS_MAX, "too deep or too many")
            return [self.item(depth + 1) for _ in range(number)] if major == 4 else self.map(number, depth + 1)
        need(major == 7 and number in (20, 21), "tag or simple value")
        return number == 21

    @staticmethod
    def text(data: bytes) -> str:
        try:
            return data.decode()
        except UnicodeDecodeError as error:
            raise BadBytesError("text is not UTF-8") from error

    def map(self, entries: int, depth: int) -> dict[Any, Any]:
        values: dict[Any, Any] = {}
        before = b""
        for _ in range(entries):
            start = self.at
            key = self.item(depth)
            encoded = self.data[start : self.at]
            need(type(key) in (int, str) and (type(key) is str or key >= 0), "kind of key")
            need(encoded > before, "keys out of order")
            before = encoded
            values[key] = self.item(depth)
        need(len({type(key) for key in values}) <= 1, "keys of two kinds")
        return values


def encode(value: Any) -> bytes:  # noqa: ANN401
    """The little that has to be encoded: what signatures and bindings cover."""
    if isinstance(value, list):
        return _head(4, len(value)) + b"".join(map(encode, value))
    if isinstance(value, str):
        return _head(3, len(value.encode())) + value.encode()
    return _head(0, value) if isinstance(value, int) else _head(2, len(value)) + value


def _head(major: int, number: int) -> bytes:
    if number < 24:
        return bytes([major << 5 | number])
    low, width = next((low, width) for low, width in WIDTHS.items() if number < 1 << (8 * width))
    return bytes([major << 5 | low]) + number.to_bytes(width, "big")


@dataclass(frozen=True)
class Envelope:
    """COSE_Sign1 in the format's one shape (SF-5)."""

    algorithm: int
    key_id: bytes
    protected: bytes
    payload: bytes
    signature: bytes

    @classmethod
    def read(cls, data: bytes) -> "Envelope":
        need(data[:1] == b"\xd2", "not tagged 18")
        parts = Decoder.whole(data[1:])
        need(isinstance(parts, list) and len(parts) == 4 and parts[1] == {}, "not four parts")
        protected, _, payload, signature = parts
        need(all(isinstance(part, bytes) for part in (protected, payload, signature)), "parts are not bytes")
        head = Decoder.whole(protected)
        need(isinstance(head, dict) and set(head) == {1, 4} and len(signature) == 64, "protected header")
        need(type(head[1]) is int and isinstance(head[4], bytes), "alg or kid")
        need(len(head[4]) == 16, "kid")
        if head[1] not in (ED25519, ESP256):
            raise ForbiddenError(f"alg {head[1]}")
        return cls(head[1], head[4], protected, payload, signature)

    def check(self, key: object, key_id: bytes, purpose: str) -> bool:
        """Whether this key signed it for this purpose."""
        signed = encode(["Signature1", self.protected, purpose.encode(), self.payload])
        if key_id != self.key_id:
            return False
        try:
            if isinstance(key, ed25519.Ed25519PublicKey) and self.algorithm == ED25519:
                key.verify(self.signature, signed)
            elif isinstance(key, ec.EllipticCurvePublicKey) and self.algorithm == ESP256:
                r, s = (int.from_bytes(half, "big") for half in (self.signature[:32], self.signature[32:]))
                key.verify(encode_dss_signature(r, s), signed, ec.ECDSA(hashes.SHA256()))
            else:
                return False
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True)
class Field:
    """One row of a table of section 4."""

    name: str
    kind: str
    optional: bool
    span: str


def _tables() -> tuple[dict[str, dict[int, Field]], dict[int, str], dict[str, set[str]]]:
    """Bodies by name, their numbers, and the lists of codes, as sections 4 prints them."""
    part = FORMAT.read_text("utf-8").split("<!-- records:")[1].split("<!-- /records -->")[0]
    bodies: dict[str, dict[int, Field]] = {}
    numbers: dict[int, str] = {}
    for section in part.split("\n#### ")[1:]:
        title = section.split("\n", 1)[0].split()
        if len(title) == 2:
            numbers[int(title[0])] = title[1]
        rows = re.findall(r"^\| (\d+) \| (\w+) \| ([^|]+) \| ([^|]*) \|", section, re.MULTILINE)
        bodies[title[-1]] = {
            int(key): Field(name, kind.strip().removesuffix(", optional"), "optional" in kind, span.strip())
            for key, name, kind, span in rows
        }
    codes = re.findall(r"^\| (\w+) \| (`.+`) \|$", part, re.MULTILINE)
    return bodies, numbers, {name: set(re.findall(r"`([^`]+)`", values)) for name, values in codes}


BODIES, NUMBERS, CODES = _tables()


def body(name: str, encoded: object) -> dict[str, Any]:
    """A body by its field names; optional ones without a value are None."""
    need(isinstance(encoded, dict), f"{name} is no map")
    assert isinstance(encoded, dict)
    fields = BODIES[name]
    need(set(encoded) <= set(fields), f"{name}: unknown key")
    for key, field in fields.items():
        need(key in encoded or field.optional, f"{name}: {field.name} is missing")
    return {f.name: _value(f.kind, f.span, encoded[key]) if key in encoded else None for key, f in fields.items()}


def _value(kind: str, span: str, value: Any) -> Any:  # noqa: ANN401
    if kind.startswith("list of "):
        need(isinstance(value, list) and len(value) <= 256, "list")
        return [_value(kind[8:], span, entry) for entry in value]
    if kind in CODES:
        need(type(value) is str and value in CODES[kind], f"{kind} {value!r}")
    elif kind == "[text, int]":
        need(type(value) is list and len(value) == 2, "pair")
        return [_value("text", "", value[0]), _value("int", "", value[1])]
    elif kind in BODIES:
        return body(kind, value)
    else:
        _scalar(kind, span, value)
    return value


def _scalar(kind: str, span: str, value: Any) -> None:  # noqa: ANN401
    need(type(value) is {"int": int, "bool": bool, "text": str, "bytes": bytes}[kind], f"{kind} expected")
    figures = [int(figure) for figure in re.findall(r"\d+", span)]
    if kind == "int" and figures:
        need(value >= figures[0] and (len(figures) == 1 or value <= figures[1]), f"{value} is out of range")
    if kind == "text":
        need(len(value.encode()) <= 256, "text too long")
    if kind == "bytes":
        need(len(value) == figures[0] if figures else len(value) <= 8192, "length of bytes")


@dataclass(frozen=True)
class Raw:
    """One record as it is framed."""

    offset: int
    header: bytes
    payload: bytes
    end: int


def frames(data: bytes) -> tuple[list[Raw], int, str]:
    """Whole records, where they end, and what stops the reading: nothing, TORN_TAIL or MALFORMED."""
    records: list[Raw] = []
    at = len(MAGIC)
    while at < len(data):
        if len(data) - at < 8:
            return records, at, "TORN_TAIL"
        header, payload = struct.unpack_from(">II", data, at)
        if not 1 <= header <= HEADER_MAX or payload > PAYLOAD_MAX:
            return records, at, "MALFORMED"
        end = at + 8 + header + payload
        if end > len(data):
            return records, at, "TORN_TAIL"
        start = at + 8 + header
        records.append(Raw(at, data[at + 8 : start], data[start:end], end))
        at = end
    return records, at, ""

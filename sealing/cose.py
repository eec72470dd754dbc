"""COSE_Sign1 (RFC 9052) in the one shape that the format has.

Rules of this module: an envelope is taken apart strictly before any key is used; only then is its signature verified,
by raising. Protected header exactly {alg, kid}, unprotected header empty, payload attached, own tag 18 in front.
The context is COSE's external_aad: a signature made for one purpose never counts for another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import IntEnum
from functools import lru_cache
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from sealing import encoding
from sealing.errors import BadSignatureError, MalformedError, SuiteError
from sealing.gm.sm2 import Sm2PublicKey
from sealing.limits import HEADER_BYTES_MAX, KEY_ID_BYTES, SIGNATURE_BYTES_MAX

_TAG_SIGN1: Final = b"\xd2"
_HEADER_ALGORITHM: Final = 1
_HEADER_KEY_ID: Final = 4
_FOUR: Final = b"\x84"
_EMPTY_MAP: Final = b"\xa0"
_PROTECTED_BYTES_MAX: Final = 64
_SCALAR_BYTES: Final = 32
_SIGNATURE_1: Final = b"\x84\x6aSignature1"
"""Beginning of what is signed: an array of four, its first the name of the structure."""
_BYTE_STRING: Final = 0x40
_ONE_BYTE_MIN: Final = 24
"""CBOR: from here on the length of a byte string stands behind its first byte."""
_LENGTH_BYTES: Final = {0x40 | 24: 1, 0x40 | 25: 2, 0x40 | 26: 4}
"""How many bytes the length of a byte string takes, by the first byte."""
_SHORTEST: Final = {0x40 | 24: _ONE_BYTE_MIN, 0x40 | 25: 1 << 8, 0x40 | 26: 1 << 16}
"""The shortest byte string whose length is said so."""

PublicKey = ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey | Sm2PublicKey
"""Keys that verify signatures."""


class Algorithm(IntEnum):
    """COSE algorithm ids of the format (fully specified, RFC 9864)."""

    ED25519 = -19
    ESP256 = -9
    SM2 = -65_542
    """Private use: COSE has no number for SM2 with SM3."""


_KEY_CLASSES: Final[Mapping[Algorithm, type[PublicKey]]] = {
    Algorithm.ED25519: ed25519.Ed25519PublicKey,
    Algorithm.ESP256: ec.EllipticCurvePublicKey,
    Algorithm.SM2: Sm2PublicKey,
}


class Context(bytes):
    """What a signature is for; bound into it as external_aad."""

    __slots__ = ()


RECORD: Final = Context(b"evs1 record")
EPOCH: Final = Context(b"evs1 epoch")
TICK: Final = Context(b"evs1 tick")
WITNESS: Final = Context(b"recorder witness")
"""A store's statement that it has seen a record (`sync/PROTOCOL.md`)."""
RECEIPT: Final = Context(b"evs1 receipt")
DOCUMENT: Final = Context(b"agency document")
"""What the agency decides, for its units and its verifiers (`sealing.agency_document`)."""
ANNOTATION: Final = Context(b"recorder annotation")
"""What a person of the back office states about footage, beside it (`sync/PROTOCOL.md`)."""


@dataclass(frozen=True, slots=True)
class Sign1:
    """A well-formed envelope whose signature nobody has checked yet."""

    algorithm: Algorithm
    key_id: bytes
    payload: bytes
    signature: bytes
    protected: bytes


def encode_sign1(
    algorithm: Algorithm, key_id: bytes, payload: bytes, context: Context, sign: Callable[[bytes], bytes]
) -> bytes:
    """Sign a payload and return the tagged envelope.

    Args:
        algorithm: What `sign` does.
        key_id: Key id of the signing key, 16 bytes.
        payload: What is signed, attached.
        context: What the signature is for.
        sign: Makes the raw 64 byte signature over the message that it is given.
    """
    protected = _write_protected(algorithm, key_id)
    signature = sign(_message(protected, context, payload))
    parts = (_byte_string(protected), _EMPTY_MAP, _byte_string(payload), _byte_string(signature))
    return _TAG_SIGN1 + _FOUR + b"".join(parts)


def decode_sign1(data: bytes, longest_bytes: int = HEADER_BYTES_MAX) -> Sign1:
    """Take an envelope apart without verifying it.

    Raises:
        MalformedError: It is not exactly the shape that `encode_sign1` writes (SF-5).
        SuiteError: Its algorithm is none of the format's.
    """
    if data[:1] != _TAG_SIGN1:
        raise MalformedError("not a COSE_Sign1: its tag 18 is missing")
    if len(data) - 1 > longest_bytes:
        raise MalformedError(f"COSE_Sign1 of {len(data)} bytes is longer than the {longest_bytes} allowed here")
    if data[1:2] != _FOUR:
        raise MalformedError("COSE_Sign1 is not an array of four")
    protected, at = _take_byte_string(data, 2)
    if data[at : at + 1] != _EMPTY_MAP:
        raise MalformedError("COSE_Sign1 has something else than an empty map for its unprotected header")
    payload, at = _take_byte_string(data, at + 1)
    signature, at = _take_byte_string(data, at)
    if at != len(data):
        raise MalformedError("bytes follow a COSE_Sign1")
    if len(signature) != SIGNATURE_BYTES_MAX:
        raise MalformedError(f"signature of {len(signature)} bytes, not {SIGNATURE_BYTES_MAX}")
    algorithm, key_id = _read_protected(protected)
    return Sign1(algorithm, key_id, payload, signature, protected)


def verify_sign1(message: Sign1, context: Context, public_key: PublicKey) -> None:
    """Check the signature of an envelope.

    Raises:
        BadSignatureError: The key did not make it over this payload for this context, or is of another kind than
            the algorithm says.
    """
    check_algorithm(message.algorithm, public_key)
    signed = _message(message.protected, context, message.payload)
    try:
        if isinstance(public_key, ec.EllipticCurvePublicKey):
            public_key.verify(der_signature(message.signature), signed, ec.ECDSA(SHA256()))
        else:
            public_key.verify(message.signature, signed)
    except InvalidSignature as error:
        raise BadSignatureError(f"{message.algorithm.name} signature does not verify ({context.decode()})") from error


def check_algorithm(algorithm: Algorithm, public_key: PublicKey) -> None:
    """Check that a key is of the kind that an algorithm says.

    Raises:
        BadSignatureError: It is of another kind.
    """
    if not isinstance(public_key, _KEY_CLASSES[algorithm]):
        raise BadSignatureError(f"algorithm {algorithm.name} does not fit the key")


def raw_signature(der: bytes) -> bytes:
    """Turn an ECDSA signature from DER into r ‖ s, 32 bytes each."""
    r, s = decode_dss_signature(der)
    return r.to_bytes(_SCALAR_BYTES, "big") + s.to_bytes(_SCALAR_BYTES, "big")


def der_signature(raw: bytes) -> bytes:
    """Turn an ECDSA signature from r ‖ s into DER."""
    return encode_dss_signature(int.from_bytes(raw[:_SCALAR_BYTES], "big"), int.from_bytes(raw[_SCALAR_BYTES:], "big"))


def _message(protected: bytes, context: Context, payload: bytes) -> bytes:
    # Byte strings behind constants: written out, for every record that is sealed or verified needs it.
    return _SIGNATURE_1 + _byte_string(protected) + _byte_string(context) + _byte_string(payload)


def _byte_string(data: bytes) -> bytes:
    """Encode a byte string, its length as short as it can be said."""
    length = len(data)
    if length < _ONE_BYTE_MIN:
        return bytes((_BYTE_STRING | length,)) + data
    if length < 1 << 8:
        return bytes((_BYTE_STRING | 24, length)) + data
    if length < 1 << 16:
        return bytes((_BYTE_STRING | 25,)) + length.to_bytes(2, "big") + data
    return bytes((_BYTE_STRING | 26,)) + length.to_bytes(4, "big") + data


def _take_byte_string(data: bytes, at: int) -> tuple[bytes, int]:
    """Read the byte string at a place; returns it and the place behind it (SF-2: one spelling alone)."""
    first = data[at] if at < len(data) else 0
    begin = at + 1
    length = first - _BYTE_STRING
    if first in _LENGTH_BYTES:
        begin += _LENGTH_BYTES[first]
        length = int.from_bytes(data[at + 1 : begin], "big")
        if length < _SHORTEST[first]:
            raise MalformedError("COSE_Sign1 says a length in more bytes than it takes")
    elif not 0 <= length < _ONE_BYTE_MIN:
        raise MalformedError("COSE_Sign1 with a part that is not a byte string")
    if begin + length > len(data):
        raise MalformedError("COSE_Sign1 ends inside a byte string")
    return data[begin : begin + length], begin + length


@lru_cache(maxsize=64)
def _write_protected(algorithm: Algorithm, key_id: bytes) -> bytes:
    return encoding.encode({_HEADER_ALGORITHM: int(algorithm), _HEADER_KEY_ID: key_id})


@lru_cache(maxsize=64)
def _read_protected(protected: bytes) -> tuple[Algorithm, bytes]:
    header = encoding.decode(protected, _PROTECTED_BYTES_MAX)
    if not isinstance(header, dict) or set(header) != {_HEADER_ALGORITHM, _HEADER_KEY_ID}:
        raise MalformedError("COSE_Sign1 protected header is not exactly {alg, kid}")
    algorithm, key_id = header[_HEADER_ALGORITHM], header[_HEADER_KEY_ID]
    if type(algorithm) is not int:
        raise MalformedError("COSE_Sign1 algorithm is not an integer")
    if not isinstance(key_id, bytes) or len(key_id) != KEY_ID_BYTES:
        raise MalformedError(f"COSE_Sign1 key id is not {KEY_ID_BYTES} bytes")
    try:
        return Algorithm(algorithm), key_id
    except ValueError as error:
        raise SuiteError(
            f"COSE algorithm {algorithm} is none of the format's ({', '.join(map(str, map(int, Algorithm)))})"
        ) from error

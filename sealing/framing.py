"""Layout of a sealed file, and the signed header of a record.

Rules of this module: bytes and values only, no file is opened here. A length is bounded before anything is read or
allocated by it (`FORMAT.md`, SF-8, SF-10 to SF-12).

    magic (8)  { header length u32 | payload length u32 | header COSE_Sign1 | payload }*
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from sealing import codec, cose, encoding
from sealing.cose import Algorithm, Sign1
from sealing.encoding import Plain
from sealing.errors import MalformedError
from sealing.limits import (
    DEVICE_ID_CHARACTERS_MAX,
    FILE_NUMBER_MAX,
    FORMAT_VERSION,
    HASH_BYTES,
    HEADER_BYTES_MAX,
    INTEGER_MAX,
    PAYLOAD_BYTES_MAX,
    SEQUENCE_FIRST,
)
from sealing.records import Body, RecordType

PREFIX_BYTES: Final = 8
FIRST_PREVIOUS_HASH: Final = bytes(HASH_BYTES)
"""Previous hash of the first record of a chain."""
FILE_SUFFIX: Final = ".evs"
DROPPED_SUFFIX: Final = ".torn"
_PREFIX: Final = struct.Struct(">II")
_NAME: Final = re.compile(r"([0-9]{8})(\.evs|\.torn)")
_DEVICE_ID: Final = re.compile(rf"[A-Za-z0-9._-]{{1,{DEVICE_ID_CHARACTERS_MAX}}}")
TIME_SOURCES: Final = ("network", "store", "rtc", "unset")


@dataclass(frozen=True, slots=True)
class RecordHeader:
    """What stands signed and in the clear in front of every payload."""

    type: RecordType
    sequence: int
    """Position in the device's chain, from 1, never reset."""
    previous_hash: bytes
    """Suite hash of the header (COSE bytes) of the record before, whatever file it stands in."""
    device_id: str
    epoch: int
    utc_ns: int
    boottime_ns: int
    boot_number: int
    body: Body
    payload_hash: bytes | None
    """Suite hash of the payload; None exactly when `payload_length` is 0."""
    payload_length: int
    time_source: str
    """network, store, rtc or unset (`hal.values.TimeSource`)."""
    uncertainty_ns: int
    """Largest error of `utc_ns` that the source admits; -1 when it admits none."""
    version: int = FORMAT_VERSION


@dataclass(frozen=True, slots=True)
class ChainRecord:
    """One whole record as it was found, without its payload."""

    header: RecordHeader
    hash: bytes
    """Suite hash of the COSE bytes: what the next record names."""
    file_number: int
    offset_bytes: int
    """Where its framing begins in the file."""
    length_bytes: int
    """Framing, header and payload."""


def encode_header(header: RecordHeader, fields_of_body: dict[int, Plain] | None = None) -> bytes:
    """Encode the map that is signed.

    Args:
        header: What it says.
        fields_of_body: The body's map, where it was made before (`codec.check_body`).

    Raises:
        BodyError: The body has a value outside its range.
    """
    fields: dict[int, Plain] = {
        1: header.version,
        2: int(header.type),
        3: header.sequence,
        4: header.previous_hash,
        5: header.device_id,
        6: header.epoch,
        7: header.utc_ns,
        8: header.boottime_ns,
        9: header.boot_number,
        10: codec.encode_body(header.body) if fields_of_body is None else fields_of_body,
    }
    if header.payload_hash is not None:
        fields[_PAYLOAD_HASH] = header.payload_hash
    fields[12] = header.payload_length
    fields[13] = header.time_source
    fields[14] = header.uncertainty_ns
    return encoding.encode(fields)


def decode_header(data: bytes) -> RecordHeader:
    """Read the map that was signed (the payload of the header's COSE_Sign1).

    Raises:
        MalformedError: A field is missing, unknown or outside its range.
    """
    fields = encoding.decode(data, HEADER_BYTES_MAX)
    if type(fields) is not dict or tuple(fields) not in _KEYS:
        raise MalformedError("record header has not exactly the keys 1 to 14")
    # In one loop, without a call for each: every record that is verified comes through here.
    for key, low, high in _INTEGERS:
        value = fields[key]
        if type(value) is not int or not low <= value <= high:
            raise MalformedError(f"record header key {key} is not an integer from {low} to {high}")
    record_type = _record_type(fields[2])
    return RecordHeader(
        type=record_type,
        sequence=fields[3],
        previous_hash=_hash(fields, 4),
        device_id=checked_device_id(_text(fields, 5)),
        epoch=fields[6],
        utc_ns=fields[7],
        boottime_ns=fields[8],
        boot_number=fields[9],
        body=codec.decode_body(record_type, fields[10]),
        payload_hash=_payload_hash(fields),
        payload_length=fields[12],
        time_source=_time_source(_text(fields, 13)),
        uncertainty_ns=fields[14],
        version=fields[1],
    )


def seal_header(
    header: RecordHeader,
    algorithm: Algorithm,
    key_id: bytes,
    sign: Callable[[bytes], bytes],
    fields_of_body: dict[int, Plain] | None = None,
) -> bytes:
    """Encode and sign a header; returns the COSE bytes that stand in the file and that are hashed.

    Args:
        header: What is signed.
        algorithm: What `sign` does.
        key_id: Key id of the signing key.
        sign: Makes the raw signature.
        fields_of_body: The body's map, where it was made before.

    Raises:
        BodyError: The body has a value outside its range.
        MalformedError: The header is longer than a header may be.
    """
    data = cose.encode_sign1(algorithm, key_id, encode_header(header, fields_of_body), cose.RECORD, sign)
    if len(data) > HEADER_BYTES_MAX:
        raise MalformedError(f"header of {len(data)} bytes is longer than {HEADER_BYTES_MAX}")
    return data


def open_header(data: bytes) -> tuple[Sign1, RecordHeader]:
    """Take a header's COSE bytes apart; the signature is not verified here (`cose.verify_sign1` with `RECORD`).

    Raises:
        MalformedError: Envelope or header break a rule.
        SuiteError: The algorithm is none of the format's.
    """
    message = cose.decode_sign1(data)
    return message, decode_header(message.payload)


def encode_prefix(header_length: int, payload_length: int) -> bytes:
    """Encode the 8 bytes in front of a record.

    Raises:
        MalformedError: A length is outside its range.
    """
    _check_lengths(header_length, payload_length)
    return _PREFIX.pack(header_length, payload_length)


def decode_prefix(data: bytes) -> tuple[int, int]:
    """Read the 8 bytes in front of a record: header length and payload length.

    Raises:
        MalformedError: A length is outside its range, or these are not 8 bytes.
    """
    if len(data) != PREFIX_BYTES:
        raise MalformedError(f"framing of {len(data)} bytes, not {PREFIX_BYTES}")
    header_length, payload_length = _PREFIX.unpack(data)
    _check_lengths(header_length, payload_length)
    return header_length, payload_length


def file_name(number: int) -> str:
    """Name of a sealed file in the spool.

    Raises:
        MalformedError: The number has no name.
    """
    return f"{_checked_number(number):08d}{FILE_SUFFIX}"


def dropped_name(number: int) -> str:
    """Name under which a file without a whole beginning is kept.

    Raises:
        MalformedError: The number has no name.
    """
    return f"{_checked_number(number):08d}{DROPPED_SUFFIX}"


def file_number(name: str) -> int:
    """Number of a sealed file.

    Raises:
        MalformedError: It is not the name of a sealed file.
    """
    number, suffix = parse_name(name)
    if suffix != FILE_SUFFIX:
        raise MalformedError(f"{name!r} is not the name of a sealed file (NNNNNNNN.evs)")
    return number


def parse_name(name: str) -> tuple[int, str]:
    """Number and suffix of a file of the chain, sealed or dropped.

    Raises:
        MalformedError: It is neither.
    """
    match = _NAME.fullmatch(name)
    if match is None or int(match[1]) == 0:
        raise MalformedError(f"{name!r} is not the name of a file of a chain (NNNNNNNN.evs or NNNNNNNN.torn)")
    return int(match[1]), match[2]


@lru_cache(maxsize=64)
def checked_device_id(device_id: str) -> str:
    """Return the device id if the format can carry it.

    Raises:
        MalformedError: It is not 1 to 64 characters of A-Z a-z 0-9 . _ -
    """
    if _DEVICE_ID.fullmatch(device_id) is None:
        raise MalformedError(f"device id {device_id[:80]!r} is not 1 to 64 characters of A-Z a-z 0-9 . _ -")
    return device_id


def _checked_number(number: int) -> int:
    if not 1 <= number <= FILE_NUMBER_MAX:
        raise MalformedError(f"file number {number} is outside 1 to {FILE_NUMBER_MAX}")
    return number


def _check_lengths(header_length: int, payload_length: int) -> None:
    if not 1 <= header_length <= HEADER_BYTES_MAX:
        raise MalformedError(f"header length {header_length} is outside 1 to {HEADER_BYTES_MAX}")
    if not 0 <= payload_length <= PAYLOAD_BYTES_MAX:
        raise MalformedError(f"payload length {payload_length} is outside 0 to {PAYLOAD_BYTES_MAX}")


_PAYLOAD_HASH: Final = 11
_KEYS: Final = frozenset({tuple(range(1, 15)), tuple(key for key in range(1, 15) if key != _PAYLOAD_HASH)})
"""With and without a payload."""
_INTEGERS: Final = (
    (1, FORMAT_VERSION, FORMAT_VERSION),
    (2, 1, INTEGER_MAX),
    (3, SEQUENCE_FIRST, INTEGER_MAX),
    (6, 1, INTEGER_MAX),
    (7, 0, INTEGER_MAX),
    (8, 0, INTEGER_MAX),
    (9, 1, INTEGER_MAX),
    (12, 0, PAYLOAD_BYTES_MAX),
    (14, -1, INTEGER_MAX),
)
"""Keys that hold integers, and their ranges."""
_TYPES: Final = {int(each): each for each in RecordType}


def _text(fields: dict[int, Any], key: int) -> str:
    value = fields[key]
    if type(value) is not str:
        raise MalformedError(f"record header key {key} is not text")
    return value


def _hash(fields: dict[int, Any], key: int) -> bytes:
    value = fields[key]
    if type(value) is not bytes or len(value) != HASH_BYTES:
        raise MalformedError(f"record header key {key} is not a hash of {HASH_BYTES} bytes")
    return value


def _payload_hash(fields: dict[int, Any]) -> bytes | None:
    given = _PAYLOAD_HASH in fields
    if given is (fields[12] == 0):
        raise MalformedError("record header has a payload hash without a payload, or a payload without a hash")
    return _hash(fields, _PAYLOAD_HASH) if given else None


def _record_type(number: int) -> RecordType:
    found = _TYPES.get(number)
    if found is None:
        raise MalformedError(f"record type {number} is unknown")
    return found


def _time_source(text: str) -> str:
    if text not in TIME_SOURCES:
        raise MalformedError(f"time source {text[:40]!r} is none of {', '.join(TIME_SOURCES)}")
    return text

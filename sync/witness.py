"""What a store says of a single record, and of the time: short statements under its receipt key.

A statement is also a trusted time over a record, which the agent may seal (`sealing/FORMAT.md`, SF-46).

Rules of this module: bytes in, values out, or an error; the same COSE envelope as receipts, with contexts of its own,
so that none can be taken for another. The store makes them, the unit's sync carries them, the agent judges them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from sealing import cose, encoding
from sealing.cose import Algorithm, Context, PublicKey
from sealing.encoding import Plain
from sealing.errors import SealingError
from sealing.limits import HASH_BYTES, INTEGER_MAX, TEXT_BYTES_MAX
from sync.errors import WireError

STATEMENT_BYTES_MAX: Final = 4096
NONCE_BYTES: Final = 16
_VERSION: Final = 1
_TIME: Final = Context(b"recorder time")
_WITNESS_FIELDS: Final = range(1, 8)
_TIME_FIELDS: Final = range(1, 6)

Sign = Callable[[bytes], bytes]
"""Makes the raw 64 byte signature of the store's receipt key."""


class Witnessed(StrEnum):
    """As what the store has seen a record."""

    HEAD = "head"
    ALERT = "alert"


@dataclass(frozen=True, slots=True)
class Statement:
    """The store has seen this record (SY-32, SY-33)."""

    store_id: str
    device_id: str
    seen_as: Witnessed
    sequence: int
    record_hash: bytes
    received_utc_ns: int
    """The store's clock."""


@dataclass(frozen=True, slots=True)
class TimeToken:
    """The store's time, for one unit and one question (SY-35)."""

    store_id: str
    device_id: str
    utc_ns: int
    nonce: bytes
    """What the unit sent: an old token does not answer a new question."""


def sign_statement(statement: Statement, key_id: bytes, sign: Sign) -> bytes:
    """Encode and sign a statement."""
    fields: dict[int, Plain] = {
        1: _VERSION,
        2: statement.store_id,
        3: statement.device_id,
        4: statement.seen_as.value,
        5: statement.sequence,
        6: statement.record_hash,
        7: statement.received_utc_ns,
    }
    return cose.encode_sign1(Algorithm.ESP256, key_id, encoding.encode(fields), cose.WITNESS, sign)


def verify_statement(data: bytes, store_key: PublicKey) -> Statement:
    """Read a statement whose signature must be the store's.

    Raises:
        WireError: It is malformed, or the key did not sign it.
    """
    match _verified(data, cose.WITNESS, _WITNESS_FIELDS, store_key):
        case {2: str(store), 3: str(device), 4: str(seen), 5: int(sequence), 6: bytes(digest), 7: int(received)} if (
            len(digest) == HASH_BYTES and seen in set(Witnessed) and sequence > 0
        ):
            return Statement(store, device, Witnessed(seen), sequence, digest, received)
        case _:
            raise WireError("a witness statement has a field of another kind")


def sign_time(token: TimeToken, key_id: bytes, sign: Sign) -> bytes:
    """Encode and sign a time token."""
    fields: dict[int, Plain] = {1: _VERSION, 2: token.store_id, 3: token.device_id, 4: token.utc_ns, 5: token.nonce}
    return cose.encode_sign1(Algorithm.ESP256, key_id, encoding.encode(fields), _TIME, sign)


def verify_time(data: bytes, store_key: PublicKey) -> TimeToken:
    """Read a time token whose signature must be the store's.

    Raises:
        WireError: It is malformed, or the key did not sign it.
    """
    match _verified(data, _TIME, _TIME_FIELDS, store_key):
        case {2: str(store), 3: str(device), 4: int(utc_ns), 5: bytes(nonce)} if len(nonce) == NONCE_BYTES:
            return TimeToken(store, device, utc_ns, nonce)
        case _:
            raise WireError("a time token has a field of another kind")


def _verified(data: bytes, context: Context, fields: range, store_key: PublicKey) -> dict[int, Plain]:
    try:
        message = cose.decode_sign1(data, STATEMENT_BYTES_MAX)
        cose.verify_sign1(message, context, store_key)
        plain = encoding.decode(message.payload, STATEMENT_BYTES_MAX)
    except SealingError as error:
        raise WireError(f"not a statement of the agency's store: {error}") from error
    if not isinstance(plain, dict) or list(plain) != list(fields) or plain[1] != _VERSION:
        raise WireError(f"a statement is not version {_VERSION} with its {len(fields)} fields")
    checked = {int(key): value for key, value in plain.items() if isinstance(key, int)}
    if any(isinstance(value, int) and not 0 <= value <= INTEGER_MAX for value in checked.values()):
        raise WireError("a statement has a number outside its range")
    if any(isinstance(value, str) and not 0 < len(value.encode()) <= TEXT_BYTES_MAX for value in checked.values()):
        raise WireError("a statement has a text outside its length")
    return checked

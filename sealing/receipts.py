"""A store's receipt: its signed promise that it holds a file, durably and verified.

Rules of this module: bytes in, values out, or an error. Receipts use the COSE envelope of `cose`, with a context of
their own. Both ends and every verifier read them here (`sync/PROTOCOL.md`, section 3).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from sealing import cose, encoding
from sealing.cose import Algorithm, PublicKey
from sealing.encoding import Plain
from sealing.errors import MalformedError, SealingError
from sealing.limits import HASH_BYTES, INTEGER_MAX, TEXT_BYTES_MAX
from sealing.oids import EKU_RECEIPT

RECEIPT_VERSION: Final = 1
RECEIPT_BYTES_MAX: Final = 4096
FIRST_PREVIOUS_RECEIPT: Final = bytes(HASH_BYTES)
"""`previous_receipt_hash` of a unit's first receipt."""
DURABLE_FSYNC: Final = "fsync-1"
"""Durability: one copy, file and folders synced, the row committed with full synchronisation."""
_FIELDS: Final = range(1, 13)


class ReceiptError(SealingError):
    """A receipt is malformed, or its signature is not the store's."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What a store promises."""

    store_id: str
    device_id: str
    file_id: bytes
    size_bytes: int
    first_sequence: int
    last_sequence: int
    head_hash: bytes
    """Hash of the file's last whole record."""
    received_utc_ns: int
    """The store's clock at the commit."""
    receipt_number: int
    """Counts the unit's receipts from 1 without a gap."""
    previous_receipt_hash: bytes
    """SHA-256 of the unit's receipt before, zeros for the first."""
    durability: str


def receipt_hash(data: bytes) -> bytes:
    """Name a receipt: SHA-256 of its bytes."""
    return hashlib.sha256(data).digest()


def sign_receipt(receipt: Receipt, algorithm: Algorithm, key_id: bytes, sign: Callable[[bytes], bytes]) -> bytes:
    """Encode and sign a receipt.

    Args:
        receipt: What is promised.
        algorithm: What `sign` does.
        key_id: Key id of the receipt key, 16 bytes.
        sign: Makes the raw 64 byte signature over the message that it is given.
    """
    fields: dict[int, Plain] = {
        1: RECEIPT_VERSION,
        2: receipt.store_id,
        3: receipt.device_id,
        4: receipt.file_id,
        5: receipt.size_bytes,
        6: receipt.first_sequence,
        7: receipt.last_sequence,
        8: receipt.head_hash,
        9: receipt.received_utc_ns,
        10: receipt.receipt_number,
        11: receipt.previous_receipt_hash,
        12: receipt.durability,
    }
    return cose.encode_sign1(algorithm, key_id, encoding.encode(fields), cose.RECEIPT, sign)


def read_receipt(data: bytes) -> Receipt:
    """Read a receipt without verifying its signature.

    Raises:
        ReceiptError: It is malformed.
    """
    return _opened(data)[1]


def verify_receipt(data: bytes, store_key: PublicKey) -> Receipt:
    """Read a receipt whose signature must be the store's.

    Args:
        data: The receipt as it was stored and sent.
        store_key: The store's receipt key (`receipt_key`).

    Raises:
        ReceiptError: It is malformed, or the key did not sign it.
    """
    message, receipt = _opened(data)
    try:
        cose.verify_sign1(message, cose.RECEIPT, store_key)
    except SealingError as error:
        raise ReceiptError(f"receipt {receipt.receipt_number} is not signed by the store: {error}") from error
    return receipt


def receipt_key(certificate: x509.Certificate) -> PublicKey:
    """Take the key out of a store's receipt certificate.

    Raises:
        ReceiptError: The certificate is not for receipts, or its key is of a kind that signs none.
    """
    try:
        usages = list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        usages = []
    if usages != [EKU_RECEIPT]:
        raise ReceiptError("the certificate is not a store's receipt certificate; use trust/store-receipt.pem")
    key = certificate.public_key()
    if not isinstance(key, ed25519.Ed25519PublicKey | ec.EllipticCurvePublicKey):
        raise ReceiptError("the receipt certificate's key is neither Ed25519 nor P-256")
    return key


def _opened(data: bytes) -> tuple[cose.Sign1, Receipt]:
    try:
        message = cose.decode_sign1(data, RECEIPT_BYTES_MAX)
        return message, _receipt_of(encoding.decode(message.payload, RECEIPT_BYTES_MAX))
    except ReceiptError:
        raise
    except SealingError as error:
        raise ReceiptError(f"not a receipt: {error}") from error


def _receipt_of(plain: Plain) -> Receipt:
    if not isinstance(plain, dict) or list(plain) != list(_FIELDS) or plain[1] != RECEIPT_VERSION:
        raise MalformedError(f"receipt is not version {RECEIPT_VERSION} with its twelve fields")
    return Receipt(
        store_id=_text(plain[2]),
        device_id=_text(plain[3]),
        file_id=_hash(plain[4]),
        size_bytes=_count(plain[5], 1),
        first_sequence=_count(plain[6], 1),
        last_sequence=_count(plain[7], 1),
        head_hash=_hash(plain[8]),
        received_utc_ns=_count(plain[9], 0),
        receipt_number=_count(plain[10], 1),
        previous_receipt_hash=_hash(plain[11]),
        durability=_text(plain[12]),
    )


def _text(plain: Plain) -> str:
    if not isinstance(plain, str) or not 0 < len(plain.encode()) <= TEXT_BYTES_MAX:
        raise MalformedError(f"receipt has no text of 1 to {TEXT_BYTES_MAX} bytes where one belongs")
    return plain


def _hash(plain: Plain) -> bytes:
    if not isinstance(plain, bytes) or len(plain) != HASH_BYTES:
        raise MalformedError(f"receipt has no hash of {HASH_BYTES} bytes where one belongs")
    return plain


def _count(plain: Plain, low: int) -> int:
    if type(plain) is not int or not low <= plain <= INTEGER_MAX:
        raise MalformedError(f"receipt has no integer from {low} where one belongs")
    return plain

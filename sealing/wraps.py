"""A file's content key for its recipients: wrapping on the unit, opening on the desk.

Rules of this module: keys in, wraps out; no file is opened here. All binding of a wrap to version, suite, device,
file and recipient is in HPKE's info (`FORMAT.md`, SF-23).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives import serialization

from sealing import encoding, pem
from sealing.certificates import spki_of
from sealing.errors import KeyFileError, PolicyError, UndecryptableError
from sealing.limits import FORMAT_VERSION, RECIPIENTS_MAX, RECIPIENTS_MIN
from sealing.records import KeyWrap, Open
from sealing.suites import ContentCipher, RecipientPrivateKey, Suite, suite

_INFO: Final = b"evs1 wrap"


@dataclass(frozen=True, slots=True)
class Recipient:
    """Somebody who may open what the unit seals."""

    name: str
    """For people; stands in no record."""
    public_key_der: bytes
    """SubjectPublicKeyInfo of an X25519 or a P-256 key."""


def recipient_from_certificate(name: str, certificate: bytes) -> Recipient:
    """Make a recipient from an X.509 certificate, PEM or DER, or from a bare public key in PEM.

    Kinds of keys that no certificate can carry yet (suite 2) come bare: whoever signs the list of recipients vouches.

    Raises:
        KeyFileError: It is neither.
    """
    if f"-----BEGIN {pem.PUBLIC_KEY}-----".encode() in certificate:
        return Recipient(name, pem.take(certificate, pem.PUBLIC_KEY))
    try:
        is_pem = certificate.lstrip().startswith(b"-----BEGIN")
        loaded = x509.load_pem_x509_certificate(certificate) if is_pem else x509.load_der_x509_certificate(certificate)
        key = spki_of(loaded)
    except Exception as error:
        raise KeyFileError(f"certificate of recipient {name!r} cannot be read: {error}") from error
    return Recipient(name, key)


def check_recipients(used: Suite, recipients: Sequence[Recipient]) -> None:
    """Check that the format and the suite can serve these recipients.

    Raises:
        PolicyError: There are fewer than two or more than sixteen, or the same key twice.
        SuiteError: A key is of a kind that the suite does not wrap to.
    """
    keys = {recipient.public_key_der for recipient in recipients}
    if not RECIPIENTS_MIN <= len(recipients) <= RECIPIENTS_MAX:
        raise PolicyError(
            f"{len(recipients)} recipients; {RECIPIENTS_MIN} to {RECIPIENTS_MAX} are needed (the second is the escrow)"
        )
    if len(keys) != len(recipients):
        raise PolicyError("two recipients have the same key; give each its own")
    for recipient in recipients:
        used.recipient_key(recipient.public_key_der)


def wrap_content_key(
    used: Suite, content_key: bytes, device_id: str, salt: bytes, recipients: Sequence[Recipient]
) -> tuple[KeyWrap, ...]:
    """Wrap a content key to every recipient.

    Raises:
        SuiteError: A key is of a kind that the suite does not wrap to.
    """
    return tuple(_wrap(used, content_key, device_id, salt, recipient) for recipient in recipients)


def is_recipient(opened: Open, private_key: RecipientPrivateKey) -> bool:
    """Tell whether a file's content key is wrapped to a key.

    Raises:
        SuiteError: The file's suite is unknown.
    """
    key_id = suite(opened.suite).key_id(_public_der(private_key))
    return any(wrap.recipient == key_id for wrap in opened.wraps)


def unwrap_content_key(opened: Open, device_id: str, private_key: RecipientPrivateKey) -> bytes:
    """Open a file's content key with a recipient's private key and check the commitment to it (SF-22).

    Args:
        opened: The OPEN of the file.
        device_id: Device id of the record's header.
        private_key: The recipient's key.

    Raises:
        UndecryptableError: The file was not wrapped to this key, or wrap or commitment were changed.
        SuiteError: The file's suite is unknown.
    """
    used = suite(opened.suite)
    key_id = used.key_id(_public_der(private_key))
    wrapped = next((wrap.wrapped for wrap in opened.wraps if wrap.recipient == key_id), None)
    if wrapped is None:
        known = ", ".join(wrap.recipient.hex() for wrap in opened.wraps)
        raise UndecryptableError(
            f"file {opened.file_number} is not sealed to the key {key_id.hex()}; its recipients are {known}"
        )
    content_key = used.unwrap(wrapped, private_key, _info(used, device_id, opened.salt, key_id))
    if used.commitment(content_key, opened.salt) != opened.commitment:
        raise UndecryptableError(f"file {opened.file_number}: the wrapped key is not the one that OPEN commits to")
    return content_key


def content_cipher(opened: Open, device_id: str, private_key: RecipientPrivateKey) -> ContentCipher:
    """Make the cipher of a file from a recipient's private key.

    Raises:
        UndecryptableError: As `unwrap_content_key`.
        SuiteError: The file's suite is unknown.
    """
    return suite(opened.suite).cipher(unwrap_content_key(opened, device_id, private_key), opened.salt)


def _wrap(used: Suite, content_key: bytes, device_id: str, salt: bytes, recipient: Recipient) -> KeyWrap:
    key_id = used.key_id(recipient.public_key_der)
    key = used.recipient_key(recipient.public_key_der)
    return KeyWrap(key_id, used.wrap(content_key, key, _info(used, device_id, salt, key_id)))


def _info(used: Suite, device_id: str, salt: bytes, key_id: bytes) -> bytes:
    return _INFO + encoding.encode([FORMAT_VERSION, used.number, device_id, salt, key_id])


def _public_der(private_key: RecipientPrivateKey) -> bytes:
    return private_key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )

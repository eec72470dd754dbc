"""Epoch certificates: the device key vouches for a record-signing key that lives in memory alone.

Rules of this module: values in and out; whoever verifies a chain and whoever writes one share it. A certificate is
bound to the place in the chain at which it is introduced, so that it cannot be moved (`FORMAT.md`, SF-17 to SF-19).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sealing import cose, encoding
from sealing.cose import Algorithm, PublicKey, Sign1
from sealing.errors import MalformedError
from sealing.framing import checked_device_id
from sealing.limits import EPOCH_CERTIFICATE_BYTES_MAX, FORMAT_VERSION, HASH_BYTES, INTEGER_MAX, SEQUENCE_FIRST

_KEYS: Final = frozenset(range(1, 9))
_KEY_BYTES_MAX: Final = 256
_DEVICE_ALGORITHMS: Final = frozenset({Algorithm.ESP256, Algorithm.SM2})
"""Which of them a suite has is held by the kind of its device key."""


@dataclass(frozen=True, slots=True)
class EpochCertificate:
    """What the device key says of an epoch key."""

    device_id: str
    suite: int
    epoch: int
    """Counts on over the whole chain, from 1."""
    boot_number: int
    sequence: int
    """Sequence number of the record that introduces it: the OPEN of a start, or an EPOCH."""
    previous_hash: bytes
    """Previous hash of that record."""
    public_key: bytes
    """SubjectPublicKeyInfo (DER) of the epoch key."""


def encode_certificate(certificate: EpochCertificate) -> bytes:
    """Encode what the device key signs."""
    return encoding.encode(
        {
            1: FORMAT_VERSION,
            2: certificate.device_id,
            3: certificate.suite,
            4: certificate.epoch,
            5: certificate.boot_number,
            6: certificate.sequence,
            7: certificate.previous_hash,
            8: certificate.public_key,
        }
    )


def open_certificate(data: bytes) -> tuple[Sign1, EpochCertificate]:
    """Take a certificate apart; the signature is not verified here.

    Raises:
        MalformedError: It breaks a rule of the format.
        SuiteError: Its algorithm is none of the format's.
    """
    message = cose.decode_sign1(data, EPOCH_CERTIFICATE_BYTES_MAX)
    fields = encoding.decode(message.payload, EPOCH_CERTIFICATE_BYTES_MAX)
    if not isinstance(fields, dict) or set(fields) != _KEYS:
        raise MalformedError("epoch certificate has not exactly the keys 1 to 8")
    numbers = [fields[key] for key in (1, 3, 4, 5, 6)]
    if any(type(number) is not int or not SEQUENCE_FIRST <= number <= INTEGER_MAX for number in numbers):
        raise MalformedError("epoch certificate has a number that is no integer from 1")
    version, suite, epoch, boot_number, sequence = numbers
    device_id, previous_hash, public_key = fields[2], fields[7], fields[8]
    if version != FORMAT_VERSION or not isinstance(device_id, str):
        raise MalformedError("epoch certificate of another version, or without a device id")
    if not isinstance(previous_hash, bytes) or len(previous_hash) != HASH_BYTES:
        raise MalformedError(f"epoch certificate's previous hash is not {HASH_BYTES} bytes")
    if not isinstance(public_key, bytes) or len(public_key) > _KEY_BYTES_MAX:
        raise MalformedError("epoch certificate's key is missing or too long")
    return message, EpochCertificate(
        device_id=checked_device_id(device_id),
        suite=int(suite),
        epoch=int(epoch),
        boot_number=int(boot_number),
        sequence=int(sequence),
        previous_hash=previous_hash,
        public_key=public_key,
    )


def verify_certificate(data: bytes, device_key: PublicKey) -> EpochCertificate:
    """Read a certificate and check that the device key made it.

    Raises:
        MalformedError: It breaks a rule of the format.
        SuiteError: Its algorithm is not the one of device keys.
        BadSignatureError: Another key made it, or it was changed.
    """
    message, certificate = open_certificate(data)
    if message.algorithm not in _DEVICE_ALGORITHMS:
        raise MalformedError("epoch certificate is not signed as device keys sign (ESP256, SM2)")
    cose.verify_sign1(message, cose.EPOCH, device_key)
    return certificate

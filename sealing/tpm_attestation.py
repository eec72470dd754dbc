"""Reads what a TPM 2.0 says of one of its counters (TPM2_NV_Certify), without any TPM.

Rules of this module: bytes in, values out, or an error. The attestation counts because a restricted key signs nothing
else that begins as it does, and because the name of the index commits to its being a counter (`FORMAT.md`, SF-44).
"""

from __future__ import annotations

import hashlib
import struct
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from sealing.cose import PublicKey, der_signature
from sealing.errors import BadSignatureError, MalformedError

COUNTER_INDEX: Final = 0x0150_4556
"""NV index of the counter («EV» in the range for owners)."""
COUNTER_ATTRIBUTES: Final = 0x0006_0016
"""AUTHREAD, AUTHWRITE, OWNERREAD, OWNERWRITE and the type COUNTER, before the first write."""
_WRITTEN: Final = 0x2000_0000
_GENERATED: Final = 0xFF54_4347
_ATTEST_NV: Final = 0x8014
_SHA256: Final = 0x000B
_COUNTER_BYTES: Final = 8
_CLOCK_AND_FIRMWARE_BYTES: Final = 17 + 8


@dataclass(frozen=True, slots=True)
class CounterAttestation:
    """What the TPM attested."""

    value: int
    binding: bytes
    """Qualifying data that the caller gave."""


def counter_name() -> bytes:
    """Name of the counter's index as the TPM computes it: hash over handle, attributes, policy and size."""
    attributes = COUNTER_ATTRIBUTES | _WRITTEN
    public = struct.pack(">IHIHH", COUNTER_INDEX, _SHA256, attributes, 0, _COUNTER_BYTES)
    return struct.pack(">H", _SHA256) + hashlib.sha256(public).digest()


def verify(attestation: bytes, signature: bytes, device_key: PublicKey) -> CounterAttestation:
    """Check signature and contents of an attestation (SF-44).

    Raises:
        BadSignatureError: The device key did not sign it.
        MalformedError: It does not attest the unit's counter.
    """
    if not isinstance(device_key, ec.EllipticCurvePublicKey):
        raise BadSignatureError("a TPM's attestation under a key that is no P-256 key")
    try:
        device_key.verify(der_signature(signature), attestation, ec.ECDSA(SHA256()))
    except InvalidSignature as error:
        raise BadSignatureError("the TPM's attestation is not signed by the device key") from error
    return _read(attestation)


def _read(data: bytes) -> CounterAttestation:
    reader = _Reader(data)
    if (reader.number(4), reader.number(2)) != (_GENERATED, _ATTEST_NV):
        raise MalformedError("not an attestation of an NV index by a TPM")
    reader.sized()  # qualified name of the key: its certificate says whose it is
    binding = reader.sized()
    reader.take(_CLOCK_AND_FIRMWARE_BYTES)
    name, offset, contents = reader.sized(), reader.number(2), reader.sized()
    if reader.left:
        raise MalformedError("bytes behind a TPM's attestation")
    if name != counter_name() or offset != 0 or len(contents) != _COUNTER_BYTES:
        raise MalformedError("the TPM attested another index than the unit's counter")
    return CounterAttestation(int.from_bytes(contents, "big"), binding)


class _Reader:
    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def left(self) -> int:
        return len(self._data) - self._at

    def take(self, length: int) -> bytes:
        if length > self.left:
            raise MalformedError("a TPM's attestation is cut off")
        self._at += length
        return self._data[self._at - length : self._at]

    def number(self, length: int) -> int:
        return int.from_bytes(self.take(length), "big")

    def sized(self) -> bytes:
        return self.take(self.number(2))

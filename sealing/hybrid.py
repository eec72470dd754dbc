"""Recipient keys of suite 2: ML-KEM-768 and X25519 as one key.

Rules of this module: both parts or nothing: what is wrapped stays secret as long as one of the two holds. The key is
carried as SubjectPublicKeyInfo and PKCS#8 under an id of this project, for no standard has one yet.
"""

from __future__ import annotations

from typing import Final

from cryptography.hazmat.primitives import hpke
from cryptography.hazmat.primitives.asymmetric import mlkem, x25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sealing import der
from sealing.errors import KeyFileError, MalformedError
from sealing.oids import HYBRID_KEY

_KEM_PUBLIC_BYTES: Final = 1_184
_KEM_SEED_BYTES: Final = 64
_CURVE_BYTES: Final = 32
_SPKI: Final = (Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


class HybridPublicKey:
    """A public key.

    Args:
        kem: The ML-KEM-768 part.
        curve: The X25519 part.
    """

    def __init__(self, kem: mlkem.MLKEM768PublicKey, curve: x25519.X25519PublicKey) -> None:
        self._kem = kem
        self._curve = curve

    @classmethod
    def from_der(cls, spki: bytes) -> HybridPublicKey:
        """Load SubjectPublicKeyInfo. Raises KeyFileError: it is another kind of key."""
        try:
            outer = der.only(spki, der.SEQUENCE)
            _check_algorithm(outer)
            raw = outer.take(der.BIT_STRING)
            outer.end()
            _check_length(raw, 1 + _KEM_PUBLIC_BYTES + _CURVE_BYTES)
            kem = mlkem.MLKEM768PublicKey.from_public_bytes(raw[1 : 1 + _KEM_PUBLIC_BYTES])
            return cls(kem, x25519.X25519PublicKey.from_public_bytes(raw[1 + _KEM_PUBLIC_BYTES :]))
        except (MalformedError, ValueError) as error:
            raise KeyFileError(f"not an MLKEM768-X25519 key: {error}") from error

    def public_bytes(self, encoding: Encoding, form: PublicFormat) -> bytes:
        """SubjectPublicKeyInfo in DER, the one form that is offered. Raises ValueError for another."""
        if (encoding, form) != _SPKI:
            raise ValueError("an MLKEM768-X25519 key comes as SubjectPublicKeyInfo in DER")
        raw = self._kem.public_bytes_raw() + self._curve.public_bytes_raw()
        return der.value(der.SEQUENCE, _algorithm() + der.value(der.BIT_STRING, b"\0" + raw))

    def hpke(self) -> hpke.MLKEM768X25519PublicKey:
        """As HPKE takes it."""
        return hpke.MLKEM768X25519PublicKey(self._kem, self._curve)


class HybridPrivateKey:
    """A private key in memory.

    Args:
        kem: The ML-KEM-768 part.
        curve: The X25519 part.
    """

    def __init__(self, kem: mlkem.MLKEM768PrivateKey, curve: x25519.X25519PrivateKey) -> None:
        self._kem = kem
        self._curve = curve

    @classmethod
    def generate(cls) -> HybridPrivateKey:
        """Make a key."""
        return cls(mlkem.MLKEM768PrivateKey.generate(), x25519.X25519PrivateKey.generate())

    @classmethod
    def from_der(cls, pkcs8: bytes) -> HybridPrivateKey:
        """Load PKCS#8. Raises KeyFileError: it is another kind of key."""
        try:
            outer = der.only(pkcs8, der.SEQUENCE)
            outer.take(der.INTEGER)
            _check_algorithm(outer)
            raw = outer.take(der.OCTET_STRING)
            outer.end()
            _check_length(raw, _KEM_SEED_BYTES + _CURVE_BYTES)
            kem = mlkem.MLKEM768PrivateKey.from_seed_bytes(raw[:_KEM_SEED_BYTES])
            return cls(kem, x25519.X25519PrivateKey.from_private_bytes(raw[_KEM_SEED_BYTES:]))
        except (MalformedError, ValueError) as error:
            raise KeyFileError(f"not an MLKEM768-X25519 private key: {error}") from error

    def private_der(self) -> bytes:
        """PKCS#8, not encrypted: the seed of ML-KEM, then the X25519 scalar."""
        raw = self._kem.private_bytes_raw() + self._curve.private_bytes_raw()
        version = der.value(der.INTEGER, b"\0")
        return der.value(der.SEQUENCE, version + _algorithm() + der.value(der.OCTET_STRING, raw))

    def public_key(self) -> HybridPublicKey:
        """The public part."""
        return HybridPublicKey(self._kem.public_key(), self._curve.public_key())

    def hpke(self) -> hpke.MLKEM768X25519PrivateKey:
        """As HPKE takes it."""
        return hpke.MLKEM768X25519PrivateKey(self._kem, self._curve)


def is_hybrid(encoded: bytes) -> bool:
    """Whether an encoding names this kind of key; nothing else of it is checked."""
    return _algorithm() in encoded[:64]


def _algorithm() -> bytes:
    return der.value(der.SEQUENCE, der.identifier(HYBRID_KEY.dotted_string))


def _check_algorithm(reader: der.Reader) -> None:
    found = reader.whole(der.SEQUENCE)[0]
    if found != _algorithm():
        raise MalformedError("a key of another algorithm")


def _check_length(raw: bytes, length: int) -> None:
    if len(raw) != length:
        raise MalformedError(f"a key of {len(raw)} bytes, not {length}")

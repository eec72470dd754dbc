"""SM2 keys: the device key, record keys and recipients of suite 3.

Rules of this module: signatures are r ‖ s, 64 bytes, with SM3 and the default identity 1234567812345678 of GB/T 35276;
keys go in and out as `cryptography` has them, DER.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature, encode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sealing import pem
from sealing.errors import KeyFileError
from sealing.gm import libcrypto
from sealing.gm.libcrypto import Key

IDENTITY: Final = b"1234567812345678"
_SCALAR_BYTES: Final = 32
_CURVE: Final = bytes.fromhex("06082a811ccf5501822d")
"""1.2.156.10197.1.301."""
_DER: Final = (serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


class Sm2PublicKey:
    """A public key.

    Args:
        spki_der: SubjectPublicKeyInfo.

    Raises:
        KeyFileError: It is no SM2 key.
        LibcryptoError: The system has no SM2.
    """

    def __init__(self, spki_der: bytes) -> None:
        self._key = libcrypto.load_public(spki_der)
        self._der = spki_der

    @property
    def der(self) -> bytes:
        """SubjectPublicKeyInfo."""
        return self._der

    def public_bytes(self, encoding: Encoding, form: PublicFormat) -> bytes:
        """SubjectPublicKeyInfo in DER, the one form that is offered. Raises ValueError for another."""
        if (encoding, form) != _DER:
            raise ValueError("an SM2 key comes as SubjectPublicKeyInfo in DER")
        return self._der

    def verify(self, signature: bytes, message: bytes) -> None:
        """Check a signature, r ‖ s.

        Raises:
            BadSignatureError: The key did not make it over this message.
        """
        r, s = signature[:_SCALAR_BYTES], signature[_SCALAR_BYTES:]
        der = encode_dss_signature(int.from_bytes(r, "big"), int.from_bytes(s, "big"))
        libcrypto.verify(self._key, der, message, IDENTITY)

    def encrypt(self, plaintext: bytes) -> bytes:
        """Encrypt a short message to the key; DER of GB/T 35276."""
        return libcrypto.encrypt(self._key, plaintext)


class Sm2PrivateKey:
    """A private key in memory.

    Args:
        key: The library's.
    """

    def __init__(self, key: Key) -> None:
        self._key = key

    @classmethod
    def generate(cls) -> Sm2PrivateKey:
        """Make a key. Raises LibcryptoError: the system has no SM2."""
        return cls(libcrypto.generate())

    @classmethod
    def from_der(cls, der: bytes) -> Sm2PrivateKey:
        """Load PKCS#8. Raises KeyFileError: it is no SM2 key; LibcryptoError."""
        return cls(libcrypto.load_private(der))

    @classmethod
    def from_pem(cls, path: Path) -> Sm2PrivateKey:
        """Load an unencrypted PKCS#8 PEM file.

        Raises:
            KeyFileError: The file is missing, unreadable, or holds no SM2 private key.
            LibcryptoError: The system has no SM2.
        """
        try:
            data = path.read_bytes()
        except OSError as error:
            raise KeyFileError(f"private key {path} cannot be read: {error}") from error
        return cls.from_der(pem.take(data, pem.PRIVATE_KEY))

    def private_der(self) -> bytes:
        """PKCS#8, not encrypted."""
        return libcrypto.private_der(self._key)

    def public_key(self) -> Sm2PublicKey:
        """The public part."""
        return Sm2PublicKey(libcrypto.public_der(self._key))

    def sign(self, message: bytes) -> bytes:
        """Sign a message; returns r ‖ s, 64 bytes."""
        r, s = decode_dss_signature(libcrypto.sign(self._key, message, IDENTITY))
        return r.to_bytes(_SCALAR_BYTES, "big") + s.to_bytes(_SCALAR_BYTES, "big")

    def decrypt(self, ciphertext: bytes) -> bytes:
        """Decrypt a short message.

        Raises:
            UndecryptableError: It was not made for this key, or was changed.
        """
        return libcrypto.decrypt(self._key, ciphertext)


def is_sm2(encoded: bytes) -> bool:
    """Whether an encoded key names the curve of SM2 in front; nothing else of it is checked."""
    return _CURVE in encoded[:64]

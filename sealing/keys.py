"""Private keys of a unit: the device key behind its port, and epoch keys in memory.

Rules of this module: the device key signs epoch certificates and nothing else here; an epoch key is never written
anywhere, and no method gives it out (`FORMAT.md`, SF-19).
"""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.hashes import SHA256

from sealing import cose, epochs, pem
from sealing.cose import Algorithm
from sealing.epochs import EpochCertificate
from sealing.errors import KeyFileError
from sealing.gm.sm2 import Sm2PrivateKey, is_sm2
from sealing.hybrid import HybridPrivateKey, is_hybrid
from sealing.suite_base import RecipientPrivateKey, RecordKey, Suite


class Signer(Protocol):
    """The device key, wherever it lives. Called on the writer's thread only; a token may take 0.6 s."""

    @property
    def algorithm(self) -> Algorithm:
        """What `sign` does."""
        ...

    def public_key_der(self) -> bytes:
        """SubjectPublicKeyInfo of the key. Never blocks."""
        ...

    def sign(self, message: bytes) -> bytes:
        """Sign a message (the signer hashes it); returns r ‖ s, 64 bytes.

        Raises:
            SealingError: The token did not sign.
        """
        ...


class FileKeySigner:
    """A device key that is a file: whoever holds the medium can copy it, so the grade is SOFT.

    Args:
        private_key: The P-256 key.
    """

    algorithm = Algorithm.ESP256

    def __init__(self, private_key: ec.EllipticCurvePrivateKey) -> None:
        if not isinstance(private_key.curve, ec.SECP256R1):
            raise KeyFileError(f"device key on the curve {private_key.curve.name}; device keys are P-256")
        self._key = private_key

    @classmethod
    def from_pem(cls, path: Path) -> FileKeySigner:
        """Load the key from an unencrypted PKCS#8 PEM file.

        Raises:
            KeyFileError: The file is missing, unreadable, or holds no P-256 private key.
        """
        key = _load_private(path)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise KeyFileError(f"{path} holds no P-256 private key; provision the unit again")
        return cls(key)

    def public_key_der(self) -> bytes:
        """SubjectPublicKeyInfo of the key."""
        return self._key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )

    def sign(self, message: bytes) -> bytes:
        """Sign a message; returns r ‖ s, 64 bytes."""
        return cose.raw_signature(self._key.sign(message, ec.ECDSA(SHA256())))


class Sm2FileKeySigner:
    """A device key of suite 3 that is a file: the grade is SOFT.

    Args:
        private_key: The SM2 key.
    """

    algorithm = Algorithm.SM2

    def __init__(self, private_key: Sm2PrivateKey) -> None:
        self._key = private_key

    @classmethod
    def from_pem(cls, path: Path) -> Sm2FileKeySigner:
        """Load the key from an unencrypted PKCS#8 PEM file.

        Raises:
            KeyFileError: The file is missing, unreadable, or holds no SM2 private key.
            LibcryptoError: The system has no SM2.
        """
        return cls(Sm2PrivateKey.from_pem(path))

    def public_key_der(self) -> bytes:
        """SubjectPublicKeyInfo of the key."""
        return self._key.public_key().der

    def sign(self, message: bytes) -> bytes:
        """Sign a message; returns r ‖ s, 64 bytes."""
        return self._key.sign(message)


class EpochKey:
    """A record-signing key that lives in memory, with the certificate that the device key gave it.

    Args:
        private_key: Made for this epoch.
        key_id: Key id of its public key.
        certificate: What the device key said of it.
        encoded: The certificate's bytes.
    """

    def __init__(self, private_key: RecordKey, key_id: bytes, certificate: EpochCertificate, encoded: bytes) -> None:
        self._key = private_key
        self.key_id = key_id
        self.certificate = certificate
        self.encoded = encoded

    def sign(self, message: bytes) -> bytes:
        """Sign a record."""
        return self._key.sign(message)


class EpochIssuer:
    """Begins epochs.

    Args:
        suite: The suite in force.
        device_id: The unit's id.
        signer: The device key.
    """

    def __init__(self, suite: Suite, device_id: str, signer: Signer) -> None:
        self._suite = suite
        self._device_id = device_id
        self._signer = signer

    def issue(self, *, epoch: int, boot_number: int, sequence: int, previous_hash: bytes) -> EpochKey:
        """Make a fresh epoch key and have the device key certify it for one place in the chain (SF-18).

        Args:
            epoch: Number of the new epoch.
            boot_number: Start of the agent that it belongs to.
            sequence: Sequence number of the record that will introduce it.
            previous_hash: Previous hash of that record.

        Raises:
            SealingError: The device key did not sign.
        """
        key, public = self._suite.new_record_key()
        certificate = EpochCertificate(
            self._device_id, self._suite.number, epoch, boot_number, sequence, previous_hash, public
        )
        encoded = cose.encode_sign1(
            self._signer.algorithm,
            self._suite.key_id(self._signer.public_key_der()),
            epochs.encode_certificate(certificate),
            cose.EPOCH,
            self._signer.sign,
        )
        return EpochKey(key, self._suite.key_id(public), certificate, encoded)


def load_recipient_key(path: Path) -> RecipientPrivateKey:
    """Load a recipient's private key from an unencrypted PKCS#8 PEM file.

    Raises:
        KeyFileError: The file is missing, unreadable, or holds neither an X25519 nor a P-256 private key.
    """
    other = _load_other(path)
    if other is not None:
        return other
    key = _load_private(path)
    if isinstance(key, x25519.X25519PrivateKey):
        return key
    if isinstance(key, ec.EllipticCurvePrivateKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise KeyFileError(f"{path} holds none of an X25519, a P-256, an MLKEM768-X25519 and an SM2 private key")


def _load_other(path: Path) -> HybridPrivateKey | Sm2PrivateKey | None:
    """A key of a kind that `cryptography` does not know; None where it is none of these."""
    try:
        der = pem.take(path.read_bytes(), pem.PRIVATE_KEY)
    except (OSError, KeyFileError):
        return None
    if is_hybrid(der):
        return HybridPrivateKey.from_der(der)
    return Sm2PrivateKey.from_der(der) if is_sm2(der) else None


def _load_private(path: Path) -> object:
    try:
        return serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (OSError, ValueError, TypeError) as error:
        raise KeyFileError(f"private key {path} cannot be read: {error}") from error
    except Exception as error:  # cryptography's own UnsupportedAlgorithm derives from Exception alone
        raise KeyFileError(f"private key {path} is of a kind that is not used here: {error}") from error

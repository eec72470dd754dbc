"""What version 1 leaves to a suite, behind one object; and suite 1 itself.

Rules of this module: no negotiation; a file names its suite and a reader either has it and is allowed to use it or
refuses. Suite 1 is SHA-256, HKDF-SHA-256, AES-256-GCM, Ed25519 records, P-256 device keys, and HPKE (RFC 9180, base
mode) to X25519 or P-256 recipients. The others replace parts of it (`FORMAT.md`, «Suites»).
"""

from __future__ import annotations

import hashlib
from typing import Final, Protocol

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hpke, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from sealing.cose import Algorithm, PublicKey
from sealing.errors import SuiteError, UndecryptableError
from sealing.gm.sm2 import Sm2PrivateKey, Sm2PublicKey
from sealing.hybrid import HybridPrivateKey, HybridPublicKey
from sealing.limits import CONTENT_KEY_BYTES, HASH_BYTES, KEY_ID_BYTES, TAG_BYTES

RecipientPublicKey = x25519.X25519PublicKey | ec.EllipticCurvePublicKey | HybridPublicKey | Sm2PublicKey
RecipientPrivateKey = x25519.X25519PrivateKey | ec.EllipticCurvePrivateKey | HybridPrivateKey | Sm2PrivateKey

PAYLOAD_KEY: Final = b"evs1 payload key"
COMMITMENT: Final = b"evs1 key commitment"


class Hasher(Protocol):
    """A running hash."""

    def update(self, data: bytes | bytearray | memoryview, /) -> None:
        """Take more bytes."""
        ...

    def digest(self) -> bytes:
        """Return the hash of all bytes so far."""
        ...

    def copy(self) -> Hasher:
        """Return an independent hash that has taken the same bytes."""
        ...


class RecordKey(Protocol):
    """A fresh key that signs the records of one epoch."""

    def sign(self, message: bytes, /) -> bytes:
        """Sign a record; 64 bytes."""
        ...


class ContentCipher:
    """Encrypts and decrypts the payloads of one file.

    Args:
        content_key: The file's content key, 32 bytes.
        salt: The file's salt.
    """

    def __init__(self, content_key: bytes, salt: bytes) -> None:
        self._salt = salt
        self._aead = AESGCM(derive(hashes.SHA256(), content_key, salt, PAYLOAD_KEY))

    def encrypt(self, sequence: int, record_type: int, plaintext: bytes) -> bytes:
        """As `encrypt_into`; returns ciphertext and 16 byte tag."""
        ciphertext = bytearray(len(plaintext) + TAG_BYTES)
        self.encrypt_into(sequence, record_type, plaintext, memoryview(ciphertext))
        return bytes(ciphertext)

    def encrypt_into(self, sequence: int, record_type: int, plaintext: bytes, room: memoryview) -> None:
        """Encrypt the payload of one record; a sequence number is used once under a key (SF-21).

        Args:
            sequence: The record's.
            record_type: The record's.
            plaintext: The payload in the clear.
            room: Takes ciphertext and 16 byte tag; exactly that long.
        """
        self._aead.encrypt_into(nonce(sequence), plaintext, self.associated(sequence, record_type), room)

    def decrypt(self, sequence: int, record_type: int, ciphertext: bytes) -> bytes:
        """Decrypt the payload of one record.

        Raises:
            UndecryptableError: Key, place in the chain or ciphertext do not belong together.
        """
        try:
            return self._aead.decrypt(nonce(sequence), ciphertext, self.associated(sequence, record_type))
        except (InvalidTag, ValueError) as error:
            raise UndecryptableError(f"payload of record {sequence} does not open with the file's key") from error

    def associated(self, sequence: int, record_type: int) -> bytes:
        """What binds a payload to its place."""
        return self._salt + sequence.to_bytes(8, "big") + record_type.to_bytes(4, "big")


class Suite:
    """Suite 1."""

    number: int = 1
    record_algorithm: Algorithm = Algorithm.ED25519
    device_algorithm: Algorithm = Algorithm.ESP256

    def hasher(self) -> Hasher:
        """Begin a hash."""
        return hashlib.sha256()

    def digest(self, data: bytes | memoryview) -> bytes:
        """Hash bytes at once."""
        return hashlib.sha256(data).digest()

    def key_id(self, public_key_der: bytes) -> bytes:
        """Name a key: first 16 bytes of the hash of its SubjectPublicKeyInfo."""
        return self.digest(public_key_der)[:KEY_ID_BYTES]

    def commitment(self, content_key: bytes, salt: bytes) -> bytes:
        """Commit to a content key: two recipients cannot be given two keys for one file (SF-22)."""
        return derive(hashes.SHA256(), content_key, salt, COMMITMENT)

    def cipher(self, content_key: bytes, salt: bytes) -> ContentCipher:
        """Make the cipher of one file."""
        return ContentCipher(content_key, salt)

    def wrap(self, content_key: bytes, recipient: RecipientPublicKey, info: bytes) -> bytes:
        """Wrap a content key to a recipient; all binding is in `info`."""
        if not isinstance(recipient, x25519.X25519PublicKey | ec.EllipticCurvePublicKey):
            raise SuiteError("recipient key is neither X25519 nor P-256")
        return _hpke(recipient).encrypt(content_key, recipient, info=info)

    def unwrap(self, wrapped: bytes, recipient: RecipientPrivateKey, info: bytes) -> bytes:
        """Open a wrap.

        Raises:
            UndecryptableError: It was not made for this key, or not for this file.
        """
        try:
            content_key = self._open(wrapped, recipient, info)
        except (InvalidTag, ValueError) as error:
            raise UndecryptableError("the wrapped content key does not open with this recipient key") from error
        if len(content_key) != CONTENT_KEY_BYTES:
            raise UndecryptableError(f"the wrapped content key has {len(content_key)} bytes, not {CONTENT_KEY_BYTES}")
        return content_key

    def new_record_key(self) -> tuple[RecordKey, bytes]:
        """Make the key of an epoch, in memory alone; returns it and its SubjectPublicKeyInfo."""
        key = ed25519.Ed25519PrivateKey.generate()
        public = key.public_key().public_bytes(
            serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        return key, public

    def _open(self, wrapped: bytes, recipient: RecipientPrivateKey, info: bytes) -> bytes:
        if not isinstance(recipient, x25519.X25519PrivateKey | ec.EllipticCurvePrivateKey):
            raise UndecryptableError("the recipient key is of another suite than the file")
        return _hpke(recipient.public_key()).decrypt(wrapped, recipient, info=info)

    def record_key(self, public_key_der: bytes) -> PublicKey:
        """Load the public key that verifies records.

        Raises:
            SuiteError: It is no Ed25519 key.
        """
        key = load(public_key_der)
        if not isinstance(key, ed25519.Ed25519PublicKey):
            raise SuiteError("epoch key is no Ed25519 key")
        return key

    def device_key(self, public_key_der: bytes) -> PublicKey:
        """Load the public key that verifies epoch certificates.

        Raises:
            SuiteError: It is no P-256 key.
        """
        key = load(public_key_der)
        if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
            raise SuiteError("device key is no P-256 key")
        return key

    def recipient_key(self, public_key_der: bytes) -> RecipientPublicKey:
        """Load the public key of a recipient.

        Raises:
            SuiteError: It is neither an X25519 nor a P-256 key.
        """
        key = load(public_key_der)
        if not isinstance(key, x25519.X25519PublicKey | ec.EllipticCurvePublicKey):
            raise SuiteError("recipient key is neither X25519 nor P-256")
        _hpke(key)
        return key


def load(public_key_der: bytes) -> object:
    """Load a public key of any kind that `cryptography` knows. Raises SuiteError."""
    try:
        return serialization.load_der_public_key(public_key_der)
    except Exception as error:
        raise SuiteError(f"not a public key that can be read: {error}") from error


def nonce(sequence: int) -> bytes:
    """Nonce of a record: unique under a file's key (SF-21)."""
    return sequence.to_bytes(12, "big")


def derive(
    algorithm: hashes.HashAlgorithm, content_key: bytes, salt: bytes, info: bytes, length: int = HASH_BYTES
) -> bytes:
    """Derive a key from a content key for one use (HKDF, RFC 5869)."""
    return HKDF(algorithm=algorithm, length=length, salt=salt, info=info).derive(content_key)


def _hpke(recipient: x25519.X25519PublicKey | ec.EllipticCurvePublicKey) -> hpke.Suite:
    if isinstance(recipient, x25519.X25519PublicKey):
        kem = hpke.KEM.X25519
    elif isinstance(recipient.curve, ec.SECP256R1):
        kem = hpke.KEM.P256
    else:
        raise SuiteError(f"recipient key on the curve {recipient.curve.name}; X25519 or P-256 are used")
    return hpke.Suite(kem, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)

"""Suite 3, 国密: SM3, SM4-GCM, SM2 signatures and SM2 key wraps.

Rules of this module: the same shape as suite 1, every algorithm another. SM4-GCM has no one-shot interface: a tag is
checked before a byte of the clear text is given out.
"""

from __future__ import annotations

import hmac
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.ciphers import Cipher, algorithms, modes

from sealing.cose import Algorithm, PublicKey
from sealing.errors import KeyFileError, SuiteError, UndecryptableError
from sealing.gm.sm2 import Sm2PrivateKey, Sm2PublicKey
from sealing.limits import CONTENT_KEY_BYTES, TAG_BYTES
from sealing.suite_base import (
    COMMITMENT,
    PAYLOAD_KEY,
    ContentCipher,
    Hasher,
    RecipientPrivateKey,
    RecipientPublicKey,
    RecordKey,
    Suite,
    derive,
    nonce,
)

_SM4_KEY_BYTES: Final = 16


class Sm3:
    """A running SM3, as `hashlib` has its own.

    Args:
        state: What was hashed so far; begins anew without.
    """

    def __init__(self, state: hashes.Hash | None = None) -> None:
        self._state = state or hashes.Hash(hashes.SM3())

    def update(self, data: bytes | bytearray | memoryview, /) -> None:
        """Take more bytes."""
        self._state.update(data)

    def digest(self) -> bytes:
        """Return the hash of all bytes so far."""
        return self._state.copy().finalize()

    def copy(self) -> Sm3:
        """Return an independent hash that has taken the same bytes."""
        return Sm3(self._state.copy())


class Sm4ContentCipher(ContentCipher):
    """SM4-GCM with the payload key of one file.

    Args:
        content_key: The file's content key, 32 bytes.
        salt: The file's salt.
    """

    def __init__(self, content_key: bytes, salt: bytes) -> None:
        super().__init__(content_key, salt)
        self._key = algorithms.SM4(derive(hashes.SM3(), content_key, salt, PAYLOAD_KEY, _SM4_KEY_BYTES))

    def encrypt_into(self, sequence: int, record_type: int, plaintext: bytes, room: memoryview) -> None:
        """As in suite 1."""
        encryptor = Cipher(self._key, modes.GCM(nonce(sequence))).encryptor()
        encryptor.authenticate_additional_data(self.associated(sequence, record_type))
        length = encryptor.update_into(plaintext, room)
        encryptor.finalize()
        room[length:] = encryptor.tag

    def decrypt(self, sequence: int, record_type: int, ciphertext: bytes) -> bytes:
        """As in suite 1."""
        body, tag = ciphertext[:-TAG_BYTES], ciphertext[-TAG_BYTES:]
        try:
            decryptor = Cipher(self._key, modes.GCM(nonce(sequence), tag)).decryptor()
            decryptor.authenticate_additional_data(self.associated(sequence, record_type))
            clear = decryptor.update(body)
            decryptor.finalize()
        except (InvalidTag, ValueError) as error:
            raise UndecryptableError(f"payload of record {sequence} does not open with the file's key") from error
        return clear


class GmSuite(Suite):
    """Suite 3."""

    number = 3
    record_algorithm = Algorithm.SM2
    device_algorithm = Algorithm.SM2

    def hasher(self) -> Hasher:
        """Begin a hash."""
        return Sm3()

    def digest(self, data: bytes | memoryview) -> bytes:
        """Hash bytes at once."""
        running = hashes.Hash(hashes.SM3())
        running.update(data)
        return running.finalize()

    def commitment(self, content_key: bytes, salt: bytes) -> bytes:
        """Commit to a content key (SF-22)."""
        return derive(hashes.SM3(), content_key, salt, COMMITMENT)

    def cipher(self, content_key: bytes, salt: bytes) -> ContentCipher:
        """Make the cipher of one file."""
        return Sm4ContentCipher(content_key, salt)

    def wrap(self, content_key: bytes, recipient: RecipientPublicKey, info: bytes) -> bytes:
        """Wrap a content key; SM2 binds nothing else, so the hash of `info` goes in behind it (SF-47)."""
        if not isinstance(recipient, Sm2PublicKey):
            raise SuiteError("recipient key is no SM2 key")
        return recipient.encrypt(content_key + self.digest(info))

    def unwrap(self, wrapped: bytes, recipient: RecipientPrivateKey, info: bytes) -> bytes:
        """Open a wrap.

        Raises:
            UndecryptableError: It was not made for this key, or not for this file.
        """
        if not isinstance(recipient, Sm2PrivateKey):
            raise UndecryptableError("the recipient key is of another suite than the file")
        clear = recipient.decrypt(wrapped)
        content_key, bound_to = clear[:CONTENT_KEY_BYTES], clear[CONTENT_KEY_BYTES:]
        if not hmac.compare_digest(bound_to, self.digest(info)):
            raise UndecryptableError("the wrapped content key was made for another file or recipient")
        return content_key

    def new_record_key(self) -> tuple[RecordKey, bytes]:
        """Make the key of an epoch, in memory alone."""
        key = Sm2PrivateKey.generate()
        return key, key.public_key().der

    def record_key(self, public_key_der: bytes) -> PublicKey:
        """Load the public key that verifies records. Raises SuiteError: it is no SM2 key."""
        return _sm2(public_key_der, "epoch key")

    def device_key(self, public_key_der: bytes) -> PublicKey:
        """Load the public key that verifies epoch certificates. Raises SuiteError: it is no SM2 key."""
        return _sm2(public_key_der, "device key")

    def recipient_key(self, public_key_der: bytes) -> RecipientPublicKey:
        """Load the public key of a recipient. Raises SuiteError: it is no SM2 key."""
        return _sm2(public_key_der, "recipient key")


def _sm2(public_key_der: bytes, what: str) -> Sm2PublicKey:
    try:
        return Sm2PublicKey(public_key_der)
    except KeyFileError as error:
        raise SuiteError(f"{what} is no SM2 key") from error

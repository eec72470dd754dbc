"""The suites that this software has.

Rules of this module: the list alone. A system without SM2 has suite 3 too, and says so when it is used.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from cryptography.hazmat.primitives import hpke

from sealing.errors import KeyFileError, SuiteError, UndecryptableError
from sealing.gm.suite import GmSuite
from sealing.hybrid import HybridPrivateKey, HybridPublicKey
from sealing.suite_base import ContentCipher, Hasher, RecipientPrivateKey, RecipientPublicKey, Suite

__all__ = [
    "SUITES",
    "SUITE_1",
    "SUITE_2",
    "SUITE_3",
    "ContentCipher",
    "Hasher",
    "RecipientPrivateKey",
    "RecipientPublicKey",
    "Suite",
    "suite",
]

_HPKE: Final = hpke.Suite(hpke.KEM.MLKEM768_X25519, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


class HybridSuite(Suite):
    """Suite 2: suite 1 with content keys that stay secret from a quantum computer."""

    number = 2

    def wrap(self, content_key: bytes, recipient: RecipientPublicKey, info: bytes) -> bytes:
        """Wrap a content key; a classical recipient would undo the suite, and is refused."""
        if not isinstance(recipient, HybridPublicKey):
            raise SuiteError("recipient key is no MLKEM768-X25519 key")
        return _HPKE.encrypt(content_key, recipient.hpke(), info=info)

    def _open(self, wrapped: bytes, recipient: RecipientPrivateKey, info: bytes) -> bytes:
        if not isinstance(recipient, HybridPrivateKey):
            raise UndecryptableError("the recipient key is of another suite than the file")
        return _HPKE.decrypt(wrapped, recipient.hpke(), info=info)

    def recipient_key(self, public_key_der: bytes) -> RecipientPublicKey:
        """Load the public key of a recipient.

        Raises:
            SuiteError: It is no MLKEM768-X25519 key.
        """
        try:
            return HybridPublicKey.from_der(public_key_der)
        except KeyFileError as error:
            raise SuiteError(f"recipient key: {error}") from error


SUITE_1: Final = Suite()
SUITE_2: Final = HybridSuite()
SUITE_3: Final = GmSuite()
SUITES: Final[Mapping[int, Suite]] = {each.number: each for each in (SUITE_1, SUITE_2, SUITE_3)}
"""Suites that this software has."""


def suite(number: int) -> Suite:
    """Return a suite by its number.

    Raises:
        SuiteError: This software does not have it.
    """
    found = SUITES.get(number)
    if found is None:
        raise SuiteError(f"suite {number} is not known here; known: {', '.join(map(str, SUITES))}")
    return found

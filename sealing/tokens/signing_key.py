"""A device key in a token, seen as a private key of `cryptography`: for the one request that carries it to the agency.

Rules of this module: it signs, and gives nothing else away; whoever asks for the private part is told that there is
none to be had.
"""

from __future__ import annotations

from typing import NoReturn

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import Prehashed
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    KeySerializationEncryption,
    PrivateFormat,
    load_der_public_key,
)

from sealing.cose import der_signature
from sealing.errors import TokenError
from sealing.keys import Signer


class TokenPrivateKey(ec.EllipticCurvePrivateKey):
    """Signs by a token; for `CertificateSigningRequestBuilder.sign` and its like.

    Args:
        signer: The token's key.

    Raises:
        TokenError: It is no elliptic-curve key.
    """

    def __init__(self, signer: Signer) -> None:
        public = load_der_public_key(signer.public_key_der())
        if not isinstance(public, ec.EllipticCurvePublicKey):
            raise TokenError("the token's key is no elliptic-curve key")
        self._signer = signer
        self._public = public

    @property
    def curve(self) -> ec.EllipticCurve:
        """Curve of the key."""
        return self._public.curve

    @property
    def key_size(self) -> int:
        """Bits of the key."""
        return self._public.key_size

    def public_key(self) -> ec.EllipticCurvePublicKey:
        """The public part."""
        return self._public

    def sign(
        self, data: bytes | bytearray | memoryview, signature_algorithm: ec.EllipticCurveSignatureAlgorithm
    ) -> bytes:
        """Sign data with ECDSA and SHA-256; returns DER.

        Raises:
            TokenError: The token did not sign, or another algorithm was asked for.
        """
        algorithm = signature_algorithm.algorithm
        if isinstance(algorithm, Prehashed) or not isinstance(algorithm, SHA256):
            raise TokenError("the token's key signs with ECDSA and SHA-256, and hashes by itself")
        return der_signature(self._signer.sign(bytes(data)))

    def exchange(self, algorithm: ec.ECDH, peer_public_key: ec.EllipticCurvePublicKey) -> NoReturn:
        """Refuse: the key is for signing. Raises TokenError."""
        raise TokenError("the token's key is for signing alone")

    def private_numbers(self) -> NoReturn:
        """Refuse. Raises TokenError."""
        raise TokenError("the private key does not leave its token")

    def private_bytes(
        self,
        encoding: Encoding,
        format: PrivateFormat,
        encryption_algorithm: KeySerializationEncryption,
    ) -> NoReturn:
        """Refuse. Raises TokenError."""
        raise TokenError("the private key does not leave its token")

    def __copy__(self) -> TokenPrivateKey:
        return self

    def __deepcopy__(self, memo: dict[int, object]) -> TokenPrivateKey:
        return self

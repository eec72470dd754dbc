"""Wrap, commitment and payloads (step 15), suite 1 with a P-256 recipient. Read from FORMAT.md, section 5, alone."""

import hashlib
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives import hashes, hpke
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from tests.vectors.second_decoder import encode

SUITE = hpke.Suite(hpke.KEM.P256, hpke.KDF.HKDF_SHA256, hpke.AEAD.AES_256_GCM)


def derived(content_key: bytes, salt: bytes, purpose: bytes) -> bytes:
    return HKDF(algorithm=hashes.SHA256(), length=32, salt=salt, info=purpose).derive(content_key)


class Contents:
    """One file after the other."""

    def __init__(self, key: ec.EllipticCurvePrivateKey | None) -> None:
        self.key = key
        self.salt = b""
        self.cipher: AESGCM | None = None

    def opened(self, head: dict[int, Any], body: dict[str, Any]) -> list[str]:
        """SF-22, SF-23: the content key of a file."""
        self.cipher = None
        if self.key is None or body["suite"] != 1:
            return []
        public = self.key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
        name = hashlib.sha256(public).digest()[:16]
        wrapped = [each["wrapped"] for each in body["wraps"] if each["recipient"] == name]
        if not wrapped:
            return []
        self.salt = body["salt"]
        info = b"evs1 wrap" + encode([1, 1, head[5], self.salt, name])
        try:
            content_key = SUITE.decrypt(wrapped[0], self.key, info=info)
        except (InvalidTag, ValueError):
            return ["UNDECRYPTABLE"]
        if derived(content_key, self.salt, b"evs1 key commitment") != body["commitment"]:
            return ["UNDECRYPTABLE"]
        self.cipher = AESGCM(derived(content_key, self.salt, b"evs1 payload key"))
        return []

    def payload(self, head: dict[int, Any], data: bytes) -> list[str]:
        """SF-21: the payload of a record of this file."""
        if self.cipher is None or not data:
            return []
        bound = self.salt + head[3].to_bytes(8, "big") + head[2].to_bytes(4, "big")
        try:
            self.cipher.decrypt(head[3].to_bytes(12, "big"), data, bound)
        except (InvalidTag, ValueError):
            return ["UNDECRYPTABLE"]
        return []

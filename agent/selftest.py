"""The start's self-test: the cryptography that evidence rests on gives the answers that its standards print.

Rules of this module: known answers only; a wrong one stops the start, whatever its cause.
"""

from __future__ import annotations

import hashlib

from cryptography.exceptions import InvalidSignature, InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256

from agent.errors import AgentError


class SelfTestError(AgentError):
    """The cryptography of this machine is broken: nothing may be sealed with it."""


def check_cryptography() -> None:
    """Check hash, content cipher and both signature schemes of suite 1 against published answers.

    Raises:
        SelfTestError: One gives another answer.
    """
    for name, holds in (
        ("SHA-256 (FIPS 180-4)", _sha256),
        ("AES-256-GCM (SP 800-38D)", _aes_gcm),
        ("Ed25519 (RFC 8032)", _ed25519),
        ("ECDSA P-256 (RFC 6979)", _ecdsa),
    ):
        try:
            right = holds()
        except (ValueError, InvalidTag, InvalidSignature) as error:
            raise SelfTestError(
                f"self-test: {name} failed: {error!r}; reinstall the software or replace the unit"
            ) from error
        if not right:
            raise SelfTestError(f"self-test: {name} gives a wrong answer; reinstall the software or replace the unit")


def _sha256() -> bool:
    return hashlib.sha256(b"abc").hexdigest() == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def _aes_gcm() -> bool:
    sealed = AESGCM(bytes(32)).encrypt(bytes(12), bytes(16), None)
    expected = "cea7403d4d606b6e074ec5d3baf39d18" + "d0d1c8a799996bf0265b98b5d48ab919"
    return sealed.hex() == expected and AESGCM(bytes(32)).decrypt(bytes(12), sealed, None) == bytes(16)


def _ed25519() -> bool:
    key = ed25519.Ed25519PrivateKey.from_private_bytes(
        bytes.fromhex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60")
    )
    expected = (
        "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46b"
        "d25bf5f0595bbe24655141438e7a100b"
    )
    return key.sign(b"").hex() == expected


def _ecdsa() -> bool:
    key = ec.derive_private_key(0xC9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721, ec.SECP256R1())
    signature = encode_dss_signature(
        0xEFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716,
        0xF7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8,
    )
    key.public_key().verify(signature, b"sample", ec.ECDSA(SHA256()))
    return True

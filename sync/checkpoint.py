"""A store's checkpoint: how large the log of its receipts is, and its root, signed so that anybody can witness it.

Rules of this module: bytes in, values out, or an error. The form is C2SP tlog-checkpoint in a signed note: origin, size
and root in base64, an empty line, signatures; ours is ECDSA by the receipt key (type 2), others may stand beside it.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sync.errors import WireError
from sync.merkle import HASH_BYTES

CHECKPOINT_BYTES_MAX: Final = 16 * 1024
"""With the signatures of a good many witnesses."""
_DASH: Final = "\N{EM DASH} "
_KEY_HASH_BYTES: Final = 4
_SIZE_DIGITS_MAX: Final = 18


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The log as it stood at a moment."""

    origin: str
    """Names the log: the store."""
    size: int
    root: bytes

    def text(self) -> str:
        """What is signed."""
        return f"{self.origin}\n{self.size}\n{base64.b64encode(self.root).decode()}\n"


def origin_of(store_id: str) -> str:
    """Name of a store's log."""
    return f"{store_id}/receipts"


def sign_checkpoint(checkpoint: Checkpoint, key: ec.EllipticCurvePublicKey, sign: Callable[[bytes], bytes]) -> bytes:
    """Write a signed note.

    Args:
        checkpoint: What is said.
        key: The store's receipt key.
        sign: Makes an ECDSA signature with SHA-256, in DER.
    """
    text = checkpoint.text()
    line = base64.b64encode(_key_hash(key) + sign(text.encode())).decode()
    return f"{text}\n{_DASH}{checkpoint.origin} {line}\n".encode()


def verify_checkpoint(note: bytes, key: ec.EllipticCurvePublicKey) -> Checkpoint:
    """Read a signed note that the store's receipt key must have signed.

    Raises:
        WireError: It is malformed, or the key did not sign it.
    """
    text, checkpoint = _read(note)
    for name, signature in _signatures(note):
        if name == checkpoint.origin and signature[:_KEY_HASH_BYTES] == _key_hash(key):
            try:
                key.verify(signature[_KEY_HASH_BYTES:], text.encode(), ec.ECDSA(SHA256()))
            except InvalidSignature as error:
                raise WireError("the checkpoint's signature does not verify") from error
            return checkpoint
    raise WireError(f"nobody known has signed the checkpoint of {checkpoint.origin!r}")


def _read(note: bytes) -> tuple[str, Checkpoint]:
    try:
        body, _, _ = note[:CHECKPOINT_BYTES_MAX].decode().partition("\n\n")
        origin, size, root = body.split("\n")
        found = Checkpoint(origin, _size(size), base64.b64decode(root, validate=True))
    except (ValueError, binascii.Error) as error:
        raise WireError(f"not a checkpoint: {error}") from error
    whole = len(note) <= CHECKPOINT_BYTES_MAX and origin and len(found.root) == HASH_BYTES
    if not whole or found.text() != body + "\n":
        raise WireError("not a checkpoint: origin, size and root in three lines, written in one way")
    return body + "\n", found


def _size(text: str) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > _SIZE_DIGITS_MAX:
        raise ValueError("its size is no number")
    return int(text)


def _signatures(note: bytes) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for line in note.decode().partition("\n\n")[2].splitlines():
        name, _, value = line.removeprefix(_DASH).rpartition(" ")
        try:
            found.append((name, base64.b64decode(value, validate=True)))
        except binascii.Error as error:
            raise WireError(f"a signature of the checkpoint is not base64: {line[:80]!r}") from error
    return found


def _key_hash(key: ec.EllipticCurvePublicKey) -> bytes:
    """C2SP signed-note, type 2: the beginning of SHA-256 over the public key's DER."""
    return hashlib.sha256(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)).digest()[:_KEY_HASH_BYTES]

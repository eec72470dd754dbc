"""Receipts of inclusion (RFC 9942): that a store's receipt stands in its log, said with the receipt itself.

Rules of this module: bytes in, values out, or an error; no I/O. A receipt of inclusion is a COSE_Sign1 by the store's
receipt key over the root of the log, which is left out: whoever checks has to compute it from the entry and the proof
(RFC 9942, section 5.2; RFC 9162, section 2.1.3). Its external_aad is empty, so that any verifier can check it; that it
is none of the other things that the key signs stands in its protected header.

A transparent receipt is the receipt with one of these in its unprotected header (SY-70). Nothing else of it differs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sealing import cose, encoding
from sealing.cose import Algorithm, PublicKey, Sign1
from sealing.errors import SealingError
from sealing.limits import HASH_BYTES, KEY_ID_BYTES, SIGNATURE_BYTES_MAX
from sync.merkle import ProofError, included_root, leaf_hash
from sync.wire import PROOF_MAX

INCLUSION_BYTES_MAX: Final = 8192
_ALGORITHM, _KEY_ID, _CWT_CLAIMS, _STRUCTURE = 1, 4, 15, 395
_ISSUER: Final = 1
_RFC9162_SHA256: Final = 1
_SIGN1: Final = b"\xd2\x84"
_PROOFS: Final = b"\xa1\x19\x01\x8c\xa1\x20\x81"
"""Unprotected header up to the proof: {396: {-1: [ …."""
_NO_PAYLOAD: Final = b"\xf6"
_NO_HEADER: Final = b"\xa0"
_RECEIPTS: Final = b"\xa1\x19\x01\x8a\x81"
"""Unprotected header up to the receipt of inclusion: {394: [ …."""
_NO_CONTEXT: Final = cose.Context(b"")
_PROTECTED_BYTES_MAX: Final = 512
_PATH_MIN: Final = 1
"""RFC 9942 has no proof without a hash, thus none in a log of one leaf."""
_BYTE_STRING: Final = 2
_LENGTHS: Final = {24: 1, 25: 2, 26: 4}


@dataclass(frozen=True, slots=True)
class Inclusion:
    """What a receipt of inclusion says: where in which log an entry stands, and the way to its root."""

    origin: str
    """Names the log, as its checkpoints do."""
    size: int
    leaf_index: int
    path: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class _Parts:
    inclusion: Inclusion
    algorithm: Algorithm
    key_id: bytes
    protected: bytes
    signature: bytes


def sign_inclusion(
    inclusion: Inclusion, root: bytes, algorithm: Algorithm, key_id: bytes, sign: Callable[[bytes], bytes]
) -> bytes:
    """Sign a receipt of inclusion.

    Args:
        inclusion: What it says; its path has a hash at least.
        root: The log's root at that size.
        algorithm: What `sign` does.
        key_id: Key id of the receipt key.
        sign: Makes the raw 64 byte signature over the message that it is given.
    """
    fields: dict[int, encoding.Plain] = {
        _ALGORITHM: int(algorithm),
        _KEY_ID: key_id,
        _CWT_CLAIMS: {_ISSUER: inclusion.origin},
        _STRUCTURE: _RFC9162_SHA256,
    }
    protected = encoding.encode(fields)
    signature = sign(encoding.encode(["Signature1", protected, b"", root]))
    return _written(protected, inclusion, signature)


def verify_inclusion(data: bytes, entry: bytes, key: PublicKey, origin: str) -> Inclusion:
    """Check that an entry stands in a log whose root the key has signed.

    Args:
        data: The receipt of inclusion.
        entry: The leaf: a store's receipt, byte for byte, with an empty unprotected header.
        key: The store's receipt key.
        origin: Which log it has to be (`checkpoint.origin_of`).

    Raises:
        ProofError: It does not show that.
    """
    parts = _parts(data)
    found = parts.inclusion
    if found.origin != origin:
        raise ProofError(f"the receipt of inclusion is of the log {found.origin!r}, not of {origin!r}")
    root = included_root(found.leaf_index, found.size, leaf_hash(entry), found.path)
    message = Sign1(parts.algorithm, parts.key_id, root, parts.signature, parts.protected)
    try:
        cose.verify_sign1(message, _NO_CONTEXT, key)
    except SealingError as error:
        raise ProofError(f"the store has not signed a log of {found.size} that holds this receipt: {error}") from error
    return found


def attach(receipt: bytes, inclusion: bytes) -> bytes:
    """Make a receipt transparent (SY-70). Raises ProofError: it is no receipt, or has something attached."""
    at = _unprotected(receipt)
    if receipt[at : at + 1] != _NO_HEADER:
        raise ProofError("something is attached to the receipt already")
    return receipt[:at] + _RECEIPTS + encoding.encode(inclusion) + receipt[at + 1 :]


def detach(data: bytes) -> tuple[bytes, bytes | None]:
    """Take a transparent receipt apart: the receipt, byte for byte, and what was attached; None where nothing was.

    Raises:
        ProofError: It is neither.
    """
    at = _unprotected(data)
    if not data.startswith(_RECEIPTS, at):
        return data, None
    inclusion, behind = _byte_string(data, at + len(_RECEIPTS))
    receipt = data[:at] + _NO_HEADER + data[behind:]
    if len(inclusion) > INCLUSION_BYTES_MAX or attach(receipt, inclusion) != data:
        raise ProofError("what is attached to the receipt is not written in the one way that counts")
    return receipt, inclusion


def _unprotected(data: bytes) -> int:
    if not data.startswith(_SIGN1):
        raise ProofError("not a COSE_Sign1")
    return _byte_string(data, len(_SIGN1))[1]


def _written(protected: bytes, inclusion: Inclusion, signature: bytes) -> bytes:
    proof = encoding.encode([inclusion.size, inclusion.leaf_index, list(inclusion.path)])
    parts = (encoding.encode(protected), _PROOFS, encoding.encode(proof), _NO_PAYLOAD, encoding.encode(signature))
    return _SIGN1 + b"".join(parts)


def _parts(data: bytes) -> _Parts:
    if len(data) > INCLUSION_BYTES_MAX or not data.startswith(_SIGN1):
        raise ProofError(f"not a receipt of inclusion of at most {INCLUSION_BYTES_MAX} bytes")
    protected, at = _byte_string(data, len(_SIGN1))
    proof, at = _byte_string(data, at + len(_PROOFS))
    signature, _ = _byte_string(data, at + len(_NO_PAYLOAD))
    try:
        algorithm, key_id, origin = _protected(protected)
        inclusion = _proof(origin, encoding.decode(proof, INCLUSION_BYTES_MAX))
    except (SealingError, ValueError) as error:
        raise ProofError(f"not a receipt of inclusion: {error}") from error
    # What was skipped above is compared here: there is one way to write it.
    if len(signature) != SIGNATURE_BYTES_MAX or _written(protected, inclusion, signature) != data:
        raise ProofError("the receipt of inclusion is not written in the one way that counts")
    return _Parts(inclusion, algorithm, key_id, protected, signature)


def _protected(data: bytes) -> tuple[Algorithm, bytes, str]:
    fields = encoding.decode(data, _PROTECTED_BYTES_MAX)
    if not isinstance(fields, dict) or list(fields) != [_ALGORITHM, _KEY_ID, _CWT_CLAIMS, _STRUCTURE]:
        raise ProofError("the protected header of a receipt of inclusion is not {alg, kid, CWT claims, vds}")
    algorithm, key_id, claims, structure = fields.values()
    if type(structure) is not int or structure != _RFC9162_SHA256:
        raise ProofError(f"verifiable data structure {structure!r} is not RFC9162_SHA256")
    if not isinstance(claims, dict) or list(claims) != [_ISSUER] or not isinstance(claims[_ISSUER], str):
        raise ProofError("the claims of a receipt of inclusion are not its issuer alone")
    if type(algorithm) is not int or not isinstance(key_id, bytes) or len(key_id) != KEY_ID_BYTES:
        raise ProofError("a receipt of inclusion without algorithm or key id")
    return Algorithm(algorithm), key_id, claims[_ISSUER]


def _proof(origin: str, plain: encoding.Plain) -> Inclusion:
    match plain:
        case [int(size), int(leaf_index), [*path]] if _PATH_MIN <= len(path) <= PROOF_MAX:
            hashes = tuple(one for one in path if isinstance(one, bytes) and len(one) == HASH_BYTES)
            if len(hashes) == len(path) and 0 <= leaf_index < size:
                return Inclusion(origin, size, leaf_index, hashes)
    raise ProofError("the proof is not size, leaf index and a path of hashes")


def _byte_string(data: bytes, at: int) -> tuple[bytes, int]:
    """The byte string at a place, and the place behind it; that it has the shortest form is compared elsewhere."""
    head = data[at] if at < len(data) else 0
    more = _LENGTHS.get(head & 0x1F, 0)
    begin = at + 1 + more
    length = int.from_bytes(data[at + 1 : begin], "big") if more else head & 0x1F
    if head >> 5 != _BYTE_STRING or (not more and length >= min(_LENGTHS)) or begin + length > len(data):
        raise ProofError("no byte string where one belongs")
    return data[begin : begin + length], begin + length

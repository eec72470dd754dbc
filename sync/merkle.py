"""The Merkle tree of RFC 9162, section 2.1: roots, and proofs that something is in it, or that it only grew.

Rules of this module: pure. Hashes of whole subtrees come from outside by level and place, so that a tree of any size is
answered from a few of them; proofs are checked from their bytes alone.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Sequence
from typing import Final

from sync.errors import WireError

HASH_BYTES: Final = 32
EMPTY_ROOT: Final = hashlib.sha256(b"").digest()

Subtree = Callable[[int, int], bytes]
"""From level and place to the hash of a whole subtree: of the leaves from place · 2^level on."""


class ProofError(WireError):
    """A proof does not show what it is said to show."""


def leaf_hash(data: bytes) -> bytes:
    """Hash of a leaf."""
    return hashlib.sha256(b"\x00" + data).digest()


def node_hash(left: bytes, right: bytes) -> bytes:
    """Hash of an inner node."""
    return hashlib.sha256(b"\x01" + left + right).digest()


def completed(index: int, leaf: bytes, subtree: Subtree) -> list[tuple[int, int, bytes]]:
    """The subtrees that a new leaf completes, itself first.

    Args:
        index: Its place, which is the size of the tree before.
        leaf: Its hash.
        subtree: Gives the subtrees that were whole before.

    Returns:
        Level, place and hash of each.
    """
    found = [(0, index, leaf)]
    level, place, digest = 0, index, leaf
    while place % 2:
        digest = node_hash(subtree(level, place - 1), digest)
        level, place = level + 1, place // 2
        found.append((level, place, digest))
    return found


def root(size: int, subtree: Subtree) -> bytes:
    """The tree's hash."""
    return EMPTY_ROOT if size == 0 else _range_hash(0, size, subtree)


def inclusion(index: int, size: int, subtree: Subtree) -> list[bytes]:
    """Prove that a leaf is in the tree of a size (RFC 9162, 2.1.3.1).

    Raises:
        ProofError: There is no such leaf.
    """
    if not 0 <= index < size:
        raise ProofError(f"leaf {index} is not in a tree of {size}")
    return _path(index, 0, size, subtree)


def consistency(old_size: int, size: int, subtree: Subtree) -> list[bytes]:
    """Prove that the tree of a size grew out of that of an older size (RFC 9162, 2.1.4.1).

    Raises:
        ProofError: It cannot have.
    """
    if not 0 <= old_size <= size:
        raise ProofError(f"a tree of {size} did not grow out of one of {old_size}")
    return [] if old_size in {0, size} else _subproof(old_size, 0, size, subtree, whole=True)


def check_inclusion(index: int, size: int, leaf: bytes, proof: Sequence[bytes], expected_root: bytes) -> None:
    """Check a proof that a leaf is in a tree (RFC 9162, 2.1.3.2).

    Raises:
        ProofError: It does not show that.
    """
    if included_root(index, size, leaf, proof) != expected_root:
        raise ProofError(f"leaf {index} is not shown to be in the tree of {size}")


def included_root(index: int, size: int, leaf: bytes, proof: Sequence[bytes]) -> bytes:
    """The root that a proof leads to from a leaf (RFC 9162, 2.1.3.2).

    Raises:
        ProofError: It leads nowhere: it is too long or too short for this place.
    """
    if not 0 <= index < size:
        raise ProofError(f"leaf {index} is not in a tree of {size}")
    place, last, digest = index, size - 1, leaf
    for one in proof:
        if last == 0:
            raise ProofError("the proof of inclusion is too long")
        if place % 2 or place == last:
            digest = node_hash(one, digest)
            while place % 2 == 0 and place:
                place, last = place // 2, last // 2
        else:
            digest = node_hash(digest, one)
        place, last = place // 2, last // 2
    if last != 0:
        raise ProofError("the proof of inclusion is too short")
    return digest


def check_consistency(old_size: int, old_root: bytes, size: int, new_root: bytes, proof: Sequence[bytes]) -> None:
    """Check a proof that a tree only grew (RFC 9162, 2.1.4.2).

    Raises:
        ProofError: It does not show that: the tree is smaller, or tells another history.
    """
    if size < old_size:
        raise ProofError(f"the tree has {size} leaves and had {old_size}")
    if old_size in {0, size}:
        if proof or (old_size == size and old_root != new_root):
            raise ProofError(f"two trees of {size} leaves differ, or a proof stands where none belongs")
        return
    hashes = [old_root, *proof] if old_size & (old_size - 1) == 0 else list(proof)
    if not hashes:
        raise ProofError("the proof of consistency is empty")
    if _grown(old_size, size, hashes) != (old_root, new_root):
        raise ProofError(f"the tree of {size} did not grow out of the one of {old_size} that was seen before")


def _grown(old_size: int, size: int, hashes: Sequence[bytes]) -> tuple[bytes, bytes]:
    """The two roots that a proof of consistency leads to."""
    place, last = old_size - 1, size - 1
    while place % 2:
        place, last = place // 2, last // 2
    old = new = hashes[0]
    for one in hashes[1:]:
        if last == 0:
            raise ProofError("the proof of consistency is too long")
        if place % 2 or place == last:
            old, new = node_hash(one, old), node_hash(one, new)
            while place % 2 == 0 and place:
                place, last = place // 2, last // 2
        else:
            new = node_hash(new, one)
        place, last = place // 2, last // 2
    if last != 0:
        raise ProofError("the proof of consistency is too short")
    return old, new


def _range_hash(start: int, count: int, subtree: Subtree) -> bytes:
    split = _split(count)
    if split == count:
        return subtree(count.bit_length() - 1, start // count)
    return node_hash(_range_hash(start, split, subtree), _range_hash(start + split, count - split, subtree))


def _path(index: int, start: int, count: int, subtree: Subtree) -> list[bytes]:
    if count == 1:
        return []
    split = _below(count)
    if index < split:
        return [*_path(index, start, split, subtree), _range_hash(start + split, count - split, subtree)]
    rest = _path(index - split, start + split, count - split, subtree)
    return [*rest, _range_hash(start, split, subtree)]


def _subproof(old: int, start: int, count: int, subtree: Subtree, *, whole: bool) -> list[bytes]:
    if old == count:
        return [] if whole else [_range_hash(start, count, subtree)]
    split = _below(count)
    if old <= split:
        rest = _subproof(old, start, split, subtree, whole=whole)
        return [*rest, _range_hash(start + split, count - split, subtree)]
    rest = _subproof(old - split, start + split, count - split, subtree, whole=False)
    return [*rest, _range_hash(start, split, subtree)]


def _split(count: int) -> int:
    """The largest power of two that is not more."""
    return 1 << (count.bit_length() - 1)


def _below(count: int) -> int:
    """The largest power of two that is less."""
    return _split(count - 1)

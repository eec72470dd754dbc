"""The tree of RFC 9162, against a plain reading of its definitions and against known roots."""

import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sync import merkle
from sync.merkle import ProofError

LEAVES = [b"", b"\x00", b"\x10", b"\x20\x21", b"\x30\x31", b"\x40\x41\x42\x43", bytes(range(0x50, 0x58))]
LEAVES.append(bytes(range(0x60, 0x70)))
"""The leaves with which the authors of Certificate Transparency test their trees."""
ROOTS = {
    1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
    2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
    3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
    8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
}


class Tree:
    """A tree that keeps the subtrees that are whole."""

    def __init__(self, leaves: list[bytes]) -> None:
        self.nodes: dict[tuple[int, int], bytes] = {}
        self.leaves = leaves
        for index, leaf in enumerate(leaves):
            for level, place, digest in merkle.completed(index, merkle.leaf_hash(leaf), self.subtree):
                self.nodes[level, place] = digest

    def subtree(self, level: int, place: int) -> bytes:
        return self.nodes[level, place]

    def root(self, size: int) -> bytes:
        return merkle.root(size, self.subtree)


def plain_root(leaves: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1, word for word."""
    if not leaves:
        return hashlib.sha256(b"").digest()
    if len(leaves) == 1:
        return hashlib.sha256(b"\x00" + leaves[0]).digest()
    half = 1
    while half * 2 < len(leaves):
        half *= 2
    return hashlib.sha256(b"\x01" + plain_root(leaves[:half]) + plain_root(leaves[half:])).digest()


def test_known_roots() -> None:
    tree = Tree(LEAVES)
    for size, expected in ROOTS.items():
        assert tree.root(size).hex() == expected


def made(size: int) -> Tree:
    return Tree([number.to_bytes(4) for number in range(size)])


def test_every_proof_of_small_trees_shows_what_it_is_for_and_nothing_else() -> None:
    """SY-42."""
    tree = made(33)
    for size in range(34):
        assert tree.root(size) == plain_root(tree.leaves[:size])
        for old in range(size + 1):
            proof = merkle.consistency(old, size, tree.subtree)
            merkle.check_consistency(old, tree.root(old), size, tree.root(size), proof)
        for index in range(size):
            leaf = merkle.leaf_hash(tree.leaves[index])
            proof = merkle.inclusion(index, size, tree.subtree)
            merkle.check_inclusion(index, size, leaf, proof, tree.root(size))
            with pytest.raises(ProofError):
                merkle.check_inclusion(index, size, merkle.leaf_hash(b"other"), proof, tree.root(size))


@given(st.data())
def test_a_tree_that_changed_or_shrank_has_no_proof(data: st.DataObject) -> None:
    """SY-42: neither another leaf, nor another proof, nor one that is longer or shorter."""
    size = data.draw(st.integers(2, 70))
    old = data.draw(st.integers(1, size - 1))
    changed = data.draw(st.integers(0, old - 1))
    tree, other = made(size), made(size)
    leaves = [*other.leaves[:changed], b"changed", *other.leaves[changed + 1 :]]
    other = Tree(leaves)
    proof = merkle.consistency(old, size, other.subtree)
    with pytest.raises(ProofError):
        merkle.check_consistency(old, tree.root(old), size, other.root(size), proof)
    good = merkle.consistency(old, size, tree.subtree)
    for bad in (good[:-1], [*good, bytes(32)], [bytes(32), *good[1:]]):
        with pytest.raises(ProofError):
            merkle.check_consistency(old, tree.root(old), size, tree.root(size), bad)
    with pytest.raises(ProofError, match="had"):
        merkle.check_consistency(size, tree.root(size), old, tree.root(old), [])
    with pytest.raises(ProofError):
        merkle.check_consistency(size, tree.root(size), size, other.root(size), [])


@pytest.mark.parametrize(("old", "size"), [(3, 2), (-1, 2)])
def test_what_cannot_be_proved_is_refused(old: int, size: int) -> None:
    with pytest.raises(ProofError):
        merkle.consistency(old, size, made(5).subtree)
    with pytest.raises(ProofError):
        merkle.inclusion(old, size, made(5).subtree)
    with pytest.raises(ProofError):
        merkle.check_inclusion(old, size, bytes(32), [], bytes(32))

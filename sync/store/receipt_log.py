"""The log of a store's receipts: an append-only Merkle tree in the order of the commits (SY-42).

Rules of this module: a leaf is a receipt, byte for byte, appended in the transaction that makes the promise; nothing is
changed or removed. `log_audit` believes none of it, and hashes everything again.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from sync import merkle
from sync.store.schema import files, log_leaves, log_nodes


@dataclass(frozen=True, slots=True)
class Grown:
    """The log at a size, and the proof that it grew out of an older one."""

    size: int
    root: bytes
    proof: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class Included:
    """Where a receipt stands in the log as it is, and the proof."""

    size: int
    root: bytes
    leaf_index: int
    proof: tuple[bytes, ...]


def append(connection: sa.Connection, device_id: str, file_id: bytes, receipt: bytes) -> int:
    """Append a receipt, in the caller's transaction; gives its place."""
    index = size_of(connection)
    leaf = merkle.leaf_hash(receipt)
    row = {"leaf_index": index, "device_id": device_id, "file_id": file_id}
    connection.execute(sa.insert(log_leaves).values(**row))
    nodes = merkle.completed(index, leaf, lambda level, place: _node(connection, level, place))
    rows = [{"level": level, "place": place, "digest": digest} for level, place, digest in nodes]
    connection.execute(sa.insert(log_nodes), rows)
    return index


def catch_up(connection: sa.Connection) -> int:
    """Append the receipts of a store that had no log when it gave them; gives how many there were."""
    if connection.execute(sa.select(sa.func.count()).select_from(files)).scalar_one() == size_of(connection):
        return 0
    known = sa.exists().where(log_leaves.c.device_id == files.c.device_id, log_leaves.c.file_id == files.c.file_id)
    wanted = (
        sa.select(files.c.device_id, files.c.file_id, files.c.receipt)
        .where(~known)
        .order_by(files.c.received_utc_ns, files.c.device_id, files.c.receipt_number)
    )
    rows = connection.execute(wanted).all()
    for device_id, file_id, receipt in rows:
        append(connection, device_id, file_id, receipt)
    return len(rows)


def size_of(connection: sa.Connection) -> int:
    """How many receipts the log holds."""
    newest = connection.execute(sa.select(sa.func.max(log_leaves.c.leaf_index))).scalar()
    return 0 if newest is None else int(newest) + 1


def grown(connection: sa.Connection, old_size: int) -> Grown:
    """The log as it is, and the proof that it grew out of an older size; one that it never had has no proof."""
    size = size_of(connection)

    def subtree(level: int, place: int) -> bytes:
        return _node(connection, level, place)

    proof = merkle.consistency(old_size, size, subtree) if old_size <= size else []
    return Grown(size, merkle.root(size, subtree), tuple(proof))


def inclusion(connection: sa.Connection, device_id: str, file_id: bytes, size: int) -> tuple[int, tuple[bytes, ...]]:
    """Place of a receipt and the proof that it is in the log of a size.

    Raises:
        ProofError: It is not.
    """
    index = _place(connection, device_id, file_id)
    if size > size_of(connection):
        raise merkle.ProofError(f"no receipt of {file_id.hex()} in a log of {size}")
    proof = merkle.inclusion(index, size, lambda level, place: _node(connection, level, place))
    return index, tuple(proof)


def included(connection: sa.Connection, device_id: str, file_id: bytes) -> Included:
    """Place of a receipt in the log as it is, and the proof.

    Raises:
        ProofError: It is not in it.
    """
    size, index = size_of(connection), _place(connection, device_id, file_id)
    # Asked for at once: one by one they would cost more than the signature, with each receipt that is given.
    wanted: list[tuple[int, int]] = []

    def note(level: int, place: int) -> bytes:
        wanted.append((level, place))
        return merkle.EMPTY_ROOT

    _proved(index, size, note)
    nodes = _nodes(connection, wanted)
    found_root, proof = _proved(index, size, lambda level, place: nodes[level, place])
    return Included(size, found_root, index, proof)


def _proved(index: int, size: int, subtree: merkle.Subtree) -> tuple[bytes, tuple[bytes, ...]]:
    return merkle.root(size, subtree), tuple(merkle.inclusion(index, size, subtree))


def _place(connection: sa.Connection, device_id: str, file_id: bytes) -> int:
    own = (log_leaves.c.device_id == device_id, log_leaves.c.file_id == file_id)
    index = connection.execute(sa.select(sa.func.max(log_leaves.c.leaf_index)).where(*own)).scalar()
    if index is None:
        raise merkle.ProofError(f"no receipt of {file_id.hex()} in the log")
    return int(index)


def _nodes(connection: sa.Connection, wanted: list[tuple[int, int]]) -> dict[tuple[int, int], bytes]:
    those = sa.tuple_(log_nodes.c.level, log_nodes.c.place).in_(wanted)
    rows = connection.execute(sa.select(log_nodes.c.level, log_nodes.c.place, log_nodes.c.digest).where(those))
    found = {(int(level), int(place)): bytes(digest) for level, place, digest in rows}
    for one in wanted:
        if one not in found:
            raise _gone(*one)
    return found


def _gone(level: int, place: int) -> merkle.ProofError:
    return merkle.ProofError(f"the subtree {level}/{place} of the log is gone; see `recorder-store log audit`")


def _node(connection: sa.Connection, level: int, place: int) -> bytes:
    found = stored(connection, level, place)
    if found is None:
        raise _gone(level, place)
    return found


def stored(connection: sa.Connection, level: int, place: int) -> bytes | None:
    """The hash of a subtree as it was kept; None where none was."""
    own = (log_nodes.c.level == level, log_nodes.c.place == place)
    digest: bytes | None = connection.execute(sa.select(log_nodes.c.digest).where(*own)).scalar()
    return digest

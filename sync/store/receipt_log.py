"""The log of a store's receipts: an append-only Merkle tree in the order of the commits (SY-42).

Rules of this module: a leaf is a receipt, byte for byte, appended in the transaction that makes the promise; nothing is
changed or removed. What the tables say is never believed when the log is audited: everything is hashed again.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from sync import merkle
from sync.store.schema import files, log_leaves, log_nodes

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Grown:
    """The log at a size, and the proof that it grew out of an older one."""

    size: int
    root: bytes
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
    own = (log_leaves.c.device_id == device_id, log_leaves.c.file_id == file_id)
    index = connection.execute(sa.select(sa.func.max(log_leaves.c.leaf_index)).where(*own)).scalar()
    if index is None or size > size_of(connection):
        raise merkle.ProofError(f"no receipt of {file_id.hex()} in a log of {size}")
    proof = merkle.inclusion(index, size, lambda level, place: _node(connection, level, place))
    return int(index), tuple(proof)


def audit(connection: sa.Connection, sizes: Sequence[int]) -> tuple[dict[int, bytes], list[str]]:
    """Hash every receipt again, in the log's order.

    Args:
        connection: Of the store's database.
        sizes: At which sizes the root is wanted.

    Returns:
        The root at each of these sizes and at the log's own, and everything that is not as it has to be.
    """
    faults: list[str] = []
    nodes: dict[tuple[int, int], bytes] = {}
    roots = {0: merkle.EMPTY_ROOT}
    size = 0
    for index, receipt, name in _leaves(connection):
        if index != size:
            faults.append(f"leaf {size} is missing")
            break
        if receipt is None:
            faults.append(f"leaf {index}: the receipt of {name} is gone")
            break
        for level, place, digest in merkle.completed(index, merkle.leaf_hash(receipt), lambda *at: nodes[at]):
            nodes[level, place] = digest
            if _stored(connection, level, place) != digest:
                faults.append(f"leaf {index} ({name}): the subtree {level}/{place} has another hash than was kept")
        size = index + 1
        if size in sizes:
            roots[size] = merkle.root(size, lambda *at: nodes[at])
    roots[size] = merkle.root(size, lambda *at: nodes[at])
    missing = connection.execute(sa.select(sa.func.count()).select_from(files)).scalar_one() - size
    if missing and not faults:
        faults.append(f"{missing} receipts more, or less, than the log has leaves")
    return roots, faults


def _leaves(connection: sa.Connection) -> Iterator[tuple[int, bytes | None, str]]:
    same = (log_leaves.c.device_id == files.c.device_id) & (log_leaves.c.file_id == files.c.file_id)
    wanted = (
        sa.select(log_leaves.c.leaf_index, files.c.receipt, log_leaves.c.device_id, log_leaves.c.file_id)
        .select_from(log_leaves.outerjoin(files, same))
        .order_by(log_leaves.c.leaf_index)
    )
    for index, receipt, device_id, file_id in connection.execute(wanted):
        yield index, receipt, f"{file_id.hex()} of {device_id}"


def _node(connection: sa.Connection, level: int, place: int) -> bytes:
    found = _stored(connection, level, place)
    if found is None:
        raise merkle.ProofError(f"the subtree {level}/{place} of the log is gone; see `recorder-store log audit`")
    return found


def _stored(connection: sa.Connection, level: int, place: int) -> bytes | None:
    own = (log_nodes.c.level == level, log_nodes.c.place == place)
    digest: bytes | None = connection.execute(sa.select(log_nodes.c.digest).where(*own)).scalar()
    return digest

"""Checks the log of receipts against the receipts, everything hashed again (SY-42, R38).

Rules of this module: nothing that the tables say of a hash is believed. A store that is served goes on committing
meanwhile: the leaves are read in batches, which only ever get more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Final

import sqlalchemy as sa

from sync import merkle
from sync.store.content_index import Transactions
from sync.store.receipt_log import stored
from sync.store.schema import files, log_leaves

_BATCH: Final = 500
_NAMED_MAX: Final = 20
Nodes = dict[tuple[int, int], bytes]


def audit_log(
    ledger: Transactions, sizes: Sequence[int], may_go_on: Callable[[], bool] = lambda: True
) -> tuple[dict[int, bytes], list[str]]:
    """Hash every receipt again, in the log's order.

    Args:
        ledger: The store's database.
        sizes: At which sizes the root is wanted.
        may_go_on: Asked before each batch; False ends the audit early, with what was found until then.

    Returns:
        The root at each of these sizes and at the log's own, and everything that is not as it has to be.
    """
    nodes: Nodes = {}
    roots, faults, size = {0: merkle.EMPTY_ROOT}, list[str](), 0
    more = True
    while more and may_go_on():
        with ledger.transaction() as connection:
            batch = list(_leaves(connection, size))
            more = len(batch) == _BATCH
            for leaf in batch:
                faults += _leaf_faults(connection, nodes, size, leaf)
                if not _follows(size, leaf):
                    more = False
                    break
                size += 1
                if size in sizes:
                    roots[size] = merkle.root(size, lambda *at: nodes[at])
            faults += () if more else _unlogged(connection)
    roots[size] = merkle.root(size, lambda *at: nodes[at])
    return roots, faults


Leaf = tuple[int, bytes | None, str]


def _follows(size: int, leaf: Leaf) -> bool:
    return leaf[0] == size and leaf[1] is not None


def _leaf_faults(connection: sa.Connection, nodes: Nodes, size: int, leaf: Leaf) -> Iterator[str]:
    index, receipt, name = leaf
    if index != size:
        yield f"leaf {size} is missing"
        return
    if receipt is None:
        yield f"leaf {index}: the receipt of {name} is gone"
        return
    for level, place, digest in merkle.completed(index, merkle.leaf_hash(receipt), lambda *at: nodes[at]):
        nodes[level, place] = digest
        for below in (2 * place, 2 * place + 1):
            nodes.pop((level - 1, below), None)
        if stored(connection, level, place) != digest:
            yield f"leaf {index} ({name}): the subtree {level}/{place} has another hash than was kept"


def _leaves(connection: sa.Connection, begin: int) -> Iterator[Leaf]:
    same = (log_leaves.c.device_id == files.c.device_id) & (log_leaves.c.file_id == files.c.file_id)
    wanted = (
        sa.select(log_leaves.c.leaf_index, files.c.receipt, log_leaves.c.device_id, log_leaves.c.file_id)
        .select_from(log_leaves.outerjoin(files, same))
        .where(log_leaves.c.leaf_index >= begin)
        .order_by(log_leaves.c.leaf_index)
        .limit(_BATCH)
    )
    for index, receipt, device_id, file_id in connection.execute(wanted):
        yield index, receipt, f"{file_id.hex()} of {device_id}"


def _unlogged(connection: sa.Connection) -> Iterator[str]:
    """Receipts that no leaf stands for, and leaves that stand for one receipt twice."""
    own = (log_leaves.c.device_id == files.c.device_id) & (log_leaves.c.file_id == files.c.file_id)
    missing = sa.select(files.c.device_id, files.c.file_id).where(~sa.exists().where(own)).limit(_NAMED_MAX)
    for device_id, file_id in connection.execute(missing):
        yield f"the receipt of {file_id.hex()} of {device_id} is no leaf of the log"
    key = (log_leaves.c.device_id, log_leaves.c.file_id)
    twice = sa.select(*key).group_by(*key).having(sa.func.count() > 1).limit(_NAMED_MAX)
    for device_id, file_id in connection.execute(twice):
        yield f"the receipt of {file_id.hex()} of {device_id} is more than one leaf of the log"

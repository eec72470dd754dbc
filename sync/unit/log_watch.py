"""Holds the store to its log of receipts: it may only grow, and must hold what the store promised this unit (SY-43).

Rules of this module: asks once, compares with the checkpoint that was kept before, keeps the new one. A contradiction
is put where the agent sees it, until a person has decided; a line that is down proves nothing.
"""

from __future__ import annotations

import json
import logging
from http import HTTPStatus
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ec

from sealing.cose import PublicKey
from sealing.receipts import ReceiptError, read_receipt
from sync import durable, inbox, merkle
from sync.checkpoint import CHECKPOINT_BYTES_MAX, Checkpoint, verify_checkpoint
from sync.errors import WireError
from sync.merkle import ProofError
from sync.unit.client import LinkError, RefusedError
from sync.unit.config import SyncPaths
from sync.unit.transport import Transport

log = logging.getLogger(__name__)


def watch_log(client: Transport, paths: SyncPaths, store_key: PublicKey) -> str | None:
    """Ask how the log stands, and compare it with what was seen and promised before.

    Args:
        client: The line.
        paths: Where the unit keeps what it saw.
        store_key: The store's receipt key.

    Returns:
        What contradicts what the store had said, now or at an earlier docking; None while nothing does.
    """
    before = _note(paths.inbox / inbox.CHECKPOINT_NAME)
    if isinstance(store_key, ec.EllipticCurvePublicKey) and not has_contradiction(paths):
        _watch(client, paths, store_key, before)
    return contradiction_of(paths)


def _watch(client: Transport, paths: SyncPaths, key: ec.EllipticCurvePublicKey, before: bytes | None) -> None:
    """Ask; what contradicts is asked once more, for a proof that the line has spoiled convicts nobody."""
    try:
        seen = None if before is None else verify_checkpoint(before, key)
        try:
            _ask(client, paths, key, seen)
        except ProofError as error:
            log.warning("the store's log does not fit (%s); it is asked once more", error)
            _ask(client, paths, key, seen)
    except _ContradictionError as error:
        _keep(paths, str(error), before, error.note)
    except LinkError as error:
        log.info("the log of receipts was not asked for: %s", error)
    except RefusedError as error:
        if error.status == HTTPStatus.NOT_FOUND and before is not None:
            _keep(paths, f"the store has no log any more: {error}", before, b"")
        else:
            log.info("the store does not tell of its log: %s", error)
    except WireError as error:
        log.warning("what came as the store's checkpoint is none, and proves nothing: %s", error)


class _ContradictionError(ProofError):
    """A checkpoint that the store has signed does not fit what it had said."""

    def __init__(self, error: ProofError, note: bytes) -> None:
        super().__init__(str(error))
        self.note = note


def _ask(client: Transport, paths: SyncPaths, key: ec.EllipticCurvePublicKey, seen: Checkpoint | None) -> None:
    answer = client.log(0 if seen is None else seen.size)
    note = answer.checkpoint.encode()
    stands = verify_checkpoint(note, key)
    try:
        _check_grown(seen, stands, [bytes.fromhex(one) for one in answer.consistency])
        _check_newest(client, paths, stands)
    except ProofError as error:
        raise _ContradictionError(error, note) from error
    durable.write_file(paths.inbox / inbox.CHECKPOINT_NAME, note)


def _check_grown(seen: Checkpoint | None, stands: Checkpoint, proof: list[bytes]) -> None:
    if seen is None:
        return
    if seen.origin != stands.origin:
        raise ProofError(f"the log was {seen.origin} and is {stands.origin}")
    merkle.check_consistency(seen.size, seen.root, stands.size, stands.root, proof)


def _check_newest(client: Transport, paths: SyncPaths, stands: Checkpoint) -> None:
    """What the store promised last must be in its log."""
    newest = _newest_receipt(paths)
    if newest is None:
        return
    file_id = read_receipt(newest).file_id
    try:
        place = client.log_place(file_id, stands.size)
    except RefusedError as error:
        if error.status == HTTPStatus.NOT_FOUND:
            raise ProofError(f"the receipt for {file_id.hex()} is not in the store's log") from error
        raise
    proof = [bytes.fromhex(one) for one in place.inclusion]
    merkle.check_inclusion(place.leaf_index, stands.size, merkle.leaf_hash(newest), proof, stands.root)


def _newest_receipt(paths: SyncPaths) -> bytes | None:
    found: dict[int, bytes] = {}
    for path in (path for folder in (paths.inbox, paths.receipts) if folder.is_dir() for path in folder.iterdir()):
        if inbox.is_receipt(path.name):
            try:
                data = path.read_bytes()
                found[read_receipt(data).receipt_number] = data
            except (FileNotFoundError, ReceiptError):
                continue
    return found[max(found)] if found else None


def has_contradiction(paths: SyncPaths) -> bool:
    """Tell whether the store has contradicted itself, and nobody has decided yet."""
    return (paths.inbox / inbox.CONTRADICTION_NAME).exists()


def contradiction_of(paths: SyncPaths) -> str | None:
    """What the contradiction is; None while there is none."""
    if not has_contradiction(paths):
        return None
    try:
        return str(json.loads((paths.inbox / inbox.CONTRADICTION_NAME).read_bytes())["reason"])
    except (OSError, ValueError, KeyError, TypeError):
        return "the store has contradicted itself"


def _keep(paths: SyncPaths, reason: str, before: bytes | None, now: bytes) -> None:
    """Keep what was said then and now; two signed notes convict whoever signed them."""
    log.error("the store contradicts itself: %s; nothing is freed until a custodian has decided", reason)
    told = {"reason": reason, "before": (before or b"").decode(), "now": now.decode(errors="replace")}
    data = json.dumps(told, ensure_ascii=False).encode()
    durable.write_file(paths.inbox / inbox.CONTRADICTION_NAME, data)


def _note(path: Path) -> bytes | None:
    try:
        with path.open("rb") as file:
            return file.read(CHECKPOINT_BYTES_MAX + 1)
    except FileNotFoundError:
        return None

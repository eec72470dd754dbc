"""What reaches the store by hand: cards that somebody brings, and a custodian's decision about a revoked unit's files.

Rules of this module: the same judging and the same order of a commit as over the line (SY-19); only who may is another
matter. Used while the store is not served, so that receipts are numbered by one process at a time.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from sync.errors import ContentError, SpoolError, StoreError
from sync.store.content import read_pieces
from sync.store.intake import Intake
from sync.store.vault import Declaration, Name
from sync.unit.spool import SealedFile, numbers, opening, read_ended

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TakenIn:
    """What became of one file of a card."""

    number: int
    file_id: str | None
    state: str
    """promised, parked, open (not ended, left alone) or unreadable."""
    reason: str | None = None


def take_in(intake: Intake, device_id: str, spool: Path) -> Iterator[TakenIn]:
    """Take in every ended file of a spool.

    Raises:
        StoreError: The unit is not enrolled.
        OSError: The card or the store's disk failed.
    """
    present = numbers(spool)
    for number, later in zip(present, (*present[1:], None), strict=True):
        path = spool / f"{number:08d}.evs"
        following = None if later is None else opening(spool / f"{later:08d}.evs")
        try:
            file = read_ended(path, following)
        except SpoolError as error:
            yield TakenIn(number, None, "unreadable", str(error))
            continue
        yield TakenIn(number, None, "open") if file is None else _take(intake, device_id, file)


def _take(intake: Intake, device_id: str, file: SealedFile) -> TakenIn:
    name = Name(device_id, file.file_id.hex())
    if intake.ledger.receipt(device_id, file.file_id) is not None:
        return TakenIn(file.number, name.file_id, "promised")
    refusal = intake.vault.refusal(name)
    if refusal is not None:
        return TakenIn(file.number, name.file_id, "parked", refusal.code)
    declaration = Declaration(size_bytes=file.size_bytes, number=file.number, torn_bytes=file.torn_bytes)
    intake.declare(name, declaration)
    upload = intake.open(name, declaration)
    try:
        for piece in read_pieces(file.path, upload.offset):
            upload.append(piece)
        intake.finish(upload)
    except ContentError as error:
        if intake.vault.refusal(name) is None:
            # A card does not heal as a line does: what failed once is kept as it is.
            intake.put_aside(upload, error)
        return TakenIn(file.number, name.file_id, "parked", error.code)
    finally:
        upload.close()
    return TakenIn(file.number, name.file_id, "promised")


def accept(intake: Intake, name: Name, accepted_by: str) -> bytes:
    """Promise content that was parked because its unit was revoked, by a custodian's decision.

    Returns:
        The receipt.

    Raises:
        StoreError: It is not parked, or for another reason than revocation: that no decision heals.
        ContentError: It does not verify, or does not join the chain; it stays parked.
    """
    refusal = intake.vault.refusal(name)
    if refusal is None or refusal.code != "revoked":
        found = "not parked" if refusal is None else f"parked as {refusal.code}"
        raise StoreError(f"{name.file_id} of {name.device_id} is {found}; only `revoked` can be accepted")
    receipt = intake.promise_parked(name)
    log.warning("%s of revoked unit %s was accepted by %s", name.file_id, name.device_id, accepted_by)
    return receipt

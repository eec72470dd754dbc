"""Checks everything that a store holds against what it has promised (R38).

Rules of this module: reads every object from the medium again, judges it as on arrival, compares it with its receipt,
and makes missing index rows anew. Repairs nothing else: what is lost is named, and restoring is a person's decision.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from sealing.errors import SealingError
from sealing.receipts import FIRST_PREVIOUS_RECEIPT, Receipt, receipt_hash, verify_receipt
from sync.errors import ContentError, EngineUnavailableError
from sync.store.annotations import Annotations
from sync.store.content import Content, whole_size
from sync.store.content_index import index_content
from sync.store.intake import Intake
from sync.store.judge import ContentFacts, Judge, Known
from sync.store.log_audit import audit_log
from sync.store.vault import Name
from sync.stream import SealedStream

log = logging.getLogger(__name__)

FAULT_MISSING: Final = "missing"
FAULT_CHANGED: Final = "changed"
FAULT_RECEIPT: Final = "receipt"
FAULT_UNPROMISED: Final = "unpromised"
FAULT_LOG: Final = "log"
FAULT_ANNOTATION: Final = "annotation"


@dataclass(frozen=True, slots=True)
class Fault:
    """Something that the store should hold, and does not as it promised."""

    device_id: str
    file_id: str
    code: str
    """missing, changed, receipt (not its own, or out of the row of numbers), unpromised (an object without a row), log
    (receipts and leaves of the log differ), annotation (removed, changed, or nobody's)."""
    detail: str


@dataclass(frozen=True, slots=True)
class Checked:
    """Result of a check."""

    files: int
    bytes: int
    faults: tuple[Fault, ...]


def check_store(intake: Intake, may_go_on: Callable[[], bool] = lambda: True) -> Checked:
    """Check every promised file and every receipt.

    Blocks as long as reading everything takes.

    Args:
        intake: The store, open.
        may_go_on: Asked before each file; False ends the check early, with what was found until then.
    """
    count = size = 0
    faults: list[Fault] = []
    promised: set[Name] = set()
    for device_id in (unit.device_id for unit in intake.ledger.units()):
        known = intake.known(device_id)
        previous = FIRST_PREVIOUS_RECEIPT
        for number, row in enumerate(intake.ledger.files(device_id), start=1):
            if not may_go_on():
                return Checked(count, size, tuple(faults))
            name = Name(device_id, row["file_id"].hex())
            promised.add(name)
            faults += _receipt_faults(intake, name, row["receipt"], number, previous)
            previous = receipt_hash(row["receipt"])
            faults += _object_faults(intake, name, row["torn_bytes"], row["receipt"], known)
            count, size = count + 1, size + row["size_bytes"]
    strays = [name for name in intake.vault.objects() if name not in promised]
    # Asked behind the list: what was promised meanwhile is none.
    strays = [one for one in strays if intake.ledger.receipt(one.device_id, bytes.fromhex(one.file_id)) is None]
    faults += [Fault(one.device_id, one.file_id, FAULT_UNPROMISED, "an object without a row") for one in strays]
    faults += _book_faults(intake, may_go_on)
    for fault in faults:
        log.critical("fsck: %s of %s: %s: %s", fault.file_id, fault.device_id, fault.code, fault.detail)
    return Checked(count, size, tuple(faults))


def _book_faults(intake: Intake, may_go_on: Callable[[], bool]) -> Iterator[Fault]:
    """SY-42: each receipt is one leaf of the log. SY-62: annotations are whole, in their order and somebody's."""
    for detail in audit_log(intake.ledger, (), may_go_on)[1]:
        yield Fault("", "", FAULT_LOG, detail)
    for bad in Annotations(intake.ledger).check(intake.trust.agency_cas, intake.signer.store_id):
        yield Fault(bad.device_id, bad.digest.hex(), FAULT_ANNOTATION, bad.detail)


def _receipt_faults(intake: Intake, name: Name, data: bytes, number: int, previous: bytes) -> Iterator[Fault]:
    """SY-22: numbered without a gap, chained, signed, for this file."""
    try:
        receipt = verify_receipt(data, intake.signer.key.public_key())
    except SealingError as error:
        yield Fault(name.device_id, name.file_id, FAULT_RECEIPT, str(error))
        return
    found = (receipt.device_id, receipt.file_id.hex(), receipt.receipt_number, receipt.previous_receipt_hash)
    if found != (name.device_id, name.file_id, number, previous):
        detail = f"receipt {receipt.receipt_number} stands where {number} belongs, or names another file"
        yield Fault(name.device_id, name.file_id, FAULT_RECEIPT, detail)


def _object_faults(intake: Intake, name: Name, torn_bytes: int, data: bytes, known: Known) -> Iterator[Fault]:
    content = intake.vault.content(name)
    size_bytes = content.size_bytes()
    if size_bytes is None:
        lost = f"{content.where} is not there; restore it from the backup"
        yield Fault(name.device_id, name.file_id, FAULT_MISSING, lost)
        return
    try:
        facts = _judged(content, torn_bytes, name, known)
        _compare(facts, size_bytes, verify_receipt(data, intake.signer.key.public_key()))
    except EngineUnavailableError:
        # An engine that does not answer has changed nothing.
        raise
    except (ContentError, SealingError, OSError) as error:
        yield Fault(name.device_id, name.file_id, FAULT_CHANGED, f"{error}; restore it from the backup")
        return
    with intake.ledger.transaction() as connection:
        index_content(connection, name.device_id, facts)


def _judged(content: Content, torn_bytes: int, name: Name, known: Known) -> ContentFacts:
    judge = Judge(known)
    stream = SealedStream(whole_size(content), judge, torn_bytes)
    for piece in content.pieces():
        stream.feed(piece)
    found = stream.finish(content.pieces(stream.whole_bytes)).hex()
    if found != name.file_id:
        raise ContentError("file-id", f"the content's id is {found}")
    return judge.facts()


def _compare(facts: ContentFacts, size_bytes: int, receipt: Receipt) -> None:
    found = (size_bytes, facts.first_sequence, facts.last_sequence, facts.head_hash)
    promised = (receipt.size_bytes, receipt.first_sequence, receipt.last_sequence, receipt.head_hash)
    if found != promised:
        raise ContentError("file-id", f"size, records and head are {found[:3]}, the receipt says {promised[:3]}")

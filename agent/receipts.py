"""From a receipt in the inbox to space on the medium: check against the own disk, seal, keep, and only then free.

Rules of this module: runs on one worker; nothing here deletes footage by itself. The writer does, and only a file whose
receipt it knows. While a session is open the disk belongs to the recording: receipts wait, and space is freed only when
it runs short.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Final

from cryptography import x509

from agent.config import FreePolicy, SpoolTable, UnitPaths
from agent.documents import accept_document
from agent.errors import IdentityError, ProfileError
from agent.reclaim import next_to_free
from hal.errors import HardwareError
from hal.ports import Clock, Storage
from hal.worker import Worker
from sealing.errors import DeletionRefusedError, SealingError, WriterStateError
from sealing.framing import file_name
from sealing.receipts import ReceiptError, read_receipt, receipt_hash, receipt_key
from sealing.records import Event
from sealing.references import RecordReference, StoreReceipt
from sealing.service import SealingService
from sealing.tickets import Ticket
from sealing.timetokens import anchor_of_statement
from sync.durable import write_file
from sync.errors import ReceiptMismatchError
from sync.inbox import CONTRADICTION_NAME, Inbox, InboxReceipt, receipt_name
from sync.receipt_check import check_receipt
from sync.unit.spool import numbers

log = logging.getLogger(__name__)

POLL_SECONDS: Final = 1.0
ALLOWANCE_SECONDS: Final = 60.0
"""A file of 64 MiB is read and every signature in it checked between two heartbeats, on a slow card."""
BATCH_MAX: Final = 64
"""Receipts that are sealed before their tickets are waited for."""
_SEALING_SECONDS: Final = 30.0
COMPANY_SECONDS: Final = 30.0
"""So long a receipted ledger waits for the receipt of the newest file, to go together with it."""
_NAME: Final = re.compile(r"([0-9]{8})\.receipt")


@dataclass(slots=True)
class KeptReceipts:
    """Receipts of the files that are in the spool, as they lie beside it."""

    by_file: dict[int, bytes]
    """File number → hash of its receipt."""
    by_number: dict[int, bytes]
    """Receipt number → hash of that receipt."""


def load_kept(directory: Path, present: frozenset[int]) -> KeptReceipts:
    """Read the receipts that are kept. Those of files that are not there are left alone: the medium may only be away.

    Args:
        directory: Where they lie; may be missing.
        present: Numbers of the files in the spool.

    Raises:
        OSError: The directory cannot be read or written.
    """
    kept = KeptReceipts({}, {})
    for path in sorted(directory.glob("*.receipt")) if directory.is_dir() else ():
        found = _NAME.fullmatch(path.name)
        if found is None or int(found[1]) not in present:
            continue
        data = path.read_bytes()
        try:
            number = read_receipt(data).receipt_number
        except ReceiptError as error:
            log.error("%s is damaged (%s); it will be fetched again", path, error)  # noqa: TRY400 - no bug of ours
            path.unlink()
            continue
        kept.by_file[int(found[1])] = kept.by_number[number] = receipt_hash(data)
    return kept


def set_receipts_aside(directory: Path) -> None:
    """Let receipts of another card's chain count for no file of the one that begins here; the store gives them again.

    Raises:
        OSError: The directory cannot be read or written.
    """
    for path in sorted(directory.glob("*.receipt")) if directory.is_dir() else ():
        log.warning("%s is of another chain than the one on this card; set aside", path.name)
        path.replace(path.with_name(f"{path.name}.other-chain"))


@dataclass(frozen=True, slots=True)
class ReceiptRules:
    """Whose receipts count, and what follows from them."""

    paths: UnitPaths
    certificate: x509.Certificate
    """The store's receipt certificate."""
    device_id: str
    spool: SpoolTable
    """When space is freed."""


class ReceiptKeeper:
    """Takes receipts from the inbox and frees what they cover.

    Args:
        rules: Whose receipts count.
        kept: Receipts of runs before.
        clock: By which it waits.
        storage: The spool's medium.
        sealing: Seals and frees.
        session_open: Whether a recording is going on.
    """

    def __init__(
        self,
        rules: ReceiptRules,
        kept: KeptReceipts,
        clock: Clock,
        storage: Storage,
        sealing: SealingService,
        session_open: Callable[[], bool],
    ) -> None:
        self._rules = rules
        self._paths = rules.paths
        self._kept = kept
        self._clock = clock
        self._storage = storage
        self._sealing = sealing
        self._session_open = session_open
        self._inbox = Inbox(rules.paths.inbox, rules.paths.rejected, rules.certificate, rules.device_id)
        self._not_now: set[int] = set()
        self._unnamed: dict[int, int] = {}
        """Ledger files whose receipts no OPEN names yet: to free one of them ends the ledger that is open (SF-34).

        File number → CLOCK_BOOTTIME at which its receipt was sealed.
        """
        self._complained = False
        self._mistrusts = False
        self.worker: Final = Worker("receipts", clock, self._body, allowance_seconds=ALLOWANCE_SECONDS)

    def tend(self) -> None:
        """One round: take what lies in the inbox, then free what has to go."""
        self._anchor()
        if self._store_contradicts_itself():
            return
        if not self._session_open():
            self._take_documents()
            self._take()
        self._free()

    def _body(self, worker: Worker) -> None:
        while not worker.stop.is_set():
            worker.beat()
            try:
                self.tend()
                self._complained = False
            except (OSError, SealingError, HardwareError) as error:
                self._complain(error)
            self._clock.wait(worker.stop, POLL_SECONDS)

    def _complain(self, error: Exception) -> None:
        if not self._complained:
            log.error("receipts wait: %s", error)
        self._complained = True

    def _anchor(self) -> None:
        """Seal the store's word on heads and alerts; a recording that is open does not wait for its anchors."""
        key = receipt_key(self._rules.certificate)
        for item in self._inbox.statements():
            self.worker.beat()
            try:
                anchor = anchor_of_statement(item.data, key, self._rules.device_id)
                self._sealing.seal_anchor(anchor).result(_SEALING_SECONDS)
            except WriterStateError as error:
                log.info("%s is not sealed: %s", item.path.name, error)
            self._inbox.remove(item)

    def _store_contradicts_itself(self) -> bool:
        """SY-43: what such a store promises frees nothing, until a person has decided."""
        found = (self._paths.inbox / CONTRADICTION_NAME).exists()
        if found and not self._mistrusts:
            log.error("the store contradicts itself: no receipt is taken and nothing is freed")
            self._sealing.seal(Event("store-contradiction", None, ())).result(_SEALING_SECONDS)
        self._mistrusts = found
        return found

    def _take_documents(self) -> None:
        """Judge what the agency hands down (SY-40): taken or refused, the chain says so."""
        for item in self._inbox.documents():
            self.worker.beat()
            try:
                number = accept_document(item.kind, item.data, self._paths)
            except (ProfileError, IdentityError, SealingError) as error:
                self._inbox.reject(item.path, str(error))
                self._sealing.seal(Event("document-refused", None, ())).result(_SEALING_SECONDS)
                continue
            self._sealing.seal(Event(f"{item.kind}-received", None, (("number", number),))).result(_SEALING_SECONDS)
            self._inbox.remove(item)

    def _take(self) -> None:
        """Check and seal a batch; an item leaves the inbox when its receipt is sealed and kept."""
        batch: list[tuple[InboxReceipt, Ticket[RecordReference | None]]] = []
        waiting = list(islice(self._inbox.receipts(self._kept.by_number), BATCH_MAX))
        # Asked for behind the receipts: a file that ends in between has its receipt a round later, not a wrong one.
        ended = {file.number for file in self._sealing.sealed_files()}
        for item in waiting:
            self.worker.beat()
            if self.worker.stop.is_set() or self._session_open():
                break
            if self._kept.by_file.get(item.file_number) == receipt_hash(item.data):
                self._inbox.remove(item)
            elif self._is_right(item, ended):
                batch.append((item, self._sealing.seal_receipt(_for_the_chain(item))))
        for item, ticket in batch:
            if ticket.result(_SEALING_SECONDS) is None:
                self._unnamed[item.file_number] = self._clock.boottime_ns()
            self._keep(item)

    def _is_right(self, item: InboxReceipt, ended: set[int]) -> bool:
        """Compare with the disk; what does not fit is put aside and sealed as an event."""
        try:
            self._compare(item, ended)
        except ReceiptMismatchError as error:
            self._inbox.reject(item.path, str(error))
            self._sealing.seal(Event("receipt-refused", None, (("file", item.file_number),)))
            return False
        return True

    def _compare(self, item: InboxReceipt, ended: set[int]) -> None:
        number, spool = item.file_number, self._paths.spool
        if number not in ended:
            raise ReceiptMismatchError(f"file {number} is open or not in the spool; nothing is receipted")
        following = min((each for each in numbers(spool) if each > number), default=None)
        behind = None if following is None else spool / file_name(following)
        check_receipt(item.data, self._rules.certificate, self._rules.device_id, spool / file_name(number), behind)

    def _keep(self, item: InboxReceipt) -> None:
        write_file(self._paths.receipts / receipt_name(item.file_number), item.data)
        digest = receipt_hash(item.data)
        self._kept.by_file[item.file_number] = digest
        self._kept.by_number[item.receipt.receipt_number] = digest
        self._inbox.remove(item)

    def _free(self) -> None:
        """Free one file after the other while the policy names one."""
        policy = FreePolicy.WHEN_NEEDED if self._session_open() else self._rules.spool.free
        while not self.worker.stop.is_set():
            self.worker.beat()
            ended = self._sealing.sealed_files()
            newest = max((file.number for file in ended), default=0)
            files = [file for file in ended if self._may_go(file.number, newest)]
            medium = self._storage.usage()
            number = next_to_free(files, medium, policy, self._rules.spool.free_below_percent)
            if number is None:
                return
            self._free_one(number)

    def _may_go(self, number: int, newest: int) -> bool:
        """SY-64: what was promised before a contradiction was decided upon frees nothing, whatever the chain says.

        A ledger that was ended to free another one has to be sent and freed in its turn. So they go together, once the
        newest file has its receipt: where receipts come one by one, each would end a file more, without an end. Where
        that receipt does not come, because nothing is sent any more, they go after a while all the same.
        """
        sealed_ns = self._unnamed.get(number)
        if sealed_ns is not None and newest not in self._kept.by_file:
            waited_ns = self._clock.boottime_ns() - sealed_ns
            if waited_ns < COMPANY_SECONDS * 1_000_000_000:
                return False
        return number in self._kept.by_file and number not in self._not_now

    def _free_one(self, number: int) -> None:
        try:
            receipt = read_receipt((self._paths.receipts / receipt_name(number)).read_bytes())
            self._sealing.free_file(number, receipt.file_id).result(_SEALING_SECONDS)
        except (DeletionRefusedError, ReceiptError, FileNotFoundError) as error:
            log.warning("file %d stays: %s", number, error)
            self._not_now.add(number)
            return
        log.info("file %d is freed; the store has it", number)
        (self._paths.receipts / receipt_name(number)).unlink(missing_ok=True)
        self._kept.by_file.pop(number, None)
        self._not_now.clear()
        if number in self._unnamed:
            # The OPEN that named its receipt named all that waited for one.
            self._unnamed.clear()


def _for_the_chain(item: InboxReceipt) -> StoreReceipt:
    receipt = item.receipt
    return StoreReceipt(
        file_number=item.file_number,
        file_id=receipt.file_id,
        receipt_hash=receipt_hash(item.data),
        store_id=receipt.store_id,
        receipt_number=receipt.receipt_number,
    )

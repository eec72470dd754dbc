"""From the bytes of an upload to a promise, or to a refusal with its reason.

Rules of this module: blocking; one `Upload` is used by one thread at a time, and the server sees to it that there is
one per name. The order of a commit is SY-19's and stands in one place, `Intake.finish`.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from sealing import cose, receipts
from sealing.trust import Trust
from sync.enrolment import key_id
from sync.errors import ContentError, StoreError, WireError
from sync.store.content import Content, LocalContent, read_pieces, whole_size
from sync.store.content_index import heads_of
from sync.store.continuity import Arrival
from sync.store.judge import Judge, Known
from sync.store.ledger import MakeReceipt, ParkedContent
from sync.store.policy_in_force import PolicyInForce
from sync.store.ports import ObjectStore, PromiseLedger
from sync.store.vault import Declaration, Name, Refusal
from sync.stream import SealedStream
from sync.wire import FAILURES_BEFORE_PARKING

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class ReceiptSigner:
    """Who signs receipts, and in whose name."""

    store_id: str
    key: ec.EllipticCurvePrivateKey

    def sign(self, receipt: receipts.Receipt) -> bytes:
        """Sign a receipt."""
        algorithm, identity = cose.Algorithm.ESP256, key_id(self.key.public_key())
        return receipts.sign_receipt(receipt, algorithm, identity, self.signature)

    @property
    def key_id(self) -> bytes:
        """Key id of the receipt key."""
        return key_id(self.key.public_key())

    def signature(self, message: bytes) -> bytes:
        """Make a raw signature."""
        return cose.raw_signature(self.key.sign(message, ec.ECDSA(SHA256())))


class Upload:
    """One upload while bytes come in: appends to its part and judges in passing."""

    def __init__(self, vault: ObjectStore, name: Name, declaration: Declaration, known: Known) -> None:
        self.name = name
        self.declaration = declaration
        self.path = vault.part(name)
        self.judge = Judge(known)
        self.stream = SealedStream(declaration.size_bytes, self.judge, declaration.torn_bytes)
        self.offset = 0
        self._descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
        try:
            self._read_again()
        except BaseException:
            self.close()
            raise

    @property
    def complete(self) -> bool:
        """Whether all bytes have arrived."""
        return self.offset == self.declaration.size_bytes

    def _read_again(self) -> None:
        """Judge what an earlier request left here, so that the judgement covers every byte."""
        for piece in read_pieces(self.path):
            self.stream.feed(piece)
            self.offset += len(piece)

    def append(self, *pieces: bytes | memoryview) -> None:
        """Take the next bytes; they are in the part's file when it returns.

        Raises:
            WireError: They go beyond the declared length (SY-10); none of them was taken.
            OSError: The disk is full or failed; what was written of them stays (SY-7).
        """
        if self.offset + sum(map(len, pieces)) > self.declaration.size_bytes:
            raise WireError(f"bytes beyond the length of {self.declaration.size_bytes}")
        for piece in pieces:
            view = memoryview(piece)
            while view:
                written = os.pwrite(self._descriptor, view, self.offset)
                self.stream.feed(view[:written])
                self.offset += written
                view = view[written:]

    def sync(self) -> None:
        """Put all of it on the medium. Raises OSError."""
        os.fsync(self._descriptor)

    def close(self) -> None:
        """Give the file back. Idempotent."""
        if self._descriptor >= 0:
            os.close(self._descriptor)
            self._descriptor = -1


class Intake:
    """Judges, commits, promises and parks for one store.

    Args:
        vault: Its files.
        ledger: Its index.
        trust: Holds the issuer of every device certificate.
        signer: Signs receipts.
        now_utc_ns: The store's civil clock.
    """

    def __init__(
        self,
        vault: ObjectStore,
        ledger: PromiseLedger,
        trust: Trust,
        signer: ReceiptSigner,
        now_utc_ns: Callable[[], int],
    ) -> None:
        self.vault = vault
        self.ledger = ledger
        self.trust = trust
        self.signer = signer
        self.now_utc_ns = now_utc_ns
        self.policy = PolicyInForce(trust, ledger)

    def known(self, device_id: str) -> Known:
        """What a file of the unit is judged by.

        Raises:
            StoreError: The unit is not enrolled.
        """
        unit = self.ledger.unit(device_id)
        if unit is None:
            raise StoreError(f"unit {device_id} is not enrolled; use `recorder-store enrol`")
        return Known(
            device_id, self.trust, unit.assurance, self.ledger.epochs(device_id), heads_of(self.ledger, device_id)
        )

    def declare(self, name: Name, wanted: Declaration) -> None:
        """Create an upload, or find it again (SY-6).

        As long as nothing was promised the newest declaration counts: one that a bad line changed must not stand
        between a unit and its receipt for ever. Raises OSError.
        """
        held = self.vault.declaration(name)
        if held is not None and held.same_content(wanted):
            return
        self.vault.truncate(name)
        self.vault.declare(name, wanted)

    def open(self, name: Name, declaration: Declaration) -> Upload:
        """Go on with an upload. Raises OSError, StoreError."""
        return Upload(self.vault, name, declaration, self.known(name.device_id))

    def finish(self, upload: Upload) -> bytes:
        """Judge a complete upload as a whole, and promise it (SY-19).

        Returns:
            The receipt, durable.

        Raises:
            ContentError: The content failed. It was dropped to be sent again, or parked (`parked` then says so).
            OSError: The disk failed; nothing is lost, an empty PATCH tries again.
        """
        try:
            arrival = self._judged(upload.name, LocalContent(upload.path), upload.stream, upload.judge)
            self._check_policy(upload.judge)
            self._check_joins(arrival)
        except ContentError as error:
            self._failed(upload, error)
            raise
        upload.sync()
        self.vault.keep(upload.name)
        receipt = self._promise(upload.name, arrival)
        self.vault.forget(upload.name)
        return receipt

    def _judged(self, name: Name, content: Content, stream: SealedStream, judge: Judge) -> Arrival:
        torn_hash = hashlib.sha256()
        whole = stream.whole_bytes

        def torn() -> Iterator[bytes]:
            for piece in content.pieces(whole):
                torn_hash.update(piece)
                yield piece

        found = stream.finish(torn())
        if found.hex() != name.file_id:
            raise ContentError("file-id", f"the content's id is {found.hex()}, not {name.file_id}")
        facts = judge.facts()
        if facts.closed and stream.torn_bytes:
            raise ContentError("malformed", f"{stream.torn_bytes} bytes stand behind CLOSE")
        return Arrival(
            device_id=name.device_id,
            file_id=found,
            size_bytes=stream.seen_bytes,
            torn_bytes=stream.torn_bytes,
            torn_hash=torn_hash.digest(),
            facts=facts,
            received_utc_ns=self.now_utc_ns(),
        )

    def _check_policy(self, judge: Judge) -> None:
        """SY-66: nothing new is promised against what the agency has signed; a custodian may decide otherwise."""
        policy = self.policy.newest()
        if policy is not None:
            judge.check_policy(policy, self.now_utc_ns())

    def _check_joins(self, arrival: Arrival) -> None:
        """Find a fork or a chain break before the content is moved; the commit checks again."""
        self.ledger.check(arrival)

    def _promise(self, name: Name, arrival: Arrival) -> bytes:
        try:
            return self.ledger.commit(arrival, self._signing(arrival))
        except ContentError as error:
            self._park_object(name, error, arrival.size_bytes, arrival.torn_bytes)
            raise

    def _signing(self, arrival: Arrival) -> MakeReceipt:
        durability = self.vault.durability

        def make(number: int, previous: bytes) -> bytes:
            return self.signer.sign(_receipt(self.signer.store_id, arrival, number, previous, durability))

        return make

    def _failed(self, upload: Upload, error: ContentError) -> None:
        """SY-14: have it sent again, but not for ever; a fault that the line cannot cause is parked at once."""
        failures = upload.declaration.failures + 1
        log.warning("%s of %s failed (%d): %s", upload.name.file_id, upload.name.device_id, failures, error)
        if failures >= FAILURES_BEFORE_PARKING or error.code in _NEVER_THE_LINE:
            self.put_aside(upload, error)
            return
        counted = upload.declaration.model_copy(update={"failures": failures})
        self.vault.declare(upload.name, counted)
        self.vault.truncate(upload.name)

    def put_aside(self, upload: Upload, error: ContentError) -> None:
        """Park what an upload has brought. Raises OSError."""
        upload.sync()
        refusal = self._refusal(error, upload.offset, upload.declaration.torn_bytes)
        self.vault.park(upload.name, refusal)
        self._write_down(upload.name, refusal)
        self.vault.forget(upload.name)

    def promise_parked(self, name: Name) -> bytes:
        """Promise parked content by a custodian's decision: judged again, in SY-19's order.

        A kill in the middle leaves an object without a row, which the next start parks again.

        Raises:
            ContentError: It does not verify or join; it stays parked.
            OSError: The disk failed.
        """
        content, torn_bytes = self.vault.parked_content(name), self.vault.torn_bytes(name)
        arrival = self._judged_again(name, content, torn_bytes, Judge(self.known(name.device_id)))
        self.ledger.check(arrival, by_custodian=True)
        self.vault.unpark(name)
        receipt = self.ledger.commit(arrival, self._signing(arrival), by_custodian=True)
        self.vault.forget_refusal(name)
        return receipt

    def _park_object(self, name: Name, error: ContentError, size_bytes: int, torn_bytes: int) -> None:
        refusal = self._refusal(error, size_bytes, torn_bytes)
        self.vault.park_object(name, refusal)
        self._write_down(name, refusal)

    def _refusal(self, error: ContentError, size_bytes: int, torn_bytes: int) -> Refusal:
        return Refusal(
            code=error.code,
            detail=error.detail,
            size_bytes=size_bytes,
            parked_utc_ns=self.now_utc_ns(),
            torn_bytes=torn_bytes,
        )

    def _write_down(self, name: Name, refusal: Refusal) -> None:
        facts = (refusal.size_bytes, refusal.code, refusal.detail, refusal.parked_utc_ns)
        self.ledger.park(ParkedContent(name.device_id, name.file_id, *facts))

    def recover(self) -> int:
        """Finish what a kill interrupted: objects without a row are judged again, and promised or parked (SY-19).

        Returns:
            How many were found.
        """
        found = 0
        for name in self.vault.perhaps_unpromised():
            if self.ledger.receipt(name.device_id, bytes.fromhex(name.file_id)) is None:
                self._recover_object(name)
                found += 1
            self.vault.forget(name)
        for name in self.vault.all_parked():
            refusal = self.vault.refusal(name)
            if refusal is not None:
                self._write_down(name, refusal)
            self.vault.forget(name)
        return found

    def _recover_object(self, name: Name) -> None:
        content, torn_bytes = self.vault.content(name), self.vault.object_torn_bytes(name)
        try:
            judge = Judge(self.known(name.device_id))
            arrival = self._judged_again(name, content, torn_bytes, judge)
            self._check_policy(judge)
        except ContentError as error:
            log.exception("object %s of %s does not verify after a restart", name.file_id, name.device_id)
            self._park_object(name, error, whole_size(content), torn_bytes)
            return
        try:
            self._promise(name, arrival)
        except ContentError:
            log.exception("object %s of %s does not join the chain", name.file_id, name.device_id)

    def _judged_again(self, name: Name, content: Content, torn_bytes: int, judge: Judge) -> Arrival:
        """Judge what lies here as if it came over the line. Raises ContentError, OSError."""
        stream = SealedStream(whole_size(content), judge, torn_bytes)
        for piece in content.pieces():
            stream.feed(piece)
        return self._judged(name, content, stream, judge)


_NEVER_THE_LINE: Final = frozenset({"fork", "chain-break", "simulated", "revoked"})
"""Reasons that rest on verified signatures: sending the same bytes again would find the same."""


def _receipt(store_id: str, arrival: Arrival, number: int, previous: bytes, durability: str) -> receipts.Receipt:
    return receipts.Receipt(
        store_id=store_id,
        device_id=arrival.device_id,
        file_id=arrival.file_id,
        size_bytes=arrival.size_bytes,
        first_sequence=arrival.facts.first_sequence,
        last_sequence=arrival.facts.last_sequence,
        head_hash=arrival.facts.head_hash,
        received_utc_ns=arrival.received_utc_ns,
        receipt_number=number,
        previous_receipt_hash=previous,
        durability=durability,
    )

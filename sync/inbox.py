"""The inbox: what sync hands to the agent, and how the agent takes it (PROTOCOL.md, section 5).

Rules of this module: `put` is sync's side, everything else the agent's. An item is used only after it was judged; what
fails goes to `rejected/` with its reason, never away.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography import x509

from sealing.errors import SealingError
from sealing.receipts import Receipt, receipt_hash, receipt_key, verify_receipt
from sync import durable
from sync.checkpoint import origin_of
from sync.errors import InboxError, WireError
from sync.inclusion import INCLUSION_BYTES_MAX, verify_inclusion
from sync.merkle import ProofError
from sync.wire import DOCUMENT_BYTES_MAX, RECEIPT_BYTES_MAX
from sync.witness import STATEMENT_BYTES_MAX, Statement, Witnessed, verify_statement

log = logging.getLogger(__name__)

RECEIPT_SUFFIX: Final = ".receipt"
INCLUSION_SUFFIX: Final = ".inclusion"
"""Beside a receipt: that it stands in the store's log, where the store has offered that (SY-70)."""
_NAME: Final = re.compile(r"([0-9]{8})\.receipt")
_INCLUSION_NAME: Final = re.compile(r"[0-9]{8}\.inclusion")
_STATEMENT_NAME: Final = re.compile(r"([0-9]{19})\.(head|alert)")
_DOCUMENT_NAME: Final = re.compile(r"(policy|profile)\.document")
TIME_NAME: Final = "store.time"
CHECKPOINT_NAME: Final = "store.checkpoint"
"""How the store's log of receipts stood when sync saw it last; it stays (SY-43)."""
CONTRADICTION_NAME: Final = "store.contradiction"
"""What the store said then and now, where these contradict; it stays until a person has decided (SY-43)."""
_STAYING: Final = frozenset({TIME_NAME, CHECKPOINT_NAME, CONTRADICTION_NAME})


@dataclass(frozen=True, slots=True)
class InboxReceipt:
    """A receipt that was judged, and lies in the inbox until `remove`."""

    path: Path
    file_number: int
    """Number of the file that it is said to be for; the check against the disk decides."""
    data: bytes
    receipt: Receipt


def receipt_name(file_number: int) -> str:
    """Name of a file's receipt in the inbox."""
    return f"{file_number:08d}{RECEIPT_SUFFIX}"


@dataclass(frozen=True, slots=True)
class InboxStatement:
    """A store's statement about one record, judged; it lies in the inbox until `remove`."""

    path: Path
    data: bytes
    statement: Statement


def statement_name(sequence: int, seen_as: Witnessed) -> str:
    """Name of a statement in the inbox."""
    return f"{sequence:019d}.{seen_as.value}"


def put_statement(inbox: Path, sequence: int, seen_as: Witnessed, data: bytes) -> None:
    """Put a store's statement into the inbox (SY-28); a newer head replaces the older ones. Raises OSError."""
    name = statement_name(sequence, seen_as)
    durable.write_file(inbox / name, data)
    if seen_as is Witnessed.HEAD:
        for older in inbox.glob(f"*.{seen_as.value}"):
            if older.name < name:
                older.unlink(missing_ok=True)


def put_time(inbox: Path, data: bytes) -> None:
    """Put a store's time token into the inbox; a newer one replaces the older (SY-28). Raises OSError."""
    durable.write_file(inbox / TIME_NAME, data)


@dataclass(frozen=True, slots=True)
class InboxDocument:
    """A document of the agency that nobody has judged yet; it lies in the inbox until `remove`."""

    path: Path
    kind: str
    data: bytes


def document_name(kind: str) -> str:
    """Name of an agency's document in the inbox."""
    return f"{kind}.document"


def put_document(inbox: Path, kind: str, data: bytes) -> None:
    """Put an agency's document into the inbox; a newer one replaces the older (SY-28, SY-40).

    Raises:
        InboxError: It is too large.
        OSError: It cannot be written.
    """
    if len(data) > DOCUMENT_BYTES_MAX:
        raise InboxError(f"document «{kind}» has {len(data)} bytes, more than {DOCUMENT_BYTES_MAX}")
    durable.write_file(inbox / document_name(kind), data)


def is_receipt(name: str) -> bool:
    """Tell whether a name of the inbox is a receipt's."""
    return _NAME.fullmatch(name) is not None


def file_number_of(name: str) -> int:
    """Number of the file that a receipt's name stands for."""
    return int(name.removesuffix(RECEIPT_SUFFIX))


def put(inbox: Path, file_number: int, receipt: bytes, inclusion: bytes | None = None) -> None:
    """Put a receipt into the inbox, behind what proves it (SY-28, SY-70). Raises OSError; InboxError: too large."""
    if len(receipt) > RECEIPT_BYTES_MAX:
        raise InboxError(f"receipt for file {file_number} has {len(receipt)} bytes, more than {RECEIPT_BYTES_MAX}")
    path = inbox / receipt_name(file_number)
    if inclusion is not None:
        durable.write_file(path.with_suffix(INCLUSION_SUFFIX), inclusion)
    durable.write_file(path, receipt)


def _is_other(name: str) -> bool:
    """Tell whether a name of the inbox is of something else than a receipt."""
    if name.startswith(".") or name in _STAYING:
        return True
    return any(pattern.fullmatch(name) for pattern in (_STATEMENT_NAME, _DOCUMENT_NAME, _INCLUSION_NAME))


def _small_file(path: Path, bytes_max: int) -> bytes:
    if path.is_symlink() or not path.is_file():
        raise InboxError(f"{path.name} is no file")
    with path.open("rb") as file:
        data = file.read(bytes_max + 1)
    if len(data) > bytes_max:
        raise InboxError(f"{path.name} has more than {bytes_max} bytes")
    return data


class Inbox:
    """The agent's side.

    Args:
        directory: The inbox.
        rejected: Where items go that fail.
        store_certificate: The receipt certificate that the unit was enrolled with.
        device_id: This unit.
    """

    def __init__(self, directory: Path, rejected: Path, store_certificate: x509.Certificate, device_id: str) -> None:
        self._directory = directory
        self._rejected = rejected
        self._key = receipt_key(store_certificate)
        self._device_id = device_id

    def receipts(self, known: Mapping[int, bytes]) -> Iterator[InboxReceipt]:
        """Judge everything that lies in the inbox, by name; what fails is rejected in passing (SY-29).

        Args:
            known: Hash of each receipt that was accepted before, by receipt number.

        Raises:
            OSError: The inbox cannot be read or written.
        """
        for name in sorted(os.listdir(self._directory)):  # noqa: PTH208 - names alone
            if _is_other(name):
                continue
            path = self._directory / name
            try:
                yield self._judged(path, known)
            except InboxError as error:
                self.reject(path, str(error))

    def statements(self) -> Iterator[InboxStatement]:
        """Judge the store's statements about records, heads and alerts; what fails is rejected in passing (SY-29).

        Whether the record is the unit's own stands in the chain: that the agent compares.

        Raises:
            OSError: The inbox cannot be read or written.
        """
        for name in sorted(os.listdir(self._directory)):  # noqa: PTH208 - names alone
            match = _STATEMENT_NAME.fullmatch(name)
            if match is None:
                continue
            path = self._directory / name
            try:
                yield self._statement(path, int(match[1]), Witnessed(match[2]))
            except (InboxError, WireError) as error:
                self.reject(path, str(error))

    def documents(self) -> Iterator[InboxDocument]:
        """The agency's documents that lie in the inbox; who takes them judges them (SY-40).

        Raises:
            OSError: The inbox cannot be read or written.
        """
        for name in sorted(os.listdir(self._directory)):  # noqa: PTH208 - names alone
            match = _DOCUMENT_NAME.fullmatch(name)
            if match is None:
                continue
            path = self._directory / name
            try:
                yield InboxDocument(path, match[1], _small_file(path, DOCUMENT_BYTES_MAX))
            except InboxError as error:
                self.reject(path, str(error))

    def _statement(self, path: Path, sequence: int, seen_as: Witnessed) -> InboxStatement:
        if path.is_symlink() or not path.is_file():
            raise InboxError(f"{path.name} is no file")
        with path.open("rb") as file:
            data = file.read(STATEMENT_BYTES_MAX + 1)
        statement = verify_statement(data, self._key)
        if statement.device_id != self._device_id:
            raise InboxError(f"{path.name} is for unit {statement.device_id}, this is {self._device_id}")
        if (statement.sequence, statement.seen_as) != (sequence, seen_as):
            raise InboxError(f"{path.name} speaks of record {statement.sequence} as {statement.seen_as}")
        return InboxStatement(path, data, statement)

    def _judged(self, path: Path, known: Mapping[int, bytes]) -> InboxReceipt:
        match = _NAME.fullmatch(path.name)
        if match is None or path.is_symlink() or not path.is_file():
            raise InboxError(f"{path.name} is not NNNNNNNN{RECEIPT_SUFFIX}, or no file")
        with path.open("rb") as file:
            data = file.read(RECEIPT_BYTES_MAX + 1)
        if len(data) > RECEIPT_BYTES_MAX:
            raise InboxError(f"{path.name} has more than {RECEIPT_BYTES_MAX} bytes")
        try:
            receipt = verify_receipt(data, self._key)
        except SealingError as error:
            raise InboxError(f"{path.name}: {error}") from error
        if receipt.device_id != self._device_id:
            raise InboxError(f"{path.name} is for unit {receipt.device_id}, this is {self._device_id}")
        self._check_inclusion(path, data, receipt)
        number = receipt.receipt_number
        if known.get(number, receipt_hash(data)) != receipt_hash(data):
            raise InboxError(f"{path.name} reuses receipt number {number}, which stands for another receipt")
        return InboxReceipt(path, int(match[1]), data, receipt)

    def _check_inclusion(self, path: Path, data: bytes, receipt: Receipt) -> None:
        """SY-70: a proof that lies beside a receipt has to show that it is in the store's log."""
        beside = path.with_suffix(INCLUSION_SUFFIX)
        if not beside.exists():
            return
        try:
            proof = _small_file(beside, INCLUSION_BYTES_MAX)
            verify_inclusion(proof, data, self._key, origin_of(receipt.store_id))
        except ProofError as error:
            raise InboxError(f"{path.name}: {error}") from error

    def remove(self, item: InboxReceipt | InboxStatement | InboxDocument) -> None:
        """Take an item out, once it was sealed or found to be known. Raises OSError."""
        item.path.unlink(missing_ok=True)
        item.path.with_suffix(INCLUSION_SUFFIX).unlink(missing_ok=True)
        durable.sync_directory(self._directory)

    def reject(self, path: Path, reason: str) -> None:
        """Put an item aside with its reason; it is not asked for again while it lies there. Raises OSError."""
        log.error("inbox: rejected %s: %s", path.name, reason)
        self._rejected.mkdir(mode=0o750, exist_ok=True)
        durable.write_file(self._rejected / f"{path.name}.reason", reason.encode() + b"\n")
        beside = path.with_suffix(INCLUSION_SUFFIX)
        if is_receipt(path.name) and beside.exists():
            durable.move_file(beside, self._rejected / beside.name)
        durable.move_file(path, self._rejected / path.name)

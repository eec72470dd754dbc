"""What the writer has to know of files that have ended: kind, file id, and what DELETE says of them.

Rules of this module: it reads the spool and changes nothing (`FORMAT.md`, section 7).
"""

from __future__ import annotations

from functools import partial
from typing import Final

from hal.ports import Storage
from sealing import scan
from sealing.catalogue import Catalogue
from sealing.errors import DeletionRefusedError, StorageFaultError, WriterStateError
from sealing.framing import file_name
from sealing.identity import DeviceIdentity
from sealing.records import Boot, Delete, Epoch, FileKind, FileOrigin, Open, Torn
from sealing.recovery import scan_spool_file
from sealing.references import StoreReceipt
from sealing.scan import Scan

_NAMED_AGAIN_MAX: Final = 16
_EXAMINED_MAX: Final = 64
_HELD_MAX: Final = 256


def newest_ledger_receipts(storage: Storage, catalogue: Catalogue) -> tuple[bytes, ...]:
    """Receipt hashes of the newest ledger files (SF-34).

    A start names them again: which of them an OPEN named before is not worth a search.

    Raises:
        StorageFaultError: The medium failed, or a file has lost its OPEN.
    """
    files = [file for file in catalogue.files() if file.receipt_hash is not None][-_EXAMINED_MAX:]
    receipts = [
        file.receipt_hash or b"" for file in files if spool_file_opened(storage, file.number).kind is FileKind.LEDGER
    ]
    return tuple(receipts[-_NAMED_AGAIN_MAX:])


def spool_file_opened(storage: Storage, number: int) -> Open:
    """Return the OPEN of an ended file, as it stands on the medium.

    Raises:
        StorageFaultError: The medium failed, or the file has lost its OPEN.
    """
    try:
        header = scan.read_opened(partial(storage.read, file_name(number)))
    except OSError as error:
        raise StorageFaultError(f"file {number} cannot be read: {error}") from error
    if header is None or not isinstance(header.body, Open):
        raise StorageFaultError(f"file {number} has lost its OPEN; check the medium")
    return header.body


def file_id_of(storage: Storage, number: int, behind: int | None, identity: DeviceIdentity) -> bytes:
    """Compute the id of an ended file from the medium.

    Args:
        storage: The spool.
        number: The file.
        behind: The next file of the spool, open or ended; None when there is none.
        identity: Whose chain it is.

    Raises:
        StorageFaultError: The medium failed, or the file has lost its beginning.
    """
    try:
        return _file_id(storage, _counted(storage, number, behind, identity))
    except OSError as error:
        raise StorageFaultError(f"file {number} cannot be read: {error}") from error


def refuse_other_bytes(storage: Storage, receipt: StoreReceipt, behind: int | None, identity: DeviceIdentity) -> None:
    """Hold a receipt against the medium, a second time beside the agent: freed is exactly what the store has.

    Args:
        storage: The spool.
        receipt: Names file and file id.
        behind: The next file of the spool, open or ended; None when there is none.
        identity: Whose chain it is.

    Raises:
        WriterStateError: It is for other bytes.
        StorageFaultError: The medium failed, or the file has lost its beginning.
    """
    found = file_id_of(storage, receipt.file_number, behind, identity)
    if found != receipt.file_id:
        raise WriterStateError(
            f"the receipt for file {receipt.file_number} names the file id {receipt.file_id.hex()}, "
            f"the medium holds {found.hex()}; upload the file again"
        )


def deletion_of(
    storage: Storage,
    number: int,
    receipt_hash: bytes,
    catalogue: Catalogue,
    identity: DeviceIdentity,
    file_id: bytes | None = None,
) -> tuple[Delete, ...]:
    """Make the DELETE of a file: exactly the records that count, as the file behind it goes on from them.

    Args:
        storage: The spool.
        number: The file.
        receipt_hash: Of the receipt under which it goes.
        catalogue: What lies in the spool.
        identity: Whose chain it is.
        file_id: What that receipt is for, where the caller has it: the number may be another card's file's.

    Returns:
        Every DELETE that the file itself holds, which would go with it and is sealed again in front (SF-33); last the
        file's own.

    Raises:
        DeletionRefusedError: The file names the end of another one that is still there, holds too many deletions, or
            has another id.
        StorageFaultError: The file has lost its beginning.
        OSError: The medium failed.
    """
    found = _counted(storage, number, catalogue.behind(number), identity)
    second = found.records[1].header.body if len(found.records) > 1 else None
    if isinstance(second, Torn | Boot) and second.torn_file in catalogue:
        raise DeletionRefusedError(f"file {number} says where file {second.torn_file} ends; free that one first")
    held = {
        body.file_number: body for body in (record.header.body for record in found.records) if isinstance(body, Delete)
    }
    if len(held) > _HELD_MAX:
        raise DeletionRefusedError(
            f"file {number} holds {len(held)} deletions, which take more room elsewhere; it stays"
        )
    own = _own_deletion(storage, found, receipt_hash)
    _refuse_other_id(own, file_id)
    return (*held.values(), own)


def _refuse_other_id(deletion: Delete, file_id: bytes | None) -> None:
    if file_id is not None and deletion.file_id != file_id:
        raise DeletionRefusedError(
            f"the receipt for file {deletion.file_number} is for {file_id.hex()}, the medium holds "
            f"{deletion.file_id.hex()}; remove that receipt, the file goes to the store again"
        )


def _own_deletion(storage: Storage, found: Scan, receipt_hash: bytes) -> Delete:
    first, last = found.records[0], found.records[-1]
    return Delete(
        file_number=found.file_number,
        file_id=_file_id(storage, found),
        first_sequence=first.header.sequence,
        last_sequence=last.header.sequence,
        hash_before=first.header.previous_hash,
        head_after=last.hash,
        receipt_hash=receipt_hash,
        epoch_after=last.header.epoch + isinstance(last.header.body, Epoch),
        boot_after=last.header.boot_number,
    )


def _counted(storage: Storage, number: int, behind: int | None, identity: DeviceIdentity) -> Scan:
    """Walk over a file as far as it counts.

    Where the file behind it goes on after a fault, whole records may be left over in it that do not (SF-30).
    """
    found = scan_spool_file(storage, number, identity)
    if not found.has_whole_beginning:
        raise StorageFaultError(f"file {number} has lost its beginning ({found.problem}); check the medium")
    header = None if behind is None else scan.read_opened(partial(storage.read, file_name(behind)))
    if header is not None and isinstance(header.body, Open) and header.body.origin is FileOrigin.FAULT:
        return found.until(header.sequence)
    return found


def _file_id(storage: Storage, found: Scan) -> bytes:
    read = partial(storage.read, file_name(found.file_number))
    torn_bytes = sum(map(len, scan.pieces(read, found.end_bytes)))
    return found.identity().digest_of_torn(torn_bytes, scan.pieces(read, found.end_bytes))

"""What a store answers about files, whatever line the question came by.

Rules of this module: blocking; knows vault, ledger and intake, and nothing of HTTP or MQTT. Who is asking was checked
before, by `admit`; that nobody else writes the upload is the caller's matter (`uploads`).
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from http import HTTPStatus
from typing import Literal

from sync.errors import ContentError
from sync.merkle import ProofError
from sync.store.intake import Intake, Upload
from sync.store.ports import PromiseLedger
from sync.store.presences import Presences
from sync.store.proofs import transparent
from sync.store.refusals import RefusedError, forbidden, no_room
from sync.store.register import Register
from sync.store.vault import Declaration, Name
from sync.wire import (
    CONTENT_MISMATCH,
    FILE_BYTES_MAX,
    PARKED,
    DeviceState,
    FileAnswer,
    HeldFile,
    Inventory,
    InventoryAnswer,
)

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Standing:
    """What the store has of an upload."""

    offset_bytes: int
    size_bytes: int
    receipted: bool


def admit(ledger: PromiseLedger, device_id: str) -> None:
    """Let in enrolled units that are not revoked (SY-2, SY-36). Raises RefusedError."""
    unit = ledger.unit(device_id)
    if unit is None:
        raise forbidden("unknown-unit", f"unit {device_id} is not enrolled")
    if unit.revoked:
        raise forbidden("revoked", f"unit {device_id} is revoked")


def check_size(size_bytes: int) -> None:
    """Refuse a length that no file may have (SY-5). Raises RefusedError."""
    if size_bytes > FILE_BYTES_MAX:
        detail = f"{size_bytes} bytes are more than {FILE_BYTES_MAX}"
        raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", detail)


class Clerk:
    """Answers for one store.

    Args:
        intake: Judges and promises.
        register: What units told.
        store_id: Names the store.
    """

    def __init__(self, intake: Intake, register: Register, store_id: str) -> None:
        self.intake = intake
        self._register = register
        self._presences = Presences(intake.ledger)
        self._store_id = store_id

    def receipted_size(self, name: Name) -> int | None:
        """Length of a receipted file; None before its receipt."""
        return self.intake.ledger.size(name.device_id, bytes.fromhex(name.file_id))

    def settled(self, name: Name, size_bytes: int) -> bool:
        """Tell whether a file that is to be created has its receipt already (SY-6). Raises RefusedError."""
        held = self.receipted_size(name)
        if held is None:
            self.refuse_parked(name)
            return False
        if held != size_bytes:
            detail = f"the store holds {held} bytes under this id, not {size_bytes}"
            raise RefusedError(HTTPStatus.CONFLICT, "size-differs", detail)
        return True

    def declare(self, name: Name, wanted: Declaration) -> None:
        """Create an upload, or find it again (SY-6, SY-7). Raises RefusedError, OSError."""
        if wanted.size_bytes - self.intake.vault.offset(name) > self.intake.vault.room_bytes():
            raise no_room(f"no room for {wanted.size_bytes} bytes")
        self.intake.declare(name, wanted)

    def standing(self, name: Name) -> Standing:
        """Say how much of an upload is here (SY-8). Raises RefusedError."""
        held = self.receipted_size(name)
        if held is not None:
            return Standing(held, held, receipted=True)
        self.refuse_parked(name)
        declaration = self._declaration(name)
        offset = self.intake.vault.offset(name)
        if declaration.size_bytes - offset > self.intake.vault.room_bytes():
            raise no_room(f"no room for {declaration.size_bytes - offset} bytes more")
        return Standing(offset, declaration.size_bytes, receipted=False)

    def open(self, name: Name) -> Upload:
        """Go on with an upload. Raises RefusedError, OSError."""
        self.refuse_parked(name)
        return self.intake.open(name, self._declaration(name))

    def finish(self, upload: Upload) -> bytes:
        """Judge and promise what has arrived; gives the receipt. Raises RefusedError, OSError."""
        try:
            return self.intake.finish(upload)
        except ContentError as error:
            if self.intake.vault.refusal(upload.name) is not None:
                raise RefusedError(PARKED, "parked", str(error)) from error
            raise RefusedError(CONTENT_MISMATCH, error.code, error.detail, {"Upload-Offset": "0"}) from error

    def receipt(self, name: Name) -> bytes:
        """Give the receipt, the same bytes every time (SY-23). Raises RefusedError."""
        found = self.intake.ledger.receipt(name.device_id, bytes.fromhex(name.file_id))
        if found is None:
            self.refuse_parked(name)
            raise RefusedError(HTTPStatus.NOT_FOUND, "no-receipt", f"no receipt for {name.file_id}")
        return found

    def transparent_receipt(self, name: Name) -> bytes:
        """Give the receipt with the proof that it is in the log, where there is one (SY-70). Raises RefusedError."""
        found = self.receipt(name)
        try:
            return transparent(self.intake.ledger, self.intake.signer, name.device_id, found)
        except ProofError:
            log.exception("the log of receipts proves nothing of %s; its receipt is given alone", name.file_id)
            return found

    def inventory(self, device_id: str, asked: Inventory) -> InventoryAnswer:
        """SY-34: keep what the unit holds, and say what is here of it and what goes first."""
        self._register.told_inventory(device_id, asked, self.intake.now_utc_ns())
        if asked.presence is not None:
            self._presences.tell(device_id, asked.presence, self.intake.now_utc_ns())
        wanted = self._register.wanted(device_id)
        return InventoryAnswer(
            files=tuple(self._answer_file(device_id, one, wanted) for one in asked.files),
            last_receipt_number=self.intake.ledger.last_receipt(device_id)[0],
        )

    def _answer_file(self, device_id: str, held: HeldFile, wanted: frozenset[bytes]) -> FileAnswer:
        name = Name(device_id, held.file_id)
        size = self.receipted_size(name)
        if size is not None:
            return FileAnswer(file_id=held.file_id, state="receipted", offset_bytes=size)
        refusal = self.intake.vault.refusal(name)
        if refusal is not None:
            return FileAnswer(
                file_id=held.file_id, state="parked", offset_bytes=refusal.size_bytes, reason=refusal.code
            )
        offset = self.intake.vault.offset(name)
        known = self.intake.vault.declaration(name) is not None
        first = held.session_id is not None and bytes.fromhex(held.session_id) in wanted
        state: Literal["partial", "unknown"] = "partial" if known else "unknown"
        return FileAnswer(file_id=held.file_id, state=state, offset_bytes=offset, first=first)

    def device_state(self, device_id: str) -> DeviceState:
        """Say what is known of a unit."""
        ledger = self.intake.ledger
        count, size, sequence = ledger.holds(device_id)
        number, digest = ledger.last_receipt(device_id)
        unit = ledger.unit(device_id)
        return DeviceState(
            device_id=device_id,
            store_id=self._store_id,
            files=count,
            bytes=size,
            parked=len(ledger.parked(device_id)),
            last_receipt_number=number,
            last_receipt_sha256=digest.hex() if number else None,
            head_sequence=sequence,
            revoked=unit is not None and unit.revoked,
        )

    def refuse_parked(self, name: Name) -> None:
        """SY-14: parked content is not taken again. Raises RefusedError."""
        refusal = self.intake.vault.refusal(name)
        if refusal is not None:
            raise RefusedError(PARKED, "parked", f"{refusal.code}: {refusal.detail}")

    def _declaration(self, name: Name) -> Declaration:
        declaration = self.intake.vault.declaration(name)
        if declaration is None:
            raise RefusedError(HTTPStatus.NOT_FOUND, "no-upload", f"no upload {name.file_id}; create it")
        return declaration

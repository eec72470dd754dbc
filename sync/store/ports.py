"""What stands behind a store: where objects lie, and where promises are written.

Rules of this module: Protocols alone. The embedded store has `vault.Vault` and a `ledger.Ledger` on SQLite; an agency
that outgrows one machine has `s3_objects.S3Objects` and a `Ledger` on PostgreSQL, with the same protocol, the same
judging and the order of SY-19.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol

import sqlalchemy as sa

from sync.store.content import Content
from sync.store.continuity import Arrival
from sync.store.judge import EpochFacts
from sync.store.ledger import MakeReceipt, ParkedContent, Unit
from sync.store.vault import Declaration, Name, Refusal


class ObjectStore(Protocol):
    """Uploads on their way, objects that are held, content that is parked; every method may raise OSError."""

    @property
    def durability(self) -> str:
        """What receipts say of how the content is held."""
        ...

    def part(self, name: Name) -> Path:
        """A local file that takes what arrives of an upload; each gateway has its own."""
        ...

    def declare(self, name: Name, declaration: Declaration) -> None:
        """Make durable what a unit declares of an upload."""
        ...

    def declaration(self, name: Name) -> Declaration | None:
        """What was declared of an upload; None when nothing was."""
        ...

    def offset(self, name: Name) -> int:
        """Bytes of an upload that are here (SY-8)."""
        ...

    def truncate(self, name: Name) -> None:
        """Drop what has arrived of an upload, to have it sent again."""
        ...

    def forget(self, name: Name) -> None:
        """Remove what is left of an upload that was promised or parked. Idempotent."""
        ...

    def keep(self, name: Name) -> None:
        """Turn a synced upload into a durable object, whole or not at all (SY-19). Idempotent for the same content."""
        ...

    def content(self, name: Name) -> Content:
        """An object, to be read."""
        ...

    def objects(self) -> Iterator[Name]:
        """Every object that is held."""
        ...

    def perhaps_unpromised(self) -> Iterator[Name]:
        """Objects that a kill of this process may have left without their rows."""
        ...

    def object_torn_bytes(self, name: Name) -> int:
        """Length of an object's torn end, as its upload was declared."""
        ...

    def park(self, name: Name, refusal: Refusal) -> None:
        """Put an upload aside with its reason, the reason first (SY-16)."""
        ...

    def park_object(self, name: Name, refusal: Refusal) -> None:
        """Put an object aside with its reason, the reason first (SY-16)."""
        ...

    def parked_content(self, name: Name) -> Content:
        """Parked content, to be read."""
        ...

    def refusal(self, name: Name) -> Refusal | None:
        """Why content was parked; None when it was not."""
        ...

    def unpark(self, name: Name) -> None:
        """Turn parked content into an object; its refusal stays until it is promised."""
        ...

    def forget_refusal(self, name: Name) -> None:
        """Remove the reason of content that was promised after all."""
        ...

    def torn_bytes(self, name: Name) -> int:
        """Length of parked content's torn end, as it was declared."""
        ...

    def all_parked(self) -> Iterator[Name]:
        """All content that is parked."""
        ...

    def room_bytes(self) -> int:
        """Bytes that uploads may still take."""
        ...


class PromiseLedger(Protocol):
    """Units, promises and refusals; every method is one transaction and may be called by any thread."""

    def transaction(self) -> AbstractContextManager[sa.Connection]:
        """One transaction for the tables around the promises; durable when the block ends without an error."""
        ...

    def only_runner(self, name: str) -> AbstractContextManager[bool]:
        """Try to be the store's only process that does something; gives whether this one may."""
        ...

    def unit(self, device_id: str) -> Unit | None:
        """Find an enrolled unit."""
        ...

    def units(self) -> tuple[Unit, ...]:
        """All enrolled units, by id."""
        ...

    def epochs(self, device_id: str) -> dict[int, EpochFacts]:
        """Every epoch that files of the unit have certified."""
        ...

    def receipt(self, device_id: str, file_id: bytes) -> bytes | None:
        """The receipt of a file, as it was first made (SY-23)."""
        ...

    def size(self, device_id: str, file_id: bytes) -> int | None:
        """Length of a receipted file."""
        ...

    def check(self, arrival: Arrival, *, by_custodian: bool = False) -> None:
        """Check a file against the chain as far as it is here (SY-17, SY-36). Raises ContentError."""
        ...

    def commit(self, arrival: Arrival, make_receipt: MakeReceipt, *, by_custodian: bool = False) -> bytes:
        """Check again, number and sign the receipt, make the row durable (SY-19, SY-22). Raises ContentError."""
        ...

    def park(self, content: ParkedContent) -> None:
        """Write down why content is refused; the first reason stays."""
        ...

    def parked(self, device_id: str | None = None, file_id: str | None = None) -> tuple[ParkedContent, ...]:
        """Refused content, of one unit or file where given."""
        ...

    def files(self, device_id: str | None = None) -> Sequence[sa.RowMapping]:
        """Rows of promised files, by unit and receipt number."""
        ...

    def holds(self, device_id: str) -> tuple[int, int, int | None]:
        """Number of files, their bytes, and the highest sequence number of a unit."""
        ...

    def holds_in_all(self) -> tuple[int, int]:
        """Number of promised files, and their bytes."""
        ...

    def last_receipt(self, device_id: str) -> tuple[int, bytes]:
        """Number and hash of a unit's newest receipt; 0 and zeros before the first."""
        ...

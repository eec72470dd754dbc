"""The store's files: uploads on their way, objects that are held, content that is parked.

Rules of this module: paths and durable moves; no judging, no database. Ids are checked before they come here (SY-3).

    incoming/<device>/<id>.part + .json    what has arrived, and what was declared of it
    objects/<device>/<aa>/<id>.evs         verified; promised by a row of the ledger
    parked/<device>/<id>.evs + .json       refused; the reason beside it
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sealing.receipts import DURABLE_FSYNC
from sync import durable
from sync.errors import StoreError
from sync.store.content import LocalContent
from sync.wire import FILE_BYTES_MAX, DeviceId, FileId

RESERVE_BYTES: Final = 64 * 1024 * 1024
"""Room that is never given to uploads: the ledger must be able to commit."""


class Declaration(BaseModel):
    """What a unit said of an upload when it created it, and how often its content failed."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    size_bytes: Annotated[int, Field(gt=0, le=FILE_BYTES_MAX)]
    number: int
    torn_bytes: int
    failures: int = 0

    def same_content(self, other: Declaration) -> bool:
        """Tell whether both declare the same thing, whatever became of it."""
        return self.model_copy(update={"failures": 0}) == other.model_copy(update={"failures": 0})


class Refusal(BaseModel):
    """Why content was parked."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    code: str
    detail: str
    size_bytes: int
    parked_utc_ns: int
    torn_bytes: int = 0
    """As declared; a custodian who accepts it needs it."""


@dataclass(frozen=True, slots=True)
class Name:
    """Whose content, and which."""

    device_id: DeviceId
    file_id: FileId


class Vault:
    """The folders of one store.

    Args:
        directory: The store's folder.
        reserve_bytes: Room that uploads must leave.
    """

    durability: Final = DURABLE_FSYNC

    def __init__(self, directory: Path, reserve_bytes: int = RESERVE_BYTES) -> None:
        self.directory = directory
        self.reserve_bytes = reserve_bytes

    def prepare(self) -> None:
        """Make the three folders. Raises StoreError."""
        try:
            for name in ("incoming", "objects", "parked"):
                (self.directory / name).mkdir(mode=0o750, exist_ok=True)
            durable.sync_directory(self.directory)
        except OSError as error:
            raise StoreError(f"store {self.directory} cannot be written: {error}; check owner and disk") from error

    def part(self, name: Name) -> Path:
        """Where what has arrived of an upload lies."""
        return self.directory / "incoming" / name.device_id / f"{name.file_id}.part"

    def object(self, name: Name) -> Path:
        """Where verified content lies."""
        return self.directory / "objects" / name.device_id / name.file_id[:2] / f"{name.file_id}.evs"

    def parked(self, name: Name) -> Path:
        """Where refused content lies."""
        return self.directory / "parked" / name.device_id / f"{name.file_id}.evs"

    def content(self, name: Name) -> LocalContent:
        """An object, to be read."""
        return LocalContent(self.object(name))

    def parked_content(self, name: Name) -> LocalContent:
        """Parked content, to be read."""
        return LocalContent(self.parked(name))

    def declare(self, name: Name, declaration: Declaration) -> None:
        """Make what a unit declares of an upload durable. Raises OSError."""
        path = self.part(name).with_suffix(".json")
        _make_folder(path.parent)
        durable.write_file(path, declaration.model_dump_json().encode())

    def declaration(self, name: Name) -> Declaration | None:
        """What was declared of an upload; None when there is none (a damaged one counts as none)."""
        try:
            return Declaration.model_validate_json(self.part(name).with_suffix(".json").read_bytes())
        except (FileNotFoundError, ValidationError):
            return None

    def offset(self, name: Name) -> int:
        """Bytes of an upload that are here (SY-8)."""
        try:
            return self.part(name).stat().st_size
        except FileNotFoundError:
            return 0

    def truncate(self, name: Name) -> None:
        """Drop what has arrived of an upload, to have it sent again. Raises OSError."""
        self.part(name).unlink(missing_ok=True)

    def forget(self, name: Name) -> None:
        """Remove what is left of an upload that was promised or parked. Raises OSError."""
        self.truncate(name)
        self.part(name).with_suffix(".json").unlink(missing_ok=True)

    def keep(self, name: Name) -> None:
        """Turn an upload, synced already, into an object (SY-19). Raises OSError."""
        target = self.object(name)
        _make_folder(target.parent)
        durable.move_file(self.part(name), target)

    def park(self, name: Name, refusal: Refusal) -> None:
        """Put an upload aside with its reason. Raises OSError."""
        self._park(name, self.part(name), refusal)

    def park_object(self, name: Name, refusal: Refusal) -> None:
        """Put an object aside with its reason. Raises OSError."""
        self._park(name, self.object(name), refusal)

    def _park(self, name: Name, source: Path, refusal: Refusal) -> None:
        """The reason is there before the content (SY-16)."""
        target = self.parked(name)
        _make_folder(target.parent)
        durable.write_file(target.with_suffix(".json"), refusal.model_dump_json(indent=2).encode())
        durable.move_file(source, target)

    def torn_bytes(self, name: Name) -> int:
        """Length of parked content's torn end, as it was declared."""
        refusal = self.refusal(name)
        return 0 if refusal is None else refusal.torn_bytes

    def object_torn_bytes(self, name: Name) -> int:
        """Length of an object's torn end, as its upload was declared; that stands until the promise."""
        declaration = self.declaration(name)
        return 0 if declaration is None else declaration.torn_bytes

    def unpark(self, name: Name) -> None:
        """Turn parked content into an object; its refusal stays until it is promised. Raises OSError."""
        target = self.object(name)
        _make_folder(target.parent)
        durable.move_file(self.parked(name), target)

    def forget_refusal(self, name: Name) -> None:
        """Remove the reason of content that was promised after all. Raises OSError."""
        self.parked(name).with_suffix(".json").unlink(missing_ok=True)

    def refusal(self, name: Name) -> Refusal | None:
        """Why content was parked; None when it was not."""
        if not self.parked(name).exists():
            return None
        return Refusal.model_validate_json(self.parked(name).with_suffix(".json").read_bytes())

    def objects(self) -> Iterator[Name]:
        """Every object that is held."""
        for path in sorted(self.directory.glob("objects/*/*/*.evs")):
            yield Name(path.parent.parent.name, path.stem)

    def incoming(self) -> Iterator[Name]:
        """Every upload that has been declared and is on its way."""
        for path in sorted(self.directory.glob("incoming/*/*.json")):
            yield Name(path.parent.name, path.stem)

    def perhaps_unpromised(self) -> Iterator[Name]:
        """Every object: a kill may have left any without its row."""
        return self.objects()

    def all_parked(self) -> Iterator[Name]:
        """All content that is parked."""
        for path in sorted(self.directory.glob("parked/*/*.evs")):
            yield Name(path.parent.name, path.stem)

    def room_bytes(self) -> int:
        """Bytes that uploads may still take."""
        usage = os.statvfs(self.directory)
        return max(0, usage.f_bavail * usage.f_frsize - self.reserve_bytes)


def _make_folder(folder: Path) -> None:
    """Make a folder and its parents, each durable in the one above."""
    if folder.is_dir():
        return
    _make_folder(folder.parent)
    folder.mkdir(mode=0o750, exist_ok=True)
    durable.sync_directory(folder.parent)

"""Objects in an S3 bucket; what is on its way lies on this gateway's own disk.

Rules of this module: an `ObjectStore`; keys and the order of requests, no judging, no table.

    <prefix>objects/<device>/<aa>/<id>.evs     verified; promised by a row of the ledger
    <prefix>parked/<device>/<id>.evs + .json   refused; the reason beside it
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sync.errors import EngineUnavailableError, ObjectDiffersError
from sync.store.s3_bucket import S3Bucket
from sync.store.vault import Declaration, Name, Refusal, Vault

log = logging.getLogger(__name__)

DURABLE_S3_AND_SQL: Final = "s3+pg"
"""Durability: an object store's 200, and the row committed by a database of its own."""
_TORN: Final = "torn-bytes"
_SUFFIX: Final = ".evs"
_TRIES: Final = 3


@dataclass(frozen=True, slots=True)
class S3Content:
    """Content in a bucket."""

    bucket: S3Bucket
    key: str

    @property
    def where(self) -> str:
        """Its address."""
        return self.bucket.where(self.key)

    def size_bytes(self) -> int | None:
        """Its length; None when it is not there."""
        held = self.bucket.head(self.key)
        return None if held is None else held.size_bytes

    def pieces(self, offset_bytes: int = 0) -> Iterator[bytes]:
        """Its bytes from an offset on."""
        return self.bucket.pieces(self.key, offset_bytes)


class S3Objects:
    """The objects of one store, as one of its gateways sees them.

    Args:
        bucket: Where they lie.
        prefix: Begins every key; empty, or ends with a slash.
        local: The gateway's own folders; only `incoming` of them is used.
        is_parked: Whether the ledger says that content is refused; a request for each question would be dear.
    """

    durability: Final = DURABLE_S3_AND_SQL

    def __init__(self, bucket: S3Bucket, prefix: str, local: Vault, is_parked: Callable[[Name], bool]) -> None:
        self._bucket = bucket
        self._prefix = prefix
        self._local = local
        self._is_parked = is_parked

    def part(self, name: Name) -> Path:
        """Where what has arrived of an upload lies, on this gateway."""
        return self._local.part(name)

    def declare(self, name: Name, declaration: Declaration) -> None:
        """Make what a unit declares of an upload durable, on this gateway."""
        self._local.declare(name, declaration)

    def declaration(self, name: Name) -> Declaration | None:
        """What was declared of an upload to this gateway."""
        return self._local.declaration(name)

    def offset(self, name: Name) -> int:
        """Bytes of an upload that are on this gateway (SY-8, SY-81)."""
        return self._local.offset(name)

    def truncate(self, name: Name) -> None:
        """Drop what has arrived of an upload here."""
        self._local.truncate(name)

    def forget(self, name: Name) -> None:
        """Remove what is left of an upload here. Idempotent."""
        self._local.forget(name)

    def room_bytes(self) -> int:
        """Bytes that uploads may still take on this gateway."""
        return self._local.room_bytes()

    def keep(self, name: Name) -> None:
        """Put an upload into the bucket (SY-82). Idempotent for the same content; the part stays until the promise.

        Raises:
            ObjectDiffersError: Something else lies there under its name.
            EngineUnavailableError: The bucket did not answer, or was not heard.
        """
        self._put(name, self._object_key(name))

    def _put(self, name: Name, key: str) -> None:
        part = self._local.part(name)
        with part.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").digest()
        declared = self._local.declaration(name)
        facts = {_TORN: str(0 if declared is None else declared.torn_bytes)}
        for _ in range(_TRIES):
            if self._bucket.put_new(key, part, digest, facts):
                return
            held = self._bucket.head(key)
            if held is not None:
                if (held.size_bytes, held.sha256) != (part.stat().st_size, digest.hex()):
                    log.critical("%s is not what %s of %s is", self._bucket.where(key), name.file_id, name.device_id)
                    raise ObjectDiffersError(f"{self._bucket.where(key)} holds something else; restore the object")
                return
        raise EngineUnavailableError(f"{self._bucket.where(key)} is being put by others again and again")

    def content(self, name: Name) -> S3Content:
        """An object, to be read."""
        return S3Content(self._bucket, self._object_key(name))

    def parked_content(self, name: Name) -> S3Content:
        """Parked content, to be read."""
        return S3Content(self._bucket, self._parked_key(name))

    def objects(self) -> Iterator[Name]:
        """Every object that is held."""
        return self._names("objects/")

    def perhaps_unpromised(self) -> Iterator[Name]:
        """Objects whose uploads lie here, whole: those of others are those others' matter, or their units'."""
        for name in self._local.incoming():
            declared = self._local.declaration(name)
            whole = declared is not None and declared.size_bytes == self._local.offset(name)
            if whole and self._bucket.head(self._object_key(name)) is not None:
                yield name

    def object_torn_bytes(self, name: Name) -> int:
        """Length of an object's torn end, as its upload was declared."""
        return self._torn(self._object_key(name))

    def park(self, name: Name, refusal: Refusal) -> None:
        """Put an upload aside with its reason, the reason first (SY-16)."""
        self._give_reason(name, refusal)
        self._put(name, self._parked_key(name))

    def park_object(self, name: Name, refusal: Refusal) -> None:
        """Put an object aside with its reason, the reason first (SY-16)."""
        self._give_reason(name, refusal)
        self._bucket.copy(self._object_key(name), self._parked_key(name))
        self._bucket.delete(self._object_key(name))
        self._local.forget(name)

    def refusal(self, name: Name) -> Refusal | None:
        """Why content was parked; None when it was not."""
        if not self._is_parked(name):
            return None
        return Refusal.model_validate_json(b"".join(self._bucket.pieces(self._reason_key(name))))

    def torn_bytes(self, name: Name) -> int:
        """Length of parked content's torn end, as it was declared."""
        return self._torn(self._parked_key(name))

    def unpark(self, name: Name) -> None:
        """Make an object of parked content; what was parked stays until it is promised."""
        self._bucket.copy(self._parked_key(name), self._object_key(name))

    def forget_refusal(self, name: Name) -> None:
        """Remove reason and parked copy of content that was promised after all."""
        self._bucket.delete(self._reason_key(name))
        self._bucket.delete(self._parked_key(name))

    def all_parked(self) -> Iterator[Name]:
        """All content that is parked."""
        return self._names("parked/")

    def _give_reason(self, name: Name, refusal: Refusal) -> None:
        self._bucket.put(self._reason_key(name), refusal.model_dump_json(indent=2).encode())

    def _torn(self, key: str) -> int:
        held = self._bucket.head(key)
        return 0 if held is None else int(held.facts.get(_TORN, "0"))

    def _names(self, folder: str) -> Iterator[Name]:
        begin = self._prefix + folder
        for key in self._bucket.names(begin):
            if key.endswith(_SUFFIX):
                device_id, *_, last = key.removeprefix(begin).split("/")
                yield Name(device_id, last.removesuffix(_SUFFIX))

    def _object_key(self, name: Name) -> str:
        return f"{self._prefix}objects/{name.device_id}/{name.file_id[:2]}/{name.file_id}{_SUFFIX}"

    def _parked_key(self, name: Name) -> str:
        return f"{self._prefix}parked/{name.device_id}/{name.file_id}{_SUFFIX}"

    def _reason_key(self, name: Name) -> str:
        return f"{self._prefix}parked/{name.device_id}/{name.file_id}.json"

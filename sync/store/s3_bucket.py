"""One S3 bucket: the few requests that a store makes of it.

Rules of this module: keys and bytes; what they mean is `s3_objects`'. A request is one of S3's own, so that every
server that speaks S3 with conditional writes will do. Nothing here is imported unless a store's settings name a bucket.
"""

from __future__ import annotations

import base64
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from http import HTTPStatus
from pathlib import Path
from typing import Any, Final

import botocore.session
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from sync.errors import EngineUnavailableError, StoreError
from sync.store.content import READ_BYTES
from sync.store.settings import ObjectsSettings

_NS: Final = 1_000_000_000
_CONNECTIONS: Final = 48
_CONNECT_SECONDS: Final = 5
_READ_SECONDS: Final = 60
_ATTEMPTS: Final = 3
_THERE: Final = frozenset({HTTPStatus.PRECONDITION_FAILED, HTTPStatus.CONFLICT})
SHA256: Final = "sha256"
"""Name of the digest among an object's own facts; not every server gives the checksum back."""


@dataclass(frozen=True, slots=True)
class Held:
    """What the bucket says of an object."""

    size_bytes: int
    sha256: str | None
    """In hexadecimal digits."""
    facts: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Retention:
    """How long an object can be neither deleted nor replaced, by the bucket's Object Lock."""

    mode: str
    days: int

    def parameters(self, now: datetime) -> dict[str, object]:
        """For a request that makes an object."""
        return {"ObjectLockMode": self.mode, "ObjectLockRetainUntilDate": now + timedelta(days=self.days)}


class S3Bucket:
    """Puts, reads and lists; any thread.

    Args:
        settings: Where it is, and how it is reached.
        now_utc_ns: The store's civil clock.

    Raises:
        StoreError: It is not there, may not be used, or has no Object Lock where one is wanted.
    """

    def __init__(self, settings: ObjectsSettings, now_utc_ns: Callable[[], int]) -> None:
        self._now_utc_ns = now_utc_ns
        self._bucket = settings.bucket
        self._retention = None if settings.lock_days is None else Retention(settings.lock_mode, settings.lock_days)
        session = botocore.session.Session()
        if settings.credentials is not None:
            session.set_config_variable("credentials_file", str(settings.credentials))
        style = "auto" if settings.endpoint is None else "path"
        self._client: Any = session.create_client(
            "s3",
            region_name=settings.region,
            endpoint_url=settings.endpoint,
            config=Config(
                connect_timeout=_CONNECT_SECONDS,
                read_timeout=_READ_SECONDS,
                max_pool_connections=_CONNECTIONS,
                retries={"mode": "standard", "total_max_attempts": _ATTEMPTS},
                # What is put goes with its SHA-256 in a signed header; hashing it again tells nothing new.
                s3={"addressing_style": style, "payload_signing_enabled": False},
                # Every object goes with the SHA-256 that was reckoned here; no second sum is wanted.
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )
        self._check()

    def _check(self) -> None:
        try:
            self._client.head_bucket(Bucket=self._bucket)
            if self._retention is not None:
                self._client.get_object_lock_configuration(Bucket=self._bucket)
        except (BotoCoreError, ClientError) as error:
            wanted = "" if self._retention is None else ", with Object Lock"
            raise StoreError(f"bucket {self._bucket} cannot be used: {error}; it has to be there{wanted}") from error

    def where(self, key: str) -> str:
        """Address of an object."""
        return f"s3://{self._bucket}/{key}"

    def put_new(self, key: str, path: Path, sha256: bytes, facts: Mapping[str, str]) -> bool:
        """Put a file, whole, unless something is there (SY-82).

        Args:
            key: Its name.
            path: What is put.
            sha256: Its digest; the server refuses other bytes.
            facts: Kept beside it.

        Returns:
            Whether it was put; False where something is there, or is being put by somebody else.

        Raises:
            EngineUnavailableError: The server did not take it, or its answer was not heard.
        """
        given: dict[str, object] = {
            "ChecksumAlgorithm": "SHA256",
            "ChecksumSHA256": base64.b64encode(sha256).decode(),
            "Metadata": {**facts, SHA256: sha256.hex()},
            "IfNoneMatch": "*",
            **self._lock(),
        }
        with path.open("rb") as file, self._answered(key):
            try:
                self._client.put_object(Bucket=self._bucket, Key=key, Body=file, **given)
            except ClientError as error:
                if _status(error) in _THERE:
                    return False
                raise
        return True

    def put(self, key: str, data: bytes) -> None:
        """Put a few bytes; what was there is replaced. Raises EngineUnavailableError."""
        with self._answered(key):
            self._client.put_object(Bucket=self._bucket, Key=key, Body=data, ChecksumAlgorithm="SHA256")

    def copy(self, source: str, target: str) -> None:
        """Put a copy of an object, with its facts. Raises EngineUnavailableError."""
        with self._answered(source):
            origin = {"Bucket": self._bucket, "Key": source}
            given = {"ChecksumAlgorithm": "SHA256", **self._lock()}
            self._client.copy_object(Bucket=self._bucket, Key=target, CopySource=origin, **given)

    def delete(self, key: str) -> None:
        """Remove an object; a bucket with versions keeps what was there. Raises EngineUnavailableError."""
        with self._answered(key):
            self._client.delete_object(Bucket=self._bucket, Key=key)

    def head(self, key: str) -> Held | None:
        """Say what is there; None: nothing. Raises EngineUnavailableError."""
        with self._answered(key):
            try:
                found = self._client.head_object(Bucket=self._bucket, Key=key, ChecksumMode="ENABLED")
            except ClientError as error:
                if _status(error) == HTTPStatus.NOT_FOUND:
                    return None
                raise
        told = found.get("ChecksumSHA256")
        facts = {str(name): str(value) for name, value in found["Metadata"].items()}
        sha256 = facts.get(SHA256) if told is None else base64.b64decode(told).hex()
        return Held(int(found["ContentLength"]), sha256, facts)

    def pieces(self, key: str, offset_bytes: int = 0) -> Iterator[bytes]:
        """Read an object from an offset on, as it comes.

        Raises:
            FileNotFoundError: It is not there.
            EngineUnavailableError: The server does not answer, or stopped in the middle.
        """
        with self._answered(key):
            try:
                wanted = {"Range": f"bytes={offset_bytes}-"} if offset_bytes else {}
                found = self._client.get_object(Bucket=self._bucket, Key=key, **wanted)
            except ClientError as error:
                if _status(error) == HTTPStatus.NOT_FOUND:
                    raise FileNotFoundError(f"{self.where(key)} is not there") from error
                if _status(error) == HTTPStatus.REQUESTED_RANGE_NOT_SATISFIABLE:
                    return
                raise
            with found["Body"] as body:
                while piece := body.read(READ_BYTES):
                    yield piece

    def names(self, prefix: str) -> Iterator[str]:
        """Every key that begins so, in their order. Raises EngineUnavailableError."""
        with self._answered(prefix):
            pages = self._client.get_paginator("list_objects_v2").paginate(Bucket=self._bucket, Prefix=prefix)
            for page in pages:
                for found in page.get("Contents", ()):
                    yield str(found["Key"])

    def _lock(self) -> dict[str, object]:
        if self._retention is None:
            return {}
        return self._retention.parameters(datetime.fromtimestamp(self._now_utc_ns() // _NS, UTC))

    @contextmanager
    def _answered(self, key: str) -> Iterator[None]:
        try:
            yield
        except (BotoCoreError, ClientError) as error:
            raise EngineUnavailableError(f"{self.where(key)}: {error}") from error


def _status(error: ClientError) -> int:
    return int(error.response["ResponseMetadata"]["HTTPStatusCode"])

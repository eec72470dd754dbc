"""What MQTT messages carry: the bodies of HTTP (`sync/wire.py`), and in place of its heads and queries these.

Rules of this module: limits and pydantic models of PROTOCOL.md, section 9; no I/O.
"""

from __future__ import annotations

import base64
from typing import Annotated, Final, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sync.errors import WireError
from sync.wire import FILE_BYTES_MAX, RECEIPT_BYTES_MAX, FileId
from sync.witness import NONCE_BYTES

CHUNK_BYTES: Final = 64 * 1024
WINDOW_BYTES_MIN: Final = 256 * 1024
WINDOW_BYTES_MAX: Final = 8 * 1024 * 1024
MESSAGE_BYTES_MAX: Final = 4 * 1024 * 1024
"""Of a body, as over HTTP; the broker's own limit, where it is lower, holds before."""
TOPIC_ROOM_BYTES: Final = 4096
"""Of a packet beside its body: topic and properties."""
STATUS: Final = "status"
REASON: Final = "reason"
RETRY_AFTER: Final = "retry-after"
"""User properties of an answer: HTTP's status, `Recorder-Reason` and `Retry-After`."""
_RECEIPT_TEXT_MAX: Final = RECEIPT_BYTES_MAX * 4 // 3 + 4

Model = TypeVar("Model", bound=BaseModel)


class _Body(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1


class UploadOffer(_Body):
    """Body of `init`: what HTTP's creation declares; the file id stands in the topic."""

    number: Annotated[int, Field(ge=1, le=99_999_999)]
    size_bytes: Annotated[int, Field(gt=0)]
    torn_bytes: Annotated[int, Field(ge=0, lt=FILE_BYTES_MAX)] = 0


class UploadStanding(_Body):
    """Where the store stands with a file: the answer to `init` and `fin`, and every acknowledgement between."""

    state: Literal["partial", "receipted"]
    offset_bytes: Annotated[int, Field(ge=0, le=FILE_BYTES_MAX)]
    """What the store has in its file, without a gap (SY-8)."""
    size_bytes: Annotated[int, Field(gt=0, le=FILE_BYTES_MAX)]
    window_bytes: Annotated[int, Field(gt=0, le=WINDOW_BYTES_MAX)] = WINDOW_BYTES_MIN
    worker: Annotated[str, Field(pattern=r"^[a-z0-9]{1,32}$")]
    """Which process of the store takes the bytes."""
    receipt: Annotated[str, Field(max_length=_RECEIPT_TEXT_MAX)] | None = None
    """In base64, as soon as there is one."""

    def receipt_bytes(self) -> bytes | None:
        """The receipt. Raises WireError."""
        if self.receipt is None:
            return None
        try:
            return base64.b64decode(self.receipt, validate=True)
        except ValueError as error:
            raise WireError("the receipt in a standing is not base64") from error


class TimeQuestion(_Body):
    """HTTP's `time?nonce=…`."""

    nonce: Annotated[str, Field(pattern=rf"^[0-9a-f]{{{2 * NONCE_BYTES}}}$")]


class LogQuestion(_Body):
    """HTTP's `log?from=…`."""

    from_size: Annotated[int, Field(ge=0, lt=1 << 62)]


class PlaceQuestion(_Body):
    """HTTP's `log/<id>?size=…`."""

    file_id: FileId
    size: Annotated[int, Field(ge=1, lt=1 << 62)]


class DocumentQuestion(_Body):
    """HTTP's `documents/<kind>` with `If-None-Match`."""

    kind: Annotated[str, Field(pattern=r"^[a-z]{1,20}$")]
    known: Annotated[tuple[FileId, ...], Field(max_length=16)] = ()
    """SHA-256 of what the unit has."""


class ReceiptQuestion(_Body):
    """HTTP's `receipts/<id>`."""

    file_id: FileId


def encode(body: BaseModel) -> bytes:
    """Write a body."""
    return body.model_dump_json(exclude_none=True).encode()


def decode(kind: type[Model], data: bytes) -> Model:
    """Read a body.

    Raises:
        WireError: It is not one.
    """
    try:
        return kind.model_validate_json(data)
    except ValidationError as error:
        raise WireError(f"not a {kind.__name__}: {error.error_count()} errors, first {error.errors()[0]}") from error

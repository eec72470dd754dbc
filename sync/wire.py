"""What crosses the line between unit and store, apart from the sealed bytes themselves.

Rules of this module: names, limits and pydantic models of PROTOCOL.md, used by both ends; no I/O.
"""

from __future__ import annotations

import base64
import binascii
import re
from collections.abc import Mapping
from http import HTTPStatus
from typing import Annotated, Final, Literal

from pydantic import BaseModel, ConfigDict, Field

from sync.errors import WireError
from sync.presence import Presence

TUS_VERSION: Final = "1.0.0"
TUS_EXTENSIONS: Final = "creation"
OFFSET_CONTENT_TYPE: Final = "application/offset+octet-stream"
RECEIPT_CONTENT_TYPE: Final = 'application/cose; cose-type="cose-sign1"'
REASON_HEADER: Final = "Recorder-Reason"
STATE_HEADER: Final = "Recorder-State"

FILE_BYTES_MAX: Final = 256 * 1024 * 1024
"""Largest file that a store takes (SY-5); the writer's own files end at 64 MiB."""
METADATA_BYTES_MAX: Final = 4096
RECEIPT_BYTES_MAX: Final = 64 * 1024
DOCUMENT_BYTES_MAX: Final = 64 * 1024
DOCUMENT_KINDS: Final = ("policy", "profile")
"""What the agency hands down to its units (SY-40)."""
JSON_BYTES_MAX: Final = 4 * 1024 * 1024
INVENTORY_FILES_MAX: Final = 10_000
CONTENT_MISMATCH: Final = 460
"""The bytes received are not the content that the id names: tus's own status for a wrong checksum."""
PARKED: Final = int(HTTPStatus.UNPROCESSABLE_ENTITY)
FAILURES_BEFORE_PARKING: Final = 3

_DEVICE_ID: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")
_FILE_ID: Final = re.compile(r"[0-9a-f]{64}")
_INTEGER: Final = re.compile(r"0|[1-9][0-9]{0,18}")

PROOF_MAX: Final = 128
"""Hashes of the longest proof about the log of receipts."""
_COSE_TEXT_MAX: Final = 96 * 1024

LogHash = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
DeviceId = Annotated[str, Field(pattern=rf"^{_DEVICE_ID.pattern}$")]
FileId = Annotated[str, Field(pattern=rf"^{_FILE_ID.pattern}$")]


class _Message(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Problem(_Message):
    """Body of every answer that refuses something."""

    code: str
    """Code of PROTOCOL.md's error table."""
    detail: str


class HeldFile(_Message):
    """One sealed file that a unit holds."""

    file_id: FileId
    number: Annotated[int, Field(ge=1, le=99_999_999)]
    size_bytes: Annotated[int, Field(gt=0, le=FILE_BYTES_MAX)]
    session_id: Annotated[str, Field(pattern=r"^[0-9a-f]{32}$")] | None = None
    """Recording that it belongs to; left out where a label keeps headers off the line."""
    due_utc_ns: Annotated[int, Field(ge=0, lt=1 << 63)] | None = None
    """When it is due by the unit's own reckoning; the store's governs once it has the file."""


class Inventory(_Message):
    """What a unit holds, sent when it is docked."""

    version: Literal[1] = 1
    files: Annotated[tuple[HeldFile, ...], Field(max_length=INVENTORY_FILES_MAX)]
    presence: Presence | None = None
    """What the unit says of itself, where no line that is kept open says it (SY-53)."""


class FileAnswer(_Message):
    """What the store knows of one held file."""

    file_id: FileId
    state: Literal["unknown", "partial", "parked", "receipted"]
    offset_bytes: int
    """Bytes of it that the store has."""
    reason: str | None = None
    """Why it is parked."""
    first: bool = False
    """Somebody waits for it: it goes before everything else (SY-21)."""


class InventoryAnswer(_Message):
    """The store's answer to an inventory, in the same order."""

    version: Literal[1] = 1
    files: tuple[FileAnswer, ...]
    last_receipt_number: int = 0
    """Newest receipt that the store has issued to the unit: a unit that holds a newer one knows of a loss."""


class RecordReport(_Message):
    """One sealed record, told before its file arrives: a head to be witnessed, or an alert (SY-31, SY-33)."""

    version: Literal[1] = 1
    sequence: Annotated[int, Field(ge=1, lt=1 << 63)]
    record_hash: Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
    """Suite hash of the record's signed header."""
    kind: Annotated[str, Field(pattern=r"^[a-z]+(-[a-z]+)*$", max_length=40)] | None = None
    """What an alert is about; absent in a head."""
    record: Annotated[str, Field(max_length=_COSE_TEXT_MAX)] | None = None
    """The signed header in base64, which proves the rest; left out where a label keeps headers off the line."""
    opening: Annotated[str, Field(max_length=_COSE_TEXT_MAX)] | None = None
    """The signed header of its file's OPEN, which carries the certificates; goes with `record`."""


class LogAnswer(_Message):
    """The log of the store's receipts, and that it grew out of what was seen before (SY-42)."""

    version: Literal[1] = 1
    checkpoint: Annotated[str, Field(max_length=16 * 1024)]
    """A signed note (C2SP tlog-checkpoint)."""
    consistency: Annotated[tuple[LogHash, ...], Field(max_length=PROOF_MAX)] = ()


class LogPlace(_Message):
    """Where a receipt stands in the log (SY-42)."""

    version: Literal[1] = 1
    leaf_index: Annotated[int, Field(ge=0, lt=1 << 62)]
    size: Annotated[int, Field(ge=1, lt=1 << 62)]
    inclusion: Annotated[tuple[LogHash, ...], Field(max_length=PROOF_MAX)] = ()


class DeviceState(_Message):
    """What the store knows of one unit."""

    version: Literal[1] = 1
    device_id: DeviceId
    store_id: str
    files: int
    bytes: int
    parked: int
    last_receipt_number: int
    """0 when none was issued yet."""
    last_receipt_sha256: str | None
    head_sequence: int | None
    """Highest sequence number that the store holds."""
    revoked: bool


class UploadMetadata(_Message):
    """The creation request's `Upload-Metadata`."""

    file_id: FileId
    number: Annotated[int, Field(ge=1, le=99_999_999)]
    torn_bytes: Annotated[int, Field(ge=0, lt=FILE_BYTES_MAX)] = 0
    """Bytes at the file's end that do not count as records (`sealing/FORMAT.md`)."""


def decode_cose(text: str) -> bytes:
    """Read base64 of a report.

    Raises:
        WireError: It is not base64.
    """
    try:
        return base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError) as error:
        raise WireError(f"{text[:40]!r} is not base64") from error


def device_id_of(text: str) -> str:
    """Check a device id as it stands in a path (SY-3).

    Raises:
        WireError: It is not one.
    """
    if _DEVICE_ID.fullmatch(text) is None:
        raise WireError(f"device id {text[:80]!r} is not 1 to 64 letters, digits, '.', '_' or '-'")
    return text


def file_id_of(text: str) -> str:
    """Check a file id as it stands in a path (SY-3).

    Raises:
        WireError: It is not one.
    """
    if _FILE_ID.fullmatch(text) is None:
        raise WireError(f"file id {text[:80]!r} is not 64 lower-case hexadecimal digits")
    return text


def non_negative(headers: Mapping[str, str], name: str) -> int:
    """Read a header that carries a count.

    Raises:
        WireError: It is absent or not a plain decimal number.
    """
    text = headers.get(name, "")
    if _INTEGER.fullmatch(text) is None:
        raise WireError(f"header {name} is {text[:40]!r}; a plain decimal number is wanted")
    return int(text)


def encode_metadata(metadata: UploadMetadata) -> str:
    """Write `Upload-Metadata` as tus has it: keys with base64 values."""
    pairs = {"file_id": metadata.file_id, "number": str(metadata.number), "torn_bytes": str(metadata.torn_bytes)}
    return ",".join(f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in pairs.items())


def decode_metadata(text: str) -> UploadMetadata:
    """Read `Upload-Metadata`; keys that the protocol does not name are passed over, as tus asks.

    Raises:
        WireError: It is too long, malformed, or lacks a key.
    """
    if len(text) > METADATA_BYTES_MAX:
        raise WireError(f"Upload-Metadata has {len(text)} bytes; at most {METADATA_BYTES_MAX} are taken")
    found: dict[str, str] = {}
    try:
        for pair in text.split(","):
            key, _, value = pair.strip().partition(" ")
            found[key] = base64.b64decode(value, validate=True).decode()
        torn_bytes = int(found.get("torn_bytes", "0"))
        return UploadMetadata(file_id=found["file_id"], number=int(found["number"]), torn_bytes=torn_bytes)
    except (binascii.Error, ValueError, KeyError) as error:
        raise WireError(f"Upload-Metadata {text[:120]!r} does not hold file_id and number in base64") from error

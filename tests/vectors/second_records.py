"""Records and files as FORMAT.md, sections 2 to 4, lays them out."""

import hashlib
import re
import struct
from dataclasses import dataclass, field
from typing import Any

from tests.vectors.second_decoder import MAGIC, NUMBERS, BorderError, Decoder, Envelope, Raw, body, need

HEADER_KINDS = {1: int, 2: int, 3: int, 4: bytes, 5: str, 6: int, 7: int, 8: int, 9: int, 12: int, 13: str, 14: int}
NEVER_WITH_PAYLOAD = {"BOOT", "EPOCH", "OPEN", "CLOSE", "TICK", "ANCHOR", "RECEIPT", "DELETE", "HALT", "TORN"}


@dataclass
class Record:
    """One record whose bytes are of the format."""

    raw: Raw
    envelope: Envelope
    head: dict[int, Any]
    kind: str
    body: dict[str, Any]
    believed: bool = False

    @property
    def sequence(self) -> int:
        return int(self.head[3])

    @property
    def hash(self) -> bytes:
        return digest(self.raw.header)


@dataclass
class File:
    """One file, and what of it could be read."""

    number: int
    name: str
    data: bytes
    raws: list[Raw]
    stopped_at: int
    stop: str
    torn: bool = False
    end_at: int = 0
    """Where the records that count end; 0: nobody can tell."""
    records: list[Record | None] = field(default_factory=list)
    refused: dict[int, str] = field(default_factory=dict)

    def record(self, index: int) -> Record | None:
        return self.records[index] if index < len(self.records) else None


@dataclass(frozen=True)
class Fault:
    """One finding and where it is."""

    code: str
    file: str
    sequence: int | None
    offset: int


def digest(data: bytes) -> bytes:
    return hashlib.sha256(data).digest()


def read(raw: Raw) -> Record:
    """Step 4: envelope, header, body, payload rule."""
    envelope = Envelope.read(raw.header)
    head = Decoder.whole(envelope.payload)
    need(isinstance(head, dict) and set(head) - {11} == set(range(1, 15)) - {11}, "keys of the header")
    need((11 in head) == (head[12] != 0), "payload hash or length")
    if head[12] != len(raw.payload):
        raise BorderError("framing and header name other lengths")
    need(isinstance(head.get(11, bytes(32)), bytes) and len(head.get(11, bytes(32))) == 32, "payload hash")
    need(all(type(head[key]) is kind for key, kind in HEADER_KINDS.items()), "types of the header")
    need(head[1] == 1 and len(head[4]) == 32 and head[2] in NUMBERS, "version, previous hash or type")
    need(min(head[3], head[6], head[9]) >= 1 and min(head[7], head[8]) >= 0 and head[14] >= -1, "ranges")
    need(re.fullmatch(r"[A-Za-z0-9._-]{1,64}", head[5]), "device id")
    need(head[13] in {"network", "store", "rtc", "unset"}, "time source")
    kind = NUMBERS[head[2]]
    need(bool(raw.payload) if kind == "FRAGMENT" else not (raw.payload and kind in NEVER_WITH_PAYLOAD), "payload rule")
    return Record(raw, envelope, head, kind, body(kind, head[10]))


def file_id(file: File) -> bytes:
    """SF-9: over framing and headers, and over what stands behind the records that count."""
    raws = file.raws[: len(file.records)]
    framed = b"".join(struct.pack(">II", len(raw.header), len(raw.payload)) + raw.header for raw in raws)
    torn = file.data[file.end_at :]
    return digest(b"evs1 file id\0" + MAGIC + framed + struct.pack(">IQ", 0, len(torn)) + torn)

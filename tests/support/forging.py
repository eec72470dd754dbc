"""What an attacker can do to sealed files with and without keys: cut records out, put them elsewhere, sign anew."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sealing.cose import Algorithm
from sealing.framing import RecordHeader, encode_prefix, open_header, seal_header
from sealing.limits import MAGIC
from sealing.reader import SealedFile
from sealing.suites import SUITE_1


@dataclass(frozen=True)
class Raw:
    """A record's bytes."""

    header: bytes
    payload: bytes

    @property
    def data(self) -> bytes:
        return encode_prefix(len(self.header), len(self.payload)) + self.header + self.payload

    @property
    def read(self) -> RecordHeader:
        return open_header(self.header)[1]

    @property
    def hash(self) -> bytes:
        return SUITE_1.digest(self.header)


def records_of(path: Path) -> list[Raw]:
    """All records of a file."""
    found = []
    with SealedFile(path) as file:
        while (record := file.next_record()) is not None:
            found.append(Raw(record.header, file.payload(record)))
    return found


def write(path: Path, records: Sequence[Raw], behind: bytes = b"") -> None:
    """Write a file of records."""
    path.write_bytes(MAGIC + b"".join(record.data for record in records) + behind)


def rewrite(path: Path, change: Callable[[list[Raw]], list[Raw]]) -> None:
    """Change a file's records."""
    write(path, change(records_of(path)))


def signed(header: RecordHeader, payload: bytes, key: ed25519.Ed25519PrivateKey, key_id: bytes | None = None) -> Raw:
    """Sign a header with a key that may not be the unit's."""
    name = SUITE_1.key_id(_public(key)) if key_id is None else key_id
    if payload:
        header = replace(header, payload_hash=SUITE_1.digest(payload), payload_length=len(payload))
    return Raw(seal_header(header, Algorithm.ED25519, name, key.sign), payload)


def resigned(
    records: Sequence[Raw],
    key: ed25519.Ed25519PrivateKey,
    change: Callable[[RecordHeader], RecordHeader] = lambda header: header,
    previous: bytes | None = None,
) -> list[Raw]:
    """Sign records anew, each linked to the one before."""
    result: list[Raw] = []
    for record in records:
        header = change(record.read)
        if previous is not None:
            header = replace(header, previous_hash=previous)
        result.append(signed(header, record.payload, key))
        previous = result[-1].hash
    return result


def _public(key: ed25519.Ed25519PrivateKey) -> bytes:
    return key.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)

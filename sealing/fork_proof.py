"""Proof that a unit's chain was forked: two records with one number, both signed by the unit (`FORMAT.md`, section 8).

Rules of this module: signed headers in, a proof out, or an error; no database, no device. A record is shown by
its signed header and that of its file's OPEN, which carries the certificates; of a later epoch than that, the epoch's
certificate stands beside them. Nothing else of the two chains is needed, nor any key.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sealing import cose, epochs
from sealing.cose import Sign1
from sealing.epochs import EpochCertificate
from sealing.errors import MalformedError, SealingError
from sealing.framing import RecordHeader, open_header
from sealing.limits import HEADER_BYTES_MAX
from sealing.reader import SealedFile
from sealing.records import Epoch, Open
from sealing.suites import SUITE_1, Suite, suite
from sealing.trust import Trust

OPENING_FILE: Final = "opening.cose"
RECORD_FILE: Final = "record.cose"
EPOCH_FILE: Final = "epoch.cose"


class ForkProofError(SealingError):
    """What is shown does not prove that a chain was forked."""


@dataclass(frozen=True, slots=True)
class ShownRecord:
    """One record, and what it takes to believe it."""

    opening: bytes
    """Signed header of the OPEN of the record's file."""
    record: bytes
    """Signed header of the record."""
    epoch: bytes | None = None
    """Certificate of the record's epoch, where OPEN carries an earlier one."""


@dataclass(frozen=True, slots=True)
class Claim:
    """What a record says, once its signatures were verified."""

    header: RecordHeader
    digest: bytes
    """The record's hash, by its suite."""


@dataclass(frozen=True, slots=True)
class ForkProof:
    """One unit signed two records with one number."""

    device_id: str
    sequence: int
    first: Claim
    second: Claim


def prove_fork(first: ShownRecord, second: ShownRecord, trust: Trust) -> ForkProof:
    """Prove a fork.

    Args:
        first: One record.
        second: Another one with the same number.
        trust: Holds the agency's CA.

    Raises:
        ForkProofError: A record does not verify, or the two do not contradict one another.
    """
    one, other = judge_record(first, trust), judge_record(second, trust)
    places = [(each.header.device_id, each.header.sequence) for each in (one, other)]
    if places[0] != places[1]:
        raise ForkProofError(f"the records are {places[0]} and {places[1]}: not one place in one chain")
    if one.digest == other.digest:
        raise ForkProofError(f"both are the same record {one.header.sequence} of {one.header.device_id}")
    return ForkProof(*places[0], one, other)


def judge_record(shown: ShownRecord, trust: Trust) -> Claim:
    """Verify one record by what stands beside it.

    Raises:
        ForkProofError: The agency did not certify the unit, or the unit did not sign the record.
    """
    try:
        header, opened, used = _believed(shown, trust)
    except SealingError as error:
        raise ForkProofError(f"a record cannot be believed: {error}") from error
    if header.device_id != opened.device_id:
        raise ForkProofError(f"the record is of unit {header.device_id}, the OPEN beside it of {opened.device_id}")
    return Claim(header, used.digest(shown.record))


def _believed(shown: ShownRecord, trust: Trust) -> tuple[RecordHeader, RecordHeader, Suite]:
    message, opened = open_header(shown.opening)
    if not isinstance(opened.body, Open):
        raise MalformedError(f"a {opened.type.name} stands where an OPEN belongs")
    used = suite(opened.body.suite)
    trusted = trust.device(opened.body.device_certificate, opened.device_id, opened.utc_ns)
    device_key = SUITE_1.device_key(trusted.public_key_der)
    certificate = epochs.verify_certificate(opened.body.epoch_certificate, device_key)
    _check_signed(message, opened, certificate, used)
    later = certificate if shown.epoch is None else epochs.verify_certificate(shown.epoch, device_key)
    message, header = open_header(shown.record)
    _check_signed(message, header, later, used)
    return header, opened, used


def find_record(path: Path, sequence: int) -> ShownRecord | None:
    """Take a record out of a sealed file, with what stands beside it; None where the file does not have it.

    Raises:
        SealingError: The file cannot be read as one.
        OSError: It cannot be read.
    """
    with SealedFile(path) as file:
        file.check_magic()
        first = file.next_record()
        opening, epoch = (b"" if first is None else first.header), None
        found = first
        while found is not None:
            header = open_header(found.header)[1]
            if header.sequence == sequence:
                return ShownRecord(opening, found.header, epoch)
            if isinstance(header.body, Epoch):
                epoch = header.body.epoch_certificate
            found = file.next_record()
    return None


def write_record(directory: Path, shown: ShownRecord) -> None:
    """Write a record and what stands beside it into a folder. Raises OSError."""
    (directory / OPENING_FILE).write_bytes(shown.opening)
    (directory / RECORD_FILE).write_bytes(shown.record)
    if shown.epoch is not None:
        (directory / EPOCH_FILE).write_bytes(shown.epoch)


def read_record(directory: Path) -> ShownRecord:
    """Read what `write_record` wrote.

    Raises:
        ForkProofError: A part is missing or too long.
    """
    epoch = directory / EPOCH_FILE
    return ShownRecord(
        _part(directory / OPENING_FILE), _part(directory / RECORD_FILE), _part(epoch) if epoch.exists() else None
    )


def _part(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            data = file.read(HEADER_BYTES_MAX + 2)
    except OSError as error:
        raise ForkProofError(f"{path} cannot be read ({error.strerror}); give the exported folder whole") from error
    if len(data) > HEADER_BYTES_MAX + 1:
        raise ForkProofError(f"{path} is longer than a record's header can be")
    return data


def _check_signed(message: Sign1, header: RecordHeader, certificate: EpochCertificate, used: Suite) -> None:
    named = (certificate.device_id, certificate.epoch, certificate.boot_number, certificate.suite)
    if named != (header.device_id, header.epoch, header.boot_number, used.number):
        raise MalformedError(f"record {header.sequence} is of epoch {header.epoch}, the certificate of {named}")
    if message.key_id != used.key_id(certificate.public_key):
        raise MalformedError(f"record {header.sequence} names another key than its epoch has")
    cose.verify_sign1(message, cose.RECORD, used.record_key(certificate.public_key))

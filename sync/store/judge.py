"""Judges a unit's records one by one, as they arrive.

Rules of this module: no I/O. What is known of the chain so far comes in as `Known`; what the file adds goes out as
`ContentFacts`. A record that cannot stand where it stands raises; nothing returns a verdict.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import lru_cache
from typing import Final

from sealing import cose, epochs
from sealing.cose import PublicKey, Sign1
from sealing.epochs import EpochCertificate
from sealing.errors import BadSignatureError, SealingError
from sealing.framing import RecordHeader
from sealing.oids import Assurance
from sealing.policy import UnitPolicy
from sealing.records import (
    Body,
    Boot,
    Break,
    Checkin,
    Checkout,
    Close,
    DockChange,
    Epoch,
    Event,
    Fault,
    FileKind,
    Open,
    Resume,
    SessionEnd,
    SessionStart,
    Torn,
)
from sealing.suites import SUITE_1, Suite, suite
from sealing.trust import Trust
from sync.errors import ContentError
from sync.sessions import Circumstances, circumstances_of

_NS: Final = 1_000_000_000
_GRADES_OF_BOOT: Final = {True: frozenset({Assurance.SIMULATED}), False: frozenset(Assurance)}
"""As what a unit may be enrolled whose BOOT says so (SY-18)."""


@dataclass(frozen=True, slots=True)
class EpochFacts:
    """One record-signing key and the place at which it was introduced."""

    epoch: int
    boot_number: int
    sequence: int
    public_key_der: bytes


@dataclass(frozen=True, slots=True)
class TornEnd:
    """What BOOT says of another file's torn end; what TORN says of one may change with a failing medium."""

    file_number: int
    torn_bytes: int
    torn_hash: bytes


@dataclass(frozen=True, slots=True)
class Known:
    """What the store knows of a unit when a file arrives."""

    device_id: str
    trust: Trust
    assurance: Assurance
    """As which the unit was enrolled."""
    epochs: dict[int, EpochFacts] = field(default_factory=dict)
    """What files that are here already say, by epoch number: a second key for one of them is a fork."""
    heads: Mapping[int, bytes] = field(default_factory=dict)
    """Hashes of witnessed records, by sequence number: another one for one of them is a fork (SY-32)."""


@dataclass(frozen=True, slots=True)
class NotedRecord:
    """One record on which due times or tasks rest."""

    sequence: int
    record_hash: bytes
    utc_ns: int
    body: Body


@dataclass(frozen=True, slots=True)
class ContentFacts:
    """What a file turned out to be, once all of it was judged."""

    file_number: int
    kind: FileKind
    first_sequence: int
    last_sequence: int
    hash_before: bytes
    head_hash: bytes
    closed: bool
    first_utc_ns: int
    last_utc_ns: int
    session_id: bytes | None
    simulated: bool
    epochs: tuple[EpochFacts, ...]
    torn_ends: tuple[TornEnd, ...]
    circumstances: Circumstances
    notes: tuple[NotedRecord, ...]


_NOTED: Final[tuple[type[Body], ...]] = (
    SessionStart,
    SessionEnd,
    Break,
    Resume,
    DockChange,
    Event,
    Fault,
    Torn,
    Checkout,
    Checkin,
)
"""What due times and tasks rest on."""


class Judge:
    """Examiner of one file (`sync.stream.Examiner`).

    Args:
        known: What the store knows of the unit.
    """

    def __init__(self, known: Known) -> None:
        self._known = known
        self._epochs = dict(known.epochs)
        self._own_epochs: list[int] = []
        """Epochs that this file certifies, the one in force last: no other signs its records."""
        self._device_key: PublicKey | None = None
        self._suite: Suite = SUITE_1
        self._open: Open | None = None
        self._first: RecordHeader | None = None
        self._last: RecordHeader | None = None
        self._head = b""
        self._closed = False
        self._torn: list[TornEnd] = []
        self._notes: list[NotedRecord] = []

    def record(self, message: Sign1, header: RecordHeader, digest: bytes) -> None:
        """Judge the next record. Raises ContentError or SealingError."""
        self._check_place(header)
        if isinstance(header.body, Open):
            self._begin(header, header.body)
        self._check_signature(message, header)
        self._check_witnessed(header, digest)
        self._learn(header)
        if isinstance(header.body, _NOTED):
            self._notes.append(NotedRecord(header.sequence, digest, header.utc_ns, header.body))
        self._closed = isinstance(header.body, Close)
        self._last, self._head = header, digest

    def _learn(self, header: RecordHeader) -> None:
        """Take from a record that verified what later records and files rest on."""
        body = header.body
        if isinstance(body, Epoch):
            self._add_epoch(body.epoch_certificate, header, introduced_here=True)
        if isinstance(body, Boot):
            self._boot(header, body)

    def facts(self) -> ContentFacts:
        """Say what the file is, after its last record.

        Raises:
            ContentError: It has no record.
        """
        if self._first is None or self._last is None or self._open is None:
            raise ContentError("malformed", "the file holds no record")
        return ContentFacts(
            file_number=self._open.file_number,
            kind=self._open.kind,
            first_sequence=self._first.sequence,
            last_sequence=self._last.sequence,
            hash_before=self._first.previous_hash,
            head_hash=self._head,
            closed=self._closed,
            first_utc_ns=self._first.utc_ns,
            last_utc_ns=self._last.utc_ns,
            session_id=self._open.snapshot.session_id,
            simulated=self._known.assurance is Assurance.SIMULATED,
            epochs=tuple(self._epochs[number] for number in sorted(self._own_epochs)),
            torn_ends=tuple(self._torn),
            circumstances=circumstances_of(self._open.snapshot),
            notes=tuple(self._notes),
        )

    def check_policy(self, policy: UnitPolicy, now_utc_ns: int) -> None:
        """SY-66: hold the file, once all of it was judged, to whom the agency believes no more.

        A receipt would say that the file was there now: to what a revoked certificate stands for it adds nothing.

        Args:
            policy: The newest one that the store has.
            now_utc_ns: The store's civil time.

        Raises:
            ContentError: The unit's certificate was revoked.
        """
        revoked_ns = None if self._open is None else policy.revoked_ns(self._open.device_certificate)
        if revoked_ns is not None and revoked_ns <= now_utc_ns:
            since = datetime.fromtimestamp(revoked_ns // _NS, UTC).isoformat()
            said = f"the agency's device policy number {policy.number} believes the unit's certificate no more"
            raise ContentError("revoked", f"{said} since {since}; a custodian decides about what it sent")

    def check_alone(self, message: Sign1, header: RecordHeader) -> None:
        """Check a single record of the file whose OPEN was judged. Raises ContentError or SealingError."""
        if header.device_id != self._known.device_id:
            raise ContentError("wrong-device", f"record {header.sequence} is of unit {header.device_id}")
        self._check_signature(message, header)

    def _check_witnessed(self, header: RecordHeader, digest: bytes) -> None:
        """SY-32: what a store has witnessed of a sequence number is the only thing that it takes for it."""
        if self._known.heads.get(header.sequence, digest) != digest:
            raise ContentError("fork", f"record {header.sequence} was witnessed with another hash")

    def _check_place(self, header: RecordHeader) -> None:
        if header.device_id != self._known.device_id:
            detail = f"record {header.sequence} is of unit {header.device_id}, not {self._known.device_id}"
            raise ContentError("wrong-device", detail)
        if self._last is None:
            if not isinstance(header.body, Open):
                raise ContentError("sequence", f"the file begins with {header.type.name}, not with OPEN")
            return
        if isinstance(header.body, Open) or self._closed:
            raise ContentError("sequence", f"record {header.sequence} ({header.type.name}) stands behind the end")
        if header.sequence != self._last.sequence + 1 or header.previous_hash != self._head:
            raise ContentError("sequence", f"record {header.sequence} does not follow record {self._last.sequence}")

    def _begin(self, header: RecordHeader, body: Open) -> None:
        self._first, self._open = header, body
        self._suite = suite(body.suite)
        self._device_key = device_key(body.device_certificate, self._known, header.utc_ns)
        self._add_epoch(body.epoch_certificate, header, introduced_here=False)

    def _check_signature(self, message: Sign1, header: RecordHeader) -> None:
        facts = self._epochs.get(header.epoch)
        if facts is None or header.epoch not in self._own_epochs:
            raise ContentError(
                "epoch", f"record {header.sequence} is of epoch {header.epoch}, not certified in its file"
            )
        if facts.boot_number != header.boot_number:
            raise ContentError(
                "epoch", f"record {header.sequence}: epoch {header.epoch} is of boot {facts.boot_number}"
            )
        if message.key_id != self._suite.key_id(facts.public_key_der):
            raise ContentError("signature", f"record {header.sequence} names another key than epoch {header.epoch} has")
        try:
            cose.verify_sign1(message, cose.RECORD, _record_key(self._suite.number, facts.public_key_der))
        except BadSignatureError as error:
            raise ContentError("signature", f"record {header.sequence}: {error}") from error

    def _boot(self, header: RecordHeader, boot: Boot) -> None:
        if self._last is not self._first:
            raise ContentError("sequence", f"BOOT {header.sequence} does not stand directly behind OPEN")
        if boot.torn_file is not None and boot.torn_hash is not None:
            self._torn.append(TornEnd(boot.torn_file, boot.torn_bytes, boot.torn_hash))
        enrolled, allowed = self._known.assurance, _GRADES_OF_BOOT[boot.simulated]
        if enrolled not in allowed:
            raise ContentError("simulated", f"BOOT {header.sequence} is of a simulated unit, enrolled as {enrolled}")

    def _add_epoch(self, data: bytes, header: RecordHeader, *, introduced_here: bool) -> None:
        if self._device_key is None:
            raise ContentError("epoch", f"epoch certificate at record {header.sequence} without a device certificate")
        try:
            certificate = epochs.verify_certificate(data, self._device_key)
        except SealingError as error:
            raise ContentError("epoch", f"epoch certificate at record {header.sequence}: {error}") from error
        self._check_epoch(certificate, header, introduced_here=introduced_here)
        facts = EpochFacts(certificate.epoch, certificate.boot_number, certificate.sequence, certificate.public_key)
        if self._epochs.setdefault(facts.epoch, facts) != facts:
            raise ContentError("fork", f"epoch {facts.epoch} was already certified for another key or place")
        self._own_epochs.append(facts.epoch)

    def _check_epoch(self, certificate: EpochCertificate, header: RecordHeader, *, introduced_here: bool) -> None:
        """A certificate stands at the place that it names, or is repeated by an OPEN behind that place."""
        found = (certificate.device_id, certificate.suite, certificate.boot_number)
        if found != (header.device_id, self._suite.number, header.boot_number):
            raise ContentError("epoch", f"the epoch certificate at record {header.sequence} is of {found}")
        at_home = (certificate.sequence, certificate.previous_hash) == (header.sequence, header.previous_hash)
        repeated = not introduced_here and certificate.sequence < header.sequence
        if not (at_home or repeated):
            raise ContentError("epoch", f"the epoch certificate at record {header.sequence} is of another place")


@lru_cache(maxsize=64)
def _record_key(suite_number: int, public_key_der: bytes) -> PublicKey:
    """Read an epoch's key once, not with each record. Raises SealingError."""
    return suite(suite_number).record_key(public_key_der)


def device_key(certificate_der: bytes, known: Known, utc_ns: int) -> PublicKey:
    """Take the device key out of a certificate that the agency issued for sealing to this unit.

    Args:
        certificate_der: The certificate as OPEN carries it.
        known: Whose it has to be.
        utc_ns: Time of the record that rests on it.

    Raises:
        ContentError: It is not the agency's, not for sealing, not this unit's, or of another assurance.
    """
    try:
        found = known.trust.device(certificate_der, known.device_id, utc_ns)
        key = SUITE_1.device_key(found.public_key_der)
    except SealingError as error:
        raise ContentError("certificate", str(error)) from error
    if found.assurance is not known.assurance:
        code = "simulated" if found.assurance is Assurance.SIMULATED else "certificate"
        detail = f"the certificate is of a unit kept as {found.assurance}, enrolled as {known.assurance}"
        raise ContentError(code, detail)
    return key

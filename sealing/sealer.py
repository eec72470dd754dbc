"""Records in the making: place in the chain, epoch key, header, signature.

Rules of this module: no medium and no clock; a record counts only once its caller says that it is durable
(`commit`). Until then the place in the chain stays where it was, so that a record that could not be written leaves no
trace in what follows (`FORMAT.md`, SF-25, SF-30).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from sealing import framing
from sealing.encoding import Plain
from sealing.framing import RecordHeader
from sealing.keys import EpochIssuer, EpochKey
from sealing.limits import EPOCH_RECORDS_MAX, EPOCH_SECONDS_MAX
from sealing.records import Body
from sealing.suites import Suite

_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Stamp:
    """When a record was sealed, as the unit's clock had it."""

    utc_ns: int
    boottime_ns: int
    time_source: str
    uncertainty_ns: int


@dataclass(frozen=True, slots=True)
class Place:
    """Where the next record goes."""

    sequence: int
    previous_hash: bytes


@dataclass(frozen=True, slots=True)
class SealedRecord:
    """A signed record that is not on the medium yet."""

    header: RecordHeader
    prefix: bytes
    header_bytes: bytes
    payload: bytes | memoryview
    """As it was handed in: a view holds until the buffer behind it is used again."""
    hash: bytes

    @property
    def after(self) -> Place:
        """The place behind this record."""
        return Place(self.header.sequence + 1, self.hash)


class Sealer:
    """Makes the records of one run of the agent.

    Args:
        suite: The suite in force.
        device_id: The unit's id.
        boot_number: Number of this start.
        issuer: Certifies epoch keys.
        place: Where the chain goes on.
        last_epoch: Number of the last epoch that was certified on this chain, 0 for none.
    """

    def __init__(
        self, suite: Suite, device_id: str, boot_number: int, issuer: EpochIssuer, place: Place, last_epoch: int
    ) -> None:
        self.suite = suite
        self.device_id = device_id
        self.boot_number = boot_number
        self.place = place
        self._issuer = issuer
        self._epoch = self._issue(last_epoch + 1)
        self._epoch_records = 0
        self._epoch_began_ns: int | None = None

    @property
    def epoch_certificate(self) -> bytes:
        """Certificate of the epoch in force."""
        return self._epoch.encoded

    @property
    def epoch(self) -> int:
        """Number of the epoch in force."""
        return self._epoch.certificate.epoch

    def epoch_is_due(self, boottime_ns: int) -> bool:
        """Whether the next record should be an EPOCH (SF-42)."""
        if self._epoch_began_ns is None:
            return False
        # One record early: the EPOCH itself is still signed by the old key.
        aged = boottime_ns - self._epoch_began_ns >= EPOCH_SECONDS_MAX * _NS
        return aged or self._epoch_records >= EPOCH_RECORDS_MAX - 1

    def next_epoch(self) -> EpochKey:
        """Make the key of the next epoch, to be introduced by a record at the present place."""
        return self._issue(self.epoch + 1)

    def begin_epoch(self, key: EpochKey) -> None:
        """Sign with a new key from now on; its EPOCH is durable."""
        self._epoch = key
        self._epoch_records = 0
        self._epoch_began_ns = None

    def seal(
        self,
        body: Body,
        payload: bytes | memoryview,
        stamp: Stamp,
        place: Place | None = None,
        fields: dict[int, Plain] | None = None,
    ) -> SealedRecord:
        """Make a record at the present place, or at `place` behind one that is not durable yet.

        Args:
            body: What the record says.
            payload: Ciphertext, empty for none.
            stamp: When.
            place: Where, when not at the present place.
            fields: The body's map, where it was made before (`codec.check_body`).

        Raises:
            BodyError: The body has a value outside its range.
            MalformedError: Header or payload are too long.
        """
        here = place or self.place
        header = RecordHeader(
            type=body.TYPE,
            sequence=here.sequence,
            previous_hash=here.previous_hash,
            device_id=self.device_id,
            epoch=self.epoch,
            utc_ns=stamp.utc_ns,
            boottime_ns=stamp.boottime_ns,
            boot_number=self.boot_number,
            body=body,
            payload_hash=self.suite.digest(payload) if payload else None,
            payload_length=len(payload),
            time_source=stamp.time_source,
            uncertainty_ns=stamp.uncertainty_ns,
        )
        data = framing.seal_header(header, self.suite.record_algorithm, self._epoch.key_id, self._epoch.sign, fields)
        return SealedRecord(
            header, framing.encode_prefix(len(data), len(payload)), data, payload, self.suite.digest(data)
        )

    def commit(self, record: SealedRecord) -> None:
        """Go on behind a record: it is durable."""
        self.place = record.after
        self._epoch_records += 1
        if self._epoch_began_ns is None:
            self._epoch_began_ns = record.header.boottime_ns

    def _issue(self, epoch: int) -> EpochKey:
        return self._issuer.issue(
            epoch=epoch,
            boot_number=self.boot_number,
            sequence=self.place.sequence,
            previous_hash=self.place.previous_hash,
        )

"""Who signed: device certificate, epoch certificates, record signatures, and the order of epochs.

Rules of this module: no I/O. Steps 5 to 8 of `FORMAT.md`, section 8. A key that is not trusted is reported once and
still used for the rest of its file, so that a report does not drown in consequences of one fault.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

from sealing import cose, epochs
from sealing.cose import Algorithm, PublicKey, Sign1
from sealing.epochs import EpochCertificate
from sealing.errors import BadSignatureError, SealingError, SuiteError
from sealing.findings import Code, Findings, Place
from sealing.framing import RecordHeader
from sealing.limits import RECIPIENTS_MAX, RECIPIENTS_MIN, SEQUENCE_FIRST
from sealing.oids import Assurance
from sealing.records import Epoch, FileOrigin, Open
from sealing.suites import SUITE_1, Suite, suite
from sealing.trust import Certified, Trust, UntrustedDeviceError, key_of


@dataclass(frozen=True, slots=True)
class InForce:
    """Keys that hold at one place of the chain."""

    suite: Suite
    device_key: PublicKey
    encoded: bytes
    """The epoch certificate as it stands in the chain."""
    certificate: EpochCertificate
    record_key: PublicKey
    record_key_id: bytes

    def signed(self, message: Sign1) -> bool:
        """Whether the key of the epoch signed a record."""
        try:
            _check_key(message, self)
            cose.verify_sign1(message, cose.RECORD, self.record_key)
        except BadSignatureError:
            return False
        return True


Vouch = Callable[[Callable[[Sign1], bool]], bool]
"""Told how to check a signature, says whether the one that answers for a record holds."""


class Keys:
    """Follows the keys along the chain.

    Args:
        trust: What the caller trusts.
        findings: Where faults go.
    """

    def __init__(self, trust: Trust, findings: Findings) -> None:
        self._trust = trust
        self._findings = findings
        self._known: InForce | None = None
        self._here: InForce | None = None
        self._last_certified: tuple[bytes, str, Certified] | None = None
        self._last_key: tuple[Algorithm, bytes, PublicKey] | None = None
        self._early: set[bytes] = set()
        """Certificates whose begin was found to lie ahead: told once for each."""
        self.device_id: str | None = None
        """The unit whose chain it is, from the first record whose signature held."""
        self.assurances: set[Assurance] = set()
        """Assurances of all device certificates that were good."""

    @property
    def suite(self) -> Suite:
        """Suite of the file that is being read."""
        return SUITE_1 if self._here is None else self._here.suite

    @property
    def device_key(self) -> PublicKey | None:
        """Device key of the file that is being read; None where it cannot be used."""
        return None if self._here is None else self._here.device_key

    def check_device(self, header: RecordHeader) -> None:
        """Hold a record to the chain's unit (step 5).

        Raises:
            UntrustedDeviceError: It is of another unit.
        """
        if self.device_id is not None and header.device_id != self.device_id:
            raise UntrustedDeviceError(f"the record is of unit {header.device_id}, the chain of {self.device_id}")

    def open_file(self, header: RecordHeader, body: Open, place: Place, *, continues: bool) -> None:
        """Take the keys that a file brings along (steps 6 and 7).

        Args:
            header: The header of the file's OPEN.
            body: The OPEN.
            place: Where it stands.
            continues: The OPEN is the record that had to come next.
        """
        self._check_recipients(body, place)
        if body.suite not in self._trust.suites:
            self._findings.add(Code.SUITE_FORBIDDEN, place, f"suite {body.suite} is unknown or not allowed here")
            return
        device_key = self._device_key(header, body, place)
        if device_key is None:
            return
        found = self._in_force(suite(body.suite), device_key, body.epoch_certificate, header, place)
        if found is not None:
            self._check_introduction(found.certificate, header, body, place, continues=continues)
            self._here = found

    def _check_recipients(self, body: Open, place: Place) -> None:
        names = {wrap.recipient for wrap in body.wraps}
        if not RECIPIENTS_MIN <= len(names) <= RECIPIENTS_MAX or len(names) != len(body.wraps):  # SF-23
            detail = f"the content key is wrapped to {len(names)} recipients in {len(body.wraps)} wraps"
            self._findings.add(Code.MALFORMED, place, detail)

    def _device_key(self, header: RecordHeader, body: Open, place: Place) -> PublicKey | None:
        chosen = suite(body.suite)
        try:
            try:
                trusted = self._certified(body.device_certificate, header.device_id).at(header.utc_ns)
            except UntrustedDeviceError as error:
                self._findings.add(Code.UNTRUSTED_KEY, place, str(error))
                return chosen.device_key(key_of(body.device_certificate))
            self.assurances.add(trusted.assurance)
            if body.suite not in trusted.suites:  # SF-37
                detail = f"the unit's certificate does not allow suite {body.suite}"
                self._findings.add(Code.SUITE_FORBIDDEN, place, detail)
            if trusted.early and body.device_certificate not in self._early:
                self._early.add(body.device_certificate)
                detail = "the unit's clock stood before the beginning of its certificate"
                self._findings.add(Code.CLOCK_WRONG, place, detail)
            return self._loaded(chosen, trusted.public_key_der)
        except (UntrustedDeviceError, SuiteError) as error:
            self._findings.add(Code.UNTRUSTED_KEY, place, str(error))
            return None

    def _certified(self, certificate_der: bytes, device_id: str) -> Certified:
        """Files of a chain carry the same certificate: the last one that was good is not judged anew."""
        last = self._last_certified
        if last is None or last[:2] != (certificate_der, device_id):
            last = (certificate_der, device_id, self._trust.certified(certificate_der, device_id))
            self._last_certified = last
        return last[2]

    def _loaded(self, chosen: Suite, public_key_der: bytes) -> PublicKey:
        last = self._last_key
        if last is None or last[:2] != (chosen.device_algorithm, public_key_der):
            last = self._last_key = (chosen.device_algorithm, public_key_der, chosen.device_key(public_key_der))
        return last[2]

    def _in_force(
        self, chosen: Suite, device_key: PublicKey, data: bytes, header: RecordHeader, place: Place
    ) -> InForce | None:
        """SF-17: the device key has to have certified the epoch key."""
        known = self._known
        if known is not None and (data, device_key) == (known.encoded, known.device_key) and chosen is known.suite:
            certificate, record_key = known.certificate, known.record_key
        else:
            try:
                certificate = epochs.verify_certificate(data, device_key)
                record_key = chosen.record_key(certificate.public_key)
            except SealingError as error:
                self._findings.add(Code.EPOCH_MISBOUND, place, f"epoch certificate: {error}")
                return None
        said = (certificate.device_id, certificate.suite, certificate.boot_number)
        if said != (header.device_id, chosen.number, header.boot_number):
            detail = f"the epoch certificate is of unit, suite and boot {said}"
            self._findings.add(Code.EPOCH_MISBOUND, place, detail)
        return InForce(chosen, device_key, data, certificate, record_key, chosen.key_id(certificate.public_key))

    def _check_introduction(
        self, certificate: EpochCertificate, header: RecordHeader, body: Open, place: Place, *, continues: bool
    ) -> None:
        """SF-18: a start brings a new epoch; any other OPEN repeats the one in force."""
        if body.origin is FileOrigin.START:
            self._check_home(certificate, header, place)
            self._check_start(certificate, header, place, continues=continues)
            return
        if certificate.sequence >= header.sequence:
            detail = f"the epoch certificate is of record {certificate.sequence}, which comes later"
            self._findings.add(Code.EPOCH_MISBOUND, place, detail)
        known = None if self._known is None else self._known.certificate
        if known is None or (not continues and certificate.epoch > known.epoch):
            return
        if certificate.epoch != known.epoch:
            detail = f"the file is of epoch {certificate.epoch}; epoch {known.epoch} is in force"
            self._findings.add(Code.EPOCH_ORDER, place, detail)
        elif certificate != known:
            detail = f"a second certificate for epoch {known.epoch}"
            self._findings.add(Code.EPOCH_MISBOUND, place, detail)

    def _check_start(
        self, certificate: EpochCertificate, header: RecordHeader, place: Place, *, continues: bool
    ) -> None:
        known = None if self._known is None else self._known.certificate
        before = (0, 0) if known is None else (known.epoch, known.boot_number)
        wanted = (before[0] + 1, before[1] + 1)
        if continues and (known is not None or header.sequence == SEQUENCE_FIRST):
            in_order = (certificate.epoch, certificate.boot_number) == wanted
        else:
            in_order = certificate.epoch >= wanted[0] and certificate.boot_number >= wanted[1]
        if not in_order:
            detail = f"epoch {certificate.epoch} of boot {certificate.boot_number} follows epoch, boot {before}"
            self._findings.add(Code.EPOCH_ORDER, place, detail)

    def _check_home(self, certificate: EpochCertificate, header: RecordHeader, place: Place) -> None:
        if (certificate.sequence, certificate.previous_hash) != (header.sequence, header.previous_hash):
            detail = f"the epoch certificate was made for record {certificate.sequence} of another place"
            self._findings.add(Code.EPOCH_MISBOUND, place, detail)

    def check_signature(self, message: Sign1, header: RecordHeader, place: Place, vouch: Vouch) -> None:
        """Check that the key of the epoch in force signed the record, or one that vouches for it (step 8).

        Args:
            message: The record's envelope.
            header: What it says.
            place: Where it stands.
            vouch: Told how to check a signature with that key, says whether another record's answers for this one.

        Raises:
            BadSignatureError: It did not, or the record is of another epoch; the finding is made.
        """
        here = self._here
        if here is None:
            self._findings.add(Code.UNTRUSTED_KEY, place, "no certified key for the record: its OPEN cannot be used")
            raise BadSignatureError("no key")
        epoch = (here.certificate.epoch, here.certificate.boot_number)
        if (header.epoch, header.boot_number) != epoch:
            detail = f"the record is of epoch, boot {(header.epoch, header.boot_number)}; in force is {epoch}"
            self._findings.add(Code.EPOCH_ORDER, place, detail)
            raise BadSignatureError(detail)
        try:
            _check_key(message, here)
            if not vouch(here.signed):
                cose.verify_sign1(message, cose.RECORD, here.record_key)
        except BadSignatureError as error:
            self._findings.add(Code.BAD_SIGNATURE, place, str(error))
            raise
        self.device_id = self.device_id or header.device_id

    def next_epoch(self, header: RecordHeader, body: Epoch, place: Place) -> None:
        """Take the key that an EPOCH record introduces (SF-18, SF-19)."""
        here = self._here
        if here is None:
            return
        found = self._in_force(here.suite, here.device_key, body.epoch_certificate, header, place)
        if found is None:
            return
        self._check_home(found.certificate, header, place)
        if found.certificate.epoch != header.epoch + 1:
            detail = f"epoch {found.certificate.epoch} is introduced in epoch {header.epoch}"
            self._findings.add(Code.EPOCH_ORDER, place, detail)
        self._here = replace(found)

    def advance(self) -> None:
        """Say that the record just checked carries the chain on."""
        self._known = self._here


def _check_key(message: Sign1, here: InForce) -> None:
    if message.key_id != here.record_key_id:
        raise BadSignatureError(f"the record names another key than epoch {here.certificate.epoch} has")
    cose.check_algorithm(message.algorithm, here.record_key)

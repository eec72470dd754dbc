"""Who seals, for whom and by which limits.

Rules of this module: values and their checks only; where they come from (files, profile) is the agent's business.
"""

from __future__ import annotations

from dataclasses import dataclass

from cryptography import x509

from sealing.certificates import allowed_suites, spki_of
from sealing.cose import Algorithm
from sealing.errors import KeyFileError, PolicyError, SuiteError
from sealing.framing import checked_device_id
from sealing.keys import Signer
from sealing.suites import SUITE_1, SUITE_3, Suite, suite
from sealing.wraps import Recipient, check_recipients


@dataclass(frozen=True, slots=True)
class DeviceIdentity:
    """A unit's name in the chain, its key and the certificate that binds both."""

    device_id: str
    signer: Signer
    certificate_der: bytes
    """X.509 certificate of the device key, by the agency's CA."""

    def check(self) -> None:
        """Check that name, key and certificate belong together.

        Raises:
            MalformedError: The device id cannot stand in a record.
            KeyFileError: The certificate cannot be read or is not for this key.
        """
        checked_device_id(self.device_id)
        try:
            certified = spki_of(x509.load_der_x509_certificate(self.certificate_der))
        except ValueError as error:
            raise KeyFileError(f"certificate of device {self.device_id} cannot be read: {error}") from error
        if certified != self.signer.public_key_der():
            raise KeyFileError(f"certificate of device {self.device_id} is not for its device key; provision it again")

    @property
    def family(self) -> Suite:
        """A suite with the hash and the kinds of keys of this device's whole chain; they never change in it (SF-48)."""
        return SUITE_3 if self.signer.algorithm is Algorithm.SM2 else SUITE_1

    def check_suite(self, used: Suite) -> None:
        """Check that key and certificate allow a suite (SF-37).

        Raises:
            SuiteError: They do not.
        """
        if used.device_algorithm is not self.signer.algorithm:
            raise SuiteError(f"suite {used.number} needs another kind of device key than {self.device_id} has")
        allowed = allowed_suites(x509.load_der_x509_certificate(self.certificate_der))
        if used.number not in allowed:
            names = ", ".join(map(str, sorted(allowed)))
            raise SuiteError(f"the certificate of {self.device_id} allows the suites {names}, not {used.number}")


@dataclass(frozen=True, slots=True)
class SealingPolicy:
    """What the agency decides about sealing."""

    recipients: tuple[Recipient, ...]
    """At least two; the second is the offline escrow."""
    suites: tuple[int, ...] = (SUITE_1.number,)
    """Allowed suites; the first is used."""
    footage_seconds: int = 60
    """Longest footage file; obeyed by the segmenter."""
    footage_bytes: int = 64 * 1024 * 1024
    ledger_bytes: int = 1024 * 1024
    reserve_bytes: int = 64 * 1024 * 1024
    """Room that only ledger records may use."""
    tick_seconds: int = 300
    """How often the counter is attested while recording; 5 minutes let a chip's counter last some nine years."""

    def check(self) -> Suite:
        """Check the policy and return the suite to use.

        Raises:
            PolicyError: No suite is allowed, there are too few recipients, or a limit is not positive.
            SuiteError: A suite or a recipient's key is unknown.
        """
        if not self.suites:
            raise PolicyError("no suite is allowed; the policy has to name at least suite 1")
        limits = (self.footage_seconds, self.footage_bytes, self.ledger_bytes, self.tick_seconds)
        if min(limits) <= 0 or self.reserve_bytes < 0:
            raise PolicyError(f"limits {limits} and reserve {self.reserve_bytes} must be positive")
        used = suite(self.suites[0])
        check_recipients(used, self.recipients)
        return used


@dataclass(frozen=True, slots=True)
class SoftwareFacts:
    """What BOOT says of the software that records."""

    version: str
    driver_set: str
    simulated: bool
    alive_seconds: int | None = None
    """Promise that BOOT makes: whoever runs the writer seals ALIVE where nothing else happens for so long."""
    ended_by_watchdog: bool = False
    """Whether the service manager ended the run before because it fell silent."""

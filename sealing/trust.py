"""What a verifier is given to trust: the agency's CA, the store's receipt certificate.

Rules of this module: a folder of PEM files in, checked certificates out. Nothing of the device is trusted; its
certificate comes with the files and is judged here (`FORMAT.md`, section 8, step 6).

Folder: `agency-ca.pem` (one or more CA certificates; old ones stay while footage of their time is kept),
`store-receipt.pem` (optional), `time-stampers.pem` (optional: authorities whose RFC 3161 tokens count),
`policy.cose` (optional): what the agency allows its units, and whom it no longer believes,
`receipts/*.receipt` and `heads/*.head` (optional, need `store-receipt.pem`): files that the store has signed for, and
records that it has seen, as witness of how far the chain went. Other files are left alone.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Final, TypeVar

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from sealing.certificates import allowed_suites, check_issued_by, spki_of
from sealing.cose import PublicKey
from sealing.errors import DocumentError, PolicyError, SealingError, TimeTokenError
from sealing.limits import DOCUMENT_BYTES_MAX
from sealing.oids import EKU_DEVICE, POLICIES, UNIT_URI_PREFIX, Assurance
from sealing.policy import POLICY_FILE, UnitPolicy
from sealing.receipts import RECEIPT_BYTES_MAX, Receipt, ReceiptError, receipt_key, verify_receipt
from sealing.suites import SUITES
from sealing.timetokens import Statement, TrustedTime, check_stamper, read_statement

AGENCY_CA_FILE: Final = "agency-ca.pem"
STORE_RECEIPT_FILE: Final = "store-receipt.pem"
STAMPERS_FILE: Final = "time-stampers.pem"
RECEIPTS_FOLDER: Final = "receipts"
HEADS_FOLDER: Final = "heads"
_CERTIFICATE_FILE_BYTES_MAX: Final = 1_048_576
_NS: Final = 1_000_000_000
Said = TypeVar("Said")


class TrustError(SealingError):
    """The trust folder is missing or holds something that cannot be used."""


class UntrustedDeviceError(SealingError):
    """A device certificate is not one that the agency issued for sealing to this unit."""


@dataclass(frozen=True, slots=True)
class DeviceTrust:
    """A device certificate that was found good."""

    public_key_der: bytes
    assurance: Assurance
    suites: frozenset[int]
    """Suites that the agency allows the unit."""
    early: bool
    """The record claims a time before the certificate's begin: a unit whose clock was not set."""


@dataclass(frozen=True, slots=True)
class Certified:
    """A device certificate that the agency issued for sealing to a unit, whenever it may be used."""

    public_key_der: bytes
    assurance: Assurance
    suites: frozenset[int]
    begins: datetime
    ends: datetime

    def at(self, utc_ns: int) -> DeviceTrust:
        """Judge it for a moment.

        Raises:
            UntrustedDeviceError: It was no longer valid then.
        """
        when = datetime.fromtimestamp(utc_ns // _NS, UTC)
        if when > self.ends:
            raise UntrustedDeviceError(
                f"the device certificate ended on {self.ends:%Y-%m-%d}, the record is of {when:%F}"
            )
        return DeviceTrust(self.public_key_der, self.assurance, self.suites, when < self.begins)


@dataclass(frozen=True, slots=True)
class Trust:
    """Certificates that a verification rests on."""

    agency_cas: tuple[x509.Certificate, ...]
    store_receipt: x509.Certificate | None = None
    suites: frozenset[int] = frozenset(SUITES)
    """Suites that are allowed (SF-37)."""
    receipts: tuple[Receipt, ...] = ()
    """What a store has signed for; signatures checked."""
    stampers: tuple[x509.Certificate, ...] = ()
    """Time-stamping authorities."""
    heads: tuple[Statement, ...] = ()
    """Records that a store has seen; signatures checked."""
    policy: UnitPolicy | None = None
    """What the agency allows its units; None: nothing beyond their certificates is asked for."""

    @property
    def time(self) -> TrustedTime:
        """Whose time is believed: the store's, and the authorities'."""
        return TrustedTime(None if self.store_receipt is None else receipt_key(self.store_receipt), self.stampers)

    @classmethod
    def load(cls, directory: Path) -> Trust:
        """Read a trust folder.

        Raises:
            TrustError: The folder or its `agency-ca.pem` is missing, or a certificate, receipt or policy in it cannot
                be used.
        """
        cas = _read(directory / AGENCY_CA_FILE)
        for ca in cas:
            _check_ca(ca, directory / AGENCY_CA_FILE)
        receipt_path = directory / STORE_RECEIPT_FILE
        store = _read(receipt_path)[0] if receipt_path.exists() else None
        stampers = _stampers(directory / STAMPERS_FILE)
        return cls(
            tuple(cas),
            store,
            receipts=_said_by_store(directory / RECEIPTS_FOLDER, "*.receipt", store, verify_receipt),
            stampers=stampers,
            heads=_said_by_store(directory / HEADS_FOLDER, "*.head", store, read_statement),
            policy=_policy(directory / POLICY_FILE, cas),
        )

    def device(self, certificate_der: bytes, device_id: str, utc_ns: int) -> DeviceTrust:
        """Judge the device certificate that a file carries.

        Args:
            certificate_der: As OPEN carries it.
            device_id: Whose it has to be.
            utc_ns: When the record that rests on it was sealed.

        Raises:
            UntrustedDeviceError: Not the agency's, not for sealing, not this unit's, or no longer valid then.
        """
        return self.certified(certificate_der, device_id).at(utc_ns)

    def certified(self, certificate_der: bytes, device_id: str) -> Certified:
        """As `device`, for whoever asks for more than one moment.

        Raises:
            UntrustedDeviceError: Not the agency's, not for sealing, or not this unit's.
        """
        try:
            certificate = x509.load_der_x509_certificate(certificate_der)
            self._check_issuer(certificate)
            _check_usage(certificate)
            _check_names(certificate, device_id)
            assurance, allowed = _assurance(certificate), allowed_suites(certificate)
        except UntrustedDeviceError:
            raise
        except Exception as error:  # what the library raises on hostile certificates has no common base
            raise UntrustedDeviceError(f"the device certificate cannot be read: {error!r}") from error
        begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
        return Certified(key_of(certificate_der), assurance, allowed, begins, ends)

    def _check_issuer(self, certificate: x509.Certificate) -> None:
        for ca in self.agency_cas:
            try:
                check_issued_by(certificate, ca)
            except (ValueError, TypeError, InvalidSignature):
                continue
            return
        issuer = certificate.issuer.rfc4514_string()
        raise UntrustedDeviceError(f"the device certificate ({issuer}) was not issued by the agency's CA")


def key_of(certificate_der: bytes) -> bytes:
    """SubjectPublicKeyInfo of a certificate, trusted or not.

    Raises:
        UntrustedDeviceError: It is no certificate with a key that can be read.
    """
    try:
        return spki_of(x509.load_der_x509_certificate(certificate_der))
    except Exception as error:  # as above
        raise UntrustedDeviceError(f"the device certificate cannot be read: {error!r}") from error


def _check_usage(certificate: x509.Certificate) -> None:
    usages = list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    if usages != [EKU_DEVICE]:
        raise UntrustedDeviceError("the certificate is not for sealing (a link certificate seals nothing)")


def _check_names(certificate: x509.Certificate, device_id: str) -> None:
    names = [name.value for name in certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    alternative = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    uris = alternative.get_values_for_type(x509.UniformResourceIdentifier)
    if names != [device_id] or uris != [UNIT_URI_PREFIX + device_id]:
        raise UntrustedDeviceError(f"the certificate is made out to {names} {uris}, not to {device_id}")


def _assurance(certificate: x509.Certificate) -> Assurance:
    policies = certificate.extensions.get_extension_for_class(x509.CertificatePolicies).value
    named = [policy.policy_identifier for policy in policies]
    for assurance, identifier in POLICIES.items():
        if named == [identifier]:
            return assurance
    raise UntrustedDeviceError("the device certificate does not say how its key is kept")


def _read(path: Path) -> list[x509.Certificate]:
    try:
        with path.open("rb") as file:
            data = file.read(_CERTIFICATE_FILE_BYTES_MAX + 1)
        if len(data) > _CERTIFICATE_FILE_BYTES_MAX:
            raise TrustError(f"{path} is too large for certificates; give the trust folder as enrolment made it")
        return x509.load_pem_x509_certificates(data)
    except OSError as error:
        raise TrustError(f"trust: {path} cannot be read ({error.strerror}); give the folder that holds it") from error
    except ValueError as error:
        raise TrustError(f"trust: {path} holds no certificate in PEM ({error}); fetch it again") from error


def _check_ca(certificate: x509.Certificate, path: Path) -> None:
    try:
        constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints).value
    except x509.ExtensionNotFound as error:
        raise TrustError(f"trust: {path} is not a CA certificate; give the agency's CA") from error
    if not constraints.ca:
        raise TrustError(f"trust: {path} is not a CA certificate; give the agency's CA")


def _stampers(path: Path) -> tuple[x509.Certificate, ...]:
    found = tuple(_read(path)) if path.exists() else ()
    try:
        for certificate in found:
            check_stamper(certificate)
    except TimeTokenError as error:
        raise TrustError(f"trust: {path}: {error}") from error
    return found


def _policy(path: Path, cas: list[x509.Certificate]) -> UnitPolicy | None:
    if not path.exists():
        return None
    try:
        with path.open("rb") as file:
            data = file.read(DOCUMENT_BYTES_MAX + 1)
        return UnitPolicy.read(data, [ca.public_bytes(Encoding.DER) for ca in cas])
    except OSError as error:
        raise TrustError(f"trust: {path} cannot be read ({error.strerror})") from error
    except (DocumentError, PolicyError) as error:
        raise TrustError(f"trust: {path}: {error}; fetch the agency's policy again") from error


def _said_by_store(
    folder: Path, pattern: str, store: x509.Certificate | None, read: Callable[[bytes, PublicKey], Said]
) -> tuple[Said, ...]:
    paths = sorted(folder.glob(pattern)) if folder.is_dir() else []
    if paths and store is None:
        raise TrustError(f"trust: {paths[0]} is there and {STORE_RECEIPT_FILE} is missing; give both or neither")
    return tuple(_one_said(path, store, read) for path in paths if store is not None)


def _one_said(path: Path, store: x509.Certificate, read: Callable[[bytes, PublicKey], Said]) -> Said:
    try:
        with path.open("rb") as file:
            return read(file.read(RECEIPT_BYTES_MAX + 1), receipt_key(store))
    except OSError as error:
        raise TrustError(f"trust: {path} cannot be read ({error.strerror})") from error
    except (ReceiptError, TimeTokenError) as error:
        raise TrustError(f"trust: {path} is no {path.suffix[1:]} of this store: {error}") from error

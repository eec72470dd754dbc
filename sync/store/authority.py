"""The agency's own authority, as the embedded store keeps it: CA, receipt key, recipients, TLS key.

Rules of this module: keys and certificates as files under one folder; private keys are never sent anywhere. A larger
agency replaces this by its own CA and keeps the certificates' shapes (`sync.store.certificates`).

Folder: `keys/*.key` (0600) are private, `trust/*.pem` are certificates and may be given to anybody.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)

from sync import durable
from sync.enrolment import EnrolmentBundle, RecipientCertificate, read_request, sign_bundle
from sync.errors import StoreError
from sync.store import certificates
from sync.store.certificates import Issuer

RECIPIENTS: Final = ("custodian", "escrow")
"""Two recipients: footage stays readable when one key is lost. The second is meant to be kept offline."""
CA_CERTIFICATE: Final = "agency-ca.pem"
RECEIPT_CERTIFICATE: Final = "store-receipt.pem"
TLS_CERTIFICATE: Final = "tls.pem"

WARNING: Final = """\
These are private keys. Whoever has them can do what the agency can do.

agency-ca.key           issues units and signs their enrolment. Move it to offline media when no unit is being
                        enrolled; `recorder-store enrol` is the only command that needs it.
recipient-custodian.key opens footage. Keep it where footage may be viewed, not on the store's machine.
recipient-escrow.key    opens footage when the custodian's key is lost. Move it to offline media, in another building.
receipt.key             signs receipts. The only one, with tls.key, that `recorder-store serve` needs.
tls.key                 the store's end of HTTPS.

Nobody can recover a lost recipient key: with both gone, footage sealed to them stays closed for ever.
"""

PrivateKey = ec.EllipticCurvePrivateKey | x25519.X25519PrivateKey


@dataclass(frozen=True, slots=True)
class Authority:
    """Where an agency's keys and certificates lie."""

    directory: Path
    """The store's folder."""

    @property
    def keys(self) -> Path:
        """Folder of the private keys."""
        return self.directory / "keys"

    @property
    def trust(self) -> Path:
        """Folder of the certificates; all that a verifier needs."""
        return self.directory / "trust"

    def certificate(self, name: str) -> x509.Certificate:
        """Load `trust/<name>`. Raises StoreError when it is missing or malformed."""
        path = self.trust / name
        try:
            return x509.load_pem_x509_certificate(path.read_bytes())
        except (OSError, ValueError) as error:
            raise StoreError(f"certificate {path} cannot be used: {error}; restore it from the backup") from error

    def key(self, name: str) -> ec.EllipticCurvePrivateKey:
        """Load `keys/<name>.key`. Raises StoreError when it is missing or not a P-256 key."""
        path = self.keys / f"{name}.key"
        try:
            key = load_pem_private_key(path.read_bytes(), None)
        except (OSError, ValueError, TypeError) as error:
            raise StoreError(f"key {path} cannot be used: {error}; bring it back to this place") from error
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise StoreError(f"key {path} is not a P-256 key")
        return key

    def issuer(self) -> Issuer:
        """Load the CA with its key. Raises StoreError."""
        return Issuer(self.certificate(CA_CERTIFICATE), self.key("agency-ca"))


def create_authority(directory: Path, store_id: str, hosts: Sequence[str], now: datetime) -> Authority:
    """Make an agency's CA, receipt key, two recipients and TLS key in an empty folder.

    Args:
        directory: The store's folder, which exists.
        store_id: Names the store in receipts.
        hosts: Names and addresses under which the store is reached by HTTPS.
        now: Civil time, with its zone.
    """
    authority = Authority(directory)
    authority.keys.mkdir(mode=0o700)
    authority.trust.mkdir(mode=0o755)
    ca_key = ec.generate_private_key(ec.SECP256R1())
    issuer = Issuer(certificates.self_signed_ca(ca_key, f"{store_id} CA", now), ca_key)
    _keep(authority, "agency-ca", ca_key, issuer.certificate)
    _make(authority, issuer, "receipt", certificates.receipt_wanted(store_id), now)
    for recipient in RECIPIENTS:
        _make_recipient(authority, issuer, recipient, now)
    _make(authority, issuer, "tls", certificates.server_wanted(hosts), now)
    durable.write_file(authority.keys / "README.txt", WARNING.encode(), 0o600)
    return authority


def _make(authority: Authority, issuer: Issuer, name: str, wanted: certificates.Wanted, now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    _keep(authority, name, key, certificates.issue(issuer, key.public_key(), wanted, now))


def _make_recipient(authority: Authority, issuer: Issuer, recipient: str, now: datetime) -> None:
    key = x25519.X25519PrivateKey.generate()
    certificate = certificates.issue(issuer, key.public_key(), certificates.recipient_wanted(recipient), now)
    _keep(authority, f"recipient-{recipient}", key, certificate)


def _keep(authority: Authority, name: str, key: PrivateKey, certificate: x509.Certificate) -> None:
    pem = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    durable.write_file(authority.keys / f"{name}.key", pem, 0o600)
    public_name = RECEIPT_CERTIFICATE if name == "receipt" else f"{name}.pem"
    durable.write_file(authority.trust / public_name, certificate.public_bytes(Encoding.PEM), 0o644)


@dataclass(frozen=True, slots=True)
class Enrolled:
    """Result of an enrolment."""

    bundle: bytes
    """To be carried to the unit."""
    device_id: str
    assurance: str
    device_certificate_der: bytes
    link_certificate_der: bytes


def enrol(authority: Authority, request: bytes, store_id: str, store_url: str, now: datetime) -> Enrolled:
    """Issue a unit's two certificates and sign its bundle.

    Raises:
        EnrolmentError: The request is malformed or unproved.
        StoreError: A key or certificate of the agency is missing.
    """
    asked, device_key, link_key = read_request(request)
    issuer = authority.issuer()
    wanted = certificates.device_wanted(asked.device_id, asked.assurance)
    device = certificates.issue(issuer, device_key, wanted, now).public_bytes(Encoding.DER)
    link = certificates.issue(issuer, link_key, certificates.link_wanted(asked.device_id), now)
    link_der = link.public_bytes(Encoding.DER)
    bundle = EnrolmentBundle(
        device_id=asked.device_id,
        store_id=store_id,
        store_url=store_url,
        agency_ca_der=issuer.certificate.public_bytes(Encoding.DER),
        receipt_certificate_der=authority.certificate(RECEIPT_CERTIFICATE).public_bytes(Encoding.DER),
        device_certificate_der=device,
        link_certificate_der=link_der,
        recipients=tuple(_recipient(authority, name) for name in RECIPIENTS),
    )
    return Enrolled(sign_bundle(bundle, issuer.key), asked.device_id, asked.assurance, device, link_der)


def _recipient(authority: Authority, name: str) -> RecipientCertificate:
    certificate = authority.certificate(f"recipient-{name}.pem")
    return RecipientCertificate(name, certificate.public_bytes(Encoding.DER))

"""The agency's own authority, as the embedded store keeps it: CA, receipt key, recipients, TLS key.

Rules of this module: keys and certificates as files under one folder; private keys are never sent anywhere. A larger
agency replaces this by its own CA and keeps the certificates' shapes (`sync.store.certificates`).

Folder: `keys/*.key` (0600) are private, `trust/*.pem` are certificates and may be given to anybody.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
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

from sealing import pem
from sealing.agency_document import KIND_POLICY, sign_document
from sealing.certificates import spki_of
from sealing.errors import LibcryptoError, SealingError
from sealing.gm.sm2 import Sm2PrivateKey, Sm2PublicKey
from sealing.hybrid import HybridPrivateKey
from sealing.keys import FileKeySigner
from sealing.oids import Assurance
from sealing.policy import POLICY_FILE, Rules, UnitPolicy, encode_policy
from sealing.suites import SUITE_1, SUITE_3
from sealing.suites import suite as suite_of
from sync import durable
from sync.enrolment import DeviceKey, EnrolmentBundle, RecipientCertificate, read_request, sign_bundle
from sync.errors import EnrolmentError, StoreError
from sync.store import certificates
from sync.store.certificates import Issuer

RECIPIENTS: Final = ("custodian", "escrow")
"""Two recipients: footage stays readable when one key is lost. The second is meant to be kept offline."""
CA_CERTIFICATE: Final = "agency-ca.pem"
RECEIPT_CERTIFICATE: Final = "store-receipt.pem"
TLS_CERTIFICATE: Final = "tls.pem"

WARNING: Final = """\
These are private keys. Whoever has them can do what the agency can do.

agency-ca.key           issues units, signs their enrolment and the device policy. Move it to offline media when no
                        unit is being enrolled; `recorder-store enrol` is the only command that needs it.
agency-ca-sm2.key       the same for device keys of suite 3, where the agency has it.
recipient-custodian.key opens footage. Keep it where footage may be viewed, not on the store's machine.
recipient-escrow.key    opens footage when the custodian's key is lost. Move it to offline media, in another building.
receipt.key             signs receipts. The only one, with tls.key, that `recorder-store serve` needs.
tls.key                 the store's end of HTTPS.

Nobody can recover a lost recipient key: with both gone, footage sealed to them stays closed for ever.
"""

PrivateKey = ec.EllipticCurvePrivateKey | x25519.X25519PrivateKey | HybridPrivateKey | Sm2PrivateKey
_SM2_CA: Final = "agency-ca-sm2"
_RECIPIENT_KEYS: Final[Mapping[int, Callable[[], PrivateKey]]] = {
    1: x25519.X25519PrivateKey.generate,
    2: HybridPrivateKey.generate,
    3: Sm2PrivateKey.generate,
}
"""Kind of key that content keys are wrapped to, by suite."""


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

    def authorities(self) -> tuple[x509.Certificate, ...]:
        """Load the certificates of the agency's CAs; the one that signs bundles first. Raises StoreError."""
        path = self.trust / CA_CERTIFICATE
        try:
            return tuple(x509.load_pem_x509_certificates(path.read_bytes()))
        except (OSError, ValueError) as error:
            raise StoreError(f"certificate {path} cannot be used: {error}; restore it from the backup") from error

    def policy(self) -> bytes | None:
        """The signed device policy as it stands; None in a store that was made without one. Raises StoreError."""
        path = self.trust / POLICY_FILE
        try:
            return path.read_bytes()
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoreError(f"policy {path} cannot be read: {error}; restore it from the backup") from error

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

    def sm2_issuer(self) -> Issuer:
        """Load the SM2 CA with its key. Raises StoreError: the agency has none, or the system has no SM2."""
        path = self.keys / f"{_SM2_CA}.key"
        try:
            return Issuer(self.authorities()[1], Sm2PrivateKey.from_pem(path))
        except (IndexError, SealingError) as error:
            raise StoreError(f"SM2 CA {path} cannot be used: {error}") from error


def create_authority(
    directory: Path, store_id: str, hosts: Sequence[str], now: datetime, suite: int = SUITE_1.number
) -> Authority:
    """Make an agency's CA, receipt key, two recipients, TLS key and device policy in an empty folder.

    Args:
        directory: The store's folder, which exists.
        store_id: Names the store in receipts.
        hosts: Names and addresses under which the store is reached by HTTPS.
        now: Civil time, with its zone.
        suite: What its units seal by. Suite 3 needs SM2, and a second CA that signs with it.

    Raises:
        StoreError: This system cannot do the suite; nothing was made.
    """
    sm2_ca = _new_sm2_ca(store_id, now) if suite == SUITE_3.number else None
    authority = Authority(directory)
    authority.keys.mkdir(mode=0o700)
    authority.trust.mkdir(mode=0o755)
    ca_key = ec.generate_private_key(ec.SECP256R1())
    issuer = Issuer(certificates.self_signed_ca(ca_key, f"{store_id} CA", now), ca_key)
    _keep(authority, "agency-ca", ca_key, issuer.certificate)
    if sm2_ca is not None:
        _add_sm2_ca(authority, sm2_ca)
    _make(authority, issuer, "receipt", certificates.receipt_wanted(store_id), now)
    for recipient in RECIPIENTS:
        make_recipient(authority, recipient, suite, now)
    _make(authority, issuer, "tls", certificates.server_wanted(hosts), now)
    sign_policy(authority, 1, (rules_of_today(authority, suite, now),), now)
    durable.write_file(authority.keys / "README.txt", WARNING.encode(), 0o600)
    return authority


def sign_policy(
    authority: Authority,
    number: int,
    rules: Sequence[Rules],
    now: datetime,
    revocations: Mapping[bytes, int] | None = None,
) -> None:
    """Sign a device policy and put it in the place of the present one.

    Args:
        authority: Whose.
        number: Counts the agency's policies, from 1.
        rules: What holds when.
        now: Civil time, with its zone.
        revocations: SHA-256 of device certificates (DER), and from when on they count no longer, UTC in ns.

    Raises:
        StoreError: Key or certificate of the CA are missing.
        SealingError: A value is outside its range.
    """
    issuer = authority.issuer()
    payload, der = encode_policy(rules, revocations or {}), issuer.certificate.public_bytes(Encoding.DER)
    signer = FileKeySigner(authority.key("agency-ca"))
    data = sign_document(KIND_POLICY, number, _ns(now), payload, signer, der)
    durable.write_file(authority.trust / POLICY_FILE, data, 0o644)


def rules_of_today(authority: Authority, number: int, now: datetime) -> Rules:
    """What the agency asks of its units from today on: recipients and suite. A certificate's first day is the first."""
    used = suite_of(number)
    keys = [spki_of(authority.certificate(f"recipient-{name}.pem")) for name in RECIPIENTS]
    return Rules(_ns(now - certificates.CLOCK_TOLERANCE), None, frozenset({number}), frozenset(map(used.key_id, keys)))


def _ns(when: datetime) -> int:
    return int(when.timestamp()) * 1_000_000_000


def _new_sm2_ca(store_id: str, now: datetime) -> Issuer:
    try:
        key = Sm2PrivateKey.generate()
        return Issuer(certificates.self_signed_ca(key, f"{store_id} SM2 CA", now), key)
    except LibcryptoError as error:
        raise StoreError(f"suite 3 cannot be used on this system: {error}") from error


def _add_sm2_ca(authority: Authority, ca: Issuer) -> None:
    """Both CAs stand in one file: whoever trusts the agency trusts both."""
    path = authority.trust / CA_CERTIFICATE
    both = path.read_bytes() + ca.certificate.public_bytes(Encoding.PEM)
    durable.write_file(authority.keys / f"{_SM2_CA}.key", _private_pem(ca.key), 0o600)
    durable.write_file(path, both, 0o644)


def _make(authority: Authority, issuer: Issuer, name: str, wanted: certificates.Wanted, now: datetime) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    _keep(authority, name, key, certificates.issue(issuer, key.public_key(), wanted, now))


def make_recipient(authority: Authority, recipient: str, suite: int, now: datetime) -> None:
    """Make a recipient's key, of the kind that the suite wraps to, and its certificate.

    Raises:
        StoreError: The CA's key or certificate is missing.
    """
    issuer = authority.sm2_issuer() if suite == SUITE_3.number else authority.issuer()
    key = _RECIPIENT_KEYS[suite]()
    certificate = certificates.issue(issuer, key.public_key(), certificates.recipient_wanted(recipient), now)
    _keep(authority, f"recipient-{recipient}", key, certificate)


def _keep(authority: Authority, name: str, key: PrivateKey, certificate: x509.Certificate) -> None:
    durable.write_file(authority.keys / f"{name}.key", _private_pem(key), 0o600)
    public_name = RECEIPT_CERTIFICATE if name == "receipt" else f"{name}.pem"
    durable.write_file(authority.trust / public_name, certificate.public_bytes(Encoding.PEM), 0o644)


def _private_pem(key: PrivateKey) -> bytes:
    if isinstance(key, Sm2PrivateKey | HybridPrivateKey):
        return pem.wrap(key.private_der(), pem.PRIVATE_KEY)
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())


@dataclass(frozen=True, slots=True)
class Enrolled:
    """Result of an enrolment."""

    bundle: bytes
    """To be carried to the unit."""
    device_id: str
    assurance: str
    device_certificate_der: bytes
    link_certificate_der: bytes


def enrol(
    authority: Authority,
    request: bytes,
    store_id: str,
    store_url: str,
    now: datetime,
    *,
    hardware_seen: bool = False,
) -> Enrolled:
    """Issue a unit's two certificates and sign its bundle.

    Args:
        authority: The agency's.
        request: The unit's.
        store_id: Names the store.
        store_url: Where the unit finds it.
        now: Civil time, with its zone.
        hardware_seen: The administrator's own word that the device key lives in a token: a request proves that the
            key is in the unit's hands, never where it lies.

    Raises:
        EnrolmentError: The request is malformed or unproved, claims hardware that nobody has seen, or is for another
            suite than the agency's.
        StoreError: A key or certificate of the agency is missing.
    """
    asked, device_key, link_key = read_request(request)
    if asked.assurance is Assurance.HARDWARE and not hardware_seen:
        raise EnrolmentError(
            f"{asked.device_id} says that its device key is in hardware; a request cannot prove that. Look at the "
            "unit, and enrol it with --hardware-seen"
        )
    issuer, suites = authority.issuer(), _suites(authority)
    wanted = certificates.device_wanted(asked.device_id, asked.assurance, suites)
    signing = _issuer_for(authority, device_key, suites)
    device = certificates.issue(signing, device_key, wanted, now).public_bytes(Encoding.DER)
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
        policy=authority.policy(),
        further_ca_ders=tuple(each.public_bytes(Encoding.DER) for each in authority.authorities()[1:]),
    )
    return Enrolled(sign_bundle(bundle, authority.key("agency-ca")), asked.device_id, asked.assurance, device, link_der)


def _suites(authority: Authority) -> frozenset[int]:
    """What the newest rules of the agency's policy allow; suite 1 without a policy."""
    data = authority.policy()
    if data is None:
        return frozenset({SUITE_1.number})
    try:
        policy = UnitPolicy.read(data, [each.public_bytes(Encoding.DER) for each in authority.authorities()])
    except SealingError as error:
        raise StoreError(f"policy {authority.trust / POLICY_FILE}: {error}; restore it from the backup") from error
    return max(policy.rules, key=lambda rules: rules.from_utc_ns).suites


def _issuer_for(authority: Authority, device_key: DeviceKey, suites: frozenset[int]) -> Issuer:
    """An SM2 key is certified by the SM2 CA, for suite 3 alone; a P-256 key by the other, for the other suites."""
    is_sm2 = isinstance(device_key, Sm2PublicKey)
    if is_sm2 is not (suites == {SUITE_3.number}):
        kind, listed = "an SM2" if is_sm2 else "a P-256", ", ".join(map(str, sorted(suites)))
        raise EnrolmentError(
            f"the device key is {kind} key and the agency seals by suite {listed}; make the request anew, with "
            f"`recorder provision request --suite {max(suites)}`"
        )
    return authority.sm2_issuer() if is_sm2 else authority.issuer()


def _recipient(authority: Authority, name: str) -> RecipientCertificate:
    certificate = authority.certificate(f"recipient-{name}.pem")
    return RecipientCertificate(name, certificate.public_bytes(Encoding.DER))

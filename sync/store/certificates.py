"""Certificates that an agency's CA issues: shapes and usages, nothing about files.

Rules of this module: pure but for fresh serial numbers; the time comes in. What a certificate may do is said by the
usages and policies of `sealing.oids` alone.
"""

from __future__ import annotations

import hashlib
import ipaddress
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, x25519
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sealing import der
from sealing.certificates import DEFAULT_SUITES, suites_extension
from sealing.certifying import IssuerKey, certify
from sealing.gm.sm2 import Sm2PrivateKey, Sm2PublicKey
from sealing.hybrid import HybridPublicKey
from sealing.oids import (
    EKU_DEVICE,
    EKU_LINK,
    EKU_OPERATOR,
    EKU_RECEIPT,
    EKU_RECIPIENT,
    POLICIES,
    UNIT_URI_PREFIX,
    Assurance,
)

CA_DAYS: Final = 20 * 365
RECEIPT_DAYS: Final = 10 * 365
DEVICE_DAYS: Final = 10 * 365
LINK_DAYS: Final = 2 * 365
SERVER_DAYS: Final = 2 * 365
RECIPIENT_DAYS: Final = 10 * 365
OPERATOR_DAYS: Final = 3 * 365
_IDENTIFIER_BYTES: Final = 20
CLOCK_TOLERANCE: Final = timedelta(days=1)
"""Certificates count from the day before: the clocks of a new unit and of the store need not agree to the second."""

SubjectKey = ec.EllipticCurvePublicKey | x25519.X25519PublicKey | HybridPublicKey | Sm2PublicKey
"""Kinds of keys that certificates are made for."""


@dataclass(frozen=True, slots=True)
class Issuer:
    """A CA that can sign, with P-256 or with SM2."""

    certificate: x509.Certificate
    key: IssuerKey


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a certificate is to say."""

    common_name: str
    days: int
    usages: tuple[x509.ObjectIdentifier, ...]
    alternative_names: tuple[x509.GeneralName, ...] = ()
    policies: tuple[x509.ObjectIdentifier, ...] = ()
    key_agreement: bool = False
    suites: tuple[int, ...] = ()
    """Suites that the holder may seal by; none are named where it is suite 1 alone."""
    office: str | None = None
    """Of a person: what he is in the agency."""


def self_signed_ca(key: IssuerKey, common_name: str, now: datetime) -> x509.Certificate:
    """Make the certificate of an agency's CA; it may sign end certificates only."""
    name = _name(common_name)
    builder = _dated(x509.CertificateBuilder().subject_name(name).issuer_name(name), now, CA_DAYS)
    public = key.public_key()
    builder = (
        builder.add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_key_usage(signs_certificates=True), critical=True)
        .add_extension(x509.SubjectKeyIdentifier(_identifier(_spki(public))), critical=False)
    )
    return _signed(builder, public, key)


def issue(issuer: Issuer, subject_key: SubjectKey, wanted: Wanted, now: datetime) -> x509.Certificate:
    """Issue an end certificate for a key."""
    subject = _name(wanted.common_name, wanted.office)
    builder = x509.CertificateBuilder().subject_name(subject).issuer_name(issuer.certificate.subject)
    of_issuer = issuer.certificate.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    authority = x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(of_issuer)
    builder = (
        _dated(builder, now, wanted.days)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(key_agreement=wanted.key_agreement), critical=True)
        .add_extension(x509.ExtendedKeyUsage(wanted.usages), critical=False)
        .add_extension(x509.SubjectKeyIdentifier(_identifier(_spki(subject_key))), critical=False)
        .add_extension(authority, critical=False)
    )
    if wanted.alternative_names:
        builder = builder.add_extension(x509.SubjectAlternativeName(wanted.alternative_names), critical=False)
    if wanted.policies:
        policies = [x509.PolicyInformation(policy, None) for policy in wanted.policies]
        builder = builder.add_extension(x509.CertificatePolicies(policies), critical=False)
    if wanted.suites:
        builder = builder.add_extension(suites_extension(wanted.suites), critical=False)
    return _signed(builder, subject_key, issuer.key)


def device_wanted(device_id: str, assurance: Assurance, suites: Collection[int] = DEFAULT_SUITES) -> Wanted:
    """The certificate of a unit's device key: it may seal by these suites, and do nothing else."""
    named = () if frozenset(suites) == DEFAULT_SUITES else tuple(sorted(suites))
    names, policies = (_unit_uri(device_id),), (POLICIES[assurance],)
    return Wanted(device_id, DEVICE_DAYS, (EKU_DEVICE,), names, policies, suites=named)


def link_wanted(device_id: str) -> Wanted:
    """The certificate of a unit's link key: it may open connections, and do nothing else."""
    return Wanted(device_id, LINK_DAYS, (ExtendedKeyUsageOID.CLIENT_AUTH, EKU_LINK), (_unit_uri(device_id),))


def receipt_wanted(store_id: str) -> Wanted:
    """The certificate of a store's receipt key."""
    return Wanted(store_id, RECEIPT_DAYS, (EKU_RECEIPT,))


def recipient_wanted(name: str) -> Wanted:
    """The certificate of a recipient of content keys."""
    return Wanted(name, RECIPIENT_DAYS, (EKU_RECIPIENT,), key_agreement=True)


def operator_wanted(name: str, office: str) -> Wanted:
    """The certificate of a person of the back office: his key signs annotations, and nothing else."""
    return Wanted(name, OPERATOR_DAYS, (EKU_OPERATOR,), office=office)


def server_wanted(hosts: Sequence[str]) -> Wanted:
    """The certificate of the store's TLS end, for host names and addresses."""
    return Wanted(hosts[0], SERVER_DAYS, (ExtendedKeyUsageOID.SERVER_AUTH,), tuple(_host(host) for host in hosts))


def _signed(builder: x509.CertificateBuilder, subject_key: SubjectKey, key: IssuerKey) -> x509.Certificate:
    if not isinstance(key, Sm2PrivateKey) and not isinstance(subject_key, HybridPublicKey | Sm2PublicKey):
        return builder.public_key(subject_key).sign(key, SHA256())
    stand_in = ec.generate_private_key(ec.SECP256R1())
    pattern = builder.public_key(stand_in.public_key()).sign(stand_in, SHA256())
    return certify(pattern, _spki(subject_key), key)


def _spki(key: SubjectKey) -> bytes:
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def _identifier(spki: bytes) -> bytes:
    """A key's name in certificates: RFC 7093, the first of its ways."""
    reader = der.only(spki, der.SEQUENCE)
    reader.skip()
    return hashlib.sha256(reader.take(der.BIT_STRING)[1:]).digest()[:_IDENTIFIER_BYTES]


def _host(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _unit_uri(device_id: str) -> x509.UniformResourceIdentifier:
    return x509.UniformResourceIdentifier(UNIT_URI_PREFIX + device_id)


def _name(common_name: str, office: str | None = None) -> x509.Name:
    named = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    return x509.Name(named if office is None else [*named, x509.NameAttribute(NameOID.TITLE, office)])


def _dated(builder: x509.CertificateBuilder, now: datetime, days: int) -> x509.CertificateBuilder:
    return (
        builder.serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_TOLERANCE)
        .not_valid_after(now + timedelta(days=days))
    )


def _key_usage(*, signs_certificates: bool = False, key_agreement: bool = False) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not key_agreement and not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=key_agreement,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )

"""Enrolment's two messages: the unit's request and the store's signed bundle (PROTOCOL.md, section 7).

Rules of this module: bytes in, checked values out, or an error; files and keys on disk are others' matter. Both ends
use it: the unit writes requests and reads bundles, the store the other way round.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Final, Literal

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sealing import cose, encoding
from sealing.certificates import check_issued_by, spki_of
from sealing.certifying import sm2_key_of, sm2_request
from sealing.errors import SealingError
from sealing.gm.sm2 import Sm2PublicKey
from sealing.keys import Signer, Sm2FileKeySigner
from sealing.limits import KEY_ID_BYTES
from sealing.oids import Assurance
from sealing.policy import UnitPolicy
from sealing.suites import SUITE_1, SUITE_3
from sealing.tokens.signing_key import TokenPrivateKey
from sync.errors import EnrolmentError
from sync.wire import DeviceId

ENROLMENT: Final = cose.Context(b"recorder enrolment bundle")
BUNDLE_BYTES_MAX: Final = 64 * 1024
_VERSION: Final = 1
_RECIPIENTS_MIN: Final = 2
_POLICY: Final = 10
_FURTHER_CAS: Final = 11
_NEEDED: Final = frozenset(range(1, 10))
_OPTIONAL: Final = frozenset({_POLICY, _FURTHER_CAS})

DeviceKey = ec.EllipticCurvePublicKey | Sm2PublicKey
"""What a unit's device key may be."""


class EnrolmentRequest(BaseModel):
    """What a unit asks its agency for; a JSON file that a person can read."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    version: Literal[1] = 1
    device_id: DeviceId
    assurance: Assurance
    """How the unit keeps its device key; becomes the certificate's policy."""
    device_request: Annotated[str, Field(max_length=8192)]
    """PKCS#10 in PEM, made with the device key."""
    link_request: Annotated[str, Field(max_length=8192)]
    """PKCS#10 in PEM, made with the link key."""


@dataclass(frozen=True, slots=True)
class RecipientCertificate:
    """One recipient of content keys."""

    name: str
    certificate_der: bytes


@dataclass(frozen=True, slots=True)
class EnrolmentBundle:
    """What makes a unit its agency's: certificates in DER, where the store is, and who it is."""

    device_id: str
    store_id: str
    store_url: str
    agency_ca_der: bytes
    receipt_certificate_der: bytes
    device_certificate_der: bytes
    link_certificate_der: bytes
    recipients: tuple[RecipientCertificate, ...]
    policy: bytes | None = None
    """The agency's signed device policy (`sealing.policy`)."""
    further_ca_ders: tuple[bytes, ...] = ()
    """CAs of the same agency that sign with other algorithms: its SM2 CA, where it has suite 3."""

    @property
    def agency_ca_ders(self) -> tuple[bytes, ...]:
        """All CAs of the agency; the one that signs bundles stands first."""
        return self.agency_ca_der, *self.further_ca_ders


def make_request(
    device_id: str,
    assurance: Assurance,
    device_key: ec.EllipticCurvePrivateKey | Signer,
    link_key: ec.EllipticCurvePrivateKey,
) -> bytes:
    """Write a unit's request as JSON.

    Args:
        device_id: The unit's id.
        assurance: SIMULATED for a unit of the simulator, SOFT when the device key is a file, HARDWARE for a token.
        device_key: Seals; P-256 or SM2, in memory or in a token.
        link_key: Opens connections; P-256, another one than the device key.
    """
    request = EnrolmentRequest(
        device_id=device_id,
        assurance=assurance,
        device_request=_signing_request(device_id, device_key),
        link_request=_signing_request(device_id, link_key),
    )
    return request.model_dump_json(indent=2).encode() + b"\n"


def _signing_request(device_id: str, key: ec.EllipticCurvePrivateKey | Signer) -> str:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, device_id)])
    builder = x509.CertificateSigningRequestBuilder().subject_name(name)
    if isinstance(key, Sm2FileKeySigner):
        request = sm2_request(builder.sign(ec.generate_private_key(ec.SECP256R1()), SHA256()), key)
    else:
        signing = key if isinstance(key, ec.EllipticCurvePrivateKey) else TokenPrivateKey(key)
        request = builder.sign(signing, SHA256())
    return request.public_bytes(Encoding.PEM).decode()


def read_request(data: bytes) -> tuple[EnrolmentRequest, DeviceKey, ec.EllipticCurvePublicKey]:
    """Check a unit's request.

    Returns:
        The request, its device key and its link key, both proved to be in the asker's hands.

    Raises:
        EnrolmentError: It is malformed, a proof fails, a key is of another kind, or both keys are one.
    """
    try:
        request = EnrolmentRequest.model_validate_json(data)
    except ValidationError as error:
        raise EnrolmentError(f"not an enrolment request: {error}; make one with `recorder provision`") from error
    device = _proved_key("device_request", request.device_request, request.device_id)
    link = _proved_key("link_request", request.link_request, request.device_id)
    if not isinstance(link, ec.EllipticCurvePublicKey):
        raise EnrolmentError("link_request is not for a P-256 key")
    if device == link:
        raise EnrolmentError("device key and link key are the same; a unit needs two")
    return request, device, link


def _proved_key(field: str, pem: str, device_id: str) -> DeviceKey:
    try:
        request = x509.load_pem_x509_csr(pem.encode())
        key = sm2_key_of(request) or _signed_p256(field, request)
    except InvalidSignature as error:
        raise EnrolmentError(f"{field} is not signed by its own key; make the request anew") from error
    except (ValueError, UnsupportedAlgorithm, SealingError) as error:
        raise EnrolmentError(f"{field} is not a PKCS#10 request: {error}") from error
    names = [name.value for name in request.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
    if names != [device_id]:
        raise EnrolmentError(f"{field} is made out to {names}, not to {device_id}")
    return key


def _signed_p256(field: str, request: x509.CertificateSigningRequest) -> ec.EllipticCurvePublicKey:
    key = request.public_key()
    if not request.is_signature_valid:
        raise InvalidSignature
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise EnrolmentError(f"{field} is for neither a P-256 nor an SM2 key")
    return key


def key_id(public_key: ec.EllipticCurvePublicKey) -> bytes:
    """Key id of a key: first 16 bytes of the hash of its SubjectPublicKeyInfo."""
    spki = public_key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return hashlib.sha256(spki).digest()[:KEY_ID_BYTES]


def sign_bundle(bundle: EnrolmentBundle, ca_key: ec.EllipticCurvePrivateKey) -> bytes:
    """Sign a bundle with the agency CA's key."""
    recipients: list[encoding.Plain] = [[one.name, one.certificate_der] for one in bundle.recipients]
    payload: dict[int, encoding.Plain] = {
        1: _VERSION,
        2: bundle.device_id,
        3: bundle.store_id,
        4: bundle.store_url,
        5: bundle.agency_ca_der,
        6: bundle.receipt_certificate_der,
        7: bundle.device_certificate_der,
        8: bundle.link_certificate_der,
        9: recipients,
    }
    if bundle.policy is not None:
        payload[_POLICY] = bundle.policy
    if bundle.further_ca_ders:
        payload[_FURTHER_CAS] = list(bundle.further_ca_ders)

    def sign(message: bytes) -> bytes:
        return cose.raw_signature(ca_key.sign(message, ec.ECDSA(SHA256())))

    identity = key_id(ca_key.public_key())
    return cose.encode_sign1(cose.Algorithm.ESP256, identity, encoding.encode(payload), ENROLMENT, sign)


def read_bundle(
    data: bytes,
    device_id: str,
    device_key: DeviceKey,
    link_key: ec.EllipticCurvePublicKey,
    ca_sha256: bytes | None = None,
) -> EnrolmentBundle:
    """Check the store's answer to a request (SY-30).

    Args:
        data: The bundle as it came.
        device_id: This unit.
        device_key: Its device key.
        link_key: Its link key.
        ca_sha256: SHA-256 of the agency CA's certificate in DER, when an administrator compared it; without it the
            first bundle is trusted.

    Raises:
        EnrolmentError: Anything in it is malformed, forged, or for another unit or key.
    """
    try:
        envelope = cose.decode_sign1(data, BUNDLE_BYTES_MAX)
        bundle = _bundle_of(encoding.decode(envelope.payload, BUNDLE_BYTES_MAX))
        authority = x509.load_der_x509_certificate(bundle.agency_ca_der)
        cose.verify_sign1(envelope, ENROLMENT, _p256(authority))
        _check_own(bundle, authority, device_id, device_key, link_key)
    except (SealingError, ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm) as error:
        raise EnrolmentError(f"not a bundle of this unit's agency: {error!r}; ask for a new one") from error
    if ca_sha256 is not None and hashlib.sha256(bundle.agency_ca_der).digest() != ca_sha256:
        raise EnrolmentError("the bundle's agency CA has another fingerprint than the one given; do not use it")
    return bundle


def _check_own(
    bundle: EnrolmentBundle,
    authority: x509.Certificate,
    device_id: str,
    device_key: DeviceKey,
    link_key: ec.EllipticCurvePublicKey,
) -> None:
    if bundle.device_id != device_id:
        raise EnrolmentError(f"the bundle is for unit {bundle.device_id}, this is {device_id}; take this unit's")
    if len(bundle.recipients) < _RECIPIENTS_MIN:
        raise EnrolmentError(f"the bundle names {len(bundle.recipients)} recipients; at least {_RECIPIENTS_MIN}")
    own: Mapping[str, tuple[bytes, DeviceKey]] = {
        "device": (bundle.device_certificate_der, device_key),
        "link": (bundle.link_certificate_der, link_key),
    }
    authorities = (authority, *map(x509.load_der_x509_certificate, bundle.further_ca_ders))
    for name, (der, key) in own.items():
        certificate = _issued_by_one_of(der, authorities)
        if spki_of(certificate) != key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo):
            raise EnrolmentError(f"the {name} certificate is for another key than this unit's")
    for der in (bundle.receipt_certificate_der, *(one.certificate_der for one in bundle.recipients)):
        _issued_by_one_of(der, authorities)
    if bundle.policy is not None:
        _check_policy(UnitPolicy.read(bundle.policy, bundle.agency_ca_ders), bundle)


def _issued_by_one_of(der: bytes, authorities: Sequence[x509.Certificate]) -> x509.Certificate:
    certificate = x509.load_der_x509_certificate(der)
    own = [each for each in authorities if each.subject == certificate.issuer]
    check_issued_by(certificate, own[0] if own else authorities[0])
    return certificate


def _check_policy(policy: UnitPolicy, bundle: EnrolmentBundle) -> None:
    """The recipients of the bundle are those of the policy's rules: else the unit would seal what nobody accepts."""
    keys = [spki_of(x509.load_der_x509_certificate(one.certificate_der)) for one in bundle.recipients]
    families = [{used.key_id(key) for key in keys} for used in (SUITE_1, SUITE_3)]
    if not any(rules.recipients in families for rules in policy.rules):
        raise EnrolmentError(f"device policy number {policy.number} names other recipients than the bundle has")


def _p256(certificate: x509.Certificate) -> ec.EllipticCurvePublicKey:
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey):
        raise EnrolmentError("the agency CA's key is not P-256")
    return key


def _bundle_of(plain: encoding.Plain) -> EnrolmentBundle:
    if not isinstance(plain, dict) or not _NEEDED <= set(plain) <= _NEEDED | _OPTIONAL or plain[1] != _VERSION:
        raise EnrolmentError(f"bundle is not version {_VERSION} with its fields")
    listed = plain[9]
    if not isinstance(listed, list):
        raise EnrolmentError("recipients are not a list")
    recipients = tuple(_recipient_of(one) for one in listed)
    return EnrolmentBundle(
        device_id=_text(plain[2]),
        store_id=_text(plain[3]),
        store_url=_text(plain[4]),
        agency_ca_der=_bytes(plain[5]),
        receipt_certificate_der=_bytes(plain[6]),
        device_certificate_der=_bytes(plain[7]),
        link_certificate_der=_bytes(plain[8]),
        recipients=recipients,
        policy=_bytes(plain[_POLICY]) if _POLICY in plain else None,
        further_ca_ders=_list_of_bytes(plain[_FURTHER_CAS]) if _FURTHER_CAS in plain else (),
    )


def _list_of_bytes(plain: encoding.Plain) -> tuple[bytes, ...]:
    if not isinstance(plain, list):
        raise EnrolmentError("further CAs are not a list")
    return tuple(map(_bytes, plain))


def _recipient_of(plain: encoding.Plain) -> RecipientCertificate:
    match plain:
        case [str(name), bytes(der)]:
            return RecipientCertificate(name, der)
        case _:
            raise EnrolmentError("a recipient is not a name with a certificate")


def _text(plain: encoding.Plain) -> str:
    if not isinstance(plain, str):
        raise EnrolmentError("a text is expected in the bundle")
    return plain


def _bytes(plain: encoding.Plain) -> bytes:
    if not isinstance(plain, bytes):
        raise EnrolmentError("a byte string is expected in the bundle")
    return plain

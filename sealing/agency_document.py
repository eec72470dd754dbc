"""Documents of the agency: what it decides for its units and its verifiers, under its own signature.

Rules of this module: bytes in, values out, or an error; what a payload means is the reader's matter. A document is
signed by the agency's CA, or by a key that the CA certified for documents. It carries that certificate, so that nothing
but the CA has to be known beforehand (`FORMAT.md`, SF-49 and SF-50).
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from sealing import cose, encoding
from sealing.certificates import check_issued_by, spki_of
from sealing.cose import PublicKey
from sealing.encoding import Plain
from sealing.errors import DocumentError, SealingError
from sealing.gm.sm2 import Sm2PublicKey, is_sm2
from sealing.keys import Signer
from sealing.limits import DOCUMENT_BYTES_MAX, INTEGER_MAX, KEY_ID_BYTES, TEXT_BYTES_MAX
from sealing.oids import EKU_DOCUMENT

KIND_POLICY: Final = "policy"
"""What units may do and which of them are no longer believed (`sealing.policy`)."""
KIND_PROFILE: Final = "profile"
"""An agency's rules for recording (`agent/PROFILE.md`)."""

_VERSION: Final = 1
_FIELDS: Final = (1, 2, 3, 4, 5, 6)
_NS: Final = 1_000_000_000


@dataclass(frozen=True, slots=True)
class AgencyDocument:
    """A document whose signature was verified."""

    kind: str
    number: int
    """Counts the agency's documents of this kind, from 1; a lower one never replaces a higher one."""
    issued_utc_ns: int
    payload: bytes
    digest: bytes
    """SHA-256 of the whole document as it was received: names it in records and reports."""

    def check_replaces(self, known: AgencyDocument | None) -> None:
        """Check that this document may stand in the place of another one (SF-50).

        Args:
            known: The one in force, None when there is none.

        Raises:
            DocumentError: It is older, of another kind, or another one under the same number.
        """
        if known is None or known.digest == self.digest:
            return
        if known.kind != self.kind:
            raise DocumentError(f"a document «{self.kind}» does not replace one of the kind «{known.kind}»")
        if self.number < known.number:
            raise DocumentError(f"«{self.kind}» number {self.number} is older than number {known.number} in force")
        if self.number == known.number:
            raise DocumentError(
                f"two documents «{self.kind}» have the number {self.number}; the agency gives each once"
            )


def sign_document(
    kind: str, number: int, issued_utc_ns: int, payload: bytes, key: Signer, certificate_der: bytes
) -> bytes:
    """Sign a document.

    Args:
        kind: What it is: `KIND_POLICY`, `KIND_PROFILE`.
        number: Counts the agency's documents of this kind, from 1.
        issued_utc_ns: When it is signed, UTC in ns.
        payload: Its contents.
        key: The key of the certificate (`FileKeySigner(private_key)` for a key in memory).
        certificate_der: The agency's CA certificate, or one that it issued for documents.

    Raises:
        DocumentError: A value is outside its range, or key and certificate do not belong together.
    """
    fields: dict[int, Plain] = {
        1: _VERSION,
        2: kind,
        3: number,
        4: issued_utc_ns,
        5: payload,
        6: certificate_der,
    }
    _document_of(fields, b"")
    if spki_of(_certificate(certificate_der)) != key.public_key_der():
        raise DocumentError("the certificate is not for the key that is to sign the document")
    body = encoding.encode(fields)
    data = cose.encode_sign1(key.algorithm, _key_id(key.public_key_der()), body, cose.DOCUMENT, key.sign)
    if len(data) > DOCUMENT_BYTES_MAX:
        raise DocumentError(f"a document of {len(data)} bytes; at most {DOCUMENT_BYTES_MAX} can be carried")
    return data


def verify_document(
    data: bytes, kind: str, agency_ca_ders: Sequence[bytes], bytes_max: int = DOCUMENT_BYTES_MAX
) -> AgencyDocument:
    """Read a document whose signature must be the agency's (SF-49).

    Args:
        data: The document as it was received.
        kind: What it has to be.
        agency_ca_ders: CA certificates of the agency, DER.
        bytes_max: Longest document that is accepted here; never more than the format's own limit.

    Raises:
        DocumentError: It is malformed, of another kind, or none of these CAs stands behind its signature.
    """
    try:
        message = cose.decode_sign1(data, min(bytes_max, DOCUMENT_BYTES_MAX))
        plain = encoding.decode(message.payload, min(bytes_max, DOCUMENT_BYTES_MAX))
        found, certificate_der = _document_of(plain, hashlib.sha256(data).digest())
        key, key_der = _trusted_key(certificate_der, found.issued_utc_ns, agency_ca_ders)
        _check_key_id(message.key_id, key_der)
        cose.verify_sign1(message, cose.DOCUMENT, key)
    except DocumentError:
        raise
    except SealingError as error:
        raise DocumentError(f"not a document of the agency: {error}") from error
    if found.kind != kind:
        raise DocumentError(f"a document of the kind «{found.kind}» where «{kind}» belongs")
    return found


def _document_of(plain: Plain, digest: bytes) -> tuple[AgencyDocument, bytes]:
    if not isinstance(plain, dict) or tuple(plain) != _FIELDS:
        raise DocumentError("a document is not a map of its six fields")
    match plain:
        case {1: 1, 2: str(kind), 3: int(number), 4: int(issued), 5: bytes(payload), 6: bytes(certificate)}:
            pass
        case _:
            raise DocumentError("a document has a field of another kind, or is of another version")
    if bool in (type(plain[1]), type(number), type(issued)):
        raise DocumentError("a document has a field of another kind")
    if not 0 < len(kind.encode()) <= TEXT_BYTES_MAX or not 1 <= number <= INTEGER_MAX or issued < 0:
        raise DocumentError(f"a document «{kind[:40]}», number {number}, of {issued} ns is outside the ranges")
    return AgencyDocument(kind, number, issued, payload, digest), certificate


def _trusted_key(
    certificate_der: bytes, issued_utc_ns: int, agency_ca_ders: Sequence[bytes]
) -> tuple[PublicKey, bytes]:
    try:
        certificate = x509.load_der_x509_certificate(certificate_der)
        key_der = spki_of(certificate)
        # The key is what signs: a CA certificate that was renewed for the same key is the same CA.
        if key_der not in [spki_of(x509.load_der_x509_certificate(ca_der)) for ca_der in agency_ca_ders]:
            _check_for_documents(certificate)
            _check_issuer(certificate, agency_ca_ders)
        _check_period(certificate, issued_utc_ns)
        return _public_key(key_der), key_der
    except SealingError:
        raise
    except Exception as error:  # what the library raises on hostile certificates has no common base
        raise DocumentError(f"the document's certificate cannot be used: {error!r}") from error


def _check_for_documents(certificate: x509.Certificate) -> None:
    try:
        usages = list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        usages = []
    if usages != [EKU_DOCUMENT]:
        raise DocumentError("the document's certificate is neither the agency's CA nor for documents")


def _check_issuer(certificate: x509.Certificate, agency_ca_ders: Sequence[bytes]) -> None:
    for ca_der in agency_ca_ders:
        try:
            check_issued_by(certificate, _certificate(ca_der))
        except (ValueError, TypeError, InvalidSignature):
            continue
        return
    raise DocumentError("the document's certificate was not issued by the agency's CA")


def _check_period(certificate: x509.Certificate, issued_utc_ns: int) -> None:
    """The agency's own word on when it signed: a certificate that ended later takes nothing away from it."""
    begin, end = (
        int(each.timestamp()) * _NS for each in (certificate.not_valid_before_utc, certificate.not_valid_after_utc)
    )
    if not begin <= issued_utc_ns <= end + _NS - 1:
        when = datetime.fromtimestamp(min(issued_utc_ns // _NS, 1 << 37), UTC)
        raise DocumentError(f"the document says that it was signed on {when:%F}, outside its certificate's life")


def _check_key_id(key_id: bytes, key_der: bytes) -> None:
    if key_id != _key_id(key_der):
        raise DocumentError("the signature names another key than the certificate has")


def _public_key(key_der: bytes) -> PublicKey:
    if is_sm2(key_der):
        return Sm2PublicKey(key_der)
    key = serialization.load_der_public_key(key_der)
    if isinstance(key, ed25519.Ed25519PublicKey):
        return key
    if isinstance(key, ec.EllipticCurvePublicKey) and isinstance(key.curve, ec.SECP256R1):
        return key
    raise ValueError("neither P-256, Ed25519 nor SM2")


def _certificate(der: bytes) -> x509.Certificate:
    try:
        return x509.load_der_x509_certificate(der)
    except ValueError as error:
        raise DocumentError(f"the document's certificate cannot be read: {error}") from error


def _key_id(key_der: bytes) -> bytes:
    return hashlib.sha256(key_der).digest()[:KEY_ID_BYTES]

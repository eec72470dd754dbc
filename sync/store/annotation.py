"""An annotation as it is signed: somebody of the back office states something beside the evidence (SY-60, SY-61).

Rules of this module: bytes in, values out, or an error; no database. The envelope is that of `sealing.cose`, with a
context of its own; the operator's certificate comes along, so that nothing but the agency's CA has to be known.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from pydantic import ValidationError

from sealing import cose, encoding
from sealing.certificates import check_issued_by, spki_of
from sealing.encoding import Plain
from sealing.errors import MalformedError, SealingError
from sealing.keys import FileKeySigner
from sealing.limits import HASH_BYTES, INTEGER_MAX, KEY_ID_BYTES, SESSION_ID_BYTES, TEXT_BYTES_MAX
from sealing.oids import EKU_OPERATOR
from sync.errors import ContentError
from sync.store.statements import STATEMENT, Statement

ANNOTATION_BYTES_MAX: Final = 65_536
FIRST_PREVIOUS_ANNOTATION: Final = bytes(HASH_BYTES)
"""The hash before the first, in the store and about each thing."""
CODE: Final = "annotation"
"""What is wrong when an annotation cannot be believed."""
_VERSION: Final = 1
_NS: Final = 1_000_000_000
_REQUIRED: Final = frozenset({1, 2, 3, 4, 5, 8, 9, 10, 11, 12, 14})
_OPTIONAL: Final = frozenset({6, 7, 13})


@dataclass(frozen=True, slots=True)
class Subject:
    """What is spoken of: a recording, a file, or the unit itself when neither is named."""

    device_id: str
    session_id: bytes | None = None
    file_id: bytes | None = None


@dataclass(frozen=True, slots=True)
class Annotation:
    """One statement at its place."""

    store_id: str
    number: int
    """Counts the store's annotations from 1 without a gap."""
    previous_hash: bytes
    """SHA-256 of the store's annotation before."""
    subject: Subject
    subject_number: int
    """Counts what was stated about this subject, from 1 without a gap."""
    subject_previous_hash: bytes
    """SHA-256 of the annotation before about this subject."""
    statement: Statement
    stated_utc_ns: int
    supersedes: bytes | None = None
    """SHA-256 of the annotation that no longer holds, as this one does."""


@dataclass(frozen=True, slots=True)
class Operator:
    """A person of the back office, as the agency's CA certified him."""

    name: str
    office: str
    certificate_der: bytes

    @property
    def certificate_sha256(self) -> bytes:
        """Names the certificate."""
        return hashlib.sha256(self.certificate_der).digest()


@dataclass(frozen=True, slots=True)
class Stated:
    """An annotation as it was read, with who said it."""

    annotation: Annotation
    operator: Operator
    digest: bytes
    """SHA-256 of its bytes: names it."""


def annotation_hash(data: bytes) -> bytes:
    """Name an annotation: SHA-256 of its bytes."""
    return hashlib.sha256(data).digest()


def sign_annotation(annotation: Annotation, key: ec.EllipticCurvePrivateKey, certificate_der: bytes) -> bytes:
    """Encode and sign an annotation.

    Raises:
        ContentError: It is longer than 64 KiB, or the certificate is not of this key.
    """
    signer = FileKeySigner(key)
    if spki_of(x509.load_der_x509_certificate(certificate_der)) != signer.public_key_der():
        raise ContentError(CODE, "the certificate is not of the key that is to sign")
    payload = encoding.encode(_fields(annotation, certificate_der))
    data = cose.encode_sign1(signer.algorithm, _key_id(signer.public_key_der()), payload, cose.ANNOTATION, signer.sign)
    if len(data) > ANNOTATION_BYTES_MAX:
        raise ContentError(CODE, f"{len(data)} bytes, and an annotation has at most {ANNOTATION_BYTES_MAX}; shorten it")
    return data


def read_annotation(data: bytes) -> Stated:
    """Read an annotation without verifying it.

    Raises:
        ContentError: It is malformed.
    """
    return _opened(data)[1]


def verify_annotation(data: bytes, agency_cas: Sequence[x509.Certificate]) -> Stated:
    """Read an annotation that somebody must have signed whom the agency has certified for it (SY-61).

    Args:
        data: As it was stored.
        agency_cas: The agency's CA certificates.

    Raises:
        ContentError: It is malformed, its signature does not verify, or nobody of these stands behind its certificate.
    """
    message, stated = _opened(data)
    try:
        certificate = x509.load_der_x509_certificate(stated.operator.certificate_der)
        _check_certificate(certificate, agency_cas, stated.annotation.stated_utc_ns)
        cose.verify_sign1(message, cose.ANNOTATION, _key(certificate, message.key_id))
    except ContentError:
        raise
    except Exception as error:  # what the library raises on hostile certificates has no common base
        raise ContentError(CODE, f"annotation {stated.annotation.number} cannot be believed: {error!r}") from error
    return stated


def _key(certificate: x509.Certificate, key_id: bytes) -> ec.EllipticCurvePublicKey:
    key = certificate.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or key_id != _key_id(spki_of(certificate)):
        raise ContentError(CODE, "the signature names another key than the operator's certificate has")
    return key


def operator_of(certificate_der: bytes) -> Operator:
    """Read whom a certificate names. Raises ContentError: it is no operator's."""
    try:
        certificate = x509.load_der_x509_certificate(certificate_der)
        names = certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        offices = certificate.subject.get_attributes_for_oid(NameOID.TITLE)
    except Exception as error:  # what the library raises on hostile certificates has no common base
        raise ContentError(CODE, f"the operator's certificate cannot be read: {error!r}") from error
    if len(names) != 1 or len(offices) != 1:
        raise ContentError(CODE, "the operator's certificate does not name one person and one office")
    return Operator(str(names[0].value), str(offices[0].value), certificate_der)


def _check_certificate(
    certificate: x509.Certificate, agency_cas: Sequence[x509.Certificate], stated_utc_ns: int
) -> None:
    if not any(_issued(certificate, ca) for ca in agency_cas):
        raise ContentError(CODE, "the operator's certificate was not issued by the agency's CA")
    try:
        usages = list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        usages = []
    if usages != [EKU_OPERATOR]:
        raise ContentError(CODE, "the certificate is not an operator's; make one with `recorder-store operator add`")
    when = datetime.fromtimestamp(stated_utc_ns // _NS, UTC)
    if not certificate.not_valid_before_utc <= when <= certificate.not_valid_after_utc:
        raise ContentError(CODE, f"it says that it was stated on {when:%F}, outside its certificate's life")


def _issued(certificate: x509.Certificate, ca: x509.Certificate) -> bool:
    try:
        check_issued_by(certificate, ca)
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def _fields(annotation: Annotation, certificate_der: bytes) -> dict[int, Plain]:
    subject = annotation.subject
    statement = annotation.statement.model_dump(exclude={"kind"}, exclude_none=True)
    optional: dict[int, bytes | None] = {6: subject.session_id, 7: subject.file_id, 13: annotation.supersedes}
    fields: dict[int, Plain] = {
        1: _VERSION,
        2: annotation.store_id,
        3: annotation.number,
        4: annotation.previous_hash,
        5: subject.device_id,
        8: annotation.subject_number,
        9: annotation.subject_previous_hash,
        10: annotation.statement.kind,
        11: statement,
        12: annotation.stated_utc_ns,
        14: certificate_der,
    }
    fields.update({key: value for key, value in optional.items() if value is not None})
    return fields


def _opened(data: bytes) -> tuple[cose.Sign1, Stated]:
    try:
        message = cose.decode_sign1(data, ANNOTATION_BYTES_MAX)
        plain = encoding.decode(message.payload, ANNOTATION_BYTES_MAX)
        annotation, certificate_der = _annotation_of(plain)
    except (SealingError, ValidationError) as error:
        raise ContentError(CODE, f"not an annotation: {error}") from error
    return message, Stated(annotation, operator_of(certificate_der), annotation_hash(data))


def _annotation_of(plain: Plain) -> tuple[Annotation, bytes]:
    if not isinstance(plain, Mapping):
        raise MalformedError("an annotation is not a map")
    fields: dict[int, Plain] = {key: value for key, value in plain.items() if isinstance(key, int)}
    if len(fields) != len(plain) or not _REQUIRED <= set(fields) <= _REQUIRED | _OPTIONAL or fields[1] != _VERSION:
        raise MalformedError(f"an annotation is not version {_VERSION} with its fields")
    body, certificate = fields[11], fields[14]
    if not isinstance(body, Mapping) or not isinstance(certificate, bytes):
        raise MalformedError("an annotation has no statement or no certificate where one belongs")
    subject = Subject(_text(fields[5]), _bytes(fields.get(6), SESSION_ID_BYTES), _bytes(fields.get(7), HASH_BYTES))
    annotation = Annotation(
        store_id=_text(fields[2]),
        number=_count(fields[3], 1),
        previous_hash=_hash(fields[4]),
        subject=subject,
        subject_number=_count(fields[8], 1),
        subject_previous_hash=_hash(fields[9]),
        statement=STATEMENT.validate_python({**body, "kind": fields[10]}, strict=True),
        stated_utc_ns=_count(fields[12], 0),
        supersedes=_bytes(fields.get(13), HASH_BYTES),
    )
    return annotation, certificate


def _text(plain: Plain) -> str:
    if not isinstance(plain, str) or not 0 < len(plain.encode()) <= TEXT_BYTES_MAX:
        raise MalformedError(f"an annotation has no text of 1 to {TEXT_BYTES_MAX} bytes where one belongs")
    return plain


def _hash(plain: Plain) -> bytes:
    found = _bytes(plain, HASH_BYTES)
    if found is None:
        raise MalformedError("an annotation has no hash where one belongs")
    return found


def _bytes(plain: Plain | None, length: int) -> bytes | None:
    if plain is None:
        return None
    if not isinstance(plain, bytes) or len(plain) != length:
        raise MalformedError(f"an annotation has no {length} bytes where they belong")
    return plain


def _count(plain: Plain, low: int) -> int:
    if type(plain) is not int or not low <= plain <= INTEGER_MAX:
        raise MalformedError(f"an annotation has no integer from {low} where one belongs")
    return plain


def _key_id(key_der: bytes) -> bytes:
    return hashlib.sha256(key_der).digest()[:KEY_ID_BYTES]

"""What X.509 certificates say that `cryptography` does not read by itself: SM2 keys and signatures, allowed suites.

Rules of this module: a certificate in DER in, facts out; whether it is trusted is decided elsewhere (`trust`). The
agency's CA signs which suites a unit may use: that is the device policy, and nobody negotiates (`FORMAT.md`, SF-37).
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sealing import der
from sealing.errors import BadSignatureError, MalformedError, SealingError
from sealing.gm.sm2 import Sm2PublicKey, is_sm2
from sealing.hybrid import is_hybrid
from sealing.oids import SUITES_EXTENSION

DEFAULT_SUITES: Final = frozenset({1})
"""Of a certificate that names none."""
_SM2_WITH_SM3: Final = "1.2.156.10197.1.501"
_VERSION_TAG: Final = 0xA0
_FIELDS_BEFORE_KEY: Final = 5
"""Serial number, signature algorithm, issuer, validity, subject."""


def spki_of(certificate: x509.Certificate) -> bytes:
    """SubjectPublicKeyInfo of a certificate, an SM2 or a hybrid key's too.

    Raises:
        ValueError: Its key cannot be read.
    """
    try:
        return certificate.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    except UnsupportedAlgorithm as error:
        spki = _spki_in(certificate.tbs_certificate_bytes)
        if not is_sm2(spki) and not is_hybrid(spki):
            raise ValueError(f"a certificate with a key of a kind that is not used here: {error}") from error
        return spki


def check_issued_by(certificate: x509.Certificate, ca: x509.Certificate) -> None:
    """Check that a CA issued a certificate.

    Raises:
        InvalidSignature, ValueError, TypeError: It did not.
    """
    if certificate.signature_algorithm_oid.dotted_string != _SM2_WITH_SM3:
        certificate.verify_directly_issued_by(ca)
        return
    if certificate.issuer != ca.subject:
        raise ValueError("another issuer's name")
    check_signed_by_sm2(certificate.signature, certificate.tbs_certificate_bytes, spki_of(ca))


def check_signed_by_sm2(signature: bytes, message: bytes, public_key_der: bytes) -> None:
    """Check an SM2 signature in DER, as X.509 has it.

    Raises:
        InvalidSignature, ValueError: The key did not make it.
    """
    try:
        r, s = decode_dss_signature(signature)
        raw = r.to_bytes(32, "big") + s.to_bytes(32, "big")
        Sm2PublicKey(public_key_der).verify(raw, message)
    except (BadSignatureError, OverflowError) as error:
        raise InvalidSignature from error
    except SealingError as error:
        raise ValueError(str(error)) from error


def allowed_suites(certificate: x509.Certificate) -> frozenset[int]:
    """Suites that the agency allows the holder; suite 1 where the certificate names none.

    Raises:
        MalformedError: The extension is not a sequence of integers.
    """
    try:
        extension = certificate.extensions.get_extension_for_oid(SUITES_EXTENSION)
    except x509.ExtensionNotFound:
        return DEFAULT_SUITES
    if not isinstance(extension.value, x509.UnrecognizedExtension):
        raise MalformedError("the list of suites in the certificate cannot be read")
    reader = der.only(extension.value.value, der.SEQUENCE)
    found: set[int] = set()
    while reader.next_tag is not None:
        found.add(der.integer(reader.take(der.INTEGER)))
    return frozenset(found)


def suites_extension(suites: Iterable[int]) -> x509.UnrecognizedExtension:
    """Make the extension with which an agency allows suites."""
    numbers = b"".join(der.value(der.INTEGER, bytes([number])) for number in sorted(suites))
    return x509.UnrecognizedExtension(SUITES_EXTENSION, der.value(der.SEQUENCE, numbers))


def _spki_in(tbs: bytes) -> bytes:
    try:
        fields = der.only(tbs, der.SEQUENCE)
        if fields.next_tag == _VERSION_TAG:
            fields.skip()
        for _ in range(_FIELDS_BEFORE_KEY):
            fields.skip()
        return fields.whole(der.SEQUENCE)[0]
    except MalformedError as error:
        raise ValueError(f"a certificate whose key cannot be found: {error}") from error

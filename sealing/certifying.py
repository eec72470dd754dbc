"""Makes what `cryptography` reads but does not make: certificates and requests around SM2 and hybrid keys.

Rules of this module: the library makes a pattern with a key of the moment, so that names, dates and extensions are its
work; here that key is replaced by the right one, and the whole is signed anew. What a certificate says is the caller's
matter.
"""

from __future__ import annotations

from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.hashes import SHA256

from sealing import der
from sealing.certificates import check_signed_by_sm2
from sealing.errors import MalformedError
from sealing.gm.sm2 import Sm2PrivateKey, Sm2PublicKey, is_sm2
from sealing.keys import Sm2FileKeySigner

_SM2_WITH_SM3: Final = der.value(der.SEQUENCE, der.identifier("1.2.156.10197.1.501"))
_ECDSA_WITH_SHA256: Final = der.value(der.SEQUENCE, der.identifier("1.2.840.10045.4.3.2"))
_BEFORE_ALGORITHM: Final = 2
"""Of a certificate's fields: version and serial number."""
_BEFORE_KEY: Final = 3
"""Of those behind the algorithm: issuer, validity, subject."""
_REQUEST_BEFORE_KEY: Final = 2
"""Of a request's fields: version and subject."""
_SCALAR_BYTES: Final = 32

IssuerKey = ec.EllipticCurvePrivateKey | Sm2PrivateKey


def certify(pattern: x509.Certificate, public_key_der: bytes, key: IssuerKey) -> x509.Certificate:
    """Sign a certificate for another key than that of its pattern.

    Args:
        pattern: Says all but key and signature.
        public_key_der: SubjectPublicKeyInfo of the holder's key, of any kind.
        key: The issuer's, P-256 or SM2.
    """
    fields = _fields(pattern.tbs_certificate_bytes)
    behind = _BEFORE_ALGORITHM + 1 + _BEFORE_KEY
    algorithm = _SM2_WITH_SM3 if isinstance(key, Sm2PrivateKey) else _ECDSA_WITH_SHA256
    front, middle = fields[:_BEFORE_ALGORITHM], fields[_BEFORE_ALGORITHM + 1 : behind]
    body = der.value(der.SEQUENCE, b"".join((*front, algorithm, *middle, public_key_der, *fields[behind + 1 :])))
    return x509.load_der_x509_certificate(_signed(body, algorithm, key))


def sm2_request(pattern: x509.CertificateSigningRequest, signer: Sm2FileKeySigner) -> x509.CertificateSigningRequest:
    """Sign a request for a certificate with an SM2 key.

    Args:
        pattern: Says all but key and signature.
        signer: The SM2 key.
    """
    fields = _fields(pattern.tbs_certrequest_bytes)
    fields[_REQUEST_BEFORE_KEY] = signer.public_key_der()
    body = der.value(der.SEQUENCE, b"".join(fields))
    signature = _sequence_of(signer.sign(body))
    return x509.load_der_x509_csr(_envelope(body, _SM2_WITH_SM3, signature))


def sm2_key_of(request: x509.CertificateSigningRequest) -> Sm2PublicKey | None:
    """The SM2 key of a request that proves to have been made with it; None: the key is of another kind.

    Raises:
        InvalidSignature, ValueError: It is not signed by its own key.
    """
    try:
        spki = _fields(request.tbs_certrequest_bytes)[_REQUEST_BEFORE_KEY]
    except (MalformedError, IndexError) as error:
        raise ValueError(f"a request whose key cannot be found: {error}") from error
    if not is_sm2(spki):
        return None
    check_signed_by_sm2(request.signature, request.tbs_certrequest_bytes, spki)
    return Sm2PublicKey(spki)


def _signed(body: bytes, algorithm: bytes, key: IssuerKey) -> bytes:
    signature = _sequence_of(key.sign(body)) if isinstance(key, Sm2PrivateKey) else key.sign(body, ec.ECDSA(SHA256()))
    return _envelope(body, algorithm, signature)


def _envelope(body: bytes, algorithm: bytes, signature: bytes) -> bytes:
    return der.value(der.SEQUENCE, body + algorithm + der.value(der.BIT_STRING, b"\0" + signature))


def _sequence_of(raw: bytes) -> bytes:
    r, s = (int.from_bytes(part, "big") for part in (raw[:_SCALAR_BYTES], raw[_SCALAR_BYTES:]))
    return encode_dss_signature(r, s)


def _fields(data: bytes) -> list[bytes]:
    """Encodings of the fields of a sequence."""
    reader = der.only(data, der.SEQUENCE)
    found = []
    while reader.next_tag is not None:
        found.append(reader.whole(reader.next_tag)[0])
    return found

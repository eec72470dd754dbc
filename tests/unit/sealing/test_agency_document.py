"""Documents of the agency: who may sign them, and which may replace which."""

import datetime as dt
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding

from sealing import cose, encoding
from sealing.agency_document import KIND_POLICY, KIND_PROFILE, AgencyDocument, sign_document, verify_document
from sealing.errors import DocumentError
from sealing.keys import FileKeySigner
from sealing.limits import DOCUMENT_BYTES_MAX
from sealing.oids import EKU_RECEIPT
from sealing.suites import SUITE_1
from tests.support.chains import Agency, agency, clerk
from tests.support.clocks import START_UTC_NS

PAYLOAD = b"what the agency decided"


def ca_der(owner: Agency | None = None) -> bytes:
    return (owner or agency()).certificate().public_bytes(Encoding.DER)


def signed(number: int = 3, payload: bytes = PAYLOAD, issued_utc_ns: int = START_UTC_NS) -> bytes:
    """By the CA's own key."""
    own = ca_der()
    return sign_document(KIND_POLICY, number, issued_utc_ns, payload, FileKeySigner(agency().key), own)


def verified(data: bytes) -> AgencyDocument:
    """By a certificate of the same CA that was made at another time."""
    return verify_document(data, KIND_POLICY, (ca_der(),))


def resealed(data: bytes, change: dict[int, encoding.Plain]) -> bytes:
    """The same document with other fields, signed anew by the CA's key."""
    fields = encoding.decode(cose.decode_sign1(data).payload, DOCUMENT_BYTES_MAX)
    assert isinstance(fields, dict)
    changed = {key: value for key, value in (fields | change).items() if isinstance(key, int)}
    signer = FileKeySigner(agency().key)
    key_id = SUITE_1.key_id(signer.public_key_der())
    return cose.encode_sign1(signer.algorithm, key_id, encoding.encode(changed), cose.DOCUMENT, signer.sign)


def test_a_document_comes_back_as_it_was_signed() -> None:
    """SF-49: the CA signs for itself."""
    data = signed()
    found = verified(data)
    assert (found.kind, found.number, found.issued_utc_ns, found.payload) == (KIND_POLICY, 3, START_UTC_NS, PAYLOAD)
    assert found.digest == SUITE_1.digest(data)


def test_a_key_that_the_ca_certified_for_documents_signs_them() -> None:
    """SF-49."""
    signer, certificate = clerk()
    data = sign_document(KIND_PROFILE, 1, START_UTC_NS, PAYLOAD, signer, certificate)
    assert verify_document(data, KIND_PROFILE, (ca_der(Agency()), ca_der())).payload == PAYLOAD


def test_a_certificate_for_something_else_signs_no_documents() -> None:
    """SF-49."""
    signer, certificate = clerk(EKU_RECEIPT)
    data = sign_document(KIND_POLICY, 1, START_UTC_NS, PAYLOAD, signer, certificate)
    with pytest.raises(DocumentError, match="nor for documents"):
        verify_document(data, KIND_POLICY, (ca_der(),))


def test_another_agencys_document_is_refused() -> None:
    """SF-49."""
    signer, certificate = clerk(authority=Agency())
    data = sign_document(KIND_POLICY, 1, START_UTC_NS, PAYLOAD, signer, certificate)
    with pytest.raises(DocumentError, match="not issued by"):
        verify_document(data, KIND_POLICY, (ca_der(),))


def test_a_ca_that_is_not_trusted_does_not_speak_for_itself() -> None:
    """SF-49: a CA's key counts when it is known beforehand."""
    with pytest.raises(DocumentError, match="neither the agency's CA"):
        verify_document(signed(), KIND_POLICY, (ca_der(Agency()),))


def test_a_document_signed_outside_its_certificates_life_is_refused() -> None:
    """SF-49."""
    signer, certificate = clerk(ended=dt.datetime(2025, 6, 1, tzinfo=dt.UTC))
    data = sign_document(KIND_POLICY, 1, START_UTC_NS, PAYLOAD, signer, certificate)
    with pytest.raises(DocumentError, match="outside its certificate's life"):
        verify_document(data, KIND_POLICY, (ca_der(),))


def test_another_kind_is_refused() -> None:
    """SF-49: a profile never passes as a policy."""
    signer, certificate = clerk()
    data = sign_document(KIND_PROFILE, 1, START_UTC_NS, PAYLOAD, signer, certificate)
    with pytest.raises(DocumentError, match="where «policy» belongs"):
        verify_document(data, KIND_POLICY, (ca_der(),))


def test_every_byte_of_a_document_counts() -> None:
    """SF-49: no single changed bit leaves it standing."""
    signer, certificate = clerk()
    data, authorities = sign_document(KIND_POLICY, 1, START_UTC_NS, PAYLOAD, signer, certificate), (ca_der(),)
    for at in range(len(data)):
        spoiled = data[:at] + bytes([data[at] ^ 1]) + data[at + 1 :]
        with pytest.raises(DocumentError):
            verify_document(spoiled, KIND_POLICY, authorities)


def test_a_document_cut_off_or_prolonged_is_refused() -> None:
    """SF-49."""
    data = signed()
    for spoiled in (data[:-1], data + b"\x00", b"", data[1:]):
        with pytest.raises(DocumentError):
            verify_document(spoiled, KIND_POLICY, ())


@pytest.mark.parametrize(
    "change",
    [
        {1: 2},
        {1: True},
        {2: 7},
        {2: ""},
        {2: "x" * 257},
        {3: 0},
        {3: True},
        {4: -1},
        {5: "text"},
        {6: b"no DER"},
        {7: 1},
    ],
    ids=str,
)
def test_fields_of_another_kind_or_range_are_refused(change: dict[int, encoding.Plain]) -> None:
    """SF-49."""
    with pytest.raises(DocumentError):
        verified(resealed(signed(), change))


def test_a_long_document_is_neither_signed_nor_read() -> None:
    """SF-49."""
    with pytest.raises(DocumentError, match="at most"):
        signed(payload=bytes(DOCUMENT_BYTES_MAX))
    data = signed(payload=bytes(2_000))
    with pytest.raises(DocumentError, match="longer than the 1000"):
        verify_document(data, KIND_POLICY, (), bytes_max=1_000)


def test_nobody_signs_with_a_certificate_of_another_key() -> None:
    other = FileKeySigner(ec.generate_private_key(ec.SECP256R1()))
    with pytest.raises(DocumentError, match="not for the key"):
        sign_document(KIND_POLICY, 1, START_UTC_NS, PAYLOAD, other, ca_der())


def test_a_signature_for_another_purpose_is_none() -> None:
    """SF-49: a receipt's or a record's signature over the same bytes does not count."""
    data = signed()
    message = cose.decode_sign1(data)
    signer = FileKeySigner(agency().key)
    other = cose.encode_sign1(signer.algorithm, message.key_id, message.payload, cose.RECEIPT, signer.sign)
    with pytest.raises(DocumentError, match="does not verify"):
        verified(other)


def test_a_newer_document_replaces_an_older_one_and_never_the_other_way() -> None:
    """SF-50."""
    older, newer = verified(signed(3)), verified(signed(4))
    newer.check_replaces(older)
    older.check_replaces(None)
    older.check_replaces(older)
    with pytest.raises(DocumentError, match="older than number 4"):
        older.check_replaces(newer)


def test_a_second_document_of_one_number_is_refused() -> None:
    """SF-50."""
    one, other = verified(signed(3)), verified(signed(3, b"something else"))
    with pytest.raises(DocumentError, match="two documents"):
        other.check_replaces(one)
    with pytest.raises(DocumentError, match="does not replace"):
        replace(other, kind=KIND_PROFILE).check_replaces(one)

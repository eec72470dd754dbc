"""Other people's signed time over a record: witness statements of the agency's store, and RFC 3161 tokens.

Rules of this module: bytes and keys in, values out, or an error; nothing of the unit's own clock comes in here. A token
counts for one record alone: it names the record's hash (`FORMAT.md`, SF-46).
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from sealing import cose, der, encoding
from sealing.cose import PublicKey
from sealing.errors import MalformedError, SealingError, TimeTokenError
from sealing.limits import BYTES_MAX, HASH_BYTES
from sealing.records import Anchor, AnchorKind

_NS: Final = 1_000_000_000
_SIGNED_DATA: Final = bytes.fromhex("2a864886f70d010702")
_TST_INFO: Final = bytes.fromhex("2a864886f70d0109100104")
_CONTENT_TYPE: Final = bytes.fromhex("2a864886f70d010903")
_MESSAGE_DIGEST: Final = bytes.fromhex("2a864886f70d010904")
_SHA256: Final = bytes.fromhex("608648016503040201")
_SM3: Final = bytes.fromhex("2a811ccf55018311")
_DIGESTS: Final[dict[bytes, Callable[[], hashes.HashAlgorithm]]] = {
    _SHA256: hashes.SHA256,
    bytes.fromhex("608648016503040202"): hashes.SHA384,
    bytes.fromhex("608648016503040203"): hashes.SHA512,
}


@dataclass(frozen=True, slots=True)
class Statement:
    """What a store has witnessed, its signature checked."""

    device_id: str
    sequence: int
    record_hash: bytes
    utc_ns: int
    """When it saw the record."""


@dataclass(frozen=True, slots=True)
class TrustedTime:
    """Whose time is believed."""

    store_key: PublicKey | None = None
    """The store's receipt key, which also signs witness statements."""
    stampers: tuple[x509.Certificate, ...] = ()
    """Certificates of time-stamping authorities."""

    def knows(self, kind: AnchorKind) -> bool:
        """Whether tokens of this kind can be judged at all."""
        return self.store_key is not None if kind is AnchorKind.STORE else bool(self.stampers)


def read_statement(token: bytes, store_key: PublicKey) -> Statement:
    """Read a witness statement of a store, for whatever unit.

    Args:
        token: The statement as the store sent it.
        store_key: The store's receipt key.

    Raises:
        TimeTokenError: It is not one, or not the store's.
    """
    try:
        message = cose.decode_sign1(token, BYTES_MAX)
        cose.verify_sign1(message, cose.WITNESS, store_key)
        fields = encoding.decode(message.payload, BYTES_MAX)
    except SealingError as error:
        raise TimeTokenError(f"not a witness statement of the store: {error}") from error
    match fields:
        case {1: 1, 2: str(), 3: str(device), 4: "head" | "alert", 5: int(sequence), 6: bytes(digest), 7: int(utc_ns)}:
            pass
        case _:
            raise TimeTokenError("a witness statement has a field of another kind")
    if len(digest) != HASH_BYTES:
        raise TimeTokenError(f"a witness statement names a hash of {len(digest)} bytes")
    return Statement(device, sequence, digest, utc_ns)


def anchor_of_statement(token: bytes, store_key: PublicKey, device_id: str) -> Anchor:
    """Make an ANCHOR from a store's witness statement.

    Args:
        token: The statement as the store sent it.
        store_key: The store's receipt key.
        device_id: The unit that it has to be for.

    Raises:
        TimeTokenError: It is not one, not the store's, or for another unit.
    """
    found = read_statement(token, store_key)
    if found.device_id != device_id:
        raise TimeTokenError(f"the witness statement is for unit {found.device_id}, not {device_id}")
    return Anchor(AnchorKind.STORE, found.sequence, found.record_hash, found.utc_ns, token)


def anchor_of_stamp(token: bytes, sequence: int, record_hash: bytes, stampers: Sequence[x509.Certificate]) -> Anchor:
    """Make an ANCHOR from an RFC 3161 TimeStampToken whose imprint is the record's hash.

    Args:
        token: The token, DER.
        sequence: The record that was stamped.
        record_hash: Its hash.
        stampers: Certificates of the authorities that are trusted.

    Raises:
        TimeTokenError: It is not one, not theirs, or for another hash.
    """
    try:
        return Anchor(AnchorKind.RFC_3161, sequence, record_hash, _stamped_ns(token, record_hash, stampers), token)
    except MalformedError as error:
        raise TimeTokenError(f"not an RFC 3161 token: {error}") from error


def verify_anchor(anchor: Anchor, device_id: str, trusted: TrustedTime) -> None:
    """Check that the token of an ANCHOR says what the ANCHOR says (SF-46).

    Raises:
        TimeTokenError: It does not, or nobody who is trusted signed it.
    """
    if anchor.kind is AnchorKind.STORE:
        if trusted.store_key is None:
            raise TimeTokenError("no store's certificate is at hand to judge the token")
        found = anchor_of_statement(anchor.token, trusted.store_key, device_id)
    else:
        found = anchor_of_stamp(anchor.token, anchor.sequence, anchor.record_hash, trusted.stampers)
    if found != anchor:
        raise TimeTokenError("the token names another record or another time than the ANCHOR that carries it")


def _stamped_ns(token: bytes, record_hash: bytes, stampers: Sequence[x509.Certificate]) -> int:
    outer = der.only(token, der.SEQUENCE)
    if outer.take(der.OBJECT_IDENTIFIER) != _SIGNED_DATA:
        raise MalformedError("not CMS signed data")
    signed = der.only(outer.take(der.CONTEXT_0), der.SEQUENCE)
    signed.take(der.INTEGER)
    signed.take(der.SET)
    content = der.Reader(signed.take(der.SEQUENCE))
    if content.take(der.OBJECT_IDENTIFIER) != _TST_INFO:
        raise MalformedError("signed data without a TSTInfo")
    info = der.Reader(content.take(der.CONTEXT_0)).take(der.OCTET_STRING)
    while signed.next_tag not in (der.SET, None):
        signed.skip()  # certificates and revocation lists: the authority's certificate is known beforehand
    signer = der.only(signed.take(der.SET), der.SEQUENCE)
    when = _time_of(info, record_hash)
    _check_signer(signer, info, stampers, when)
    return when


def _time_of(info: bytes, record_hash: bytes) -> int:
    fields = der.only(info, der.SEQUENCE)
    fields.take(der.INTEGER)
    fields.take(der.OBJECT_IDENTIFIER)
    imprint = der.Reader(fields.take(der.SEQUENCE))
    algorithm = der.Reader(imprint.take(der.SEQUENCE)).take(der.OBJECT_IDENTIFIER)
    if algorithm not in (_SHA256, _SM3) or imprint.take(der.OCTET_STRING) != record_hash:
        raise TimeTokenError("the token stamps another hash than the record's")
    fields.take(der.INTEGER)
    return _generalized_ns(fields.take(der.GENERALIZED_TIME))


def _generalized_ns(contents: bytes) -> int:
    text = contents.decode("ascii", "replace")
    whole, _, fraction = text.removesuffix("Z").partition(".")
    if not text.endswith("Z") or not whole.isdigit() or (fraction and not fraction.isdigit()) or len(fraction) > 9:  # noqa: PLR2004 - nanoseconds
        raise MalformedError(f"time {text[:40]!r} of a token")
    try:
        moment = datetime.strptime(whole, "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    except ValueError as error:
        raise MalformedError(f"time {text[:40]!r} of a token: {error}") from error
    return int(moment.timestamp()) * _NS + int(fraction.ljust(9, "0"))


def _check_signer(signer: der.Reader, info: bytes, stampers: Sequence[x509.Certificate], utc_ns: int) -> None:
    signer.take(der.INTEGER)
    signer.skip()  # who it says it is: the certificates that are trusted are tried instead
    digest = _DIGESTS.get(der.Reader(signer.take(der.SEQUENCE)).take(der.OBJECT_IDENTIFIER))
    if digest is None:
        raise MalformedError("a token with a digest that is not used here")
    whole, attributes = signer.whole(der.CONTEXT_0)
    signer.take(der.SEQUENCE)
    signature = signer.take(der.OCTET_STRING)
    _check_attributes(attributes, info, digest())
    signed = bytes([der.SET]) + whole[1:]
    if not any(_signed_by(certificate, signature, signed, digest(), utc_ns) for certificate in stampers):
        raise TimeTokenError("no time-stamping authority that is trusted here signed the token")


def _check_attributes(data: bytes, info: bytes, digest: hashes.HashAlgorithm) -> None:
    found: dict[bytes, bytes] = {}
    reader = der.Reader(data)
    while reader.next_tag is not None:
        attribute = der.Reader(reader.take(der.SEQUENCE))
        name = attribute.take(der.OBJECT_IDENTIFIER)
        if name in found:
            raise MalformedError("a signed attribute twice")
        found[name] = attribute.take(der.SET)
    hasher = hashes.Hash(digest)
    hasher.update(info)
    kind, said = found.get(_CONTENT_TYPE), found.get(_MESSAGE_DIGEST)
    if kind is None or der.Reader(kind).take(der.OBJECT_IDENTIFIER) != _TST_INFO:
        raise MalformedError("the token's signature is for another kind of content")
    if said is None or der.Reader(said).take(der.OCTET_STRING) != hasher.finalize():
        raise TimeTokenError("the token's contents are not those that were signed")


def _signed_by(
    certificate: x509.Certificate, signature: bytes, signed: bytes, digest: hashes.HashAlgorithm, utc_ns: int
) -> bool:
    when = datetime.fromtimestamp(utc_ns // _NS, UTC)
    if not certificate.not_valid_before_utc <= when <= certificate.not_valid_after_utc:
        return False
    key = certificate.public_key()
    try:
        if isinstance(key, ec.EllipticCurvePublicKey):
            key.verify(signature, signed, ec.ECDSA(digest))
        elif isinstance(key, rsa.RSAPublicKey):
            key.verify(signature, signed, padding.PKCS1v15(), digest)
        else:
            return False
    except InvalidSignature:
        return False
    return True


def check_stamper(certificate: x509.Certificate) -> None:
    """Check that a certificate is for time-stamping alone.

    Raises:
        TimeTokenError: It is not.
    """
    try:
        usages = list(certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value)
    except x509.ExtensionNotFound:
        usages = []
    if usages != [ExtendedKeyUsageOID.TIME_STAMPING]:
        raise TimeTokenError("the certificate is not one of a time-stamping authority")

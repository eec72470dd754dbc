"""Suite 1, wraps, epoch certificates, device keys (SF-9, SF-17 to SF-24, SF-37)."""

import dataclasses
import hashlib
import hmac
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa, x25519
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from sealing import cose, epochs
from sealing.cose import Algorithm
from sealing.errors import (
    BadSignatureError,
    KeyFileError,
    MalformedError,
    PolicyError,
    SuiteError,
    UndecryptableError,
)
from sealing.fileid import FileIdentity
from sealing.identity import DeviceIdentity, SealingPolicy
from sealing.keys import EpochIssuer, EpochKey, FileKeySigner, load_recipient_key
from sealing.records import FileKind, FileOrigin, Open
from sealing.suites import SUITE_1, suite
from sealing.wraps import (
    Recipient,
    content_cipher,
    recipient_from_certificate,
    unwrap_content_key,
    wrap_content_key,
)
from tests.support import chains

CONTENT_KEY, SALT = bytes(range(32)), bytes(range(16))


def hkdf(info: bytes) -> bytes:
    """RFC 5869 for one block, by the standard library alone."""
    extracted = hmac.new(SALT, CONTENT_KEY, hashlib.sha256).digest()
    return hmac.new(extracted, info + b"\x01", hashlib.sha256).digest()


def test_known_commitment() -> None:
    """SF-22."""
    expected = "7c793824a0d16756a2bf9f73eeec58a933ae3a6876aafd71852c71f0112a5c74"
    assert hkdf(b"evs1 key commitment").hex() == expected
    assert SUITE_1.commitment(CONTENT_KEY, SALT).hex() == expected


def test_known_payload_encryption() -> None:
    """SF-21: key, nonce and associated data as the format says."""
    ciphertext = SUITE_1.cipher(CONTENT_KEY, SALT).encrypt(258, 4, b"fragment")
    key = AESGCM(hkdf(b"evs1 payload key"))
    nonce, associated = bytes.fromhex("000000000000000000000102"), SALT + bytes.fromhex("000000000000010200000004")
    assert key.decrypt(nonce, ciphertext, associated) == b"fragment"
    assert len(ciphertext) == len(b"fragment") + 16


@pytest.mark.parametrize(("sequence", "record_type"), [(259, 4), (258, 9)])
def test_a_payload_opens_only_in_its_place(sequence: int, record_type: int) -> None:
    """SF-21."""
    cipher = SUITE_1.cipher(CONTENT_KEY, SALT)
    ciphertext = cipher.encrypt(258, 4, b"fragment")
    assert cipher.decrypt(258, 4, ciphertext) == b"fragment"
    with pytest.raises(UndecryptableError):
        cipher.decrypt(sequence, record_type, ciphertext)
    with pytest.raises(UndecryptableError):
        SUITE_1.cipher(CONTENT_KEY, bytes(16)).decrypt(258, 4, ciphertext)


def test_known_file_id() -> None:
    """SF-9: magic, framing and headers, an end mark, the torn bytes with their count."""
    identity = FileIdentity(SUITE_1)
    identity.add_record(bytes.fromhex("0000000300000000"), b"abc")
    magic = bytes.fromhex("89455653310d0a1a")
    text = b"evs1 file id\x00" + magic + bytes.fromhex("0000000300000000") + b"abc" + bytes(4) + bytes(7) + b"\x02xy"
    assert identity.digest(b"xy") == hashlib.sha256(text).digest()
    assert identity.digest(b"xy").hex() == "3e5caa0a66f7dbc45f7a498a4a8baa5578911abfa934a5efa712cd6c1d1ba423"
    assert identity.digest() != identity.digest(b"xy")


def test_an_unknown_suite_is_refused() -> None:
    """SF-37."""
    with pytest.raises(SuiteError, match="suite 4 is not known"):
        suite(4)


def opened_for(recipients: tuple[Recipient, ...]) -> Open:
    return Open(
        kind=FileKind.LEDGER,
        file_number=1,
        suite=1,
        salt=SALT,
        commitment=SUITE_1.commitment(CONTENT_KEY, SALT),
        wraps=wrap_content_key(SUITE_1, CONTENT_KEY, "unit-0001", SALT, recipients),
        snapshot=chains.snapshot(),
        run=None,
        ledger_receipts=(),
        origin=FileOrigin.START,
        epoch_certificate=b"",
        device_certificate=b"",
    )


def test_each_recipient_opens_the_content_key() -> None:
    """SF-23: X25519 and P-256."""
    opened = opened_for(chains.agency().recipients)
    for key, length in ((chains.agency().custodian, 80), (chains.agency().escrow, 113)):
        assert unwrap_content_key(opened, "unit-0001", key) == CONTENT_KEY
        wrap = next(wrap for wrap in opened.wraps if wrap.recipient == SUITE_1.key_id(chains.public_der(key)))
        assert len(wrap.wrapped) == length
    cipher = content_cipher(opened, "unit-0001", chains.agency().escrow)
    assert cipher.decrypt(1, 9, SUITE_1.cipher(CONTENT_KEY, SALT).encrypt(1, 9, b"x")) == b"x"


def test_a_wrap_opens_for_its_file_device_and_recipient_only() -> None:
    """SF-23, SF-22."""
    opened, key = opened_for(chains.agency().recipients), chains.agency().custodian
    with pytest.raises(UndecryptableError, match="does not open"):
        unwrap_content_key(opened, "unit-0002", key)
    with pytest.raises(UndecryptableError, match="does not open"):
        unwrap_content_key(dataclasses.replace(opened, salt=bytes(16)), "unit-0001", key)
    with pytest.raises(UndecryptableError, match="not sealed to the key"):
        unwrap_content_key(opened, "unit-0001", x25519.X25519PrivateKey.generate())
    with pytest.raises(UndecryptableError, match="commits to"):
        unwrap_content_key(dataclasses.replace(opened, commitment=bytes(32)), "unit-0001", key)


def recipient(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> Recipient:
    return Recipient(
        "test",
        key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo),
    )


def test_the_policy_demands_two_usable_recipients() -> None:
    """SF-23."""
    one, two = chains.agency().recipients
    assert SealingPolicy((one, two)).check() is SUITE_1
    with pytest.raises(PolicyError, match="1 recipients"):
        SealingPolicy((one,)).check()
    with pytest.raises(PolicyError, match="same key"):
        SealingPolicy((one, one)).check()
    with pytest.raises(PolicyError, match="17 recipients"):
        SealingPolicy((one,) * 17).check()
    with pytest.raises(SuiteError, match="neither X25519 nor P-256"):
        SealingPolicy((one, recipient(rsa.generate_private_key(65_537, 2_048)))).check()
    with pytest.raises(SuiteError, match="secp384r1"):
        SealingPolicy((one, recipient(ec.generate_private_key(ec.SECP384R1())))).check()
    with pytest.raises(PolicyError, match="no suite"):
        SealingPolicy((one, two), suites=()).check()
    with pytest.raises(PolicyError, match="positive"):
        SealingPolicy((one, two), ledger_bytes=0).check()


def test_a_recipient_comes_from_a_certificate() -> None:
    certificate = chains.agency().certificate()
    for encoding in (serialization.Encoding.PEM, serialization.Encoding.DER):
        found = recipient_from_certificate("ca", certificate.public_bytes(encoding))
        assert found == Recipient("ca", recipient(chains.agency().key).public_key_der)
    with pytest.raises(KeyFileError, match="'x'"):
        recipient_from_certificate("x", b"-----BEGIN CERTIFICATE-----")


def issued(signer: FileKeySigner) -> EpochKey:
    return EpochIssuer(SUITE_1, "unit-0001", signer).issue(epoch=3, boot_number=2, sequence=9, previous_hash=bytes(32))


def test_an_epoch_certificate_binds_key_and_place() -> None:
    """SF-17, SF-18."""
    signer = FileKeySigner(ec.generate_private_key(ec.SECP256R1()))
    key = issued(signer)
    found = epochs.verify_certificate(key.encoded, SUITE_1.device_key(signer.public_key_der()))
    assert found == key.certificate
    assert (found.epoch, found.boot_number, found.sequence, found.device_id) == (3, 2, 9, "unit-0001")
    assert key.key_id == SUITE_1.key_id(found.public_key)
    record_key = SUITE_1.record_key(found.public_key)
    assert isinstance(record_key, ed25519.Ed25519PublicKey)
    record_key.verify(key.sign(b"x"), b"x")


def test_an_epoch_certificate_of_another_key_is_refused() -> None:
    """SF-17."""
    encoded = issued(FileKeySigner(ec.generate_private_key(ec.SECP256R1()))).encoded
    with pytest.raises(BadSignatureError):
        epochs.verify_certificate(encoded, ec.generate_private_key(ec.SECP256R1()).public_key())
    with pytest.raises(MalformedError):
        epochs.verify_certificate(encoded[:-1], ec.generate_private_key(ec.SECP256R1()).public_key())


def test_an_epoch_certificate_cannot_be_signed_by_an_epoch_key() -> None:
    """SF-17."""
    key = ed25519.Ed25519PrivateKey.generate()
    certificate = issued(FileKeySigner(ec.generate_private_key(ec.SECP256R1()))).certificate
    encoded = cose.encode_sign1(
        Algorithm.ED25519, bytes(16), epochs.encode_certificate(certificate), cose.EPOCH, key.sign
    )
    with pytest.raises(MalformedError, match="device keys sign"):
        epochs.verify_certificate(encoded, key.public_key())


def test_an_epoch_key_gives_nothing_out() -> None:
    """SF-19: no public name of it leads to the private key."""
    key = issued(FileKeySigner(ec.generate_private_key(ec.SECP256R1())))
    public = {name for name in vars(key) | vars(type(key)) if not name.startswith("_")}
    assert public == {"key_id", "certificate", "encoded", "sign"}


def pem(key: ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | x25519.X25519PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )


def test_a_device_key_comes_from_a_pem_file(tmp_path: Path) -> None:
    key, path = ec.generate_private_key(ec.SECP256R1()), tmp_path / "device.pem"
    path.write_bytes(pem(key))
    signer = FileKeySigner.from_pem(path)
    assert signer.public_key_der() == FileKeySigner(key).public_key_der()
    assert len(signer.sign(b"x")) == 64


def test_other_keys_and_no_keys_are_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / "device.pem"
    with pytest.raises(KeyFileError, match=r"device\.pem"):
        FileKeySigner.from_pem(path)
    path.write_bytes(b"not a key")
    with pytest.raises(KeyFileError, match=r"device\.pem"):
        FileKeySigner.from_pem(path)
    path.write_bytes(pem(ed25519.Ed25519PrivateKey.generate()))
    with pytest.raises(KeyFileError, match="P-256"):
        FileKeySigner.from_pem(path)
    with pytest.raises(KeyFileError, match="X25519"):
        load_recipient_key(path)
    path.write_bytes(pem(ec.generate_private_key(ec.SECP384R1())))
    with pytest.raises(KeyFileError, match="secp384r1"):
        FileKeySigner.from_pem(path)


def test_recipient_keys_come_from_pem_files(tmp_path: Path) -> None:
    path = tmp_path / "recipient.pem"
    for key in (x25519.X25519PrivateKey.generate(), ec.generate_private_key(ec.SECP256R1())):
        path.write_bytes(pem(key))
        assert chains.public_der(load_recipient_key(path)) == chains.public_der(key)


def test_an_identity_has_to_fit_together() -> None:
    good = chains.identity()
    good.check()
    with pytest.raises(KeyFileError, match="not for its device key"):
        DeviceIdentity(
            "unit-0001", FileKeySigner(ec.generate_private_key(ec.SECP256R1())), good.certificate_der
        ).check()
    with pytest.raises(KeyFileError, match="cannot be read"):
        DeviceIdentity("unit-0001", good.signer, b"x").check()
    with pytest.raises(MalformedError, match="device id"):
        DeviceIdentity("unit 1", good.signer, good.certificate_der).check()

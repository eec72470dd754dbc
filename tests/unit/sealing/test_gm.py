"""国密: the published vectors of SM2, SM3 and SM4, and what is refused."""

from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sealing import pem
from sealing.errors import BadSignatureError, KeyFileError, LibcryptoError, SuiteError, UndecryptableError
from sealing.gm import libcrypto
from sealing.gm.sm2 import Sm2PrivateKey, Sm2PublicKey
from sealing.keys import Sm2FileKeySigner, load_recipient_key
from sealing.suites import SUITE_1, SUITE_2, SUITE_3
from tests.support import chains, suites

SPKI_PREFIX = "3059301306072a8648ce3d020106082a811ccf5501822d03420004"
X = "09f9df311e5421a150dd7d161e4bc5c672179fad1833fc076bb08ff356f35020"
Y = "ccea490ce26775a52dc6ea718cc1aa600aed05fbf35e084a6632f6072da9ad13"
SIGNATURE = (
    "f5a03b0648d2c4630eeac513e1bb81a15944da3827d5b74143ac7eaceee720b3"
    "b1b6aa29df212fd8763182bc0d421ca1bb9038fd1f7f42d4840b69c485bbc1aa"
)
SALT = bytes(16)
KEY = bytes(range(32))


def test_sm2_signature_of_gb_t_32918_5() -> None:
    """Annex A: «message digest», identity 1234567812345678, recommended curve."""
    key = Sm2PublicKey(bytes.fromhex(SPKI_PREFIX + X + Y))
    key.verify(bytes.fromhex(SIGNATURE), b"message digest")
    with pytest.raises(BadSignatureError):
        key.verify(bytes.fromhex(SIGNATURE), b"message Digest")


def test_sm3_of_gb_t_32905() -> None:
    abc = "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"
    assert SUITE_3.digest(b"abc").hex() == abc
    long = "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"
    running = SUITE_3.hasher()
    running.update(b"abcd" * 8)
    half = running.copy()
    running.update(memoryview(b"abcd" * 8))
    assert running.digest().hex() == long
    assert half.digest() == SUITE_3.digest(b"abcd" * 8)


def test_sm4_gcm_of_rfc_8998(monkeypatch: pytest.MonkeyPatch) -> None:
    """Appendix A.1, through the cipher of a file."""
    monkeypatch.setattr("sealing.gm.suite.derive", lambda *_: bytes.fromhex("0123456789abcdeffedcba9876543210"))
    monkeypatch.setattr("sealing.gm.suite.nonce", lambda _: bytes.fromhex("00001234567800000000abcd"))
    cipher = SUITE_3.cipher(KEY, SALT)
    associated = bytes.fromhex("feedfacedeadbeeffeedfacedeadbeefabaddad2")
    monkeypatch.setattr(cipher, "associated", lambda *_: associated)
    clear = bytes.fromhex("aa" * 8 + "bb" * 8 + "cc" * 8 + "dd" * 8 + "ee" * 8 + "ff" * 8 + "ee" * 8 + "aa" * 8)
    expected = (
        "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735"
        "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
        "83de3541e4c2b58177e065a9bf7b62ec"
    )
    assert cipher.encrypt(1, 4, clear).hex() == expected
    assert cipher.decrypt(1, 4, bytes.fromhex(expected)) == clear


def test_a_payload_opens_at_its_place_alone() -> None:
    cipher = SUITE_3.cipher(KEY, SALT)
    sealed = cipher.encrypt(7, 4, b"fragment")
    assert len(sealed) == len(b"fragment") + 16
    assert cipher.decrypt(7, 4, sealed) == b"fragment"
    for place, data in (((8, 4), sealed), ((7, 9), sealed), ((7, 4), sealed[:-1]), ((7, 4), b"short")):
        with pytest.raises(UndecryptableError):
            cipher.decrypt(*place, data)


@pytest.mark.parametrize("number", [2, 3])
def test_a_wrap_opens_for_its_recipient_and_its_file_alone(number: int) -> None:
    """SF-47."""
    setting = suites.hybrid() if number == 2 else suites.gm()
    used = SUITE_2 if number == 2 else SUITE_3
    recipient = used.recipient_key(chains.public_der(setting.recipient))
    wrapped = used.wrap(KEY, recipient, b"info")
    assert used.unwrap(wrapped, setting.recipient, b"info") == KEY
    other = suites.gm() if number == 2 else suites.hybrid()
    for key, info in ((setting.recipient, b"Info"), (other.recipient, b"info")):
        with pytest.raises(UndecryptableError):
            used.unwrap(wrapped, key, info)
    with pytest.raises(UndecryptableError):
        used.unwrap(wrapped[:-1], setting.recipient, b"info")
    with pytest.raises(SuiteError):
        used.recipient_key(chains.public_der(chains.agency().custodian))


def test_keys_go_to_files_and_back(tmp_path: Path) -> None:
    path = tmp_path / "key.pem"
    for key in (suites.gm().recipient, suites.hybrid().recipient):
        path.write_bytes(pem.wrap(key.private_der(), pem.PRIVATE_KEY))  # type: ignore[union-attr]
        assert chains.public_der(load_recipient_key(path)) == chains.public_der(key)
    device = Sm2PrivateKey.generate()
    path.write_bytes(pem.wrap(device.private_der(), pem.PRIVATE_KEY))
    assert Sm2FileKeySigner.from_pem(path).public_key_der() == device.public_key().der
    path.write_text("-----BEGIN PRIVATE KEY-----\nAAA\n-----END PRIVATE KEY-----\n")
    with pytest.raises(KeyFileError, match="damaged"):
        Sm2PrivateKey.from_pem(path)
    with pytest.raises(KeyFileError, match="cannot be read"):
        Sm2PrivateKey.from_pem(tmp_path / "none")


def test_a_p_256_key_is_no_sm2_key() -> None:
    der = (
        ec.generate_private_key(ec.SECP256R1())
        .public_key()
        .public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    )
    with pytest.raises(KeyFileError, match="not an SM2 key"):
        Sm2PublicKey(der)
    with pytest.raises(KeyFileError):
        Sm2PublicKey(der[:-1])
    with pytest.raises(SuiteError, match="no SM2 key"):
        SUITE_3.device_key(der)
    with pytest.raises(SuiteError):
        SUITE_1.device_key(bytes.fromhex(SPKI_PREFIX + X + Y))


def test_a_system_without_sm2_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    libcrypto._library.cache_clear()
    monkeypatch.setattr(libcrypto, "_NAMES", ("libnowhere.so.3",))
    monkeypatch.setattr("ctypes.util.find_library", lambda _: None)
    try:
        with pytest.raises(LibcryptoError, match="install libssl3"):
            Sm2PrivateKey.generate()
    finally:
        libcrypto._library.cache_clear()

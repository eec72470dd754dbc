"""COSE_Sign1 in the one shape of the format (SF-5)."""

import random

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519

from sealing import cose, encoding
from sealing.cose import Algorithm, Sign1
from sealing.errors import BadSignatureError, MalformedError, SuiteError
from sealing.keys import FileKeySigner

KEY = ed25519.Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
KEY_ID = bytes(range(16))
KNOWN = "d28455a2013204" + "50000102030405060708090a0b0c0d0e0fa0426869" + "5840"
"""Everything in front of the signature."""


def signed(payload: bytes = b"hi", context: cose.Context = cose.RECORD) -> bytes:
    return cose.encode_sign1(Algorithm.ED25519, KEY_ID, payload, context, KEY.sign)


def test_known_answer() -> None:
    """The message that is signed is the Sig_structure of RFC 9052, 4.4, with the context as external_aad."""
    protected = bytes.fromhex("a201320450" + KEY_ID.hex())
    message = b"\x84\x6aSignature1" + b"\x55" + protected + b"\x4bevs1 record" + b"\x42hi"
    assert signed().hex() == KNOWN + KEY.sign(message).hex()


def test_what_was_signed_verifies_for_its_key_and_context_only() -> None:
    message = cose.decode_sign1(signed())
    assert (message.algorithm, message.key_id, message.payload) == (Algorithm.ED25519, KEY_ID, b"hi")
    cose.verify_sign1(message, cose.RECORD, KEY.public_key())
    with pytest.raises(BadSignatureError):
        cose.verify_sign1(message, cose.EPOCH, KEY.public_key())
    with pytest.raises(BadSignatureError):
        cose.verify_sign1(message, cose.RECORD, ed25519.Ed25519PrivateKey.generate().public_key())
    with pytest.raises(BadSignatureError, match="does not fit"):
        cose.verify_sign1(message, cose.RECORD, ec.generate_private_key(ec.SECP256R1()).public_key())


def test_device_keys_sign_with_raw_signatures() -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    data = cose.encode_sign1(Algorithm.ESP256, KEY_ID, b"x", cose.EPOCH, FileKeySigner(key).sign)
    message = cose.decode_sign1(data)
    assert len(message.signature) == 64
    cose.verify_sign1(message, cose.EPOCH, key.public_key())
    with pytest.raises(BadSignatureError):
        cose.verify_sign1(message, cose.RECORD, key.public_key())
    zero = Sign1(message.algorithm, message.key_id, message.payload, bytes(64), message.protected)
    with pytest.raises(BadSignatureError):
        cose.verify_sign1(zero, cose.EPOCH, key.public_key())


def envelope(protected: object, unprotected: object, payload: object, signature: object) -> bytes:
    return b"\xd2" + encoding.encode([protected, unprotected, payload, signature])  # type: ignore[list-item]


GOOD = encoding.encode({1: -19, 4: KEY_ID})
SHAPES = {
    "no tag": signed()[1:],
    "another tag": b"\xd1" + signed()[1:],
    "nothing": b"",
    "three parts": b"\xd2" + encoding.encode([GOOD, {}, b""]),
    "a map": b"\xd2" + encoding.encode({1: 2}),
    "unprotected header": envelope(GOOD, {4: KEY_ID}, b"", bytes(64)),
    "unprotected list": envelope(GOOD, [], b"", bytes(64)),
    "detached payload": envelope(GOOD, {}, [], bytes(64)),
    "short signature": envelope(GOOD, {}, b"", bytes(63)),
    "long signature": envelope(GOOD, {}, b"", bytes(65)),
    "protected is no map": envelope(encoding.encode([1]), {}, b"", bytes(64)),
    "key id missing": envelope(encoding.encode({1: -19}), {}, b"", bytes(64)),
    "more in the protected header": envelope(encoding.encode({1: -19, 3: 0, 4: KEY_ID}), {}, b"", bytes(64)),
    "short key id": envelope(encoding.encode({1: -19, 4: b"x"}), {}, b"", bytes(64)),
    "algorithm as text": envelope(encoding.encode({1: "EdDSA", 4: KEY_ID}), {}, b"", bytes(64)),
    "algorithm as bool": envelope(encoding.encode({1: True, 4: KEY_ID}), {}, b"", bytes(64)),
    "bytes behind": signed() + b"\x00",
    "a length in more bytes than it takes": signed().replace(b"\x42hi", b"\x58\x02hi"),
    "a length in two bytes more": signed().replace(b"\x42hi", b"\x59\x00\x02hi"),
    "a length in eight bytes": signed().replace(b"\x42hi", b"\x5b" + (2).to_bytes(8, "big") + b"hi"),
    "an indefinite length": signed().replace(b"\x42hi", b"\x5f\x42hi\xff"),
    "cut off in the signature": signed()[:-1],
    "cut off behind the payload": signed()[:-66],
}


@pytest.mark.parametrize("data", SHAPES.values(), ids=SHAPES)
def test_any_other_shape_is_refused(data: bytes) -> None:
    """SF-5."""
    with pytest.raises(MalformedError):
        cose.decode_sign1(data)


INSIDE_THE_PROTECTED_HEADER = (
    *("COSE_Sign1 protected header", "COSE_Sign1 algorithm", "COSE_Sign1 key id"),
    *("CBOR ", "not CBOR"),
)
"""The envelope itself was taken apart."""


def as_the_library_reads_it(data: bytes) -> bool:
    """Whether it is tag 18 and deterministic CBOR of the one shape, by the decoder of all other values."""
    try:
        parts = encoding.decode(data[1:], 4_096)
    except MalformedError:
        return False
    match parts:
        case [bytes(), {**unprotected}, bytes(), bytes(signature)]:
            return data[:1] == b"\xd2" and not unprotected and len(signature) == 64
        case _:
            return False


def test_it_accepts_exactly_what_the_library_reads_as_this_shape() -> None:
    """SF-2, SF-5: the envelope is taken apart by hand; that must not let in, or keep out, anything else."""
    chance, seen = random.Random(5), [0, 0]
    for _ in range(20_000):
        data = bytearray(signed(chance.randbytes(chance.choice([0, 2, 23, 24, 255, 256]))))
        at = chance.randrange(min(len(data), 40))
        match chance.randrange(3):
            case 0:
                data[at] = chance.randrange(256)
            case 1:
                del data[at]
            case _:
                data.insert(at, chance.randrange(256))
        try:
            cose.decode_sign1(bytes(data), 4_096)
            taken = True
        except SuiteError:
            taken = True
        except MalformedError as error:
            taken = str(error).startswith(INSIDE_THE_PROTECTED_HEADER)
        assert taken == as_the_library_reads_it(bytes(data)), data.hex()
        seen[taken] += 1
    assert min(seen) > 1_000


def test_an_unknown_algorithm_is_refused() -> None:
    with pytest.raises(SuiteError, match="-7"):
        cose.decode_sign1(envelope(encoding.encode({1: -7, 4: KEY_ID}), {}, b"", bytes(64)))


def test_a_long_envelope_is_refused_before_it_is_read() -> None:
    with pytest.raises(MalformedError, match="longer"):
        cose.decode_sign1(signed(bytes(2_000)), 1_024)

"""What counts as a TPM's word about the unit's counter, field by field."""

import struct

import pytest
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.hashes import SHA256

from sealing import ticks, tpm_attestation
from sealing.cose import raw_signature
from sealing.errors import BadSignatureError, MalformedError
from sealing.records import CounterKind, Tick

BINDING = bytes(range(32))
KEY = ec.generate_private_key(ec.SECP256R1())


def sized(data: bytes) -> bytes:
    return struct.pack(">H", len(data)) + data


def attestation(
    *,
    magic: int = 0xFF544347,
    kind: int = 0x8014,
    name: bytes | None = None,
    offset: int = 0,
    contents: bytes = struct.pack(">Q", 41),
    behind: bytes = b"",
) -> bytes:
    """TPMS_ATTEST of TPM2_NV_Certify, as part 2 of the TPM 2.0 library lays it out."""
    index_name = tpm_attestation.counter_name() if name is None else name
    head = struct.pack(">IH", magic, kind) + sized(b"\x00\x0b" + bytes(32)) + sized(BINDING) + bytes(17 + 8)
    return head + sized(index_name) + struct.pack(">H", offset) + sized(contents) + behind


def signed(data: bytes) -> bytes:
    return raw_signature(KEY.sign(data, ec.ECDSA(SHA256())))


def test_value_and_binding_are_read() -> None:
    """SF-44."""
    data = attestation()
    found = tpm_attestation.verify(data, signed(data), KEY.public_key())
    assert (found.value, found.binding) == (41, BINDING)
    ticks.verify_tick(Tick(CounterKind.TPM_NV, 41, data, signed(data)), BINDING, KEY.public_key())


BAD = {
    "not made by a TPM": attestation(magic=0xFF544348),
    "a quote": attestation(kind=0x8018),
    "an index that is no counter": attestation(name=b"\x00\x0b" + bytes(32)),
    "a part of the value": attestation(offset=1),
    "a short value": attestation(contents=bytes(7)),
    "bytes behind": attestation(behind=b"\0"),
    "cut off": attestation()[:-1],
    "empty": b"",
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_anything_else_is_refused_although_the_key_signed_it(data: bytes) -> None:
    """SF-44: a key that is not restricted could be made to sign these."""
    with pytest.raises(MalformedError):
        tpm_attestation.verify(data, signed(data), KEY.public_key())


def test_another_signature_or_kind_of_key_is_refused() -> None:
    data = attestation()
    with pytest.raises(BadSignatureError):
        tpm_attestation.verify(data, signed(data + b"x"), KEY.public_key())
    with pytest.raises(BadSignatureError, match="no P-256"):
        tpm_attestation.verify(data, signed(data), ed25519.Ed25519PrivateKey.generate().public_key())

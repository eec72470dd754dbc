"""Layout of files and headers (SF-8, SF-10 to SF-15)."""

import dataclasses

import pytest
from cryptography.hazmat.primitives.asymmetric import ed25519

from sealing import cose, encoding, framing
from sealing.cose import Algorithm
from sealing.encoding import Plain
from sealing.errors import BodyError, MalformedError
from sealing.framing import RecordHeader
from sealing.limits import MAGIC
from sealing.records import Event, Halt, RecordType

HEADER = RecordHeader(
    type=RecordType.HALT,
    sequence=7,
    previous_hash=bytes(range(32)),
    device_id="unit-0001",
    epoch=2,
    utc_ns=1_767_225_600_000_000_000,
    boottime_ns=5,
    boot_number=1,
    body=Halt("stop"),
    payload_hash=None,
    payload_length=0,
    time_source="network",
    uncertainty_ns=-1,
)
KNOWN = (
    "ad0101020e0307045820000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f"
    "0569756e69742d3030303106020" + "71b18867251edfa000008050901" + "0aa1016473746f70" + "0c000d676e6574776f726b0e20"
)


def test_known_header() -> None:
    """SF-12."""
    assert framing.encode_header(HEADER).hex() == KNOWN
    assert framing.decode_header(bytes.fromhex(KNOWN)) == HEADER


def test_a_header_is_signed_and_read_back() -> None:
    key = ed25519.Ed25519PrivateKey.generate()
    header = dataclasses.replace(
        HEADER, type=RecordType.EVENT, body=Event("x", None, ()), payload_hash=bytes(32), payload_length=5
    )
    message, found = framing.open_header(framing.seal_header(header, Algorithm.ED25519, bytes(16), key.sign))
    cose.verify_sign1(message, cose.RECORD, key.public_key())
    assert found == header


def changed(**changes: Plain) -> bytes:
    fields = encoding.decode(bytes.fromhex(KNOWN), 4_096)
    assert isinstance(fields, dict)
    keyed: dict[int, Plain] = {int(key): value for key, value in fields.items()}
    for name, value in changes.items():
        keyed[int(name.removeprefix("k"))] = value
    return encoding.encode({key: value for key, value in keyed.items() if value != "gone"})


BAD = {
    "version": changed(k1=2),
    "type unknown": changed(k2=99),
    "type unused": changed(k2=15),
    "sequence 0": changed(k3=0),
    "sequence as bool": changed(k3=True),
    "short hash": changed(k4=b"x"),
    "device id with a slash": changed(k5="unit/1"),
    "device id empty": changed(k5=""),
    "device id too long": changed(k5="x" * 65),
    "epoch 0": changed(k6=0),
    "utc negative": changed(k7=-1),
    "boottime negative": changed(k8=-1),
    "boot 0": changed(k9=0),
    "body of another type": changed(k2=9),
    "payload hash without payload": changed(k11=bytes(32)),
    "payload without hash": changed(k12=1),
    "payload too long": changed(k11=bytes(32), k12=67_108_865),
    "time source": changed(k13="gps"),
    "uncertainty": changed(k14=-2),
    "key missing": changed(k14="gone"),
    "key more": changed(k15=1),
    "list": encoding.encode([1]),
}


@pytest.mark.parametrize("data", BAD.values(), ids=BAD)
def test_a_header_that_breaks_its_table_is_refused(data: bytes) -> None:
    """SF-12."""
    with pytest.raises(MalformedError):
        framing.decode_header(data)


def test_a_body_out_of_range_is_not_sealed() -> None:
    with pytest.raises(BodyError):
        framing.encode_header(dataclasses.replace(HEADER, body=Halt("x" * 300)))


def test_magic_and_prefix() -> None:
    """SF-8, SF-10."""
    assert MAGIC.hex(" ") == "89 45 56 53 31 0d 0a 1a"
    assert framing.encode_prefix(300, 1_500_000).hex() == "0000012c0016e360"
    assert framing.decode_prefix(bytes.fromhex("0000012c0016e360")) == (300, 1_500_000)


@pytest.mark.parametrize("data", ["0000000000000000", "0001000100000000", "0000000104000001", "ffffffffffffffff", "00"])
def test_lengths_are_bounded_before_anything_is_read(data: str) -> None:
    """SF-10."""
    with pytest.raises(MalformedError):
        framing.decode_prefix(bytes.fromhex(data))


def test_file_names() -> None:
    """SF-15, SF-28."""
    assert framing.file_name(42) == "00000042.evs"
    assert framing.dropped_name(42) == "00000042.torn"
    assert framing.file_number("00000042.evs") == 42
    assert framing.parse_name("00000042.torn") == (42, ".torn")


@pytest.mark.parametrize("name", ["00000000.evs", "42.evs", "00000042.evs.tmp", "00000042.torn", "x", "٠٠٠٠٠٠٤٢.evs"])
def test_other_names_are_no_sealed_files(name: str) -> None:
    with pytest.raises(MalformedError):
        framing.file_number(name)


@pytest.mark.parametrize("number", [0, -1, 100_000_000])
def test_numbers_without_a_name_are_refused(number: int) -> None:
    with pytest.raises(MalformedError):
        framing.file_name(number)

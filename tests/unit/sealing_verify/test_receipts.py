"""Receipts: read the same way by store, unit and verifier (sync/PROTOCOL.md, section 3)."""

from dataclasses import replace
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.x509.oid import NameOID

from sealing import cose
from sealing.cose import Algorithm
from sealing.findings import Code
from sealing.framing import file_name
from sealing.oids import EKU_RECEIPT
from sealing.receipts import (
    FIRST_PREVIOUS_RECEIPT,
    Receipt,
    ReceiptError,
    read_receipt,
    receipt_hash,
    receipt_key,
    sign_receipt,
    verify_receipt,
)
from sealing.report import ChainError
from sealing.suites import SUITE_1
from sealing.trust import Trust, TrustError
from sealing.verifier import Asked, verify_chain
from tests.support.chains import agency, start_writer
from tests.support.clocks import ManualClock
from tests.support.recordings import trust
from tests.vectors.second_verifier import verify

KEY = ed25519.Ed25519PrivateKey.generate()
STORE = ec.generate_private_key(ec.SECP256R1())
RECEIPT = Receipt(
    store_id="store-1",
    device_id="unit-0001",
    file_id=bytes(range(32)),
    size_bytes=4_096,
    first_sequence=5,
    last_sequence=9,
    head_hash=bytes(32),
    received_utc_ns=1_767_225_600_000_000_000,
    receipt_number=1,
    previous_receipt_hash=FIRST_PREVIOUS_RECEIPT,
    durability="fsync-1",
)


def signed(receipt: Receipt = RECEIPT) -> bytes:
    return sign_receipt(receipt, Algorithm.ED25519, bytes(16), KEY.sign)


def by_store(receipt: Receipt) -> bytes:
    def sign(message: bytes) -> bytes:
        return cose.raw_signature(STORE.sign(message, ec.ECDSA(hashes.SHA256())))

    return sign_receipt(receipt, Algorithm.ESP256, bytes(16), sign)


def store_certificate(usage: x509.ObjectIdentifier = EKU_RECEIPT) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "store-1")])
    now = agency().certificate().not_valid_before_utc
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(STORE.public_key())
        .serial_number(7)
        .not_valid_before(now)
        .not_valid_after(now.replace(year=now.year + 5))
        .add_extension(x509.ExtendedKeyUsage([usage]), critical=False)
        .sign(agency().key, hashes.SHA256())
    )


def trust_folder(folder: Path, receipts: list[Receipt]) -> Path:
    pem = serialization.Encoding.PEM
    (folder / "receipts").mkdir(parents=True)
    (folder / "agency-ca.pem").write_bytes(agency().certificate().public_bytes(pem))
    (folder / "store-receipt.pem").write_bytes(store_certificate().public_bytes(pem))
    for receipt in receipts:
        (folder / "receipts" / f"{receipt.receipt_number:08d}.receipt").write_bytes(by_store(receipt))
    return folder


def test_a_receipt_reads_back() -> None:
    assert verify_receipt(signed(), KEY.public_key()) == RECEIPT
    assert read_receipt(signed()) == RECEIPT
    assert receipt_hash(signed()) == SUITE_1.digest(signed())


def test_every_flipped_bit_is_refused() -> None:
    data = signed()
    for offset in range(len(data)):
        spoiled = bytearray(data)
        spoiled[offset] ^= 1 << (offset % 8)
        with pytest.raises(ReceiptError):
            verify_receipt(bytes(spoiled), KEY.public_key())


def test_another_store_cannot_sign_it() -> None:
    with pytest.raises(ReceiptError, match="not signed by the store"):
        verify_receipt(signed(), ed25519.Ed25519PrivateKey.generate().public_key())


def test_a_record_is_no_receipt() -> None:
    forged = cose.encode_sign1(Algorithm.ED25519, bytes(16), cose.decode_sign1(signed()).payload, cose.RECORD, KEY.sign)
    with pytest.raises(ReceiptError):
        verify_receipt(forged, KEY.public_key())


@pytest.mark.parametrize(
    "spoiled",
    [
        replace(RECEIPT, size_bytes=0),
        replace(RECEIPT, first_sequence=0),
        replace(RECEIPT, file_id=bytes(31)),
        replace(RECEIPT, store_id=""),
        replace(RECEIPT, receipt_number=0),
    ],
)
def test_values_outside_their_range_are_refused(spoiled: Receipt) -> None:
    with pytest.raises(ReceiptError):
        read_receipt(signed(spoiled))


@pytest.mark.parametrize("junk", [b"", b"\xd2", b"\xd2\x84", bytes(5_000)])
def test_junk_is_no_receipt(junk: bytes) -> None:
    with pytest.raises(ReceiptError):
        read_receipt(junk)


def test_only_a_receipt_certificate_gives_the_key() -> None:
    assert receipt_key(store_certificate()) == STORE.public_key()
    with pytest.raises(ReceiptError, match="not a store's receipt certificate"):
        receipt_key(store_certificate(x509.ObjectIdentifier("1.2.3")))
    with pytest.raises(ReceiptError):
        receipt_key(agency().certificate())


def _receipts_for(spool: Path) -> list[Receipt]:
    report = verify_chain([spool], trust())
    return [
        replace(
            RECEIPT,
            file_id=bytes.fromhex(facts.file_id or ""),
            first_sequence=facts.first_sequence or 0,
            last_sequence=facts.last_sequence or 0,
            head_hash=bytes.fromhex(facts.head_hash or ""),
            receipt_number=facts.number,
        )
        for facts in report.files
    ]


def test_receipts_in_the_trust_folder_witness_the_chain(film_copy: Path, tmp_path: Path) -> None:
    trusted = Trust.load(trust_folder(tmp_path / "trust", _receipts_for(film_copy)))
    report = verify_chain([film_copy], trusted)
    assert report.findings == ()
    assert report.witnessed_sequence == report.last_sequence


def test_a_tail_that_the_store_holds_and_nobody_shows_is_missed(film_copy: Path, tmp_path: Path) -> None:
    """Row 17 of the catalogue."""
    trusted = Trust.load(trust_folder(tmp_path / "trust", _receipts_for(film_copy)))
    max(film_copy.iterdir()).unlink()
    with pytest.raises(ChainError) as error:
        verify_chain([film_copy], trusted)
    assert error.value.report.verdicts == (Code.TAIL_OPEN, Code.TAIL_MISSING_VS_WITNESS)


def test_a_part_misses_nothing_that_lies_elsewhere(film_copy: Path) -> None:
    """Row 57: the caller says that it is a part; what the store has behind its end is another part."""
    trusted = Trust.load(trust_folder(film_copy / "trust", _receipts_for(film_copy)))
    for number in (1, 2, 6, 7, 8, 9):
        (film_copy / file_name(number)).unlink()
    report = verify_chain([film_copy], trusted, asked=Asked(part=True))
    assert report.verdicts == (Code.PARTIAL, Code.TAIL_OPEN)
    second = verify(film_copy, agency().certificate(), part=True)
    assert {fault.code for fault in second} == {"PARTIAL", "TAIL_OPEN"}


def test_an_ended_chain_that_goes_on_at_the_store_is_a_part(tmp_path: Path) -> None:
    """It begins at the beginning and ends in order, and is not whole all the same."""
    spool, clock = tmp_path / "spool", ManualClock()
    spool.mkdir()
    start_writer(spool, clock).halt("stop")
    ended = sorted(spool.iterdir())
    clock.reboot("boot-2")
    start_writer(spool, clock).halt("stop")
    trusted = Trust.load(trust_folder(tmp_path / "trust", _receipts_for(spool)))
    assert verify_chain([spool], trusted, asked=Asked(part=True)).verdicts == ()
    assert verify_chain(ended, trusted, asked=Asked(part=True)).verdicts == (Code.PARTIAL,)
    with pytest.raises(ChainError, match="TAIL_MISSING_VS_WITNESS"):
        verify_chain(ended, trusted)


def test_another_history_than_the_store_has_is_a_fork(film_copy: Path, tmp_path: Path) -> None:
    """Row 21 of the catalogue."""
    receipts = _receipts_for(film_copy)
    receipts[2] = replace(receipts[2], file_id=bytes(32))
    trusted = Trust.load(trust_folder(tmp_path / "trust", receipts))
    with pytest.raises(ChainError) as error:
        verify_chain([film_copy], trusted)
    fault = error.value.report.first_fault
    assert fault is not None
    assert (fault.code, fault.place.file, fault.place.sequence) == (
        Code.FORK_VS_WITNESS,
        "00000003.evs",
        receipts[2].first_sequence,
    )


def test_a_forged_receipt_in_the_trust_folder_is_refused(tmp_path: Path) -> None:
    folder = trust_folder(tmp_path / "trust", [])
    (folder / "receipts" / "00000001.receipt").write_bytes(signed())
    with pytest.raises(TrustError, match="no receipt of this store"):
        Trust.load(folder)


def test_a_trust_folder_without_its_ca_is_refused(tmp_path: Path) -> None:
    with pytest.raises(TrustError, match=r"agency-ca\.pem"):
        Trust.load(tmp_path)


def test_a_device_certificate_is_no_ca(tmp_path: Path) -> None:
    (tmp_path / "agency-ca.pem").write_bytes(store_certificate().public_bytes(serialization.Encoding.PEM))
    with pytest.raises(TrustError, match="not a CA"):
        Trust.load(tmp_path)


def test_a_text_is_no_certificate(tmp_path: Path) -> None:
    (tmp_path / "agency-ca.pem").write_text("hello")
    with pytest.raises(TrustError, match="no certificate"):
        Trust.load(tmp_path)

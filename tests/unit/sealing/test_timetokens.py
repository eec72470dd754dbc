"""Other people's time over a record: statements of the store, RFC 3161 tokens made by openssl."""

import datetime as dt
from dataclasses import replace

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID

from sealing import der, timetokens
from sealing.errors import MalformedError, TimeTokenError
from sealing.records import AnchorKind
from sealing.timetokens import TrustedTime, anchor_of_stamp, anchor_of_statement, verify_anchor
from tests.support.stamping import Stamper, Store, certificate

HASH = bytes(range(32))
NOW_NS = 1_800_000_000_000_000_000


@pytest.fixture(scope="module")
def stamper(tmp_path_factory: pytest.TempPathFactory) -> Stamper:
    return Stamper(tmp_path_factory.mktemp("tsa"))


@pytest.fixture(scope="module")
def stamp(stamper: Stamper) -> bytes:
    return stamper.token(HASH)


def test_a_statement_of_the_store_becomes_an_anchor() -> None:
    """SF-46."""
    store = Store()
    token = store.statement("unit-0001", 7, HASH, NOW_NS)
    anchor = anchor_of_statement(token, store.key.public_key(), "unit-0001")
    assert (anchor.kind, anchor.sequence, anchor.record_hash, anchor.utc_ns) == (AnchorKind.STORE, 7, HASH, NOW_NS)
    verify_anchor(anchor, "unit-0001", TrustedTime(store.key.public_key()))
    with pytest.raises(TimeTokenError, match="another record or another time"):
        verify_anchor(replace(anchor, sequence=8), "unit-0001", TrustedTime(store.key.public_key()))
    with pytest.raises(TimeTokenError, match="no store's certificate"):
        verify_anchor(anchor, "unit-0001", TrustedTime())
    with pytest.raises(TimeTokenError, match="for unit unit-0001"):
        anchor_of_statement(token, store.key.public_key(), "unit-0002")
    with pytest.raises(TimeTokenError, match="not a witness statement"):
        anchor_of_statement(token, Store().key.public_key(), "unit-0001")
    with pytest.raises(TimeTokenError, match="another kind"):
        anchor_of_statement(store.statement("unit-0001", 7, HASH, 1, "tail"), store.key.public_key(), "unit-0001")


def test_a_token_of_openssl_becomes_an_anchor(stamper: Stamper, stamp: bytes) -> None:
    """SF-46."""
    anchor = anchor_of_stamp(stamp, 7, HASH, (stamper.certificate,))
    moment = dt.datetime.fromtimestamp(anchor.utc_ns // 10**9, dt.UTC)
    made = dt.datetime.fromtimestamp((stamper.folder / "token").stat().st_mtime, dt.UTC)
    assert abs(moment - made) < dt.timedelta(minutes=1)
    verify_anchor(anchor, "unit-0001", TrustedTime(stampers=(stamper.certificate,)))


def test_a_token_counts_for_its_hash_and_its_authority_alone(stamper: Stamper, stamp: bytes) -> None:
    with pytest.raises(TimeTokenError, match="another hash"):
        anchor_of_stamp(stamp, 7, bytes(32), (stamper.certificate,))
    stranger = certificate(ec.generate_private_key(ec.SECP256R1()), ExtendedKeyUsageOID.TIME_STAMPING)
    with pytest.raises(TimeTokenError, match="no time-stamping authority"):
        anchor_of_stamp(stamp, 7, HASH, (stranger,))


def test_no_bit_of_a_token_can_be_changed_to_another_time(stamper: Stamper, stamp: bytes) -> None:
    good = anchor_of_stamp(stamp, 7, HASH, (stamper.certificate,)).utc_ns
    for offset in range(len(stamp)):
        changed = bytearray(stamp)
        changed[offset] ^= 1
        try:
            assert anchor_of_stamp(bytes(changed), 7, HASH, (stamper.certificate,)).utc_ns == good
        except TimeTokenError:
            continue


@pytest.mark.parametrize("length", [0, 1, 2, 40, 200])
def test_a_token_that_is_cut_off_is_refused(stamper: Stamper, stamp: bytes, length: int) -> None:
    with pytest.raises(TimeTokenError, match="not an RFC 3161 token"):
        anchor_of_stamp(stamp[:length], 7, HASH, (stamper.certificate,))


def test_only_a_certificate_for_time_stamping_is_taken(stamper: Stamper) -> None:
    timetokens.check_stamper(stamper.certificate)
    with pytest.raises(TimeTokenError, match="not one of"):
        timetokens.check_stamper(Store().certificate)


@pytest.mark.parametrize(
    "data", [b"", b"\x30", b"\x30\x80", b"\x30\x81\x7f", b"\x30\x82\x00\x80", b"\x30\x84\0\0\0\1", b"\x30\x02\x05"]
)
def test_der_that_is_not_der_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedError):
        der.Reader(data).take(der.SEQUENCE)


def test_bytes_behind_a_der_value_are_refused() -> None:
    with pytest.raises(MalformedError, match="behind"):
        der.only(b"\x30\x00\x00", der.SEQUENCE)
    with pytest.raises(MalformedError, match="missing"):
        der.Reader(b"").skip()

"""Requests, bundles and certificates of enrolment."""

import hashlib
import json

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import ExtendedKeyUsageOID

from sealing.oids import EKU_DEVICE, EKU_LINK, POLICY_SOFT, Assurance
from sealing.trust import Trust, UntrustedDeviceError
from sync.enrolment import make_request, read_bundle, read_request
from sync.errors import EnrolmentError, StoreError
from sync.store.authority import Authority, Enrolled, enrol
from tests.support.clocks import START_UTC_NS
from tests.support.docks import NOW, STORE_ID, StoreOnDisk

URL = "https://store.example:8370"


@pytest.fixture
def keys() -> tuple[ec.EllipticCurvePrivateKey, ec.EllipticCurvePrivateKey]:
    return ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())


Keys = tuple[ec.EllipticCurvePrivateKey, ec.EllipticCurvePrivateKey]


def enrolled(authority: Authority, keys: Keys) -> Enrolled:
    return enrol(authority, make_request("unit-7", Assurance.SOFT, *keys), STORE_ID, URL, NOW)


def test_a_bundle_makes_a_unit_its_agencys(store: StoreOnDisk, keys: Keys) -> None:
    """SY-30."""
    ca = store.authority.issuer().certificate
    fingerprint = hashlib.sha256(ca.public_bytes(Encoding.DER)).digest()
    data = enrolled(store.authority, keys).bundle
    bundle = read_bundle(data, "unit-7", keys[0].public_key(), keys[1].public_key(), fingerprint)
    assert (bundle.store_url, bundle.store_id) == (URL, STORE_ID)
    assert [one.name for one in bundle.recipients] == ["custodian", "escrow"]


def test_device_and_link_certificates_say_what_they_are_for(store: StoreOnDisk, keys: Keys) -> None:
    made = enrolled(store.authority, keys)
    device, link = (
        x509.load_der_x509_certificate(der) for der in (made.device_certificate_der, made.link_certificate_der)
    )
    usages = [list(one.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value) for one in (device, link)]
    assert usages == [[EKU_DEVICE], [ExtendedKeyUsageOID.CLIENT_AUTH, EKU_LINK]]
    policies = device.extensions.get_extension_for_class(x509.CertificatePolicies).value
    assert [one.policy_identifier for one in policies] == [POLICY_SOFT]


def test_the_verifiers_trust_takes_the_device_certificate_and_refuses_the_link(store: StoreOnDisk, keys: Keys) -> None:
    made, trust = enrolled(store.authority, keys), Trust.load(store.authority.trust)
    assert trust.device(made.device_certificate_der, "unit-7", START_UTC_NS).assurance is Assurance.SOFT
    with pytest.raises(UntrustedDeviceError, match="link"):
        trust.device(made.link_certificate_der, "unit-7", START_UTC_NS)


def test_a_flipped_bit_anywhere_spoils_a_bundle(store: StoreOnDisk, keys: Keys) -> None:
    """SY-30."""
    data = enrolled(store.authority, keys).bundle
    for position in range(0, len(data), 7):
        bad = bytearray(data)
        bad[position] ^= 1
        with pytest.raises(EnrolmentError):
            read_bundle(bytes(bad), "unit-7", keys[0].public_key(), keys[1].public_key())


def test_bundles_for_others_are_refused(store: StoreOnDisk, keys: Keys) -> None:
    """SY-30."""
    data = enrolled(store.authority, keys).bundle
    device, link = keys[0].public_key(), keys[1].public_key()
    for arguments in [("unit-8", device, link), ("unit-7", link, link), ("unit-7", device, device)]:
        with pytest.raises(EnrolmentError):
            read_bundle(data, *arguments)
    with pytest.raises(EnrolmentError, match="fingerprint"):
        read_bundle(data, "unit-7", device, link, bytes(32))


def test_requests_that_prove_nothing_are_refused(keys: Keys) -> None:
    good = json.loads(make_request("unit-7", Assurance.SOFT, *keys))
    read_request(json.dumps(good).encode())
    swapped = make_request("unit-8", Assurance.SOFT, *keys)
    bad = [
        b"not json",
        json.dumps(good | {"device_id": "unit-8"}).encode(),
        json.dumps(good | {"device_id": "../x"}).encode(),
        json.dumps(good | {"link_request": good["device_request"]}).encode(),
        json.dumps(good | {"link_request": json.loads(swapped)["link_request"]}).encode(),
        json.dumps(good | {"device_request": "-----BEGIN"}).encode(),
        json.dumps(good | {"more": 1}).encode(),
    ]
    for data in bad:
        with pytest.raises(EnrolmentError):
            read_request(data)


def test_without_the_ca_key_nobody_is_enrolled(store: StoreOnDisk, keys: Keys) -> None:
    (store.authority.keys / "agency-ca.key").unlink()
    with pytest.raises(StoreError, match=r"agency-ca\.key"):
        enrolled(store.authority, keys)


def test_private_keys_are_for_their_owner_alone(store: StoreOnDisk) -> None:
    modes = {path.name: path.stat().st_mode & 0o777 for path in store.authority.keys.iterdir()}
    assert set(modes.values()) == {0o600}
    assert store.authority.keys.stat().st_mode & 0o777 == 0o700

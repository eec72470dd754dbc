"""A recipient's new key: the old one is kept, old and new rules hold side by side, and nothing changes by halves."""

from datetime import timedelta

import pytest
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from sealing.certificates import spki_of
from sealing.keys import load_recipient_key
from sealing.policy import UnitPolicy
from sealing.suites import SUITES
from sync.errors import StoreError
from sync.store.authority import Authority, create_authority
from sync.store.rotation import rotate_recipient
from tests.support.docks import NOW, STORE_ID, StoreOnDisk

MONTH = timedelta(days=30)
LATER = NOW + MONTH


def policy_of(authority: Authority) -> UnitPolicy:
    data = authority.policy()
    assert data is not None
    return UnitPolicy.read(data, [each.public_bytes(Encoding.DER) for each in authority.authorities()])


def ns(days: float) -> int:
    return int((NOW + timedelta(days=days)).timestamp()) * 10**9


@pytest.mark.parametrize("suite", [1, 2, 3])
def test_old_and_new_rules_hold_side_by_side_for_a_while(store: StoreOnDisk, suite: int) -> None:
    directory = store.directory / "another"
    directory.mkdir()
    authority = create_authority(directory, STORE_ID, ("localhost",), NOW, suite)
    before = policy_of(authority).rules[0].recipients
    old = authority.keys / "recipient-escrow.key"
    was = old.read_bytes()
    done = rotate_recipient(authority, "escrow", LATER, MONTH)
    assert done.old_key.read_bytes() == was != old.read_bytes()
    policy = policy_of(authority)
    assert (policy.number, done.policy_number) == (2, 2)
    key_id = SUITES[suite].key_id(spki_of(authority.certificate("recipient-escrow.pem")))
    new = policy.rules[1].recipients
    assert len(before & new) == 1
    assert key_id in new - before
    assert key_id == SUITES[suite].key_id(_public(authority))
    assert [{rules.recipients for rules in policy.rules_at(ns(day))} for day in (1, 31, 59, 61)] == [
        {before},
        {before, new},
        {before, new},
        {new},
    ]


def _public(authority: Authority) -> bytes:
    key = load_recipient_key(authority.keys / "recipient-escrow.key").public_key()
    return key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)


def test_without_the_key_of_the_ca_nothing_changes(store: StoreOnDisk) -> None:
    directory = store.directory / "another"
    directory.mkdir()
    authority = create_authority(directory, STORE_ID, ("localhost",), NOW)
    (authority.keys / "agency-ca.key").unlink()
    before = {path.name: path.read_bytes() for path in directory.rglob("*") if path.is_file()}
    with pytest.raises(StoreError, match=r"agency-ca\.key"):
        rotate_recipient(authority, "custodian", LATER, MONTH)
    assert {path.name: path.read_bytes() for path in directory.rglob("*") if path.is_file()} == before


def test_a_store_without_policy_and_a_recipient_that_is_none_are_refused(store: StoreOnDisk) -> None:
    with pytest.raises(StoreError, match="no device policy"):
        rotate_recipient(store.authority, "custodian", LATER, MONTH)
    with pytest.raises(StoreError, match="no recipient chief"):
        rotate_recipient(store.authority, "chief", LATER, MONTH)

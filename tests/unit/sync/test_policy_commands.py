"""The device policy from the command line, and the folder that tells a verifier what the store knows (SF-53)."""

import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from sealing.agency_document import KIND_POLICY
from sealing.findings import Code
from sealing.policy import Rules, UnitPolicy
from sealing.suites import SUITE_1
from sealing.trust import Trust
from sealing.verifier import examine_chain
from sync.errors import StoreError
from sync.store.authority import sign_policy
from sync.store.custody import take_in
from sync.store.policy_changes import certificate_of
from sync.store.publishing import Publishing
from sync.store.rotation import present_policy
from sync.store_main import commands
from tests.support.chains import agency
from tests.support.docks import NOW, StoreOnDisk, UnitOnDisk, fill_spool

RECIPIENTS = frozenset(SUITE_1.key_id(each.public_key_der) for each in agency().recipients)
"""Those that the units of these tests seal to."""


@pytest.fixture
def ruled(store: StoreOnDisk, unit: UnitOnDisk) -> StoreOnDisk:
    """A store with a policy; its unit was enrolled before, and seals to recipients of the tests."""
    assert not store.ledger.files(unit.device_id)
    sign_policy(store.authority, 1, (Rules(0, None, frozenset({1}), RECIPIENTS),), NOW)
    return store


def asked(*arguments: object) -> Result:
    return CliRunner().invoke(commands, [str(each) for each in arguments])


def said(*arguments: object) -> str:
    done = asked(*arguments)
    assert done.exit_code == 0, done.output
    return done.output


def policy_of(store: StoreOnDisk) -> UnitPolicy:
    return present_policy(store.authority)


def codes(unit: UnitOnDisk, trust: Path) -> set[str]:
    return {str(each) for each in examine_chain([unit.paths.spool], Trust.load(trust)).verdicts}


def test_the_next_policy_believes_a_unit_no_more(ruled: StoreOnDisk, unit: UnitOnDisk, tmp_path: Path) -> None:
    """SF-53: nobody vouches for what it sealed, so nothing of it counts."""
    fill_spool(unit)
    said("policy", "sign", ruled.directory, "--revoke", unit.device_id, "--since", "2020-01-01")
    policy = policy_of(ruled)
    assert policy.number == 2
    assert policy.revoked_ns(certificate_of(ruled.ledger, unit.device_id)) == 1_577_836_800_000_000_000
    published = Publishing(ruled.ledger).newest(KIND_POLICY)
    assert published is not None
    assert (published.number, published.content) == (2, ruled.authority.policy())
    said("trust", "export", ruled.directory, tmp_path / "trust")
    assert str(Code.UNTRUSTED_KEY) in codes(unit, tmp_path / "trust")


def test_what_the_store_had_receipted_before_still_counts(ruled: StoreOnDisk, unit: UnitOnDisk, tmp_path: Path) -> None:
    """SF-53, with the receipts that the export brings along."""
    fill_spool(unit)
    taken = tuple(take_in(ruled.intake, unit.device_id, unit.paths.spool))
    output = said("revoke", ruled.directory, unit.device_id, "--reason", "lost")
    assert "device policy number 2" in output
    assert f"{len(taken)} receipts" in said("trust", "export", ruled.directory, tmp_path / "trust")
    assert str(Code.UNTRUSTED_KEY) not in codes(unit, tmp_path / "trust")


def test_a_revocation_is_never_moved_to_a_later_time(ruled: StoreOnDisk, unit: UnitOnDisk) -> None:
    for since in ("2024-01-01", "2025-01-01", "2023-01-01"):
        said("policy", "sign", ruled.directory, "--revoke", unit.device_id, "--since", since)
    assert list(policy_of(ruled).revocations.values()) == [1_672_531_200_000_000_000]


def test_an_old_certificate_is_revoked_by_its_file(ruled: StoreOnDisk, unit: UnitOnDisk) -> None:
    path = unit.state / "certificates" / "link.pem"
    said("policy", "sign", ruled.directory, "--certificate", path, "--revoke", unit.device_id)
    assert len(policy_of(ruled).revocations) == 2
    (unit.state / "no.pem").write_text("no certificate")
    assert isinstance(
        asked("policy", "sign", ruled.directory, "--certificate", unit.state / "no.pem").exception, StoreError
    )


def test_new_promises_hold_beside_the_old_ones_for_a_while(ruled: StoreOnDisk) -> None:
    said("policy", "sign", ruled.directory, "--tick-seconds", 300, "--anchor-seconds", 86_400, "--overlap-days", 30)
    before, after = policy_of(ruled).rules
    assert before.until_utc_ns == after.from_utc_ns + 30 * 86_400 * 10**9
    assert (after.tick_seconds, after.alive_seconds, after.anchor_seconds) == (300, None, 86_400)
    assert (after.recipients, after.suites, after.until_utc_ns) == (before.recipients, before.suites, None)
    said("policy", "sign", ruled.directory, "--alive-seconds", 60)
    newest = policy_of(ruled).rules[-1]
    assert (newest.tick_seconds, newest.alive_seconds) == (300, 60)


def test_the_policy_is_shown(ruled: StoreOnDisk, unit: UnitOnDisk) -> None:
    said("policy", "sign", ruled.directory, "--revoke", unit.device_id, "--since", "2024-06-01T12:00:00")
    done = asked("policy", "show", ruled.directory, "--json")
    shown = [json.loads(line) for line in done.stdout.splitlines()]
    assert shown[0]["recipients"] == ", ".join(sorted(each.hex() for each in RECIPIENTS))
    assert shown[1]["from"] == "2024-06-01T12:00:00+00:00"


def test_without_the_cas_key_the_unit_is_let_in_no_more_all_the_same(ruled: StoreOnDisk, unit: UnitOnDisk) -> None:
    """SY-36: the key may lie on offline media; the command says what is left to do."""
    (ruled.authority.keys / "agency-ca.key").unlink()
    output = said("revoke", ruled.directory, unit.device_id, "--reason", "stolen")
    assert f"policy sign --revoke {unit.device_id}" in output
    found = ruled.ledger.unit(unit.device_id)
    assert found is not None
    assert found.revoked
    assert policy_of(ruled).number == 1


def test_a_unit_that_was_retired_in_order_is_still_believed(ruled: StoreOnDisk, unit: UnitOnDisk) -> None:
    said("revoke", ruled.directory, unit.device_id, "--reason", "retired", "--door-only")
    assert policy_of(ruled).number == 1


def test_an_unknown_unit_is_named(ruled: StoreOnDisk, tmp_path: Path) -> None:
    for arguments in (
        ("policy", "sign", ruled.directory, "--revoke", "unit-9"),
        ("trust", "export", ruled.directory, tmp_path / "trust", "--unit", "unit-9"),
    ):
        assert "unit-9" in str(asked(*arguments).exception)
    assert policy_of(ruled).number == 1


def test_the_exported_folder_shows_a_tail_that_is_gone(ruled: StoreOnDisk, unit: UnitOnDisk, tmp_path: Path) -> None:
    """SF-33: the store has receipted more than is left."""
    fill_spool(unit)
    assert tuple(take_in(ruled.intake, unit.device_id, unit.paths.spool))
    said("trust", "export", ruled.directory, tmp_path / "trust", "--unit", unit.device_id)
    assert str(Code.TAIL_MISSING_VS_WITNESS) not in codes(unit, tmp_path / "trust")
    max(unit.paths.spool.glob("*.evs")).unlink()
    assert str(Code.TAIL_MISSING_VS_WITNESS) in codes(unit, tmp_path / "trust")
    assert isinstance(asked("trust", "export", ruled.directory, tmp_path / "trust").exception, StoreError)

"""The device policy from the command line, and the folder that tells a verifier what the store knows (SF-53)."""

import json
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
import sqlalchemy as sa
from click.testing import CliRunner, Result

from sealing.agency_document import KIND_POLICY
from sealing.errors import DocumentError
from sealing.findings import Code
from sealing.policy import Rules, UnitPolicy
from sealing.suites import SUITE_1
from sealing.trust import Trust
from sealing.verifier import examine_chain
from sync.errors import StoreError
from sync.store.authority import sign_policy
from sync.store.custody import accept, take_in
from sync.store.fsck import check_store
from sync.store.intake import Intake
from sync.store.policy_changes import Change, Promises, certificate_of, change_policy
from sync.store.policy_in_force import PolicyInForce
from sync.store.publishing import Publishing
from sync.store.rotation import present_policy
from sync.store.schema import documents
from sync.store.vault import Name
from sync.store_main import commands
from tests.support.chains import agency
from tests.support.docks import NOW, StoreOnDisk, UnitOnDisk, fill_spool, make_unit

RECIPIENTS = frozenset(SUITE_1.key_id(each.public_key_der) for each in agency().recipients)
"""Those that the units of these tests seal to."""


@pytest.fixture
def ruled(store: StoreOnDisk, unit: UnitOnDisk) -> StoreOnDisk:
    """A store with a policy; its unit was enrolled before, and seals to recipients of the tests."""
    assert not store.ledger.files(unit.device_id)
    sign_policy(store.authority, 1, (Rules(0, None, frozenset({1}), RECIPIENTS),), NOW)
    return store


@pytest.fixture
def other(store: StoreOnDisk, unit: UnitOnDisk, tmp_path: Path) -> UnitOnDisk:
    """A second unit of that store; both have sealed something, and now there is a policy."""
    found = make_unit(store.authority, store.ledger, tmp_path / "other", "unit-2")
    for each in (unit, found):
        fill_spool(each)
    sign_policy(store.authority, 1, (Rules(0, None, frozenset({1}), RECIPIENTS),), NOW)
    return found


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


def test_changes_of_one_second_are_built_upon_one_another(ruled: StoreOnDisk) -> None:
    for promises in (Promises(tick_seconds=300), Promises(anchor_seconds=86_400), Promises(alive_seconds=60)):
        change_policy(ruled.authority, Change(promises=promises, overlap=timedelta(days=30)), NOW)
    newest = policy_of(ruled).rules[-1]
    assert (newest.tick_seconds, newest.alive_seconds, newest.anchor_seconds) == (300, 60, 86_400)


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


@pytest.mark.parametrize("since", ["2020-01-01", None])
def test_a_file_of_a_unit_that_the_policy_revokes_is_refused_with_the_reason_and_kept_sy_66(
    ruled: StoreOnDisk, unit: UnitOnDisk, since: str | None
) -> None:
    """SY-66: nobody revoked it at the store's own door; the store that is open already learns of it at once."""
    fill_spool(unit)
    words = () if since is None else ("--since", since)
    said("policy", "sign", ruled.directory, "--revoke", unit.device_id, *words)
    revoked_ns = policy_of(ruled).revoked_ns(certificate_of(ruled.ledger, unit.device_id))
    assert revoked_ns is not None
    later = Intake(ruled.vault, ruled.ledger, ruled.intake.trust, ruled.intake.signer, lambda: revoked_ns)
    taken = list(take_in(later, unit.device_id, unit.paths.spool))
    assert {(one.state, one.reason) for one in taken} == {("parked", "revoked")}
    parked = ruled.ledger.parked(unit.device_id)
    assert len(parked) == len(taken)
    assert all(one.detail.startswith("the agency's device policy number 2 believes") for one in parked)
    assert ruled.ledger.files(unit.device_id) == []
    for one in parked:
        accept(later, Name(unit.device_id, one.file_id), "甲某")
    assert len(ruled.ledger.files(unit.device_id)) == len(taken)
    assert check_store(later).faults == ()


def test_before_the_moment_of_the_revocation_and_of_other_units_everything_is_taken_sy_66(
    store: StoreOnDisk, unit: UnitOnDisk, other: UnitOnDisk
) -> None:
    """SY-66: a receipt of before vouches for what it names (SF-53)."""
    said("policy", "sign", store.directory, "--revoke", unit.device_id, "--since", "2020-01-01")
    revoked_ns = 1_577_836_800 * 10**9
    for now_utc_ns, device, state in (
        (revoked_ns - 1, unit, "promised"),
        (revoked_ns, other, "promised"),
    ):
        intake = Intake(store.vault, store.ledger, store.intake.trust, store.intake.signer, partial(int, now_utc_ns))
        assert {one.state for one in take_in(intake, device.device_id, device.paths.spool)} == {state}


def test_the_policy_of_the_trust_folder_counts_where_it_is_the_newer_one_sy_66(
    ruled: StoreOnDisk, unit: UnitOnDisk
) -> None:
    """SY-66: signed at another desk and copied here, or handed down: the higher number holds."""
    said("policy", "sign", ruled.directory, "--revoke", unit.device_id, "--since", "2020-01-01")
    trust = Trust.load(ruled.authority.trust)
    before = PolicyInForce(trust, ruled.ledger).newest()
    sign_policy(ruled.authority, 3, (Rules(0, None, frozenset({1}), RECIPIENTS),), NOW)
    after = PolicyInForce(Trust.load(ruled.authority.trust), ruled.ledger).newest()
    assert before is not None
    assert after is not None
    assert (before.number, after.number) == (2, 3)
    nothing = PolicyInForce(replace(trust, policy=None), ruled.ledger).newest()
    assert nothing is not None
    assert nothing.number == 2


def test_a_policy_is_judged_once_for_all_files_and_a_new_one_at_once_sy_66(
    store: StoreOnDisk, unit: UnitOnDisk, other: UnitOnDisk
) -> None:
    """SY-66: the store stays open while another process publishes; what follows is held to the new policy."""
    read: list[int] = []

    def counted(data: bytes, authorities: Sequence[bytes]) -> UnitPolicy:
        policy = UnitPolicy.read(data, authorities)
        read.append(policy.number)
        return policy

    store.intake.policy = PolicyInForce(store.intake.trust, store.ledger, counted)
    said("policy", "sign", store.directory, "--tick-seconds", 300)
    taken = list(take_in(store.intake, unit.device_id, unit.paths.spool))
    assert {one.state for one in taken} == {"promised"}
    assert len(taken) > 1
    assert read == [2]
    said("policy", "sign", store.directory, "--revoke", other.device_id, "--since", "2020-01-01")
    refused = list(take_in(store.intake, other.device_id, other.paths.spool))
    assert {(one.state, one.reason) for one in refused} == {("parked", "revoked")}
    assert len(refused) > 1
    assert read == [2, 3]


def test_a_policy_that_was_changed_where_it_is_kept_never_comes_into_force_sy_66(ruled: StoreOnDisk) -> None:
    """SY-66: the database says which one is the newest; that the agency signed it, its signature alone says."""
    said("policy", "sign", ruled.directory, "--tick-seconds", 300)
    in_force = PolicyInForce(ruled.intake.trust, ruled.ledger)
    kept = in_force.newest()
    assert kept is not None
    assert in_force.newest() is kept
    with ruled.ledger.transaction() as connection:
        connection.execute(sa.update(documents).values(content=b"no policy", digest=bytes(32)))
    for _ in range(2):
        with pytest.raises(DocumentError):
            in_force.newest()

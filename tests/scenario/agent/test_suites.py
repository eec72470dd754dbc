"""Agencies that seal by another suite: made, enrolled, recorded, verified and opened by the product's own ways."""

import os
from datetime import UTC, datetime
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.serialization import Encoding

from agent.assembly import prepare
from agent.cli.main import run
from agent.errors import IdentityError
from sealing.errors import LibcryptoError
from sealing.gm import libcrypto
from sealing.keys import load_recipient_key
from sealing.opener import open_sealed
from sealing.policy import POLICY_FILE, UnitPolicy
from sealing.reader import beginning
from sealing.verifier import examine_chain
from sync.errors import EnrolmentError, StoreError
from sync.store.authority import Authority, sign_policy
from tests.support.agent_in_world import first_day, hummed, running_in_world
from tests.support.provisioned_unit import ProvisionedUnit, make_store, provision

pytestmark = pytest.mark.timeout(600)
SIMULATED = ("--assurance", "simulated")


@pytest.fixture
def voice() -> Path:
    return hummed()


def unit_of_suite(root: Path, number: int) -> ProvisionedUnit:
    return provision(root, init=("--suite", str(number)), asking=(*SIMULATED, "--suite", str(number)))


@pytest.mark.parametrize("number", [2, 3])
def test_a_unit_seals_by_the_suite_of_its_agencys_policy(tmp_path: Path, voice: Path, number: int) -> None:
    """SF-37, SF-52: nobody told the unit which suite but the signed policy in its bundle; the escrow key opens it."""
    unit = unit_of_suite(tmp_path / "unit", number)
    with running_in_world(unit, voice, start_utc=first_day(unit)) as scene:
        scene.press()
        scene.wait(5.0)
        scene.press(2.3)
        scene.wait(3.0)
    report = examine_chain([unit.paths.spool], unit.trust)
    assert not report.findings
    assert unit.trust.policy is not None
    found = [beginning(path) for path in sorted(unit.paths.spool.glob("*.evs"))]
    assert {each.opened.suite for each in found if each is not None} == {number}
    escrow = load_recipient_key(unit.store / "keys" / "recipient-escrow.key")
    opened = open_sealed([unit.paths.spool], unit.trust, [escrow], tmp_path / "open")
    assert opened
    assert list((tmp_path / "open").rglob("*.mp4"))


def test_a_key_of_another_suite_is_not_enrolled(tmp_path: Path) -> None:
    with pytest.raises(EnrolmentError, match=r"a P-256 key and the agency seals by suite 3.*--suite 3"):
        provision(tmp_path / "first", init=("--suite", "3"), asking=SIMULATED)
    with pytest.raises(EnrolmentError, match="an SM2 key and the agency seals by suite 1"):
        provision(tmp_path / "second", asking=(*SIMULATED, "--suite", "3"))


def test_a_unit_without_its_agencys_rules_does_not_start(tmp_path: Path) -> None:
    """A policy of other recipients, and one that was changed, say so; recording by other rules is not offered."""
    unit, other = unit_of_suite(tmp_path / "unit", 2), provision(tmp_path / "other", init=("--suite", "2"))
    assert prepare(unit.config).policy.suites == (2,)
    policy = unit.paths.certificates / POLICY_FILE
    good = policy.read_bytes()
    policy.write_bytes((other.store / "trust" / POLICY_FILE).read_bytes())
    with pytest.raises(IdentityError, match="provision install"):
        prepare(unit.config)
    policy.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    with pytest.raises(IdentityError, match="provision install"):
        prepare(unit.config)
    policy.write_bytes(good)
    recipients = sorted((unit.paths.certificates / "recipients").iterdir())
    recipients[0].write_bytes(recipients[1].read_bytes())
    with pytest.raises(IdentityError, match="no rules for the unit's recipients"):
        prepare(unit.config)


def test_the_policy_of_a_store_is_its_own(tmp_path: Path) -> None:
    unit = provision(tmp_path / "unit")
    found = UnitPolicy.read((unit.paths.certificates / POLICY_FILE).read_bytes(), certificates_of(unit))
    assert (found.number, [sorted(rules.suites) for rules in found.rules]) == (1, [[1]])


def certificates_of(unit: ProvisionedUnit) -> tuple[bytes, ...]:
    return tuple(each.public_bytes(Encoding.DER) for each in unit.trust.agency_cas)


def test_a_system_without_sm2_says_so_at_provisioning(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Issue, suites: neither end begins with something that it cannot do."""

    def missing(*_: object) -> None:
        raise LibcryptoError("this system's libcrypto has no SM2")

    monkeypatch.setattr(libcrypto, "generate", missing)
    with pytest.raises(StoreError, match=r"suite 3 cannot be used on this system.*no SM2"):
        make_store(tmp_path / "store", "--suite", "3")
    state, request = str(tmp_path / "state"), str(tmp_path / "request")
    asked = ("provision", "request", "--state", state, "--device-id", "unit-7", "-o", request)
    assert run([*asked, "--suite", "3"]) == os.EX_CONFIG
    assert not Path(request).exists()


def test_the_first_bundle_installed_again_keeps_a_newer_policy(tmp_path: Path) -> None:
    unit = provision(tmp_path / "unit")
    here, authority = unit.paths.certificates / POLICY_FILE, Authority(unit.store)
    first = UnitPolicy.read(here.read_bytes(), certificates_of(unit))
    sign_policy(authority, 2, first.rules, datetime.fromtimestamp(first.issued_utc_ns // 10**9, UTC))
    newer = (authority.trust / POLICY_FILE).read_bytes()
    here.write_bytes(newer)
    again = ["--config", str(unit.config_path), "provision", "install", str(unit.root / "unit.bundle")]
    assert run([*again, "--state", str(unit.paths.state)]) == 0
    assert here.read_bytes() == newer

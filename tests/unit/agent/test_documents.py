"""The agency's documents on their way down: store, sync, inbox, agent, chain (SY-40)."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from click.testing import CliRunner
from cryptography.hazmat.primitives.serialization import Encoding

from agent.config import AgentConfig, HalTable, ProfileTable, SpoolTable, UnitPaths, UnitTable
from agent.documents import accept_document
from agent.profile import parse_profile
from agent.receipts import KeptReceipts, ReceiptKeeper, ReceiptRules
from agent.signed_profile import load_for_unit, remember, sign_profile
from capture.resume import replay
from hal.drivers.files import DirectoryStorage
from sealing.agency_document import KIND_POLICY, sign_document
from sealing.certificates import spki_of
from sealing.errors import DocumentError, PolicyError
from sealing.keys import FileKeySigner
from sealing.policy import Rules, encode_policy
from sealing.records import Event
from sealing.service import SealingService
from sealing.suites import SUITE_1
from sync.errors import ContentError, InboxError
from sync.inbox import put_document
from sync.store.authority import CA_CERTIFICATE, RECIPIENTS
from sync.store.publishing import Publishing
from sync.store.register import Register
from sync.store_main import commands
from sync.unit.client import RefusedError, StoreClient
from sync.unit.spool import Step, opened, steps
from tests.support.chains import start_writer
from tests.support.clocks import START_UTC_NS, MiddayClock
from tests.support.docks import StoreOnDisk, UnitOnDisk, fill_spool, make_unit, opened_store, served
from tests.support.profiles import MINIMAL
from tests.unit.sync.test_courier import Heard, run_once


@dataclass
class Agency:
    """An agency with its store, and one of its units with an agent at work."""

    store: StoreOnDisk
    unit: UnitOnDisk
    keeper: ReceiptKeeper
    paths: UnitPaths

    @property
    def ca_der(self) -> bytes:
        return self.store.authority.certificate(CA_CERTIFICATE).public_bytes(Encoding.DER)

    def profile(self, number: int, text: str = MINIMAL) -> bytes:
        signer = FileKeySigner(self.store.authority.key("agency-ca"))
        return sign_profile(parse_profile(text.encode(), "own.toml"), number, START_UTC_NS, signer, self.ca_der)

    def policy(self, number: int, recipients: frozenset[bytes] | None = None) -> bytes:
        trust = self.store.authority
        own = [spki_of(trust.certificate(f"recipient-{name}.pem")) for name in RECIPIENTS]
        keys = recipients or frozenset(map(SUITE_1.key_id, own))
        payload = encode_policy([Rules(0, None, frozenset({1}), keys)], {})
        signer = FileKeySigner(self.store.authority.key("agency-ca"))
        return sign_document(KIND_POLICY, number, START_UTC_NS, payload, signer, self.ca_der)

    def publish(self, document: bytes) -> None:
        Publishing(self.store.ledger).publish(document, [self.ca_der], START_UTC_NS)

    def dock(self) -> list[str | None]:
        """One docking: what sync brings, and what the agent makes of it; gives the kinds that came."""
        heard = Heard()
        with served(self.store) as url:
            run_once(self.unit, url, heard)
        self.keeper.tend()
        return [report.reason for report in heard.reports if report.event == "document"]

    def events(self) -> list[tuple[str, tuple[tuple[str, int], ...]]]:
        bodies = [step.header.body for path in sorted(self.paths.spool.glob("*.evs")) for step in whole(path)]
        return [(body.code, body.values) for body in bodies if isinstance(body, Event)]


def whole(path: Path) -> list[Step]:
    """The records of a file."""
    with opened(path) as descriptor:
        return list(steps(descriptor, path.stat().st_size))


@pytest.fixture
def agency(tmp_path: Path) -> Iterator[Agency]:
    with opened_store(tmp_path / "store") as store:
        unit = make_unit(store.authority, store.ledger, tmp_path / "unit")
        fill_spool(unit, footage_files=1)
        clock = MiddayClock()
        service = SealingService(
            lambda: start_writer(unit.paths.spool, clock, unit=unit.identity, replay=replay), clock
        )
        service.start()
        table = UnitTable(device_id=unit.device_id, state_directory=unit.state, run_directory=unit.state / "run")
        profile = ProfileTable(name=str(unit.state / "first.profile"), signed=True)
        paths = UnitPaths(AgentConfig(unit=table, hal=HalTable(driver_set="-"), profile=profile))
        rules = ReceiptRules(paths, store.receipt_certificate(), unit.device_id, SpoolTable())
        storage = DirectoryStorage(paths.spool)
        keeper = ReceiptKeeper(rules, KeptReceipts({}, {}), clock, storage, service, lambda: False)
        made = Agency(store, unit, keeper, paths)
        (unit.state / "first.profile").write_bytes(made.profile(1))
        yield made
        service.stop("stop", 60)


def in_force(agency: Agency) -> int:
    """Number of the profile that the next start takes."""
    table = ProfileTable(name=str(agency.unit.state / "first.profile"), signed=True)
    loaded = load_for_unit(table, agency.paths)
    assert loaded.document is not None
    remember(loaded, agency.paths)
    return loaded.document.number


def test_a_profile_comes_down_at_a_docking_once_and_binds_from_the_next_start(agency: Agency) -> None:
    """SY-40, PR-12: byte for byte; the chain says which one came."""
    assert in_force(agency) == 1
    assert agency.dock() == []
    agency.publish(agency.profile(2))
    assert agency.dock() == ["profile"]
    assert agency.events() == [("profile-received", (("number", 2),))]
    assert in_force(agency) == 2
    assert agency.dock() == []
    assert [path.name for path in agency.paths.inbox.iterdir()] == ["store.checkpoint"]
    digest = hashlib.sha256(MINIMAL.encode()).digest()
    assert digest in Register(agency.store.ledger).rules(), "the store knows the rules of what it hands down"


def test_a_policy_without_rules_for_this_units_recipients_is_not_taken(agency: Agency) -> None:
    """The next start would find no rules to seal by: new recipients come with a new bundle first."""
    strangers = frozenset({b"a" * 16, b"b" * 16})
    with pytest.raises(PolicyError, match="no rules for the unit's recipients"):
        accept_document("policy", agency.policy(4, strangers), agency.paths)
    assert not (agency.unit.state / "certificates" / "policy.cose").exists()


def test_a_policy_comes_down_and_lies_where_the_next_start_finds_it(agency: Agency) -> None:
    """SY-40, SF-52."""
    policy = agency.policy(4)
    agency.publish(policy)
    assert agency.dock() == ["policy"]
    assert (agency.unit.state / "certificates" / "policy.cose").read_bytes() == policy
    assert agency.dock() == []
    with pytest.raises(DocumentError, match="older"):
        accept_document("policy", agency.policy(3), agency.paths)


def test_what_is_not_the_agencys_or_is_older_is_rejected_said_and_not_asked_for_again(
    agency: Agency, tmp_path: Path
) -> None:
    """SY-40, SY-29: a store that somebody took over cannot change a unit's rules."""
    agency.publish(agency.profile(5))
    assert agency.dock() == ["profile"]
    assert in_force(agency) == 5
    with opened_store(tmp_path / "elsewhere") as elsewhere:
        stranger = Agency(elsewhere, agency.unit, agency.keeper, agency.paths)
        for bad in (stranger.profile(9), agency.profile(4)):
            put_document(agency.paths.inbox, "profile", bad)
            agency.keeper.tend()
            assert (agency.paths.rejected / "profile.document").read_bytes() == bad
            assert "profile" in (agency.paths.rejected / "profile.document.reason").read_text()
        Publishing(agency.store.ledger).publish(stranger.profile(9), [stranger.ca_der], START_UTC_NS)
    assert [code for code, _ in agency.events()] == ["profile-received", "document-refused", "document-refused"]
    assert in_force(agency) == 5
    assert agency.dock() == ["profile"]
    assert agency.dock() == [], "a rejected document is not fetched again"


def test_the_store_takes_in_only_what_units_would(agency: Agency, tmp_path: Path) -> None:
    """SY-40: signed by the agency, of a kind that units take, with a higher number."""
    publishing = Publishing(agency.store.ledger)
    agency.publish(agency.profile(3))
    agency.publish(_kept(publishing))
    for bad in (agency.profile(2), agency.profile(3, MINIMAL + "# changed\n"), b"", agency.profile(4)[:-1]):
        with pytest.raises(ContentError):
            agency.publish(bad)
    with opened_store(tmp_path / "elsewhere") as elsewhere:
        stranger = Agency(elsewhere, agency.unit, agency.keeper, agency.paths)
        with pytest.raises(ContentError, match="signed"):
            agency.publish(stranger.profile(7))
    found = publishing.newest("profile")
    assert found is not None
    assert found.number == 3


def _kept(publishing: Publishing) -> bytes:
    found = publishing.newest("profile")
    assert found is not None
    return found.content


def test_a_kind_that_nobody_knows_is_not_found(agency: Agency) -> None:
    """SY-40."""
    with served(agency.store) as url:
        client = StoreClient(url, agency.unit.device_id, None, timeout_seconds=60)
        for kind in ("policy", "keys", "..%2fkeys"):
            with pytest.raises(RefusedError) as refused:
                client.document(kind, frozenset())
            assert refused.value.status in {400, 404}
        client.close()


def test_too_much_is_never_put_into_the_inbox(agency: Agency) -> None:
    """SY-28."""
    with pytest.raises(InboxError, match="more than"):
        put_document(agency.paths.inbox, "profile", bytes(64 * 1024 + 1))


@pytest.mark.parametrize("size", [10, 70_000])
def test_publish_says_what_is_wrong(agency: Agency, tmp_path: Path, size: int) -> None:
    """SY-40."""
    path = tmp_path / "some.profile"
    path.write_bytes(bytes(size))
    done = CliRunner().invoke(commands, ["publish", str(agency.store.directory), str(path)])
    assert done.exception is not None
    path.write_bytes(agency.profile(8))
    done = CliRunner().invoke(commands, ["publish", str(agency.store.directory), str(path)])
    assert done.exit_code == 0, done.exception
    assert "profile number 8" in done.stderr

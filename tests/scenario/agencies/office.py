"""An agency's office on a day of its own: its store, and a unit that it took in under a profile as it ships."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from agent.cli.main import run
from agent.profile import load_profile
from capture.settings import CHINA
from sealing.keys import load_recipient_key
from sealing.oids import Assurance
from sealing.suites import RecipientPrivateKey
from sync import inbox
from sync.store.authority import Authority, create_authority, enrol
from sync.store.custody import take_in
from sync.store.ledger import Unit
from sync.store.overview import Overview
from sync.store.register import Register
from sync.store.settings import StoreSettings, save_settings
from tests.support.docks import STORE_ID, StoreOnDisk, opened_store
from tests.support.provisioned_unit import STORE_URL, UNIT, ProvisionedUnit

DAY = datetime(2026, 4, 30, 9, 0, tzinfo=CHINA)
"""A Thursday; the five days behind it are the holiday of the first of May."""
DAY_UTC_NS = int(DAY.timestamp()) * 10**9
KEEPER = "王某:G-0007"


@dataclass(frozen=True)
class Office:
    """Where the store and its unit lie."""

    unit: ProvisionedUnit
    profile: str

    @property
    def custodian(self) -> RecipientPrivateKey:
        return load_recipient_key(self.unit.store / "keys" / "recipient-custodian.key")

    @contextmanager
    def opened(self, now_utc_ns: int = DAY_UTC_NS) -> Iterator[StoreOnDisk]:
        """The store, which knows the agency's profile."""
        with opened_store(self.unit.store, now_utc_ns=now_utc_ns) as store:
            yield store

    @contextmanager
    def overview(self) -> Iterator[Overview]:
        """What the back office sees."""
        with self.opened() as store:
            yield Overview(store.ledger, Register(store.ledger))

    def take_in(self, now_utc_ns: int) -> None:
        """What follows docking: every file that has ended goes in, every receipt comes back."""
        with self.opened(now_utc_ns) as store:
            spool = self.unit.paths.spool
            found = list(take_in(store.intake, UNIT, spool))
            assert {one.state for one in found} <= {"promised", "open"}, found
            for one in found:
                if one.file_id is not None:
                    receipt = store.ledger.receipt(UNIT, bytes.fromhex(one.file_id))
                    assert receipt is not None
                    inbox.put(self.unit.paths.inbox, one.number, receipt)


def make_office(root: Path, profile: str) -> Office:
    """Found the agency, and take a unit in, by the commands and calls of administrators."""
    unit = ProvisionedUnit(root)
    unit.store.mkdir(parents=True)
    authority = create_authority(unit.store, STORE_ID, ("localhost",), DAY)
    save_settings(unit.store, StoreSettings(store_id=STORE_ID, url=STORE_URL))
    request, bundle, state = root / "request.json", root / "unit.bundle", root / "state"
    asked = ["provision", "request", "--state", str(state), "--device-id", UNIT, "-o", str(request)]
    assert run([*asked, "--assurance", "simulated"]) == 0
    bundle.write_bytes(_enrolled(unit.store, authority, request.read_bytes()))
    installed = ["--config", str(unit.config_path), "provision", "install", str(bundle), "--state", str(state)]
    sim = ["--driver-set", "sim", "--run", str(root / "run")]
    assert run([*installed, "--profile", profile, "--keeper", KEEPER, *sim]) == 0
    with opened_store(unit.store) as store:
        Register(store.ledger).add_profile(load_profile(profile).content, DAY_UTC_NS)
    return Office(unit, profile)


def _enrolled(store: Path, authority: Authority, request: bytes) -> bytes:
    enrolled = enrol(authority, request, STORE_ID, STORE_URL, DAY)
    unit = Unit(enrolled.device_id, Assurance(enrolled.assurance), DAY_UTC_NS, revoked=False)
    with opened_store(store) as opened:
        opened.ledger.enrol(unit, enrolled.device_certificate_der, enrolled.link_certificate_der)
    return enrolled.bundle

"""A store and its units as they stand on disk, made by the real enrolment and filled by the real writer."""

import asyncio
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from hal.drivers.system_clock import SystemClock
from sealing.framing import PREFIX_BYTES, decode_prefix
from sealing.identity import DeviceIdentity
from sealing.keys import FileKeySigner
from sealing.limits import MAGIC
from sealing.oids import Assurance
from sealing.policy import POLICY_FILE
from sealing.trust import Trust
from sealing.writer import ChainWriter
from sync.enrolment import make_request, read_bundle
from sync.store.authority import RECEIPT_CERTIFICATE, TLS_CERTIFICATE, Authority, create_authority, enrol
from sync.store.certificates import issue, link_wanted, server_wanted
from sync.store.doorkeeper import Doorkeeper
from sync.store.intake import Intake, ReceiptSigner
from sync.store.ledger import Ledger, Unit, open_ledger
from sync.store.server import StoreServer
from sync.store.settings import StoreSettings, save_settings
from sync.store.vault import Vault
from sync.unit.config import SyncPaths
from tests.support.chains import DEVICE_ID, close_facts, fragment, media, run_facts, start_writer
from tests.support.clocks import START_UTC_NS, ManualClock

STORE_ID = "store-test"
HOSTS = ("localhost", "127.0.0.1")
NOW = datetime.fromtimestamp(START_UTC_NS // 10**9, UTC)
"""When agencies and units of these tests were made."""


def today() -> datetime:
    """The day of this machine: the ends of a line hold certificates against it, and theirs live for two years."""
    return datetime.fromtimestamp(SystemClock().read().utc_ns // 10**9, UTC)


@dataclass(frozen=True)
class StoreOnDisk:
    """A store's folder with everything open."""

    directory: Path
    authority: Authority
    ledger: Ledger
    vault: Vault
    intake: Intake

    def receipt_certificate(self) -> x509.Certificate:
        return self.authority.certificate(RECEIPT_CERTIFICATE)


@dataclass(frozen=True)
class UnitOnDisk:
    """An enrolled unit's state directory."""

    state: Path
    identity: DeviceIdentity
    config: Path

    @property
    def device_id(self) -> str:
        return self.identity.device_id

    @property
    def paths(self) -> SyncPaths:
        return SyncPaths(self.state, self.state / "run")


def make_folder(directory: Path, settings: StoreSettings | None = None) -> Authority:
    """A store as `recorder-store init` makes it."""
    directory.mkdir(parents=True)
    authority = create_authority(directory, STORE_ID, HOSTS, NOW)
    served = issue(authority.issuer(), authority.key("tls").public_key(), server_wanted(HOSTS), today())
    (authority.trust / TLS_CERTIFICATE).write_bytes(served.public_bytes(Encoding.PEM))
    # The writers of these tests seal to recipients of their own.
    (authority.trust / POLICY_FILE).unlink()
    save_settings(directory, settings or StoreSettings(store_id=STORE_ID, url="https://localhost:8370"))
    return authority


@contextmanager
def opened_store(directory: Path, reserve_bytes: int = 0, now_utc_ns: int = START_UTC_NS) -> Iterator[StoreOnDisk]:
    """A store, made when it is not there, with its database open; it promises at one moment of civil time."""
    authority = Authority(directory) if directory.exists() else make_folder(directory)
    ledger = open_ledger(directory)
    vault = Vault(directory, reserve_bytes)
    vault.prepare()
    signer = ReceiptSigner(STORE_ID, authority.key("receipt"))
    intake = Intake(vault, ledger, Trust.load(authority.trust), signer, lambda: now_utc_ns)
    try:
        yield StoreOnDisk(directory, authority, ledger, vault, intake)
    finally:
        ledger.close()


def make_unit(
    authority: Authority,
    ledger: Ledger,
    state: Path,
    device_id: str = DEVICE_ID,
    assurance: Assurance = Assurance.SIMULATED,
) -> UnitOnDisk:
    """A unit, enrolled: its request signed, its bundle checked and put where the agent puts it."""
    device_key, link_key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
    request = make_request(device_id, assurance, device_key, link_key)
    enrolled = enrol(authority, request, STORE_ID, "https://localhost:8370", NOW)
    unit = Unit(device_id, assurance, START_UTC_NS, revoked=False)
    link = issue(authority.issuer(), link_key.public_key(), link_wanted(device_id), today())
    link_der = link.public_bytes(Encoding.DER)
    ledger.enrol(unit, enrolled.device_certificate_der, link_der)
    bundle = read_bundle(enrolled.bundle, device_id, device_key.public_key(), link_key.public_key())
    for folder in ("spool", "inbox", "receipts", "keys", "certificates", "run"):
        (state / folder).mkdir(parents=True)
    link_pem = link_key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    (state / "keys" / "link.key").write_bytes(link_pem)
    for name, der in {
        "link.pem": link_der,
        "agency-ca.pem": bundle.agency_ca_der,
        "store-receipt.pem": bundle.receipt_certificate_der,
    }.items():
        pem = x509.load_der_x509_certificate(der).public_bytes(Encoding.PEM)
        (state / "certificates" / name).write_bytes(pem)
    (state / "certificates" / "recipients").mkdir()
    for one in bundle.recipients:
        pem = x509.load_der_x509_certificate(one.certificate_der).public_bytes(Encoding.PEM)
        (state / "certificates" / "recipients" / f"{one.name}.pem").write_bytes(pem)
    config = state / "agent.toml"
    config.write_text(f'[unit]\ndevice_id = "{device_id}"\nstate_directory = "."\nrun_directory = "run"\n')
    identity = DeviceIdentity(device_id, FileKeySigner(device_key), bundle.device_certificate_der)
    return UnitOnDisk(state, identity, config)


def write_session(writer: ChainWriter, footage_files: int = 2, fragments: int = 3, fragment_bytes: int = 3_000) -> None:
    """Some footage files, each closed."""
    for file in range(footage_files):
        before, behind = fragments * file, fragments * (file + 1)
        writer.open_footage(run_facts(run=file + 1, first_frame=30 * before, first_sample=48_000 * before))
        for number in range(before, behind):
            writer.append_fragment(fragment(number), media(number, fragment_bytes))
        writer.close_footage(replace(close_facts(behind), fragments=fragments))


def fill_spool(
    unit: UnitOnDisk,
    footage_files: int = 2,
    fragments: int = 3,
    fragment_bytes: int = 3_000,
    clock: ManualClock | None = None,
) -> None:
    """One start of the agent: ledger, footage files, and an orderly end."""
    writer = start_writer(unit.paths.spool, clock, unit=unit.identity)
    write_session(writer, footage_files, fragments, fragment_bytes)
    writer.halt("stop")


def crash_spool(unit: UnitOnDisk, junk: bytes = b"\x00\x00\x01\x90half a record", *, repeat: bool = False) -> None:
    """One start of the agent that ends in the middle of a footage file's record, and the start behind it.

    With `repeat`, what lies behind the last record that counts is a copy of that record, whole and out of place.
    """
    clock = ManualClock()
    writer = start_writer(unit.paths.spool, clock, unit=unit.identity)
    writer.open_footage(run_facts())
    writer.append_fragment(fragment(0), media(0))
    writer.abandon()
    newest = max(unit.paths.spool.glob("*.evs"))
    data = newest.read_bytes()
    newest.write_bytes(data + (data[_last_record(data) :] if repeat else junk))
    clock.reboot("boot-2")
    start_writer(unit.paths.spool, clock, unit=unit.identity).halt("stop")


def _last_record(data: bytes) -> int:
    """Offset at which the last record begins."""
    offset = begin = len(MAGIC)
    while offset < len(data):
        begin = offset
        offset += PREFIX_BYTES + sum(decode_prefix(data[offset : offset + PREFIX_BYTES]))
    return begin


@contextmanager
def served(store: StoreOnDisk, body_idle_seconds: float = 30.0) -> Iterator[str]:
    """The store's HTTP side on a thread of its own; gives its URL."""
    ready, urls = threading.Event(), list[str]()
    stops = list[Callable[[], object]]()

    async def run() -> None:
        stop = asyncio.Event()
        loop = asyncio.get_running_loop()
        stops.append(lambda: loop.call_soon_threadsafe(stop.set))
        runner = web.AppRunner(
            StoreServer(store.intake, STORE_ID, body_idle_seconds).application(), access_log=None, shutdown_timeout=1.0
        )
        await runner.setup()
        assert runner.server is not None
        listener = await loop.create_server(Doorkeeper(runner.server), "127.0.0.1", 0)
        urls.append(f"http://127.0.0.1:{listener.sockets[0].getsockname()[1]}")
        ready.set()
        await stop.wait()
        listener.close()
        await runner.cleanup()

    thread = threading.Thread(target=lambda: asyncio.run(run()), name="store")
    thread.start()
    try:
        assert ready.wait(60)
        yield urls[0]
    finally:
        stops[0]()
        thread.join(60)

"""The shipped broker configuration, on a real mosquitto: who may connect, and who may touch what."""

import os
import signal
import socket
import ssl
import stat
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from sync.errors import WireError
from sync.store import broker as broker_files
from sync.store import certificates
from sync.store.authority import Authority
from sync.store.broker import STORE_USER, share_group
from sync.store.register import Register
from sync.unit.broker_link import BrokerLink
from sync.wire import device_id_of
from tests.support.broker import Broker, add_settings, agency_broker, client_tls, running, store_tls
from tests.support.broker_peer import Peer, peer
from tests.support.clocks import START_UTC_NS
from tests.support.docks import StoreOnDisk, UnitOnDisk, make_folder, make_unit, opened_store, today
from tests.support.ports import free_port
from tests.system.sync.test_processes import run

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

ME, OTHER = "unit-me", "unit-other"


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreOnDisk]:
    with opened_store(tmp_path_factory.mktemp("agency") / "store") as opened:
        yield opened


@pytest.fixture(scope="module")
def units(store: StoreOnDisk, tmp_path_factory: pytest.TempPathFactory) -> dict[str, UnitOnDisk]:
    folder = tmp_path_factory.mktemp("units")
    return {name: make_unit(store.authority, store.ledger, folder / name, name) for name in (ME, OTHER)}


@pytest.fixture(scope="module")
def broker(store: StoreOnDisk, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Broker]:
    with agency_broker(store.authority, tmp_path_factory.mktemp("broker")) as running:
        yield running


def link(unit: UnitOnDisk) -> ssl.SSLContext:
    return client_tls(unit.paths.agency_ca, unit.paths.link_certificate, unit.paths.link_key)


@pytest.fixture
def me(broker: Broker, units: dict[str, UnitOnDisk]) -> Iterator[Peer]:
    with peer("me", broker.port, link(units[ME])) as one:
        yield one


@pytest.fixture
def other(broker: Broker, units: dict[str, UnitOnDisk]) -> Iterator[Peer]:
    with peer("other", broker.port, link(units[OTHER])) as one:
        yield one


@pytest.fixture
def answering(broker: Broker, store: StoreOnDisk) -> Iterator[Peer]:
    with peer("store", broker.port, store_tls(store.authority)) as one:
        assert one.subscribe("recorder/v1/+/up/#") == "Granted QoS 1"
        yield one


def test_a_unit_is_heard_by_the_store_and_hears_its_answer(me: Peer, answering: Peer) -> None:
    me.subscribe(f"recorder/v1/{ME}/down/#")
    assert me.publish(f"recorder/v1/{ME}/up/question", b"1") == "Success"
    assert answering.hear() == (f"recorder/v1/{ME}/up/question", b"1")
    assert answering.publish(f"recorder/v1/{ME}/down/answer", b"2") == "Success"
    assert me.hear() == (f"recorder/v1/{ME}/down/answer", b"2")


@pytest.mark.parametrize(
    "topic",
    [
        f"recorder/v1/{OTHER}/up/question",
        f"recorder/v1/{OTHER}/down/answer",
        f"recorder/v1/{ME}/down/answer",
        f"recorder/v1/{ME}",
        f"recorder/v1/{STORE_USER}/up/x",
        "recorder/v1/up/x",
        "recorder/v2/anything",
        "anything",
        "$SYS/broker/version",
        "$share/stores/recorder/v1/x",
    ],
)
@pytest.mark.parametrize("retain", [False, True])
def test_a_unit_writes_nowhere_else(me: Peer, topic: str, retain: bool) -> None:
    assert me.publish(topic, b"forged", retain=retain) in {"Not authorized", "dropped"}


def test_only_the_store_answers(me: Peer, other: Peer, answering: Peer) -> None:
    me.subscribe(f"recorder/v1/{ME}/down/#")
    for liar in (me, other):
        assert liar.publish(f"recorder/v1/{ME}/down/answer", b"false") == "Not authorized"
    answering.publish(f"recorder/v1/{ME}/down/answer", b"true")
    assert me.hear() == (f"recorder/v1/{ME}/down/answer", b"true")


@pytest.mark.parametrize(
    "wish",
    [
        "#",
        "+/+/+/+/+",
        "recorder/v1/+/down/#",
        f"recorder/v1/{OTHER}/down/answer",
        "recorder/v1/+/up/#",
        f"recorder/v1/{OTHER}/#",
        "$share/spies/recorder/v1/+/down/#",
        "$share/stores/recorder/v1/+/up/#",
    ],
)
def test_a_unit_reads_nothing_else_whatever_it_subscribes_to(me: Peer, other: Peer, answering: Peer, wish: str) -> None:
    """What was kept before, what comes now, and what the other says: of all that, only its own answer arrives."""
    answering.publish(f"recorder/v1/{OTHER}/down/answer", b"kept for the other", retain=True)
    me.subscribe(wish)
    answering.publish(f"recorder/v1/{OTHER}/down/answer", b"for the other")
    other.publish(f"recorder/v1/{OTHER}/up/question", b"of the other")
    me.subscribe(f"recorder/v1/{ME}/down/last")
    answering.publish(f"recorder/v1/{ME}/down/last", b"mine")
    assert me.hear() == (f"recorder/v1/{ME}/down/last", b"mine")
    assert answering.hear() == (f"recorder/v1/{OTHER}/up/question", b"of the other")
    answering.publish(f"recorder/v1/{OTHER}/down/answer", b"", retain=True)


@pytest.mark.parametrize("guess", ["stores", "+"])
def test_a_spy_takes_no_message_away_from_the_stores_processes(
    me: Peer, broker: Broker, store: StoreOnDisk, guess: str
) -> None:
    """An ACL of mosquitto rules reading, not subscribing: in the same group a spy would get, and lose, its share."""
    with peer("worker", broker.port, store_tls(store.authority)) as worker:
        worker.subscribe(f"$share/{share_group(store.authority)}/recorder/v1/+/up/#")
        me.subscribe(f"$share/{guess}/recorder/v1/+/up/#")
        if not me.is_down:
            questions = [str(number).encode() for number in range(8)]
            for one in questions:
                me.publish(f"recorder/v1/{ME}/up/question", one)
            assert [worker.hear()[1] for _ in questions] == questions


def test_nobody_throws_a_unit_off_by_taking_its_client_id(
    broker: Broker, units: dict[str, UnitOnDisk], other: Peer, answering: Peer
) -> None:
    """A broker ends the connection of whoever had the id before: it is one that cannot be guessed."""
    mine = BrokerLink(broker.url, ME, "files", link(units[ME]))
    mine.open()
    box = mine.box
    for guess in (ME, f"{ME}.files", "recorder-store", "recorder-store.any"):
        with peer(guess, broker.port, link(units[OTHER])):
            pass
    answering.publish(f"recorder/v1/{ME}/down/{box}", b"still there")
    mine.pump(60.0)
    mine.publish(f"recorder/v1/{ME}/up/any/ask/time", b"and back")
    assert answering.hear() == (f"recorder/v1/{ME}/up/any/ask/time", b"and back")
    mine.close()


def test_a_last_will_reaches_the_own_branch_alone(
    broker: Broker, units: dict[str, UnitOnDisk], answering: Peer
) -> None:
    for topic in (f"recorder/v1/{OTHER}/up/presence", f"recorder/v1/{OTHER}/down/x", f"recorder/v1/{ME}/down/x"):
        dying = Peer("dying", link(units[ME]))
        dying.client.will_set(topic, b"gone", qos=1, retain=True)
        found = dying.connect(broker.port)
        if found == "Success":
            dying.break_off()
        else:
            dying.close()
    dying = Peer("dying-2", link(units[ME]))
    dying.client.will_set(f"recorder/v1/{ME}/up/presence", b"gone", qos=1)
    assert dying.connect(broker.port) == "Success"
    dying.break_off()
    assert answering.hear() == (f"recorder/v1/{ME}/up/presence", b"gone")


def key_pair(folder: Path, authority: Authority, wanted: certificates.Wanted, age: timedelta) -> tuple[Path, Path]:
    """A fresh key and a certificate of the agency's CA that was issued some time ago."""
    key = ec.generate_private_key(ec.SECP256R1())
    certificate = certificates.issue(authority.issuer(), key.public_key(), wanted, today() - age)
    certificate_path, key_path = folder / "one.pem", folder / "one.key"
    certificate_path.write_bytes(certificate.public_bytes(Encoding.PEM))
    key_path.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    return certificate_path, key_path


REFUSED = {
    "expired": (certificates.link_wanted(ME), timedelta(days=certificates.LINK_DAYS + 1)),
    "of the store's HTTPS": (certificates.server_wanted(["localhost"]), timedelta()),
    "of receipts": (certificates.receipt_wanted("store"), timedelta()),
}


@pytest.mark.parametrize("kind", REFUSED)
def test_a_certificate_that_is_no_link_or_not_in_its_time_opens_nothing(
    broker: Broker, store: StoreOnDisk, tmp_path: Path, kind: str
) -> None:
    wanted, age = REFUSED[kind]
    certificate, key = key_pair(tmp_path, store.authority, wanted, age)
    assert refused(broker, client_tls(store.authority.trust / "agency-ca.pem", certificate, key))


def test_another_agencys_unit_is_refused(broker: Broker, store: StoreOnDisk, tmp_path: Path) -> None:
    foreign = make_folder(tmp_path / "foreign")
    certificate, key = key_pair(tmp_path, foreign, certificates.link_wanted(ME), timedelta())
    assert refused(broker, client_tls(store.authority.trust / "agency-ca.pem", certificate, key))


def no_certificate(ca: Path) -> ssl.SSLContext:
    return ssl.create_default_context(cafile=str(ca))


def old_tls(ca: Path) -> ssl.SSLContext:
    context = ssl.create_default_context(cafile=str(ca))
    context.maximum_version = ssl.TLSVersion.TLSv1_2
    return context


@pytest.mark.parametrize("make", [no_certificate, old_tls])
def test_nobody_comes_in_without_certificate_or_by_old_tls(
    broker: Broker, store: StoreOnDisk, make: Callable[[Path], ssl.SSLContext]
) -> None:
    assert refused(broker, make(store.authority.trust / "agency-ca.pem"))


CONNECT = bytes.fromhex("1013 0004 4d515454 05 02 003c 00 0006 6e6f626f6479")
"""MQTT 5, clean start, one minute, client id «nobody»."""


def refused(broker: Broker, tls: ssl.SSLContext) -> bool:
    """Whether the broker ends a connection before it says anything."""
    with socket.create_connection(("127.0.0.1", broker.port), timeout=60) as line:
        try:
            with tls.wrap_socket(line, server_hostname="127.0.0.1") as secured:
                secured.sendall(CONNECT)
                return not secured.recv(1)
        except (ssl.SSLError, ConnectionError):
            return True


def test_what_is_refused_otherwise_is_welcome_with_a_link_certificate(
    broker: Broker, units: dict[str, UnitOnDisk]
) -> None:
    assert not refused(broker, link(units[ME]))


def test_a_packet_beyond_the_limit_ends_the_connection_and_the_broker_lives(me: Peer, answering: Peer) -> None:
    me.client.publish(f"recorder/v1/{ME}/up/large", bytes(5 * 1024 * 1024), qos=1)
    assert me.publish(f"recorder/v1/{ME}/up/small", b"") == "dropped"
    assert not answering.is_down


def test_no_unit_can_be_called_as_the_store_is() -> None:
    with pytest.raises(WireError):
        device_id_of(STORE_USER)


def test_the_command_writes_what_a_broker_starts_with(store: StoreOnDisk, tmp_path: Path) -> None:
    folder, port = tmp_path / "broker", free_port()
    run("sync.store_main", "broker", store.directory, folder, "--host", "127.0.0.1", "--port", str(port))
    assert stat.S_IMODE((folder / "broker.key").stat().st_mode) == 0o600
    add_settings(folder)
    with running(Broker(folder, port, tls=True)) as started:
        assert not refused(started, store_tls(store.authority))
        assert started.stop() == 0


def test_a_revoked_units_link_opens_nothing_once_the_broker_has_read_its_list(
    store: StoreOnDisk, units: dict[str, UnitOnDisk], tmp_path: Path
) -> None:
    """SY-36, SY-51: by its list, read while it serves; everybody else stays welcome."""
    lost = make_unit(store.authority, store.ledger, tmp_path / "lost", "unit-lost")
    with agency_broker(store.authority, tmp_path / "broker") as started:
        assert not refused(started, link(lost))
        Register(store.ledger).revoke("unit-lost", "lost", START_UTC_NS)
        run("sync.store_main", "broker", store.directory, started.folder, "--denied-only")
        os.kill(started.pid, signal.SIGHUP)
        assert any(refused(started, link(lost)) for _ in range(100))
        assert refused(started, link(lost))
        assert not refused(started, link(units[ME]))


def test_the_page_for_administrators_names_the_shipped_limits() -> None:
    page = (broker_files.SHIPPED.parents[1] / "docs" / "broker.md").read_text(encoding="utf-8")
    shipped = (broker_files.SHIPPED / broker_files.CONFIGURATION).read_text(encoding="utf-8")
    assert "| `max_packet_size` | 4 MiB + 4 KiB |" in page
    assert "\nmax_packet_size 4198400\n" in shipped
    assert "| `max_queued_messages`, `max_queued_bytes` | 4096, 128 MiB |" in page
    assert "\nmax_queued_messages 4096\nmax_queued_bytes 134217728\n" in shipped

"""A unit and its store with a real broker between them: everything that HTTP does, and the same promises."""

import contextlib
import http.client
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from agent.config import AgentConfig
from agent.doctor_links import try_store
from agent.doctor_values import Outcome
from hal.drivers.system_clock import SystemClock
from sealing.receipts import read_receipt, receipt_key
from sync import inbox
from sync.errors import ConfigurationError
from sync.inclusion import detach
from sync.mqtt import bodies, topics
from sync.mqtt.address import BrokerAddress, broker_address
from sync.receipt_check import check_receipt
from sync.store.mqtt_lanes import OF_A_UNIT_MAX
from sync.store.presences import Presences
from sync.unit.broker_link import BrokerLink
from sync.unit.client import LinkError, RefusedError, StoppedError, StoreClient, tls_context
from sync.unit.courier import Ending
from sync.unit.reports import Report
from sync.unit.routes import Routes
from sync.unit.spool import numbers
from sync.unit.transport import Transport
from sync.wire import Inventory
from sync.witness import verify_time
from tests.support.broker import Broker, agency_broker, plain_broker
from tests.support.broker_peer import peer
from tests.support.cutting_proxy import Cut, CuttingProxy, Way
from tests.support.docks import UnitOnDisk, fill_spool, make_unit, opened_store
from tests.support.mqtt_units import PATIENT_SECONDS, carry_by, ended_files, mqtt_client, served_by, wait_until_heard
from tests.support.store_process import StoreProcess
from tests.system.sync.test_processes import rows, run

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

MIB = 1024 * 1024


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    with opened_store(tmp_path / "store"):
        return tmp_path / "store"


@pytest.fixture
def unit(folder: Path, tmp_path: Path) -> UnitOnDisk:
    with opened_store(folder) as store:
        made = make_unit(store.authority, store.ledger, tmp_path / "unit")
    fill_spool(made, footage_files=1, fragments=20, fragment_bytes=300_000)
    return made


@pytest.fixture
def broker(tmp_path: Path) -> Iterator[Broker]:
    with plain_broker(tmp_path / "broker") as one:
        yield one


@pytest.fixture
def served(folder: Path, unit: UnitOnDisk, broker: Broker) -> Iterator[StoreProcess]:
    with served_by(folder, broker.url) as process:
        yield process


def check_all(folder: Path, unit: UnitOnDisk) -> None:
    """Every file is at the store once, and its receipt with the unit."""
    with opened_store(folder) as store:
        for number in numbers(unit.paths.spool):
            receipt = (unit.paths.inbox / inbox.receipt_name(number)).read_bytes()
            check_receipt(receipt, store.receipt_certificate(), unit.device_id, unit.paths.spool / f"{number:08d}.evs")
        told = sorted(read_receipt(row["receipt"]).receipt_number for row in store.ledger.files())
        assert told == list(range(1, len(numbers(unit.paths.spool)) + 1))


def test_a_docked_unit_gets_its_receipts_over_mutual_tls(folder: Path, unit: UnitOnDisk, tmp_path: Path) -> None:
    """SY-24, SY-50, SY-52: the broker as it is shipped."""
    with opened_store(folder) as store:
        authority = store.authority
    with agency_broker(authority, tmp_path / "agency") as one, served_by(folder, one.url):
        client = mqtt_client(unit, one.url, tls_context(unit.paths))
        wait_until_heard(client)
        assert carry_by(unit, client) is Ending.ALL_RECEIPTED
    check_all(folder, unit)


def test_what_is_asked_over_mqtt_is_answered_as_over_http(
    folder: Path, unit: UnitOnDisk, served: StoreProcess, broker: Broker
) -> None:
    """SY-35, SY-44, SY-45."""
    with opened_store(folder) as store:
        key = receipt_key(store.receipt_certificate())
    assert carry_by(unit, mqtt_client(unit, broker.url)) is Ending.ALL_RECEIPTED
    file = ended_files(unit)[-1]
    over_mqtt = mqtt_client(unit, broker.url, answer_seconds=PATIENT_SECONDS)
    both: list[Transport] = [over_mqtt, StoreClient(served.url, unit.device_id, None, timeout_seconds=PATIENT_SECONDS)]
    assert len({detach(one.receipt(file) or b"")[0] for one in both}) == 1
    assert len({one.inventory(Inventory(files=())).model_dump_json() for one in both}) == 1
    asked = [one.log(0) for one in both]
    assert asked[0].checkpoint.splitlines()[:3] == asked[1].checkpoint.splitlines()[:3]
    assert len({one.log_place(file.file_id, 1 + len(numbers(unit.paths.spool)) - 1) for one in both}) == 1
    with contextlib.closing(http.client.HTTPConnection("127.0.0.1", served.port, timeout=60)) as line:
        line.request("GET", "/metrics")
        said = line.getresponse().read().decode()
    held = sum(one.size_bytes for one in ended_files(unit))
    assert f"recorder_store_received_bytes_total {held}\n" in said
    assert "recorder_store_broker_up 1\n" in said
    assert 'recorder_store_requests_total{method="MQTT",status="404",reason="no-document"}' in said
    for one in both:
        standing = one.head(file)
        assert standing is not None
        assert (standing.offset_bytes, standing.receipted) == (file.size_bytes, True)
        with pytest.raises(RefusedError) as refused:
            one.document("policy", frozenset())
        assert (refused.value.status, refused.value.code) == (404, "no-document")
        token = verify_time(one.time(b"n" * 16), key)
        assert (token.device_id, token.nonce) == (unit.device_id, b"n" * 16)
        one.close()


def wait_for(so: Callable[[], bool]) -> None:
    """Wait until something is so."""
    clock = SystemClock()
    never = clock.signal()
    for _ in range(10_000):
        if so():
            return
        clock.wait(never, 0.01)
    raise AssertionError("it did not come about")


def stop_at(client: Transport, unit: UnitOnDisk, offset: int) -> int:
    """Send until told to stop; gives how far the line said it was."""
    file = ended_files(unit)[-1]
    sent = list[int]()
    client.create(file)
    standing = client.head(file)
    assert standing is not None
    with pytest.raises(StoppedError):
        client.append(file, standing.offset_bytes, lambda: not sent or sent[-1] < offset, sent.append)
    return sent[-1]


def test_a_stop_stops_within_a_buffer(unit: UnitOnDisk, served: StoreProcess, broker: Broker) -> None:
    """SY-26."""
    client = mqtt_client(unit, broker.url)
    told = stop_at(client, unit, 2 * MIB)
    assert told <= client.sent_bytes <= told + 256 * 1024
    assert not client._link.is_open


def test_a_slow_line_is_waited_for_and_sends_nothing_twice(
    folder: Path, served: StoreProcess, broker: Broker, tmp_path: Path
) -> None:
    """SY-47, SY-48: what is on a line for longer than the store is waited for otherwise is not lost."""
    with opened_store(folder) as store:
        slow = make_unit(store.authority, store.ledger, tmp_path / "slow", "unit-0002")
    fill_spool(slow, footage_files=1, fragments=3, fragment_bytes=200_000)
    client = mqtt_client(slow, broker.url, rate_bytes_per_second=150_000)
    assert carry_by(slow, client) is Ending.ALL_RECEIPTED
    assert client.sent_bytes == sum(one.size_bytes for one in ended_files(slow))


@pytest.mark.parametrize("first", ["http", "mqtt"])
def test_a_file_goes_on_over_the_other_line_where_it_was(
    folder: Path, unit: UnitOnDisk, served: StoreProcess, broker: Broker, first: str
) -> None:
    """SY-8, SY-12, SY-47: both ways, the older line still holding the upload."""
    file = ended_files(unit)[-1]
    over_http, mqtt = (
        StoreClient(served.url, unit.device_id, None, timeout_seconds=PATIENT_SECONDS),
        mqtt_client(unit, broker.url),
    )
    before, behind = (over_http, mqtt) if first == "http" else (mqtt, over_http)
    stop_at(before, unit, 2 * MIB)
    part = folder / "incoming" / unit.device_id / f"{file.file_id.hex()}.part"
    wait_for(lambda: size_of(part) >= MIB)
    standing = behind.head(file)
    assert standing is not None
    assert MIB <= standing.offset_bytes <= before.sent_bytes
    behind.append(file, standing.offset_bytes, lambda: True, lambda _: None)
    assert behind.sent_bytes == file.size_bytes - standing.offset_bytes
    assert behind.receipt(file) is not None
    over_http.close()
    mqtt.close()


class Striker:
    """Strikes once, in the middle of a file that is being sent, when the store has so much of it.

    Args:
        number: The file's.
        part: Where the store has it.
        strike: What it does.
    """

    def __init__(self, number: int, part: Path, strike: Callable[[], None]) -> None:
        self._number = number
        self._part = part
        self._strike: Callable[[], None] | None = strike
        self.struck_at = 0

    def report(self, report: Report) -> None:
        if report.event != "sending" or report.file != self._number or self._strike is None:
            return
        if (report.offset_bytes or 0) >= 4 * MIB:
            strike, self._strike = self._strike, None
            wait_for(lambda: size_of(self._part) >= 2 * MIB)
            strike()
            self.struck_at = size_of(self._part)


def size_of(path: Path) -> int:
    """Length of a file that may not be there."""
    return path.stat().st_size if path.exists() else 0


@pytest.mark.parametrize("first", ["http", "mqtt"])
def test_a_line_that_dies_in_the_middle_of_a_file_is_changed_without_losing_the_place(
    folder: Path, unit: UnitOnDisk, served: StoreProcess, broker: Broker, first: str
) -> None:
    """SY-54: both ways, by the unit's own loop."""
    fill_spool(unit, footage_files=1, fragments=40, fragment_bytes=300_000)
    file = ended_files(unit)[-1]
    pace = 8 * MIB
    with CuttingProxy(served.port) as proxy:
        over_http = StoreClient(proxy.url, unit.device_id, None, pace, timeout_seconds=20)
        mqtt = mqtt_client(unit, broker.url, rate_bytes_per_second=pace)
        lines = (over_http, mqtt) if first == "http" else (mqtt, over_http)
        strike = broker.kill if first == "mqtt" else (lambda: proxy.arm(Cut(Way.UP, 1)))
        routes = Routes(lines, lines, SystemClock().boottime_ns)
        part = folder / "incoming" / unit.device_id / f"{file.file_id.hex()}.part"
        striker = Striker(file.number, part, strike)
        assert carry_by(unit, routes, reporter=striker) is Ending.ALL_RECEIPTED
    held = sum(one.size_bytes for one in ended_files(unit))
    assert striker.struck_at >= 2 * MIB
    assert 0 < lines[1].sent_bytes <= held - striker.struck_at
    check_all(folder, unit)


def test_the_units_command_speaks_to_its_broker_alone_and_the_fleet_shows_it(
    folder: Path, unit: UnitOnDisk, tmp_path: Path
) -> None:
    """SY-53, SY-52, SY-54: the commands as they are installed, the broker as it is shipped."""
    with opened_store(folder) as store:
        authority = store.authority
    with agency_broker(authority, tmp_path / "agency") as one, served_by(folder, one.url):
        unit.config.write_text(f'{unit.config.read_text()}[sync]\nmqtt_url = "{one.url}"\n')
        config = AgentConfig.model_validate(
            {
                "unit": {"device_id": unit.device_id, "state_directory": unit.state, "run_directory": unit.state},
                "hal": {"driver_set": "sim"},
                "profile": {"name": "huainan"},
                "sync": {"mqtt_url": one.url},
            }
        )
        # The doctor asks once, and the store may be served before it hears what the broker has for it.
        heard = mqtt_client(unit, one.url, tls_context(unit.paths))
        wait_until_heard(heard)
        heard.close()
        assert try_store(config).outcome is Outcome.PASS
        done = run("sync.unit_main", "--config", unit.config, "--once", "--give-up-after", "120")
        assert rows(done.stdout)[-1]["event"] == "done"
        start = [sys.executable, "-c", "from sync.unit_main import main; main()", "--config", str(unit.config)]
        with subprocess.Popen(start, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as service:
            wait_for(lambda: fleet(folder) == "up")
            service.kill()
        wait_for(lambda: fleet(folder) == "down")
    check_all(folder, unit)


def fleet(folder: Path) -> str:
    """How the store's command shows the unit."""
    with opened_store(folder) as store:
        (one,) = Presences(store.ledger).fleet(SystemClock().read().utc_ns, 10**18)
        return one.link.value


def test_a_store_and_a_broker_that_are_killed_in_the_middle_cost_nothing(
    folder: Path, unit: UnitOnDisk, served: StoreProcess, broker: Broker
) -> None:
    """SY-47, SY-48."""
    client = mqtt_client(unit, broker.url, rate_bytes_per_second=3 * MIB)
    over = threading.Event()

    def strike() -> None:
        for strikes in (served, broker, served):
            over.wait(0.5)
            strikes.kill()
            strikes.start()

    striker = threading.Thread(target=strike, name="striker")
    striker.start()
    try:
        assert carry_by(unit, client) is Ending.ALL_RECEIPTED
    finally:
        over.set()
        striker.join(200)
    check_all(folder, unit)


def test_units_that_are_not_let_in_are_told_so(
    folder: Path, unit: UnitOnDisk, served: StoreProcess, broker: Broker, tmp_path: Path
) -> None:
    """SY-36, SY-51."""
    with opened_store(tmp_path / "elsewhere") as elsewhere:
        stranger = make_unit(elsewhere.authority, elsewhere.ledger, tmp_path / "stranger", "unit-0009")
    fill_spool(stranger, footage_files=1)
    client = mqtt_client(stranger, broker.url, answer_seconds=PATIENT_SECONDS)
    wait_until_heard(client)
    for ask in (lambda: client.head(ended_files(stranger)[-1]), lambda: client.time(bytes(16))):
        with pytest.raises(RefusedError) as refused:
            ask()
        assert (refused.value.status, refused.value.code) == (403, "unknown-unit")
    client.close()


def test_a_unit_cannot_take_every_upload_of_the_store(folder: Path, unit: UnitOnDisk, broker: Broker) -> None:
    """SY-46: one that offers file after file without sending is told to wait; the others are not."""
    client = mqtt_client(unit, broker.url)
    offer = bodies.encode(bodies.UploadOffer(number=1, size_bytes=1000))
    with served_by(folder, broker.url, body_idle_seconds=300.0):
        wait_until_heard(client)
        for number in range(OF_A_UNIT_MAX + 1):
            topic = topics.init_topic(unit.device_id, topics.ANY, f"{number:064x}")
            client._link.publish(topic, offer, number.to_bytes(8))
        heard = list[int]()
        while len(heard) <= OF_A_UNIT_MAX:
            client._link.pump(5)
            heard += [client._link.heard.popleft().head.status for _ in range(len(client._link.heard))]
        assert sorted(heard) == [*[200] * OF_A_UNIT_MAX, 503]
        client.close()


def test_an_answer_is_sent_nowhere_but_to_who_asked(unit: UnitOnDisk, served: StoreProcess, broker: Broker) -> None:
    """SY-45."""
    client = mqtt_client(unit, broker.url)
    wait_until_heard(client)
    link = client._link
    link.box = "../../unit-0002/down/x"
    link.publish(topics.question_topic(unit.device_id, topics.Question.TIME), b"{}", b"1")
    with peer("listener", broker.port) as listener:
        listener.subscribe("recorder/v1/+/down/#")
        other = mqtt_client(unit, broker.url)
        wait_until_heard(other)
        # A late answer to a question of before may come first.
        while (topic := listener.hear()[0]) != topics.box_topic(unit.device_id, other._link.box):
            assert ".." not in topic
        other.close()
    client.close()


def test_a_broker_that_takes_small_packets_gets_small_packets(folder: Path, unit: UnitOnDisk, tmp_path: Path) -> None:
    """SY-50."""
    with plain_broker(tmp_path / "small", ["max_packet_size 20000"]) as one, served_by(folder, one.url):
        client = mqtt_client(unit, one.url)
        wait_until_heard(client)
        assert client._link.limits.packet_bytes == 20_000
        with pytest.raises(RefusedError) as refused:
            client._link.publish("recorder/v1/unit-0001/up/any/ask/inventory", bytes(20_000))
        assert (refused.value.status, refused.value.code) == (413, "too-large")
        assert carry_by(unit, client) is Ending.ALL_RECEIPTED
    check_all(folder, unit)


def test_a_broker_that_is_not_there_or_not_the_agencys_is_a_broken_line(
    unit: UnitOnDisk, folder: Path, tmp_path: Path
) -> None:
    """SY-52."""
    with pytest.raises(LinkError):
        mqtt_client(unit, "mqtt://127.0.0.1:9").line()
    with opened_store(tmp_path / "elsewhere") as elsewhere, agency_broker(elsewhere.authority, tmp_path / "b") as one:
        with pytest.raises(LinkError, match="CERTIFICATE_VERIFY_FAILED"):
            mqtt_client(unit, one.url, tls_context(unit.paths)).line()
        stranger = make_unit(elsewhere.authority, elsewhere.ledger, tmp_path / "stranger")
        context = tls_context(stranger.paths)
        context.load_cert_chain(unit.paths.link_certificate, unit.paths.link_key)
        with pytest.raises(LinkError):
            mqtt_client(unit, one.url, context).line()


def test_broker_urls() -> None:
    assert broker_address("mqtts://broker.example") == BrokerAddress("broker.example", 8883, tls=True)
    assert broker_address("mqtt://127.0.0.1:77") == BrokerAddress("127.0.0.1", 77, tls=False)
    for url in ("http://broker", "mqtt://", "mqtts://broker/path", "mqtt://broker:port", ""):
        with pytest.raises(ConfigurationError):
            broker_address(url)
    with pytest.raises(ConfigurationError):
        BrokerLink("mqtts://broker", "unit-1", "bytes", None)

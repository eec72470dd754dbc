"""The attack list, against a served store over mutual TLS: refused, logged, and nobody else notices."""

import os
import re
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key

from hal.drivers.system_clock import SystemClock
from sync.errors import ReceiptMismatchError
from sync.inbox import Inbox, receipt_name
from sync.receipt_check import check_receipt
from sync.store.certificates import Issuer, issue, link_wanted
from sync.store.register import Register
from sync.unit.client import LinkError, StoreClient, tls_context
from sync.unit.courier import Ending
from sync.unit.spool import SealedFile, numbers, read_ended
from sync.wire import OFFSET_CONTENT_TYPE, UploadMetadata, encode_metadata
from tests.support.clocks import START_UTC_NS
from tests.support.docks import UnitOnDisk, fill_spool, make_unit, opened_store
from tests.support.store_process import StoreProcess
from tests.system.sync.test_chaos import carry
from tests.system.sync.test_mqtt import size_of, wait_for

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

HEAD_SECONDS = 1.5
NEVER_SECONDS = 200.0
TICKET_LOOKS = 50
"""Of a moment each: where TLS has no session tickets, a line counts as let in that is still there behind them."""


@dataclass(frozen=True)
class Siege:
    """A served store, an honest unit, and one whose owner means harm."""

    store: StoreProcess
    directory: Path
    honest: UnitOnDisk
    bad: UnitOnDisk
    closed_behind: ExitStack

    def say(self, text: str, who: UnitOnDisk | None = None, *, body: bytes = b"") -> bytes:
        """Send bytes as they are over a unit's own line; gives the whole answer, empty when there is none."""
        with self.line(who or self.bad) as line:
            # Whoever refuses need not hear all of it first.
            with suppress(OSError):
                line.sendall(text.encode("latin-1") + body)
            return everything(line, is_answer)

    def line(self, who: UnitOnDisk) -> ssl.SSLSocket:
        raw = socket.create_connection(("127.0.0.1", self.store.port), timeout=60)
        return tls_context(who.paths).wrap_socket(raw, server_hostname="127.0.0.1")

    def client(self, who: UnitOnDisk, context: ssl.SSLContext | None = None) -> StoreClient:
        made = StoreClient(self.store.url, who.device_id, context or tls_context(who.paths), timeout_seconds=60)
        self.closed_behind.callback(made.close)
        return made

    def logged(self, pattern: str) -> bool:
        return re.search(pattern, self.store.log.read_text(encoding="utf-8")) is not None

    def others_are_unharmed(self) -> None:
        """A unit that means well sends its work and gets every receipt."""
        with opened_store(self.directory) as store:
            count = len(store.ledger.units())
            unit = make_unit(store.authority, store.ledger, self.directory.parent / f"well-{count}", f"well-{count}")
            certificate = store.receipt_certificate()
        fill_spool(unit, footage_files=1)
        assert carry(unit, self.client(unit)) is Ending.ALL_RECEIPTED
        for number in numbers(unit.paths.spool):
            data = (unit.paths.inbox / receipt_name(number)).read_bytes()
            check_receipt(data, certificate, unit.device_id, unit.paths.spool / f"{number:08d}.evs")


@contextmanager
def serving(directory: Path, head_seconds: float, body_idle_seconds: float) -> Iterator[StoreProcess]:
    with opened_store(directory):
        process = StoreProcess(directory, tls=True, head_seconds=head_seconds, body_idle_seconds=body_idle_seconds)
    process.start()
    yield process
    assert process.stop() == os.EX_OK


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreProcess]:
    """A store that waits for whoever has no turn on a busy machine."""
    with serving(tmp_path_factory.mktemp("siege") / "store", NEVER_SECONDS, NEVER_SECONDS) as process:
        yield process


@pytest.fixture(scope="module")
def hurried(tmp_path_factory: pytest.TempPathFactory) -> Iterator[StoreProcess]:
    """A store that soon has enough of who asks for nothing."""
    with serving(tmp_path_factory.mktemp("haste") / "store", HEAD_SECONDS, NEVER_SECONDS) as process:
        yield process


@pytest.fixture
def siege(patient: StoreProcess, tmp_path: Path) -> Iterator[Siege]:
    with besieged(patient, tmp_path) as made:
        yield made


@pytest.fixture
def haste(hurried: StoreProcess, tmp_path: Path) -> Iterator[Siege]:
    with besieged(hurried, tmp_path) as made:
        yield made


@pytest.fixture
def thirst(tmp_path: Path) -> Iterator[Siege]:
    """A store that soon has enough of bodies that drip."""
    with (
        serving(tmp_path / "store", NEVER_SECONDS, body_idle_seconds=1.0) as process,
        besieged(process, tmp_path) as made,
    ):
        yield made


@contextmanager
def besieged(served: StoreProcess, tmp_path: Path) -> Iterator[Siege]:
    with opened_store(served.directory) as store:
        count = len(store.ledger.units())
        bad = make_unit(store.authority, store.ledger, tmp_path / "bad", f"bad-{count}")
        honest = make_unit(store.authority, store.ledger, tmp_path / "honest", f"unit-{count}")
    fill_spool(bad)
    with ExitStack() as stack:
        yield Siege(served, served.directory, honest, bad, stack)


def everything(line: socket.socket, is_enough: Callable[[bytes], bool] = lambda _: False) -> bytes:
    """What the other side still says until it ends the line, or has said enough."""
    found = b""
    try:
        while not is_enough(found) and (data := line.recv(65_536)):
            found += data
    except OSError:
        return found
    return found


def is_answer(found: bytes) -> bool:
    """Whether an answer is there to its last byte; a store waits a while for a body that it refused."""
    head, end, body = found.partition(b"\r\n\r\n")
    length = re.search(rb"^Content-Length: (\d+)\r?$", head, re.MULTILINE)
    return bool(end) and length is not None and len(body) >= int(length[1])


def status(answer: bytes) -> int:
    return int(answer.split(b" ", 2)[1]) if answer else 0


def first_file(unit: UnitOnDisk) -> SealedFile:
    found = read_ended(unit.paths.spool / "00000001.evs", None)
    assert found is not None
    return found


def request(method: str, path: str, *headers: str) -> str:
    given = "".join(f"{header}\r\n" for header in ("Host: x", "Tus-Resumable: 1.0.0", "Connection: close", *headers))
    return f"{method} {path} HTTP/1.1\r\n{given}\r\n"


def test_another_units_path_is_closed_in_every_direction(siege: Siege) -> None:
    """SY-2: reading, writing, telling and asking alike."""
    name, at = "a" * 64, f"/v1/{siege.honest.device_id}"
    for method, path in (
        ("HEAD", f"{at}/files/{name}"),
        ("POST", f"{at}/files"),
        ("PATCH", f"{at}/files/{name}"),
        ("GET", f"{at}/receipts/{name}"),
        ("POST", f"{at}/inventory"),
        ("POST", f"{at}/heads"),
        ("POST", f"{at}/alerts"),
        ("GET", f"{at}/state"),
        ("GET", f"{at}/time?nonce={'0' * 32}"),
    ):
        answer = siege.say(request(method, path, "Content-Length: 0"))
        assert status(answer) == 403, (method, path)
        assert b"wrong-unit" in answer
        assert siege.logged(rf"{method} {re.escape(path.partition('?')[0])} refused: 403 wrong-unit")
    siege.others_are_unharmed()


def test_a_unit_revoked_while_it_sends_gets_nothing(siege: Siege) -> None:
    """SY-36, SY-16: what it sent is a custodian's; the next request is refused at the door."""
    file = first_file(siege.bad)
    content = file.path.read_bytes()
    siege.client(siege.bad).create(file)
    at = f"/v1/{siege.bad.device_id}/files/{file.file_id.hex()}"
    length, kind = f"Content-Length: {len(content)}", f"Content-Type: {OFFSET_CONTENT_TYPE}"
    with siege.line(siege.bad) as line:
        line.sendall(request("PATCH", at, length, kind, "Upload-Offset: 0").encode() + content[:700])
        part = siege.directory / "incoming" / siege.bad.device_id / f"{file.file_id.hex()}.part"
        wait_for(lambda: size_of(part) == 700)
        with opened_store(siege.directory) as store:
            Register(store.ledger).revoke(siege.bad.device_id, "stolen", START_UTC_NS)
        line.sendall(content[700:])
        answer = everything(line)
    assert status(answer) == 422
    assert b"revoked" in answer
    again = siege.say(request("HEAD", at))
    assert (status(again), b"revoked" in again) == (403, True)
    assert siege.logged(r"refused: 422 parked")
    assert siege.logged(r"refused: 403 revoked")
    with opened_store(siege.directory) as store:
        assert not store.ledger.files(siege.bad.device_id)
        assert [one.code for one in store.ledger.parked(siege.bad.device_id)] == ["revoked"]
    siege.others_are_unharmed()


def test_certificates_that_are_expired_early_or_foreign_open_nothing(haste: Siege, tmp_path: Path) -> None:
    """SY-1: and the door says so, although no request came."""
    siege = haste
    file, before = first_file(siege.bad), counted(siege, "refused")
    now = datetime.fromtimestamp(SystemClock().read().utc_ns // 10**9, UTC)
    with opened_store(siege.directory) as store:
        for number, when in enumerate((now - timedelta(days=9_000), now + timedelta(days=3_650))):
            dated = certified(siege.bad, store.authority.issuer(), when, tmp_path / f"dated-{number}.pem")
            refused_at_the_door(siege, file, dated)
    with opened_store(tmp_path / "elsewhere") as elsewhere:
        stranger = make_unit(elsewhere.authority, elsewhere.ledger, tmp_path / "stranger", siege.bad.device_id)
    foreign = ssl.create_default_context(cafile=str(siege.bad.paths.agency_ca))
    foreign.load_cert_chain(stranger.paths.link_certificate, stranger.paths.link_key)
    refused_at_the_door(siege, file, foreign)
    refused_at_the_door(siege, file, ssl.create_default_context(cafile=str(siege.bad.paths.agency_ca)))
    siege.others_are_unharmed()
    nothing = threading.Event()
    while counted(siege, "refused") < before + 4:
        nothing.wait(0.2)
    assert siege.logged("a connection was refused: no certificate of this agency")


def certified(unit: UnitOnDisk, issuer: Issuer, when: datetime, path: Path) -> ssl.SSLContext:
    """The unit's own key, certified by the agency for another time."""
    key = load_pem_private_key(unit.paths.link_key.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    made: x509.Certificate = issue(issuer, key.public_key(), link_wanted(unit.device_id), when)
    path.write_bytes(
        made.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    context = ssl.create_default_context(cafile=str(unit.paths.agency_ca))
    context.load_cert_chain(path)
    return context


def refused_at_the_door(siege: Siege, file: SealedFile, context: ssl.SSLContext) -> None:
    client = siege.client(siege.bad, context)
    with pytest.raises(LinkError):
        client.head(file)


def creating(size: str, unit: UnitOnDisk, *, name: str | None = None) -> str:
    file = first_file(unit)
    metadata = encode_metadata(UploadMetadata(file_id=file.file_id.hex(), number=1))
    told = metadata if name is None else metadata.partition(",")[0].replace(file.file_id.hex(), name)
    at = f"/v1/{unit.device_id}/files"
    return request("POST", at, f"Upload-Length: {size}", f"Upload-Metadata: {told}", "Content-Length: 0")


def test_lengths_and_offsets_that_are_none_are_refused(siege: Siege) -> None:
    """SY-5, SY-9, SY-10: oversized, negative, signed, spelled otherwise, told twice."""
    for size, expected in (
        ("-1", 400),
        ("+5", 400),
        ("0", 400),
        ("1e3", 400),
        ("9" * 40, 400),
        (str((256 << 20) + 1), 413),
        ("9" * 18, 413),
    ):
        assert status(siege.say(creating(size, siege.bad))) == expected, size
    file = first_file(siege.bad)
    siege.client(siege.bad).create(file)
    at = f"/v1/{siege.bad.device_id}/files/{file.file_id.hex()}"
    kind = f"Content-Type: {OFFSET_CONTENT_TYPE}"
    for headers, body, expected in (
        (("Upload-Offset: -1", "Content-Length: 1"), b"x", 400),
        (("Upload-Offset: 0", "Content-Length: -1"), b"", 400),
        (("Upload-Offset: 99999999999999999999", "Content-Length: 1"), b"x", 400),
        (("Upload-Offset: 1", "Content-Length: 1"), b"x", 409),
        (("Upload-Offset: 0", f"Content-Length: {file.size_bytes + 1}"), b"", 413),
        (("Upload-Offset: 0", "Content-Length: 4", "Transfer-Encoding: chunked"), b"0\r\n\r\n", 400),
        (("Upload-Offset: 0", "Content-Length: 4", "Content-Length: 5"), b"abcde", 400),
    ):
        assert status(siege.say(request("PATCH", at, kind, *headers), body=body)) == expected, headers
    chunks = b"".join(b"10000\r\n" + bytes(0x10000) + b"\r\n" for _ in range(2 + file.size_bytes // 0x10000))
    unsaid = siege.say(request("PATCH", at, kind, "Upload-Offset: 0", "Transfer-Encoding: chunked"), body=chunks)
    assert status(unsaid) in {413, 460, 0}
    with opened_store(siege.directory) as store:
        assert not store.ledger.files(siege.bad.device_id)
    siege.others_are_unharmed()


def test_paths_lead_nowhere_else(siege: Siege, tmp_path: Path) -> None:
    """SY-3: nothing outside its own folder is read, made or named."""
    before = sorted(str(path) for path in tmp_path.iterdir())
    name = "a" * 64
    for path in (
        f"/v1/../../../etc/passwd/files/{name}",
        f"/v1/..%2f..%2f..%2fetc/files/{name}",
        f"/v1/{siege.bad.device_id}/files/../../../../etc/passwd",
        f"/v1/{siege.bad.device_id}/files/..%2f..%2f{'a' * 58}",
        f"/v1/{siege.bad.device_id}/files/%2e%2e%2f{'a' * 61}",
        f"/v1/{siege.bad.device_id}%00/files/{name}",
        f"/v1/{siege.bad.device_id}/receipts/..%2f..%2f..%2fkeys%2freceipt.key",
        "//etc/passwd",
        "http://127.0.0.1/etc/passwd",
    ):
        answer = siege.say(request("GET" if "receipts" in path else "HEAD", path))
        assert status(answer) in {400, 403, 404}, (path, answer[:80])
        assert b"PRIVATE" not in answer
    for metadata in ("../../keys/receipt", "..", "/etc/passwd"):
        assert status(siege.say(creating("10", siege.bad, name=metadata))) == 400
    assert sorted(str(path) for path in tmp_path.iterdir()) == before
    siege.others_are_unharmed()


def test_lines_that_ask_for_nothing_in_time_are_ended(haste: Siege) -> None:
    """SY-39: silent ones, heads that drip, handshakes that stand still; a metric counts them."""
    siege = haste
    ended: list[str] = []
    before = counted(siege, "ended")
    raw = socket.create_connection(("127.0.0.1", siege.store.port), timeout=100)
    kinds: list[tuple[str, socket.socket, bytes]] = [
        ("silent", let_in(siege), b""),
        ("drips", let_in(siege), b"HEAD /v1/"),
        ("answered and then silent", let_in(siege), b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"),
    ]
    watching = [watched(kind, line, begin, ended) for kind, line, begin in kinds]
    siege.others_are_unharmed()
    for one in watching:
        one.join(100)
    assert sorted(ended) == ["answered and then silent", "drips", "silent"]
    with raw:
        assert everything(raw) == b"", "a handshake that never begins is given up"
    assert siege.logged(r"ended without a request: no whole head in 1.5 s")
    assert counted(siege, "ended") - before >= len(kinds)


def joined(siege: Siege) -> ssl.SSLSocket:
    """A line to a store in haste: it gives up a handshake that had no turn in time, too."""
    for _ in range(50):
        with suppress(OSError):
            return siege.line(siege.bad)
    raise AssertionError("the store takes no connection")


def let_in(siege: Siege) -> ssl.SSLSocket:
    """A line that the store, too, has finished the handshake of: until then it may still be given up as a handshake."""
    for _ in range(50):
        line = joined(siege)
        line.settimeout(0.02)
        with suppress(OSError):
            for _ in range(TICKET_LOOKS):
                if has_ticket(line):
                    break
                with suppress(TimeoutError):
                    if line.recv(1) == b"":
                        raise ConnectionError("the store has given the handshake up")
            return line
        line.close()
    raise AssertionError("the store lets nobody in")


def has_ticket(line: ssl.SSLSocket) -> bool:
    """Whether the other side has sent its session ticket; in TLS 1.3 that comes behind its end of the handshake."""
    return line.session is not None and line.session.has_ticket


def counted(siege: Siege, what: str) -> int:
    """What the door has counted so far."""
    asked = b"GET /metrics HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    found: list[str] = []
    while not found:
        with joined(siege) as line:
            with suppress(OSError):
                line.sendall(asked)
            metrics = everything(line).decode()
        found = re.findall(rf"^recorder_store_{what}_connections_total (\d+)\n", metrics, re.MULTILINE)
    return int(found[0])


def watched(kind: str, line: socket.socket, begin: bytes, ended: list[str]) -> threading.Thread:
    """Drip a byte each moment until the store ends the line."""

    def drip() -> None:
        nothing = threading.Event()
        with suppress(OSError):
            line.sendall(begin)
        for _ in range(300):
            line.settimeout(0.2)
            try:
                if kind == "drips":
                    line.sendall(b"x")
                if line.recv(4096) == b"":
                    break
            except TimeoutError:
                nothing.wait(0.05)
            except OSError:
                break
        else:
            return
        ended.append(kind)
        line.close()

    thread = threading.Thread(target=drip, name=kind)
    thread.start()
    return thread


def test_a_body_that_drips_gives_its_place_back(thirst: Siege) -> None:
    """SY-39: what came of it is kept (SY-11)."""
    siege = thirst
    file = first_file(siege.bad)
    content = file.path.read_bytes()
    siege.client(siege.bad).create(file)
    at = f"/v1/{siege.bad.device_id}/files/{file.file_id.hex()}"
    headers = (f"Content-Length: {len(content)}", f"Content-Type: {OFFSET_CONTENT_TYPE}", "Upload-Offset: 0")
    sent, answer = 1, b""
    with siege.line(siege.bad) as line:
        line.sendall(request("PATCH", at, *headers).encode() + content[:1])
        line.settimeout(0.3)
        while not answer and sent < 300:
            try:
                answer = line.recv(4096)
            except TimeoutError:
                line.sendall(content[sent : sent + 1])
                sent += 1
    assert status(answer) == 503
    found = siege.client(siege.bad).head(file)
    assert found is not None
    assert 0 < found.offset_bytes <= sent
    siege.others_are_unharmed()


def forged(receipt: bytes) -> bytes:
    return receipt[:-1] + bytes([receipt[-1] ^ 1])


@pytest.mark.parametrize("change", [forged, None], ids=["forged", "replayed"])
def test_receipts_that_are_not_the_stores_for_this_file_do_no_harm(
    siege: Siege, change: Callable[[bytes], bytes] | None
) -> None:
    """SY-24, SY-29: a store in the middle of the line cannot free anything."""
    assert carry(siege.bad, siege.client(siege.bad)) is Ending.ALL_RECEIPTED
    receipts = sorted(siege.bad.paths.inbox.glob("*.receipt"))
    first, second = receipts[:2]
    first.write_bytes(second.read_bytes() if change is None else change(first.read_bytes()))
    with opened_store(siege.directory) as store:
        agent = Inbox(siege.bad.paths.inbox, siege.bad.paths.rejected, store.receipt_certificate(), siege.bad.device_id)
        taken = set[int]()
        for item in agent.receipts({}):
            path = siege.bad.paths.spool / f"{item.file_number:08d}.evs"
            try:
                check_receipt(item.data, store.receipt_certificate(), siege.bad.device_id, path)
                taken.add(item.file_number)
            except ReceiptMismatchError as error:
                agent.reject(item.path, str(error))
    assert taken == set(numbers(siege.bad.paths.spool)) - {1}
    assert (siege.bad.paths.rejected / "00000001.receipt.reason").exists()
    siege.others_are_unharmed()

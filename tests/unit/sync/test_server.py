"""The store's HTTP side, request by request, with sealed files that the real writer made."""

import http.client
import json
import socket
import threading
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sealing.receipts import read_receipt
from sync.store.vault import Name
from sync.unit.spool import SealedFile, numbers, opening, read_ended
from sync.wire import FILE_BYTES_MAX, OFFSET_CONTENT_TYPE, UploadMetadata, encode_metadata
from tests.support.docks import StoreOnDisk, UnitOnDisk, fill_spool, served

TUS = {"Tus-Resumable": "1.0.0"}


@dataclass(frozen=True)
class Answer:
    status: int
    headers: Mapping[str, str]
    body: bytes

    @property
    def reason(self) -> str | None:
        return self.headers.get("Recorder-Reason")


@dataclass(frozen=True)
class Line:
    """One connection for each request."""

    url: str
    device_id: str

    def ask(self, method: str, path: str, headers: Mapping[str, str] | None = None, body: bytes = b"") -> Answer:
        parts = urlsplit(self.url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        try:
            used = {"Content-Length": str(len(body)), **(TUS if headers is None else headers)}
            connection.request(method, path, body=body or None, headers=used)
            response = connection.getresponse()
            return Answer(response.status, dict(response.headers.items()), response.read())
        finally:
            connection.close()

    def files(self) -> str:
        return f"/v1/{self.device_id}/files"

    def create(self, file: SealedFile, size: str | None = None) -> Answer:
        metadata = UploadMetadata(file_id=file.file_id.hex(), number=file.number, torn_bytes=file.torn_bytes)
        headers = {"Upload-Length": size or str(file.size_bytes), "Upload-Metadata": encode_metadata(metadata), **TUS}
        return self.ask("POST", self.files(), headers)

    def head(self, file: SealedFile) -> Answer:
        return self.ask("HEAD", f"{self.files()}/{file.file_id.hex()}")

    def patch(self, file: SealedFile, offset: int, body: bytes) -> Answer:
        headers = {"Upload-Offset": str(offset), "Content-Type": OFFSET_CONTENT_TYPE, **TUS}
        return self.ask("PATCH", f"{self.files()}/{file.file_id.hex()}", headers, body)

    def receipt(self, file: SealedFile) -> Answer:
        return self.ask("GET", f"/v1/{self.device_id}/receipts/{file.file_id.hex()}")


@pytest.fixture
def files(unit: UnitOnDisk) -> list[SealedFile]:
    fill_spool(unit)
    spool = unit.paths.spool
    present = numbers(spool)
    found = []
    for number, later in zip(present, [*present[1:], None], strict=True):
        following = None if later is None else opening(spool / f"{later:08d}.evs")
        one = read_ended(spool / f"{number:08d}.evs", following)
        assert one is not None
        found.append(one)
    return found


@pytest.fixture
def line(store: StoreOnDisk, unit: UnitOnDisk) -> Iterator[Line]:
    with served(store, body_idle_seconds=60) as url:
        yield Line(url, unit.device_id)


def test_creating_twice_gives_one_upload(line: Line, files: list[SealedFile]) -> None:
    """SY-6."""
    first, second = line.create(files[0]), line.create(files[0])
    assert (first.status, second.status) == (201, 201)
    assert first.headers["Location"] == second.headers["Location"]
    data = files[0].path.read_bytes()
    assert line.patch(files[0], 0, data).status == 204
    assert line.create(files[0]).headers["Recorder-State"] == "receipted"
    assert line.create(files[0], "17").reason == "size-differs"


def test_a_newer_declaration_counts_until_the_receipt(line: Line, files: list[SealedFile]) -> None:
    """SY-6: what a bad line changed in the first one does not stand in the way."""
    line.create(files[0], "100")
    line.patch(files[0], 0, b"x" * 50)
    assert line.create(files[0]).status == 201
    answer = line.head(files[0])
    assert (answer.headers["Upload-Offset"], answer.headers["Upload-Length"]) == ("0", str(files[0].size_bytes))


@pytest.mark.parametrize(
    ("size", "status"), [("0", 400), ("-5", 400), ("1e3", 400), ("", 400), (str(FILE_BYTES_MAX + 1), 413)]
)
def test_a_length_outside_its_range_is_refused(line: Line, files: list[SealedFile], size: str, status: int) -> None:
    """SY-5."""
    metadata = encode_metadata(UploadMetadata(file_id=files[0].file_id.hex(), number=1))
    answer = line.ask("POST", line.files(), {"Upload-Length": size, "Upload-Metadata": metadata, **TUS})
    assert answer.status == status
    assert line.head(files[0]).status == 404


def test_pieces_add_up_and_the_offset_is_what_lies_on_the_disk(
    line: Line, store: StoreOnDisk, unit: UnitOnDisk, files: list[SealedFile]
) -> None:
    """SY-8."""
    file, data = files[1], files[1].path.read_bytes()
    line.create(file)
    for begin in range(0, len(data), 1000):
        held = line.head(file).headers["Upload-Offset"]
        assert held == str(begin) == str(store.vault.offset(Name(unit.device_id, file.file_id.hex())))
        assert line.patch(file, begin, data[begin : begin + 1000]).status == 204
    receipt = read_receipt(line.receipt(file).body)
    assert (receipt.size_bytes, receipt.file_id) == (len(data), file.file_id)


def test_another_offset_is_refused_and_named(line: Line, files: list[SealedFile]) -> None:
    """SY-9."""
    line.create(files[0])
    line.patch(files[0], 0, b"x" * 10)
    for offset in (0, 9, 11, 10_000):
        answer = line.patch(files[0], offset, b"y")
        assert (answer.status, answer.reason, answer.headers["Upload-Offset"]) == (409, "offset", "10")
    assert line.head(files[0]).headers["Upload-Offset"] == "10"


def test_bytes_beyond_the_length_are_refused(line: Line, files: list[SealedFile]) -> None:
    """SY-10."""
    line.create(files[0])
    data = files[0].path.read_bytes()
    answer = line.patch(files[0], 0, data + b"x")
    assert (answer.status, answer.reason) == (413, "too-large")
    assert line.patch(files[0], 0, data).status == 204


def begin_patch(line: Line, file: SealedFile, offset: int, body: bytes) -> socket.socket:
    """Send a PATCH's head and a part of its body, and leave the connection open."""
    parts = urlsplit(line.url)
    sock = socket.create_connection((parts.hostname or "", parts.port or 0), timeout=60)
    length = file.size_bytes - offset
    head = (
        f"PATCH {line.files()}/{file.file_id.hex()} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\n"
        f"Upload-Offset: {offset}\r\nContent-Type: {OFFSET_CONTENT_TYPE}\r\nContent-Length: {length}\r\n\r\n"
    )
    sock.sendall(head.encode() + body)
    return sock


def wait_for(store: StoreOnDisk, name: Name, size: int) -> None:
    """Wait until so many bytes have arrived."""
    nothing = threading.Event()
    for _ in range(3000):
        if store.vault.offset(name) == size:
            return
        nothing.wait(0.02)
    raise AssertionError(f"{store.vault.offset(name)} bytes arrived, {size} were sent")


def test_what_came_of_a_cut_body_is_kept(
    line: Line, store: StoreOnDisk, unit: UnitOnDisk, files: list[SealedFile]
) -> None:
    """SY-11."""
    file, data = files[1], files[1].path.read_bytes()
    line.create(file)
    with begin_patch(line, file, 0, data[:1234]):
        wait_for(store, Name(unit.device_id, file.file_id.hex()), 1234)
    assert line.patch(file, 1234, data[1234:]).status == 204


def test_a_body_that_stands_still_is_given_up(store: StoreOnDisk, unit: UnitOnDisk, files: list[SealedFile]) -> None:
    file, data = files[1], files[1].path.read_bytes()
    with served(store, body_idle_seconds=0.5) as url:
        line = Line(url, unit.device_id)
        line.create(file)
        with begin_patch(line, file, 0, data[:99]) as sock:
            assert sock.recv(12) == b"HTTP/1.1 503"
        assert line.head(file).headers["Upload-Offset"] == "99"


def is_over(sock: socket.socket) -> bool:
    """Whether the other side has ended the connection without an answer."""
    sock.settimeout(60)
    try:
        return sock.recv(1) == b""
    except ConnectionResetError:
        return True


def test_a_newer_request_takes_the_upload_over(store: StoreOnDisk, unit: UnitOnDisk, files: list[SealedFile]) -> None:
    """SY-12: a half-open connection does not lock its unit out, however long the store would wait for it."""
    file, data = files[1], files[1].path.read_bytes()
    with served(store, body_idle_seconds=60) as url:
        patient = Line(url, unit.device_id)
        patient.create(file)
        with begin_patch(patient, file, 0, data[:500]) as dead:
            wait_for(store, Name(unit.device_id, file.file_id.hex()), 500)
            assert patient.head(file).headers["Upload-Offset"] == "500"
            assert is_over(dead)
        assert patient.patch(file, 500, data[500:]).status == 204


def test_a_complete_upload_without_receipt_is_finished_by_an_empty_patch(
    line: Line, store: StoreOnDisk, unit: UnitOnDisk, files: list[SealedFile]
) -> None:
    """SY-13: the store died between the last byte and its promise."""
    file = files[0]
    line.create(file)
    store.vault.part(Name(unit.device_id, file.file_id.hex())).write_bytes(file.path.read_bytes())
    assert line.head(file).headers["Upload-Offset"] == str(file.size_bytes)
    assert line.receipt(file).reason == "no-receipt"
    assert line.patch(file, file.size_bytes, b"").status == 204
    assert line.receipt(file).status == 200
    assert line.patch(file, file.size_bytes, b"").status == 204


def test_content_that_fails_is_sent_again_and_parked_the_third_time(
    line: Line, store: StoreOnDisk, files: list[SealedFile]
) -> None:
    """SY-14."""
    file, bad = files[1], bytearray(files[1].path.read_bytes())
    bad[-100] ^= 4
    line.create(file)
    for _ in range(2):
        answer = line.patch(file, 0, bytes(bad))
        assert (answer.status, answer.headers["Upload-Offset"]) == (460, "0")
    answer = line.patch(file, 0, bytes(bad))
    assert (answer.status, answer.reason) == (422, "parked")
    for later in (line.head(file), line.create(file), line.receipt(file)):
        assert (later.status, later.reason) == (422, "parked")
    assert next((store.directory / "parked").rglob("*.evs")).read_bytes() == bytes(bad)


def test_a_flipped_bit_on_the_line_heals(line: Line, files: list[SealedFile]) -> None:
    """SY-14."""
    file, good = files[1], files[1].path.read_bytes()
    line.create(file)
    assert line.patch(file, 0, good[:-1] + bytes([good[-1] ^ 1])).status == 460
    assert line.patch(file, 0, good).status == 204


def test_files_are_taken_in_any_order(line: Line, store: StoreOnDisk, files: list[SealedFile]) -> None:
    """SY-15."""
    for file in reversed(files):
        line.create(file)
        assert line.patch(file, 0, file.path.read_bytes()).status == 204
    assert {row["file_number"] for row in store.ledger.files()} == {file.number for file in files}


def test_the_same_receipt_is_given_every_time(line: Line, files: list[SealedFile]) -> None:
    """SY-23."""
    line.create(files[0])
    line.patch(files[0], 0, files[0].path.read_bytes())
    assert len({line.receipt(files[0]).body for _ in range(3)}) == 1
    assert line.receipt(files[0]).headers["Content-Type"].startswith("application/cose")


def test_a_full_store_says_so_before_a_byte_is_sent(
    unit: UnitOnDisk, store: StoreOnDisk, files: list[SealedFile]
) -> None:
    """SY-7."""
    store.vault.reserve_bytes = 1 << 60
    with served(store) as url:
        line = Line(url, unit.device_id)
        answer = line.create(files[0])
        assert (answer.status, answer.reason, answer.headers["Retry-After"]) == (507, "no-room", "5")
        store.vault.reserve_bytes = 0
        line.create(files[0])
        line.patch(files[0], 0, b"x" * 10)
        store.vault.reserve_bytes = 1 << 60
        assert line.head(files[0]).status == 507
        assert line.patch(files[0], 10, b"y").status == 507
        assert line.ask("GET", "/healthz", {}).status == 507
        store.vault.reserve_bytes = 0
        assert line.head(files[0]).headers["Upload-Offset"] == "10"


@pytest.mark.parametrize(
    "path",
    [
        "/v1/..%2f..%2fetc/files/" + "a" * 64,
        "/v1/.hidden/files/" + "a" * 64,
        "/v1/unit-0001/files/" + "A" * 64,
        "/v1/unit-0001/files/..%2f" + "a" * 61,
        "/v1/unit-0001/files/" + "a" * 63,
    ],
)
def test_ids_that_are_none_never_reach_the_disk(line: Line, path: str) -> None:
    """SY-3."""
    answer = line.ask("HEAD", path)
    assert (answer.status, answer.reason) == (400, "malformed")


def test_tus_is_asked_for_by_version(line: Line, files: list[SealedFile]) -> None:
    """SY-4."""
    answer = line.ask("HEAD", f"{line.files()}/{files[0].file_id.hex()}", {"Tus-Resumable": "0.2.2"})
    assert (answer.status, answer.reason, answer.headers["Tus-Version"]) == (412, "tus-version", "1.0.0")
    options = line.ask("OPTIONS", line.files(), {})
    assert (options.headers["Tus-Extension"], options.headers["Tus-Max-Size"]) == ("creation", str(FILE_BYTES_MAX))


def test_units_that_are_not_ours_are_refused(line: Line, files: list[SealedFile]) -> None:
    """SY-2."""
    answer = Line(line.url, "unit-0666").create(files[0])
    assert (answer.status, answer.reason) == (403, "unknown-unit")


def test_inventory_and_state_say_what_is_here(line: Line, unit: UnitOnDisk, files: list[SealedFile]) -> None:
    line.create(files[0])
    line.patch(files[0], 0, files[0].path.read_bytes())
    line.create(files[1])
    line.patch(files[1], 0, files[1].path.read_bytes()[:77])
    held = [{"file_id": one.file_id.hex(), "number": one.number, "size_bytes": one.size_bytes} for one in files]
    answer = line.ask("POST", f"/v1/{unit.device_id}/inventory", {}, json.dumps({"files": held}).encode())
    states = [(one["state"], one["offset_bytes"]) for one in json.loads(answer.body)["files"]]
    assert states[:3] == [("receipted", files[0].size_bytes), ("partial", 77), ("unknown", 0)]
    state = json.loads(line.ask("GET", f"/v1/{unit.device_id}/state", {}).body)
    assert (state["files"], state["last_receipt_number"], state["parked"]) == (1, 1, 0)
    assert line.ask("POST", f"/v1/{unit.device_id}/inventory", {}, b'{"files": 3}').reason == "malformed"
    assert line.ask("GET", "/healthz", {}).status == 200


def test_malformed_metadata_creates_nothing(line: Line, store: StoreOnDisk, tmp_path: Path) -> None:
    """SY-5."""
    for metadata in ("", "file_id", "file_id ???", "file_id YQ==,number MQ==", "x" * 5000):
        answer = line.ask("POST", line.files(), {"Upload-Length": "10", "Upload-Metadata": metadata, **TUS})
        assert (answer.status, answer.reason) == (400, "malformed")
    assert not list((store.directory / "incoming").iterdir())

"""Long bodies: taken straight from the line, in blocks, and what becomes of the line behind them."""

import asyncio
import errno
import http.client
import os
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from urllib.parse import urlsplit

import pytest

from sealing.receipts import read_receipt
from sync.store.body import Body
from sync.store.intake import Upload
from sync.store.vault import Name
from sync.unit.spool import SealedFile, numbers, read_ended
from sync.wire import OFFSET_CONTENT_TYPE, UploadMetadata, encode_metadata
from tests.support.docks import StoreOnDisk, UnitOnDisk, fill_spool, served

NEVER_SECONDS = 60.0
SOON_SECONDS = 2.0
"""Longer than who sends is kept from it on a busy machine."""
TUS = {"Tus-Resumable": "1.0.0"}


class StillLine:
    """A line that knows whether it stands still."""

    def __init__(self) -> None:
        self.paused = False

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False


def bring(body: Body, data: bytes) -> bytes:
    """Put as much as there is room for; gives the rest."""
    room = body.room()
    room[: len(data)] = data[: len(room)]
    body.came(min(len(data), len(room)))
    return data[len(room) :]


def test_a_block_is_given_when_it_is_full_and_the_line_stands_still_meanwhile() -> None:
    async def run() -> None:
        line = StillLine()
        body = Body(line, left_bytes=10, block_bytes=4)
        found = b""
        rest = b"0123456789"
        while not body.ended:
            rest = bring(body, rest)
            block = await body.block(NEVER_SECONDS)
            assert line.paused
            found += bytes(block)
            body.go_on()
            assert line.paused is body.ended
        assert (found, rest) == (b"0123456789", b"")

    asyncio.run(run())


def test_room_never_reaches_behind_the_body() -> None:
    async def run() -> None:
        body = Body(StillLine(), left_bytes=6, block_bytes=4)
        assert bring(body, b"abcdefNEXT") == b"efNEXT"
        assert bytes(await body.block(NEVER_SECONDS)) == b"abcd"
        body.go_on()
        assert len(body.room()) == 2
        assert bring(body, b"efNEXT") == b"NEXT"
        assert bytes(await body.block(NEVER_SECONDS)) == b"ef"
        assert body.ended

    asyncio.run(run())


def test_what_came_slowly_is_given_when_the_time_is_over() -> None:
    async def run() -> None:
        body = Body(StillLine(), left_bytes=100)
        assert bytes(await body.block(0.0)) == b""
        bring(body, b"drip")
        assert bytes(await body.block(0.0)) == b"drip"

    asyncio.run(run())


def test_a_lost_line_gives_what_it_had_brought_and_then_says_so() -> None:
    """SY-11."""

    async def run() -> None:
        body = Body(StillLine(), left_bytes=100)
        bring(body, b"some")
        waiting = asyncio.create_task(body.block(NEVER_SECONDS))
        await asyncio.sleep(0)
        body.lost()
        assert bytes(await waiting) == b"some"
        body.go_on()
        with pytest.raises(ConnectionResetError, match="gone"):
            await body.block(NEVER_SECONDS)

    asyncio.run(run())


@pytest.fixture
def files(unit: UnitOnDisk) -> list[SealedFile]:
    """Two footage files of more than two blocks each."""
    fill_spool(unit, footage_files=2, fragments=3, fragment_bytes=900_000)
    spool = unit.paths.spool
    found = [read_ended(spool / f"{number:08d}.evs", None) for number in numbers(spool)]
    return [one for one in found if one is not None and one.size_bytes > 1_000_000]


@pytest.fixture
def kept(store: StoreOnDisk, unit: UnitOnDisk, files: list[SealedFile]) -> Iterator[http.client.HTTPConnection]:
    """One connection for all requests; the uploads are created."""
    with created(store, unit, files, NEVER_SECONDS) as connection:
        yield connection


@contextmanager
def created(
    store: StoreOnDisk, unit: UnitOnDisk, files: list[SealedFile], body_idle_seconds: float
) -> Iterator[http.client.HTTPConnection]:
    with served(store, body_idle_seconds) as url:
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=60)
        for file in files:
            create(connection, unit, file)
        yield connection
        connection.close()


def create(connection: http.client.HTTPConnection, unit: UnitOnDisk, file: SealedFile) -> None:
    metadata = encode_metadata(UploadMetadata(file_id=file.file_id.hex(), number=file.number))
    headers = {**TUS, "Upload-Length": str(file.size_bytes), "Upload-Metadata": metadata, "Content-Length": "0"}
    connection.request("POST", f"/v1/{unit.device_id}/files", headers=headers)
    assert connection.getresponse().read() == b""


def patch_head(unit: UnitOnDisk, file: SealedFile, offset: int, length: int) -> bytes:
    lines = [
        f"PATCH /v1/{unit.device_id}/files/{file.file_id.hex()} HTTP/1.1",
        "Host: x",
        "Tus-Resumable: 1.0.0",
        f"Upload-Offset: {offset}",
        f"Content-Type: {OFFSET_CONTENT_TYPE}",
        f"Content-Length: {length}",
    ]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def wait_until(true: Callable[[], bool]) -> None:
    nothing = threading.Event()
    for _ in range(6000):
        if true():
            return
        nothing.wait(0.01)
    raise AssertionError("it did not come")


def test_one_connection_carries_body_behind_body(
    kept: http.client.HTTPConnection, unit: UnitOnDisk, files: list[SealedFile]
) -> None:
    assert len(files) == 2
    first_socket = kept.sock
    for file in files:
        headers = {**TUS, "Upload-Offset": "0", "Content-Type": OFFSET_CONTENT_TYPE}
        path = f"/v1/{unit.device_id}/files/{file.file_id.hex()}"
        kept.request("PATCH", path, body=file.path.read_bytes(), headers=headers)
        answer = kept.getresponse()
        assert (answer.status, answer.read(), answer.headers["Upload-Offset"]) == (204, b"", str(file.size_bytes))
        kept.request("GET", f"/v1/{unit.device_id}/receipts/{file.file_id.hex()}")
        assert read_receipt(kept.getresponse().read()).file_id == file.file_id
    assert kept.sock is first_socket


def test_a_request_that_follows_a_body_at_once_is_answered_behind_it(
    kept: http.client.HTTPConnection, unit: UnitOnDisk, files: list[SealedFile]
) -> None:
    """Nothing behind a body's end is taken for a part of it, nor lost."""
    file = files[0]
    data = file.path.read_bytes()
    path = f"/v1/{unit.device_id}/files/{file.file_id.hex()}"
    behind = f"HEAD {path} HTTP/1.1\r\nHost: x\r\nTus-Resumable: 1.0.0\r\nConnection: close\r\n\r\n".encode()
    with socket.create_connection((kept.host, kept.port), timeout=60) as sock:
        sock.sendall(patch_head(unit, file, 0, len(data)) + data + behind)
        answers = b"".join(iter(lambda: sock.recv(65536), b"")).split(b"HTTP/1.1 ")[1:]
    assert [one[:3] for one in answers] == [b"204", b"200"]
    assert b"Recorder-State: receipted" in answers[1]


def test_a_body_of_unknown_length_is_taken_too(
    kept: http.client.HTTPConnection, unit: UnitOnDisk, files: list[SealedFile]
) -> None:
    data = files[0].path.read_bytes()
    pieces = (data[at : at + 100_000] for at in range(0, len(data), 100_000))
    headers = {**TUS, "Upload-Offset": "0", "Content-Type": OFFSET_CONTENT_TYPE}
    path = f"/v1/{unit.device_id}/files/{files[0].file_id.hex()}"
    kept.request("PATCH", path, body=pieces, headers=headers, encode_chunked=True)
    answer = kept.getresponse()
    assert (answer.status, answer.headers["Upload-Offset"]) == (204, str(len(data)))


def test_a_body_that_is_cut_in_a_later_block_is_kept_to_its_last_byte(
    kept: http.client.HTTPConnection, store: StoreOnDisk, unit: UnitOnDisk, files: list[SealedFile]
) -> None:
    """SY-11."""
    file = files[0]
    data = file.path.read_bytes()
    with socket.create_connection((kept.host, kept.port), timeout=60) as sock:
        sock.sendall(patch_head(unit, file, 0, len(data)) + data[:2_222_222])
    wait_until(lambda: store.vault.offset(Name(unit.device_id, file.file_id.hex())) == 2_222_222)
    with socket.create_connection((kept.host, kept.port), timeout=60) as sock:
        sock.sendall(patch_head(unit, file, 2_222_222, len(data) - 2_222_222) + data[2_222_222:])
        assert sock.recv(12) == b"HTTP/1.1 204"


def test_what_comes_while_the_beginning_is_written_belongs_to_the_file_too(
    kept: http.client.HTTPConnection, unit: UnitOnDisk, files: list[SealedFile], monkeypatch: pytest.MonkeyPatch
) -> None:
    file = files[0]
    head, data = patch_head(unit, file, 0, 5000), file.path.read_bytes()[:5000]
    write, nothing = Upload.append, threading.Event()
    with socket.create_connection((kept.host, kept.port), timeout=60) as sock:

        def bring_the_rest(upload: Upload, *pieces: bytes | memoryview) -> None:
            if upload.offset == 0:
                sock.sendall(data[10:])
                nothing.wait(0.2)
            write(upload, *pieces)

        monkeypatch.setattr(Upload, "append", bring_the_rest)
        sock.sendall(head + data[:10])
        answer = sock.recv(65536)
    assert answer.startswith(b"HTTP/1.1 204")
    assert b"Upload-Offset: 5000" in answer


def test_a_line_whose_body_stands_still_is_answered_and_ended(
    store: StoreOnDisk, unit: UnitOnDisk, files: list[SealedFile]
) -> None:
    """SY-39: what would follow on it could not be told from the body."""
    file = files[0]
    data = file.path.read_bytes()
    with (
        created(store, unit, files, SOON_SECONDS) as kept,
        socket.create_connection((kept.host, kept.port), timeout=60) as sock,
    ):
        sock.sendall(patch_head(unit, file, 0, len(data)) + data[:1_500_000])
        answer = sock.recv(65536)
        assert answer.startswith(b"HTTP/1.1 503")
        assert b"Connection: close" in answer
    assert store.vault.offset(Name(unit.device_id, file.file_id.hex())) == 1_500_000


def test_a_disk_that_fills_up_in_the_middle_is_said_and_what_was_written_stays(
    kept: http.client.HTTPConnection,
    store: StoreOnDisk,
    unit: UnitOnDisk,
    files: list[SealedFile],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """SY-7."""
    file = files[0]
    data = file.path.read_bytes()
    write = Upload.append

    def fill_up(upload: Upload, *pieces: bytes | memoryview) -> None:
        if upload.offset >= 1_000_000:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        write(upload, *pieces)

    monkeypatch.setattr(Upload, "append", fill_up)
    with socket.create_connection((kept.host, kept.port), timeout=60) as sock:
        sock.sendall(patch_head(unit, file, 0, len(data)) + data)
        answer = sock.recv(65536)
    assert answer.startswith(b"HTTP/1.1 507")
    assert b"Connection: close" in answer
    monkeypatch.undo()
    held = store.vault.offset(Name(unit.device_id, file.file_id.hex()))
    assert 1_000_000 <= held < len(data)
    with socket.create_connection((kept.host, kept.port), timeout=60) as sock:
        sock.sendall(patch_head(unit, file, held, len(data) - held) + data[held:])
        assert sock.recv(12) == b"HTTP/1.1 204"

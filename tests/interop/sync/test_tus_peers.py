"""Other tus clients against our store, our client against another tus server, and nginx between both ends."""

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from sealing.receipts import ReceiptError, read_receipt
from sync.receipt_check import check_receipt
from sync.store.vault import Name
from sync.unit.client import StoppedError, StoreClient
from sync.unit.courier import Ending
from sync.unit.spool import SealedFile, read_ended
from tests.support.docks import StoreOnDisk, UnitOnDisk, fill_spool, make_unit, opened_store, served
from tests.support.interop_tools import nginx_program, node_folder, tuspy_folder
from tests.support.ports import free_port
from tests.system.sync.test_chaos import carry

pytestmark = [pytest.mark.system, pytest.mark.timeout(600)]

HERE = Path(__file__).parent
NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  client_max_body_size 256m;
  server {{
    listen 127.0.0.1:{port};
    location / {{
      proxy_pass http://127.0.0.1:{store};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_request_buffering off;
      proxy_buffering off;
    }}
  }}
}}
"""
TUSPY = """
import sys
from tusclient.client import TusClient
endpoint, path, file_id, number = sys.argv[1:]
uploader = TusClient(endpoint).uploader(path, chunk_size=100_000, metadata={"file_id": file_id, "number": number})
uploader.upload()
print(uploader.url)
"""


@pytest.fixture
def store(tmp_path: Path) -> Iterator[StoreOnDisk]:
    with opened_store(tmp_path / "store") as opened:
        yield opened


@pytest.fixture
def unit(store: StoreOnDisk, tmp_path: Path) -> UnitOnDisk:
    made = make_unit(store.authority, store.ledger, tmp_path / "unit")
    fill_spool(made, footage_files=1, fragments=4, fragment_bytes=100_000)
    return made


@pytest.fixture
def file(unit: UnitOnDisk) -> SealedFile:
    found = [read_ended(path, None) for path in sorted(unit.paths.spool.glob("*.evs"))]
    largest = max((one for one in found if one is not None), key=lambda one: one.size_bytes)
    assert largest.size_bytes > 400_000
    return largest


def is_promised(store: StoreOnDisk, file: SealedFile) -> None:
    receipt = store.ledger.receipt(file.device_id, file.file_id)
    assert receipt is not None
    check_receipt(receipt, store.receipt_certificate(), file.device_id, file.path)
    assert store.vault.object(Name(file.device_id, file.file_id.hex())).read_bytes() == file.path.read_bytes()


def run(*command: str | Path, environment: dict[str, str] | None = None) -> str:
    done = subprocess.run(
        [str(one) for one in command],
        capture_output=True,
        text=True,
        timeout=200,
        check=False,
        env={**os.environ, **(environment or {})},
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("chunk_bytes", [100_000, 10_000_000])
def test_tus_js_client_uploads_to_our_store(store: StoreOnDisk, file: SealedFile, chunk_bytes: int) -> None:
    """SY-4, SY-6, SY-8: a client that knows tus and nothing else."""
    modules = node_folder()
    with served(store) as url:
        endpoint = f"{url}/v1/{file.device_id}/files"
        arguments = (file.path, file.file_id.hex(), str(file.number), str(chunk_bytes))
        said = json.loads(run("node", HERE / "upload.mjs", modules, endpoint, *arguments))
    assert said["url"].endswith(file.file_id.hex())
    is_promised(store, file)


def test_tuspy_uploads_to_our_store(store: StoreOnDisk, file: SealedFile) -> None:
    """SY-4, SY-6, SY-8."""
    environment = {"PYTHONPATH": str(tuspy_folder())}
    with served(store) as url:
        endpoint = f"{url}/v1/{file.device_id}/files"
        arguments = (endpoint, file.path, file.file_id.hex(), str(file.number))
        run(sys.executable, "-W", "ignore", "-c", TUSPY, *arguments, environment=environment)
    is_promised(store, file)


@contextmanager
def tus_server(folder: Path, device_id: str) -> Iterator[str]:
    """`@tus/server` as a process; gives its URL."""
    command = ["node", str(HERE / "serve.mjs"), str(node_folder()), str(folder), f"/v1/{device_id}/files"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield f"http://127.0.0.1:{json.loads(process.stdout.readline())['port']}"
        finally:
            process.terminate()


def test_our_client_uploads_to_another_tus_server(file: SealedFile, tmp_path: Path) -> None:
    """SY-8, SY-11: what another server keeps of a cut upload, our client goes on from; and it promises nothing."""
    folder = tmp_path / "theirs"
    folder.mkdir()
    with tus_server(folder, file.device_id) as url:
        client = StoreClient(url, file.device_id, None, timeout_seconds=20)
        assert client.head(file) is None
        client.create(file)
        standing = client.head(file)
        assert standing is not None
        assert (standing.offset_bytes, standing.size_bytes, standing.receipted) == (0, file.size_bytes, False)
        sent: list[int] = []
        with pytest.raises(StoppedError):
            client.append(file, 0, lambda: not sent, sent.append)
        standing = client.head(file)
        assert standing is not None
        client.append(file, standing.offset_bytes, lambda: True, lambda _: None)
        standing = client.head(file)
        assert standing is not None
        assert standing.offset_bytes == file.size_bytes
        with pytest.raises(ReceiptError):
            read_receipt(client.receipt(file) or b"")
        client.close()
    assert (folder / file.file_id.hex()).read_bytes() == file.path.read_bytes()


@contextmanager
def nginx(folder: Path, store_url: str) -> Iterator[str]:
    """nginx in front of a store; gives its URL."""
    folder.mkdir()
    port = free_port()
    text = NGINX.format(folder=folder, port=port, store=urlsplit(store_url).port)
    (folder / "nginx.conf").write_text(text)
    command = [nginx_program(), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    with subprocess.Popen(command) as process:
        try:
            _wait_until_it_listens(port, process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()


def _wait_until_it_listens(port: int, process: subprocess.Popen[bytes]) -> None:
    nothing = threading.Event()
    for _ in range(1200):
        assert process.poll() is None
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            nothing.wait(0.05)
        else:
            return
    raise AssertionError("nginx does not listen")


def test_through_nginx(store: StoreOnDisk, unit: UnitOnDisk, tmp_path: Path) -> None:
    """SY-8, SY-13: the whole job through a reverse proxy that passes bodies as they come."""
    with served(store) as url, nginx(tmp_path / "nginx", url) as front:
        assert carry(unit, front, seed=1) is Ending.ALL_RECEIPTED
    for path in unit.paths.spool.glob("*.evs"):
        found = read_ended(path, None)
        assert found is not None
        is_promised(store, found)

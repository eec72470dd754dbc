"""CPU seconds per GiB from the unit's disk to a receipt, as a ratio to `curl` putting the same bytes into nginx.

Wall-clock on a shared machine says little; CPU seconds of all processes that take part, taken in turn, say what counts.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from statistics import median

from sealing.receipts import read_receipt
from sync.inclusion import detach
from sync.unit.client import StoreClient, tls_context
from sync.unit.spool import SealedFile, numbers, read_ended
from tests.bench.measurement import ROUNDS, Measurement, at_most, figure
from tests.support.docks import UnitOnDisk, fill_spool, make_unit, opened_store
from tests.support.interop_tools import nginx_program
from tests.support.ports import free_port
from tests.support.store_process import StoreProcess

FILES = 5
"""The first of them warms up and is not counted."""
FRAGMENTS = 60
FRAGMENT_BYTES = 1_000_000
GIB = 1 << 30
HTTP_GOAL, TLS_GOAL = 2.2, 3.2
MEMORY = Path("/dev/shm")  # noqa: S108 - a folder of this run's own is made in it
"""A file system in memory: what a disk costs is the disk's, and the baseline syncs nothing."""
_TICKS = os.sysconf("SC_CLK_TCK")
_NGINX = """
daemon off; master_process off; pid {folder}/nginx.pid; error_log {folder}/error.log;
events {{ worker_connections 64; }}
http {{
  access_log off; client_max_body_size 300m;
  client_body_temp_path {folder}/body; proxy_temp_path {folder}/p; fastcgi_temp_path {folder}/f;
  uwsgi_temp_path {folder}/u; scgi_temp_path {folder}/s;
  server {{
    listen 127.0.0.1:{port};
    root {folder}/files;
    location / {{ dav_methods PUT; create_full_put_path on; }}
  }}
}}
"""


def measure() -> list[Measurement]:
    """HTTP and mutual TLS against the baseline, in the same run: in memory, and on the disk."""
    found: list[Measurement] = []
    if MEMORY.is_dir() and os.access(MEMORY, os.W_OK):
        found += _measure_on(MEMORY, "in memory")
    return found + _measure_on(None, "on the disk, nginx's files synced as the store syncs its own")


def _measure_on(where: Path | None, what: str) -> list[Measurement]:
    with tempfile.TemporaryDirectory(prefix="bench-sync-", dir=where) as name:
        folder = Path(name)
        unit, files = _footage(folder)
        seconds: dict[str, list[float]] = {"curl": [], "http": [], "tls": []}
        for number in range(ROUNDS):
            seconds["curl"].append(_curl(folder / f"nginx-{number}", files[1:], synced=where is None))
            for way, tls in (("http", False), ("tls", True)):
                seconds[way].append(_store(folder / "agency", folder / f"{way}-{number}", unit, files, tls=tls))
        scale = GIB / sum(one.size_bytes for one in files[1:])
        base, plain, mutual = (median(seconds[way]) * scale for way in ("curl", "http", "tls"))
        return [
            figure(f"sync, curl into nginx, {what}", base, "CPU s/GiB", "both ends, nothing verified"),
            figure("sync, HTTP", plain, "CPU s/GiB", f"both ends, verified and receipted, {what}"),
            figure("sync, mutual TLS 1.3", mutual, "CPU s/GiB", f"both ends, verified and receipted, {what}"),
            at_most("sync, HTTP", plain / base, "ratio", f"curl into nginx, same run, {what}", HTTP_GOAL),
            at_most("sync, mutual TLS 1.3", mutual / base, "ratio", f"curl into nginx, same run, {what}", TLS_GOAL),
        ]


def _footage(folder: Path) -> tuple[UnitOnDisk, list[SealedFile]]:
    with opened_store(folder / "agency") as store:
        unit = make_unit(store.authority, store.ledger, folder / "unit")
    fill_spool(unit, footage_files=FILES, fragments=FRAGMENTS, fragment_bytes=FRAGMENT_BYTES)
    found = [read_ended(unit.paths.spool / f"{number:08d}.evs", None) for number in numbers(unit.paths.spool)]
    return unit, [one for one in found if one is not None and one.size_bytes > FRAGMENT_BYTES]


def _curl(folder: Path, files: list[SealedFile], *, synced: bool) -> float:
    """CPU seconds of curl and nginx, and of syncing what it wrote: nginx itself leaves that to chance."""
    (folder / "files").mkdir(parents=True)
    port = free_port()
    (folder / "nginx.conf").write_text(_NGINX.format(folder=folder, port=port), encoding="utf-8")
    command = [nginx_program(), "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "error.log")]
    with subprocess.Popen(command) as nginx:
        try:
            urls = [f"http://127.0.0.1:{port}/{one.path.name}" for one in files]
            asked = ["--retry", "20", "--retry-connrefused", "--retry-delay", "1", "-sS", "-o", "/dev/null"]
            _children(lambda: subprocess.run(["curl", *asked, f"http://127.0.0.1:{port}/"], check=True))
            before = _process_seconds(nginx.pid)
            uploads = [word for one, url in zip(files, urls, strict=True) for word in ("-T", str(one.path), url)]
            client = _children(lambda: subprocess.run(["curl", "-sSf", *uploads], check=True))
            for one in files if synced else ():
                client += _children(partial(subprocess.run, ["sync", folder / "files" / one.path.name], check=True))
            return client + _process_seconds(nginx.pid) - before
        finally:
            nginx.terminate()


def _store(agency: Path, folder: Path, unit: UnitOnDisk, files: list[SealedFile], *, tls: bool) -> float:
    """CPU seconds of unit and store from the second file to its last receipt; the first warms a fresh store up."""
    subprocess.run(["cp", "-a", str(agency), str(folder)], check=True)
    with _served(folder, tls=tls) as process:
        context = tls_context(unit.paths) if tls else None
        client = StoreClient(process.url, unit.device_id, context)
        _send(client, files[0])
        before, own = _process_seconds(process.pid), _own_seconds()
        for file in files[1:]:
            _send(client, file)
        spent = _process_seconds(process.pid) - before + _own_seconds() - own
        client.close()
    subprocess.run(["rm", "-rf", str(folder)], check=True)
    return spent


def _send(client: StoreClient, file: SealedFile) -> None:
    client.create(file)
    client.append(file, 0, lambda: True, lambda _: None)
    receipt = read_receipt(detach(client.receipt(file) or b"")[0])
    if receipt.file_id != file.file_id:
        raise RuntimeError(f"the receipt is for {receipt.file_id.hex()}, not for {file.file_id.hex()}")


@contextlib.contextmanager
def _served(folder: Path, *, tls: bool) -> Iterator[StoreProcess]:
    process = StoreProcess(folder, tls=tls)
    process.start()
    try:
        yield process
    finally:
        process.stop()


def _process_seconds(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="ascii").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS


def _own_seconds() -> float:
    used = os.times()
    return used.user + used.system


def _children(work: Callable[[], object]) -> float:
    before = os.times()
    work()
    after = os.times()
    return after.children_user + after.children_system - before.children_user - before.children_system

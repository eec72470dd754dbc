"""Runs a store: opens its folder, recovers, listens, stops in order.

Rules of this module: composition only; no protocol, no judging.
"""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import signal
import ssl
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from aiohttp import web

from sealing.trust import Trust, TrustError
from sync.errors import EngineUnavailableError, StoreError
from sync.store.authority import CA_CERTIFICATE, TLS_CERTIFICATE, Authority
from sync.store.doorkeeper import HANDSHAKE_SECONDS, HEAD_SECONDS, Doorkeeper
from sync.store.engines import ledger_of, objects_of
from sync.store.intake import Intake, ReceiptSigner
from sync.store.mqtt_service import served_by_broker
from sync.store.server import BODY_IDLE_SECONDS, StoreServer
from sync.store.settings import load_settings
from sync.store.uploads import ACTIVE_MAX
from sync.store.vault import RESERVE_BYTES

log = logging.getLogger(__name__)

_LOCK_NAME: Final = "serve.lock"
_SHUTDOWN_SECONDS: Final = 5.0
_OPERATIONS_HOST: Final = "127.0.0.1"
_BACKLOG: Final = 1024
_OTHER_THREADS: Final = 8
FSCK_HOURS: Final = 24.0


@dataclass(frozen=True, slots=True)
class Listening:
    """How a store is to be served."""

    host: str
    port: int
    """0 takes a free one."""
    tls: bool
    reserve_bytes: int = RESERVE_BYTES
    body_idle_seconds: float = BODY_IDLE_SECONDS
    operations_port: int | None = None
    """Health, readiness and metrics for this machine alone, without TLS; None: beside the units' paths only."""
    fsck_hours: float = FSCK_HOURS
    """Hours between checks of everything held; 0: none."""
    head_seconds: float = HEAD_SECONDS
    """Longest wait for a whole request head on a connection."""
    mqtt_url: str | None = None
    """The broker through which units are served, too; None: there is none."""


def serve(
    directory: Path, listening: Listening, now_utc_ns: Callable[[], int], on_ready: Callable[[str, int], None]
) -> None:
    """Serve a store until SIGTERM or SIGINT.

    Args:
        directory: The store's folder.
        listening: Where and how.
        now_utc_ns: The store's civil clock.
        on_ready: Told the URL, and how many objects a kill had left unpromised, once requests are taken.

    Raises:
        StoreError: The folder is no store, is damaged, or is being served already.
        OSError: The address cannot be listened on.
    """
    settings = load_settings(directory)
    tls = _tls_context(Authority(directory)) if listening.tls else None
    with only_one(directory), opened_intake(directory, now_utc_ns, listening.reserve_bytes) as intake:
        found = intake.recover()
        server = StoreServer(intake, settings.store_id, listening.body_idle_seconds)
        asyncio.run(_run(server, directory, listening, tls, lambda url: on_ready(url, found)))


@contextmanager
def opened_intake(
    directory: Path, now_utc_ns: Callable[[], int], reserve_bytes: int = RESERVE_BYTES
) -> Iterator[Intake]:
    """Open everything that a store keeps, without serving it.

    Raises:
        StoreError: The folder is no store, or is damaged.
    """
    settings = load_settings(directory)
    authority = Authority(directory)
    signer = ReceiptSigner(settings.store_id, authority.key("receipt"))
    ledger = ledger_of(directory, settings)
    try:
        vault = objects_of(directory, settings, ledger, reserve_bytes, now_utc_ns)
        yield Intake(vault, ledger, _trust(authority), signer, now_utc_ns)
    finally:
        ledger.close()


async def _run(
    server: StoreServer,
    directory: Path,
    listening: Listening,
    tls: ssl.SSLContext | None,
    on_ready: Callable[[str], None],
) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    # Each upload may wait for a bucket, and other requests must not wait behind them.
    loop.set_default_executor(ThreadPoolExecutor(ACTIVE_MAX + _OTHER_THREADS, "store"))
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    runner = web.AppRunner(server.application(), access_log=None, shutdown_timeout=_SHUTDOWN_SECONDS)
    operations = web.AppRunner(server.operations.application(), access_log=None, shutdown_timeout=0)
    await runner.setup()
    await operations.setup()
    checking = asyncio.create_task(_check_again_and_again(server, listening.fsck_hours, stop))
    listener: asyncio.Server | None = None
    try:
        listener = await _listen(runner, server, listening, tls)
        if listening.operations_port is not None:
            await web.TCPSite(operations, _OPERATIONS_HOST, listening.operations_port).start()
        async with served_by_broker(server, directory, listening.mqtt_url):
            on_ready(_url(listener, tls is not None))
            await stop.wait()
    finally:
        server.operations.ready = False
        stop.set()
        if listener is not None:
            listener.close()
        await runner.cleanup()
        await operations.cleanup()
        await checking


async def _listen(
    runner: web.AppRunner, server: StoreServer, listening: Listening, tls: ssl.SSLContext | None
) -> asyncio.Server:
    """SY-39: connections come through the doorkeeper, and a handshake that stands still is given up."""
    if runner.server is None:
        raise StoreError("the server was not set up before it was to listen")
    keeper = server.operations.doorkeeper = Doorkeeper(runner.server, listening.head_seconds)
    return await asyncio.get_running_loop().create_server(
        keeper,
        listening.host,
        listening.port,
        ssl=tls,
        ssl_handshake_timeout=None if tls is None else min(HANDSHAKE_SECONDS, listening.head_seconds),
        backlog=_BACKLOG,
        reuse_address=True,
    )


async def _check_again_and_again(server: StoreServer, hours: float, stop: asyncio.Event) -> None:
    """R38: everything held is read again on a schedule; a fault is an alarm in log and metrics."""
    while hours > 0 and not stop.is_set():
        try:
            async with asyncio.timeout(hours * 3600):
                await stop.wait()
        except TimeoutError:
            try:
                await asyncio.to_thread(server.check, hours, lambda: not stop.is_set())
            except EngineUnavailableError:
                log.exception("not everything held could be checked; it is tried again in %g h", hours)


def _url(listener: asyncio.Server, tls: bool) -> str:
    host, port, *_ = listener.sockets[0].getsockname()
    named = f"[{host}]" if ":" in host else host
    return f"{'https' if tls else 'http'}://{named}:{port}"


def _tls_context(authority: Authority) -> ssl.SSLContext:
    """SY-1: TLS 1.3, client certificates of the agency's own CA required."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    context.verify_mode = ssl.CERT_REQUIRED
    try:
        context.load_verify_locations(authority.trust / CA_CERTIFICATE)
        context.load_cert_chain(authority.trust / TLS_CERTIFICATE, authority.keys / "tls.key")
    except (OSError, ssl.SSLError) as error:
        raise StoreError(f"TLS key or certificate cannot be used: {error}; restore them from the backup") from error
    return context


def _trust(authority: Authority) -> Trust:
    try:
        return Trust.load(authority.trust)
    except TrustError as error:
        raise StoreError(f"{error}; restore it from the backup") from error


@contextmanager
def only_one(directory: Path) -> Iterator[None]:
    """Keep everybody else from serving or changing this folder; two processes would take each other's uploads.

    Raises:
        StoreError: Another process has it.
    """
    # The lock goes with its process, also when that is killed.
    descriptor = os.open(directory / _LOCK_NAME, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o640)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise StoreError(f"store {directory} is being served by another process; stop that one first") from error
        yield
    finally:
        os.close(descriptor)

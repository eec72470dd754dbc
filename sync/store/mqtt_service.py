"""Serves a store's units over MQTT beside HTTP: certificates, the name of this process, the connection, the front.

Rules of this module: composition only; no protocol, no judging.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from sync.errors import StoreError
from sync.mqtt.address import broker_address
from sync.store.authority import CA_CERTIFICATE, Authority
from sync.store.broker import CLIENT_CERTIFICATE, CLIENT_KEY, share_group
from sync.store.mqtt_link import StoreLink
from sync.store.server import StoreServer

_UP_SECONDS: Final = 2.0
"""Longest wait for the broker before the store goes on without it."""
_WORKER_BYTES: Final = 6
_FRACTION_BITS: Final = 53


@asynccontextmanager
async def served_by_broker(server: StoreServer, directory: Path, url: str | None) -> AsyncIterator[None]:
    """Answer units through a broker as long as the block goes on; a broker that is away is tried again and again.

    Args:
        server: The store.
        directory: Its folder.
        url: The broker, `mqtts://host:port`, or `mqtt://` on one machine; None: there is none.

    Raises:
        StoreError: The store has no certificate for the broker.
        ConfigurationError: The URL is none.
    """
    if url is None:
        yield
        return
    link, stop = _link(Authority(directory), url), asyncio.Event()
    front = server.mqtt_front(link.worker, link)
    running = asyncio.create_task(link.run(front.take, stop), name="mqtt")
    try:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_UP_SECONDS):
                await link.up.wait()
        yield
    finally:
        stop.set()
        await running
        await front.close()


def _link(authority: Authority, url: str) -> StoreLink:
    address = broker_address(url)
    tls = _tls(authority) if address.tls else None
    # A new name for each start: what was under way to the process before finds nobody, and units ask again.
    return StoreLink(address, tls, secrets.token_hex(_WORKER_BYTES), share_group(authority), _fraction)


def _tls(authority: Authority) -> ssl.SSLContext:
    """SY-52: TLS 1.3, and the agency's CA alone."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    try:
        context.load_verify_locations(authority.trust / CA_CERTIFICATE)
        context.load_cert_chain(authority.trust / CLIENT_CERTIFICATE, authority.keys / CLIENT_KEY)
    except (OSError, ssl.SSLError) as error:
        detail = f"{authority.trust / CLIENT_CERTIFICATE}, {authority.keys / CLIENT_KEY}: {error}"
        raise StoreError(
            f"the store's end of the broker's line cannot be used ({detail}); make it with `recorder-store broker`"
        ) from error
    return context


def _fraction() -> float:
    return secrets.randbits(_FRACTION_BITS) / 2.0**_FRACTION_BITS

"""The store's connection to a broker: paho's MQTT 5 client in the store's event loop, made anew whenever it breaks.

Rules of this module: bytes, topics and heads; what they mean is `mqtt_front`'s matter. Nothing is kept for a broken
connection, on either side of it: units ask again (SY-48). What CONNACK allows is obeyed (SY-50).
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import select
import socket
import ssl
from collections.abc import Callable
from typing import Final

from paho.mqtt import client as paho
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from sync.backoff import Backoff
from sync.mqtt.address import BrokerAddress
from sync.mqtt.dial import BrokerClient
from sync.mqtt.properties import AnswerHead, Limits, answering, limits_of, wanted_at
from sync.mqtt.topics import store_filters

log = logging.getLogger(__name__)

_MISC_SECONDS: Final = 5.0
_PACKETS_AT_ONCE: Final = 32
_BACKOFF: Final = Backoff(base_seconds=0.2, cap_seconds=5.0)

Take = Callable[[str, bytes, tuple[str, bytes] | None], None]


class StoreLink:
    """One process of the store at one broker; one event loop.

    Args:
        address: Where the broker is.
        tls: The store's end; needed where the address says so.
        worker: This process's name.
        group: In which the store's processes share what units say to any.
        draw: A fresh random number from 0 to 1, for waits.
    """

    def __init__(
        self, address: BrokerAddress, tls: ssl.SSLContext | None, worker: str, group: str, draw: Callable[[], float]
    ) -> None:
        self._address = address
        self._tls = tls
        self.worker = worker
        self._filters = store_filters(worker, group)
        self._draw = draw
        self._client: paho.Client | None = None
        self._limits = Limits()
        self._ended = asyncio.Event()
        self._take: Take = lambda *_: None
        self.up = asyncio.Event()
        """Set while units are heard."""

    @property
    def is_up(self) -> bool:
        """Whether units are heard now."""
        return self.up.is_set()

    async def run(self, take: Take, stop: asyncio.Event) -> None:
        """Stay connected until told to stop.

        Args:
            take: Told of every message; runs in the event loop.
            stop: Ends it.
        """
        self._take = take
        failures = 0
        while not stop.is_set():
            try:
                await self._connected(stop)
                failures = 0
            except (OSError, ValueError) as error:
                failures += 1
                log.warning("broker %s:%d: %s; units do not reach the store by it", *self._place, error)
            delay = _BACKOFF.delay_seconds(failures + 1, self._draw())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(delay):
                    await stop.wait()

    def publish(self, topic: str, body: bytes, head: AnswerHead) -> None:
        """Send an answer; one that cannot be sent is lost, and the unit asks again."""
        client = self._client
        if client is None or not self.up.is_set():
            return
        if len(body) > self._limits.body_bytes:
            log.error("an answer of %d bytes is more than broker %s:%d takes", len(body), *self._place)
            return
        client.publish(topic, body, qos=0, properties=answering(head))

    @property
    def _place(self) -> tuple[str, int]:
        return self._address.host, self._address.port

    async def _connected(self, stop: asyncio.Event) -> None:
        """One connection, from its begin to its end. Raises OSError, ValueError: there was none."""
        loop = asyncio.get_running_loop()
        self._ended.clear()
        client = self._made()
        await asyncio.to_thread(client.dial)
        sock = client.socket()
        if not isinstance(sock, socket.socket):
            raise ConnectionError("the connection was gone at once")
        _leave_writing_to(loop, client, sock)
        self._client = client
        loop.add_reader(sock, self._read, client, sock)
        try:
            await self._last(client, stop)
        finally:
            self.up.clear()
            self._client = None
            # Where the line broke, paho has closed the socket before, and the loop has let go of it (below).
            if sock.fileno() >= 0:
                loop.remove_reader(sock)
                loop.remove_writer(sock)
                sock.close()

    async def _last(self, client: paho.Client, stop: asyncio.Event) -> None:
        ending = [asyncio.create_task(one.wait()) for one in (self._ended, stop)]
        try:
            while not any(one.done() for one in ending):
                await asyncio.wait(ending, timeout=_MISC_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                client.loop_misc()
        finally:
            for one in ending:
                one.cancel()

    def _read(self, client: paho.Client, sock: socket.socket) -> None:
        """Take what has come, but not for so long that nothing else gets its turn."""
        for _ in range(_PACKETS_AT_ONCE):
            client.loop_read()
            if self._ended.is_set():
                return
            if not (isinstance(sock, ssl.SSLSocket) and sock.pending()) and not has_come(sock):
                return
        if isinstance(sock, ssl.SSLSocket) and sock.pending():
            # The kernel has nothing to wake us for: these bytes were read from it already.
            asyncio.get_running_loop().call_soon(self._read, client, sock)

    def _made(self) -> BrokerClient:
        client = BrokerClient(self._address, f"recorder-store.{self.worker}", self._tls)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        return client

    def _on_connect(
        self, client: paho.Client, _: object, __: paho.ConnectFlags, code: ReasonCode, properties: Properties | None
    ) -> None:
        if code.is_failure:
            log.error("broker %s:%d refuses the store: %s", *self._place, code)
            self._ended.set()
            return
        self._limits = limits_of(properties)
        client.subscribe([(one, 0) for one in self._filters])

    def _on_subscribe(
        self, _: paho.Client, __: object, ___: int, codes: list[ReasonCode], ____: Properties | None
    ) -> None:
        if any(code.is_failure for code in codes):
            log.error("broker %s:%d does not let the store hear units: %s", *self._place, codes)
            self._ended.set()
            return
        self.up.set()

    def _on_message(self, _: paho.Client, __: object, message: paho.MQTTMessage) -> None:
        self._take(message.topic, bytes(message.payload), wanted_at(message.properties))

    def _on_disconnect(
        self, _: paho.Client, __: object, ___: paho.DisconnectFlags, code: ReasonCode, ____: Properties | None
    ) -> None:
        log.warning("the connection to broker %s:%d ended: %s", *self._place, code)
        self._ended.set()


def has_come(sock: socket.socket) -> bool:
    """Whether the kernel has something for a socket; `select` refuses what a store with a thousand lines may get."""
    asked = select.poll()
    asked.register(sock, select.POLLIN)
    return bool(asked.poll(0))


def _leave_writing_to(loop: asyncio.AbstractEventLoop, client: paho.Client, sock: socket.socket) -> None:
    """Have the event loop write what the client has to say, as soon as the socket takes it."""

    def register(*_: object) -> None:
        loop.add_writer(sock, client.loop_write)

    def unregister(*_: object) -> None:
        loop.remove_writer(sock)

    def let_go(*_: object) -> None:
        loop.remove_reader(sock)
        loop.remove_writer(sock)

    client.on_socket_close = let_go
    client.on_socket_register_write = register
    client.on_socket_unregister_write = unregister

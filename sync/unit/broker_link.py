"""The unit's connection to a broker: paho's MQTT 5 client, driven by whoever uses it, without a thread of its own.

Rules of this module: bytes and topics; what they mean is decided elsewhere. Everything is handed over with QoS 0: no
acknowledgement of a broker is proof of anything (SY-48), so none is asked for, its Receive Maximum is never touched,
and nothing waits in a queue that a new connection would send again. Its other limits are obeyed (SY-50).
"""

from __future__ import annotations

import fcntl
import secrets
import select
import socket
import ssl
import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Final

from paho.mqtt import client as paho
from paho.mqtt.enums import MQTTErrorCode
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode

from sync.errors import ConfigurationError
from sync.mqtt.address import broker_address
from sync.mqtt.dial import CONNECT_SECONDS, BrokerClient
from sync.mqtt.properties import AnswerHead, Limits, answer_head, asking, limits_of
from sync.mqtt.topics import box_topic, presence_topic
from sync.secrecy import Line
from sync.unit.client import LinkError, RefusedError
from sync.unit.lines import line_of
from sync.unit.tuning import tune

_PACKETS_AT_ONCE: Final = 1000
_HEARD_MAX: Final = 4096
_SIOCOUTQ: Final = 0x5411
_TCP_NOTSENT_LOWAT: Final = 25
_UNSENT_BYTES_MAX: Final = 256 * 1024
"""What the kernel takes ahead of the line: a window on a slow line is minutes that could not be stopped (SY-26)."""
_BOX_BYTES: Final = 8


@dataclass(frozen=True, slots=True)
class Heard:
    """One answer of the store."""

    head: AnswerHead
    body: bytes


class BrokerLink:
    """One connection to the broker, made when it is needed; one thread.

    Args:
        url: The broker, `mqtt://` or `mqtts://`.
        device_id: This unit; its user name at the broker, too, by its link certificate.
        role: Tells the connections of one unit apart.
        tls: Needed for `mqtts://`.
        rate_bytes_per_second: Pace, kept by the kernel; None: none.
        last_will: Says, of a connection's box, what the broker is to keep as the unit's presence when that connection
            breaks; None: nothing.
    """

    def __init__(
        self,
        url: str,
        device_id: str,
        role: str,
        tls: ssl.SSLContext | None,
        rate_bytes_per_second: int | None = None,
        last_will: Callable[[str], bytes] | None = None,
    ) -> None:
        self.address = broker_address(url)
        if self.address.tls is (tls is None):
            raise ConfigurationError(f"broker URL {url!r} and the unit's certificates do not go together")
        self._device_id = device_id
        # The same for each connection, so that a new one ends the one before; not to be guessed, so that no other does.
        self._name = f"{device_id}.{role}.{secrets.token_hex(_BOX_BYTES)}"
        self._tls = tls
        self._last_will = last_will
        self._client: paho.Client | None = None
        self._down: str | None = None
        self._greeted = False
        self._subscribed = False
        self._hurried = False
        self.rate_bytes_per_second = rate_bytes_per_second
        self.box = ""
        """Where this connection hears its answers; another one for each connection."""
        self.limits = Limits()
        self.heard: deque[Heard] = deque(maxlen=_HEARD_MAX)
        """Answers that came and that nobody has taken yet."""

    @property
    def is_open(self) -> bool:
        """Whether there is a connection, as far as one knows."""
        return self._client is not None

    @property
    def is_writing(self) -> bool:
        """Whether something that was handed over has not gone to the kernel yet."""
        return self._client is not None and self._client.want_write()

    def open(self) -> None:
        """Connect, if there is no connection. Raises LinkError."""
        if self._client is not None:
            return
        self._down, self._greeted, self._subscribed = None, False, False
        self.box = secrets.token_hex(_BOX_BYTES)
        self.heard.clear()
        client = self._client = self._made()
        try:
            client.dial()
        except (OSError, ValueError) as error:
            raise self._lost(f"{type(error).__name__} {error}") from error
        self._tune()
        self._until(lambda: self._greeted, "the broker does not greet")
        client.subscribe(box_topic(self._device_id, self.box), qos=0)
        self._until(lambda: self._subscribed, "the broker does not let the unit hear")

    def close(self) -> None:
        """Drop the connection at once, with what waits in it. Idempotent."""
        client, self._client = self._client, None
        if client is None:
            return
        sock = client.socket()
        if sock is not None:
            sock.close()

    def leave(self) -> None:
        """Say goodbye: the broker does not publish the last will. Idempotent."""
        if self._client is not None and self._greeted and self._down is None:
            self._client.disconnect()
        self.close()

    def hurry(self, wanted: bool) -> None:
        """Lift the pace and the low class of the line, or put them back (SY-41)."""
        if wanted is not self._hurried:
            self._hurried = wanted
            self._tune()

    def line(self) -> Line:
        """Over what kind of line the broker is reached; connects when there is no connection. Raises LinkError."""
        self.open()
        try:
            return line_of(str(self._socket().getsockname()[0]))
        except OSError as error:
            raise self._lost(str(error)) from error

    def unsent_bytes(self) -> int:
        """What the kernel holds of what was written, until the broker's machine has it."""
        try:
            return int(struct.unpack("i", fcntl.ioctl(self._socket().fileno(), _SIOCOUTQ, bytes(4)))[0])
        except OSError as error:
            raise self._lost(str(error)) from error

    def publish(self, topic: str, body: bytes, correlation: bytes | None = None) -> None:
        """Hand a message over.

        Args:
            topic: Where to.
            body: What.
            correlation: What comes back with the answer; None: no answer is wanted.

        Raises:
            LinkError: There is no connection any more.
            RefusedError: It is larger than the broker takes; it was not sent (413, `too-large`).
        """
        self._check_size(topic, body)
        properties = None
        if correlation is not None:
            properties = asking(box_topic(self._device_id, self.box), correlation)
        self._publish(topic, body, properties, retain=False)

    def present(self, body: bytes) -> None:
        """Have the broker keep the unit's presence for who comes later, if it can. Raises LinkError, RefusedError."""
        topic = presence_topic(self._device_id)
        self._check_size(topic, body)
        self._publish(topic, body, None, retain=self.limits.may_retain)

    def pump(self, seconds: float) -> bool:
        """Let the line work, until something came or went or the time is over; says which. Raises LinkError."""
        client, sock = self._live()
        wants = [sock] if client.want_write() else []
        waits = 0.0 if isinstance(sock, ssl.SSLSocket) and sock.pending() else seconds
        readable, writable, _ = select.select([sock], wants, [], waits)
        worked = bool(readable or writable or not waits)
        if writable:
            client.loop_write()
        for _ in range(_PACKETS_AT_ONCE):
            if not readable and not (isinstance(sock, ssl.SSLSocket) and sock.pending()):
                break
            client.loop_read()
            if self._down is not None:
                break
            readable = select.select([sock], [], [], 0)[0]
        client.loop_misc()
        if self._down is not None:
            raise self._lost(self._down)
        return worked

    def _publish(self, topic: str, body: bytes, properties: Properties | None, *, retain: bool) -> None:
        client, _ = self._live()
        info = client.publish(topic, body, qos=0, retain=retain, properties=properties)
        if self._down is not None or info.rc not in {MQTTErrorCode.MQTT_ERR_SUCCESS, MQTTErrorCode.MQTT_ERR_AGAIN}:
            raise self._lost(self._down or str(info.rc))

    def _check_size(self, topic: str, body: bytes) -> None:
        """SY-50."""
        most = self.limits.body_bytes
        if len(body) > most:
            detail = f"{len(body)} bytes for {topic} are more than the broker takes ({most})"
            raise RefusedError(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "too-large", detail, 0)

    def _made(self) -> BrokerClient:
        client = BrokerClient(self.address, self._name, self._tls)
        if self._last_will is not None:
            client.will_set(presence_topic(self._device_id), self._last_will(self.box), qos=0, retain=True)
        client.on_connect = self._on_connect
        client.on_subscribe = self._on_subscribe
        client.on_message = self._on_message
        client.on_disconnect = self._on_disconnect
        return client

    def _on_connect(
        self, _: paho.Client, __: object, ___: paho.ConnectFlags, code: ReasonCode, properties: Properties | None
    ) -> None:
        if code.is_failure:
            self._down = f"the broker refuses the unit: {code}"
            return
        self.limits = limits_of(properties)
        self._greeted = True

    def _on_subscribe(
        self, _: paho.Client, __: object, ___: int, codes: list[ReasonCode], ____: Properties | None
    ) -> None:
        if any(code.is_failure for code in codes):
            self._down = f"the broker does not let the unit hear its answers: {codes[0]}"
        self._subscribed = True

    def _on_message(self, _: paho.Client, __: object, message: paho.MQTTMessage) -> None:
        head = answer_head(message.properties)
        if head is not None:
            self.heard.append(Heard(head, bytes(message.payload)))

    def _on_disconnect(
        self, _: paho.Client, __: object, ___: paho.DisconnectFlags, code: ReasonCode, ____: Properties | None
    ) -> None:
        self._down = self._down or f"the connection ended: {code}"

    def _until(self, done: Callable[[], bool], what: str) -> None:
        """Let the line work until something is so; each wait is bounded, and a broker that drips is cut off."""
        for _ in range(_PACKETS_AT_ONCE):
            if done():
                break
            # TLS has words of its own behind the handshake: what came need not be the broker's.
            if not self.pump(CONNECT_SECONDS):
                raise self._lost(what)
        if self._down is not None:
            raise self._lost(self._down)

    def _tune(self) -> None:
        sock = None if self._client is None else self._client.socket()
        if isinstance(sock, socket.socket):
            tune(sock, self.rate_bytes_per_second, hurried=self._hurried)
            sock.setsockopt(socket.IPPROTO_TCP, _TCP_NOTSENT_LOWAT, _UNSENT_BYTES_MAX)

    def _live(self) -> tuple[paho.Client, socket.socket]:
        if self._client is None:
            raise LinkError(f"broker {self.address.host}: there is no connection")
        return self._client, self._socket()

    def _socket(self) -> socket.socket:
        sock = None if self._client is None else self._client.socket()
        if not isinstance(sock, socket.socket):
            raise self._lost(self._down or "the connection is gone")
        return sock

    def _lost(self, detail: str) -> LinkError:
        self.close()
        return LinkError(f"broker {self.address.host}: {detail}")

"""Somebody at a broker, by paho: says what he is told to, remembers what he hears."""

import queue
import ssl
from collections.abc import Iterator
from contextlib import contextmanager

from paho.mqtt.client import Client, ConnectFlags, DisconnectFlags, MQTTMessage
from paho.mqtt.enums import CallbackAPIVersion, MQTTProtocolVersion
from paho.mqtt.properties import Properties
from paho.mqtt.reasoncodes import ReasonCode
from paho.mqtt.subscribeoptions import SubscribeOptions

WAIT_SECONDS = 60.0


class Peer:
    """One connection of MQTT 5.

    Args:
        name: Its client id.
        tls: Its end of TLS; None: plain.
    """

    def __init__(self, name: str, tls: ssl.SSLContext | None = None) -> None:
        self.client = Client(CallbackAPIVersion.VERSION2, name, protocol=MQTTProtocolVersion.MQTTv5)
        self.client.connect_timeout = WAIT_SECONDS
        if tls is not None:
            self.client.tls_set_context(tls)
        self._codes: queue.Queue[ReasonCode | None] = queue.Queue()
        self._heard: queue.Queue[MQTTMessage] = queue.Queue()
        self.client.on_connect = self._connected
        self.client.on_disconnect = self._disconnected
        self.client.on_message = lambda _, __, message: self._heard.put(message)
        self.client.on_subscribe = lambda _, __, ___, codes, ____: self._codes.put(codes[0])
        self.client.on_publish = lambda _, __, ___, code, ____: self._codes.put(code)
        self.is_down = False

    def connect(self, port: int) -> str:
        """Connect; gives the broker's word."""
        self.client.connect("127.0.0.1", port)
        self.client.loop_start()
        code = self._codes.get(timeout=WAIT_SECONDS)
        return "dropped" if code is None else code.getName()

    def publish(self, topic: str, payload: bytes, *, retain: bool = False) -> str:
        """Say something at least once; gives the broker's word."""
        self.client.publish(topic, payload, qos=1, retain=retain)
        code = self._codes.get(timeout=WAIT_SECONDS)
        return "dropped" if code is None else code.getName()

    def subscribe(self, topic: str) -> str:
        """Ask to hear a topic; gives the broker's word."""
        self.client.subscribe(topic, options=SubscribeOptions(qos=1))
        code = self._codes.get(timeout=WAIT_SECONDS)
        return "dropped" if code is None else code.getName()

    def hear(self) -> tuple[str, bytes]:
        """Wait for the next message; gives topic and payload."""
        message = self._heard.get(timeout=WAIT_SECONDS)
        return message.topic, bytes(message.payload)

    def close(self) -> None:
        """Take leave."""
        self.client.disconnect()
        self.client.loop_stop()

    def break_off(self) -> None:
        """Be gone without a word: the broker tells the last will."""
        socket = self.client.socket()
        assert socket is not None
        socket.close()
        self.client.loop_stop()

    def _connected(self, _: Client, __: object, ___: ConnectFlags, code: ReasonCode, ____: Properties | None) -> None:
        self._codes.put(code)

    def _disconnected(
        self, _: Client, __: object, ___: DisconnectFlags, ____: ReasonCode, _____: Properties | None
    ) -> None:
        self.is_down = True
        self._codes.put(None)


@contextmanager
def peer(name: str, port: int, tls: ssl.SSLContext | None = None) -> Iterator[Peer]:
    """Somebody who is connected."""
    one = Peer(name, tls)
    assert one.connect(port) == "Success"
    try:
        yield one
    finally:
        one.close()

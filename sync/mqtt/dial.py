"""paho's MQTT 5 client as both ends make it: a fresh one for each connection, dialled here.

Rules of this module: the socket and TLS alone. paho by itself leaves a socket behind where TLS fails, looks for
proxies, and connects again with what the connection before had left.
"""

from __future__ import annotations

import socket
import ssl
from typing import Final

from paho.mqtt import client as paho
from paho.mqtt.enums import CallbackAPIVersion

from sync.mqtt.address import BrokerAddress
from sync.mqtt.properties import greeting

CONNECT_SECONDS: Final = 10.0
"""Longest stillness while a connection comes about."""
KEEPALIVE_SECONDS: Final = 30


class BrokerClient(paho.Client):
    """One connection to a broker, driven from outside; not to be connected twice.

    Args:
        address: Where the broker is.
        name: Client id.
        tls: This end's; needed where the address says so.
    """

    def __init__(self, address: BrokerAddress, name: str, tls: ssl.SSLContext | None) -> None:
        super().__init__(CallbackAPIVersion.VERSION2, name, protocol=paho.MQTTv5, reconnect_on_failure=False)
        self._address = address
        self._context = tls

    def dial(self) -> None:
        """Connect and greet (SY-50). Blocks. Raises OSError, ValueError."""
        self.connect(self._address.host, self._address.port, KEEPALIVE_SECONDS, clean_start=True, properties=greeting())

    def _create_socket(self) -> socket.socket:
        place = (self._address.host, self._address.port)
        sock = socket.create_connection(place, timeout=CONNECT_SECONDS)
        if self._context is None:
            return sock
        return self._context.wrap_socket(sock, server_hostname=self._address.host)

"""Where a broker is reached.

Rules of this module: text in, values out, or an error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final
from urllib.parse import urlsplit

from sync.errors import ConfigurationError

PORTS: Final = {"mqtt": 1883, "mqtts": 8883}


@dataclass(frozen=True, slots=True)
class BrokerAddress:
    """Where a broker is reached."""

    host: str
    port: int
    tls: bool


def broker_address(url: str) -> BrokerAddress:
    """Read `mqtt://host[:port]` or `mqtts://host[:port]`. Raises ConfigurationError."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise ConfigurationError(f"broker URL {url!r}: {error}; correct it") from error
    if parts.scheme not in PORTS or host is None or parts.path.strip("/"):
        raise ConfigurationError(f"broker URL {url!r} is not mqtt:// or mqtts:// with a host; correct it")
    return BrokerAddress(host, port or PORTS[parts.scheme], parts.scheme == "mqtts")

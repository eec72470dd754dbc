"""The unit's lines to its store as the configuration has them: which there are, and in which order they are tried.

Rules of this module: composition only. What speaks to a broker is imported only where there is one: a service that is
starting pays for every module.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from hal.ports import Clock
from sync.errors import ConfigurationError
from sync.mqtt.address import PORTS
from sync.unit.client import StoreClient, tls_context
from sync.unit.config import SyncPaths, SyncTable, UnitConfig
from sync.unit.presence_line import PresenceLine, last_will
from sync.unit.routes import Routes
from sync.unit.transport import Transport
from sync.unit.wrong_clock import undated_context

if TYPE_CHECKING:
    from ssl import SSLContext

    from sync.unit.broker_link import BrokerLink

_HTTP: Final = "http"


@dataclass(frozen=True, slots=True)
class LinesToStore:
    """What the courier works with."""

    client: Transport
    """Carries files, and asks at the dock."""
    alerts: Transport
    """Tells single records, on connections of its own."""
    undated: Transport | None
    """Asks for the time without a look at dates; None where no line is by TLS."""
    presence: PresenceLine | None
    """None without a broker."""

    def close(self) -> None:
        """Drop every connection. Idempotent."""
        if self.presence is not None:
            self.presence.close()
        for one in (self.client, self.alerts, self.undated):
            if one is not None:
                one.close()


def lines_to_store(config: UnitConfig, url: str | None, clock: Clock, draw: Callable[[], float]) -> LinesToStore:
    """Make the lines (SY-54); nothing is connected yet.

    Args:
        config: The unit's configuration.
        url: One line instead of the configuration's, by HTTP or through a broker; None: the configuration's.
        clock: The unit's.
        draw: A fresh random number from 0 to 1.

    Raises:
        ConfigurationError: There is no line, or the unit's certificates are missing.
    """
    table = config.sync if url is None else _only(config.sync, url)
    made = _Maker(config, table, clock)
    urls = [one for one in (table.store_url, table.mqtt_url) if one is not None]
    return LinesToStore(
        client=made.routes("bytes", table.rate_bytes_per_second),
        alerts=made.routes("alerts", None),
        undated=made.routes("time", None, dated=False) if any(_is_tls(one) for one in urls) else None,
        presence=made.presence(draw),
    )


def line_to(url: str, device_id: str, paths: SyncPaths, now_ns: Callable[[], int], answer_seconds: float) -> Transport:
    """Make one line, for a question or two; nothing is connected yet.

    Args:
        url: The store, or a broker.
        device_id: This unit.
        paths: Where its certificates are.
        now_ns: Monotonic time.
        answer_seconds: Longest wait for an answer.

    Raises:
        ConfigurationError: The URL is none, or the unit's certificates are missing.
    """
    tls = tls_context(paths) if _is_tls(url) else None
    if url.partition(":")[0] not in PORTS:
        return StoreClient(url, device_id, tls, None, answer_seconds)
    return _over_broker(_broker_link(url, device_id, "question", tls, None), device_id, now_ns, answer_seconds)


class _Maker:
    def __init__(self, config: UnitConfig, table: SyncTable, clock: Clock) -> None:
        self._device_id = config.unit.device_id
        self._paths = config.paths
        self._table = table
        self._clock = clock

    def routes(self, role: str, rate: int | None, *, dated: bool = True) -> Transport:
        """One line, or several as one, in the order of preference."""
        lines = {one: self._line(one, role, rate, dated=dated) for one in self._table.lines()}
        if len(lines) == 1:
            return next(iter(lines.values()))
        files = [line for one, line in lines.items() if one == _HTTP or self._table.mqtt_files]
        return Routes(tuple(lines.values()), files, self._clock.boottime_ns)

    def presence(self, draw: Callable[[], float]) -> PresenceLine | None:
        """The connection that stands for the unit."""
        if self._table.mqtt_url is None:
            return None
        tls = tls_context(self._paths) if _is_tls(self._table.mqtt_url) else None
        status = self._paths.status
        link = _broker_link(self._table.mqtt_url, self._device_id, "presence", tls, None, last_will(status))
        return PresenceLine(link, status, self._clock, draw)

    def _line(self, kind: str, role: str, rate: int | None, *, dated: bool) -> Transport:
        url = self._table.store_url if kind == _HTTP else self._table.mqtt_url
        if url is None:
            raise ConfigurationError(f"sync.transports names {kind}, but no address of it is there")
        context = (tls_context if dated else undated_context)(self._paths) if _is_tls(url) else None
        if kind == _HTTP:
            return StoreClient(url, self._device_id, context, rate)
        link = _broker_link(url, self._device_id, role, context, rate)
        return _over_broker(link, self._device_id, self._clock.boottime_ns)


def _broker_link(
    url: str,
    device_id: str,
    role: str,
    tls: SSLContext | None,
    rate: int | None,
    last_words: Callable[[str], bytes] | None = None,
) -> BrokerLink:
    from sync.unit.broker_link import BrokerLink  # noqa: PLC0415

    return BrokerLink(url, device_id, role, tls, rate, last_words)


def _over_broker(
    link: BrokerLink, device_id: str, now_ns: Callable[[], int], answer_seconds: float | None = None
) -> Transport:
    from sync.unit.mqtt_client import ANSWER_SECONDS, MqttStoreClient  # noqa: PLC0415

    return MqttStoreClient(link, device_id, now_ns, answer_seconds=answer_seconds or ANSWER_SECONDS)


def _only(table: SyncTable, url: str) -> SyncTable:
    """One line alone, as the command line names it."""
    name = "mqtt_url" if url.partition(":")[0] in PORTS else "store_url"
    return SyncTable.model_validate({name: url, "rate_bytes_per_second": table.rate_bytes_per_second})


def _is_tls(url: str) -> bool:
    return url.startswith(("https:", "mqtts:"))

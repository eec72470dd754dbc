"""What operators see of a running store: health, readiness, metrics in Prometheus' text format, logs as JSON lines.

Rules of this module: reads only; counts of this process alone. Names follow Prometheus' conventions: base units in the
name, `_total` behind what only grows.
"""

from __future__ import annotations

import asyncio
import json
import logging
from collections import Counter
from collections.abc import Iterable, Iterator
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final, Protocol

from aiohttp import web
from aiohttp.typedefs import Handler

from sync.store.doorkeeper import Doorkeeper
from sync.store.fleet_metrics import fleet_lines
from sync.store.intake import Intake
from sync.store.overview import SILENT_NS
from sync.store.presences import Presences
from sync.store.refusals import RefusedError, no_room
from sync.store.register import Register
from sync.witness import Witnessed

METRICS_CONTENT_TYPE: Final = "text/plain; version=0.0.4; charset=utf-8"
Labels = tuple[tuple[str, str], ...]


class OtherWay(Protocol):
    """What is counted where units come in by another way than HTTP."""

    answered: Counter[tuple[str, int, str]]
    """Answers by method, status and reason."""

    @property
    def is_up(self) -> bool:
        """Whether units are heard by it now."""
        ...

    @property
    def received_bytes(self) -> int:
        """Bytes of files taken."""
        ...


class Operations:
    """Health, readiness and metrics of one store.

    Args:
        intake: The store.
        register: Its other tables.
        store_id: Names it.
    """

    def __init__(self, intake: Intake, register: Register, store_id: str) -> None:
        self._intake = intake
        self._register = register
        self._store_id = store_id
        self._requests: Counter[tuple[str, int, str]] = Counter()
        self._received_bytes = 0
        self.fsck_ended_utc_ns = 0
        self.fsck_faults = 0
        self.ready = True
        """False while the store is going down."""
        self.doorkeeper: Doorkeeper | None = None
        """Where there is one."""
        self.broker: OtherWay | None = None
        """The way in beside HTTP, where there is one."""

    def routes(self) -> list[web.RouteDef]:
        """The paths that it answers."""
        return [
            web.get("/healthz", self.health),
            web.get("/readyz", self.readiness),
            web.get("/metrics", self.metrics),
        ]

    def application(self) -> web.Application:
        """An application with these paths alone, for a port that units do not reach."""
        app = web.Application()
        app.add_routes(self.routes())
        return app

    @web.middleware
    async def count(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Count a request by its method, status and reason."""
        answer = await handler(request)
        reason = answer.headers.get("Recorder-Reason", "")
        self._requests[request.method, answer.status, reason] += 1
        if request.method == "PATCH" and answer.status == HTTPStatus.NO_CONTENT:
            self._received_bytes += request.content_length or 0
        return answer

    async def health(self, _: web.Request) -> web.Response:
        """200 while the store can commit."""
        room_bytes = await asyncio.to_thread(self._intake.vault.room_bytes)
        if room_bytes == 0:
            raise no_room("only the reserve is left")
        await asyncio.to_thread(self._intake.ledger.units)
        return web.json_response({"store_id": self._store_id, "room_bytes": room_bytes})

    async def readiness(self, request: web.Request) -> web.Response:
        """200 while requests are welcome: as health, and not on the way down."""
        if not self.ready:
            raise RefusedError(HTTPStatus.SERVICE_UNAVAILABLE, "busy", "the store is going down")
        return await self.health(request)

    async def metrics(self, _: web.Request) -> web.Response:
        """Everything in Prometheus' text format."""
        text = await asyncio.to_thread(lambda: "".join(self._lines()))
        return web.Response(body=text.encode(), headers={"Content-Type": METRICS_CONTENT_TYPE})

    def _otherwise(self) -> Counter[tuple[str, int, str]]:
        return Counter() if self.broker is None else self.broker.answered

    def _lines(self) -> Iterator[str]:
        ledger, register = self._intake.ledger, self._register
        units = ledger.units()
        count, size_bytes = ledger.holds_in_all()
        requests: list[tuple[Labels, int]] = [
            ((("method", method), ("status", str(status)), ("reason", reason)), count)
            for (method, status, reason), count in sorted((self._requests + self._otherwise()).items())
        ]
        received_bytes = self._received_bytes + (0 if self.broker is None else self.broker.received_bytes)
        yield from _metric("recorder_store_requests_total", "counter", "Requests answered.", requests)
        yield from _one("recorder_store_received_bytes_total", "counter", "Bytes taken.", received_bytes)
        if self.broker is not None:
            yield from _one(
                "recorder_store_broker_up", "gauge", "Units are heard by the broker.", int(self.broker.is_up)
            )
        yield from self._door_lines()
        yield from _one("recorder_store_units", "gauge", "Units enrolled.", len(units))
        yield from _one("recorder_store_units_revoked", "gauge", "Units let in no more.", sum(u.revoked for u in units))
        yield from _one("recorder_store_files", "gauge", "Files promised.", count)
        yield from _one("recorder_store_file_bytes", "gauge", "Bytes promised.", size_bytes)
        yield from _one("recorder_store_parked_files", "gauge", "Files refused and kept.", len(ledger.parked()))
        yield from _one("recorder_store_held_files", "gauge", "Files that units still hold.", len(register.held()))
        alerts = len(register.witnessed(Witnessed.ALERT))
        yield from _one("recorder_store_alerts", "gauge", "Alerts received.", alerts)
        yield from _one("recorder_store_forks", "gauge", "Chains proved to be forked.", len(register.forks()))
        yield from fleet_lines(Presences(ledger).fleet(self._intake.now_utc_ns(), SILENT_NS))
        yield from _one("recorder_store_room_bytes", "gauge", "Room left.", self._intake.vault.room_bytes())
        ended_seconds = self.fsck_ended_utc_ns // 1_000_000_000
        yield from _one("recorder_store_fsck_end_timestamp_seconds", "gauge", "End of the last check.", ended_seconds)
        yield from _one("recorder_store_fsck_faults", "gauge", "Faults of the last check.", self.fsck_faults)

    def _door_lines(self) -> Iterator[str]:
        ended, refused = (0, 0) if (door := self.doorkeeper) is None else (door.ended, door.refused)
        yield from _one("recorder_store_ended_connections_total", "counter", "Ended without a request.", ended)
        yield from _one("recorder_store_refused_connections_total", "counter", "Handshakes that failed.", refused)


def _one(name: str, kind: str, words: str, value: int) -> Iterator[str]:
    return _metric(name, kind, words, [((), value)])


def _metric(name: str, kind: str, words: str, values: Iterable[tuple[Labels, int]]) -> Iterator[str]:
    yield f"# HELP {name} {words}\n# TYPE {name} {kind}\n"
    for labels, value in values:
        inner = ",".join(f'{key}="{text}"' for key, text in labels)
        yield f"{name}{{{inner}}} {value}\n" if inner else f"{name} {value}\n"


class JsonFormatter(logging.Formatter):
    """One JSON object in a line for each message."""

    def format(self, record: logging.LogRecord) -> str:
        """Write one message."""
        told = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if record.exc_info is not None:
            told["exception"] = self.formatException(record.exc_info)
        return json.dumps(told, ensure_ascii=False)

"""The store's HTTP side beside the files: heads, alerts, time, and the doors that every request passes.

Rules of this module: handlers only; what blocks runs in threads; what is decided is decided by `witnesses`.
"""

from __future__ import annotations

import asyncio
import re
from http import HTTPStatus
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware
from pydantic import ValidationError

from sync.errors import ContentError, WireError
from sync.store.intake import Intake
from sync.store.publishing import Published, Publishing
from sync.store.refusals import RefusedError
from sync.store.register import Register
from sync.store.witnesses import Witnesses
from sync.wire import DOCUMENT_KINDS, RECEIPT_CONTENT_TYPE, RecordReport
from sync.witness import NONCE_BYTES, Witnessed

_NONCE: Final = re.compile(rf"[0-9a-f]{{{2 * NONCE_BYTES}}}")


class Desk:
    """Handlers for single records and for time.

    Args:
        intake: Knows the units and holds the receipt key.
        register: Where what is told is kept.
    """

    def __init__(self, intake: Intake, register: Register) -> None:
        self.witnesses = Witnesses(intake, register)
        self._publishing = Publishing(intake.ledger)

    def routes(self) -> list[web.RouteDef]:
        """The paths that it answers."""
        return [
            web.post("/v1/{device}/heads", self.head),
            web.post("/v1/{device}/alerts", self.alert),
            web.get("/v1/{device}/time", self.time),
            web.get("/v1/{device}/documents/{kind}", self.document),
        ]

    async def head(self, request: web.Request) -> web.Response:
        """Witness a head (SY-31)."""
        return await self._witness(request, Witnessed.HEAD)

    async def alert(self, request: web.Request) -> web.Response:
        """Take an alert (SY-33)."""
        return await self._witness(request, Witnessed.ALERT)

    async def time(self, request: web.Request) -> web.Response:
        """Say what time it is (SY-35)."""
        nonce = request.query.get("nonce", "")
        if _NONCE.fullmatch(nonce) is None:
            raise WireError(f"nonce is {nonce[:40]!r}; {2 * NONCE_BYTES} hexadecimal digits are wanted")
        device_id = request.match_info["device"]
        return _signed(await asyncio.to_thread(self.witnesses.time, device_id, bytes.fromhex(nonce)))

    async def document(self, request: web.Request) -> web.Response:
        """Hand down the agency's newest document of a kind, unless the unit has it (SY-40)."""
        found = await asyncio.to_thread(self.newest, request.match_info["kind"])
        digest = found.digest.hex()
        headers = {"Content-Type": RECEIPT_CONTENT_TYPE, "Cache-Control": "no-store", "ETag": f'"{digest}"'}
        if any(tag.value == digest for tag in request.if_none_match or ()):
            return web.Response(status=HTTPStatus.NOT_MODIFIED, headers=headers)
        return web.Response(body=found.content, headers=headers)

    def newest(self, kind: str) -> Published:
        """The newest document of a kind. Blocks. Raises RefusedError: there is none."""
        found = self._publishing.newest(kind) if kind in DOCUMENT_KINDS else None
        if found is None:
            raise RefusedError(HTTPStatus.NOT_FOUND, "no-document", f"no document of the kind {kind[:40]!r}")
        return found

    def witnessed(self, device_id: str, seen_as: Witnessed, report: RecordReport) -> bytes:
        """The signed statement about one record. Blocks. Raises WireError, RefusedError."""
        try:
            return self.witnesses.witness(device_id, seen_as, report)
        except ContentError as error:
            raise RefusedError(HTTPStatus.UNPROCESSABLE_ENTITY, error.code, error.detail) from error

    async def _witness(self, request: web.Request, seen_as: Witnessed) -> web.Response:
        try:
            report = RecordReport.model_validate_json(await request.read())
        except ValidationError as error:
            raise WireError(f"not a report of a record: {error.errors()[0]}") from error
        return _signed(await asyncio.to_thread(self.witnessed, request.match_info["device"], seen_as, report))


def contact_keeper(intake: Intake, register: Register) -> Middleware:
    """Make the middleware that remembers when a unit was heard; it stands behind the one that lets units in."""

    @web.middleware
    async def keep(request: web.Request, handler: Handler) -> web.StreamResponse:
        device_id = request.match_info.get("device")
        if device_id is not None:
            await asyncio.to_thread(register.heard, device_id, intake.now_utc_ns())
        return await handler(request)

    return keep


def _signed(data: bytes) -> web.Response:
    return web.Response(body=data, headers={"Content-Type": RECEIPT_CONTENT_TYPE, "Cache-Control": "no-store"})

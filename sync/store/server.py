"""The store's HTTP side: tus 1.0.0 core and creation, receipts, inventory (PROTOCOL.md).

Rules of this module: handlers only; what blocks runs in threads; what is decided is decided by `intake`, `access` and
`uploads`.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from http import HTTPStatus
from typing import Final

from aiohttp import web
from pydantic import BaseModel, ValidationError

from sync.errors import WireError
from sync.store.access import unit_access
from sync.store.clerk import Clerk, Standing, check_size
from sync.store.desk import Desk, contact_keeper
from sync.store.doorkeeper import tell_doorkeeper
from sync.store.intake import Intake, Upload
from sync.store.log_desk import LogDesk
from sync.store.mqtt_answers import Answers
from sync.store.mqtt_front import MqttFront, Speaker
from sync.store.operations import Operations
from sync.store.receiving import Receiver
from sync.store.refusals import RefusedError, answer_refusals, no_room, too_long
from sync.store.register import Register
from sync.store.rounds import check_in_turn
from sync.store.uploads import ActiveUploads
from sync.store.vault import Declaration, Name
from sync.wire import (
    FILE_BYTES_MAX,
    JSON_BYTES_MAX,
    OFFSET_CONTENT_TYPE,
    RECEIPT_CONTENT_TYPE,
    STATE_HEADER,
    TUS_EXTENSIONS,
    TUS_VERSION,
    Inventory,
    decode_metadata,
    file_id_of,
    non_negative,
)

BODY_IDLE_SECONDS: Final = 30.0
"""A body that stands still for longer is given up."""


class StoreServer:
    """The handlers of one store.

    Args:
        intake: Judges and promises.
        store_id: Names the store.
        body_idle_seconds: Longest stillness of a body.
    """

    def __init__(self, intake: Intake, store_id: str, body_idle_seconds: float = BODY_IDLE_SECONDS) -> None:
        self._intake = intake
        self._body_idle_seconds = body_idle_seconds
        self._receiver = Receiver(body_idle_seconds)
        self._uploads = ActiveUploads()
        self._register = Register(intake.ledger)
        self._clerk = Clerk(intake, self._register, store_id)
        self._desk = Desk(intake, self._register)
        self.operations = Operations(intake, self._register, store_id)

    def mqtt_front(self, worker: str, speaker: Speaker) -> MqttFront:
        """Make the other way in: the same answers and the same uploads, over MQTT (SY-51)."""
        answers = Answers(self._clerk, self._register)
        front = MqttFront(answers, self._uploads, worker, speaker, self._body_idle_seconds)
        self.operations.broker = front
        return front

    def check(self, hours: float, may_go_on: Callable[[], bool]) -> None:
        """Check everything held (R38), when it is this process' turn. Blocks as long as reading it takes."""
        found = check_in_turn(self._intake, hours, may_go_on)
        if found is not None:
            self.operations.fsck_faults = found.faults
            self.operations.fsck_ended_utc_ns = found.ended_utc_ns

    def application(self) -> web.Application:
        """Put the handlers together."""
        access = unit_access(self._intake.ledger, self._register)
        contacts = contact_keeper(self._intake, self._register)
        middlewares = [tell_doorkeeper, self.operations.count, answer_refusals, access, contacts]
        app = web.Application(client_max_size=JSON_BYTES_MAX, middlewares=middlewares)
        file_path = "/v1/{device}/files/{id}"
        app.add_routes(
            [
                web.options("/v1/{device}/files", self.options),
                web.post("/v1/{device}/files", self.create),
                web.head(file_path, self.head),
                web.patch(file_path, self.patch),
                web.get("/v1/{device}/receipts/{id}", self.receipt),
                web.post("/v1/{device}/inventory", self.inventory),
                web.get("/v1/{device}/state", self.state),
                *self._desk.routes(),
                *LogDesk(self._intake).routes(),
                *self.operations.routes(),
            ]
        )
        return app

    async def options(self, _: web.Request) -> web.Response:
        """Say what of tus is spoken here."""
        headers = {"Tus-Version": TUS_VERSION, "Tus-Extension": TUS_EXTENSIONS, "Tus-Max-Size": str(FILE_BYTES_MAX)}
        return _tus(HTTPStatus.NO_CONTENT, headers)

    async def create(self, request: web.Request) -> web.Response:
        """Create an upload, or find it again (SY-5, SY-6)."""
        _check_version(request)
        size_bytes = non_negative(request.headers, "Upload-Length")
        if size_bytes == 0:
            raise WireError("Upload-Length is 0; a sealed file is never empty")
        check_size(size_bytes)
        metadata = decode_metadata(request.headers.get("Upload-Metadata", ""))
        name = Name(request.match_info["device"], metadata.file_id)
        location = {"Location": f"/v1/{name.device_id}/files/{name.file_id}"}
        if await asyncio.to_thread(self._clerk.settled, name, size_bytes):
            return _tus(HTTPStatus.CREATED, {**location, STATE_HEADER: "receipted"})
        wanted = Declaration(size_bytes=size_bytes, number=metadata.number, torn_bytes=metadata.torn_bytes)
        await self._uploads.preempt(name)
        await asyncio.to_thread(self._clerk.declare, name, wanted)
        return _tus(HTTPStatus.CREATED, {**location, STATE_HEADER: "partial"})

    async def head(self, request: web.Request) -> web.Response:
        """Say how much of an upload is here (SY-8)."""
        _check_version(request)
        name = _name(request)
        await self._uploads.preempt(name)
        return _standing(await asyncio.to_thread(self._clerk.standing, name))

    async def patch(self, request: web.Request) -> web.Response:
        """Append to an upload; on its last byte, judge and promise it."""
        _check_version(request)
        name = _name(request)
        offset = non_negative(request.headers, "Upload-Offset")
        if request.headers.get("Content-Type") != OFFSET_CONTENT_TYPE:
            raise WireError(f"Content-Type is not {OFFSET_CONTENT_TYPE}")
        async with self._uploads.held(name, _abort(request)):
            held = await asyncio.to_thread(self._clerk.receipted_size, name)
            if held is not None:
                _check_offset(offset, held)
                return _finished(held)
            upload = await asyncio.to_thread(self._clerk.open, name)
            try:
                return await self._take_body(request, upload, offset)
            finally:
                upload.close()

    async def _take_body(self, request: web.Request, upload: Upload, offset: int) -> web.Response:
        _check_offset(offset, upload.offset)
        await asyncio.to_thread(self._check_length, upload, request.content_length or 0)
        await self._receiver.receive(request, upload)
        if upload.complete:
            await asyncio.to_thread(self._clerk.finish, upload)
        return _finished(upload.offset)

    def _check_length(self, upload: Upload, body_bytes: int) -> None:
        """Refuse what cannot end well before a byte of it is taken (SY-7, SY-10)."""
        left = upload.declaration.size_bytes - upload.offset
        if body_bytes > left:
            raise too_long(upload.declaration.size_bytes)
        if body_bytes > self._intake.vault.room_bytes():
            raise no_room(f"no room for {body_bytes} bytes more")

    async def receipt(self, request: web.Request) -> web.Response:
        """Give the receipt, the same bytes every time (SY-23); with a proof where one is asked for (SY-70)."""
        give = self._clerk.transparent_receipt if request.query.get("inclusion") == "1" else self._clerk.receipt
        found = await asyncio.to_thread(give, _name(request))
        return web.Response(body=found, headers={"Content-Type": RECEIPT_CONTENT_TYPE, "Cache-Control": "no-store"})

    async def inventory(self, request: web.Request) -> web.Response:
        """Say what is here of everything that a unit holds."""
        try:
            asked = Inventory.model_validate_json(await request.read())
        except ValidationError as error:
            raise WireError(f"not an inventory: {error.error_count()} errors, first {error.errors()[0]}") from error
        device_id = request.match_info["device"]
        return _json(await asyncio.to_thread(self._clerk.inventory, device_id, asked))

    async def state(self, request: web.Request) -> web.Response:
        """Say what is known of a unit."""
        return _json(await asyncio.to_thread(self._clerk.device_state, request.match_info["device"]))


def _check_version(request: web.Request) -> None:
    """SY-4."""
    if request.headers.get("Tus-Resumable") != TUS_VERSION:
        detail = f"Tus-Resumable is {request.headers.get('Tus-Resumable', 'absent')!r:.40}"
        raise RefusedError(HTTPStatus.PRECONDITION_FAILED, "tus-version", detail, {"Tus-Version": TUS_VERSION})


def _name(request: web.Request) -> Name:
    return Name(request.match_info["device"], file_id_of(request.match_info["id"]))


def _tus(status: HTTPStatus, headers: dict[str, str]) -> web.Response:
    return web.Response(status=status, headers={"Tus-Resumable": TUS_VERSION, "Cache-Control": "no-store", **headers})


def _standing(found: Standing) -> web.Response:
    state = "receipted" if found.receipted else "partial"
    sizes = {"Upload-Offset": str(found.offset_bytes), "Upload-Length": str(found.size_bytes)}
    return _tus(HTTPStatus.OK, {**sizes, STATE_HEADER: state})


def _abort(request: web.Request) -> Callable[[], None] | None:
    """What ends a request whose upload a newer one takes over (SY-12)."""
    return None if request.transport is None else request.transport.abort


def _finished(offset: int) -> web.Response:
    return _tus(HTTPStatus.NO_CONTENT, {"Upload-Offset": str(offset)})


def _check_offset(wanted: int, held: int) -> None:
    """SY-9."""
    if wanted != held:
        detail = f"the store holds {held} bytes of it"
        raise RefusedError(HTTPStatus.CONFLICT, "offset", detail, {"Upload-Offset": str(held)})


def _json(message: BaseModel) -> web.Response:
    return web.Response(text=message.model_dump_json(), content_type="application/json")

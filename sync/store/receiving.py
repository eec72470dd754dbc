"""From a request's body to the part of an upload.

Rules of this module: asyncio; what blocks runs in threads. A body whose length is known is taken past aiohttp, straight
from the line: a third of the store's work was in small pieces. Any other, and one on a line that nobody keeps
(`doorkeeper`), comes through aiohttp.
"""

from __future__ import annotations

import asyncio
from typing import Final

import aiohttp
from aiohttp import hdrs, web

from sync.errors import WireError
from sync.store.body import BLOCK_BYTES, Body
from sync.store.doorkeeper import connection_of
from sync.store.intake import Upload
from sync.store.refusals import busy, too_long
from sync.store.uploads import Pace

FLUSH_SECONDS: Final = 0.2
"""What has come for so long goes to the disk, though the block is not full."""


class Receiver:
    """Takes bodies.

    Args:
        body_idle_seconds: Longest stillness of one.
    """

    def __init__(self, body_idle_seconds: float) -> None:
        self._idle_seconds = body_idle_seconds

    async def receive(self, request: web.Request, upload: Upload) -> None:
        """Write a body as it comes; what was read of a cut one is kept (SY-11).

        Raises:
            RefusedError: It was cut, stood still, dripped, or is longer than the upload.
            OSError: The disk is full or failed.
        """
        try:
            await self._receive(request, upload)
        except (TimeoutError, ConnectionError, aiohttp.ClientError, web.RequestPayloadError) as error:
            raise busy(f"the body was cut at byte {upload.offset}") from error

    async def _receive(self, request: web.Request, upload: Upload) -> None:
        pace = Pace(asyncio.get_running_loop().time, self._idle_seconds)
        connection = connection_of(request)
        length = request.content_length
        if connection is None or not length or hdrs.CONTENT_ENCODING in request.headers:
            await self._through_aiohttp(request, upload, pace)
            return
        # Nothing may be awaited from here until the line is taken over: what comes meanwhile would not be seen.
        early = _what_lies_here(request)
        left = length - request.content.total_bytes
        if not left:
            await _append(upload, early)
            return
        body = connection.take_body(left)
        try:
            await _append(upload, early)
            await self._from_the_line(body, upload, pace)
        finally:
            if body.ended:
                request.content.feed_eof()
            # In this order: the end of its content makes aiohttp let the line go on.
            connection.give_body_back()

    async def _from_the_line(self, body: Body, upload: Upload, pace: Pace) -> None:
        while not body.done:
            block = await self._next_block(body)
            size_bytes = len(block)
            await _write(upload, block)
            pace.came(size_bytes)
            body.go_on()

    async def _next_block(self, body: Body) -> memoryview:
        """The next bytes; a slow line does not keep what came of it out of the file."""
        loop = asyncio.get_running_loop()
        given_up = loop.time() + self._idle_seconds
        while not (block := await body.block(FLUSH_SECONDS)):
            if loop.time() > given_up:
                raise TimeoutError(f"nothing came for {self._idle_seconds:g} s")
            body.go_on()
        return block

    async def _through_aiohttp(self, request: web.Request, upload: Upload, pace: Pace) -> None:
        batch: list[bytes] = []
        try:
            while piece := await self._next_piece(request, upload, batch):
                batch.append(piece)
                pace.came(len(piece))
                if sum(map(len, batch)) >= BLOCK_BYTES:
                    await _append(upload, batch)
        finally:
            await _append(upload, batch)

    async def _next_piece(self, request: web.Request, upload: Upload, batch: list[bytes]) -> bytes:
        """Read on; empty at the body's end."""
        # What lies here already needs no timer: on a fast line that is most of it.
        if piece := request.content.read_nowait():
            return piece
        if batch:
            try:
                async with asyncio.timeout(FLUSH_SECONDS):
                    return await request.content.readany()
            except TimeoutError:
                await _append(upload, batch)
        async with asyncio.timeout(self._idle_seconds):
            return await request.content.readany()


def _what_lies_here(request: web.Request) -> list[bytes]:
    """What aiohttp has read of the body already."""
    pieces: list[bytes] = []
    while piece := request.content.read_nowait():
        pieces.append(piece)
    return pieces


async def _append(upload: Upload, batch: list[bytes]) -> None:
    pieces = batch.copy()
    batch.clear()
    if pieces:
        await _write(upload, *pieces)


async def _write(upload: Upload, *pieces: bytes | memoryview) -> None:
    try:
        await asyncio.to_thread(upload.append, *pieces)
    except WireError as error:
        raise too_long(upload.declaration.size_bytes) from error

"""Who may keep a connection open: nobody who does not ask for something in time (SY-39).

Rules of this module: asyncio only, one event loop; it knows connections and when a request's head was complete, and
nothing of HTTP or units. aiohttp bounds neither the time to a first request nor that of a head that drips in.

A connection also lends its line to whoever takes a long body (`receiving`): the bytes go past aiohttp, whose parser
never sees them, and the next request on the line gets a fresh one.
"""

from __future__ import annotations

import asyncio
import logging
import resource
from collections.abc import Callable
from typing import Final

from aiohttp import web
from aiohttp.typedefs import Handler

from sync.store.body import Body

log = logging.getLogger(__name__)

HEAD_SECONDS: Final = 20.0
"""From the connection, or from the answer before, to the end of a request's head. Units close lines they do not use."""
HANDSHAKE_SECONDS: Final = 10.0
_GRACE_SECONDS: Final = 1.0
"""asyncio gives a handshake up a moment after its time."""
RESERVED_FILES: Final = 256
"""File descriptors that uploads, database and threads need beside the connections."""
_SCRATCH_BYTES: Final = 64 * 1024


class Doorkeeper:
    """Makes connections, and ends those that ask for nothing.

    Args:
        make: Makes the protocol of a connection (`web.AppRunner.server`).
        head_seconds: Longest wait for a whole head.
        most: Connections at a time; beyond it the one that has waited longest without a request goes.
    """

    def __init__(
        self,
        make: Callable[[], web.RequestHandler],
        head_seconds: float = HEAD_SECONDS,
        most: int | None = None,
    ) -> None:
        self.make = make
        self.scratch = memoryview(bytearray(_SCRATCH_BYTES))
        """Where all lines put what is not a lent body: it is passed on before the next one brings anything."""
        self.head_seconds = head_seconds
        self._most = _files_allowed() - RESERVED_FILES if most is None else most
        self._waiting: dict[Connection, None] = {}
        self._open: set[Connection] = set()
        self.ended = 0
        """Connections that were ended for want of a request."""
        self.refused = 0
        """Connections whose TLS handshake failed or stood still."""

    def __call__(self) -> Connection:
        """Make the protocol of a new connection, before its handshake."""
        one = Connection(self.make(), self)
        one.await_handshake(min(HANDSHAKE_SECONDS, self.head_seconds) + _GRACE_SECONDS)
        return one

    def refuse(self) -> None:
        """A handshake has failed; asyncio tells nobody, and lets go of the protocol that was made for it."""
        self.refused += 1
        log.info("a connection was refused: no certificate of this agency that is valid now, or a handshake given up")

    def opened(self, one: Connection) -> None:
        """A connection is there; when they are too many, the one that has waited longest makes room."""
        self._open.add(one)
        self.waits(one)
        if len(self._open) > self._most:
            oldest = next(iter(self._waiting), None)
            if oldest is not None:
                self.end(oldest, f"{self._most} connections are open")

    def waits(self, one: Connection) -> None:
        """A connection has asked for nothing, or nothing more."""
        self._waiting[one] = None

    def asks(self, one: Connection) -> None:
        """A connection has brought a whole head."""
        self._waiting.pop(one, None)

    def gone(self, one: Connection) -> None:
        """A connection is closed."""
        self._open.discard(one)
        self._waiting.pop(one, None)

    def end(self, one: Connection, reason: str) -> None:
        """End a connection at once."""
        self.ended += 1
        log.info("connection of %s ended without a request: %s", one.peer, reason)
        self.gone(one)
        one.abort()


class Connection(asyncio.BufferedProtocol):
    """One connection: passes everything on, and is timed while nothing is asked.

    Args:
        inner: Speaks HTTP.
        keeper: Decides.
    """

    def __init__(self, inner: web.RequestHandler, keeper: Doorkeeper) -> None:
        self._inner = inner
        self._keeper = keeper
        self._transport: asyncio.Transport | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._body: Body | None = None
        self._inner_is_spent = False
        self._writing_paused = False
        self.must_close = False
        """A body was not taken to its end: what follows on this line cannot be told from it."""
        self.peer = "somebody"

    def get_buffer(self, sizehint: int) -> memoryview:  # noqa: ARG002 - the interface has it
        """Where the line may put what it brings."""
        return self._keeper.scratch if self._body is None else self._body.room()

    def buffer_updated(self, nbytes: int) -> None:
        """The line has brought something."""
        if self._body is not None:
            self._body.came(nbytes)
            return
        if self._inner_is_spent:
            self._renew_inner()
        self._inner.data_received(bytes(self._keeper.scratch[:nbytes]))

    def take_body(self, left_bytes: int) -> Body:
        """Take the rest of the request's body straight from the line; until `give_body_back` nobody else gets any.

        Raises:
            ConnectionResetError: The line is gone.
        """
        if self._transport is None or self._transport.is_closing():
            raise ConnectionResetError("the line is gone")
        self._body = Body(self._transport, left_bytes)
        return self._body

    def give_body_back(self) -> None:
        """The body was taken, or whoever took it gave up. The line stands still until the request is answered."""
        body, self._body = self._body, None
        if body is None:
            return
        self._inner_is_spent = body.ended
        self.must_close = not body.ended
        if self._transport is not None:
            self._transport.pause_reading()

    def _renew_inner(self) -> None:
        """The parser waits for a body that it will never see: have another one for the next request."""
        spent, self._inner = self._inner, self._keeper.make()
        self._inner_is_spent = False
        # Told that its line is gone it would close it; it has none any more.
        spent.transport = None
        spent.connection_lost(None)
        if self._transport is not None:
            self._inner.connection_made(self._transport)
        if self._writing_paused:
            self._inner.pause_writing()

    def await_handshake(self, seconds: float) -> None:
        """Have it counted as refused unless it is made in time."""
        self._timer = asyncio.get_running_loop().call_later(seconds, self._keeper.refuse)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The line is there, its handshake done."""
        if isinstance(transport, asyncio.Transport):
            self._transport = transport
        self.peer = str(transport.get_extra_info("peername"))
        self._inner.connection_made(transport)
        self._keeper.opened(self)
        self._set_timer()

    def connection_lost(self, exc: Exception | None) -> None:
        """The line is gone."""
        self._clear_timer()
        self._keeper.gone(self)
        if self._body is not None:
            self._body.lost()
        self._inner.connection_lost(exc)

    def eof_received(self) -> None:
        """The other side sends no more."""
        if self._body is not None:
            self._body.lost()
        self._inner.eof_received()

    def pause_writing(self) -> None:
        """The line takes no more for now."""
        self._writing_paused = True
        self._inner.pause_writing()

    def resume_writing(self) -> None:
        """The line takes more."""
        self._writing_paused = False
        self._inner.resume_writing()

    def abort(self) -> None:
        """End the line at once."""
        self._clear_timer()
        if self._transport is not None:
            self._transport.abort()

    def asks(self) -> None:
        """A request's head is complete."""
        self._clear_timer()
        self._keeper.asks(self)

    def waits(self) -> None:
        """The request is answered."""
        if self._transport is not None and not self._transport.is_closing():
            self._keeper.waits(self)
            self._set_timer()
            if self._inner_is_spent or self.must_close:
                self._transport.resume_reading()

    def _set_timer(self) -> None:
        self._clear_timer()
        seconds = self._keeper.head_seconds
        ending = (f"no whole head in {seconds:g} s",)
        self._timer = asyncio.get_running_loop().call_later(seconds, self._keeper.end, self, *ending)

    def _clear_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None


def connection_of(request: web.Request) -> Connection | None:
    """The connection that a request came over; None where nobody keeps the door."""
    transport = request.transport
    protocol = None if transport is None else transport.get_protocol()
    return protocol if isinstance(protocol, Connection) else None


@web.middleware
async def tell_doorkeeper(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Stop the connection's time while its request is answered; the outermost of all."""
    connection = connection_of(request)
    if connection is None:
        return await handler(request)
    connection.asks()
    try:
        answer = await handler(request)
        if connection.must_close:
            answer.force_close()
        return answer
    finally:
        connection.waits()


def _files_allowed() -> int:
    """Take as many open files as the system grants this process; gives the number."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft < hard:
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return max(hard, 2 * RESERVED_FILES)

"""Takes the body of a request straight from its line, into one block of memory that is used again.

Rules of this module: asyncio only, one event loop; no files, no HTTP. The line stands still while a block is worked on
and once the body has ended, so that nothing overwrites the one, and not a byte behind the other is taken for it.
"""

from __future__ import annotations

import asyncio
from typing import Final, Protocol

BLOCK_BYTES: Final = 1024 * 1024
"""Memory that a body takes, whatever its length."""


class Line(Protocol):
    """A line that can be made to stand still (`asyncio.Transport`); both may be said twice."""

    def pause_reading(self) -> None:
        """Bring nothing more for now."""
        ...

    def resume_reading(self) -> None:
        """Bring more."""
        ...


class Body:
    """What has not come yet of one request's body.

    Args:
        line: It comes from there.
        left_bytes: How much; at least one byte.
        block_bytes: How much is worked on at a time.
    """

    def __init__(self, line: Line, left_bytes: int, block_bytes: int = BLOCK_BYTES) -> None:
        self._line = line
        self._memory = memoryview(bytearray(min(block_bytes, left_bytes)))
        self._filled = 0
        self._left = left_bytes
        self._lost = False
        self._waiter: asyncio.Future[None] | None = None

    @property
    def ended(self) -> bool:
        """Whether the line has brought all of it."""
        return self._left == 0

    @property
    def done(self) -> bool:
        """Whether all of it was worked on, too."""
        return self.ended and not self._filled

    def room(self) -> memoryview:
        """Where the line puts what it brings: never more than the body still has."""
        return self._memory[self._filled : self._filled + self._left]

    def came(self, size_bytes: int) -> None:
        """Take note of what the line has put there."""
        self._filled += size_bytes
        self._left -= size_bytes
        if self._is_due():
            self._line.pause_reading()
            self._wake()

    def lost(self) -> None:
        """The line is gone, or brings no more."""
        self._lost = True
        self._wake()

    async def block(self, patience_seconds: float) -> memoryview:
        """Wait until the block is full, the body has ended or the time is over; gives what has come, maybe nothing.

        The line stands still until `go_on`.

        Raises:
            ConnectionResetError: The line is gone, and all that it had brought was given.
        """
        if not self._is_due():
            await self._wait(patience_seconds)
        self._line.pause_reading()
        if self._lost and not self._filled:
            raise ConnectionResetError("the line is gone")
        return self._memory[: self._filled]

    def go_on(self) -> None:
        """The block was worked on: its memory may be used again."""
        self._filled = 0
        if not self.ended:
            self._line.resume_reading()

    def _is_due(self) -> bool:
        return self._filled == len(self._memory) or self.ended or self._lost

    async def _wait(self, patience_seconds: float) -> None:
        # A timer and a future by hand: `asyncio.timeout` costs several times as much, for every block.
        loop = asyncio.get_running_loop()
        self._waiter = loop.create_future()
        timer = loop.call_later(patience_seconds, self._wake)
        try:
            await self._waiter
        finally:
            timer.cancel()
            self._waiter = None

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

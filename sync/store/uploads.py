"""Who has which upload, so that a newer one can take it over (SY-12), and how many go on at a time.

Rules of this module: asyncio only, one event loop; no files.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

from sync.store.refusals import busy
from sync.store.vault import Name

ACTIVE_MAX: Final = 16
BODY_LEAST_BYTES: Final = 8 * 1024
PREEMPT_SECONDS: Final = 30.0
"""Longest wait for an older request to end: it may be syncing its file."""


@dataclass(slots=True)
class _Holder:
    abort: Callable[[], None] | None
    kind: str
    done: asyncio.Event = field(default_factory=asyncio.Event)


class ActiveUploads:
    """The uploads that requests hold now.

    Args:
        most: Requests that may receive bytes at a time.
    """

    def __init__(self, most: int = ACTIVE_MAX) -> None:
        self._most = most
        self._holders: dict[Name, _Holder] = {}

    async def preempt(self, name: Name) -> None:
        """End the request that holds the upload, and wait until its last write is over.

        Raises:
            RefusedError: It did not end in time.
        """
        while (holder := self._holders.get(name)) is not None:
            if holder.abort is not None:
                holder.abort()
            try:
                async with asyncio.timeout(PREEMPT_SECONDS):
                    await holder.done.wait()
            except TimeoutError as error:
                raise busy("an older request for this upload is still writing") from error

    @asynccontextmanager
    async def held(
        self, name: Name, abort: Callable[[], None] | None, kind: str = "request", most: int | None = None
    ) -> AsyncIterator[None]:
        """Hold an upload; an older holder is pre-empted.

        Args:
            name: The upload.
            abort: Ends this holder when a newer one comes; None where it cannot be hastened.
            kind: Holders of one kind share a limit.
            most: Limit of the kind; None: that of requests.

        Raises:
            RefusedError: Too many uploads go on, or the older holder did not end.
        """
        await self.preempt(name)
        limit = self._most if most is None else most
        if sum(holder.kind == kind for holder in self._holders.values()) >= limit:
            raise busy(f"{limit} uploads go on already")
        holder = _Holder(abort, kind)
        self._holders[name] = holder
        try:
            yield
        finally:
            del self._holders[name]
            holder.done.set()


class Pace:
    """Sees to it that a body brings something: one that drips would hold an upload's place for ever (SY-39).

    Args:
        time: Seconds of any monotonic clock.
        window_seconds: In each such time it has to bring `BODY_LEAST_BYTES`.
    """

    def __init__(self, time: Callable[[], float], window_seconds: float) -> None:
        self._time = time
        self._window_seconds = window_seconds
        self._began = time()
        self._came_bytes = 0

    def came(self, size_bytes: int) -> None:
        """Take note of a piece. Raises TimeoutError: too little came in the window that ends with it."""
        self._came_bytes += size_bytes
        now = self._time()
        if now - self._began < self._window_seconds:
            return
        if self._came_bytes < BODY_LEAST_BYTES:
            raise TimeoutError(f"{self._came_bytes} bytes in {now - self._began:.0f} s")
        self._began, self._came_bytes = now, 0

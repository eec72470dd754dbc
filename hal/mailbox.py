"""A bounded queue between threads that waits by the injected clock.

Rules of this module: no time of its own; `put` never blocks (device threads call it); what does not fit is refused and
said, never dropped in silence.
"""

from __future__ import annotations

import threading
from collections import deque
from typing import Generic, TypeVar

from hal.ports import Clock

Item = TypeVar("Item")


class MailboxFullError(Exception):
    """The mailbox holds as many items, or as many bytes, as it may."""


class Mailbox(Generic[Item]):
    """First in, first out, one reader, any number of writers.

    Args:
        clock: The clock by which `get` waits.
        capacity_items: Most items held at a time.
    """

    def __init__(self, clock: Clock, capacity_items: int) -> None:
        self._clock = clock
        self._capacity_items = capacity_items
        self._items: deque[Item] = deque()
        self._lock = threading.Lock()
        self._filled = clock.signal()

    def __len__(self) -> int:
        """Items waiting now."""
        return len(self._items)

    def put(self, item: Item) -> None:
        """Add an item and wake the reader. Never blocks; any thread.

        Raises:
            MailboxFullError: There is no room; nothing was added.
        """
        with self._lock:
            if len(self._items) >= self._capacity_items:
                raise MailboxFullError(f"mailbox holds {len(self._items)} items, its capacity; the reader is stuck")
            self._items.append(item)
            self._filled.set()

    def get(self, timeout_seconds: float | None = None) -> Item | None:
        """Take the oldest item; wait for one up to `timeout_seconds` of the clock (None: for ever).

        Returns:
            The item, or None when none came in time.
        """
        while True:
            with self._lock:
                if self._items:
                    return self._items.popleft()
                self._filled.clear()
            if not self._clock.wait(self._filled, timeout_seconds):
                return None

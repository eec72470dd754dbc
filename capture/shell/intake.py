"""Where camera and microphone put what they deliver: one bounded queue in front of the media thread (CS-3).

Rules of this module: a delivery never blocks and never raises. What does not fit is counted by its part's own count
(the sensor's sequence, the card's sample number), so that it is sealed as dropped; the log says it once.
"""

from __future__ import annotations

import logging
import threading
from dataclasses import dataclass

from capture.effects import BeginRun, LocateMark
from hal.mailbox import Mailbox, MailboxFullError
from hal.ports import Clock
from hal.values import AudioBlock, EncodedFrame, PictureStatistics

log = logging.getLogger(__name__)

QUEUE_BYTES = 64 * 1024 * 1024
"""More than 10 s of the largest bit rate that a profile may ask for (50 Mbit/s)."""
QUEUE_ITEMS = 16_384
"""More than 100 s of pictures and sound."""


@dataclass(frozen=True, slots=True)
class Begin:
    """Keep what is held and what comes."""

    run: BeginRun


@dataclass(frozen=True, slots=True)
class End:
    """End the run behind everything that was delivered."""

    reason: str


@dataclass(frozen=True, slots=True)
class Forget:
    """Let go of what is held: the camera begins anew, or nothing will be kept."""


@dataclass(frozen=True, slots=True)
class Noticed:
    """The notice was over at this time."""

    at_boottime_ns: int


@dataclass(frozen=True, slots=True)
class Locate:
    """Find the frame of a mark."""

    mark: LocateMark


Job = Begin | End | Forget | Noticed | Locate
Item = EncodedFrame | AudioBlock | Job


def size_bytes(item: Item) -> int:
    """What an item weighs in the queue."""
    if isinstance(item, EncodedFrame):
        return len(item.data)
    return len(item.samples) if isinstance(item, AudioBlock) else 0


class MediaQueue:
    """Bounded by bytes and by items.

    Args:
        clock: The clock by which the media thread waits.
    """

    def __init__(self, clock: Clock) -> None:
        self._items: Mailbox[Item] = Mailbox(clock, QUEUE_ITEMS)
        self._lock = threading.Lock()
        self._bytes = 0
        self._refusing = False
        self.refused = 0
        """Deliveries that found no room."""

    def deliver(self, item: EncodedFrame | AudioBlock) -> None:
        """Take a frame or a block. Any thread; never blocks, never raises."""
        size = size_bytes(item)
        with self._lock:
            fits = self._bytes + size <= QUEUE_BYTES
            if fits:
                self._bytes += size
        if fits and self._put(item):
            self._refusing = False
            return
        if fits:
            self._release(size)
        self.refused += 1
        if not self._refusing:
            log.error("the media thread is behind by %d bytes: deliveries are dropped and counted", self._bytes)
        self._refusing = True

    def order(self, job: Job) -> None:
        """Put a job behind everything delivered so far. Any thread; never blocks.

        Raises:
            MailboxFullError: The media thread is stuck altogether.
        """
        self._items.put(job)

    def take(self, timeout_seconds: float) -> Item | None:
        """The oldest item, or None when none came in time. The media thread only."""
        item = self._items.get(timeout_seconds)
        if item is not None:
            self._release(size_bytes(item))
        return item

    def _put(self, item: Item) -> bool:
        try:
            self._items.put(item)
        except MailboxFullError:
            return False
        return True

    def _release(self, size: int) -> None:
        with self._lock:
            self._bytes -= size


class PictureWatch:
    """What the camera delivered since it was last started, for the checks and the watch over frames."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.restart()

    def restart(self) -> None:
        """Begin to count anew."""
        with self._lock:
            self._frames = 0
            self._bytes = 0
            self._pictures: list[PictureStatistics] = []
            self._last_ns: int | None = None

    def add(self, frame: EncodedFrame, now_ns: int) -> bool:
        """Count a frame; tells whether it is the first."""
        with self._lock:
            self._frames += 1
            self._bytes += len(frame.data)
            self._last_ns = now_ns
            if frame.picture is not None:
                self._pictures = [*self._pictures[-9:], frame.picture]
            return self._frames == 1

    @property
    def frames(self) -> int:
        """Frames delivered."""
        return self._frames

    @property
    def total_bytes(self) -> int:
        """Bytes delivered."""
        return self._bytes

    @property
    def last_ns(self) -> int | None:
        """CLOCK_BOOTTIME of the last delivery, None before the first."""
        return self._last_ns

    @property
    def pictures(self) -> tuple[PictureStatistics, ...]:
        """The last statistics, oldest first; at most 10."""
        with self._lock:
            return tuple(self._pictures)

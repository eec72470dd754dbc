"""The recorder's way into the chain: events of the session and fragments of the media path, in one order.

Rules of this module: nothing is dropped. What the writer's queue refuses waits in the backlog and everything behind it
waits too, so that the order holds; a fragment that has to wait is the last of its run, which the media path then gives
up. The snapshot that goes to the writer always carries the newest media numbers, whoever asked last (CS-2).
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from capture.events import CaptureLost, Event, SealingBack, SealingLost
from capture.media.limits import VIDEO_TICKS_PER_SECOND
from capture.media.values import CloseFacts
from capture.states import STORAGE_FULL
from sealing.codec import Private
from sealing.errors import ReserveReachedError, SealingBackpressureError, SealingError, SealingStoppedError
from sealing.records import Close, Fragment, RunFacts, SessionBody, StateSnapshot
from sealing.references import RecordReference
from sealing.service import SealingService
from sealing.tickets import Ticket

log = logging.getLogger(__name__)

BACKLOG_MAX = 10_000
"""Records that may wait for a writer that takes nothing; more means a fault that no waiting cures."""
_SECOND_NS = 1_000_000_000

Result = TypeVar("Result")


@dataclass(frozen=True, slots=True)
class _Numbers:
    """Where the open session's media stand."""

    session_id: bytes
    run: int
    next_frame: int
    next_sample: int
    media_time_ns: int
    dropped_frames: int


class Seals:
    """Takes records from the session's thread and media from the media thread; satisfies `MediaOutput`.

    Args:
        sealing: The writer's service.
        post: Where the session machine hears of full storage and of a lost chain. Never blocks.
        now_ns: CLOCK_BOOTTIME.
    """

    def __init__(self, sealing: SealingService, post: Callable[[Event], None], now_ns: Callable[[], int]) -> None:
        self._sealing = sealing
        self._post = post
        self._now_ns = now_ns
        self._lock = threading.Lock()
        self._snapshot: StateSnapshot | None = None
        self._numbers: _Numbers | None = None
        self._backlog: deque[Callable[[], None]] = deque()
        self._lost = False

    @property
    def lost(self) -> bool:
        """Whether the writer takes nothing."""
        return self._lost

    def set_state(self, snapshot: StateSnapshot) -> None:
        """Let the next OPEN carry this state, with the newest media numbers."""
        with self._lock:
            self._snapshot = snapshot
            if self._numbers is not None and self._numbers.session_id != snapshot.session_id:
                self._numbers = None
            self._state()

    def seal(
        self, body: SessionBody, private: Private | None, then: Callable[[RecordReference], None] | None = None
    ) -> None:
        """Seal an event; `then` is called on the writer's thread once it is on the medium."""

        def submit() -> None:
            ticket = self._sealing.seal(body, private)
            ticket.then(lambda done: self._sealed(done, type(body).__name__, then))

        with self._lock:
            self._do(submit)

    def roll_ledger(self, reason: str) -> None:
        """End the ledger file."""
        with self._lock:
            self._do(lambda: self._sealing.roll_ledger(reason).then(self._check))

    def retry(self) -> None:
        """Try what waits; called once a second. Says `SealingBack` when everything went."""
        with self._lock:
            self._work_off()
            if self._lost and not self._backlog and self._sealing.fault is None and self._sealing.worker.alive:
                self._lost = False
                self._post(SealingBack())

    def open_file(self, run: RunFacts) -> None:
        """Open a footage file whose OPEN carries the run's numbers (`MediaOutput`)."""
        with self._lock:
            before = self._numbers
            same = before is not None and before.session_id == run.session_id
            self._numbers = _Numbers(
                session_id=run.session_id,
                run=run.run,
                next_frame=run.first_frame,
                next_sample=run.first_sample,
                media_time_ns=before.media_time_ns if same and before is not None else 0,
                dropped_frames=before.dropped_frames if same and before is not None else self._dropped_before(),
            )
            self._state()
            self._do(lambda: self._sealing.open_footage(run).then(self._check))

    def fragment(self, body: Fragment, data: bytes) -> None:
        """Seal a fragment (`MediaOutput`).

        Raises:
            SealingBackpressureError: The writer takes nothing. The fragment waits and is not lost, but no more may
                follow: the media path has to give up the run. The session machine hears of it.
        """
        with self._lock:
            self._do(lambda: self._sealing.append_fragment(body, data).then(self._check))
            self._count(body)
            if self._backlog:
                raise SealingBackpressureError(f"the writer takes nothing; {len(self._backlog)} records wait for it")

    def close_file(self, facts: CloseFacts) -> None:
        """Close the footage file (`MediaOutput`)."""
        close = Close(
            reason=facts.reason,
            fragments=facts.fragments,
            next_frame=facts.next_frame,
            next_sample=facts.next_sample,
            audio_priming_samples=facts.audio_priming_samples,
            audio_padding_samples=facts.audio_padding_samples,
            queue_high_water_bytes=0,
        )
        with self._lock:
            self._do(lambda: self._sealing.close_footage(close).then(self._check))
            if self._numbers is not None:
                self._numbers = replace(self._numbers, next_frame=facts.next_frame, next_sample=facts.next_sample)
            self._state()

    def _count(self, body: Fragment) -> None:
        if self._numbers is None:
            return
        reached_ns = body.last_video_pts * _SECOND_NS // VIDEO_TICKS_PER_SECOND
        self._numbers = replace(
            self._numbers,
            next_frame=body.first_frame + body.frame_count,
            next_sample=body.first_sample + body.sample_count,
            media_time_ns=max(self._numbers.media_time_ns, reached_ns),
            dropped_frames=self._numbers.dropped_frames + body.dropped_frames,
        )

    def _dropped_before(self) -> int:
        return 0 if self._snapshot is None else self._snapshot.dropped_frames

    def _state(self) -> None:
        snapshot, numbers = self._snapshot, self._numbers
        if snapshot is None:
            return
        if numbers is not None and numbers.session_id == snapshot.session_id:
            snapshot = replace(
                snapshot,
                run=max(snapshot.run, numbers.run),
                next_frame=max(snapshot.next_frame, numbers.next_frame),
                next_sample=max(snapshot.next_sample, numbers.next_sample),
                media_time_ns=max(snapshot.media_time_ns, numbers.media_time_ns),
                dropped_frames=max(snapshot.dropped_frames, numbers.dropped_frames),
            )
        self._do(lambda: self._sealing.set_state(snapshot))

    def _do(self, submit: Callable[[], None]) -> None:
        """Submit now, or behind what waits already."""
        self._work_off()
        if not self._backlog and self._submitted(submit):
            return
        if len(self._backlog) >= BACKLOG_MAX:
            log.critical("%d records wait for the writer; one more is lost", len(self._backlog))
            return
        self._backlog.append(submit)

    def _work_off(self) -> None:
        while self._backlog and self._submitted(self._backlog[0]):
            self._backlog.popleft()

    def _submitted(self, submit: Callable[[], None]) -> bool:
        try:
            submit()
        except (SealingBackpressureError, SealingStoppedError) as error:
            self._say_lost(str(error))
            return False
        return True

    def _say_lost(self, reason: str) -> None:
        if not self._lost:
            log.error("the writer takes nothing: %s", reason)
            self._lost = True
            self._post(SealingLost(reason))

    def _sealed(
        self, ticket: Ticket[RecordReference], what: str, then: Callable[[RecordReference], None] | None
    ) -> None:
        try:
            reference = ticket.result(0)
        except SealingError as error:
            log.critical("a %s was not sealed: %s", what, error)
            return
        if then is not None:
            then(reference)

    def _check(self, ticket: Ticket[Result]) -> None:
        """On the writer's thread: what became of a file or fragment."""
        try:
            ticket.result(0)
        except ReserveReachedError as error:
            log.error("%s", error)  # noqa: TRY400 - a full medium, not a fault of the program
            self._post(CaptureLost(STORAGE_FULL, self._now_ns()))
        except SealingStoppedError as error:
            log.error("a file or fragment was not sealed: %s", error)  # noqa: TRY400 - the agent ends
        except SealingError:
            log.exception("a file or fragment was not sealed")
            self._post(CaptureLost(STORAGE_FULL, self._now_ns()))

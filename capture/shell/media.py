"""The media thread: holds what is captured until it may be kept, then drives the pipeline (CS-3).

Rules of this module: everything comes through one queue, so that a run ends behind exactly what was delivered before.
What is held is bounded; letting go of it is said.
"""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Callable
from fractions import Fraction

from capture.conditions import Losses
from capture.effects import BeginRun, LocateMark
from capture.errors import MediaError
from capture.events import CaptureLost, Event, MarkLocated, RunEnded
from capture.media.limits import FileLimits
from capture.media.output import MediaOutput
from capture.media.pipeline import MediaPipeline
from capture.media.values import CivilMoment, FrameMoment, MediaSettings, Numbering
from capture.shell.intake import QUEUE_BYTES, Begin, End, Forget, Item, Locate, MediaQueue, Noticed, size_bytes
from capture.states import CAMERA_FAULT
from hal.ports import Clock
from hal.values import AudioBlock, EncodedFrame
from hal.worker import Worker
from sealing.errors import SealingError

log = logging.getLogger(__name__)

TICK_SECONDS = 0.1
MARK_WAIT_NS = 1_000_000_000
"""Longest wait for the frame behind a mark's press, which shows that its own frame has come."""
SOUND_AHEAD_NS = 2_000_000_000
"""Sound held without a picture: what may reach back to the first frame."""


class MediaDesk:
    """Owns the pipeline.

    Args:
        queue: What is delivered and ordered.
        output: Where fragments go.
        clock: The unit's clock.
        limits: When a footage file is full.
        frame_rate: Frame rate in force, asked when a session's pipeline is made.
        post: Where the session machine hears of ends and marks. Never blocks.
        hash_header: Hash of the suite in force, which names the header of a film.
    """

    def __init__(
        self,
        queue: MediaQueue,
        output: MediaOutput,
        clock: Clock,
        limits: FileLimits,
        frame_rate: Callable[[], Fraction],
        post: Callable[[Event], None],
        hash_header: Callable[[bytes], bytes],
    ) -> None:
        self._queue = queue
        self._output = output
        self._clock = clock
        self._limits = limits
        self._frame_rate = frame_rate
        self._post = post
        self._hash_header = hash_header
        self._pipeline: MediaPipeline | None = None
        self._counted: tuple[Losses, MediaPipeline | None] = (Losses(), None)
        """What the pipelines before have lost, and the one that counts now: one value, read by another thread."""
        self._session_id = b""
        self._dropped_before = 0
        self._held: deque[EncodedFrame | AudioBlock] = deque()
        self._held_bytes = 0
        self._held_frames = 0
        self._marks: deque[LocateMark] = deque()
        self._open = False
        self.worker = Worker("media", clock, self._body, allowance_seconds=10.0)

    def losses(self) -> Losses:
        """What was lost of the recordings since the start; never less than before. Any thread."""
        before, pipeline = self._counted
        if pipeline is None:
            return before
        now = pipeline.statistics
        return Losses(frames=before.frames + now.dropped_frames, samples=before.samples + now.lost_samples)

    def _body(self, worker: Worker) -> None:
        while not worker.stop.is_set():
            worker.beat()
            item = self._queue.take(TICK_SECONDS)
            if item is not None:
                self._take(item)
            self._guard(self._tick)
        if self._open:
            self._end("stop")

    def _take(self, item: Item) -> None:
        match item:
            case EncodedFrame() | AudioBlock():
                self._guard(lambda: self._media(item))
            case Begin():
                self._guard(lambda: self._begin(item.run))
            case End():
                self._end(item.reason)
            case Forget():
                self._forget()
            case Noticed():
                if self._pipeline is not None:
                    self._pipeline.notice_over(item.at_boottime_ns)
            case Locate():
                self._marks.append(item.mark)

    def _tick(self) -> None:
        now_ns = self._clock.boottime_ns()
        if self._pipeline is not None and self._open:
            self._pipeline.tick(now_ns)
        self._find_marks(now_ns)

    def _guard(self, act: Callable[[], None]) -> None:
        """Let the pipeline work; what it cannot do ends the run with a cause."""
        try:
            act()
        except MediaError:
            log.exception("the media path gave up its run")
            self._abandon()
            self._post(CaptureLost(CAMERA_FAULT, self._clock.boottime_ns()))
        except SealingError as error:
            log.error("nothing can be kept: %s", error)  # noqa: TRY400 - the writer has logged its own
            self._abandon()

    def _abandon(self) -> None:
        self._open = False
        if self._pipeline is not None:
            self._pipeline.abandon("fault")

    def _media(self, item: EncodedFrame | AudioBlock) -> None:
        if self._pipeline is not None and self._open:
            self._feed(self._pipeline, item)
        else:
            self._hold(item)

    def _feed(self, pipeline: MediaPipeline, item: EncodedFrame | AudioBlock) -> None:
        if isinstance(item, EncodedFrame):
            pipeline.video(item)
        else:
            pipeline.audio(item)

    def _hold(self, item: EncodedFrame | AudioBlock) -> None:
        self._held.append(item)
        self._held_bytes += size_bytes(item)
        self._held_frames += isinstance(item, EncodedFrame)
        if self._held_frames == 0:
            while item.captured_boottime_ns - self._held[0].captured_boottime_ns > SOUND_AHEAD_NS:
                self._drop_oldest()
        if self._held_bytes > QUEUE_BYTES:
            log.error("%d bytes wait to be kept: the oldest are let go", self._held_bytes)
            while self._held_bytes > QUEUE_BYTES // 2:
                self._drop_oldest()

    def _drop_oldest(self) -> None:
        item = self._held.popleft()
        self._held_bytes -= size_bytes(item)
        self._held_frames -= isinstance(item, EncodedFrame)

    def _forget(self) -> None:
        if self._open:
            return
        self._held.clear()
        self._held_bytes = self._held_frames = 0

    def _begin(self, run: BeginRun) -> None:
        if self._pipeline is None or self._session_id != run.session_id:
            before, self._pipeline = self.losses(), self._make(run)
            self._counted = (before, self._pipeline)
            self._session_id, self._dropped_before = run.session_id, run.dropped_frames
        if not run.before_notice:
            self._pipeline.notice_over(0)
        self._pipeline.begin_run()
        self._open = True
        held, self._held = self._held, deque()
        self._held_bytes = self._held_frames = 0
        for item in held:
            self._feed(self._pipeline, item)

    def _make(self, run: BeginRun) -> MediaPipeline:
        return MediaPipeline(
            output=self._output,
            limits=self._limits,
            numbering=Numbering(run.next_frame, run.next_sample, run.run - 1),
            session_zero_ns=run.session_zero_boottime_ns,
            settings=MediaSettings(
                session_id=run.session_id,
                frames_per_second=self._frame_rate(),
                notice_expected=run.before_notice,
            ),
            hash_header=self._hash_header,
            civil_time=self._civil_time,
        )

    def _civil_time(self, boottime_ns: int) -> CivilMoment:
        now = self._clock.read()
        return CivilMoment(now.utc_ns - (now.boottime_ns - boottime_ns), now.source.is_vouched_for)

    def _end(self, reason: str) -> None:
        pipeline = self._pipeline
        if pipeline is None:
            log.error("a run ends (%s) that could not begin", reason)
            self._post(RunEnded(0, None, None, None, 0, 0, 0, 0))
            return
        if self._open:
            self._guard(lambda: self._close(pipeline, reason))
        self._open = False
        self._forget()
        self._settle_marks(pipeline)
        self._post(self._run_ended(pipeline))

    def _close(self, pipeline: MediaPipeline, reason: str) -> None:
        pipeline.end_run(reason)

    def _run_ended(self, pipeline: MediaPipeline) -> RunEnded:
        numbering, last = pipeline.numbering, self._last_kept(pipeline)
        now = self._clock.read()
        media_time_ns = 0 if last is None else last.media_time_ns
        return RunEnded(
            run=numbering.run,
            last_frame=numbering.next_frame - 1 if numbering.next_frame else None,
            last_frame_boottime_ns=None if last is None else last.captured_boottime_ns,
            last_frame_utc_ns=None if last is None else now.utc_ns - (now.boottime_ns - last.captured_boottime_ns),
            media_time_ns=media_time_ns,
            next_frame=numbering.next_frame,
            next_sample=numbering.next_sample,
            dropped_frames=self._dropped_before + pipeline.statistics.dropped_frames,
        )

    def _last_kept(self, pipeline: MediaPipeline) -> FrameMoment | None:
        """The last frame that came out; after a run was given up it is not the last one taken."""
        last = pipeline.last_frame
        kept = pipeline.numbering.next_frame - 1
        while last is not None and last.number > kept:
            last = pipeline.frame_at(last.captured_boottime_ns - 1)
        return last

    def _find_marks(self, now_ns: int) -> None:
        """Answer the marks whose frame is certain: a later one has come, or none comes any more."""
        pipeline = self._pipeline
        if pipeline is None:
            return
        last = pipeline.last_frame
        while self._marks:
            pressed_ns = self._marks[0].pressed_boottime_ns
            passed = last is not None and last.captured_boottime_ns > pressed_ns
            if not passed and now_ns - pressed_ns < MARK_WAIT_NS:
                return
            self._locate(pipeline, self._marks.popleft())

    def _settle_marks(self, pipeline: MediaPipeline) -> None:
        while self._marks:
            self._locate(pipeline, self._marks.popleft())

    def _locate(self, pipeline: MediaPipeline, mark: LocateMark) -> None:
        pressed_ns = mark.pressed_boottime_ns
        moment = pipeline.frame_at(pressed_ns)
        media_time_ns = pipeline.media_time_ns(pressed_ns) or 0
        # A press before the first frame of a run belongs to the frame that comes.
        frame = pipeline.numbering.next_frame if moment is None else moment.number
        self._post(MarkLocated(mark.number, frame, max(0, media_time_ns), pressed_ns))

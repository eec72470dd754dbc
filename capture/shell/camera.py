"""The camera's keeper: starts it, starts it again, stops it (CS-3, CS-10).

Rules of this module: one thread calls the camera. Frames go from the driver's thread straight into the media queue; a
start or stop of before can never be heard any more, because every start has a sink of its own.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass

from capture.events import CaptureLost, Event, FirstFrame
from capture.shell.intake import End, Forget, MediaQueue, PictureWatch
from capture.states import CAMERA_FAULT
from hal.errors import HardwareError, PermanentHardwareError
from hal.mailbox import Mailbox
from hal.ports import Camera, Clock
from hal.values import CameraSettings, EncodedFrame
from hal.worker import Worker

log = logging.getLogger(__name__)

RETRY_SECONDS = 1.0
FIRST_FRAME_SECONDS = 5.0
"""A camera that was started and gives nothing for so long is started again."""
SILENCE_SECONDS = 1.0
"""No frame for so long: the camera counts as lost (R8)."""
LATE_SECONDS = 0.5
"""A frame that comes so long after it was taken is late (R13): ten times what an encoder needs."""
_ORDERS_MAX = 64
_SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Start:
    """Start the camera, anew if it runs."""


@dataclass(frozen=True, slots=True)
class Stop:
    """Stop the camera; then end the run for this reason, if one is given, and start again if so ordered."""

    end_reason: str | None
    restart: bool = False


class _Sink:
    """Takes what one start of the camera delivers."""

    def __init__(self, keeper: CameraKeeper) -> None:
        self._keeper = keeper
        self.active = True

    def frame(self, frame: EncodedFrame) -> None:
        if self.active:
            self._keeper.delivered(frame)

    def fault(self, reason: str) -> None:
        if self.active:
            self.active = False
            self._keeper.failed(reason)


class CameraKeeper:
    """Owns the camera.

    Args:
        camera: The camera.
        clock: The unit's clock.
        settings: What is asked of it.
        queue: Where frames go.
        post: Where the session machine hears of the first frame and of a loss. Never blocks.
    """

    def __init__(
        self,
        camera: Camera,
        clock: Clock,
        settings: CameraSettings,
        queue: MediaQueue,
        post: Callable[[Event], None],
    ) -> None:
        self._camera = camera
        self._clock = clock
        self._wanted_settings = settings
        self._queue = queue
        self._post = post
        self._orders: Mailbox[Start | Stop] = Mailbox(clock, _ORDERS_MAX)
        self._sink: _Sink | None = None
        self._wanted = False
        self._reported = False
        self._started_ns = 0
        self._complained = False
        self.settings = settings
        """Settings in force."""
        self.pictures = PictureWatch()
        self.late_frames = 0
        """Frames that came late, since the agent's start."""
        self.worker = Worker("camera", clock, self._body, allowance_seconds=10.0)

    def order(self, order: Start | Stop) -> None:
        """Have it done on the keeper's thread. Never blocks."""
        self._orders.put(order)

    def delivered(self, frame: EncodedFrame) -> None:
        """Take a frame. On the driver's thread; never blocks."""
        now_ns = self._clock.boottime_ns()
        first = self.pictures.add(frame, now_ns)
        self.late_frames += now_ns - frame.captured_boottime_ns > LATE_SECONDS * _SECOND_NS
        self._queue.deliver(frame)
        if first:
            now = self._clock.read()
            utc_ns = now.utc_ns - (now.boottime_ns - frame.captured_boottime_ns)
            self._post(FirstFrame(frame.captured_boottime_ns, utc_ns))

    def failed(self, reason: str) -> None:
        """Learn that the camera stopped delivering. On the driver's thread, or the watch's."""
        log.error("camera: %s", reason)
        self._report()

    def look(self) -> None:
        """Find out whether frames stopped without a word; called several times a second by the watch."""
        last_ns = self.pictures.last_ns
        if self._sink is None or not self._sink.active or last_ns is None or self._reported:
            return
        if self._clock.boottime_ns() - last_ns > SILENCE_SECONDS * _SECOND_NS:
            self.failed(f"no frame for {SILENCE_SECONDS} s")

    def _report(self) -> None:
        if not self._reported:
            self._reported = True
            self._post(CaptureLost(CAMERA_FAULT, self._clock.boottime_ns()))

    def _body(self, worker: Worker) -> None:
        try:
            while not worker.stop.is_set():
                worker.beat()
                order = self._orders.get(RETRY_SECONDS)
                if order is not None:
                    self._carry_out(order)
                elif self._wanted and self._is_dark():
                    self._start()
        finally:
            self._stop()

    def _carry_out(self, order: Start | Stop) -> None:
        self._stop()
        if isinstance(order, Stop):
            self._wanted = order.restart
            if order.end_reason is not None:
                self._queue.order(End(order.end_reason))
        else:
            self._wanted = True
        if self._wanted:
            self._complained = False
            self._start()

    def _is_dark(self) -> bool:
        """Whether nothing comes although the camera is wanted: not started, or started in vain."""
        if self._sink is None:
            return True
        waited_ns = self._clock.boottime_ns() - self._started_ns
        return self.pictures.frames == 0 and waited_ns > FIRST_FRAME_SECONDS * _SECOND_NS

    def _start(self) -> None:
        self._stop()
        self._queue.order(Forget())
        self.pictures.restart()
        self._reported = False
        sink = self._sink = _Sink(self)
        self._started_ns = self._clock.boottime_ns()
        try:
            self.settings = self._camera.start(self._wanted_settings, sink)
        except HardwareError as error:
            self._sink = None
            self._complain(error)
        else:
            log.info("camera started: %s", self.settings)

    def _complain(self, error: HardwareError) -> None:
        if not self._complained:
            lasting = isinstance(error, PermanentHardwareError)
            log.error("camera does not start: %s%s", error, "" if lasting else "; trying again every second")
            self._complained = True

    def _stop(self) -> None:
        if self._sink is not None:
            self._sink.active = False
            self._camera.stop()
            self._sink = None

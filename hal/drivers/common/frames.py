"""From a camera library's thread to the sink: counted, handed over, watched (DR-18, DR-20, DR-21).

Rules of this module: the library's thread only puts into a mailbox and never sees an error; one worker calls the sink
and notices when frames stop, because a camera that fails does not say so.
"""

from __future__ import annotations

import logging

from hal.mailbox import Mailbox, MailboxFullError
from hal.ports import CameraSink, Clock
from hal.values import EncodedFrame
from hal.worker import Worker

log = logging.getLogger(__name__)

_CAPACITY_FRAMES = 300
_FOLLOW = 0.1
"""Enough for a sensor that is 4 % off its rate, too little for a picture's jitter."""
_SECOND_NS = 1_000_000_000


class SensorCount:
    """Numbers the sensor's pictures by their times: a gap of n periods is n pictures.

    Times are held against a grid that follows them slowly, not against each other: a picture that was stamped late is
    then no gap before it, and two that come bunched are no extra ones.

    Args:
        period_ns: Time between two pictures, nanoseconds.
    """

    def __init__(self, period_ns: float) -> None:
        self._period_ns = period_ns
        self._last_ns: int | None = None
        self._grid_ns = 0.0
        self._sequence = 0

    def number(self, captured_ns: int) -> int | None:
        """The number of the picture of this time; None when it is not after the one before."""
        if self._last_ns is None:
            self._grid_ns = float(captured_ns)
        elif captured_ns <= self._last_ns:
            return None
        else:
            steps = max(1, round((captured_ns - self._grid_ns) / self._period_ns))
            self._sequence += steps
            self._grid_ns += steps * self._period_ns
            self._grid_ns += _FOLLOW * (captured_ns - self._grid_ns)
        self._last_ns = captured_ns
        return self._sequence


class FrameDelivery:
    """Carries frames to one sink until stopped, or until one fault was told.

    Args:
        clock: The clock to wait by.
        sink: Where frames go.
        first_seconds: How long the first frame may take.
        silence_seconds: How long the next frame may take.
    """

    def __init__(self, clock: Clock, sink: CameraSink, first_seconds: float, silence_seconds: float) -> None:
        self._clock = clock
        self._sink = sink
        self._allowance_seconds = first_seconds
        self._silence_seconds = silence_seconds
        self._frames: Mailbox[EncodedFrame | str | None] = Mailbox(clock, _CAPACITY_FRAMES)
        self._overrun = False
        self.arrived = clock.signal()
        """Raised with the first frame."""
        self.failed = False
        """Whether a fault was told."""
        self._last_ns = clock.boottime_ns()
        self._worker = Worker("camera-frames", clock, self._body)

    @property
    def silent_seconds(self) -> float:
        """Time since the last frame, or since the start."""
        return (self._clock.boottime_ns() - self._last_ns) / _SECOND_NS

    def start(self) -> None:
        """Begin to watch and deliver."""
        self._last_ns = self._clock.boottime_ns()
        self._worker.start()

    def put(self, frame: EncodedFrame) -> None:
        """Take a frame from the library's thread. Never blocks, never raises."""
        try:
            self._frames.put(frame)
        except MailboxFullError:
            self._overrun = True

    def fail(self, reason: str) -> None:
        """Tell a fault that the library's thread saw. Never blocks, never raises."""
        try:
            self._frames.put(reason)
        except MailboxFullError:
            self._overrun = True

    def stop(self, limit_seconds: float) -> None:
        """Deliver what is there, then end; nothing is delivered after it returns."""
        self._worker.request_stop()
        try:
            self._frames.put(None)
        except MailboxFullError:
            log.error("camera: frames are dropped at the stop; whoever takes them is stuck")  # noqa: TRY400
        if not self._worker.join(limit_seconds):
            log.error("camera: whoever takes the frames does not come back")

    def _body(self, worker: Worker) -> None:
        reason = self._deliver(worker)
        if reason and not worker.stop.is_set():
            self.failed = True
            log.error("camera: %s", reason)
            self._sink.fault(reason)

    def _deliver(self, worker: Worker) -> str:
        """Deliver until stopped; gives the reason of a fault, or nothing."""
        allowance_seconds = self._allowance_seconds
        while True:
            left_seconds = allowance_seconds - self.silent_seconds
            item = self._frames.get(left_seconds) if left_seconds > 0 else None
            worker.beat()
            if worker.stop.is_set() and item is None:
                return ""
            if self._overrun:
                return f"{_CAPACITY_FRAMES} frames wait; whoever takes them is stuck"
            if item is None:
                return f"no frame for {allowance_seconds:g} s; check cable and sensor"
            if isinstance(item, str):
                return item
            self.arrived.set()
            self._sink.frame(item)
            allowance_seconds = self._silence_seconds
            self._last_ns = self._clock.boottime_ns()

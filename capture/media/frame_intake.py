"""What the camera delivers, judged and numbered.

Rules of this module: pure; decides what is taken, what is refused and what begins a new stream.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass
from enum import Enum

from capture.media.limits import FRAME_BYTES_MAX, NANOSECONDS_PER_SECOND, RECENT_FRAMES, VIDEO_TICKS_PER_SECOND
from capture.media.parameter_sets import ParameterSets, parameter_sets
from capture.media.values import FrameMoment, VideoPacket
from hal.values import EncodedFrame


class Refusal(Enum):
    """Why a frame was not taken."""

    BACKWARD = "captured before the frame before"
    UNDECODABLE = "no key frame of its encoder came before"
    OVERSIZED = "larger than a frame may be"


@dataclass(frozen=True, slots=True)
class Taken:
    """A frame that goes on."""

    packet: VideoPacket
    restarted: bool
    """The encoder began anew: its frames cannot follow the ones before in one stream."""


class FrameIntake:
    """Numbers frames of a session.

    Args:
        next_frame: Number of the next frame.
    """

    def __init__(self, next_frame: int) -> None:
        self.next_frame = next_frame
        self._previous_ns = -1
        self._previous_pts = -1
        self._sequence: int | None = None
        self._sets: ParameterSets | None = None
        self._anew_from: int | None = None
        """Where the sensor began to count anew, until the key frame from which on that count is recorded."""
        self._recent: deque[FrameMoment] = deque(maxlen=RECENT_FRAMES)

    def begin_run(self) -> None:
        """Wait for a key frame; what the sensor made between two runs was not to be recorded and is not missing."""
        self._sets = self._sequence = self._anew_from = None

    def rewind(self, next_frame: int) -> None:
        """Give the next frame this number: the ones after it were lost before they became fragments."""
        self.next_frame = next_frame
        while self._recent and self._recent[-1].number >= next_frame:
            self._recent.pop()

    @property
    def waiting(self) -> bool:
        """Whether no key frame of the run came yet."""
        return self._sets is None

    @property
    def last(self) -> FrameMoment | None:
        """The newest frame that was taken."""
        return self._recent[-1] if self._recent else None

    def take(self, frame: EncodedFrame, session_zero_ns: int) -> Taken | Refusal:
        """Judge one frame.

        Raises:
            ParameterSetError: A key frame comes without parameter sets.
        """
        if frame.captured_boottime_ns < self._previous_ns:
            return Refusal.BACKWARD
        if len(frame.data) > FRAME_BYTES_MAX:
            return Refusal.OVERSIZED
        if self._sequence is not None and frame.sensor_sequence <= self._sequence:
            self._anew_from, self._sequence = frame.sensor_sequence, None
        if not frame.keyframe and (self.waiting or self._anew_from is not None):
            return Refusal.UNDECODABLE
        dropped = self._dropped_before(frame)
        restarted = frame.keyframe and self._begins_stream(frame)
        return Taken(self._accept(frame, session_zero_ns, dropped), restarted)

    def at(self, boottime_ns: int) -> FrameMoment | None:
        """The frame that was being taken at a moment: the newest one captured by then, None when none was."""
        # A copy, taken at one stroke: presses are asked about from another thread.
        moments = tuple(self._recent)
        index = bisect_right(moments, boottime_ns, key=lambda moment: moment.captured_boottime_ns)
        return moments[index - 1] if index else None

    def _begins_stream(self, frame: EncodedFrame) -> bool:
        """Learn a key frame's parameter sets; tell whether they, or the sensor's count, belong to another stream."""
        before, counts_anew = self._sets, self._anew_from is not None
        self._sets, self._anew_from = parameter_sets(frame.data), None
        return before is not None and (counts_anew or self._sets != before)

    def _dropped_before(self, frame: EncodedFrame) -> int:
        """Pictures that are missing by the sensor's count; what a count's end is missing, a new one cannot tell."""
        if self._anew_from is not None:
            return max(0, frame.sensor_sequence - self._anew_from)
        return 0 if self._sequence is None else frame.sensor_sequence - self._sequence - 1

    def _accept(self, frame: EncodedFrame, session_zero_ns: int, dropped: int) -> VideoPacket:
        ticks = (frame.captured_boottime_ns - session_zero_ns) * VIDEO_TICKS_PER_SECOND // NANOSECONDS_PER_SECOND
        # Two frames in one tick keep their order; 11 µs are less than any camera's own error.
        pts = max(ticks, self._previous_pts + 1)
        packet = VideoPacket(
            frame.data, pts, frame.keyframe, self.next_frame, frame.captured_boottime_ns, dropped_before=dropped
        )
        media_time_ns = frame.captured_boottime_ns - session_zero_ns
        self._recent.append(FrameMoment(self.next_frame, frame.captured_boottime_ns, media_time_ns))
        self._previous_ns, self._previous_pts, self._sequence = frame.captured_boottime_ns, pts, frame.sensor_sequence
        self.next_frame += 1
        return packet

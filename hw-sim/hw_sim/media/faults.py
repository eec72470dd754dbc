"""What can be wrong with camera, microphone and loudspeaker.

Rules of this module: only the world writes here, the drivers read; what happens once (a dropped picture) is asked for
by the world and taken by the driver, so that it happens exactly as often as it was asked for.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from enum import Enum


class Frozen(Enum):
    """How a camera hangs."""

    NO = "no"
    STOPS = "stops"
    """Pictures stop; no error is reported."""
    REPEATS = "repeats"
    """The last picture comes again and again, with running times and numbers."""


class Dead(Enum):
    """How a microphone dies."""

    NO = "no"
    ZEROS = "zeros"
    """Blocks come, every sample exactly 0."""
    SILENT = "silent"
    """No block comes; no error is reported."""


@dataclass
class MediaFaults:
    """State of the parts that see, hear and speak; plain fields are read at every picture or block."""

    camera_fitted: bool = True
    camera_plugged: bool = True
    camera_covered: bool = False
    camera_frozen: Frozen = Frozen.NO
    microphone_fitted: bool = True
    microphone_plugged: bool = True
    microphone_dead: Dead = Dead.NO
    microphone_ppm: float = 0.0
    """Error of the card's clock in parts per million; read at each start, positive runs fast."""
    speaker_fitted: bool = True
    speaker_plugged: bool = True
    _frames_to_drop: int = 0
    _frame_delay_seconds: float = 0.0
    _samples_to_lose: int = 0
    _lock: threading.Lock = field(default_factory=threading.Lock, repr=False)

    def drop_frames(self, count: int) -> None:
        """Let the next `count` pictures be made by the sensor and never delivered."""
        with self._lock:
            self._frames_to_drop += count

    def delay_frame(self, seconds: float) -> None:
        """Let the next picture be delivered `seconds` late; those behind it queue up, capture times stay honest."""
        with self._lock:
            self._frame_delay_seconds += seconds

    def lose_samples(self, count: int) -> None:
        """Let the sound card overrun and lose the next `count` samples."""
        with self._lock:
            self._samples_to_lose += count

    def take_dropped_frame(self) -> bool:
        """Tell whether the picture just made is to be dropped, and count it."""
        with self._lock:
            if self._frames_to_drop == 0:
                return False
            self._frames_to_drop -= 1
            return True

    def take_frame_delay_seconds(self) -> float:
        """Take the delay asked for, 0 when none."""
        with self._lock:
            taken, self._frame_delay_seconds = self._frame_delay_seconds, 0.0
            return taken

    def take_lost_samples(self) -> int:
        """Take the number of samples to lose, 0 when none."""
        with self._lock:
            taken, self._samples_to_lose = self._samples_to_lose, 0
            return taken

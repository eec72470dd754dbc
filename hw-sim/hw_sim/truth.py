"""What camera and microphone really gave: the truth that a recording is compared with.

Rules of this module: a line is written before the frame or block is handed over, so that what a killed process was
given is known; nobody who records may read it.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable
from fractions import Fraction
from pathlib import Path


class Truth:
    """The log of frames and samples given.

    Args:
        path: File of JSON lines; earlier lines of the same world stay.
        boot_id: Gives the boot that the times belong to.
        switched: Told when a part begins (`True`) or ceases to draw power.
    """

    def __init__(self, path: Path, boot_id: Callable[[], str], switched: Callable[[str, bool], None]) -> None:
        self.path = path
        self._boot_id = boot_id
        self._switched = switched
        self._lock = threading.Lock()
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o640)

    def camera_started(
        self, at_boottime_ns: int, width_pixels: int, height_pixels: int, frames_per_second: Fraction
    ) -> None:
        """Note that the camera began to deliver."""
        self._switched("camera", True)
        self._write(
            f'{{"kind": "camera_started", "boot_id": "{self._boot_id()}", "at_boottime_ns": {at_boottime_ns}, '
            f'"width_pixels": {width_pixels}, "height_pixels": {height_pixels}, '
            f'"frames_per_second": "{frames_per_second}"}}\n'
        )

    def camera_frame(self, sensor_sequence: int, captured_boottime_ns: int, picture_number: int) -> None:
        """Note a picture that is about to be handed over."""
        self._write(
            f'{{"kind": "camera_frame", "sensor_sequence": {sensor_sequence}, '
            f'"captured_boottime_ns": {captured_boottime_ns}, "picture_number": {picture_number}}}\n'
        )

    def camera_stopped(self, at_boottime_ns: int, reason: str) -> None:
        """Note that no picture comes any more."""
        self._switched("camera", False)
        self._write(f'{{"kind": "camera_stopped", "at_boottime_ns": {at_boottime_ns}, "reason": "{reason}"}}\n')

    def microphone_started(self, at_boottime_ns: int, clock_error_ppm: float) -> None:
        """Note that sample number 0 is taken now."""
        self._switched("microphone", True)
        self._write(
            f'{{"kind": "microphone_started", "boot_id": "{self._boot_id()}", "at_boottime_ns": {at_boottime_ns}, '
            f'"clock_error_ppm": {clock_error_ppm}}}\n'
        )

    def microphone_samples(
        self, first_sample: int, count: int, captured_boottime_ns: int, lost: int, mean_square: int
    ) -> None:
        """Note a block that is about to be handed over; how loud it is tells blocks from one another."""
        self._write(
            f'{{"kind": "microphone_samples", "first_sample": {first_sample}, "count": {count}, '
            f'"captured_boottime_ns": {captured_boottime_ns}, "lost": {lost}, "mean_square": {mean_square}}}\n'
        )

    def microphone_stopped(self, at_boottime_ns: int, reason: str) -> None:
        """Note that no sample comes any more."""
        self._switched("microphone", False)
        self._write(f'{{"kind": "microphone_stopped", "at_boottime_ns": {at_boottime_ns}, "reason": "{reason}"}}\n')

    def close(self) -> None:
        """Write no more; idempotent."""
        with self._lock:
            if self._file >= 0:
                os.close(self._file)
                self._file = -1

    def _write(self, line: str) -> None:
        with self._lock:
            if self._file >= 0:
                os.write(self._file, line.encode())

"""The microphone's reader: one thread that reads blocks and hands them on (CS-3).

Rules of this module: it never waits for anybody but the device. A device that went away is started again every second.
"""

from __future__ import annotations

import logging
import math
import threading

import numpy as np

from capture.preflight import SoundLevel
from capture.shell.intake import MediaQueue
from capture.voice.ring import RecentSound
from hal.errors import HardwareError
from hal.ports import Clock, Microphone
from hal.values import AudioBlock, MicrophoneSettings
from hal.worker import Worker

log = logging.getLogger(__name__)

READ_SECONDS = 0.25
RETRY_SECONDS = 1.0
SILENCE_DBFS = -120.0
_FULL_SCALE = 32_767


class SoundMeter:
    """Level and clipping since the microphone was started."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self.restart()

    def restart(self) -> None:
        """Begin to measure anew."""
        with self._lock:
            self._samples = self._clipped = 0
            self._squares = 0.0

    def add(self, block: AudioBlock) -> None:
        """Measure a block."""
        samples = np.frombuffer(block.samples, dtype="<i2").astype(np.float64)
        squares = float(samples @ samples)
        loud = bool(samples.size) and max(samples.max(), -samples.min()) >= _FULL_SCALE
        clipped = int(np.count_nonzero(np.abs(samples) >= _FULL_SCALE)) if loud else 0
        with self._lock:
            self._samples += samples.size
            self._clipped += clipped
            self._squares += squares

    def counts(self) -> tuple[int, int]:
        """Samples, and those of them at full scale, since the microphone was started."""
        with self._lock:
            return self._samples, self._clipped

    def level(self) -> SoundLevel | None:
        """What was measured, None when there was no sound at all."""
        with self._lock:
            if self._samples == 0:
                return None
            rms = math.sqrt(self._squares / self._samples) / (_FULL_SCALE + 1)
            dbfs = SILENCE_DBFS if rms == 0 else max(SILENCE_DBFS, 20 * math.log10(rms))
            return SoundLevel(self._samples, dbfs, self._clipped * 1000 // self._samples)


class MicrophoneReader:
    """Owns the microphone.

    Args:
        microphone: The microphone.
        clock: The unit's clock.
        queue: Where blocks go.
        recent: Where the voice listens.
    """

    def __init__(self, microphone: Microphone, clock: Clock, queue: MediaQueue, recent: RecentSound) -> None:
        self._microphone = microphone
        self._clock = clock
        self._queue = queue
        self._recent = recent
        self._wanted = False
        self._changed = clock.signal()
        self._complained = False
        self.last_signal_ns: int | None = None
        """CLOCK_BOOTTIME of the last block with a sample other than 0, or of the start."""
        self.signal_came = False
        """A sample other than 0 came since the start."""
        self.flowing = clock.signal()
        """Raised while blocks come."""
        self.meter = SoundMeter()
        self.worker = Worker("microphone", clock, self._body)

    def start(self) -> None:
        """Let it capture; the meter begins anew. Never blocks."""
        self.meter.restart()
        self.last_signal_ns = self._clock.boottime_ns()
        self.signal_came = False
        self._wanted = True
        self._changed.set()

    def stop(self) -> None:
        """Let it stop capturing. Never blocks."""
        self._wanted = False
        self._changed.set()

    def close(self) -> None:
        """Wake the thread so that it sees that it has to end."""
        self._changed.set()

    def _body(self, worker: Worker) -> None:
        while not worker.stop.is_set():
            worker.beat()
            if not self._wanted:
                self._wait(RETRY_SECONDS)
            elif self._begin():
                self._read(worker)
                self._microphone.stop()
                self.flowing.clear()
            else:
                self._wait(RETRY_SECONDS)

    def _wait(self, seconds: float) -> None:
        self._clock.wait(self._changed, seconds)
        self._changed.clear()

    def _begin(self) -> bool:
        try:
            self._microphone.start(MicrophoneSettings())
        except HardwareError as error:
            if not self._complained:
                log.error("microphone does not start: %s; trying again every second", error)  # noqa: TRY400
            self._complained = True
            return False
        self._complained = False
        return True

    def _read(self, worker: Worker) -> None:
        """Hand blocks on until the microphone is not wanted any more, or goes away."""
        while self._wanted and not worker.stop.is_set():
            worker.beat()
            try:
                block = self._microphone.read(READ_SECONDS)
            except HardwareError as error:
                log.error("microphone went away: %s", error)  # noqa: TRY400 - the device's fault
                return
            if block is not None:
                self._hand_on(block)

    def _hand_on(self, block: AudioBlock) -> None:
        self._queue.deliver(block)
        self._recent.append(block)
        self.meter.add(block)
        if any(block.samples):
            self.last_signal_ns = self._clock.boottime_ns()
            self.signal_came = True
        self.flowing.set()

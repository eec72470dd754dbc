"""The last seconds of microphone sound at 16 kHz, found by CLOCK_BOOTTIME.

Rules of this module: bounded memory, no I/O, no clock. One thread appends, any thread reads. Positions are counted in
input samples, lost ones included; every block brings its own time, so neither a clock error of the card nor a restart
of the device moves anything by more than its own block.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import deque
from dataclasses import dataclass
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from capture.voice.samples import (
    ANALYSIS_RATE_HZ,
    DECIMATION,
    FILTER_DELAY_SAMPLES,
    VOICE_RATE_HZ,
    Decimator,
    Samples,
    from_s16,
    silence,
    to_s16,
)
from hal.values import AudioBlock

DEFAULT_SECONDS = 90.0
"""Longest prompt (about 20 s), its window (up to 60 s) and some air."""
_JUMP_NS = 10_000_000
"""A restarted device counts from 0 again; from this gap on the time between is filled with silence."""
_ANCHORS_PER_SECOND = 100
"""Blocks shorter than 10 ms share anchors, which bounds their number."""
_FITTED_BEFORE_NS = 20_000_000_000
_FITTED_ANCHORS_MIN = 50
_CLOCK_ERROR_MAX = 0.001
"""What exceeds 1000 ppm is no clock error but a jump."""
_BATCH_SAMPLES = VOICE_RATE_HZ // 4
"""Sound is decimated by the quarter second, or when somebody asks: a block alone costs more in calls than in sums."""
_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class Excerpt:
    """A stretch of microphone sound."""

    samples: Samples
    """16 kHz; silence where nothing was captured."""
    started_boottime_ns: int
    """CLOCK_BOOTTIME of the first sample."""
    missing_samples: int
    """How many of them were never captured (lost, too old, or still to come)."""


@dataclass(frozen=True, slots=True)
class _Anchor:
    time_ns: int
    position: int


class RecentSound:
    """Keeps the last seconds of what the microphone heard.

    Args:
        seconds: How much is kept; 32 kB per second.
    """

    def __init__(self, seconds: float = DEFAULT_SECONDS) -> None:
        self._capacity = round(seconds * ANALYSIS_RATE_HZ)
        self._store: NDArray[np.int16] = np.zeros(self._capacity, dtype=np.int16)
        self._anchors: deque[_Anchor] = deque(maxlen=round(seconds * _ANCHORS_PER_SECOND))
        self._gaps: deque[tuple[int, int]] = deque(maxlen=256)
        self._decimator = Decimator()
        self._pending: list[Samples] = []
        self._pending_samples = 0
        self._position = 0
        self._written = 0
        self._next_sample: int | None = None
        self._lock = Lock()

    def append(self, block: AudioBlock) -> None:
        """Take the next block of the microphone. Any sizes; under 1 ms for a block of 20 ms."""
        samples = from_s16(block.samples)
        with self._lock:
            missing = self._missing_before(block)
            if missing > 0:
                self._fill(missing)
            self._anchor(block.captured_boottime_ns)
            self._write(samples)
            self._next_sample = block.first_sample + samples.size

    def latest_boottime_ns(self) -> int | None:
        """CLOCK_BOOTTIME just behind the newest sound that can be had, None before the first block."""
        with self._lock:
            self._settle()
            return self._time_of(self._written) if self._anchors else None

    def between(self, start_ns: int, end_ns: int, *, by_clock: bool = False) -> Excerpt:
        """Give what was heard from one CLOCK_BOOTTIME to another, at most as much as is kept.

        Args:
            start_ns: From when.
            end_ns: Until when.
            by_clock: Take the card's clock error out, as far as the blocks' times show it, so that the samples lie
                on the same time as what was played; costs a little treble.
        """
        with self._lock:
            self._settle()
            length = min(max(0, round((end_ns - start_ns) * ANALYSIS_RATE_HZ / _NS)), self._capacity)
            if not self._anchors:
                return Excerpt(np.zeros(length, dtype=np.float32), start_ns, length)
            first = self._index_at(start_ns)
            speed = self._speed(start_ns, end_ns) if by_clock else 1.0
            samples = self._read(first, length)
            if speed != 1.0:
                places = np.arange(length, dtype=np.float64)
                samples = np.interp(places * speed, places, samples).astype(np.float32)
            return Excerpt(samples, self._time_of(first), self._missing(first, length))

    def _speed(self, start_ns: int, end_ns: int) -> float:
        """How fast the card counts against CLOCK_BOOTTIME, by least squares over the blocks' times; 1 is exact."""
        near = [one for one in self._anchors if start_ns - _FITTED_BEFORE_NS <= one.time_ns <= end_ns]
        if len(near) < _FITTED_ANCHORS_MIN:
            return 1.0
        times = np.array([one.time_ns - near[0].time_ns for one in near], dtype=np.float64) * VOICE_RATE_HZ / _NS
        positions = np.array([one.position - near[0].position for one in near], dtype=np.float64)
        times -= times.mean()
        speed = float(times @ (positions - positions.mean()) / (times @ times))
        return speed if abs(speed - 1.0) <= _CLOCK_ERROR_MAX else 1.0

    def _missing_before(self, block: AudioBlock) -> int:
        """How many input samples lie between the last block and this one."""
        if self._next_sample is None:
            return 0
        if block.first_sample >= self._next_sample + block.lost_samples:
            return block.first_sample - self._next_sample
        if block.first_sample >= self._next_sample:
            return block.lost_samples
        newest = self._anchors[-1]
        expected_ns = newest.time_ns + (self._position - newest.position) * _NS // VOICE_RATE_HZ
        gap_ns = block.captured_boottime_ns - expected_ns
        return round(gap_ns * VOICE_RATE_HZ / _NS) if gap_ns > _JUMP_NS else 0

    def _fill(self, count: int) -> None:
        """Put silence where samples are missing; more than fits is only counted."""
        self._settle()
        start = self._position
        skipped = max(0, count - (self._capacity + 1) * DECIMATION) // DECIMATION * DECIMATION
        self._position += skipped
        self._written += skipped // DECIMATION
        self._write(np.zeros(count - skipped, dtype=np.float32))
        self._gaps.append((self._index_of(start), self._index_of(self._position)))

    def _anchor(self, time_ns: int) -> None:
        while self._anchors and self._anchors[-1].time_ns >= time_ns:
            self._anchors.pop()
        near = self._anchors and time_ns - self._anchors[-1].time_ns < _NS // _ANCHORS_PER_SECOND
        if not near:
            self._anchors.append(_Anchor(time_ns, self._position))

    def _write(self, samples: Samples) -> None:
        self._position += samples.size
        self._pending.append(samples)
        self._pending_samples += samples.size
        if self._pending_samples >= _BATCH_SAMPLES:
            self._settle()

    def _settle(self) -> None:
        """Bring what waits into the store."""
        if not self._pending:
            return
        output = np.frombuffer(to_s16(self._decimator.push(np.concatenate(self._pending))), dtype=np.int16)
        self._pending.clear()
        self._pending_samples = 0
        kept = output[-self._capacity :]
        start = (self._written + output.size - kept.size) % self._capacity
        head = min(kept.size, self._capacity - start)
        self._store[start : start + head] = kept[:head]
        self._store[: kept.size - head] = kept[head:]
        self._written += output.size

    def _index_of(self, position: float) -> int:
        return round((position + FILTER_DELAY_SAMPLES) / DECIMATION)

    def _index_at(self, time_ns: int) -> int:
        place = bisect_right(self._anchors, time_ns, key=lambda anchor: anchor.time_ns) - 1
        anchor = self._anchors[max(0, place)]
        return self._index_of(anchor.position + (time_ns - anchor.time_ns) * VOICE_RATE_HZ / _NS)

    def _time_of(self, index: int) -> int:
        position = index * DECIMATION - FILTER_DELAY_SAMPLES
        place = bisect_right(self._anchors, position, key=lambda anchor: anchor.position) - 1
        anchor = self._anchors[max(0, place)]
        return anchor.time_ns + (position - anchor.position) * _NS // VOICE_RATE_HZ

    def _held(self, first: int, length: int) -> tuple[int, int]:
        """The part of a stretch that is still, or already, in the store."""
        low = max(first, self._written - self._capacity, 0)
        return low, max(low, min(first + length, self._written))

    def _read(self, first: int, length: int) -> Samples:
        low, high = self._held(first, length)
        result = silence(length / ANALYSIS_RATE_HZ, ANALYSIS_RATE_HZ)
        if high > low:
            places = np.arange(low, high) % self._capacity
            result[low - first : high - first] = self._store[places].astype(np.float32) / np.float32(32768.0)
        return result

    def _missing(self, first: int, length: int) -> int:
        low, high = self._held(first, length)
        inside = sum(max(0, min(end, high) - max(start, low)) for start, end in self._gaps)
        return length - (high - low) + inside

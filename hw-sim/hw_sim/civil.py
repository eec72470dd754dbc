"""The unit's own idea of civil time: a battery-backed clock that drifts, is stepped, and may be put right.

Rules of this module: pure arithmetic over the world's time; the true civil time is a fixed offset from it. What the
unit believes is the truth plus an error, and the error is what drift, steps and time servers change.
"""

from __future__ import annotations

import threading
from typing import Protocol

from hal.values import TimeSource
from hw_sim.memory import Numbers

NANOSECONDS = 1_000_000_000
FIRST_UTC_NS = 1_767_229_200 * NANOSECONDS
"""2026-01-01T09:00:00+08:00: the civil time at which a world begins that was told none."""
SERVER_ERROR_NS = 5_000_000
"""Error that a time server leaves, and the least that is admitted."""
_ADMITTED_GROWTH_PPM = 500
"""The kernel's own rule: without a server the admitted error grows this fast."""
_MILLION = 1_000_000


class CivilTime(Protocol):
    """What the unit's clock says while the world's time is `world_ns`."""

    def utc(self, world_ns: int) -> tuple[int, TimeSource, int]:
        """Civil time in nanoseconds, its source and its admitted error in nanoseconds."""
        ...


class PerfectTime:
    """A clock that is right."""

    def utc(self, world_ns: int) -> tuple[int, TimeSource, int]:
        """Civil time that never drifts."""
        return FIRST_UTC_NS + world_ns, TimeSource.NETWORK, 1_000_000


class UnitTime:
    """A clock that drifts from the moment it was last set.

    Args:
        memory: Three numbers that outlive the process: world time when last set, the error then, the source's index.
        first_utc_ns: True civil time at world time 0.
        drift_ppm: Error of the crystal; positive runs fast.
    """

    def __init__(self, memory: Numbers, first_utc_ns: int = FIRST_UTC_NS, drift_ppm: float = 0.0) -> None:
        self._memory = memory
        self._first_utc_ns = first_utc_ns
        self._drift_ppm = drift_ppm
        self._lock = threading.Lock()

    def true_utc_ns(self, world_ns: int) -> int:
        """True civil time."""
        return self._first_utc_ns + world_ns

    def utc(self, world_ns: int) -> tuple[int, TimeSource, int]:
        """Civil time as the unit has it."""
        with self._lock:
            source = _SOURCES[self._memory[2]]
            return self.true_utc_ns(world_ns) + self._error_ns(world_ns), source, self._admitted_ns(world_ns, source)

    def set_right(self, world_ns: int, source: TimeSource) -> None:
        """Let a time server, the store or the battery-backed clock set the unit's clock; UNSET takes all trust."""
        with self._lock:
            error_ns = 0 if source.is_vouched_for else self._error_ns(world_ns)
            self._write(world_ns, error_ns, source)

    def step(self, world_ns: int, seconds: float) -> None:
        """Move the unit's clock by hand; it admits nothing more than before."""
        with self._lock:
            error_ns = self._error_ns(world_ns) + round(seconds * NANOSECONDS)
            self._write(world_ns, error_ns, _SOURCES[self._memory[2]])

    def reboot(self, world_ns: int) -> None:
        """Start over from the battery-backed clock, which kept the error; without a cell nothing vouches for it."""
        with self._lock:
            unset = _SOURCES[self._memory[2]] is TimeSource.UNSET
            self._write(world_ns, self._error_ns(world_ns), TimeSource.UNSET if unset else TimeSource.RTC)

    def _error_ns(self, world_ns: int) -> int:
        since_ns = world_ns - self._memory[0]
        if _SOURCES[self._memory[2]] is TimeSource.NETWORK:
            return self._memory[1]
        return self._memory[1] + round(since_ns * self._drift_ppm / _MILLION)

    def _admitted_ns(self, world_ns: int, source: TimeSource) -> int:
        if source is TimeSource.UNSET:
            return -1
        if source is TimeSource.NETWORK:
            return SERVER_ERROR_NS
        grown_ns = (world_ns - self._memory[0]) * _ADMITTED_GROWTH_PPM // _MILLION
        return SERVER_ERROR_NS + (NANOSECONDS if source is TimeSource.RTC else 0) + grown_ns

    def _write(self, world_ns: int, error_ns: int, source: TimeSource) -> None:
        self._memory[0] = world_ns
        self._memory[1] = error_ns
        self._memory[2] = _SOURCES.index(source)


_SOURCES = (TimeSource.RTC, TimeSource.NETWORK, TimeSource.STORE, TimeSource.UNSET)

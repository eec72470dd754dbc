"""A sound card with a clock of its own, for the ALSA drivers: what pyalsaaudio would say of it, without ALSA."""

from __future__ import annotations

from collections.abc import Callable

from hal.drivers.common.alsa import PcmRequest
from hal.errors import TransientHardwareError
from tests.support.clocks import ManualClock

_SECOND_NS = 1_000_000_000


class SoundCard:
    """The device; opened by `open`. Its faults are plain attributes."""

    def __init__(self, clock: ManualClock, ppm: float = 0.0) -> None:
        self.clock = clock
        self.rate_factor = 1 + ppm * 1e-6
        self.plugged = True
        self.suspended = False
        self.wake_late_ns: Callable[[], int] = lambda: 0
        """How much later than the card a reader wakes up."""
        self.heard: list[bytes] = []
        self.opened: list[FakePcm] = []

    def open(self, request: PcmRequest) -> FakePcm:
        self.require_plugged()
        pcm = FakePcm(self, request)
        self.opened.append(pcm)
        return pcm

    def require_plugged(self) -> None:
        if not self.plugged:
            raise TransientHardwareError("sound device testcard went away; plug it in and start again")


class FakePcm:
    """One opened direction of the card (`hal.drivers.common.alsa.Pcm`)."""

    def __init__(self, card: SoundCard, request: PcmRequest) -> None:
        self._card = card
        self.request = request
        self._buffer = request.period_samples * request.periods
        self._running_since_ns: int | None = None
        self._moved = 0
        """Samples that the application took, or gave."""
        self._skipped = 0
        """Samples that the card counted and nobody can have any more."""
        self.closed = False
        self.dropped = False

    def wait(self, timeout_seconds: float) -> bool:
        self._card.require_plugged()
        clock = self._card.clock
        if self._running_since_ns is not None and not self._card.suspended:
            missing = self.request.period_samples - (self._counted() - self._moved)
            ready_seconds = max(0.0, missing / self._rate()) + self._card.wake_late_ns() / _SECOND_NS
            if ready_seconds <= timeout_seconds:
                clock.advance(ready_seconds + 1e-6)
                return True
        clock.advance(timeout_seconds)
        return False

    def read(self) -> tuple[int, bytes]:
        self._card.require_plugged()
        if self._running_since_ns is None:
            self._running_since_ns = self._card.clock.boottime_ns()
            return 0, b""
        if self._card.suspended:
            return 0, b""
        waiting = self._counted() - self._moved
        if waiting > self._buffer:
            # ALSA's overrun: the stream stops, and begins anew with the next read.
            self._running_since_ns, self._moved = None, 0
            return -32, b""
        count = min(waiting, self.request.period_samples)
        self._moved += count
        return count, b"\x01\x02" * count

    def write(self, samples: bytes) -> int:
        self._card.require_plugged()
        if self._running_since_ns is None:
            self._running_since_ns = self._card.clock.boottime_ns()
        free = self._buffer - self._queued()
        count = min(free, len(samples) // 2)
        self._card.heard.append(samples[: 2 * count])
        self._moved += count
        return count

    def available(self) -> int:
        self._card.require_plugged()
        if not self.request.capture:
            return self._buffer - self._queued()
        return 0 if self._running_since_ns is None or self._card.suspended else self._counted() - self._moved

    def close(self, *, drop: bool = False) -> None:
        self.closed, self.dropped = True, drop

    def _queued(self) -> int:
        return 0 if self._card.suspended and not self._moved else max(0, self._moved - self._counted())

    def _counted(self) -> int:
        if self._running_since_ns is None:
            return 0
        passed_ns = self._card.clock.boottime_ns() - self._running_since_ns
        return int(passed_ns * self._rate() / _SECOND_NS)

    def _rate(self) -> float:
        return self.request.rate_hz * self._card.rate_factor

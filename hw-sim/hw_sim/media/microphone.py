"""The simulated microphone: a sound card with a clock of its own that hears the air.

Rules of this module: no setters; what goes wrong comes from the world's faults. Samples are counted by the card's
clock and stamped with the world's time, both exactly; there is no gain control.
"""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt

from hal.errors import PermanentHardwareError, TransientHardwareError
from hal.values import AudioBlock, MicrophoneSettings, PartDescription
from hw_sim.media import waveforms
from hw_sim.media.contract import MediaWorld
from hw_sim.media.faults import Dead
from hw_sim.media.waveforms import SAMPLE_RATE_HZ, Waveform

_SECOND_NS = 1_000_000_000
_LATENCY_NS = 3_000_000
"""From the last sample of a block until a reader gets it."""
_CARD_BUFFER_SECONDS = 0.5
"""What the card keeps for a late reader; when it is full, all of it is lost (ALSA's overrun)."""


class SimMicrophone:
    """A capture device that counts its samples; satisfies `hal.ports.Microphone`.

    Args:
        world: Where it hangs.
    """

    def __init__(self, world: MediaWorld) -> None:
        self._world = world
        self._card: _Card | None = None

    def describe(self) -> PartDescription:
        """Say what is fitted."""
        return PartDescription("microphone", "simulated", f"{SAMPLE_RATE_HZ} Hz mono")

    def start(self, settings: MicrophoneSettings) -> None:
        """Begin to capture; the sample number starts at 0."""
        self._require(settings)
        if self._card is not None:
            raise TransientHardwareError("microphone is busy: it was started and not stopped")
        self._card = _Card(self._world, settings.block_samples)

    def read(self, timeout_seconds: float) -> AudioBlock | None:
        """Wait for the next block by the world's clock."""
        card = self._card
        if card is None:
            raise TransientHardwareError("microphone is not started; start it before reading")
        return card.read(timeout_seconds)

    def stop(self) -> None:
        """Stop capturing; a reader that waits gets None."""
        card, self._card = self._card, None
        if card is not None:
            card.stop()

    def _require(self, settings: MicrophoneSettings) -> None:
        if not self._world.faults.microphone_fitted:
            raise PermanentHardwareError("no microphone is fitted to this unit")
        if settings.sample_rate_hz != SAMPLE_RATE_HZ or settings.block_samples < 1:
            raise PermanentHardwareError(
                f"microphone cannot do {settings.sample_rate_hz} Hz in blocks of {settings.block_samples} samples; "
                f"it does {SAMPLE_RATE_HZ} Hz in blocks of 1 or more"
            )
        if not self._world.faults.microphone_plugged:
            raise TransientHardwareError("microphone does not answer: it is unplugged; plug it in and start again")


class _Card:
    """One stretch from `start` to `stop`."""

    def __init__(self, world: MediaWorld, block_samples: int) -> None:
        self._world = world
        self._block_samples = block_samples
        self._ppm = world.faults.microphone_ppm
        self._samples_per_grid = 1 + self._ppm * 1e-6
        self._first_grid = waveforms.grid_index(world.clock.boottime_ns()) + 1
        self._next = 0
        self._lost = 0
        self._suspended = False
        self._running = True
        self._stopped = world.clock.signal()
        world.truth.microphone_started(waveforms.grid_time_ns(self._first_grid), self._ppm)

    def stop(self) -> None:
        self._stopped.set()
        self._end("stop")

    def read(self, timeout_seconds: float) -> AudioBlock | None:
        clock = self._world.clock
        deadline_ns = clock.boottime_ns() + round(timeout_seconds * _SECOND_NS)
        while True:
            self._require_plugged()
            ready_ns = self._ready_ns()
            if ready_ns <= clock.boottime_ns() and not self._suspended:
                return self._take()
            until_ns = deadline_ns if self._suspended else min(deadline_ns, ready_ns)
            left_ns = until_ns - clock.boottime_ns()
            if left_ns <= 0 or clock.wait(self._stopped, (left_ns + 1) / _SECOND_NS):
                return None

    def _require_plugged(self) -> None:
        if not self._world.faults.microphone_plugged:
            self._end("unplugged")
        if not self._running and not self._stopped.is_set():
            raise TransientHardwareError("microphone went away; stop it and start it again")

    def _end(self, reason: str) -> None:
        if self._running:
            self._running = False
            self._world.truth.microphone_stopped(self._world.clock.boottime_ns(), reason)

    def _ready_ns(self) -> int:
        """Moment at which the next block is there, after what the card lost is taken off."""
        dead = self._world.faults.microphone_dead is Dead.SILENT
        late = self._counted() - self._next
        if late > _CARD_BUFFER_SECONDS * SAMPLE_RATE_HZ or (self._suspended and not dead):
            self._lose(late)
        self._suspended = dead
        self._lose(self._world.faults.take_lost_samples())
        return self._time_ns(self._next + self._block_samples) + _LATENCY_NS

    def _lose(self, count: int) -> None:
        self._next += count
        self._lost += count

    def _counted(self) -> int:
        """Samples that the card has taken by now."""
        grid = self._world.clock.boottime_ns() * SAMPLE_RATE_HZ / _SECOND_NS
        return max(0, math.floor((grid - self._first_grid) * self._samples_per_grid))

    def _time_ns(self, sample: int) -> int:
        """World time at which the card takes a sample."""
        nominal_ns = sample * _SECOND_NS / (SAMPLE_RATE_HZ * self._samples_per_grid)
        return waveforms.grid_time_ns(self._first_grid) + round(nominal_ns)

    def _take(self) -> AudioBlock:
        first, lost, count = self._next, self._lost, self._block_samples
        self._next, self._lost = first + count, 0
        dead = self._world.faults.microphone_dead is Dead.ZEROS
        samples = bytes(2 * count) if dead else waveforms.to_s16(self._heard(first, count))
        captured_ns = self._time_ns(first)
        self._world.truth.microphone_samples(first, count, captured_ns, lost, _mean_square(samples))
        return AudioBlock(samples, first, captured_ns, lost)

    def _heard(self, first: int, count: int) -> Waveform:
        if self._ppm == 0:
            return self._world.air.render(self._first_grid + first, count)
        places = self._first_grid + np.arange(first, first + count) / self._samples_per_grid
        begin = math.floor(places[0]) - 1
        wave = self._world.air.render(begin, math.floor(places[-1]) + 3 - begin)
        return _between(wave, places - begin)


def _mean_square(samples: bytes) -> int:
    """Power of a block in steps of s16le, squared."""
    wave = np.frombuffer(samples, dtype="<i2").astype(np.float64)
    return round(float(wave @ wave) / max(1, wave.size))


def _between(wave: Waveform, places: npt.NDArray[np.float64]) -> Waveform:
    """Values between the samples by cubic interpolation (Catmull-Rom)."""
    index = places.astype(np.intp)
    part = (places - index).astype(np.float32)
    before, here, after, beyond = (wave[index + offset] for offset in (-1, 0, 1, 2))
    slope, bend = after - before, 2 * before - 5 * here + 4 * after - beyond
    curve = here + 0.5 * part * (slope + part * (bend + part * (3 * (here - after) + beyond - before)))
    return curve.astype(np.float32)

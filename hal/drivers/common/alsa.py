"""ALSA through pyalsaaudio: one opened device, its errors translated.

Rules of this module: never blocks but in `wait`; every error of the library becomes a HardwareError. pyalsaaudio is
imported when a device is opened, not before.
"""

from __future__ import annotations

import select
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from hal.errors import DriverSetError, HardwareError, PermanentHardwareError, TransientHardwareError


@dataclass(frozen=True, slots=True)
class PcmRequest:
    """What is wanted of a sound card: signed 16 bit little endian, mono."""

    device: str
    """ALSA's name, for example `default` or `plughw:CARD=Device`."""
    capture: bool
    rate_hz: int
    period_samples: int
    periods: int


class Pcm(Protocol):
    """An opened sound device. Used by one thread at a time; every method raises TransientHardwareError."""

    def wait(self, timeout_seconds: float) -> bool:
        """Wait until it can be read or written, or has failed."""
        ...

    def read(self) -> tuple[int, bytes]:
        """Take up to a period: number of samples (0 none yet, negative: an overrun lost some), and the bytes."""
        ...

    def write(self, samples: bytes) -> int:
        """Give samples; tells how many were taken. Never blocks."""
        ...

    def available(self) -> int:
        """Samples that can be read, or written, now; negative after an overrun or underrun."""
        ...

    def close(self, *, drop: bool = False) -> None:
        """Give the device back; `drop` forgets what was not played. Idempotent, raises nothing."""
        ...


PcmFactory = Callable[[PcmRequest], Pcm]


class AlsaPcm:
    """A device opened by pyalsaaudio (`Pcm`).

    Args:
        request: What is wanted.

    Raises:
        TransientHardwareError: The device is busy or not plugged in.
        DriverSetError: pyalsaaudio is not installed.
    """

    def __init__(self, request: PcmRequest) -> None:
        try:
            import alsaaudio
        except ImportError as error:
            raise DriverSetError(f"sound needs pyalsaaudio: {error}; install the extra pi") from error
        self._device = request.device
        self._error = alsaaudio.ALSAAudioError
        self._closed = False
        try:
            self._pcm = alsaaudio.PCM(
                type=alsaaudio.PCM_CAPTURE if request.capture else alsaaudio.PCM_PLAYBACK,
                mode=alsaaudio.PCM_NONBLOCK,
                device=request.device,
                rate=request.rate_hz,
                channels=1,
                format=alsaaudio.PCM_FORMAT_S16_LE,
                periodsize=request.period_samples,
                periods=request.periods,
            )
        except self._error as error:
            raise TransientHardwareError(f"sound device {request.device} does not open: {error}") from error
        self._require(request)

    def wait(self, timeout_seconds: float) -> bool:
        """Wait until it can be read or written, or has failed."""
        poll = select.poll()
        try:
            for descriptor, mask in self._pcm.polldescriptors():
                poll.register(descriptor, mask)
            ready = poll.poll(round(timeout_seconds * 1000))
            return bool(ready) and bool(self._pcm.polldescriptors_revents(ready))
        except self._error as error:
            raise self._gone(error) from error

    def read(self) -> tuple[int, bytes]:
        """Take up to a period."""
        try:
            count, samples = self._pcm.read()
        except self._error as error:
            raise self._gone(error) from error
        return int(count), bytes(samples)

    def write(self, samples: bytes) -> int:
        """Give samples; tells how many were taken."""
        try:
            return int(self._pcm.write(samples))
        except self._error as error:
            raise self._gone(error) from error

    def available(self) -> int:
        """Samples that can be read, or written, now."""
        try:
            return int(self._pcm.avail())
        except self._error as error:
            raise self._gone(error) from error

    def close(self, *, drop: bool = False) -> None:
        """Give the device back."""
        if self._closed:
            return
        self._closed = True
        try:
            if drop:
                self._pcm.drop()
            self._pcm.close()
        except self._error:
            # The device is gone already; there is nothing left to give back.
            return

    def _require(self, request: PcmRequest) -> None:
        info = self._pcm.info()
        if info["rate"] != request.rate_hz or info["channels"] != 1:
            self.close()
            raise PermanentHardwareError(
                f"sound device {request.device} does {info['rate']} Hz and {info['channels']} channels, not "
                f"{request.rate_hz} Hz mono; name one that converts, for example plughw:CARD=..."
            )

    def _gone(self, error: Exception) -> HardwareError:
        return TransientHardwareError(f"sound device {self._device} went away: {error}; plug it in and start again")


def card_of(device: str) -> str:
    """What a device's name says of the card, for descriptions: the part behind `CARD=`, or all of it."""
    _, _, card = device.partition("CARD=")
    return card.partition(",")[0] or device

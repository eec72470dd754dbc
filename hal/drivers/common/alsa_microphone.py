"""A microphone on a sound card (DR-23 to DR-26).

Rules of this module: blocks nowhere but in the card's own wait, in slices; a card that is suspended gives nothing and
is not an error, one that is gone is.
"""

from __future__ import annotations

import logging
import threading

from hal.drivers.common.alsa import Pcm, PcmFactory, PcmRequest, card_of
from hal.drivers.common.sample_times import SampleTimes
from hal.errors import PermanentHardwareError, TransientHardwareError
from hal.ports import Clock
from hal.values import AudioBlock, MicrophoneSettings, PartDescription

log = logging.getLogger(__name__)

_SECOND_NS = 1_000_000_000
_SLICE_SECONDS = 0.05
_BUFFER_SECONDS = 0.5
"""What the card keeps for a late reader."""


class AlsaMicrophone:
    """`hal.ports.Microphone` on ALSA.

    Args:
        clock: The unit's clock.
        device: ALSA's name of the capture device.
        open_pcm: What opens a device.
    """

    def __init__(self, clock: Clock, device: str, open_pcm: PcmFactory) -> None:
        self._clock = clock
        self._device = device
        self._open_pcm = open_pcm
        self._lock = threading.Lock()
        self._pcm: Pcm | None = None
        self._times = SampleTimes(48_000, 0)
        self._rate_hz = 48_000
        self._overrun = False

    def describe(self) -> PartDescription:
        """Say what is configured."""
        return PartDescription("microphone", card_of(self._device), f"ALSA {self._device}")

    def start(self, settings: MicrophoneSettings) -> None:
        """Begin to capture; the sample number starts at 0.

        Raises:
            TransientHardwareError: The device is busy, unplugged, or was started before.
            PermanentHardwareError: The settings cannot be met.
        """
        with self._lock:
            if self._pcm is not None:
                raise TransientHardwareError("microphone is busy: it was started and not stopped")
            if settings.block_samples < 1:
                raise PermanentHardwareError(f"microphone: blocks of {settings.block_samples} samples; take 1 or more")
            periods = max(4, round(_BUFFER_SECONDS * settings.sample_rate_hz / settings.block_samples))
            self._rate_hz, self._overrun = settings.sample_rate_hz, False
            started_ns = self._clock.boottime_ns()
            pcm = self._open_pcm(
                PcmRequest(self._device, True, settings.sample_rate_hz, settings.block_samples, periods)
            )
            self._times = SampleTimes(settings.sample_rate_hz, started_ns)
            self._pcm = pcm
            # A card that does not wait for its first reader never becomes readable: this read sets it going.
            self._failed_closes(pcm)

    def read(self, timeout_seconds: float) -> AudioBlock | None:
        """Wait for the next block.

        Raises:
            TransientHardwareError: The device went away; `stop` and `start` again.
        """
        deadline_ns = self._clock.boottime_ns() + round(timeout_seconds * _SECOND_NS)
        while True:
            left_seconds = (deadline_ns - self._clock.boottime_ns()) / _SECOND_NS
            with self._lock:
                if self._pcm is None:
                    raise TransientHardwareError("microphone is not started; start it before reading")
                self._pcm.wait(min(max(left_seconds, 0), _SLICE_SECONDS))
                block = self._take(self._pcm)
            if block is not None or left_seconds <= 0:
                return block

    def stop(self) -> None:
        """Stop capturing; a reader that waits is sent away within one slice."""
        with self._lock:
            pcm, self._pcm = self._pcm, None
            if pcm is not None:
                pcm.close(drop=True)

    def _failed_closes(self, pcm: Pcm) -> None:
        try:
            pcm.read()
        except TransientHardwareError:
            self._pcm = None
            pcm.close()
            raise

    def _take(self, pcm: Pcm) -> AudioBlock | None:
        available = pcm.available()
        now_ns = self._clock.boottime_ns()
        count, samples = pcm.read()
        if count < 0:
            self._overrun = True
            pcm.read()
            return None
        if count == 0:
            return None
        oldest_ns = now_ns - max(available, count) * _SECOND_NS // self._rate_hz
        stamp = self._times.block(count, oldest_ns, overrun=self._overrun)
        self._overrun = False
        if stamp.lost_samples:
            log.warning("microphone: %d samples were lost before sample %d", stamp.lost_samples, stamp.first_sample)
        return AudioBlock(samples[: 2 * count], stamp.first_sample, stamp.captured_ns, stamp.lost_samples)

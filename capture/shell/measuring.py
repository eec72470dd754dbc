"""Measuring for the checks: every figure that the rules of `capture.preflight` judge (R1).

Rules of this module: it asks the parts and judges nothing; a part that does not answer gives None.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import dataclass, replace

from capture.conditions import Losses
from capture.preflight import Measurements
from capture.shell.camera import CameraKeeper
from capture.shell.microphone import MicrophoneReader
from capture.shell.voice import VoiceDesk
from hal.errors import HardwareError
from hal.ports import Hardware
from hal.values import BatteryReading, HeatReading, PictureStatistics, StorageReading
from sealing.service import SealingService

log = logging.getLogger(__name__)


STORAGE_SLACK_SECONDS = 15.0
"""Room for what is still on its way to the writer when the medium counts as full."""
STORAGE_SLACK_BYTES = 8 * 1024 * 1024


@dataclass(frozen=True, slots=True)
class Senses:
    """What sees, hears and speaks."""

    camera: CameraKeeper
    """What it delivered."""
    microphone: MicrophoneReader
    """What it measured."""
    voice: VoiceDesk
    """Whether its chirp was heard."""
    caption_ready: bool | None = None
    """Whether the burnt-in line can be written; None where the profile wants none."""
    losses: Callable[[], Losses] = Losses
    """What the media path counted as lost so far."""


class Measuring:
    """Asks every part.

    Args:
        hardware: Battery, storage and clock are read.
        sealing: Key and spool stand behind it.
        senses: Camera, microphone and loudspeaker.
        reserve_bytes: Room that footage may not use.
    """

    def __init__(self, hardware: Hardware, sealing: SealingService, senses: Senses, reserve_bytes: int) -> None:
        self._hardware = hardware
        self._sealing = sealing
        self._camera = senses.camera
        self._microphone = senses.microphone
        self._voice = senses.voice
        self._caption_ready = senses.caption_ready
        self._losses = senses.losses
        self.reserve_bytes = reserve_bytes

    def measure(self) -> Measurements:
        """Take every figure now; under 0.2 s."""
        return Measurements(
            battery=self.battery(),
            storage=self.storage(),
            clock=self._hardware.clock.read(),
            comparison=self._hardware.clock_check.read(),
            frames=self._camera.pictures.frames,
            pictures=self._camera.pictures.pictures,
            sound=self._microphone.meter.level(),
            chirp_heard=self._voice.chirp_heard(),
            key_ready=self._sealing.worker.alive,
            spool_ready=self._sealing.fault is None,
            bitrate_bps=self._camera.settings.bitrate_bps,
            reserve_bytes=self.reserve_bytes,
            caption_ready=self._caption_ready,
        )

    def storage_is_full(self) -> bool:
        """Tell whether footage has to end now, in order, before the writer would refuse it."""
        reading = self.storage()
        slack = self._camera.settings.bitrate_bps / 8 * STORAGE_SLACK_SECONDS + STORAGE_SLACK_BYTES
        return reading is not None and reading.free_bytes < self.reserve_bytes + slack

    def medium_works(self) -> bool:
        """Whether the writer's last words reached the medium; costs nothing."""
        return self._sealing.fault is None

    def sound_counts(self) -> tuple[int, int]:
        """Samples that the microphone gave, and those of them at full scale, since it was started."""
        return self._microphone.meter.counts()

    def losses(self) -> Losses:
        """What of picture and sound did not come whole since the agent's start; never less than before."""
        return replace(self._losses(), late_frames=self._camera.late_frames)

    def last_signal_ns(self) -> int | None:
        """CLOCK_BOOTTIME at which the microphone last gave anything but digital silence, or was started."""
        return self._microphone.last_signal_ns

    def signal_came(self) -> bool:
        """Whether it gave anything else since it was started."""
        return self._microphone.signal_came

    def pictures(self) -> tuple[PictureStatistics, ...]:
        """The last measured pictures, oldest first."""
        return self._camera.pictures.pictures

    def picture_bytes(self) -> int:
        """Bytes that the camera delivered since it was started."""
        return self._camera.pictures.total_bytes

    def asked_bits_per_second(self) -> int:
        """Bit rate of the picture, asked of the camera."""
        return self._camera.settings.bitrate_bps

    def waiting_bytes(self) -> int:
        """What waits in memory for the medium."""
        return self._sealing.waiting_bytes

    def heat(self) -> HeatReading:
        """Heat and supply of the board, as far as it tells."""
        return self._hardware.heat.read()

    def battery(self) -> BatteryReading | None:
        """State of the pack, None when the gauge does not answer."""
        try:
            return self._hardware.battery.read()
        except HardwareError as error:
            log.warning("battery: %s", error)
            return None

    def storage(self) -> StorageReading | None:
        """State of the medium, None when it is gone."""
        try:
            return self._hardware.storage.usage()
        except (HardwareError, OSError) as error:
            log.warning("storage: %s", error)
            return None

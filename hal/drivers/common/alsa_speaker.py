"""A loudspeaker on a sound card (DR-27, DR-28).

Rules of this module: the card is open only while it sounds; what was played is counted by the card, not by the clock.
"""

from __future__ import annotations

import logging

from hal.drivers.common.alsa import Pcm, PcmFactory, PcmRequest
from hal.errors import TransientHardwareError
from hal.ports import Clock, Signal
from hal.values import Playback, SoundClip

log = logging.getLogger(__name__)

_SECOND_NS = 1_000_000_000
_PERIODS_A_SECOND = 50
_PERIODS = 12
"""A quarter of a second: a loaded machine must not tear a hole into a notice; a stop drops what waits."""
_TAIL_NS = 60_000_000
"""How far into the silence behind a clip it is pushed, so that a server between us and the card has played it too."""
_SLICE_SECONDS = 0.02
_STUCK_NS = 2 * _SECOND_NS
"""A card that takes nothing for so long does not play."""


class AlsaSpeaker:
    """`hal.ports.Speaker` on ALSA.

    Args:
        clock: The unit's clock.
        device: ALSA's name of the playback device.
        open_pcm: What opens a device.
    """

    def __init__(self, clock: Clock, device: str, open_pcm: PcmFactory) -> None:
        self._clock = clock
        self._device = device
        self._open_pcm = open_pcm

    def play(self, clip: SoundClip, stop: Signal) -> Playback:
        """Play the clip to its end, or until `stop` is raised.

        Raises:
            TransientHardwareError: The device is busy, unplugged or stuck.
        """
        period = clip.sample_rate_hz // _PERIODS_A_SECOND
        pcm = self._open_pcm(PcmRequest(self._device, False, clip.sample_rate_hz, period, _PERIODS))
        playing = _Playing(self._clock, pcm, clip, period)
        try:
            playback = playing.run(stop)
        except TransientHardwareError:
            pcm.close()
            raise
        pcm.close(drop=True)
        return playback


class _Playing:
    """One clip on one opened card."""

    def __init__(self, clock: Clock, pcm: Pcm, clip: SoundClip, period_samples: int) -> None:
        self._clock, self._pcm = clock, pcm
        self._rate_hz = clip.sample_rate_hz
        self._clip_samples = len(clip.samples) // 2
        self._period_bytes = 2 * period_samples
        self._buffer_samples = max(pcm.available(), _PERIODS * period_samples)
        # Silence behind the clip pushes its last samples out, and fills the buffer of a clip shorter than that.
        self._samples = clip.samples + bytes(2 * self._buffer_samples)
        self._written = 0
        self._opened_ns = clock.boottime_ns()
        self._begun_ns: int | None = None
        self._ended_ns: int | None = None
        self._dry = False

    def run(self, stop: Signal) -> Playback:
        progress_ns, before = self._opened_ns, -1
        while True:
            now_ns = self._clock.boottime_ns()
            if stop.is_set():
                return self._playback(now_ns, complete=self._ended_ns is not None)
            played = self._feed()
            now_ns = self._clock.boottime_ns()
            self._note(played, now_ns)
            if self._ended_ns is not None and now_ns - self._ended_ns >= _TAIL_NS:
                return self._playback(now_ns, complete=True)
            if played != before:
                progress_ns, before = now_ns, played
            elif now_ns - progress_ns > _STUCK_NS:
                raise TransientHardwareError("loudspeaker takes no sound; check the card and its connection")
            self._clock.wait(stop, _SLICE_SECONDS)

    def _feed(self) -> int:
        """Write what the card takes; tells how many samples it has played."""
        self._look_for_hole()
        while 2 * self._written < len(self._samples):
            begin = 2 * self._written
            taken = self._pcm.write(self._samples[begin : begin + self._period_bytes])
            if taken <= 0:
                break
            self._written += taken
        free = self._pcm.available()
        queued = 0 if free < 0 else max(0, self._buffer_samples - free)
        return max(0, self._written - queued)

    def _look_for_hole(self) -> None:
        """Say it when the card had nothing left to play in the middle of the clip."""
        if self._dry or self._begun_ns is None or self._written >= self._clip_samples:
            return
        free = self._pcm.available()
        if free < 0 or free >= self._buffer_samples:
            self._dry = True
            log.warning("loudspeaker ran dry: the machine is too busy, and there is a hole in what was said")

    def _note(self, played: int, now_ns: int) -> None:
        if played > 0 and self._begun_ns is None:
            self._begun_ns = max(self._opened_ns, now_ns - played * _SECOND_NS // self._rate_hz)
        if played >= self._clip_samples and self._ended_ns is None:
            over = played - self._clip_samples
            self._ended_ns = now_ns - over * _SECOND_NS // self._rate_hz

    def _playback(self, now_ns: int, *, complete: bool) -> Playback:
        begun_ns = self._opened_ns if self._begun_ns is None else self._begun_ns
        ended_ns = now_ns if self._ended_ns is None else min(now_ns, self._ended_ns)
        return Playback(begun_ns, max(begun_ns, ended_ns), complete)

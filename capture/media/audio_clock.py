"""Where sound stands in session time: by when it was captured, not by how many samples there were.

Rules of this module: pure arithmetic; no I/O, no clock, no samples. A sound card is up to some 200 ppm off the
machine's clock, 5.8 s in 8 hours; counting its samples would drift away from the picture. Samples are never resampled:
only the times given to them follow, at most one tick per AAC frame (1 ms per fragment). What cannot be a slow clock is
lost sound, and makes a jump that is declared.
"""

from __future__ import annotations

from collections import deque
from statistics import median_low

from capture.media.limits import (
    AUDIO_DEAD_BAND_TICKS,
    AUDIO_JUMP_AT_ONCE_SECONDS,
    AUDIO_JUMP_BLOCKS,
    AUDIO_JUMP_SECONDS,
    AUDIO_SLEW_TICKS_PER_FRAME,
    AUDIO_TICKS_PER_SECOND,
    AUDIO_WINDOW_BLOCKS,
    NANOSECONDS_PER_SECOND,
)

_JUMP_TICKS = round(AUDIO_JUMP_SECONDS * AUDIO_TICKS_PER_SECOND)
_JUMP_AT_ONCE_TICKS = round(AUDIO_JUMP_AT_ONCE_SECONDS * AUDIO_TICKS_PER_SECOND)


class AudioClock:
    """Maps the card's sample numbers to 48 kHz session time.

    Args:
        session_zero_ns: CLOCK_BOOTTIME at session time 0.
    """

    def __init__(self, session_zero_ns: int) -> None:
        self._zero_ns = session_zero_ns
        self._offset: int | None = None
        """Session time minus sample number, as given to samples now."""
        self._window: deque[int] = deque(maxlen=AUDIO_WINDOW_BLOCKS)
        """The same as measured, block by block."""

    def observe(self, card_sample: int, captured_boottime_ns: int) -> int:
        """Take one measurement: the sample with this number was captured at this time.

        Returns:
            Samples that were lost without the card counting them, right before this one: 0 as a rule. From here on
            sample numbers map that much later.
        """
        measured = self._ticks(captured_boottime_ns) - card_sample
        self._window.append(measured)
        if self._offset is None:
            self._offset = measured
            return 0
        lost = self._lost(measured)
        if lost:
            self._offset += lost
            self._window.clear()
            self._window.append(measured)
        return lost

    def pts(self, card_sample: int) -> int:
        """Session time of a sample, 48 kHz ticks.

        Raises:
            ValueError: Nothing was observed yet.
        """
        if self._offset is None:
            raise ValueError("the audio clock has no measurement yet; observe a block first")
        return card_sample + self._offset

    def slew(self) -> None:
        """Move by at most one tick towards what was measured; called once per AAC frame."""
        if self._offset is None or not self._window:
            return
        error = median_low(self._window) - self._offset
        if abs(error) > AUDIO_DEAD_BAND_TICKS:
            self._offset += max(-AUDIO_SLEW_TICKS_PER_FRAME, min(AUDIO_SLEW_TICKS_PER_FRAME, error))

    def recount(self, old_sample: int, new_sample: int) -> None:
        """The card began to count anew: what would have been `old_sample` is now called `new_sample`."""
        if self._offset is not None:
            self._offset += old_sample - new_sample
            self._window.clear()

    def error_ticks(self) -> int:
        """How far the times given are behind the times measured, 48 kHz ticks."""
        return 0 if self._offset is None or not self._window else median_low(self._window) - self._offset

    def _ticks(self, boottime_ns: int) -> int:
        ticks = (boottime_ns - self._zero_ns) * AUDIO_TICKS_PER_SECOND
        return (ticks + NANOSECONDS_PER_SECOND // 2) // NANOSECONDS_PER_SECOND

    def _lost(self, measured: int) -> int:
        """Samples lost before this measurement: a large error at once, a smaller one when it stays."""
        offset = self._offset or 0
        if measured - offset > _JUMP_AT_ONCE_TICKS:
            return measured - offset
        latest = list(self._window)[-AUDIO_JUMP_BLOCKS:]
        if len(latest) == AUDIO_JUMP_BLOCKS and min(latest) - offset > _JUMP_TICKS:
            return median_low(latest) - offset
        return 0

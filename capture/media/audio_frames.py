"""From the microphone's blocks to frames of 1024 samples, each with its session time.

Rules of this module: pure; no encoder, no I/O. No captured sample is dropped or moved: where the microphone lost some,
silence fills the frame that was begun, and the next frame starts later by what is left.
"""

from __future__ import annotations

from dataclasses import dataclass, field, replace

from capture.errors import AudioBlockError
from capture.media.audio_clock import AudioClock
from capture.media.limits import AAC_FRAME_SAMPLES, AUDIO_BLOCK_SAMPLES_MAX, NANOSECONDS_PER_SECOND
from capture.media.limits import AUDIO_TICKS_PER_SECOND as RATE
from hal.values import AudioBlock

_SAMPLE_BYTES = 2
_FRAME_BYTES = AAC_FRAME_SAMPLES * _SAMPLE_BYTES


@dataclass(frozen=True, slots=True)
class PcmFrame:
    """Exactly one AAC frame's samples."""

    samples: bytes = field(repr=False)
    """s16le mono, 1024 samples."""
    pts: int
    """Session time of the first sample, 48 kHz ticks."""
    captured_boottime_ns: int
    lost_before: int
    """Samples that the microphone lost in this frame or right before it."""
    padding_samples: int
    """Silent samples among them that nobody captured."""


class FrameAssembler:
    """Cuts blocks into frames.

    Args:
        session_zero_ns: CLOCK_BOOTTIME at session time 0.
        not_before_pts: Session time, 48 kHz ticks, that no frame may begin before; None where nothing was heard yet.
    """

    def __init__(self, session_zero_ns: int, not_before_pts: int | None = None) -> None:
        self._zero_ns = session_zero_ns
        self._clock = AudioClock(session_zero_ns)
        self._next_card_sample: int | None = None
        self._next_pts = None if not_before_pts is None else not_before_pts + 1
        self._open = bytearray()
        self._open_pts = 0
        self._open_padding = 0
        self._lost = 0

    def add(self, block: AudioBlock) -> list[PcmFrame]:
        """Take the next block; give the frames that became whole.

        Raises:
            AudioBlockError: The block is empty, odd or longer than a second.
        """
        _check(block)
        frames: list[PcmFrame] = []
        lost = self._place(block)
        if lost:
            self._lost += lost
            frames += self._fill(min(lost, self._room()) if self._open else 0)
        frames += self._append(block.samples, block.first_sample)
        self._next_card_sample = block.first_sample + block.sample_count
        return frames

    def flush(self) -> list[PcmFrame]:
        """Fill the begun frame with silence and give it; nothing when none was begun."""
        return self._fill(self._room()) if self._open else []

    def _place(self, block: AudioBlock) -> int:
        """Set the clock by the block; give the samples lost before it."""
        counted = 0
        if self._next_card_sample is not None:
            counted = block.first_sample - self._next_card_sample
            if counted < 0:
                self._clock.recount(self._next_card_sample, block.first_sample)
                counted = 0
        return counted + self._clock.observe(block.first_sample, block.captured_boottime_ns)

    def _room(self) -> int:
        """Samples that the begun frame still takes."""
        return AAC_FRAME_SAMPLES - len(self._open) // _SAMPLE_BYTES

    def _fill(self, silent_samples: int) -> list[PcmFrame]:
        """Put silence into the begun frame; give the frame when that made it whole."""
        self._open += bytes(silent_samples * _SAMPLE_BYTES)
        self._open_padding += silent_samples
        return [self._take()] if len(self._open) == _FRAME_BYTES else []

    def _append(self, samples: bytes, card_sample: int) -> list[PcmFrame]:
        frames: list[PcmFrame] = []
        offset = 0
        while offset < len(samples):
            if not self._open:
                self._begin(card_sample + offset // _SAMPLE_BYTES)
            piece = samples[offset : offset + _FRAME_BYTES - len(self._open)]
            self._open += piece
            offset += len(piece)
            if len(self._open) == _FRAME_BYTES:
                frames.append(self._take())
        return frames

    def _begin(self, card_sample: int) -> None:
        """Give the frame its time; never before the end of the one before, less the slew of one frame."""
        self._clock.slew()
        pts = self._clock.pts(card_sample)
        self._open_pts = pts if self._next_pts is None else max(pts, self._next_pts - 1)

    def _take(self) -> PcmFrame:
        captured_ns = self._zero_ns + self._open_pts * NANOSECONDS_PER_SECOND // RATE
        frame = PcmFrame(bytes(self._open), self._open_pts, captured_ns, self._lost, self._open_padding)
        self._next_pts = self._open_pts + AAC_FRAME_SAMPLES
        self._open.clear()
        self._open_padding = self._lost = 0
        return frame


def from_moment(block: AudioBlock, boottime_ns: int) -> AudioBlock | None:
    """What of a block was captured at or after a moment; None when nothing was."""
    early = -(-(boottime_ns - block.captured_boottime_ns) * RATE // NANOSECONDS_PER_SECOND)
    if early <= 0:
        return block
    if early >= block.sample_count:
        return None
    return replace(
        block,
        samples=block.samples[early * _SAMPLE_BYTES :],
        first_sample=block.first_sample + early,
        captured_boottime_ns=block.captured_boottime_ns + early * NANOSECONDS_PER_SECOND // RATE,
        lost_samples=0,
    )


def _check(block: AudioBlock) -> None:
    if len(block.samples) % _SAMPLE_BYTES or not 0 < block.sample_count <= AUDIO_BLOCK_SAMPLES_MAX:
        raise AudioBlockError(
            f"a sound block of {len(block.samples)} bytes; s16le mono of 1 to {AUDIO_BLOCK_SAMPLES_MAX} is right",
        )

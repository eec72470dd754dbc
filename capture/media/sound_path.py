"""The sound's way from blocks to AAC packets.

Rules of this module: a shell without a thread around the frame assembler and the encoder; it knows nothing of files.
"""

from __future__ import annotations

import logging
from collections import deque

from av.audio.stream import AudioStream

from capture.errors import AudioBlockError
from capture.media.audio_encoder import AacEncoder
from capture.media.audio_frames import FrameAssembler, from_moment
from capture.media.limits import AUDIO_WAIT_SECONDS, NANOSECONDS_PER_SECOND
from capture.media.values import AudioPacket
from hal.values import AudioBlock

log = logging.getLogger(__name__)


class SoundPath:
    """Encodes the blocks of one microphone, one encoder after another.

    Args:
        bitrate_bps: Bits per second of the AAC track.
    """

    def __init__(self, bitrate_bps: int) -> None:
        self._bitrate_bps = bitrate_bps
        self._zero_ns = 0
        self._from_ns = 0
        self._waiting: deque[AudioBlock] = deque()
        self._encoder: AacEncoder | None = None
        self._assembler: FrameAssembler | None = None
        self._end_pts: int | None = None
        """Where the track before ends, the silence that fills its last frame included."""
        self.captured_samples = 0
        self.lost_samples = 0
        self.early_samples = 0
        self.refused_samples = 0

    @property
    def stream(self) -> AudioStream | None:
        """The stream to open files with, None before the first block."""
        return None if self._encoder is None else self._encoder.stream

    def keep(self, block: AudioBlock) -> None:
        """Let sound wait for the run's first key frame; no more than a bounded time of it."""
        self._waiting.append(block)
        waiting_ns = block.captured_boottime_ns - self._waiting[0].captured_boottime_ns
        if waiting_ns > AUDIO_WAIT_SECONDS * NANOSECONDS_PER_SECOND:
            self.early_samples += self._waiting.popleft().sample_count

    def ignore(self, block: AudioBlock) -> None:
        """Count a block that is not to be recorded."""
        self.early_samples += block.sample_count

    def begin(self, session_zero_ns: int, from_ns: int) -> list[AudioPacket]:
        """Encode what waited, as far as it was captured at or after a moment; earlier sound is not recorded.

        Args:
            session_zero_ns: CLOCK_BOOTTIME at session time 0.
            from_ns: CLOCK_BOOTTIME of the run's first frame.
        """
        self._zero_ns, self._from_ns = session_zero_ns, from_ns
        blocks, self._waiting = self._waiting, deque()
        return [packet for block in blocks for packet in self.add(block)]

    def add(self, block: AudioBlock) -> list[AudioPacket]:
        """Encode a block; give the packets that became whole.

        Raises:
            MediaError: The encoder failed.
        """
        kept = from_moment(block, self._from_ns)
        if kept is None:
            self.ignore(block)
            return []
        if self._encoder is None or self._assembler is None:
            self._encoder = AacEncoder(self._bitrate_bps)
            # Sound may go on at once behind a track that was ended: its priming must not stand before that track's
            # last frame. It begins up to one frame late, and its clock works that off.
            self._assembler = FrameAssembler(self._zero_ns, None if self._end_pts is None else self._end_pts + 1)
        try:
            frames = self._assembler.add(kept)
        except AudioBlockError as error:
            log.warning("%s; the block is refused", error)
            self.refused_samples += block.sample_count
            return []
        self.early_samples += block.sample_count - kept.sample_count
        self.captured_samples += kept.sample_count
        self.lost_samples += sum(frame.lost_before for frame in frames)
        return [packet for frame in frames for packet in self._encoder.encode(frame)]

    def flush(self) -> list[AudioPacket]:
        """Let the encoder's last sound out; the encoder's stream stays until `close`, it may still open a file.

        Raises:
            MediaError: The encoder failed, or kept sound.
        """
        if self._encoder is None or self._assembler is None:
            return []
        packets = [packet for frame in self._assembler.flush() for packet in self._encoder.encode(frame)]
        packets += self._encoder.flush()
        self._end_pts = packets[-1].end_pts if packets else self._end_pts
        return packets

    def close(self) -> None:
        """Give the encoder back; the next block begins a new one. Idempotent."""
        if self._encoder is not None:
            self._encoder.close()
        self._encoder = self._assembler = None

    def drop_waiting(self) -> None:
        """Forget sound whose run never had a key frame; it is counted as early."""
        self.early_samples += sum(block.sample_count for block in self._waiting)
        self._waiting.clear()

"""AAC-LC, 48 kHz, mono.

Rules of this module: one encoder per sound track of a run; it runs on over file borders. The encoder gives one packet
more than it gets frames: the first stands 1024 samples before the first captured one (priming). Times are ours, the
encoder's are not read: frame and packet are paired by order.
"""

from __future__ import annotations

import io
from collections import deque
from fractions import Fraction
from types import TracebackType
from typing import Final, Self

import av
import numpy as np
from av.audio.frame import AudioFrame
from av.audio.stream import AudioStream
from av.codec.context import Flags
from av.packet import Packet

from capture.errors import MediaError
from capture.media.audio_frames import PcmFrame
from capture.media.limits import AAC_FRAME_SAMPLES, AUDIO_TICKS_PER_SECOND, NANOSECONDS_PER_SECOND
from capture.media.values import AudioPacket

PRIMING_SAMPLES: Final = AAC_FRAME_SAMPLES
_FULL_SCALE = np.float32(32_768)


class AacEncoder:
    """Encodes frames in order.

    Args:
        bitrate_bps: Bits per second.

    Raises:
        MediaError: The machine's libraries have no AAC encoder.
    """

    def __init__(self, bitrate_bps: int) -> None:
        try:
            # The container is never written to: it lends the stream that files are opened with.
            self._container = av.open(io.BytesIO(), mode="w", format="mp4")
            self.stream: AudioStream = self._container.add_stream("aac", rate=AUDIO_TICKS_PER_SECOND)
            self.stream.codec_context.layout = "mono"
            self.stream.codec_context.bit_rate = bitrate_bps
            self.stream.codec_context.flags |= Flags.global_header
            self._container.start_encoding()
        except (av.FFmpegError, ValueError) as error:
            raise MediaError(f"no AAC encoder at {bitrate_bps} bit/s: {error}; install PyAV's own wheel") from error
        self._waiting: deque[PcmFrame] = deque()
        self._frames = 0
        self._primed = False

    def encode(self, frame: PcmFrame) -> list[AudioPacket]:
        """Encode the next 1024 samples; the packet of a frame comes with the frame after it.

        Raises:
            MediaError: The encoder refused the frame.
        """
        self._waiting.append(frame)
        planar = np.frombuffer(frame.samples, dtype="<i2").astype(np.float32) / _FULL_SCALE
        pcm = AudioFrame.from_ndarray(planar.reshape(1, -1), format="fltp", layout="mono")
        pcm.sample_rate = AUDIO_TICKS_PER_SECOND
        pcm.time_base = Fraction(1, AUDIO_TICKS_PER_SECOND)
        pcm.pts = self._frames * AAC_FRAME_SAMPLES
        self._frames += 1
        return self._paired(pcm)

    def flush(self) -> list[AudioPacket]:
        """Give what the encoder still holds. The encoder is used up.

        Raises:
            MediaError: The encoder gave fewer or more packets than it got frames, and one of priming.
        """
        if not self._frames:
            return []
        packets = self._paired(None)
        if self._waiting:
            raise MediaError(f"the AAC encoder kept {len(self._waiting)} frames at its end; sound would be lost")
        return packets

    def close(self) -> None:
        """Give the encoder back. Idempotent."""
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _paired(self, pcm: AudioFrame | None) -> list[AudioPacket]:
        try:
            return [self._packet(packet) for packet in self.stream.codec_context.encode(pcm)]
        except av.FFmpegError as error:
            raise MediaError(f"the AAC encoder failed: {error}; begin a new run") from error

    def _packet(self, packet: Packet[AudioStream]) -> AudioPacket:
        if not self._waiting:
            raise MediaError("the AAC encoder gave more packets than it got frames; its times cannot be told")
        if not self._primed:
            self._primed = True
            return _priming(bytes(packet), self._waiting[0])
        frame = self._waiting.popleft()
        return AudioPacket(
            bytes(packet),
            frame.pts,
            frame.captured_boottime_ns,
            lost_before=frame.lost_before,
            padding_samples=frame.padding_samples,
        )


def _priming(data: bytes, first: PcmFrame) -> AudioPacket:
    """The packet before the first frame's."""
    before_ns = PRIMING_SAMPLES * NANOSECONDS_PER_SECOND // AUDIO_TICKS_PER_SECOND
    return AudioPacket(
        data, first.pts - PRIMING_SAMPLES, first.captured_boottime_ns - before_ns, priming_samples=PRIMING_SAMPLES
    )

"""A camera and a microphone made of a real encoder and arithmetic, for tests of the media path.

`film` encodes numbered pictures with libx264 as a recorder's camera does: Annex B, parameter sets before every key
frame, closed groups, no reordering. `listen` gives the blocks of a sound card whose clock may be off. Both only say
what would be delivered and when; a test decides in which order the pipeline gets it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from fractions import Fraction
from functools import lru_cache

import av
import numpy as np
from av.video.codeccontext import VideoCodecContext

from capture.media.parameter_sets import nal_units
from hal.values import AudioBlock, EncodedFrame

SECOND = 1_000_000_000
START_NS = 5_000 * SECOND
"""CLOCK_BOOTTIME of the first picture of a film, unless it says otherwise."""
CELL_PIXELS = 8
NUMBER_BITS = 12


@dataclass(frozen=True, slots=True)
class Delivery:
    """A frame or a block and when the driver hands it over."""

    at_ns: int
    item: EncodedFrame | AudioBlock = field(repr=False)


@lru_cache(maxsize=16)
def film(
    frames: int,
    fps: Fraction = Fraction(30),
    size: tuple[int, int] = (160, 96),
    start_ns: int = START_NS,
    first_number: int = 0,
    profile: str = "baseline",
) -> tuple[EncodedFrame, ...]:
    """Encode pictures that carry their number in black and white cells along their upper edge."""
    encoder = _encoder(fps, size, profile)
    packets = [packet for index in range(frames) for packet in encoder.encode(_picture(first_number + index, size))]
    packets += encoder.encode(None)
    return tuple(
        EncodedFrame(
            bytes(packet),
            start_ns + round(index * SECOND / fps),
            packet.is_keyframe,
            index,
        )
        for index, packet in enumerate(packets)
    )


def _encoder(fps: Fraction, size: tuple[int, int], profile: str) -> VideoCodecContext:
    encoder = VideoCodecContext.create("libx264", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height = size
    encoder.pix_fmt = "yuv420p"
    encoder.time_base = 1 / fps
    encoder.framerate = fps
    group = round(fps)
    encoder.options = {
        "preset": "ultrafast" if profile == "baseline" else "veryfast",
        "tune": "zerolatency",
        "profile": profile,
        "x264-params": f"keyint={group}:min-keyint={group}:scenecut=0:repeat-headers=1:annexb=1:threads=1"
        f":8x8dct={int(profile == 'high')}",
    }
    return encoder


def _picture(number: int, size: tuple[int, int]) -> av.VideoFrame:
    width, height = size
    luma = np.full((height, width), 96 + number % 32, np.uint8)
    for bit in range(NUMBER_BITS):
        luma[:CELL_PIXELS, bit * CELL_PIXELS : (bit + 1) * CELL_PIXELS] = 235 if number >> bit & 1 else 16
    frame = av.VideoFrame(width, height, "yuv420p")
    for plane, values in zip(
        frame.planes, (luma, *[np.full((height // 2, width // 2), 128, np.uint8)] * 2), strict=True
    ):
        lines = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
        lines[: values.shape[0], : values.shape[1]] = values
    return frame


def number_in(frame: av.VideoFrame) -> int:
    """Read back the number that `film` drew."""
    luma = np.frombuffer(memoryview(frame.planes[0]), np.uint8).reshape(-1, frame.planes[0].line_size)
    middle = CELL_PIXELS // 2
    cells = (luma[middle, bit * CELL_PIXELS + middle] for bit in range(NUMBER_BITS))
    return sum(1 << bit for bit, level in enumerate(cells) if level > 128)


def listen(
    seconds: float,
    *,
    start_ns: int = START_NS,
    ppm: float = 0.0,
    block_samples: int = 960,
    sound: Callable[[np.ndarray[tuple[int], np.dtype[np.float64]]], np.ndarray[tuple[int], np.dtype[np.float64]]]
    | None = None,
) -> list[AudioBlock]:
    """Blocks of a card whose clock is `ppm` fast.

    Args:
        seconds: True length.
        start_ns: CLOCK_BOOTTIME of the first sample.
        ppm: The card takes 48000 · (1 + ppm / 10⁶) samples in a true second.
        block_samples: Samples in a block.
        sound: Amplitude (-1 to 1) by true time in seconds since `start_ns`; a quiet tone when None.
    """
    rate = 48_000 * (1 + ppm / 1e6)
    blocks = []
    for index in range(int(seconds * rate / block_samples + 1e-6)):
        first = index * block_samples
        times = (first + np.arange(block_samples, dtype=np.float64)) / rate
        wave = 0.2 * np.sin(times * 2 * np.pi * 440) if sound is None else sound(times)
        blocks.append(
            AudioBlock((wave * 32_000).astype("<i2").tobytes(), first, start_ns + round(first / rate * SECOND))
        )
    return blocks


def clicks(times: np.ndarray[tuple[int], np.dtype[np.float64]]) -> np.ndarray[tuple[int], np.dtype[np.float64]]:
    """A burst of 5 ms at the beginning of every second."""
    return np.where(times % 1.0 < 0.005, 0.8 * np.sin(times * 2 * np.pi * 1_000), 0.0)


def delivered(
    frames: tuple[EncodedFrame, ...] | list[EncodedFrame],
    blocks: list[AudioBlock],
    *,
    video_late_seconds: float = 0.04,
    audio_late_seconds: float = 0.01,
) -> Iterator[Delivery]:
    """Both in the order in which drivers hand them over, each so late after capture (sound: after its last sample)."""
    late_video, late_audio = round(video_late_seconds * SECOND), round(audio_late_seconds * SECOND)
    video = [Delivery(frame.captured_boottime_ns + late_video, frame) for frame in frames]
    audio = [
        Delivery(block.captured_boottime_ns + block.sample_count * SECOND // 48_000 + late_audio, block)
        for block in blocks
    ]
    yield from sorted(video + audio, key=lambda delivery: delivery.at_ns)


def moved(frames: tuple[EncodedFrame, ...], by_ns: Callable[[int], int]) -> list[EncodedFrame]:
    """The same frames with each capture time moved by `by_ns(index)`."""
    return [
        replace(frame, captured_boottime_ns=frame.captured_boottime_ns + by_ns(index))
        for index, frame in enumerate(frames)
    ]


def reframed(frames: tuple[EncodedFrame, ...]) -> list[EncodedFrame]:
    """The same stream as other encoders frame it: access unit delimiters, start codes of three bytes."""
    return [
        replace(frame, data=b"".join(b"\x00\x00\x01" + unit for unit in (b"\x09\xf0", *nal_units(frame.data))))
        for frame in frames
    ]

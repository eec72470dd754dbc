"""What a recording costs beside the encoder, and how soon it begins.

The whole agent (capture, voice, sealing, disk) records 1080p30 at 8 Mbit/s with sound on the machine's own clock; the
camera plays back frames that were encoded beforehand, so the encoder is not in the figure. It is the peer: what the
same pictures cost libx264 at its fastest setting, in the same run.
"""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from fractions import Fraction

import av
from av.video.codeccontext import VideoCodecContext

from hal.values import EncodedFrame, PictureStatistics
from tests.bench.measurement import Measurement, at_most, figure

RATE = Fraction(30)
SIZE = (1920, 1080)
BITRATE_BPS = 8_000_000
FILM_SECONDS = 10
RECORDED_SECONDS = 40.0


@dataclass
class Film:
    """Encoded frames and what they took."""

    frames: list[EncodedFrame] = field(default_factory=list)
    encoder_seconds: float = 0.0


def measure() -> list[Measurement]:
    """CPU share and memory while recording, and the time from the button to the first kept frame."""
    film = _encode()
    done = subprocess.run(
        [sys.executable, "-m", "tests.bench.replayed_unit"],
        input=pickle.dumps((film.frames, RATE, RECORDED_SECONDS)),
        stdout=subprocess.PIPE,
        check=True,
    )
    costs = json.loads(done.stdout.splitlines()[-1])
    encoder_share = film.encoder_seconds / FILM_SECONDS
    megabits = sum(len(frame.data) for frame in film.frames) * 8 / FILM_SECONDS / 1e6
    what = f"1080p30 at {megabits:.1f} Mbit/s with sound"
    return [
        at_most("recording: CPU share", costs["cpu_share"] * 100, "% of a core", f"{what}, encoder not counted", 20),
        figure("recording: CPU", costs["cpu_share"] / encoder_share, "ratio", "libx264 ultrafast, the same pictures"),
        at_most("recording: memory", costs["memory_mb"], "MB", "resident, voices and queues included", 300),
        figure("recording: memory peak", costs["memory_peak_mb"], "MB", "resident, from the start of the process"),
        at_most("button to first kept frame", costs["press_to_frame_ms"], "ms", "a camera that delivers at once", 100),
    ]


def _encode() -> Film:
    film, encoder = Film(), _encoder()
    for number, picture in enumerate(_pictures()):
        begin = time.process_time()
        packets = encoder.encode(picture)
        film.encoder_seconds += time.process_time() - begin
        film.frames += [_frame(bytes(packet), packet.is_keyframe, number) for packet in packets]
    return film


def _frame(data: bytes, keyframe: bool, number: int) -> EncodedFrame:
    """A frame as a camera gives it; one in a second carries statistics of a picture that lives."""
    picture = PictureStatistics(110.0, 40.0, bytes([number % 251]) * 144) if number % 30 == 0 else None
    return EncodedFrame(data, 0, keyframe, number, picture)


def _pictures() -> Iterator[av.VideoFrame]:
    source = f"testsrc2=size={SIZE[0]}x{SIZE[1]}:rate={RATE},noise=alls=6:allf=t,format=yuv420p"
    graph = av.open(source, format="lavfi")
    for number, frame in enumerate(graph.decode(video=0)):
        if number == FILM_SECONDS * RATE:
            return
        picture = frame.reformat(format="yuv420p")
        picture.pts, picture.time_base = number, 1 / RATE
        yield picture


def _encoder() -> VideoCodecContext:
    encoder = VideoCodecContext.create("libx264", "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height = SIZE
    encoder.pix_fmt = "yuv420p"
    encoder.time_base, encoder.framerate = 1 / RATE, RATE
    encoder.bit_rate = BITRATE_BPS
    encoder.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "x264-params": f"keyint={round(RATE)}:min-keyint={round(RATE)}:scenecut=0:repeat-headers=1:annexb=1:threads=1",
    }
    return encoder

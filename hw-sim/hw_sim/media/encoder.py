"""The camera's H.264 encoder: libx264 set up as a hardware encoder behaves.

Rules of this module: one picture in, one access unit out, no look-ahead, no B-frames; Annex B with SPS and PPS in
front of every IDR.
"""

from __future__ import annotations

from fractions import Fraction

import av
from av import VideoFrame
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from hal.values import CameraSettings

_THREADS = 1
"""One: a second one buys little at this preset, and the machine has other things to do."""


class H264Encoder:
    """Encodes pictures one by one.

    Args:
        settings: Size, rate and bit rate; the GOP has `settings.gop_frames` pictures.
    """

    def __init__(self, settings: CameraSettings) -> None:
        self._context = _open(settings)
        self._time_base = 1 / Fraction(settings.frames_per_second)
        self._count = 0

    def encode(self, picture: VideoFrame) -> tuple[bytes, bool]:
        """Encode one yuv420p picture of the settings' size.

        Returns:
            The access unit in Annex B, and whether it is an IDR picture.

        Raises:
            RuntimeError: The encoder did not answer with exactly one access unit.
        """
        picture.pts = self._count
        picture.time_base = self._time_base
        picture.pict_type = PictureType.NONE
        packets = self._context.encode(picture)
        self._count += 1
        if len(packets) != 1:
            raise RuntimeError(f"encoder gave {len(packets)} access units for picture {self._count}, not one")
        return bytes(packets[0]), packets[0].is_keyframe


def _open(settings: CameraSettings) -> VideoCodecContext:
    context = av.CodecContext.create("libx264", "w")
    assert isinstance(context, VideoCodecContext)  # noqa: S101 -- narrows the type for mypy
    context.width, context.height = settings.width_pixels, settings.height_pixels
    context.pix_fmt = "yuv420p"
    context.framerate = Fraction(settings.frames_per_second)
    context.time_base = 1 / Fraction(settings.frames_per_second)
    context.bit_rate = settings.bitrate_bps
    context.gop_size = settings.gop_frames
    context.max_b_frames = 0
    context.thread_count = _THREADS
    context.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "x264-params": _x264_parameters(settings.gop_frames),
    }
    context.open()
    return context


def _x264_parameters(gop_frames: int) -> str:
    wanted = {
        "keyint": gop_frames,
        "min-keyint": gop_frames,
        "scenecut": 0,
        "open-gop": 0,
        "bframes": 0,
        "repeat-headers": 1,
        "annexb": 1,
        "aud": 0,
    }
    return ":".join(f"{name}={value}" for name, value in wanted.items())

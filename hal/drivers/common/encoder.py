"""H.264 by libx264, set up as a recorder's camera has to deliver it (DR-16, DR-17).

Rules of this module: one picture in, one access unit out, no look-ahead, no B-frames; Annex B, with SPS and PPS in
front of every IDR picture; groups of pictures are closed and as long as the settings say.
"""

from __future__ import annotations

from fractions import Fraction

import av
from av import VideoFrame
from av.video.codeccontext import VideoCodecContext
from av.video.frame import PictureType

from hal.values import CameraSettings


class PictureEncoder:
    """Encodes pictures one by one.

    Args:
        settings: Size, rate, bit rate and group of pictures.
    """

    def __init__(self, settings: CameraSettings) -> None:
        self._context = _open(settings)
        self._time_base = 1 / Fraction(settings.frames_per_second)
        self._count = 0

    def encode(self, picture: VideoFrame) -> tuple[bytes, bool]:
        """Encode one yuv420p picture of the settings' size.

        Returns:
            The access unit, and whether it is an IDR picture.

        Raises:
            RuntimeError: The encoder did not answer with exactly one access unit.
        """
        picture.pts, picture.time_base = self._count, self._time_base
        picture.pict_type = PictureType.NONE
        packets = self._context.encode(picture)
        self._count += 1
        if len(packets) != 1:
            raise RuntimeError(f"libx264 gave {len(packets)} access units for one picture")
        return bytes(packets[0]), packets[0].is_keyframe


def _open(settings: CameraSettings) -> VideoCodecContext:
    context = av.CodecContext.create("libx264", "w")
    if not isinstance(context, VideoCodecContext):
        raise TypeError("libx264 is no video encoder in this build of FFmpeg")
    context.width, context.height = settings.width_pixels, settings.height_pixels
    context.pix_fmt = "yuv420p"
    context.framerate = Fraction(settings.frames_per_second)
    context.time_base = 1 / Fraction(settings.frames_per_second)
    context.bit_rate = settings.bitrate_bps
    context.gop_size = settings.gop_frames
    context.max_b_frames = 0
    keep = f"keyint={settings.gop_frames}:min-keyint={settings.gop_frames}:scenecut=0:open-gop=0:bframes=0"
    context.options = {
        "preset": "ultrafast",
        "tune": "zerolatency",
        "x264-params": f"{keep}:repeat-headers=1:annexb=1:aud=0",
    }
    context.open()
    return context

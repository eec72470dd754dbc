"""The video stream that a file is opened with, made from what the encoder itself sent.

Rules of this module: the stream's facts come from its own parameter sets, never from an encoder that was not used:
such files say one profile and carry another.
"""

from __future__ import annotations

import io
from types import TracebackType
from typing import Self

import av
from av.container import InputContainer
from av.video.stream import VideoStream

from capture.errors import ParameterSetError
from capture.media.parameter_sets import ParameterSets, parameter_sets


class VideoTemplate:
    """A stream to open files of one run with.

    Args:
        access_unit: A key frame with its parameter sets, Annex B.

    Raises:
        ParameterSetError: The parameter sets are missing, or no decoder understands them.
    """

    def __init__(self, access_unit: bytes) -> None:
        self.parameter_sets: ParameterSets = parameter_sets(access_unit)
        self._container = _demux(access_unit)
        self.stream: VideoStream = self._container.streams.video[0]
        if not self.width_pixels or not self.height_pixels:
            self.close()
            raise ParameterSetError("the parameter sets give the picture no size; the encoder's stream is damaged")

    @property
    def width_pixels(self) -> int:
        """Width of the picture, cropping taken off."""
        return self.stream.codec_context.width

    @property
    def height_pixels(self) -> int:
        """Height of the picture, cropping taken off."""
        return self.stream.codec_context.height

    def close(self) -> None:
        """Give the demuxer back. Idempotent."""
        self._container.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _demux(access_unit: bytes) -> InputContainer:
    try:
        return av.open(io.BytesIO(access_unit), mode="r", format="h264")
    except av.FFmpegError as error:
        raise ParameterSetError(f"no stream can be made of the first key frame: {error}") from error

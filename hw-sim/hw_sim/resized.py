"""A picture source whose size and rate the options fix, whatever the unit asks for.

Rules of this module: size and rate only; the picture stays the source's.
"""

from __future__ import annotations

from dataclasses import replace

from av import VideoFrame

from hal.values import CameraSettings
from hw_sim.media.pictures import Moment, PictureSource, even_settings


class Resized:
    """A `PictureSource` that answers every request with the same size and rate.

    Args:
        source: What is looked at.
        fixed: Size and rate; None leaves the source as it is.
    """

    def __init__(self, source: PictureSource, fixed: CameraSettings | None) -> None:
        self._source = source
        self._fixed = fixed

    def settings(self, asked: CameraSettings) -> CameraSettings:
        """Say which size and rate will be delivered."""
        if self._fixed is None:
            return self._source.settings(asked)
        return even_settings(replace(self._fixed, bitrate_bps=asked.bitrate_bps))

    def begin(self, settings: CameraSettings) -> None:
        """Get ready to give pictures of these settings."""
        self._source.begin(settings)

    def picture(self, moment: Moment) -> VideoFrame:
        """Give the picture of a moment."""
        return self._source.picture(moment)

    def close(self) -> None:
        """Give back what is open."""
        self._source.close()

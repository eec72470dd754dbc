"""Where a simulated camera's pictures come from: what a scene and a film have in common.

Rules of this module: shapes and small tools only; a picture is a yuv420p frame of even size.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from typing import Protocol

import numpy as np
import numpy.typing as npt
from av import VideoFrame

from hal.values import CameraSettings, PictureStatistics

Plane = npt.NDArray[np.uint8]

THUMBNAIL_COLUMNS, THUMBNAIL_ROWS = 16, 9
_BLACK_LUMA, _NEUTRAL_CHROMA = 16, 128


@dataclass(frozen=True, slots=True)
class Moment:
    """Which picture is wanted."""

    position_ns: int
    """Place in the scene or film, 0 at its begin; it stands still while the camera is out."""
    picture_number: int
    """Counts the pictures that the sensor made over the world's whole life."""
    civil_utc_ns: int
    """True civil time of the exposure."""


class PictureSource(Protocol):
    """What the camera looks at. Used by one thread at a time."""

    def settings(self, asked: CameraSettings) -> CameraSettings:
        """Say which size and rate will be delivered when `asked` is wanted."""
        ...

    def begin(self, settings: CameraSettings) -> None:
        """Get ready to give pictures of these settings."""
        ...

    def picture(self, moment: Moment) -> VideoFrame:
        """Give the picture of a moment, valid until the next call."""
        ...

    def close(self) -> None:
        """Give back what is open. Idempotent."""
        ...


def even(pixels: int) -> int:
    """The even number of pixels next below, at least 16: 4:2:0 and the encoder want it so."""
    return max(16, pixels - pixels % 2)


def even_settings(asked: CameraSettings) -> CameraSettings:
    """The settings nearest to `asked` that a 4:2:0 encoder can do."""
    return CameraSettings(
        even(asked.width_pixels), even(asked.height_pixels), Fraction(asked.frames_per_second), asked.bitrate_bps
    )


def plane(frame: VideoFrame, index: int) -> Plane:
    """A writable view of one plane of a yuv420p frame, without its padding."""
    part = frame.planes[index]
    rows: Plane = np.frombuffer(memoryview(part), np.uint8).reshape(-1, part.line_size)
    return rows[: part.height, : part.width]


def black(width_pixels: int, height_pixels: int) -> VideoFrame:
    """What a covered lens gives."""
    frame = VideoFrame(width_pixels, height_pixels, "yuv420p")
    plane(frame, 0)[:] = _BLACK_LUMA
    plane(frame, 1)[:] = _NEUTRAL_CHROMA
    plane(frame, 2)[:] = _NEUTRAL_CHROMA
    return frame


def statistics(luma: Plane) -> PictureStatistics:
    """Measure a luma plane as an image pipeline would: mean, deviation and a 16 × 9 thumbnail."""
    thumbnail = np.clip(np.rint(_block_means(luma)), 0, 255).astype(np.uint8)
    sample = luma[::4, ::4]
    return PictureStatistics(float(sample.mean()), float(sample.std()), thumbnail.tobytes())


def with_sensor_noise(measured: PictureStatistics, picture_number: int) -> PictureStatistics:
    """Lay the noise of a real sensor over a thumbnail: at most one step of luma, always the same for one picture.

    A still passage of a film would otherwise look like a sensor that hangs; only a frozen one gives equal thumbnails.
    """
    thumbnail = np.frombuffer(measured.fingerprint, np.uint8).astype(np.int16)
    noise = np.random.default_rng(picture_number).integers(-1, 2, thumbnail.size)
    return replace(measured, fingerprint=np.clip(thumbnail + noise, 0, 255).astype(np.uint8).tobytes())


def _block_means(luma: Plane) -> npt.NDArray[np.float64]:
    height, width = luma.shape
    rows = np.linspace(0, height, THUMBNAIL_ROWS, endpoint=False).astype(np.intp)
    columns = np.linspace(0, width, THUMBNAIL_COLUMNS, endpoint=False).astype(np.intp)
    sums = np.add.reduceat(np.add.reduceat(luma, rows, axis=0, dtype=np.uint32), columns, axis=1)
    areas = np.outer(np.diff(np.append(rows, height)), np.diff(np.append(columns, width)))
    means: npt.NDArray[np.float64] = sums / areas
    return means

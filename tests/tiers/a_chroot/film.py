"""What an opened film holds: its pictures and its ticks, each with its time in the film."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
import numpy.typing as npt
from av.audio.resampler import AudioResampler

from tests.tiers.a_chroot import numbered_pictures
from tests.tiers.a_chroot.room import RATE_HZ, TICK_SAMPLES, tick

_CLEAR = 1.5
"""How far a tick stands out of everything around it; what is said at the same time may cover one."""
_SEARCH_SAMPLES = RATE_HZ // 4


@dataclass(frozen=True)
class Picture:
    """A decoded frame."""

    seconds: float
    number: int
    """Which of the numbered pictures it shows."""


def pictures(path: Path) -> list[Picture]:
    """Every frame of the film, in order."""
    with av.open(str(path)) as container:
        return [
            Picture(frame.pts * float(frame.time_base), numbered_pictures.read(_luma(frame)))
            for frame in container.decode(video=0)
            if frame.pts is not None and frame.time_base is not None
        ]


@dataclass(frozen=True)
class Sound:
    """A film's track."""

    begins_seconds: float
    samples: npt.NDArray[np.float64]

    def tick_near(self, seconds: float) -> float | None:
        """Film time of the tick that is about there; None where none stands out."""
        first = round((seconds - self.begins_seconds) * RATE_HZ) - _SEARCH_SAMPLES
        if first < 0:
            return None
        excerpt = self.samples[first : first + 2 * _SEARCH_SAMPLES]
        if len(excerpt) < 2 * _SEARCH_SAMPLES:
            return None
        likeness = np.abs(np.correlate(excerpt, tick().astype(np.float64), "valid"))
        place = int(likeness.argmax())
        elsewhere = np.concatenate([likeness[: max(0, place - TICK_SAMPLES)], likeness[place + TICK_SAMPLES :]])
        if likeness[place] < _CLEAR * elsewhere.max():
            return None
        return self.begins_seconds + (first + place) / RATE_HZ


def sound(path: Path) -> Sound:
    """The film's track, without what its edit list leaves out."""
    resampler = AudioResampler(format="s16", layout="mono", rate=RATE_HZ)
    begins: float | None = None
    pieces = []
    with av.open(str(path)) as container:
        for frame in container.decode(audio=0):
            if begins is None and frame.pts is not None and frame.time_base is not None:
                begins = frame.pts * float(frame.time_base)
            pieces += [piece.to_ndarray()[0] for piece in resampler.resample(frame)]
    assert begins is not None, f"{path} has no sound"
    return Sound(begins, np.concatenate(pieces).astype(np.float64))


def _luma(frame: av.VideoFrame) -> npt.NDArray[np.uint8]:
    plane = frame.planes[0]
    rows: npt.NDArray[np.uint8] = np.frombuffer(memoryview(plane), np.uint8).reshape(-1, plane.line_size)
    return rows[: frame.height, : frame.width]

"""What is seen and heard in an opened film, by its time stamps alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.audio.frame import AudioFrame
from av.video.frame import VideoFrame

RATE = 48_000
Wave = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Sound:
    """A sound track, laid out by its time stamps; holes are silent."""

    wave: Wave
    """From time 0 of the file on."""

    def between(self, start_seconds: float, end_seconds: float) -> Wave:
        return self.wave[max(0, round(start_seconds * RATE)) : round(end_seconds * RATE)]


def sound_of(path: Path) -> Sound:
    frames: list[AudioFrame] = []
    with av.open(str(path)) as container:
        frames.extend(container.decode(audio=0))
    end = max(_sample(frame) + frame.samples for frame in frames)
    wave = np.zeros(end, np.float32)
    for frame in frames:
        first = _sample(frame)
        part = frame.to_ndarray().mean(axis=0)
        wave[max(0, first) : first + frame.samples] = part[max(0, -first) :]
    return Sound(wave)


def pictures_of(path: Path) -> list[tuple[float, float]]:
    """Time in seconds and mean luma of every picture, in the order of showing."""
    with av.open(str(path)) as container:
        return [(_time(frame), float(frame.to_ndarray()[: frame.height].mean())) for frame in container.decode(video=0)]


def picture_times(path: Path) -> npt.NDArray[np.float64]:
    """Times of all pictures in seconds, from the packets."""
    with av.open(str(path)) as container:
        stream = container.streams.video[0]
        return np.array([float(each.pts * each.time_base) for each in container.demux(stream) if each.pts is not None])


def place_of(clip: Wave, heard: Wave) -> tuple[float, float]:
    """Where a clip is in a stretch of sound.

    Returns:
        Seconds from the stretch's begin, and the normalised correlation there.
    """
    size = 1 << int(np.ceil(np.log2(clip.size + heard.size)))
    spectrum = np.fft.rfft(heard, size) * np.conj(np.fft.rfft(clip, size))
    agreement = np.fft.irfft(spectrum, size)[: heard.size - clip.size + 1]
    energy = _window_energy(heard, clip.size) * float(np.square(clip, dtype=np.float64).sum())
    normalised = agreement / np.sqrt(np.maximum(energy, 1e-9))
    best = int(np.argmax(normalised))
    return best / RATE, float(normalised[best])


def span(session: dict[str, Any], kind: str) -> list[dict[str, Any]]:
    """Stretches of one kind in a session of a report."""
    return [each for each in session["spans"] if each["kind"] == kind]


def _window_energy(heard: Wave, size: int) -> npt.NDArray[np.float64]:
    summed = np.concatenate([[0.0], np.cumsum(np.square(heard, dtype=np.float64))])
    energy: npt.NDArray[np.float64] = summed[size:] - summed[:-size]
    return energy


def _sample(frame: AudioFrame) -> int:
    assert frame.pts is not None
    assert frame.time_base is not None
    return round(frame.pts * frame.time_base * RATE)


def _time(frame: VideoFrame) -> float:
    assert frame.pts is not None
    assert frame.time_base is not None
    return float(frame.pts * frame.time_base)

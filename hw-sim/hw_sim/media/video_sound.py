"""The sound of a video file at 48 kHz mono, from any place on.

Rules of this module: what was decoded is kept for a few seconds, no more; where the file has no sound there is
silence. Sound lies where its time stamps say, on the same time line as the pictures.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from fractions import Fraction

import av
import numpy as np
from av import AudioFrame
from av.audio.stream import AudioStream

from hw_sim.media import video_file
from hw_sim.media.video_file import SECOND_NS, VideoFile
from hw_sim.media.waveforms import SAMPLE_RATE_HZ, Waveform

_KEPT_SAMPLES = SAMPLE_RATE_HZ
"""Decoded sound this far behind the reader stays."""
_KEPT_WHOLE_NS = 60 * SECOND_NS
"""A film up to this long is kept whole: it repeats often."""
_SEEK_AHEAD_SAMPLES = 5 * SAMPLE_RATE_HZ
_SEEK_MARGIN_SECONDS = 1
_JUMP_SAMPLES = SAMPLE_RATE_HZ // 20
"""Time stamps that differ less from the count of samples are rounded ones, not a gap."""


class VideoSound:
    """What the room hears of a video file; a `FilmSound`.

    Args:
        video: The file; it must have sound.
    """

    def __init__(self, video: VideoFile) -> None:
        self._video = video
        self._pass: _Pass | None = None

    def read(self, first_sample: int, count: int) -> Waveform:
        """Give `count` samples from a place in the film; it begins anew when it is over."""
        heard = np.zeros(count, np.float32)
        done = 0
        while done < count:
            length = max(1, round(Fraction(self._video.loop.duration_ns * SAMPLE_RATE_HZ, SECOND_NS)))
            place = (first_sample + done) % length
            part = min(count - done, length - place)
            heard[done : done + part] = self._read(place, part)
            done += part
        return heard

    def close(self) -> None:
        """Give the file back. Idempotent."""
        current, self._pass = self._pass, None
        if current is not None:
            current.close()

    def _read(self, place: int, count: int) -> Waveform:
        if self._pass is None or not self._pass.reaches(place):
            self.close()
            self._pass = _Pass(self._video, place)
        return self._pass.read(place, count)


class _Pass:
    """One pass through the file, forwards."""

    def __init__(self, video: VideoFile, place: int) -> None:
        self._video = video
        self._keep_whole = video.loop.duration_ns <= _KEPT_WHOLE_NS
        self._open()
        if not self._keep_whole and place >= _SEEK_AHEAD_SAMPLES and not self._seek(place):
            # Reading on from the begin is slow, but sounds the same.
            self._container.close()
            self._open()

    def reaches(self, place: int) -> bool:
        """Whether a place is kept or lies ahead, near enough to read on to it."""
        if place < self._from:
            return False
        return self._ended or self._keep_whole or place < max(self._from, self._next or 0) + _SEEK_AHEAD_SAMPLES

    def read(self, place: int, count: int) -> Waveform:
        while (self._next is None or self._next < place + count) and self._decode():
            self._forget(place - _KEPT_SAMPLES)
        heard = np.zeros(count, np.float32)
        for first, wave in self._chunks:
            begin, end = max(place, first), min(place + count, first + wave.size)
            if begin < end:
                heard[begin - place : end - place] = wave[begin - first : end - first]
        return heard

    def close(self) -> None:
        self._container.close()

    def _open(self) -> None:
        self._chunks: deque[tuple[int, Waveform]] = deque()
        self._next: int | None = None
        self._from = 0
        self._ended = False
        self._container = video_file.open_container(self._video.facts.path)
        self._resampler = _resampler()
        self._frames = self._decoded()

    def _seek(self, place: int) -> bool:
        """Go to a little before a place; says whether that worked."""
        wanted = self._video.facts.origin + Fraction(place, SAMPLE_RATE_HZ) - _SEEK_MARGIN_SECONDS
        try:
            self._container.seek(int(wanted * av.time_base), backward=True)
        except av.FFmpegError:
            return False
        self._frames = self._decoded()
        if not self._decode() or not self._chunks or self._chunks[0][0] > place:
            return False
        self._from = self._chunks[0][0]
        return True

    def _decoded(self) -> Iterator[AudioFrame]:
        stream = self._container.streams.best("audio")
        if not isinstance(stream, AudioStream):
            return
        for packet in video_file.packets(self._container, stream):
            try:
                frames = stream.decode(packet)
            except (av.FFmpegError, OSError):
                continue
            yield from frames

    def _decode(self) -> bool:
        """Decode one frame more; says whether there was one."""
        frame = next(self._frames, None)
        if frame is None:
            self._ended = True
            return False
        if self._next is None or frame.pts is not None:
            self._place(frame)
        for part in self._resampled(frame):
            wave = part.to_ndarray()[0].astype(np.float32)
            if self._next is not None and wave.size:
                self._chunks.append((self._next, wave))
                self._next += wave.size
        return True

    def _place(self, frame: AudioFrame) -> None:
        """Put the next sample where the frame's time stamp says, if that is really elsewhere."""
        if frame.pts is None or frame.time_base is None:
            self._next = self._next or 0
            return
        seconds = frame.pts * Fraction(frame.time_base) - self._video.facts.origin
        stamped = round(seconds * SAMPLE_RATE_HZ)
        if self._next is None or abs(stamped - self._next) > _JUMP_SAMPLES:
            self._next = stamped

    def _resampled(self, frame: AudioFrame) -> list[AudioFrame]:
        frame.pts = None
        try:
            return self._resampler.resample(frame)
        except ValueError:
            # The sound changed its rate or its channels in the middle of the file.
            self._resampler = _resampler()
            return self._resampler.resample(frame)

    def _forget(self, before: int) -> None:
        if self._keep_whole:
            return
        while self._chunks and self._chunks[0][0] + self._chunks[0][1].size < before:
            first, wave = self._chunks.popleft()
            self._from = max(self._from, first + wave.size)


def _resampler() -> av.AudioResampler:
    return av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)

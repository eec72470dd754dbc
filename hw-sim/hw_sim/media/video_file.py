"""Any video file as the camera's scene: what it is, and how it is opened.

Rules of this module: what cannot be used is refused here, once, with the file's name and a remedy; pictures and sound
are read by `video_pictures` and `video_sound`, each through a handle of its own.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path

import av
from av import VideoFrame
from av.container import InputContainer
from av.packet import Packet
from av.stream import Disposition, Stream
from av.video.stream import VideoStream

from hw_sim.media.errors import VideoFileError

SECOND_NS = 1_000_000_000
_MICROSECOND_NS = 1_000
_NO_VIDEO_FORMATS = {"tty", "txt", "bin", "xbin", "idf", "adf"}
"""Demuxers that take any text for a picture."""
_COMMON_RATES = (
    *(Fraction(rate) for rate in (10, 12, 15, 20, 24, 25, 30, 48, 50, 60)),
    *(Fraction(rate * 1000, 1001) for rate in (24, 30, 60)),
)
_RATE_TOLERANCE = Fraction(1, 200)
_FALLBACK_RATE = Fraction(25)
_LARGEST_RATE = 1000


class Loop:
    """How long the film is before it begins anew; shared by picture and sound.

    Args:
        duration_ns: Length by the file's own word.
    """

    def __init__(self, duration_ns: int) -> None:
        self._lock = threading.Lock()
        self._duration_ns = max(1, duration_ns)

    @property
    def duration_ns(self) -> int:
        """Length in nanoseconds, at least 1."""
        with self._lock:
            return self._duration_ns

    def shorten(self, end_ns: int) -> None:
        """Learn that the file really ends here: a damaged file holds less than it says."""
        with self._lock:
            self._duration_ns = max(1, min(self._duration_ns, end_ns))


@dataclass(frozen=True, slots=True)
class VideoFacts:
    """What the file holds."""

    path: Path
    width_pixels: int
    """As it is to be shown: turned upright, with square pixels."""
    height_pixels: int
    rotation_degrees: int
    """Quarter turns counterclockwise that set it upright: 0, 90, 180 or 270."""
    frames_per_second: Fraction
    """Of a file with a varying rate, a round rate near its mean."""
    origin: Fraction
    """Time stamp in seconds that is place 0 of the film, for picture and sound alike."""
    has_sound: bool


class VideoFile:
    """A video that can be looked at and listened to.

    Args:
        path: The file.

    Raises:
        VideoFileError: It is missing, unreadable, or holds no picture that can be decoded.
    """

    def __init__(self, path: Path) -> None:
        with open_container(path) as container:
            try:
                self.facts, duration_ns = _probed(path, container)
            except av.FFmpegError as error:
                raise VideoFileError(f"{path}: cannot be read as a video ({error}); convert or replace it") from error
        self.loop = Loop(duration_ns)


def open_container(path: Path) -> InputContainer:
    """Open a file for reading.

    Raises:
        VideoFileError: It cannot be opened, or is no video file.
    """
    if not path.is_file():
        raise VideoFileError(f"{path}: there is no such file; give the path of a video file")
    try:
        container = av.open(str(path), "r", metadata_errors="replace")
    except (av.FFmpegError, OSError, ValueError) as error:
        raise VideoFileError(f"{path}: cannot be read as a video ({error}); convert or replace it") from error
    stream = video_stream(container)
    if container.format.name in _NO_VIDEO_FORMATS or stream is None:
        container.close()
        raise VideoFileError(f"{path}: holds no video; give a file with a picture in it")
    stream.thread_type = "AUTO"
    return container


def video_stream(container: InputContainer) -> VideoStream | None:
    """The stream that a player would show; a cover picture of a song is none."""
    moving = [each for each in container.streams.video if not each.disposition & Disposition.attached_pic]
    best = container.streams.best("video")
    return next((each for each in moving if each is best), moving[0] if moving else None)


def _probed(path: Path, container: InputContainer) -> tuple[VideoFacts, int]:
    stream = video_stream(container)
    frame = _first_frame(container, stream)
    if stream is None or frame is None:
        raise VideoFileError(f"{path}: no picture in it can be decoded; convert it to H.264 and try again")
    rate = _rate(stream)
    rotation = frame.rotation % 360 // 90 * 90
    width, height = _upright_size(frame, stream, rotation)
    origin = _origin(stream, frame)
    facts = VideoFacts(path, width, height, rotation, rate, origin, container.streams.best("audio") is not None)
    return facts, _duration_ns(path, container, stream, facts)


def _first_frame(container: InputContainer, stream: VideoStream | None) -> VideoFrame | None:
    return None if stream is None else next(decoded_pictures(container, stream), None)


def _upright_size(frame: VideoFrame, stream: VideoStream, rotation: int) -> tuple[int, int]:
    aspect = stream.sample_aspect_ratio or Fraction(1)
    width = max(1, round(frame.width * aspect)) if aspect > 0 else frame.width
    return (frame.height, width) if rotation % 180 else (width, frame.height)


def _rate(stream: VideoStream) -> Fraction:
    rate = stream.average_rate or stream.guessed_rate or _FALLBACK_RATE
    if rate <= 0 or rate > _LARGEST_RATE:
        return _FALLBACK_RATE
    if stream.base_rate == rate:
        return rate.limit_denominator(1001)
    near = min(_COMMON_RATES, key=lambda common: abs(common - rate))
    if abs(near - rate) <= rate * _RATE_TOLERANCE:
        return near
    return Fraction(max(1, round(rate)))


def _origin(stream: VideoStream, frame: VideoFrame) -> Fraction:
    if frame.pts is not None and frame.time_base is not None:
        return frame.pts * Fraction(frame.time_base)
    if stream.start_time is not None and stream.time_base is not None:
        return stream.start_time * Fraction(stream.time_base)
    return Fraction(0)


def _duration_ns(path: Path, container: InputContainer, stream: VideoStream, facts: VideoFacts) -> int:
    if stream.duration and stream.time_base:
        return round(stream.duration * Fraction(stream.time_base) * SECOND_NS)
    if container.duration and container.duration > 0:
        late_ns = max(0, round(facts.origin * SECOND_NS) - (container.start_time or 0) * _MICROSECOND_NS)
        return max(1, container.duration * _MICROSECOND_NS - late_ns)
    return _scanned_duration_ns(path, facts)


def _scanned_duration_ns(path: Path, facts: VideoFacts) -> int:
    """Read through a file that does not say how long it is (raw streams, recordings that were cut off)."""
    count, last = 0, Fraction(0)
    with open_container(path) as container:
        for packet in packets(container, video_stream(container)):
            count += 1
            if packet.pts is not None:
                last = max(last, packet.pts * Fraction(packet.time_base) - facts.origin)
    return round((max(last + 1 / facts.frames_per_second, count / facts.frames_per_second)) * SECOND_NS)


def packets(container: InputContainer, stream: Stream | None) -> Iterator[Packet[Stream]]:
    """The packets of one stream up to the file's end, or to where it is damaged."""
    if stream is None:
        return
    demuxed = container.demux(stream)
    while True:
        try:
            packet = next(demuxed, None)
        except (av.FFmpegError, OSError):
            return
        if packet is None:
            return
        yield packet


def decoded_pictures(container: InputContainer, stream: VideoStream) -> Iterator[VideoFrame]:
    """The pictures that can be decoded, in order of showing; damaged ones are left out."""
    for packet in packets(container, stream):
        try:
            frames = stream.decode(packet)
        except (av.FFmpegError, OSError):
            continue
        yield from frames

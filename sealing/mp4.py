"""Playable MP4 files from decrypted fragments: one for each run, one for the session.

Rules of this module: packets are copied, never encoded again; what it knows of a run is in the run's own stream.
Times of a run are kept to the tick; only the moment at which a file begins is moved to 0.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from typing import Final, TypeAlias, cast

import av
from av.audio.stream import AudioStream
from av.container import InputContainer, OutputContainer
from av.packet import Packet
from av.video.stream import VideoStream

from sealing.errors import SealingError

_OPTIONS: Final = {"movflags": "faststart", "video_track_timescale": "90000"}
_MILLISECONDS: Final = 1000
Track = VideoStream | AudioStream
MediaPacket: TypeAlias = "Packet[VideoStream] | Packet[AudioStream]"


class MediaFileError(SealingError):
    """Decrypted fragments do not make a film, or the film is not what the records say."""


@dataclass(frozen=True, slots=True)
class Film:
    """A stream of packets in a file."""

    path: Path
    frames: int
    begin: Fraction
    """Time of its first packet in seconds, as the file has it."""
    end: Fraction
    """Time at which its last packet is over."""
    has_video: bool
    has_audio: bool

    @property
    def seconds(self) -> Fraction:
        """How long it plays."""
        return self.end - self.begin


@dataclass(frozen=True, slots=True)
class Chapter:
    """A named stretch of a film."""

    title: str
    start_seconds: Fraction
    end_seconds: Fraction


def measure(path: Path) -> Film:
    """Read a film's packets and say how many frames it has and when they are.

    Raises:
        MediaFileError: It cannot be read, has no packet, or two frames have one time.
    """
    frames, last = 0, None
    extents: dict[int, _Extent] = {}
    with _reading(path) as container:
        tracks = _tracks(container)
        for packet in _packets(container, tracks):
            start = packet.pts or 0
            extent = extents.setdefault(packet.stream_index, _Extent(_base(packet), start))
            extent.take(start, packet.duration or 0)
            if isinstance(packet.stream, VideoStream):
                if last is not None and start <= last:
                    seconds = float(start * extent.base)
                    raise MediaFileError(f"{path.name}: frame {frames} stands at {seconds:.4f} s, not behind it")
                frames, last = frames + 1, start
        video = any(isinstance(track, VideoStream) for track in tracks)
        audio = any(isinstance(track, AudioStream) for track in tracks)
    if not extents:
        raise MediaFileError(f"{path.name}: not one frame or sample in it")
    begin = min(extent.begin * extent.base for extent in extents.values())
    end = max(extent.end * extent.base for extent in extents.values())
    return Film(path, frames, begin, max(end, Fraction(0)), video, audio)


class _Extent:
    """From where to where a track has packets; whole ticks, for there are many packets."""

    def __init__(self, base: Fraction, start: int) -> None:
        self.base = base
        self.begin = self.end = start

    def take(self, start: int, duration: int) -> None:
        self.begin = min(self.begin, start)
        self.end = max(self.end, start + duration)


def remux(film: Film, target: Path, chapters: Sequence[Chapter] = ()) -> Film:
    """Write one run as an ordinary MP4 with its index in front.

    Raises:
        MediaFileError: The stream cannot be copied.
    """
    return join([film], target, chapters)


def join(films: Sequence[Film], target: Path, chapters: Sequence[Chapter] = ()) -> Film:
    """Write films one behind the other; whatever lay between them is left out.

    Films may differ in their tracks: where one has no sound, the sound track has a hole.

    Args:
        films: In order.
        target: Path of the new file.
        chapters: Named stretches, in seconds of the new file.

    Raises:
        MediaFileError: A stream cannot be copied.
    """
    try:
        with ExitStack() as stack:
            output = stack.enter_context(av.open(str(target), "w", format="mp4", options=dict(_OPTIONS)))
            video, audio = _output_tracks(films, output)
            if chapters:
                output.set_chapters([_chapter(index, each) for index, each in enumerate(chapters)])
            _copy_all(films, output, video, audio)
    except av.FFmpegError as error:
        raise MediaFileError(f"{target.name} cannot be written: {error}") from error
    return measure(target)


def _copy_all(
    films: Sequence[Film], output: OutputContainer, video: VideoStream | None, audio: AudioStream | None
) -> None:
    position = Fraction(0)
    for film in films:
        shifts: dict[int, int] = {}
        with _reading(film.path) as container:
            for packet in _packets(container, _tracks(container)):
                target = video if isinstance(packet.stream, VideoStream) else audio
                if target is None:
                    continue
                shift = shifts.get(packet.stream_index)
                if shift is None:
                    shift = shifts[packet.stream_index] = round((position - film.begin) / _base(packet))
                packet.pts = (packet.pts or 0) + shift
                packet.dts = packet.pts if packet.dts is None else packet.dts + shift
                packet.stream = target
                output.mux_one(packet)
        position += film.seconds


def _output_tracks(films: Sequence[Film], output: OutputContainer) -> tuple[VideoStream | None, AudioStream | None]:
    """Tracks of the new file, made after the first film that has them."""
    video, audio = None, None
    for film in films:
        with _reading(film.path) as container:
            for track in _tracks(container):
                if isinstance(track, VideoStream):
                    video = video or output.add_stream_from_template(track)
                else:
                    audio = audio or output.add_stream_from_template(track)
    return video, audio


def _chapter(index: int, chapter: Chapter) -> av.container.core.Chapter:
    return {
        "id": index,
        "start": round(chapter.start_seconds * _MILLISECONDS),
        "end": round(chapter.end_seconds * _MILLISECONDS),
        "time_base": Fraction(1, _MILLISECONDS),
        "metadata": {"title": chapter.title},
    }


def _reading(path: Path) -> InputContainer:
    try:
        return av.open(str(path), "r", format="mp4")
    except av.FFmpegError as error:
        raise MediaFileError(f"{path.name} is no film that can be read: {error}") from error


def _tracks(container: InputContainer) -> list[Track]:
    return [*container.streams.video[:1], *container.streams.audio[:1]]


def _packets(container: InputContainer, tracks: list[Track]) -> Iterator[MediaPacket]:
    try:
        for packet in container.demux(*tracks):
            if packet.pts is not None:
                yield cast("MediaPacket", packet)
    except av.FFmpegError as error:
        raise MediaFileError(f"{Path(container.name).name} cannot be read to its end: {error}") from error


def _base(packet: MediaPacket) -> Fraction:
    if packet.time_base is None:
        raise MediaFileError("a packet without a time base")
    return packet.time_base

"""The pictures of a video file, at the camera's size and rate.

Rules of this module: reads forward and keeps one picture; a film that is over begins anew. A picture that already has
the camera's size and format is handed on untouched.
"""

from __future__ import annotations

from collections.abc import Iterator
from fractions import Fraction
from itertools import pairwise

import av
from av import VideoFrame
from av.filter import Graph

from hal.values import CameraSettings
from hw_sim.media import video_file
from hw_sim.media.errors import VideoFileError
from hw_sim.media.pictures import Moment, even, even_settings
from hw_sim.media.video_file import SECOND_NS, VideoFacts, VideoFile

_LONGEST_SIDE_PIXELS, _LONGEST_SHORT_SIDE_PIXELS = 1920, 1080
_SHORTEST_SIDE_PIXELS = 64
_LOWEST_RATE, _HIGHEST_RATE = 10, 60
_SEEK_AHEAD_NS = 10 * SECOND_NS
_MISSING_END_NS = SECOND_NS // 2
_FULL_RANGE = 2


class VideoPictures:
    """What the camera sees of a video file; a `PictureSource`.

    Args:
        video: The file.
    """

    def __init__(self, video: VideoFile) -> None:
        self._video = video
        self._fitter = Fitter(video.facts, 0, 0)
        self._reader: _Reader | None = None
        self._half_frame_ns = 0

    def settings(self, asked: CameraSettings) -> CameraSettings:
        """The file's own size up to 1080p and its own rate from 10 to 60; otherwise what was asked."""
        facts = self._video.facts
        native = _LOWEST_RATE <= facts.frames_per_second <= _HIGHEST_RATE
        rate = facts.frames_per_second if native else asked.frames_per_second
        width, height = asked.width_pixels, asked.height_pixels
        short, long = sorted((facts.width_pixels, facts.height_pixels))
        if _SHORTEST_SIDE_PIXELS <= short <= _LONGEST_SHORT_SIDE_PIXELS and long <= _LONGEST_SIDE_PIXELS:
            width, height = facts.width_pixels, facts.height_pixels
        return even_settings(CameraSettings(width, height, Fraction(rate), asked.bitrate_bps))

    def begin(self, settings: CameraSettings) -> None:
        """Get ready to give pictures of this size and rate."""
        self._half_frame_ns = round(SECOND_NS / settings.frames_per_second / 2)
        self._fitter = Fitter(self._video.facts, settings.width_pixels, settings.height_pixels)

    def picture(self, moment: Moment) -> VideoFrame:
        """The picture nearest to a place; valid until the next call."""
        # Half a frame is added before the film repeats: rounding must not show its last picture twice.
        place_ns = (moment.position_ns + self._half_frame_ns) % self._video.loop.duration_ns
        if self._reader is None or not self._reader.reaches(place_ns):
            self.close()
            self._reader = _Reader(self._video, place_ns)
        return self._fitter.fit(self._reader.at(place_ns))

    def close(self) -> None:
        """Give the file back. Idempotent."""
        reader, self._reader = self._reader, None
        if reader is not None:
            reader.close()


class _Reader:
    """One pass through the file, forwards."""

    def __init__(self, video: VideoFile, place_ns: int) -> None:
        self._video = video
        self._open()
        if place_ns >= _SEEK_AHEAD_NS and not self._seek(place_ns):
            # Reading on from the begin is slow, but shows the same.
            self._container.close()
            self._open()
        self._upcoming = self._next()

    def reaches(self, place_ns: int) -> bool:
        """Whether a place lies ahead, near enough to read on to it; a film of one picture reaches everything."""
        if self._upcoming is None:
            return self._count == 1 or place_ns >= self._shown[0]
        return self._shown[0] <= place_ns < self._shown[0] + _SEEK_AHEAD_NS

    def at(self, place_ns: int) -> VideoFrame:
        while self._upcoming is not None and self._upcoming[0] <= place_ns:
            self._shown = self._upcoming
            self._upcoming = self._next()
            if self._upcoming is None:
                self._learn_end()
        return self._shown[1]

    def close(self) -> None:
        self._container.close()

    def _open(self) -> None:
        self._count = 0
        self._container = video_file.open_container(self._video.facts.path)
        self._frames = self._decoded()
        first = self._next()
        if first is None:
            raise VideoFileError(f"{self._video.facts.path}: no picture can be decoded any more")
        self._shown = first

    def _seek(self, place_ns: int) -> bool:
        """Go to the key picture before a place; says whether that worked."""
        wanted = self._video.facts.origin + Fraction(place_ns, SECOND_NS)
        try:
            self._container.seek(int(wanted * av.time_base), backward=True)
        except av.FFmpegError:
            return False
        self._frames = self._decoded()
        found = self._next()
        if found is None or found[0] > place_ns:
            return False
        self._shown = found
        return True

    def _decoded(self) -> Iterator[VideoFrame]:
        stream = video_file.video_stream(self._container)
        return iter(()) if stream is None else video_file.decoded_pictures(self._container, stream)

    def _next(self) -> tuple[int, VideoFrame] | None:
        frame = next(self._frames, None)
        if frame is None:
            return None
        self._count += 1
        return self._place_ns(frame), frame

    def _place_ns(self, frame: VideoFrame) -> int:
        facts = self._video.facts
        if frame.pts is None or frame.time_base is None:
            return round((self._count - 1) * SECOND_NS / facts.frames_per_second)
        return round((frame.pts * Fraction(frame.time_base) - facts.origin) * SECOND_NS)

    def _learn_end(self) -> None:
        end_ns = self._shown[0] + round(SECOND_NS / self._video.facts.frames_per_second)
        if end_ns + _MISSING_END_NS < self._video.loop.duration_ns:
            self._video.loop.shorten(end_ns)


class Fitter:
    """Turns, scales and letterboxes pictures to one size, as yuv420p.

    Args:
        facts: How the file's pictures lie.
        width_pixels: Size wanted, even.
        height_pixels: Size wanted, even.
    """

    def __init__(self, facts: VideoFacts, width_pixels: int, height_pixels: int) -> None:
        self._facts = facts
        self._size = (width_pixels, height_pixels)
        self._graph: Graph | None = None
        self._graph_for: tuple[int, int, str] | None = None
        self._fitted: tuple[VideoFrame, VideoFrame] | None = None

    def fit(self, frame: VideoFrame) -> VideoFrame:
        """Give the picture at the wanted size; the same picture again costs nothing."""
        if self._fits(frame):
            return frame
        if self._fitted is None or self._fitted[0] is not frame:
            self._fitted = (frame, self._filtered(frame))
        return self._fitted[1]

    def _fits(self, frame: VideoFrame) -> bool:
        plain = frame.format.name == "yuv420p" and int(frame.color_range) != _FULL_RANGE
        return plain and not self._facts.rotation_degrees and (frame.width, frame.height) == self._size

    def _filtered(self, frame: VideoFrame) -> VideoFrame:
        key = (frame.width, frame.height, frame.format.name)
        if self._graph is None or self._graph_for != key:
            self._graph, self._graph_for = self._built(frame), key
        self._graph.push(frame)
        fitted = self._graph.pull()
        if not isinstance(fitted, VideoFrame):
            raise TypeError(f"the filter gave {type(fitted).__name__}, not a picture")
        return fitted

    def _built(self, frame: VideoFrame) -> Graph:
        graph = Graph()
        steps = [
            graph.add_buffer(
                width=frame.width, height=frame.height, format=frame.format, time_base=Fraction(1, video_file.SECOND_NS)
            )
        ]
        steps += [graph.add(name, arguments) for name, arguments in self._chain(frame)]
        steps.append(graph.add("buffersink"))
        for one, following in pairwise(steps):
            one.link_to(following)
        graph.configure()
        return graph

    def _chain(self, frame: VideoFrame) -> list[tuple[str, str]]:
        chain = list(_TURNS[self._facts.rotation_degrees])
        width, height = self._size
        inner_width, inner_height = inner_size(self._facts.width_pixels, self._facts.height_pixels, *self._size)
        upright = (frame.height, frame.width) if self._facts.rotation_degrees % 180 else (frame.width, frame.height)
        if 0 <= upright[0] - width <= 1 and 0 <= upright[1] - height <= 1:
            # One odd column or row too many: cutting it off keeps the rest sharp.
            chain.append(("crop", f"{width}:{height}:0:0"))
            inner_width, inner_height = width, height
        chain.append(("scale", f"{inner_width}:{inner_height}:flags=bilinear:out_range=tv"))
        chain.append(("format", "yuv420p"))
        if (inner_width, inner_height) != self._size:
            chain.append(("pad", f"{width}:{height}:(ow-iw)/4*2:(oh-ih)/4*2:black"))
        chain.append(("setsar", "1"))
        return chain


_TURNS: dict[int, tuple[tuple[str, str], ...]] = {
    0: (),
    90: (("transpose", "cclock"),),
    180: (("hflip", ""), ("vflip", "")),
    270: (("transpose", "clock"),),
}


def inner_size(width: int, height: int, frame_width: int, frame_height: int) -> tuple[int, int]:
    """Largest even size of the same shape that fits into a frame."""
    if abs(width - frame_width) <= 1 and abs(height - frame_height) <= 1:
        return frame_width, frame_height
    factor = min(Fraction(frame_width, width), Fraction(frame_height, height))
    return min(frame_width, even(round(width * factor))), min(frame_height, even(round(height * factor)))

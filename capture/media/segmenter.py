"""Decides where fragments, files and runs begin and end.

Rules of this module: pure; no I/O, no clock, no thread, no bytes looked into. Packets go in, each track in order, the
tracks in any order to each other; orders for the muxer come out.

Theory of operation. A fragment is one group of pictures with the sound up to the next key frame, so a key frame is a
*border*. When one comes, pictures wait behind it until sound has come past it, or for `AUDIO_HOLD_SECONDS` of pictures
at most; sound that comes later goes into the fragment that is then open. At the border, and nowhere else, a file may
end: when the next group would take it over its limits, or when its set of tracks is no longer right. A file opens
only with tracks that have delivered a packet for its first group.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from enum import Enum

from capture.errors import MediaLimitError
from capture.media.limits import (
    AUDIO_AHEAD_SECONDS,
    AUDIO_DEAD_SECONDS,
    AUDIO_HOLD_FULL_SECONDS,
    AUDIO_HOLD_SECONDS,
    AUDIO_TICKS_PER_SECOND,
    COMMON_TICKS_PER_SECOND,
    GROUP_BYTES_MAX,
    GROUP_FRAMES_MAX,
    MISSED_CUTS_MAX,
    NANOSECONDS_PER_SECOND,
    VIDEO_TICKS_PER_SECOND,
    FileLimits,
)
from capture.media.values import AudioPacket, Tracks, VideoPacket

_VIDEO_SCALE = COMMON_TICKS_PER_SECOND // VIDEO_TICKS_PER_SECOND
_AUDIO_SCALE = COMMON_TICKS_PER_SECOND // AUDIO_TICKS_PER_SECOND
_DEAD = round(AUDIO_DEAD_SECONDS * COMMON_TICKS_PER_SECOND)
_AHEAD = round(AUDIO_AHEAD_SECONDS * COMMON_TICKS_PER_SECOND)


@dataclass(frozen=True, slots=True)
class OpenFile:
    """Open a file with these tracks."""

    tracks: Tracks
    new_run: bool


@dataclass(frozen=True, slots=True)
class MuxVideo:
    """Give a picture to the muxer."""

    packet: VideoPacket


@dataclass(frozen=True, slots=True)
class MuxAudio:
    """Give sound to the muxer."""

    packet: AudioPacket


@dataclass(frozen=True, slots=True)
class CloseFile:
    """Write out the open file's last fragment and close it."""

    reason: str
    """Code as in CLOSE: time, full, tracks, or what `finish` was told."""


Order = OpenFile | MuxVideo | MuxAudio | CloseFile


class _Track(Enum):
    """State of the sound in the open file."""

    ABSENT = "absent"
    LIVE = "live"
    ENDED = "ended"


@dataclass(slots=True)
class _File:
    """The open file so far."""

    sound: _Track
    begin: int
    """Time of its first key frame, common ticks."""
    bytes: int = 0
    group_begin: int = 0
    group_bytes: int = 0
    group_frames: int = 0
    longest_group: int = 0
    largest_group_bytes: int = 0
    missed_cuts: int = 0
    last_wait: int = 0
    """How far pictures had come past the border before, when it was decided."""


def _video_time(packet: VideoPacket) -> int:
    return packet.pts * _VIDEO_SCALE


def _audio_time(packet: AudioPacket) -> int:
    return packet.pts * _AUDIO_SCALE


class Segmenter:
    """Orders for the muxer of one run after another.

    Args:
        limits: When a file is full.
    """

    def __init__(self, limits: FileLimits) -> None:
        self._limits = limits
        self._file: _File | None = None
        self._video: deque[VideoPacket] = deque()
        """Pictures behind an undecided border, a key frame first."""
        self._audio: deque[AudioPacket] = deque()
        self._newest_video: int | None = None
        self._newest_audio: int | None = None
        self._border_seen_ns: int | None = None
        self._border_overdue = False
        self._orders: list[Order] = []
        self.refused_audio_packets = 0
        """Packets of sound for which there was no picture."""

    def video(self, packet: VideoPacket) -> list[Order]:
        """Take the next picture; the first of a run must be a key frame.

        Raises:
            MediaLimitError: No key frame came for so long that no fragment can be made.
        """
        self._newest_video = _video_time(packet)
        self._bound(packet)
        if self._video or packet.keyframe or self._file is None:
            self._video.append(packet)
        else:
            self._release(packet)
        return self._advance()

    def audio(self, packet: AudioPacket) -> list[Order]:
        """Take the next packet of sound."""
        if self._newest_video is not None and _audio_time(packet) > self._newest_video + _AHEAD:
            self.refused_audio_packets += 1
            return []
        self._newest_audio = packet.end_pts * _AUDIO_SCALE
        self._audio.append(packet)
        return self._advance()

    def tick(self, now_ns: int) -> list[Order]:
        """Let time pass: a border does not wait longer than the hold when no picture follows either."""
        if self._border() is None:
            self._border_seen_ns = None
            return []
        if self._border_seen_ns is None:
            self._border_seen_ns = now_ns
        self._border_overdue = now_ns - self._border_seen_ns >= self._hold_seconds() * NANOSECONDS_PER_SECOND
        return self._advance()

    @property
    def audio_has_died(self) -> bool:
        """Whether the open file's sound has been missing, or late, for so long that its track must end."""
        if self._file is None or self._file.sound is not _Track.LIVE or self._newest_video is None:
            return False
        return self._newest_video - (self._newest_audio or 0) > _DEAD or self._file.missed_cuts >= MISSED_CUTS_MAX

    @property
    def audio_is_live(self) -> bool:
        """Whether the open file has sound that has not ended."""
        return self._file is not None and self._file.sound is _Track.LIVE

    def audio_ended(self) -> None:
        """Learn that the sound's encoder was flushed: its packets are all here, later ones are another track's."""
        if self._file is not None and self._file.sound is _Track.LIVE:
            self._file.sound = _Track.ENDED

    def finish(self, reason: str) -> list[Order]:
        """End the run: everything that waits goes out, and the file is closed."""
        self._advance_over(force=True)
        if self._file is not None:
            self._orders.append(CloseFile(reason))
        self.refused_audio_packets += len(self._audio)
        self._file = None
        self._video.clear()
        self._audio.clear()
        self._newest_video = self._newest_audio = self._border_seen_ns = None
        return self._take_orders()

    def _advance(self) -> list[Order]:
        self._advance_over(force=self._border_overdue)
        self._border_overdue = False
        return self._take_orders()

    def _advance_over(self, *, force: bool) -> None:
        """Go over every border that is decided."""
        if self._file is None and not self._open_first(force=force):
            return
        self._release_audio()
        while self._border() is not None and (force or self._border_is_decided()):
            self._cross()
            self._release_audio()

    def _take_orders(self) -> list[Order]:
        orders, self._orders = self._orders, []
        return orders

    def _border(self) -> int | None:
        """Time of the undecided border: the key frame that pictures wait behind."""
        if self._file is None:
            return self._group_end()
        return _video_time(self._video[0]) if self._video else None

    def _group_end(self) -> int | None:
        """Time of the second key frame that waits: the end of the group that the first one begins."""
        ends = (_video_time(packet) for index, packet in enumerate(self._video) if index and packet.keyframe)
        return next(ends, None)

    def _hold_seconds(self) -> float:
        if self._file is None or not self._video or not self._full(self._file):
            return AUDIO_HOLD_SECONDS
        return min(AUDIO_HOLD_FULL_SECONDS, AUDIO_HOLD_SECONDS + self._file.last_wait / COMMON_TICKS_PER_SECOND)

    def _hold_is_over(self, border: int) -> bool:
        hold = self._hold_seconds() * COMMON_TICKS_PER_SECOND
        return self._newest_video is not None and self._newest_video - border > hold

    def _border_is_decided(self) -> bool:
        border = self._border()
        if border is None:
            return False
        if self._file is None or self._file.sound is not _Track.LIVE:
            return True
        return bool(self._audio and _audio_time(self._audio[-1]) >= border) or self._hold_is_over(border)

    def _open_first(self, *, force: bool) -> bool:
        """Open the run's first file when it is known whether there is sound."""
        if not self._video:
            return False
        end = self._group_end()
        if not self._has_audio_before(end) and not force and (end is None or not self._hold_is_over(end)):
            return False
        self._open(new_run=True)
        return True

    def _has_audio_before(self, end: int | None) -> bool:
        """Whether sound waits that belongs into the group that ends at `end`."""
        return bool(self._audio) and (end is None or _audio_time(self._audio[0]) < end)

    def _open(self, *, new_run: bool) -> None:
        sound = self._has_audio_before(self._group_end())
        self._file = _File(_Track.LIVE if sound else _Track.ABSENT, begin=_video_time(self._video[0]))
        self._orders.append(OpenFile(Tracks(audio=sound), new_run))
        self._release_group()

    def _cross(self) -> None:
        """Go over the border: end the file where that is due, and let the next group out."""
        file = self._file
        if file is None:
            return
        self._end_group(file)
        sound_comes = self._has_audio_before(self._group_end())
        if file.sound is _Track.ENDED or (file.sound is _Track.ABSENT and sound_comes):
            self._orders.append(CloseFile("tracks"))
            self._open(new_run=True)
            return
        full = self._full(file)
        if full and (sound_comes or file.sound is _Track.ABSENT):
            self._orders.append(CloseFile(full))
            self._open(new_run=False)
            return
        # A full file whose sound is missing goes on: within a few borders the track is back, or ended.
        file.missed_cuts += 1 if full else 0
        self._release_group()

    def _end_group(self, file: _File) -> None:
        border = _video_time(self._video[0])
        file.longest_group = max(file.longest_group, border - file.group_begin)
        file.last_wait = max(0, (self._newest_video or border) - border)
        file.largest_group_bytes = max(file.largest_group_bytes, file.group_bytes)

    def _full(self, file: _File) -> str | None:
        """Why the file cannot take another group, None when it can."""
        length = _video_time(self._video[0]) - file.begin
        if length + file.longest_group > self._limits.seconds * COMMON_TICKS_PER_SECOND:
            return "time"
        return "full" if file.bytes + file.largest_group_bytes > self._limits.bytes else None

    def _release_group(self) -> None:
        """Let the waiting pictures out up to the next key frame."""
        if self._file is None:
            return
        self._file.group_begin = _video_time(self._video[0])
        self._file.group_bytes = self._file.group_frames = 0
        self._release(self._video.popleft())
        while self._video and not self._video[0].keyframe:
            self._release(self._video.popleft())
        self._border_seen_ns = None

    def _release(self, packet: VideoPacket) -> None:
        self._count(len(packet.data), frames=1)
        self._orders.append(MuxVideo(packet))

    def _release_audio(self) -> None:
        """Let out the sound that belongs into the open group or before it."""
        if not self.audio_is_live:
            return
        border = self._border()
        while self._audio and (border is None or _audio_time(self._audio[0]) < border):
            packet = self._audio.popleft()
            self._count(len(packet.data), frames=0)
            self._orders.append(MuxAudio(packet))

    def _count(self, length_bytes: int, frames: int) -> None:
        if self._file is not None:
            self._file.bytes += length_bytes
            self._file.group_bytes += length_bytes
            self._file.group_frames += frames

    def _bound(self, packet: VideoPacket) -> None:
        """Refuse a stream that never gives a key frame."""
        waiting = len(self._video)
        frames = waiting + (self._file.group_frames if self._file is not None else 0)
        size = sum(len(waiter.data) for waiter in self._video) if waiting else 0
        size += self._file.group_bytes if self._file is not None else 0
        if not packet.keyframe and (frames >= GROUP_FRAMES_MAX or size + len(packet.data) > GROUP_BYTES_MAX):
            raise MediaLimitError(
                f"{frames} pictures of {size} bytes without a key frame, {GROUP_FRAMES_MAX} and {GROUP_BYTES_MAX} "
                "are the limits; set the encoder's group of pictures to one second",
            )

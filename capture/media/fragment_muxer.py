"""One footage file's MP4 muxer: packets in, whole fragments out.

Rules of this module: no numbering, no borders, no clock; what it says about a fragment it has read from the
fragment's bytes. Fragments begin at key frames and come out as soon as the next key frame is past the muxer's queue.

Options, and why:

* `frag_keyframe`: one fragment per group of pictures.
* `delay_moov`: the header is written with the first fragment, when start times are known; with `empty_moov` a track
  that starts late would lose its lateness.
* `default_base_moof`: a fragment can be read wherever it stands.
* `frag_discont`: decode times are session time, not time since the file began; the edit list carries nothing.
* `skip_trailer`: no index behind the last fragment; all of a file is header and fragments.
"""

from __future__ import annotations

from fractions import Fraction
from typing import Final

import av
from av.audio.stream import AudioStream
from av.container import OutputContainer
from av.packet import Packet
from av.stream import Stream
from av.video.stream import VideoStream

from capture.errors import MuxError
from capture.media.boxes import boxes, child, children, complete_fragments_bytes, track_fragments
from capture.media.limits import (
    AAC_FRAME_SAMPLES,
    AUDIO_TICKS_PER_SECOND,
    MUXER_HOLD_MICROSECONDS,
    VIDEO_TICKS_PER_SECOND,
)
from capture.media.values import AudioPacket, MuxedFragment, VideoPacket

MUXER_OPTIONS: Final = {
    "movflags": "frag_keyframe+delay_moov+default_base_moof+frag_discont+skip_trailer",
    "video_track_timescale": str(VIDEO_TICKS_PER_SECOND),
    "max_interleave_delta": str(MUXER_HOLD_MICROSECONDS),
}
_VIDEO_TRACK_ID = 1
_AUDIO_TRACK_ID = 2


class _Sink:
    """Collects what the muxer writes until fragments are whole; it writes 32 KiB at a time."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def write(self, data: bytes) -> int:
        self._bytes += data
        return len(data)

    def take(self) -> bytes:
        """Whole fragments collected so far."""
        if not self._bytes:
            return b""
        length = complete_fragments_bytes(self._bytes)
        taken = bytes(self._bytes[:length])
        del self._bytes[:length]
        return taken

    def rest_bytes(self) -> int:
        """Bytes that belong to no whole fragment."""
        return len(self._bytes)


class FragmentMuxer:
    """One file of a run.

    Args:
        video: Stream that every file of the run is opened with.
        audio: The sound's stream, None for a file without sound.
        frame_ticks: Duration of the file's last picture, 90 kHz ticks; all others last until the next one.

    Raises:
        MuxError: The muxer does not take the streams.
    """

    def __init__(self, video: VideoStream, audio: AudioStream | None, frame_ticks: int) -> None:
        self._sink = _Sink()
        self._header = b""
        self._frame_ticks = frame_ticks
        self._closed = False
        # The muxer begins a fragment where the last packet before it ended: sound lasts until the next of it, which
        # follows the clock by a tick more or less and may come after the fragment is out.
        self._held: AudioPacket | None = None
        try:
            self._container: OutputContainer = av.open(self._sink, "w", format="mp4", options=dict(MUXER_OPTIONS))
            self._video: Stream = self._container.add_stream_from_template(video)
            self._audio: Stream | None = None if audio is None else self._container.add_stream_from_template(audio)
        except av.FFmpegError as error:
            raise MuxError(f"the muxer does not take the streams: {error}") from error

    def video(self, packet: VideoPacket) -> list[MuxedFragment]:
        """Add a picture; give the fragments that became whole.

        Raises:
            MuxError: The muxer refused it, or wrote something that is not a fragment.
        """
        return self._mux(
            self._video, packet.data, packet.pts, self._frame_ticks, VIDEO_TICKS_PER_SECOND, key=packet.keyframe
        )

    def audio(self, packet: AudioPacket) -> list[MuxedFragment]:
        """Add an AAC frame; give the fragments that became whole.

        Raises:
            MuxError: The file has no sound track, the muxer refused the packet, or wrote no fragment.
        """
        if self._audio is None:
            raise MuxError("sound was given to a file that was opened without it; open a file with both tracks")
        held, self._held = self._held, packet
        return [] if held is None else self._mux_sound(self._audio, held, packet.pts - held.pts)

    def close(self) -> list[MuxedFragment]:
        """Write out what is left, the last fragment. A second call gives nothing.

        Raises:
            MuxError: Something is left that is not a fragment.
        """
        if self._closed:
            return []
        self._closed = True
        fragments = []
        if self._audio is not None and self._held is not None:
            fragments = self._mux_sound(self._audio, self._held, AAC_FRAME_SAMPLES)
        try:
            self._container.close()
        except av.FFmpegError as error:
            raise MuxError(f"the muxer did not write the file's last fragment: {error}") from error
        fragments += self._fragments()
        if self._sink.rest_bytes():
            raise MuxError(f"{self._sink.rest_bytes()} bytes behind the last fragment are no whole fragment")
        return fragments

    def _mux_sound(self, stream: Stream, packet: AudioPacket, duration: int) -> list[MuxedFragment]:
        return self._mux(stream, packet.data, packet.pts, duration, AUDIO_TICKS_PER_SECOND, key=True)

    def _mux(
        self, stream: Stream, data: bytes, pts: int, duration: int, ticks_per_second: int, *, key: bool
    ) -> list[MuxedFragment]:
        packet = Packet(data)
        packet.pts = packet.dts = pts
        packet.duration = duration
        packet.time_base = Fraction(1, ticks_per_second)
        packet.is_keyframe = key
        packet.stream = stream
        try:
            self._container.mux_one(packet)
        except (av.FFmpegError, ValueError) as error:
            raise MuxError(f"the muxer refused a packet of {len(data)} bytes at {pts}: {error}") from error
        return self._fragments()

    def _fragments(self) -> list[MuxedFragment]:
        """Cut what was written into fragments, each with the boxes in front of its moof."""
        written = self._sink.take()
        fragments: list[MuxedFragment] = []
        begin = offset = 0
        for box in boxes(written):
            offset += box.size_bytes
            if box.kind == "mdat":
                fragments.append(self._fragment(written[begin:offset]))
                begin = offset
        return fragments

    def _fragment(self, data: bytes) -> MuxedFragment:
        kinds = [box.kind for box in boxes(data)]
        expected = ["moof", "mdat"] if self._header else ["ftyp", "moov", "moof", "mdat"]
        if kinds != expected:
            raise MuxError(f"the muxer wrote {'+'.join(kinds)} where {'+'.join(expected)} must be")
        header_bytes = 0
        if not self._header:
            header_bytes = sum(box.size_bytes for box in boxes(data) if box.kind in {"ftyp", "moov"})
            self._header = data[:header_bytes]
            _check_edit_lists(self._header)
        tracks = track_fragments(data)
        return MuxedFragment(data, header_bytes, tracks.get(_VIDEO_TRACK_ID), tracks.get(_AUDIO_TRACK_ID))


def _check_edit_lists(header: bytes) -> None:
    """Refuse a header whose edit list moves anything: every fragment's time must stand by itself."""
    for edits in children(child(header, "moov"), "trak", "edts", "elst"):
        count, begin, end = int.from_bytes(edits[4:8], "big"), *((16, 24) if edits[0] else (12, 16))
        if count != 1 or any(edits[begin:end]):
            raise MuxError(f"the header's edit list has {count} edits and moves the track; session time would be lost")

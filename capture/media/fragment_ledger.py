"""Numbers and facts of fragments, checked against their bytes.

Rules of this module: pure. Packets are noted in the order in which they go into the muxer; when a fragment comes out,
its own boxes say how many of them it holds, and each one's time must be the time that it was given. What is sealed is
what is in the bytes; anything else is an error, never a record.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from capture.errors import MuxError
from capture.media.boxes import TrackFragment
from capture.media.limits import AAC_FRAME_SAMPLES
from capture.media.values import AudioPacket, CloseFacts, MuxedFragment, Numbering, VideoPacket
from sealing.records import Fragment


@dataclass(frozen=True, slots=True)
class _Picture:
    pts: int
    number: int
    dropped_before: int
    captured_boottime_ns: int


@dataclass(frozen=True, slots=True)
class _Sound:
    pts: int
    lost_before: int
    priming_samples: int
    padding_samples: int
    captured_boottime_ns: int


class FragmentLedger:
    """Counts frames and samples of the session.

    Args:
        numbering: Where the session's numbers stand.
    """

    def __init__(self, numbering: Numbering) -> None:
        self.next_frame = numbering.next_frame
        self.next_sample = numbering.next_sample
        self._pictures: deque[_Picture] = deque()
        self._sounds: deque[_Sound] = deque()
        self._index = 0
        self._priming_samples = 0
        self._padding_samples = 0

    def begin_file(self) -> None:
        """Start counting a file.

        Raises:
            MuxError: Packets of the file before never came out of the muxer.
        """
        if self._pictures or self._sounds:
            raise MuxError(
                f"{len(self._pictures)} pictures and {len(self._sounds)} packets of sound are in no fragment of the "
                "file that was closed",
            )
        self._index = self._priming_samples = self._padding_samples = 0

    def note_video(self, packet: VideoPacket) -> None:
        """Remember a picture that goes into the muxer."""
        self._pictures.append(
            _Picture(packet.pts, packet.number, packet.dropped_before, packet.captured_boottime_ns),
        )

    def note_audio(self, packet: AudioPacket) -> None:
        """Remember sound that goes into the muxer."""
        self._sounds.append(
            _Sound(
                packet.pts,
                packet.lost_before,
                packet.priming_samples,
                packet.padding_samples,
                packet.captured_boottime_ns,
            ),
        )

    def fragment(self, muxed: MuxedFragment, notice_end_ns: int | None) -> Fragment:
        """Make the record of a fragment that came out of the muxer.

        Args:
            muxed: The fragment.
            notice_end_ns: CLOCK_BOOTTIME at which the notice was over; None while it is not.

        Raises:
            MuxError: The fragment does not hold what went in.
        """
        pictures = self._take_pictures(muxed.video)
        sounds = self._take_sounds(muxed.audio)
        if not pictures and not sounds:
            raise MuxError("a fragment without a single sample came out of the muxer")
        captured_ns = pictures[0].captured_boottime_ns if pictures else sounds[0].captured_boottime_ns
        body = Fragment(
            index=self._index,
            first_frame=self.next_frame,
            frame_count=len(pictures),
            first_video_pts=pictures[0].pts if pictures else 0,
            last_video_pts=pictures[-1].pts if pictures else 0,
            first_sample=self.next_sample,
            sample_count=len(sounds) * AAC_FRAME_SAMPLES,
            first_audio_pts=sounds[0].pts if sounds else 0,
            dropped_frames=sum(picture.dropped_before for picture in pictures),
            lost_samples=sum(sound.lost_before for sound in sounds),
            captured_boottime_ns=captured_ns,
            before_notice=notice_end_ns is None or captured_ns < notice_end_ns,
        )
        self._count(body, sounds)
        return body

    def close_facts(self, reason: str) -> CloseFacts:
        """Facts of the file that ends now."""
        return CloseFacts(
            reason, self._index, self.next_frame, self.next_sample, self._priming_samples, self._padding_samples
        )

    def _count(self, body: Fragment, sounds: list[_Sound]) -> None:
        self._index += 1
        self.next_frame += body.frame_count
        self.next_sample += body.sample_count
        self._priming_samples += sum(sound.priming_samples for sound in sounds)
        self._padding_samples += sum(sound.padding_samples for sound in sounds)

    def _take_pictures(self, track: TrackFragment | None) -> list[_Picture]:
        count = 0 if track is None else track.count
        if count > len(self._pictures):
            raise MuxError(f"a fragment says {count} pictures, {len(self._pictures)} went into the muxer")
        pictures = [self._pictures.popleft() for _ in range(count)]
        _agree(track, [picture.pts for picture in pictures], "picture")
        if pictures and pictures[0].number != self.next_frame:
            raise MuxError(f"frame {pictures[0].number} came out of the muxer where frame {self.next_frame} was next")
        return pictures

    def _take_sounds(self, track: TrackFragment | None) -> list[_Sound]:
        count = 0 if track is None else track.count
        if count > len(self._sounds):
            raise MuxError(f"a fragment says {count} packets of sound, {len(self._sounds)} went into the muxer")
        sounds = [self._sounds.popleft() for _ in range(count)]
        _agree(track, [sound.pts for sound in sounds], "sound")
        return sounds


def _agree(track: TrackFragment | None, times: list[int], what: str) -> None:
    """Check every sample's time in the bytes against the time that it was given."""
    if track is None:
        return
    for index, (in_bytes, given) in enumerate(zip(track.decode_times, times, strict=True)):
        if in_bytes != given:
            raise MuxError(f"{what} {index} of a fragment stands at {in_bytes} in the bytes and was given {given}")

"""Values of the media path.

Rules of this module: frozen dataclasses only; units stand in the names; `pts` is session time in the track's own
ticks (video 90 kHz, audio 48 kHz).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from fractions import Fraction

from capture.media.boxes import TrackFragment
from capture.media.limits import AAC_FRAME_SAMPLES


@dataclass(frozen=True, slots=True)
class VideoPacket:
    """One picture on its way to the muxer."""

    data: bytes = field(repr=False)
    pts: int
    keyframe: bool
    number: int
    """Session-wide frame number."""
    captured_boottime_ns: int
    dropped_before: int = 0
    """Pictures that the sensor made and that never arrived, right before this one."""


@dataclass(frozen=True, slots=True)
class AudioPacket:
    """One AAC frame on its way to the muxer."""

    data: bytes = field(repr=False)
    pts: int
    captured_boottime_ns: int
    lost_before: int = 0
    """Samples that the microphone lost right before this packet's."""
    priming_samples: int = 0
    """Samples in it that stand before the first captured one."""
    padding_samples: int = 0
    """Silent samples in it that fill it up."""

    @property
    def end_pts(self) -> int:
        """Session time at which the packet's sound is over."""
        return self.pts + AAC_FRAME_SAMPLES


@dataclass(frozen=True, slots=True)
class MuxedFragment:
    """A fragment and what its bytes say."""

    data: bytes = field(repr=False)
    """The fragment; the first of a file has the header in front."""
    header_bytes: int
    """Length of the header (ftyp and moov) in front, 0 for all but the first."""
    video: TrackFragment | None
    audio: TrackFragment | None


@dataclass(frozen=True, slots=True)
class Tracks:
    """Which tracks a file carries; fixed for the file. Every file has pictures: sound alone is not recorded."""

    audio: bool


@dataclass(frozen=True, slots=True)
class Numbering:
    """Where the session's numbers stand; what a recovered session goes on from."""

    next_frame: int = 0
    next_sample: int = 0
    run: int = 0
    """Number of the last run that was begun, 0 before the first."""


@dataclass(frozen=True, slots=True)
class MediaSettings:
    """What the pipeline is told about the session and its streams."""

    session_id: bytes
    frames_per_second: Fraction = Fraction(30)
    audio_bitrate_bps: int = 96_000
    notice_expected: bool = False
    """The profile has a notice: fragments count as before it until `notice_over` says otherwise."""


@dataclass(frozen=True, slots=True)
class CloseFacts:
    """How a footage file ended; the writer adds what it alone knows and seals it as CLOSE."""

    reason: str
    fragments: int
    next_frame: int
    next_sample: int
    audio_priming_samples: int
    audio_padding_samples: int


@dataclass(frozen=True, slots=True)
class FrameMoment:
    """A picture and when it was taken."""

    number: int
    captured_boottime_ns: int
    media_time_ns: int


@dataclass(frozen=True, slots=True)
class CivilMoment:
    """A moment in civil time."""

    utc_ns: int
    trusted: bool
    """Whether the clock was set by somebody who knows, and not since let go."""


@dataclass(frozen=True, slots=True)
class MediaStatistics:
    """What the pipeline took and refused since it was made."""

    frames: int = 0
    dropped_frames: int = 0
    """Missing in the sensor's count, refused ones included."""
    refused_backward_frames: int = 0
    """Captured before the frame before."""
    refused_undecodable_frames: int = 0
    """Before the first key frame of an encoder."""
    refused_oversized_frames: int = 0
    idle_frames: int = 0
    """Delivered while no run was open: not recorded."""
    captured_samples: int = 0
    """Samples that went into the encoder."""
    lost_samples: int = 0
    early_samples: int = 0
    """Captured before the run's first frame, or while no run was open: not recorded."""
    refused_samples: int = 0
    """Malformed blocks, and sound without picture."""
    encoder_restarts: int = 0
    fragments: int = 0
    files: int = 0

"""Values that cross the hardware ports.

Rules of this module: frozen dataclasses and enums only, and the one thing that a driver calls while it makes a
picture; no behaviour beyond derived properties; units stand in the names. Nothing here may import another module of the
project.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt


class TimeSource(Enum):
    """Where the civil time of a reading comes from, best first."""

    NETWORK = "network"
    """Disciplined by a time server (chrony) and inside the kernel's own error bound."""
    STORE = "store"
    """Set from a store-signed time token."""
    RTC = "rtc"
    """Taken from a battery-backed real-time clock at start and free running since."""
    UNSET = "unset"
    """Nothing vouches for it."""

    @property
    def is_vouched_for(self) -> bool:
        """Whether somebody outside the unit answers for the time."""
        return self in {TimeSource.NETWORK, TimeSource.STORE}


@dataclass(frozen=True, slots=True)
class ClockReading:
    """Civil and monotonic time, taken together."""

    utc_ns: int
    """Nanoseconds since 1970-01-01T00:00:00Z as the unit's clock has it."""
    boottime_ns: int
    """CLOCK_BOOTTIME in nanoseconds: never steps, counts suspend, starts near 0 at boot."""
    source: TimeSource
    uncertainty_ns: int
    """Largest error of `utc_ns` that the source admits; -1 when it admits none (source UNSET)."""
    boot_id: str
    """Kernel boot id: two readings share a monotonic axis only when this is equal."""


@dataclass(frozen=True, slots=True)
class BatteryReading:
    """State of the pack."""

    charge_percent: float
    """0 to 100; falling reads are not smoothed."""
    voltage_mv: int
    charging: bool
    draw_mw: float | None
    """Power drawn now in milliwatts, None where the gauge does not know."""
    capacity_mwh: float | None
    """Energy of a full pack in milliwatt hours, None where unknown."""


@dataclass(frozen=True, slots=True)
class StorageReading:
    """State of the evidence medium."""

    total_bytes: int
    free_bytes: int
    """Bytes that the agent may still write."""
    writable: bool
    life_percent: float | None
    """Remaining life of the medium, None where it cannot be read."""


class Caption(Protocol):
    """What is written into every picture before it is encoded (DR-37)."""

    def draw(self, luma: npt.NDArray[np.uint8], captured_boottime_ns: int) -> None:
        """Write into a picture. On the driver's thread; as a rule well under a millisecond.

        Args:
            luma: The picture's writable Y plane, row by row, video range.
            captured_boottime_ns: Sensor time of the picture on CLOCK_BOOTTIME.
        """
        ...


@dataclass(frozen=True, slots=True)
class CameraSettings:
    """What the camera is asked to deliver: H.264, closed GOPs, every IDR preceded by SPS and PPS (Annex B)."""

    width_pixels: int = 1920
    height_pixels: int = 1080
    frames_per_second: Fraction = Fraction(30)
    bitrate_bps: int = 8_000_000
    caption: Caption | None = field(default=None, compare=False, repr=False)
    """Writes into every picture; what is in force need not repeat it."""

    @property
    def gop_frames(self) -> int:
        """Frames in one closed group of pictures, about one second."""
        return max(1, round(self.frames_per_second))


@dataclass(frozen=True, slots=True)
class PictureStatistics:
    """What the preflight and the black/frozen watch need to know of one picture."""

    mean_luma: float
    """0 to 255."""
    luma_deviation: float
    """Standard deviation of luma, 0 to 127.5: a covered lens is near 0."""
    fingerprint: bytes
    """16 × 9 luma thumbnail, 144 bytes, row by row; two equal ones in a row mean a frozen picture."""


@dataclass(frozen=True, slots=True)
class EncodedFrame:
    """One access unit from the camera's encoder."""

    data: bytes
    """Annex B bytes; a key frame carries SPS and PPS in front."""
    captured_boottime_ns: int
    """Sensor time of the picture on CLOCK_BOOTTIME (picamera2: SensorTimestamp)."""
    keyframe: bool
    sensor_sequence: int
    """Counts every picture that the sensor made since `start`; a jump means that pictures were dropped."""
    picture: PictureStatistics | None = None
    """Filled for about one frame in a second, None for the others."""


@dataclass(frozen=True, slots=True)
class MicrophoneSettings:
    """What the microphone is asked to deliver: signed 16 bit little endian, mono."""

    sample_rate_hz: int = 48_000
    block_samples: int = 960


@dataclass(frozen=True, slots=True)
class AudioBlock:
    """A run of consecutive samples."""

    samples: bytes
    """s16le mono."""
    first_sample: int
    """Number of the first sample since `start`, counted by the card; samples lost in an overrun are counted too."""
    captured_boottime_ns: int
    """CLOCK_BOOTTIME at which the first sample was taken."""
    lost_samples: int = 0
    """Samples lost between the block before and this one (overrun), 0 as a rule."""

    @property
    def sample_count(self) -> int:
        """Samples in the block."""
        return len(self.samples) // 2


@dataclass(frozen=True, slots=True)
class SoundClip:
    """Something to be played: signed 16 bit little endian, mono."""

    samples: bytes = field(repr=False)
    sample_rate_hz: int
    label: str
    """What it is, for logs (the words, or the name of the tone)."""

    @property
    def duration_ns(self) -> int:
        """Length of the clip in nanoseconds."""
        return len(self.samples) // 2 * 1_000_000_000 // self.sample_rate_hz


@dataclass(frozen=True, slots=True)
class Playback:
    """When a clip was really played."""

    started_boottime_ns: int
    ended_boottime_ns: int
    complete: bool
    """False when it was stopped before its end."""


class ButtonName(Enum):
    """Buttons that a recorder can have."""

    RECORD = "record"
    MARK = "mark"


@dataclass(frozen=True, slots=True)
class ButtonEdge:
    """One debounced edge of one button."""

    button: ButtonName
    pressed: bool
    at_boottime_ns: int
    """Time of the first contact of the edge."""


class LampColour(Enum):
    """Colours that an indicator can show."""

    OFF = "off"
    GREEN = "green"
    YELLOW = "yellow"
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True, slots=True)
class LampPattern:
    """What the lamp shows until it is told otherwise."""

    colour: LampColour
    on_ms: int = 1000
    off_ms: int = 0
    """0 means steady."""
    meaning: str = ""
    """The state that it stands for, for logs and the simulator's panel."""


@dataclass(frozen=True, slots=True)
class VibrationPattern:
    """Alternating on and off times in milliseconds, starting with on."""

    on_off_ms: tuple[int, ...]
    meaning: str = ""


@dataclass(frozen=True, slots=True)
class DockReading:
    """Whether the unit sits in its dock."""

    docked: bool
    changed_boottime_ns: int
    """Time of the last change, 0 when there was none since start."""


@dataclass(frozen=True, slots=True)
class ClockComparison:
    """The civil time held against what else the unit knows of it; None where nothing is known."""

    rtc_difference_ns: int | None
    """Civil time minus the battery-backed clock's."""
    kernel_offset_ns: int | None
    """What the kernel still corrects civil time by; known only while a time server disciplines it."""


@dataclass(frozen=True, slots=True)
class HeatReading:
    """Heat and power of the board, now; what the board does not tell is None or False."""

    temperature_celsius: float | None
    """The hottest place that is measured; None where nothing measures."""
    throttled: bool
    """The board slows itself down, by heat or by power."""
    undervoltage: bool
    """The supply is too weak now."""


@dataclass(frozen=True, slots=True)
class PartDescription:
    """Make and model of a part, as far as its driver knows, for BOOT and `doctor`."""

    part: str
    model: str
    detail: str = ""

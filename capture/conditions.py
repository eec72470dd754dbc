"""What may go wrong while a recording goes on, as pure rules: a look at the parts in, what stands and what is over out.

Rules of this module: no measuring and no memory. What cannot be told is left out, so that an unknown never passes for
sound or for broken. Between the two thresholds of a rule nothing is said: nothing flickers.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from capture.preflight import Measurements, is_frozen, is_heard
from capture.profile import PreflightSection, WarningsSection
from hal.values import PictureStatistics

DEAD_SECONDS = 3.0
"""Digital silence, or no block at all, for so long: the microphone is dead."""
BLACK_PICTURES = 4
"""Measured pictures in a row, about one a second, that are black or flat."""
FROZEN_PICTURES = 5
"""Measured pictures in a row that are the same to the last step of luma."""
BATTERY_PERCENT_END = 2.0
"""Below this the recording ends in order where no drain could be measured."""
SLOW_SECONDS = 5.0
"""So much recording waits for the medium: it is slow. Memory holds at least 10 s (R13)."""
CLIPPED_SECONDS = 3
"""So many seconds with sound at full scale, of the last `CLIPPED_OF_SECONDS`: what is recorded is distorted."""
CLIPPED_OF_SECONDS = 10
UNCLIPPED_SECONDS = 30
"""Not one for so long: it is over. So a loud street is told of once, not at each horn."""
WHOLE_SECONDS = 60
"""Nothing lost for so long: the losses are over. A camera that skips now and then is told of once a minute at most."""
_SLACK_MINUTES = 5
_SLACK_CELSIUS = 5.0
_CAUGHT_UP_SECONDS = 1.0
_ALIVE_SECONDS = 1.0
_SECOND_NS = 1_000_000_000


class Condition(StrEnum):
    """What the unit finds while it records; the value is the code that is sealed."""

    MICROPHONE = "microphone-fault"
    BLACK = "camera-black"
    FROZEN = "camera-frozen"
    MEDIUM = "storage-fault"
    BATTERY = "battery-low"
    SPACE = "storage-low"
    SLOW = "storage-slow"
    HOT = "heat-high"
    SUPPLY = "supply-weak"
    CLIPPING = "microphone-clipping"
    FRAMES_LOST = "frames-lost"
    FRAMES_LATE = "frames-late"
    SOUND_LOST = "sound-lost"


PARTS: Mapping[Condition, str] = {
    Condition.MICROPHONE: "microphone",
    Condition.BLACK: "camera",
    Condition.FROZEN: "camera",
    Condition.MEDIUM: "storage",
}
"""Conditions that are the fault of a part (R18); the others are shortages."""

FIGURES: Mapping[Condition, str] = {
    Condition.BATTERY: "minutes",
    Condition.SPACE: "minutes",
    Condition.SLOW: "seconds",
    Condition.HOT: "celsius",
    Condition.CLIPPING: "permille",
    Condition.FRAMES_LOST: "frames",
    Condition.FRAMES_LATE: "frames",
    Condition.SOUND_LOST: "samples",
}
"""What is measured where a condition has a figure, under which name it is sealed."""


@dataclass(frozen=True, slots=True)
class Losses:
    """What of picture and sound did not come whole, counted from one moment on."""

    frames: int = 0
    """Pictures that the sensor made and that are not in the recording."""
    late_frames: int = 0
    """Pictures that came long after they were taken; they are in the recording, at their own time."""
    samples: int = 0
    """Samples that the microphone lost."""

    def since(self, before: Losses) -> Losses:
        """What came on top of what was counted before."""
        return Losses(self.frames - before.frames, self.late_frames - before.late_frames, self.samples - before.samples)


@dataclass(frozen=True, slots=True)
class Glance:
    """One look at a unit that records; None where a part did not answer."""

    now_ns: int
    last_signal_ns: int | None
    """CLOCK_BOOTTIME of the last block with a sample other than 0, or of the microphone's start."""
    pictures: Sequence[PictureStatistics]
    """The last measured pictures, oldest first."""
    battery_minutes: int | None
    battery_percent: float | None
    charging: bool
    storage_minutes: int | None
    waiting_seconds: float | None = None
    """Recording that waits in memory for the medium."""
    temperature_celsius: float | None = None
    undervoltage: bool | None = None
    clipped_permille: Sequence[int] = ()
    """Samples at full scale of a thousand, in each of the last seconds with sound, oldest first."""
    losses: Sequence[Losses] = ()
    """What was lost in each of the last seconds, oldest first."""
    lost: Losses = Losses()
    """What was lost since the recording began or went on."""
    signal_came: bool = True
    """A sample other than 0 came since the microphone's start: a start alone shows nothing of it."""


def conditions(glance: Glance, limits: PreflightSection, warnings: WarningsSection) -> dict[Condition, bool]:
    """Tell what stands (True) and what does not (False); what cannot be told is not in the answer.

    Args:
        glance: What was seen.
        limits: When a picture is black or flat, and sound clips.
        warnings: When the alarms are due.
    """
    found = pictures_show(glance.pictures, limits)
    _put(found, Condition.MICROPHONE, _microphone(glance))
    battery = None if glance.charging else glance.battery_minutes
    _put(found, Condition.BATTERY, False if glance.charging else _short(battery, warnings.battery_alarm_minutes))
    _put(found, Condition.SPACE, _short(glance.storage_minutes, warnings.storage_alarm_minutes))
    _put(found, Condition.SLOW, _above(glance.waiting_seconds, SLOW_SECONDS, SLOW_SECONDS - _CAUGHT_UP_SECONDS))
    _put(found, Condition.HOT, _above(glance.temperature_celsius, warnings.heat_alarm_celsius, _SLACK_CELSIUS))
    _put(found, Condition.SUPPLY, glance.undervoltage)
    _put(found, Condition.CLIPPING, _clipping(glance.clipped_permille, limits.clipped_permille_max))
    _put(found, Condition.FRAMES_LOST, _losing([each.frames for each in glance.losses]))
    _put(found, Condition.FRAMES_LATE, _losing([each.late_frames for each in glance.losses]))
    _put(found, Condition.SOUND_LOST, _losing([each.samples for each in glance.losses]))
    return found


def pictures_show(pictures: Sequence[PictureStatistics], limits: PreflightSection) -> dict[Condition, bool]:
    """As `conditions`, of what pictures alone tell."""
    found: dict[Condition, bool] = {}
    black = _black(pictures, limits)
    _put(found, Condition.BLACK, black)
    # A covered lens gives equal pictures too: it is black, not frozen.
    _put(found, Condition.FROZEN, False if black else _frozen(pictures))
    return found


def found_working(measured: Measurements, limits: PreflightSection) -> frozenset[Condition]:
    """Faults that the figures of a check show to be over, where they stood (CS-38).

    Args:
        measured: What the check measured.
        limits: Its thresholds.
    """
    over = {each for each, stands in pictures_show(measured.pictures, limits).items() if not stands}
    return frozenset({*over, Condition.MICROPHONE} if is_heard(measured.sound, limits) else over)


def battery_must_end(glance: Glance, warnings: WarningsSection) -> bool:
    """Tell whether the recording has to end now, in order, before the pack is empty."""
    if glance.charging:
        return False
    if glance.battery_minutes is not None:
        return glance.battery_minutes < warnings.battery_end_minutes
    return glance.battery_percent is not None and glance.battery_percent < BATTERY_PERCENT_END


def heat_must_end(glance: Glance, warnings: WarningsSection) -> bool:
    """Tell whether the recording has to end now, in order, before the board stops by itself."""
    return glance.temperature_celsius is not None and glance.temperature_celsius >= warnings.heat_end_celsius


def figure_of(condition: Condition, glance: Glance) -> int | None:
    """What was measured, for a condition of `FIGURES`; rounded to whole units."""
    figures: Mapping[Condition, float | None] = {
        Condition.BATTERY: glance.battery_minutes,
        Condition.SPACE: glance.storage_minutes,
        Condition.SLOW: glance.waiting_seconds,
        Condition.HOT: glance.temperature_celsius,
        Condition.CLIPPING: max(glance.clipped_permille[-CLIPPED_OF_SECONDS:], default=None),
        Condition.FRAMES_LOST: glance.lost.frames,
        Condition.FRAMES_LATE: glance.lost.late_frames,
        Condition.SOUND_LOST: glance.lost.samples,
    }
    figure = figures.get(condition)
    return None if figure is None else round(figure)


def _put(found: dict[Condition, bool], condition: Condition, stands: bool | None) -> None:
    if stands is not None:
        found[condition] = stands


def _microphone(glance: Glance) -> bool | None:
    if glance.last_signal_ns is None:
        return None
    silent_seconds = (glance.now_ns - glance.last_signal_ns) / _SECOND_NS
    if silent_seconds > DEAD_SECONDS:
        return True
    return False if glance.signal_came and silent_seconds < _ALIVE_SECONDS else None


def _black(pictures: Sequence[PictureStatistics], limits: PreflightSection) -> bool | None:
    if not pictures:
        return None
    last = pictures[-BLACK_PICTURES:]
    dark = [each.mean_luma < limits.luma_min or each.luma_deviation < limits.luma_deviation_min for each in last]
    if all(dark):
        return True if len(dark) == BLACK_PICTURES else None
    return None if dark[-1] else False


def _frozen(pictures: Sequence[PictureStatistics]) -> bool | None:
    if len(pictures) > 1 and pictures[-1].fingerprint != pictures[-2].fingerprint:
        return False
    last = pictures[-FROZEN_PICTURES:]
    return True if len(last) == FROZEN_PICTURES and is_frozen(last) else None


def _clipping(permille: Sequence[int], permille_max: int) -> bool | None:
    clipped = [each > permille_max for each in permille[-UNCLIPPED_SECONDS:]]
    if sum(clipped[-CLIPPED_OF_SECONDS:]) >= CLIPPED_SECONDS:
        return True
    return None if any(clipped) or len(clipped) < UNCLIPPED_SECONDS else False


def _losing(counts: Sequence[int]) -> bool | None:
    """A loss stands from its second on until nothing was lost for `WHOLE_SECONDS`."""
    last = counts[-WHOLE_SECONDS:]
    if last and last[-1] > 0:
        return True
    return None if any(last) or len(last) < WHOLE_SECONDS else False


def _short(minutes: int | None, alarm_minutes: int) -> bool | None:
    if minutes is None:
        return None
    if minutes <= alarm_minutes:
        return True
    return False if minutes > alarm_minutes + _SLACK_MINUTES else None


def _above(figure: float | None, limit: float, slack: float) -> bool | None:
    if figure is None:
        return None
    if figure >= limit:
        return True
    return False if figure < limit - slack else None

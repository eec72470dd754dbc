"""The checks before a recording, as pure rules: measurements in, verdicts with figure and threshold out (CS-5, R1).

Rules of this module: no measuring here. A value that could not be measured is None and never passes in silence. What
the result leads to (announce or block) is the session machine's to decide.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from capture.profile import PreflightSection
from hal.values import BatteryReading, ClockComparison, ClockReading, PictureStatistics, StorageReading
from sealing.records import CheckResult, CheckVerdict

AUDIO_BYTES_PER_SECOND = 10_000
"""What AAC at 64–80 kbit/s, boxes and record headers take beside the picture."""

UNKNOWN = -1
"""Figure of what nothing told: a charge or an uncertainty, which are never negative."""
SOURCE_UNIT = "source-"
"""Unit of a figure that is no number: which source the civil time has."""
RTC_DIFFERENCE_MS_MAX = 3_000
"""A battery-backed clock that is further off civil time will start the unit wrong; it tells whole seconds."""

CHECKS = ("battery", "storage", "clock", "camera", "microphone", "speaker", "key", "spool")
"""Codes of all checks, in the order in which they are sealed."""
CAPTION = "caption"
"""Code of the check behind them, where the profile wants a burnt-in line."""

_SEVERITY = {CheckVerdict.PASS: 0, CheckVerdict.DEGRADED: 1, CheckVerdict.FAIL: 2}


NOTHING_COMPARED = ClockComparison(rtc_difference_ns=None, kernel_offset_ns=None)


@dataclass(frozen=True, slots=True)
class SoundLevel:
    """What the microphone gave during the check."""

    samples: int
    rms_dbfs: float
    """Level over the whole stretch; -120 stands for digital silence."""
    clipped_permille: int
    """Samples at full scale, of a thousand."""


@dataclass(frozen=True, slots=True)
class Measurements:
    """Everything that the rules look at; None where a part did not answer."""

    battery: BatteryReading | None
    storage: StorageReading | None
    clock: ClockReading
    frames: int
    """Pictures that the camera delivered since it was started."""
    pictures: tuple[PictureStatistics, ...]
    sound: SoundLevel | None
    chirp_heard: bool | None
    """Whether the microphone heard the loudspeaker's chirp; None when it could not be played."""
    key_ready: bool
    """The signing key answered and the chain is open."""
    spool_ready: bool
    """The writer accepts records."""
    bitrate_bps: int
    """Bit rate of the picture: as measured while recording last, else as asked of the camera."""
    battery_minutes: int | None = None
    """Minutes of recording in the pack by measured drain; None while charging, and where nothing tells it."""
    reserve_bytes: int = 0
    """Room on the medium that footage may not use."""
    comparison: ClockComparison = NOTHING_COMPARED
    """What civil time could be held against."""
    caption_ready: bool | None = None
    """Whether the burnt-in line can be written; None where the profile wants none."""


@dataclass(frozen=True, slots=True)
class PreflightResult:
    """Verdict of every check, and the worst of them."""

    verdict: CheckVerdict
    checks: tuple[CheckResult, ...]

    def failing(self) -> tuple[str, ...]:
        """The checks that did not pass, each once, as `check:verdict`; of two figures of one part the graver one."""
        gravest: dict[str, CheckVerdict] = {}
        for check in self.checks:
            if check.verdict is not CheckVerdict.PASS:
                before = gravest.get(check.check, check.verdict)
                gravest[check.check] = max(before, check.verdict, key=_SEVERITY.__getitem__)
        return tuple(f"{code}:{verdict.value}" for code, verdict in gravest.items())


def judge(measured: Measurements, limits: PreflightSection) -> PreflightResult:
    """Apply every rule.

    Args:
        measured: What was measured on the recording's own first seconds.
        limits: Thresholds of the profile.

    Returns:
        One result per code of `CHECKS`, in that order; behind the battery's percent its minutes, where they are known,
        and behind the clock's uncertainty its source, and its offsets where they are known; at the end the burnt-in
        line, where the profile wants it.
    """
    checks = (
        _battery(measured.battery, limits),
        *_battery_minutes(measured.battery_minutes, limits),
        _storage(measured, limits),
        *_clock(measured, limits),
        _camera(measured.frames, measured.pictures, limits),
        _microphone(measured.sound, limits),
        _yes_or("speaker", measured.chirp_heard, CheckVerdict.DEGRADED),
        _yes_or("key", measured.key_ready, CheckVerdict.FAIL),
        _yes_or("spool", measured.spool_ready, CheckVerdict.FAIL),
        *_caption(measured.caption_ready),
    )
    return PreflightResult(worst(checks), checks)


def judge_standing(measured: Measurements, limits: PreflightSection) -> PreflightResult:
    """Apply the rules that need no camera and no sound: what an idle unit checks all the time."""
    checks = (
        _battery(measured.battery, limits),
        *_battery_minutes(measured.battery_minutes, limits),
        _storage(measured, limits),
        *_clock(measured, limits),
        _yes_or("key", measured.key_ready, CheckVerdict.FAIL),
        _yes_or("spool", measured.spool_ready, CheckVerdict.FAIL),
        *_caption(measured.caption_ready),
    )
    return PreflightResult(worst(checks), checks)


def worst(checks: Sequence[CheckResult]) -> CheckVerdict:
    """The gravest verdict of all; PASS for none."""
    return max((check.verdict for check in checks), key=_SEVERITY.__getitem__, default=CheckVerdict.PASS)


def recordable_minutes(free_bytes: int, bitrate_bps: int) -> int:
    """Whole minutes that fit into `free_bytes` at the bit rate of picture and sound."""
    return int(max(0, free_bytes) / (bitrate_bps / 8 + AUDIO_BYTES_PER_SECOND) / 60)


def _battery(reading: BatteryReading | None, limits: PreflightSection) -> CheckResult:
    if reading is None:
        return CheckResult("battery", CheckVerdict.DEGRADED, UNKNOWN, int(limits.battery_percent_low), "percent")
    figure = int(reading.charge_percent)
    if reading.charge_percent < limits.battery_percent_min:
        return CheckResult("battery", CheckVerdict.FAIL, figure, int(limits.battery_percent_min), "percent")
    low = reading.charge_percent < limits.battery_percent_low
    verdict = CheckVerdict.DEGRADED if low else CheckVerdict.PASS
    return CheckResult("battery", verdict, figure, int(limits.battery_percent_low), "percent")


def _battery_minutes(minutes: int | None, limits: PreflightSection) -> tuple[CheckResult, ...]:
    if minutes is None:
        return ()
    if minutes < limits.battery_minutes_min:
        return (CheckResult("battery", CheckVerdict.FAIL, minutes, limits.battery_minutes_min, "minutes"),)
    verdict = CheckVerdict.DEGRADED if minutes < limits.battery_minutes_low else CheckVerdict.PASS
    return (CheckResult("battery", verdict, minutes, limits.battery_minutes_low, "minutes"),)


def _storage(measured: Measurements, limits: PreflightSection) -> CheckResult:
    if measured.storage is None or not measured.storage.writable:
        return CheckResult("storage", CheckVerdict.FAIL, 0, limits.storage_minutes_min, "minutes")
    minutes = recordable_minutes(measured.storage.free_bytes - measured.reserve_bytes, measured.bitrate_bps)
    if minutes < limits.storage_minutes_min:
        return CheckResult("storage", CheckVerdict.FAIL, minutes, limits.storage_minutes_min, "minutes")
    verdict = CheckVerdict.DEGRADED if minutes < limits.storage_minutes_low else CheckVerdict.PASS
    return CheckResult("storage", verdict, minutes, limits.storage_minutes_low, "minutes")


def _clock(measured: Measurements, limits: PreflightSection) -> tuple[CheckResult, ...]:
    """Uncertainty; source; what the kernel still slews; the difference to the battery-backed clock (R1)."""
    reading, held = measured.clock, measured.comparison
    checks = [
        _uncertainty(reading, limits),
        CheckResult("clock", CheckVerdict.PASS, 1, None, f"{SOURCE_UNIT}{reading.source.value}"),
    ]
    if held.kernel_offset_ns is not None:
        checks.append(_within("offset-ms", held.kernel_offset_ns, limits.clock_uncertainty_ms_max))
    if held.rtc_difference_ns is not None:
        checks.append(_within("rtc-ms", held.rtc_difference_ns, RTC_DIFFERENCE_MS_MAX))
    return tuple(checks)


def _within(unit: str, figure_ns: int, limit_ms: int) -> CheckResult:
    figure_ms = round(figure_ns / 1_000_000)
    verdict = CheckVerdict.PASS if abs(figure_ms) <= limit_ms else CheckVerdict.DEGRADED
    return CheckResult("clock", verdict, figure_ms, limit_ms, unit)


def _uncertainty(reading: ClockReading, limits: PreflightSection) -> CheckResult:
    if reading.uncertainty_ns < 0:
        return CheckResult("clock", CheckVerdict.DEGRADED, UNKNOWN, limits.clock_uncertainty_ms_max, "ms")
    figure = reading.uncertainty_ns // 1_000_000
    verdict = CheckVerdict.PASS if figure <= limits.clock_uncertainty_ms_max else CheckVerdict.DEGRADED
    return CheckResult("clock", verdict, figure, limits.clock_uncertainty_ms_max, "ms")


def _camera(frames: int, pictures: Sequence[PictureStatistics], limits: PreflightSection) -> CheckResult:
    if frames == 0:
        return CheckResult("camera", CheckVerdict.FAIL, 0, 1, "frames")
    if not pictures:
        return CheckResult("camera", CheckVerdict.DEGRADED, frames, None, "frames")
    brightest = max(picture.mean_luma for picture in pictures)
    liveliest = max(picture.luma_deviation for picture in pictures)
    if brightest < limits.luma_min:
        return CheckResult("camera", CheckVerdict.FAIL, int(brightest), limits.luma_min, "luma")
    if liveliest < limits.luma_deviation_min:
        return CheckResult("camera", CheckVerdict.FAIL, int(liveliest), limits.luma_deviation_min, "luma-deviation")
    if is_frozen(pictures):
        return CheckResult("camera", CheckVerdict.FAIL, len(pictures), 1, "equal-pictures")
    return CheckResult("camera", CheckVerdict.PASS, int(brightest), limits.luma_min, "luma")


def is_frozen(pictures: Sequence[PictureStatistics]) -> bool:
    """Tell whether at least two pictures were seen and all have the same fingerprint."""
    return len(pictures) > 1 and all(one.fingerprint == two.fingerprint for one, two in pairwise(pictures))


def is_heard(sound: SoundLevel | None, limits: PreflightSection) -> bool:
    """Tell whether the microphone gives more than silence."""
    return sound is not None and sound.samples > 0 and sound.rms_dbfs >= limits.microphone_dbfs_min


def _microphone(sound: SoundLevel | None, limits: PreflightSection) -> CheckResult:
    if sound is None or sound.samples == 0:
        return CheckResult("microphone", CheckVerdict.FAIL, -120, limits.microphone_dbfs_min, "dbfs")
    level = round(sound.rms_dbfs)
    if sound.rms_dbfs < limits.microphone_dbfs_min:
        return CheckResult("microphone", CheckVerdict.FAIL, level, limits.microphone_dbfs_min, "dbfs")
    if sound.clipped_permille > limits.clipped_permille_max:
        figure = sound.clipped_permille
        return CheckResult("microphone", CheckVerdict.DEGRADED, figure, limits.clipped_permille_max, "permille")
    return CheckResult("microphone", CheckVerdict.PASS, level, limits.microphone_dbfs_min, "dbfs")


def _caption(ready: bool | None) -> tuple[CheckResult, ...]:
    """A missing line does not spoil the recording, and is announced with the rest (CS-34)."""
    return () if ready is None else (_yes_or(CAPTION, ready, CheckVerdict.DEGRADED),)


def _yes_or(check: str, answer: bool | None, otherwise: CheckVerdict) -> CheckResult:
    return CheckResult(check, CheckVerdict.PASS if answer else otherwise, int(bool(answer)), 1, "ok")

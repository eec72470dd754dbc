"""The rules of the checks, each with figure and threshold (R1, CS-5)."""

from dataclasses import replace

import pytest

from capture.preflight import CHECKS, Measurements, SoundLevel, judge, judge_standing, recordable_minutes
from capture.profile import PreflightSection
from hal.values import BatteryReading, ClockComparison, ClockReading, PictureStatistics, StorageReading, TimeSource
from sealing.records import CheckResult, CheckVerdict

GIB = 1 << 30
BRIGHT = PictureStatistics(120.0, 40.0, b"a" * 144)
LATER = PictureStatistics(121.0, 40.0, b"b" * 144)
HEALTHY = Measurements(
    battery=BatteryReading(80.0, 7_900, charging=False, draw_mw=None, capacity_mwh=None),
    storage=StorageReading(64 * GIB, 32 * GIB, writable=True, life_percent=None),
    clock=ClockReading(0, 0, TimeSource.NETWORK, 20_000_000, "boot"),
    frames=45,
    pictures=(BRIGHT, LATER),
    sound=SoundLevel(70_000, -38.2, 0),
    chirp_heard=True,
    key_ready=True,
    spool_ready=True,
    bitrate_bps=8_000_000,
)
LIMITS = PreflightSection()


def check(code: str, **changes: object) -> CheckResult:
    measured = replace(HEALTHY, **changes)  # type: ignore[arg-type]
    return next(found for found in judge(measured, LIMITS).checks if found.check == code)


def test_a_healthy_unit_passes_every_check() -> None:
    outcome = judge(HEALTHY, LIMITS)
    assert outcome.verdict is CheckVerdict.PASS
    assert tuple(dict.fromkeys(found.check for found in outcome.checks)) == CHECKS
    assert outcome.failing() == ()


@pytest.mark.parametrize(
    ("percent", "verdict", "threshold"),
    [
        (30.0, CheckVerdict.PASS, 30),
        (29.9, CheckVerdict.DEGRADED, 30),
        (10.0, CheckVerdict.DEGRADED, 30),
        (9.9, CheckVerdict.FAIL, 10),
    ],
)
@pytest.mark.requirement("R1", "all")
def test_battery(percent: float, verdict: CheckVerdict, threshold: int) -> None:
    reading = BatteryReading(percent, 7_000, charging=False, draw_mw=None, capacity_mwh=None)
    assert check("battery", battery=reading) == CheckResult("battery", verdict, int(percent), threshold, "percent")


@pytest.mark.parametrize(
    ("minutes", "verdict", "threshold"),
    [(60, CheckVerdict.PASS, 60), (59, CheckVerdict.DEGRADED, 60), (9, CheckVerdict.FAIL, 10)],
)
@pytest.mark.requirement("R1", "all")
def test_the_packs_predicted_minutes_are_a_figure_of_their_own_r1(
    minutes: int, verdict: CheckVerdict, threshold: int
) -> None:
    result = judge(replace(HEALTHY, battery_minutes=minutes), LIMITS)
    figures = [found for found in result.checks if found.check == "battery"]
    assert [found.unit for found in figures] == ["percent", "minutes"]
    assert figures[1] == CheckResult("battery", verdict, minutes, threshold, "minutes")
    assert result.verdict is verdict


def test_a_part_with_two_bad_figures_is_told_once_and_by_the_graver() -> None:
    weak = BatteryReading(20.0, 7_000, charging=False, draw_mw=None, capacity_mwh=None)
    result = judge(replace(HEALTHY, battery=weak, battery_minutes=5), LIMITS)
    assert result.failing() == ("battery:fail",)


@pytest.mark.parametrize(
    ("minutes", "verdict"),
    [(121, CheckVerdict.PASS), (119, CheckVerdict.DEGRADED), (16, CheckVerdict.DEGRADED), (14, CheckVerdict.FAIL)],
)
@pytest.mark.requirement("R1", "all")
def test_storage_is_judged_in_recordable_minutes(minutes: int, verdict: CheckVerdict) -> None:
    free = (minutes * 60 + 1) * 1_010_000
    found = check("storage", storage=StorageReading(64 * GIB, free, writable=True, life_percent=None))
    assert (found.verdict, found.figure, found.unit) == (verdict, minutes, "minutes")


def test_recordable_minutes_follow_the_bit_rate() -> None:
    assert recordable_minutes(60_600_000, 8_000_000) == 1
    assert recordable_minutes(60_600_000, 80_000) == 50


@pytest.mark.parametrize("storage", [None, StorageReading(64 * GIB, 32 * GIB, writable=False, life_percent=None)])
def test_a_medium_that_cannot_be_written_fails(storage: StorageReading | None) -> None:
    assert check("storage", storage=storage).verdict is CheckVerdict.FAIL


@pytest.mark.requirement("R1", "all")
@pytest.mark.parametrize("source", TimeSource)
def test_the_clocks_figures_are_source_uncertainty_offset_and_rtc_difference(source: TimeSource) -> None:
    """HN 5, WU A1-6, A2-4, DL 11, WH 7 («对系统时间进行校准»)."""
    measured = replace(
        HEALTHY,
        clock=ClockReading(0, 0, source, 20_000_000, "boot"),
        comparison=ClockComparison(rtc_difference_ns=-700_000_000, kernel_offset_ns=1_500_000),
    )
    figures = [found for found in judge(measured, LIMITS).checks if found.check == "clock"]
    assert [(found.unit, found.figure, found.threshold) for found in figures] == [
        ("ms", 20, 2_000),
        (f"source-{source.value}", 1, None),
        ("offset-ms", 2, 2_000),
        ("rtc-ms", -700, 3_000),
    ]
    assert {found.verdict for found in figures} == {CheckVerdict.PASS}
    assert len([found for found in judge(HEALTHY, LIMITS).checks if found.check == "clock"]) == 2


@pytest.mark.requirement("R1", "all")
@pytest.mark.parametrize(("rtc_ms", "offset_ms"), [(3_001, 0), (-3_001, 0), (0, 2_001), (0, -2_001)])
def test_a_clock_that_is_off_its_rtc_or_still_far_from_the_server_is_degraded(rtc_ms: int, offset_ms: int) -> None:
    compared = ClockComparison(rtc_difference_ns=rtc_ms * 1_000_000, kernel_offset_ns=offset_ms * 1_000_000)
    result = judge(replace(HEALTHY, comparison=compared), LIMITS)
    assert result.failing() == ("clock:degraded",)


@pytest.mark.parametrize(
    ("uncertainty_ns", "verdict", "figure"),
    [
        (2_000_000_000, CheckVerdict.PASS, 2_000),
        (2_001_000_000, CheckVerdict.DEGRADED, 2_001),
        (-1, CheckVerdict.DEGRADED, -1),
    ],
)
@pytest.mark.requirement("R1", "all")
def test_clock(uncertainty_ns: int, verdict: CheckVerdict, figure: int) -> None:
    found = check("clock", clock=ClockReading(0, 0, TimeSource.RTC, uncertainty_ns, "boot"))
    assert (found.verdict, found.figure, found.unit) == (verdict, figure, "ms")


@pytest.mark.parametrize(
    ("frames", "pictures", "verdict", "unit"),
    [
        (0, (), CheckVerdict.FAIL, "frames"),
        (40, (), CheckVerdict.DEGRADED, "frames"),
        (40, (PictureStatistics(3.0, 30.0, b"x"),), CheckVerdict.FAIL, "luma"),
        (40, (PictureStatistics(90.0, 0.4, b"x"),), CheckVerdict.FAIL, "luma-deviation"),
        (40, (BRIGHT, BRIGHT), CheckVerdict.FAIL, "equal-pictures"),
        (40, (BRIGHT,), CheckVerdict.PASS, "luma"),
        (40, (BRIGHT, BRIGHT, LATER), CheckVerdict.PASS, "luma"),
    ],
    ids=["none", "no-statistics", "black", "covered", "frozen", "one", "moving"],
)
@pytest.mark.requirement("R1", "all")
def test_camera(frames: int, pictures: tuple[PictureStatistics, ...], verdict: CheckVerdict, unit: str) -> None:
    found = check("camera", frames=frames, pictures=pictures)
    assert (found.verdict, found.unit) == (verdict, unit)


@pytest.mark.parametrize(
    ("sound", "verdict", "unit"),
    [
        (None, CheckVerdict.FAIL, "dbfs"),
        (SoundLevel(0, -120.0, 0), CheckVerdict.FAIL, "dbfs"),
        (SoundLevel(70_000, -70.1, 0), CheckVerdict.FAIL, "dbfs"),
        (SoundLevel(70_000, -2.0, 2), CheckVerdict.DEGRADED, "permille"),
        (SoundLevel(70_000, -69.9, 1), CheckVerdict.PASS, "dbfs"),
    ],
    ids=["absent", "silent", "dead", "clipping", "quiet"],
)
@pytest.mark.requirement("R1", "all")
def test_microphone(sound: SoundLevel | None, verdict: CheckVerdict, unit: str) -> None:
    found = check("microphone", sound=sound)
    assert (found.verdict, found.unit) == (verdict, unit)


@pytest.mark.parametrize(
    ("code", "changes", "verdict"),
    [
        ("speaker", {"chirp_heard": False}, CheckVerdict.DEGRADED),
        ("speaker", {"chirp_heard": None}, CheckVerdict.DEGRADED),
        ("key", {"key_ready": False}, CheckVerdict.FAIL),
        ("spool", {"spool_ready": False}, CheckVerdict.FAIL),
        ("battery", {"battery": None}, CheckVerdict.DEGRADED),
    ],
)
@pytest.mark.requirement("R1", "all")
def test_what_could_not_be_checked_never_passes_cs_5(
    code: str, changes: dict[str, object], verdict: CheckVerdict
) -> None:
    outcome = judge(replace(HEALTHY, **changes), LIMITS)  # type: ignore[arg-type]
    assert outcome.failing() == (f"{code}:{verdict.value}",)
    assert outcome.verdict is verdict


def test_an_idle_unit_checks_what_needs_neither_camera_nor_sound() -> None:
    outcome = judge_standing(replace(HEALTHY, frames=0, pictures=(), sound=None, chirp_heard=None), LIMITS)
    assert outcome.verdict is CheckVerdict.PASS
    assert {found.check for found in outcome.checks} == {"battery", "storage", "clock", "key", "spool"}

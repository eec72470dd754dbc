"""Rules that find what goes wrong while a recording goes on, and how long pack and medium last (R1, R8, CS-13)."""

from dataclasses import replace

import pytest

from capture.conditions import (
    FIGURES,
    WHOLE_SECONDS,
    Condition,
    Glance,
    Losses,
    battery_must_end,
    conditions,
    figure_of,
    heat_must_end,
)
from capture.endurance import BitRateMeter, DrainMeter
from capture.profile import PreflightSection, WarningsSection
from hal.values import BatteryReading, PictureStatistics

SECOND_NS = 1_000_000_000
NOW_NS = 1_000 * SECOND_NS


def picture(number: int, luma: float = 120.0, deviation: float = 40.0) -> PictureStatistics:
    return PictureStatistics(luma, deviation, bytes([number]))


LIVELY = tuple(picture(number) for number in range(10))
HEALTHY = Glance(NOW_NS, NOW_NS, LIVELY, 180, 90.0, charging=False, storage_minutes=600)
WARNINGS = WarningsSection(battery_alarm_minutes=20, battery_end_minutes=2, storage_alarm_minutes=15)


def found(glance: Glance) -> dict[Condition, bool]:
    return conditions(glance, PreflightSection(), WARNINGS)


def test_a_healthy_unit_has_nothing_wrong_cs_13() -> None:
    """CS-13."""
    whole = replace(HEALTHY, clipped_permille=(0,) * 30, losses=(Losses(),) * WHOLE_SECONDS)
    assert set(found(whole).values()) == {False}


@pytest.mark.parametrize(("silent_seconds", "dead"), [(0.2, False), (2.0, None), (3.5, True)])
def test_digital_silence_for_three_seconds_is_a_dead_microphone(silent_seconds: float, dead: bool | None) -> None:
    glance = replace(HEALTHY, last_signal_ns=NOW_NS - round(silent_seconds * SECOND_NS))
    assert found(glance).get(Condition.MICROPHONE) is dead


def test_a_microphone_that_was_started_again_is_not_alive_for_that_cs_38() -> None:
    """CS-38: a fault that stands is not over before it is found again."""
    assert Condition.MICROPHONE not in found(replace(HEALTHY, signal_came=False))
    silent = replace(HEALTHY, signal_came=False, last_signal_ns=NOW_NS - 4 * SECOND_NS)
    assert found(silent)[Condition.MICROPHONE] is True


@pytest.mark.parametrize(
    ("tail", "black"),
    [
        ([picture(1, 2.0)] * 4, True),
        ([picture(1, 2.0)] * 3, None),
        ([picture(1, 90.0, 0.5)] * 4, True),
        ([picture(1, 2.0)] * 4 + [picture(2)], False),
        ([picture(1, 2.0), picture(2)] * 3, False),
    ],
)
@pytest.mark.requirement("R13", "all")
def test_a_lens_is_covered_when_four_pictures_in_a_row_are_dark_or_flat(
    tail: list[PictureStatistics], black: bool | None
) -> None:
    assert found(replace(HEALTHY, pictures=(*LIVELY, *tail))).get(Condition.BLACK) is black


@pytest.mark.parametrize(
    ("tail", "frozen"), [([picture(9)] * 5, True), ([picture(9)] * 3, None), ([picture(9)] * 5 + [picture(1)], False)]
)
def test_five_equal_pictures_are_frozen(tail: list[PictureStatistics], frozen: bool | None) -> None:
    assert found(replace(HEALTHY, pictures=(picture(1), *tail))).get(Condition.FROZEN) is frozen


def test_a_covered_lens_is_not_called_frozen_too() -> None:
    assert found(replace(HEALTHY, pictures=(picture(0, 1.0),) * 10))[Condition.FROZEN] is False


def test_what_was_not_measured_is_not_judged() -> None:
    blind = Glance(NOW_NS, None, (), None, None, charging=False, storage_minutes=None)
    assert found(blind) == {}
    assert not battery_must_end(blind, WARNINGS)


@pytest.mark.parametrize(("minutes", "alarm"), [(21, None), (20, True), (10, True), (26, False)])
def test_the_battery_alarm_is_due_at_the_profiles_minutes_without_flicker(minutes: int, alarm: bool | None) -> None:
    assert found(replace(HEALTHY, battery_minutes=minutes)).get(Condition.BATTERY) is alarm


def test_a_pack_that_charges_raises_no_alarm_and_ends_nothing() -> None:
    charging = replace(HEALTHY, battery_minutes=None, battery_percent=0.5, charging=True)
    assert found(charging)[Condition.BATTERY] is False
    assert not battery_must_end(charging, WARNINGS)


@pytest.mark.parametrize(
    ("minutes", "percent", "ends"), [(2, 1.0, False), (1, 1.0, True), (None, 1.9, True), (None, 2.1, False)]
)
def test_the_recording_ends_before_the_pack_does(minutes: int | None, percent: float, ends: bool) -> None:
    assert battery_must_end(replace(HEALTHY, battery_minutes=minutes, battery_percent=percent), WARNINGS) is ends


@pytest.mark.parametrize(("minutes", "alarm"), [(15, True), (18, None), (21, False)])
def test_the_storage_alarm_is_due_at_the_profiles_minutes(minutes: int, alarm: bool | None) -> None:
    assert found(replace(HEALTHY, storage_minutes=minutes)).get(Condition.SPACE) is alarm


def reading(percent: float, draw_mw: float | None = None, *, charging: bool = False) -> BatteryReading:
    return BatteryReading(percent, 3_800, charging, draw_mw, None if draw_mw is None else 12_000.0)


def test_drain_is_measured_by_charge_where_the_gauge_knows_no_power() -> None:
    meter = DrainMeter()
    for minute in range(11):
        meter.add(minute * 60 * SECOND_NS, reading(50.0 - 0.5 * minute))
    assert meter.minutes_left(reading(45.0)) == 90


def test_drain_by_charge_is_believed_before_what_the_gauge_says_of_its_power() -> None:
    meter = DrainMeter()
    for minute in range(11):
        meter.add(minute * 60 * SECOND_NS, reading(50.0 - 0.5 * minute, 1_200.0))
    assert meter.minutes_left(reading(45.0)) == 90


def test_before_that_the_gauges_own_power_tells_it() -> None:
    meter = DrainMeter()
    assert meter.minutes_left(reading(50.0, 3_000.0)) == 120
    assert meter.minutes_left(reading(50.0)) is None


def test_another_pack_is_no_drain() -> None:
    meter = DrainMeter()
    meter.add(0, reading(90.0, 3_000.0))
    meter.add(400 * SECOND_NS, reading(10.0, 3_000.0))
    assert meter.minutes_left(reading(10.0, 3_000.0)) == 24


def test_what_a_recording_took_is_known_when_the_unit_is_idle_again() -> None:
    meter = DrainMeter()
    meter.add(0, reading(50.0, 3_000.0))
    meter.pause()
    assert meter.minutes_left(reading(50.0, 600.0)) == 120
    assert meter.minutes_left(reading(50.0, 600.0, charging=True)) is None


def test_the_bit_rate_is_what_came_in_the_last_minute() -> None:
    meter = BitRateMeter()
    for second in range(100):
        meter.add(second * SECOND_NS, second * 125_000 if second < 30 else 30 * 125_000 + (second - 30) * 250_000)
    assert meter.bits_per_second == 2_000_000


def test_a_camera_that_begins_anew_begins_a_new_measurement() -> None:
    meter = BitRateMeter()
    meter.add(0, 1_000_000)
    meter.add(20 * SECOND_NS, 10)
    assert meter.bits_per_second is None
    meter.add(30 * SECOND_NS, 1_250_010)
    assert meter.bits_per_second == 1_000_000


@pytest.mark.requirement("R13", "all")
@pytest.mark.parametrize(("seconds", "slow"), [(5.0, True), (3.9, None), (0.9, False), (None, None)])
def test_a_medium_is_slow_when_five_seconds_of_recording_wait_for_it(seconds: float | None, slow: bool | None) -> None:
    assert found(replace(HEALTHY, waiting_seconds=seconds)).get(Condition.SLOW) is slow


@pytest.mark.requirement("R8", "all")
@pytest.mark.parametrize(
    ("celsius", "alarm", "ends"),
    [(79.9, None, False), (80.0, True, False), (90.0, True, True), (74.0, False, False), (None, None, False)],
)
def test_the_heat_alarm_is_due_before_the_orderly_end(celsius: float | None, alarm: bool | None, ends: bool) -> None:
    glance = replace(HEALTHY, temperature_celsius=celsius)
    assert found(glance).get(Condition.HOT) is alarm
    assert heat_must_end(glance, WARNINGS) is ends


def test_a_weak_supply_is_told_as_long_as_the_board_says_so() -> None:
    assert found(replace(HEALTHY, undervoltage=True))[Condition.SUPPLY] is True
    assert found(replace(HEALTHY, undervoltage=False))[Condition.SUPPLY] is False


@pytest.mark.parametrize(
    ("seconds", "clips"),
    [
        ([0] * 30, False),
        ([1] * 30, False),
        ([0] * 29, None),
        ([0] * 28 + [9, 9], None),
        ([0] * 27 + [9, 0, 9], None),
        ([0] * 20 + [9, 0, 0, 9, 0, 0, 9], True),
        ([9, 9, 9], True),
        ([9, 9, 9] + [0] * 10, None),
        ([9] + [0] * 29, None),
        ([9, 9, 9] + [0] * 30, False),
    ],
)
@pytest.mark.requirement("R8", "all")
def test_sound_that_clips_again_and_again_is_told_once_and_over_after_half_a_minute(
    seconds: list[int], clips: bool | None
) -> None:
    assert found(replace(HEALTHY, clipped_permille=tuple(seconds))).get(Condition.CLIPPING) is clips


LOSSES = {
    Condition.FRAMES_LOST: Losses(frames=3),
    Condition.FRAMES_LATE: Losses(late_frames=3),
    Condition.SOUND_LOST: Losses(samples=3),
}


@pytest.mark.parametrize("condition", LOSSES)
@pytest.mark.parametrize(
    ("seconds", "stands"),
    [("l", True), ("...l", True), ("l" + "." * 59, None), ("l" + "." * 60, False), ("." * 59, None), ("." * 60, False)],
)
@pytest.mark.requirement("R13", "all")
def test_what_is_lost_or_late_is_told_at_once_and_over_after_a_whole_minute(
    condition: Condition, seconds: str, stands: bool | None
) -> None:
    each = tuple(LOSSES[condition] if second == "l" else Losses() for second in seconds)
    looked = found(replace(HEALTHY, losses=each))
    assert looked.get(condition) is stands
    assert all(looked.get(other) is not True for other in LOSSES if other is not condition)


def test_what_is_sealed_with_a_condition_is_its_own_figure() -> None:
    hot = replace(HEALTHY, temperature_celsius=81.6, waiting_seconds=6.4, battery_minutes=12, storage_minutes=9)
    loud = replace(hot, clipped_permille=(90, *[0] * 8, 7, 4), lost=Losses(5, 2, 480))
    figures = {condition: figure_of(condition, loud) for condition in FIGURES}
    minutes = {Condition.BATTERY: 12, Condition.SPACE: 9}
    losses = {Condition.FRAMES_LOST: 5, Condition.FRAMES_LATE: 2, Condition.SOUND_LOST: 480}
    assert figures == {**minutes, **losses, Condition.SLOW: 6, Condition.HOT: 82, Condition.CLIPPING: 7}
    assert figure_of(Condition.MICROPHONE, hot) is None

"""Where a limit lies to the last unit, and what stands on either side of it (R1, R8, CS-5, CS-7, CS-13)."""

from dataclasses import replace

import pytest

from capture import effects as fx
from capture import events as ev
from capture import session
from capture.conditions import Condition, Glance, conditions
from capture.cues import Cue
from capture.endurance import BitRateMeter, DrainMeter
from capture.gestures import Gesture, GestureReader, Meaning, Mode
from capture.moves import starting
from capture.preflight import CHECKS, SoundLevel, judge, recordable_minutes
from capture.profile import PreflightSection, WarningsSection
from capture.states import State
from capture.turn import IllegalEventError, Turn
from hal.values import BatteryReading, ButtonEdge, ButtonName, ClockComparison, PictureStatistics, StorageReading
from sealing.records import CheckResult, CheckVerdict, Event, Prompt, Resume, SessionEnd, VoicePurpose, VoiceWindow
from tests.unit.capture_session.script import ASSIGNMENT, SECOND_NS, Driver, machine, profile
from tests.unit.capture_session.test_preflight import BRIGHT, HEALTHY, LATER, LIMITS, check

MS = 1_000_000
MINUTE_BYTES = (8_000_000 // 8 + 10_000) * 60
"""A minute of picture and sound at the bit rate of `HEALTHY`."""


@pytest.mark.parametrize(
    ("minutes", "verdict", "threshold"),
    [
        (120, CheckVerdict.PASS, 120),
        (119, CheckVerdict.DEGRADED, 120),
        (15, CheckVerdict.DEGRADED, 120),
        (14, CheckVerdict.FAIL, 15),
    ],
)
@pytest.mark.requirement("R1", "all")
def test_the_reserve_of_the_medium_is_no_room_for_footage(minutes: int, verdict: CheckVerdict, threshold: int) -> None:
    free = StorageReading(64 << 30, (minutes + 3) * MINUTE_BYTES, writable=True, life_percent=None)
    found = check("storage", storage=free, reserve_bytes=3 * MINUTE_BYTES)
    assert found == CheckResult("storage", verdict, minutes, threshold, "minutes")


def test_room_is_counted_in_whole_minutes_and_never_below_none() -> None:
    assert recordable_minutes(MINUTE_BYTES, 8_000_000) == 1
    assert recordable_minutes(MINUTE_BYTES - 1, 8_000_000) == 0
    assert recordable_minutes(-100 * MINUTE_BYTES, 8_000_000) == 0


@pytest.mark.requirement("R1", "all")
def test_a_medium_that_cannot_be_written_has_no_minutes() -> None:
    locked = StorageReading(64 << 30, 32 << 30, writable=False, life_percent=None)
    expected = CheckResult("storage", CheckVerdict.FAIL, 0, 15, "minutes")
    assert check("storage", storage=locked) == check("storage", storage=None) == expected


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"frames": 0}, CheckResult("camera", CheckVerdict.FAIL, 0, 1, "frames")),
        ({"frames": 1}, CheckResult("camera", CheckVerdict.PASS, 121, 12, "luma")),
        ({"pictures": ()}, CheckResult("camera", CheckVerdict.DEGRADED, 45, None, "frames")),
        (
            {"pictures": (replace(BRIGHT, mean_luma=11.9), replace(LATER, mean_luma=3.0))},
            CheckResult("camera", CheckVerdict.FAIL, 11, 12, "luma"),
        ),
        (
            {"pictures": (replace(BRIGHT, mean_luma=12.0), replace(LATER, mean_luma=3.0))},
            CheckResult("camera", CheckVerdict.PASS, 12, 12, "luma"),
        ),
        (
            {"pictures": (replace(BRIGHT, luma_deviation=2.9), replace(LATER, luma_deviation=1.0))},
            CheckResult("camera", CheckVerdict.FAIL, 2, 3, "luma-deviation"),
        ),
        (
            {"pictures": (replace(BRIGHT, luma_deviation=3.0), replace(LATER, luma_deviation=1.0))},
            CheckResult("camera", CheckVerdict.PASS, 121, 12, "luma"),
        ),
        ({"pictures": (BRIGHT, BRIGHT)}, CheckResult("camera", CheckVerdict.FAIL, 2, 1, "equal-pictures")),
        ({"pictures": (BRIGHT,)}, CheckResult("camera", CheckVerdict.PASS, 120, 12, "luma")),
    ],
)
@pytest.mark.requirement("R1", "all")
def test_one_good_picture_is_enough_and_its_figure_is_told(changes: dict[str, object], expected: CheckResult) -> None:
    assert check("camera", **changes) == expected


@pytest.mark.parametrize("code", ["speaker", "key", "spool"])
def test_a_yes_is_one_of_one_and_a_no_none(code: str) -> None:
    changes = {"speaker": "chirp_heard", "key": "key_ready", "spool": "spool_ready"}
    assert check(code) == CheckResult(code, CheckVerdict.PASS, 1, 1, "ok")
    refused = check(code, **{changes[code]: False})
    assert (refused.figure, refused.threshold) == (0, 1)
    assert code in CHECKS


@pytest.mark.requirement("R1", "all")
def test_an_offset_is_told_in_milliseconds_however_large() -> None:
    """R1: a battery-backed clock may stand years off."""
    far = replace(HEALTHY, comparison=ClockComparison(rtc_difference_ns=10**18, kernel_offset_ns=-(10**18)))
    figures = {found.unit: found.figure for found in judge(far, LIMITS).checks if found.check == "clock"}
    assert (figures["rtc-ms"], figures["offset-ms"]) == (10**12, -(10**12))


def reading(percent: float, draw_mw: float | None = None, capacity_mwh: float | None = 6_000.0) -> BatteryReading:
    return BatteryReading(percent, 7_400, charging=False, draw_mw=draw_mw, capacity_mwh=capacity_mwh)


def test_the_gauges_power_is_averaged_over_what_was_read() -> None:
    meter = DrainMeter()
    for second, draw in enumerate((1_000.0, 2_000.0, 6_000.0)):
        meter.add(second * SECOND_NS, reading(50.0, draw))
    assert meter.minutes_left(reading(50.0)) == 60
    assert meter.known


@pytest.mark.parametrize("told", [reading(50.0, 3_000.0, None), reading(50.0), reading(50.0, 0.0)])
def test_power_without_capacity_or_capacity_without_power_tells_nothing(told: BatteryReading) -> None:
    assert DrainMeter().minutes_left(told) is None


def test_drain_is_that_of_the_last_ten_minutes_not_of_the_whole_day() -> None:
    meter = DrainMeter()
    charge = 90.0
    for minute in range(31):
        charge -= 0.2 if minute <= 20 else 0.5
        meter.add(minute * 60 * SECOND_NS, reading(charge))
    assert meter.minutes_left(reading(30.0)) == 60


def test_a_pause_parts_what_was_measured_before_from_what_comes() -> None:
    """An idle unit's hours between two recordings are no part of the drain of either, nor of their bit rate."""
    drain, rate = DrainMeter(), BitRateMeter()
    drain.add(0, reading(50.0))
    drain.pause()
    drain.add(400 * SECOND_NS, reading(49.5))
    drain.add(500 * SECOND_NS, reading(48.6))
    drain.add(560 * SECOND_NS, reading(47.9))
    assert not drain.known, "160 s are too short a stretch; with the reading before the pause they were 560 s"
    rate.add(0, 1_000)
    rate.pause()
    rate.add(20 * SECOND_NS, 2_000)
    assert rate.bits_per_second is None


def test_a_pause_of_exactly_the_limit_still_makes_two_presses_one_gesture_cs_7() -> None:
    """CS-7: the deadline is the first nanosecond at which no second press can follow."""
    reader = GestureReader(frozenset({ButtonName.RECORD}), 2_000 * MS, 400 * MS)
    reader.edge(ButtonEdge(ButtonName.RECORD, True, 0), Mode.CAPTURING)
    reader.edge(ButtonEdge(ButtonName.RECORD, False, 100 * MS), Mode.CAPTURING)
    assert reader.next_deadline_ns() == 500 * MS + 1
    assert reader.settle(500 * MS) == ()
    assert reader.settle(500 * MS + 1) == (Gesture(Meaning.MARK, 0),)
    assert reader.next_deadline_ns() is None


def standing(**changes: object) -> dict[Condition, bool]:
    lively = tuple(PictureStatistics(120.0, 40.0, bytes([number])) for number in range(10))
    glance = Glance(SECOND_NS, SECOND_NS, lively, 180, 90.0, charging=False, storage_minutes=600)
    return conditions(replace(glance, **changes), PreflightSection(), WarningsSection())  # type: ignore[arg-type]


@pytest.mark.parametrize(("celsius", "hot"), [(80.0, True), (79.9, None), (75.0, None), (74.9, False)])
def test_heat_is_over_only_below_its_slack_cs_13(celsius: float, hot: bool | None) -> None:
    """CS-13: an alarm that flickers is none."""
    assert standing(temperature_celsius=celsius).get(Condition.HOT) is hot


def test_two_pictures_that_differ_are_not_frozen_and_one_tells_nothing_cs_13() -> None:
    """CS-13."""
    one, two = PictureStatistics(120.0, 40.0, b"1"), PictureStatistics(120.0, 40.0, b"2")
    assert standing(pictures=(one, two)).get(Condition.FROZEN) is False
    assert Condition.FROZEN not in standing(pictures=(one,))
    assert not {Condition.FROZEN, Condition.BLACK} & set(standing(pictures=()))


def test_an_event_that_leads_where_the_table_does_not_allow_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """CS-1: what a handler does is held against its row of the table."""
    row = {
        **session.TABLE[State.IDLE],
        ev.StartPressed: session._to(starting.start_pressed, State.IDLE),
    }
    monkeypatch.setattr(session, "TABLE", {**session.TABLE, State.IDLE: row})
    with pytest.raises(IllegalEventError, match="which the table does not allow"):
        Driver().press()


def test_a_shortage_without_its_figure_is_sealed_without_one_cs_13() -> None:
    """CS-13."""
    driver = Driver()
    driver.record()
    driver.feed(ev.ConditionChanged(Condition.SPACE, True, driver.now_ns, None))
    assert driver.sealed(Event)[-1].values == (("present", 1),)
    driver.feed(ev.ConditionChanged(Condition.SPACE, False, driver.now_ns, 40))
    assert driver.sealed(Event)[-1].values == (("present", 0), ("minutes", 40))


def test_a_missing_explanation_is_dated_by_the_recordings_going_on_cs_10() -> None:
    """CS-10: the agent's end cuts it off; the window that was never heard stands behind its break."""
    driver = Driver()
    driver.record()
    driver.lose_camera()
    driver.wait(5)
    driver.frame()
    driver.spoken()
    driver.feed(ev.StopRequested())
    (resumed,) = driver.sealed(Resume)
    unheard = [each for each in driver.sealed(VoiceWindow) if each.purpose is VoicePurpose.EXPLANATION]
    assert [each.opened_media_time_ns for each in unheard] == [resumed.media_time_ns]
    assert [each.attempt for each in unheard] == [0]


def test_a_second_question_that_is_cut_off_counts_as_the_second_cs_10() -> None:
    """CS-10."""
    driver = Driver()
    driver.record()
    driver.lose_camera()
    driver.frame()
    driver.spoken()
    driver.spoken()
    driver.answered(accepted=False)
    driver.feed(ev.FinishPressed(driver.now_ns))
    assert [each.attempt for each in driver.sealed(VoiceWindow)] == [0, 1]


def test_an_answer_to_a_question_that_was_dropped_is_not_sealed() -> None:
    driver = Driver()
    driver.record()
    driver.lose_camera()
    driver.frame()
    driver.spoken()
    driver.spoken()
    window = driver.last(fx.OpenWindow).window
    driver.feed(ev.BreakPressed(driver.now_ns))
    sealed = len(driver.sealed(VoiceWindow))
    driver.feed(ev.WindowClosed(window, driver.now_ns, driver.now_ns, True, 2_000, 1_000))
    assert len(driver.sealed(VoiceWindow)) == sealed


def test_a_break_sealed_for_another_session_is_not_the_one_that_is_waited_for_cs_10() -> None:
    """CS-10: a RESUME names its own BREAK."""
    driver = Driver()
    driver.record()
    driver.feed(ev.CaptureLost("camera-fault", driver.now_ns))
    driver.run_ended()
    driver.feed(ev.BreakSealed(7, bytes(16), 1))
    driver.feed(ev.BreakSealed(8, driver.session.session_id, 2))
    driver.frame()
    assert driver.sealed(Resume) == []
    driver.break_sealed()
    assert [each.break_sequence for each in driver.sealed(Resume)] == [501]


def test_a_break_whose_number_comes_when_the_chain_is_gone_keeps_it_cs_11() -> None:
    """CS-11."""
    driver = Driver()
    driver.record()
    driver.feed(ev.CaptureLost("camera-fault", driver.now_ns))
    driver.run_ended()
    driver.feed(ev.SealingLost("medium gone"))
    driver.break_sealed()
    driver.feed(ev.SealingBack())
    driver.frame()
    assert [each.break_sequence for each in driver.sealed(Resume)] == [501]


def test_an_end_of_the_agent_that_meets_a_lost_chain_still_ends_the_session_cs_11() -> None:
    """CS-11."""
    driver = Driver()
    driver.record()
    driver.feed(ev.StopRequested())
    driver.feed(ev.SealingLost("medium gone"))
    driver.run_ended()
    driver.feed(ev.SealingBack())
    assert driver.state() is State.IDLE
    assert [each.reason for each in driver.sealed(SessionEnd)] == ["stop"]


def test_a_notice_that_no_text_asks_for_is_refused_aloud_cs_15() -> None:
    """CS-15."""
    driver = Driver(machine(profile(notice=None)))
    driver.record()
    made = driver.feed(ev.NoticePressed(driver.now_ns))
    assert fx.GiveCue(Cue.REFUSED) in made
    assert driver.last(fx.Speak).phrase is fx.Phrase.REFUSED
    assert driver.state() is State.RECORDING


def test_words_that_no_duty_waits_for_are_sealed_as_said_once() -> None:
    driver = Driver()
    driver.record()
    assert driver.session.speech is None
    waited = driver.session
    driver.feed(ev.ClockStepped(-90 * SECOND_NS, "rtc", "network"))
    driver.spoken()
    assert driver.sealed(Prompt)[-1].repetition == 0
    assert driver.session == waited


def test_a_statement_behind_the_officers_own_notice_is_asked_for_once_r5() -> None:
    own = {"wording": "本次执法全程录音录像。", "speaker": "officer"}
    driver = Driver(machine(profile(notice=own, statement={"moment": "during", "items": ["时间"]})))
    driver.start()
    driver.spoken()
    driver.answered()
    asked = [speak for speak in driver.all(fx.Speak) if speak.phrase is fx.Phrase.STATEMENT_REQUEST]
    assert len(asked) == 1
    driver.spoken()
    assert driver.last(fx.OpenWindow).purpose is VoicePurpose.STATEMENT


@pytest.mark.parametrize(("least", "too_few"), [(1, False), (2, False), (3, True)])
def test_exactly_the_least_number_of_officers_is_enough_r4(least: int, too_few: bool) -> None:
    driver = Driver(machine(profile(officers={"least": least})))
    driver.feed(ev.CheckedOut(ASSIGNMENT))
    assert ("officers-too-few" in [event.code for event in driver.sealed(Event)]) is too_few


def test_nothing_stands_before_the_zero_of_session_time() -> None:
    driver = Driver()
    driver.press()
    assert Turn(driver.machine).media_time_ns(driver.now_ns) == 0
    driver.frame()
    assert Turn(driver.machine).media_time_ns(0) == 0
    assert Turn(driver.machine).media_time_ns(driver.now_ns) == SECOND_NS


def test_a_due_time_is_said_between_recordings_cs_32() -> None:
    """CS-32."""
    driver = Driver()
    driver.feed(ev.DueTold(5))
    assert [(speak.phrase, speak.at_utc_ns) for speak in driver.all(fx.Speak)] == [(fx.Phrase.DUE, 5)]


def test_a_menu_is_put_away_when_its_entry_is_taken() -> None:
    driver = Driver(machine(profile(marks={"categories": [{"code": "scene", "zh": "现场", "en": "scene"}]})))
    driver.record()
    driver.feed(ev.MarkPressed(driver.now_ns))
    driver.feed(ev.CategoryPressed(driver.now_ns))
    assert driver.session.menu is not None
    driver.feed(ev.CauseConfirmed(driver.now_ns))
    assert driver.session.menu is None


@pytest.mark.parametrize(("dbfs", "verdict"), [(-70.0, CheckVerdict.PASS), (-70.1, CheckVerdict.FAIL)])
@pytest.mark.requirement("R1", "all")
def test_a_microphone_at_its_threshold_is_not_dead(dbfs: float, verdict: CheckVerdict) -> None:
    assert check("microphone", sound=SoundLevel(70_000, dbfs, 0)).verdict is verdict


def test_a_picture_at_the_threshold_of_its_spread_is_not_covered_cs_13() -> None:
    """CS-13."""
    flat = [PictureStatistics(120.0, 3.0, bytes([number])) for number in range(4)]
    assert standing(pictures=tuple(flat)).get(Condition.BLACK) is False
    assert standing(pictures=tuple(replace(each, luma_deviation=2.9) for each in flat)).get(Condition.BLACK) is True


def test_a_pack_that_is_being_charged_tells_no_drain() -> None:
    meter = DrainMeter()
    meter.add(0, replace(reading(50.0, 3_000.0), charging=True))
    assert not meter.known


def test_a_drop_of_exactly_one_percent_is_drain_and_more_is_another_pack() -> None:
    for step, known in ((1.0, True), (1.1, False)):
        meter = DrainMeter()
        for minute in range(11):
            meter.add(minute * 60 * SECOND_NS, reading(90.0 - step * minute))
        assert meter.known is known


def test_a_camera_lost_while_the_closing_words_are_said_ends_the_run() -> None:
    driver = Driver()
    driver.record()
    driver.feed(ev.FinishPressed(driver.now_ns))
    made = driver.feed(ev.CaptureLost("camera-fault", driver.now_ns))
    assert fx.EndRun("session-end", fx.CameraOrder.STOP) in made


def test_the_reason_spoken_before_a_break_is_not_the_explanation_behind_it_cs_10() -> None:
    """CS-10: only the explanation names the BREAK that it explains."""
    driver = Driver()
    driver.record()
    driver.announce()
    (spoken,) = driver.sealed(VoiceWindow)
    assert (spoken.purpose, spoken.break_sequence) == (VoicePurpose.BREAK_REASON, None)


def test_a_fault_that_breaks_off_is_told_by_its_break_and_not_as_a_warning_too_cs_13() -> None:
    """CS-13."""
    driver = Driver(machine(profile(warnings={"break_on": ["microphone-fault"]})))
    driver.record()
    made = driver.feed(ev.ConditionChanged(Condition.MICROPHONE, True, driver.now_ns, None))
    assert driver.state() is State.INTERRUPTED
    assert fx.GiveCue(Cue.WARNING) not in made
    assert [each.phrase for each in made if isinstance(each, fx.Speak)] == [fx.Phrase.BREAK_MARKER_PRESS]

"""Parts that fail and stores that run out while the simulated unit records (R8, R18, CS-13)."""

from __future__ import annotations

import pytest

from hal.values import SoundClip
from hw_sim.media.faults import Dead, Frozen
from sealing.records import Break, Event, Fault, Fragment, Prompt, PromptKind, SessionEnd
from tests.scenario.recorder.conftest import MakePlace
from tests.scenario.recorder.unit import Place, Unit, bodies, only, verified

MIB = 1 << 20


def start(unit: Unit) -> None:
    unit.press()
    unit.wait_for("recording")
    unit.wait(3)


def finish(unit: Unit) -> None:
    unit.hold()
    unit.wait_for("idle")


@pytest.mark.parametrize("how", [Dead.ZEROS, Dead.SILENT])
@pytest.mark.requirement("R8", "all")
def test_a_microphone_that_dies_is_told_and_the_picture_goes_on_cs_13(place: Place, how: Dead) -> None:
    """CS-13."""
    with Unit(place) as unit:
        start(unit)
        unit.world.kill_microphone(how)
        unit.wait_for_words("麦克风没有声音", 10)
        assert unit.state == "recording"
        unit.world.kill_microphone(Dead.NO)
        unit.wait(4)
        finish(unit)
    assert verified(place.spool).intact
    assert [(fault.code, fault.present) for fault in bodies(place.spool, Fault)] == [
        ("microphone-fault", True),
        ("microphone-fault", False),
    ]
    assert bodies(place.spool, Break) == []


@pytest.mark.requirement("R13", "all")
def test_a_covered_lens_and_a_frozen_picture_are_told_cs_13(place: Place) -> None:
    """CS-13."""
    with Unit(place) as unit:
        start(unit)
        unit.world.cover_camera(covered=True)
        unit.wait_for_words("镜头可能被遮挡", 10)
        unit.world.cover_camera(covered=False)
        unit.wait(4)
        unit.world.freeze_camera(Frozen.REPEATS)
        unit.wait_for_words("画面停滞", 12)
        unit.world.freeze_camera(Frozen.NO)
        unit.wait(4)
        finish(unit)
    assert verified(place.spool).intact
    assert [(fault.code, fault.present) for fault in bodies(place.spool, Fault)] == [
        ("camera-black", True),
        ("camera-black", False),
        ("camera-frozen", True),
        ("camera-frozen", False),
    ]
    assert only(place.spool, SessionEnd).breaks == 0


@pytest.mark.requirement("R8", "all")
@pytest.mark.requirement("R13", "all")
def test_the_battery_alarm_comes_in_time_and_the_recording_ends_in_order_before_the_pack_cs_13(place: Place) -> None:
    """CS-13."""
    with Unit(place) as unit:
        start(unit)
        unit.world.exchange_battery(6.5)
        unit.wait_for_words("电池即将耗尽", 10)
        unit.world.exchange_battery(0.7)
        unit.wait_for("interrupted", 10)
        unit.wait_for_words("电量不足，录制中断", 10)
        finish(unit)
    assert verified(place.spool).intact
    alarm = next(event for event in bodies(place.spool, Event) if event.code == "battery-low")
    assert 10 <= dict(alarm.values)["minutes"] <= 20
    assert only(place.spool, Break).cause == "battery"


def test_a_medium_that_fills_is_told_with_its_minutes_before_it_is_full_cs_13(make_place: MakePlace) -> None:
    """CS-13."""
    place = make_place(recording={"bitrate_bps": 400_000}, warnings={"storage_alarm_minutes": 60})
    with Unit(place) as unit:
        start(unit)
        unit.world.fill_storage(130 * MIB)
        unit.wait_for_words("存储空间不足。还可录制", 10)
        assert unit.state == "recording"
        finish(unit)
    assert verified(place.spool).intact
    alarm = next(event for event in bodies(place.spool, Event) if event.code == "storage-low")
    assert 1 <= dict(alarm.values)["minutes"] <= 60


def test_a_medium_that_fails_is_told_at_once_and_not_only_when_memory_is_full_cs_13(place: Place) -> None:
    """CS-13."""
    with Unit(place) as unit:
        start(unit)
        unit.world.write_protect_storage(protected=True)
        unit.wait_for_words("存储故障，正在重试", 6)
        assert unit.state == "recording"
        unit.world.write_protect_storage(protected=False)
        unit.wait(12)
        finish(unit)
    assert verified(place.spool).intact
    assert [(fault.part, fault.code, fault.present) for fault in bodies(place.spool, Fault)] == [
        ("storage", "storage-fault", True),
        ("storage", "storage-fault", False),
    ]
    assert bodies(place.spool, Break) == []


@pytest.mark.requirement("R7", "all")
def test_the_key_content_is_said_with_the_pulses_cs_14(make_place: MakePlace) -> None:
    """CS-14."""
    place = make_place(
        marks={"key_content": ["现场环境"], "reminders": True},
        recording={"bitrate_bps": 400_000, "pulse_seconds": 10},
    )
    with Unit(place) as unit:
        start(unit)
        unit.wait_for_words("请注意记录现场环境", 25)
        finish(unit)
    assert verified(place.spool).intact
    assert [prompt.complete for prompt in bodies(place.spool, Prompt) if prompt.kind is PromptKind.REMINDER] == [True]


@pytest.mark.requirement("R8", "all")
def test_sound_that_clips_is_told_once_and_its_end_is_sealed_cs_13(place: Place) -> None:
    """CS-13."""
    with Unit(place) as unit:
        start(unit)
        shrill = SoundClip(b"\xff\x7f" * 24_000 + b"\x00\x80" * 24_000, 48_000, "siren")
        for second in range(5):
            unit.world.air.say(shrill, unit.world.clock.boottime_ns() + second * 1_000_000_000)
        unit.wait_for_words("声音过大", 10)
        assert unit.state == "recording"
        unit.wait(40)
        finish(unit)
    assert verified(place.spool).intact
    told = [dict(event.values) for event in bodies(place.spool, Event) if event.code == "microphone-clipping"]
    assert [each["present"] for each in told] == [1, 0]
    assert told[0]["permille"] > 500
    assert bodies(place.spool, Break) == []


@pytest.mark.requirement("R8", "all")
def test_heat_is_told_and_then_ends_the_recording_in_order_with_its_cause_cs_13(place: Place) -> None:
    """CS-13."""
    with Unit(place) as unit:
        start(unit)
        unit.world.heat_board(82.0)
        unit.wait_for_words("设备温度过高", 10)
        assert unit.state == "recording"
        unit.world.heat_board(91.0)
        unit.wait_for("interrupted", 10)
        unit.wait_for_words("设备过热，录制中断", 10)
        unit.world.heat_board(45.0)
        unit.press("record")
        unit.wait_for("resuming", 5)
        unit.say("刚才设备太热了，现在已经凉下来了，继续检查。")
        unit.wait_for("recording")
        finish(unit)
    assert verified(place.spool).intact
    alarm = next(event for event in bodies(place.spool, Event) if event.code == "heat-high")
    assert dict(alarm.values) == {"present": 1, "celsius": 82}
    assert only(place.spool, Break).cause == "overheating"


@pytest.mark.requirement("R6", "all")
@pytest.mark.requirement("R13", "all")
def test_pictures_that_are_lost_or_late_and_sound_that_is_lost_are_counted_sealed_and_told_cs_13(place: Place) -> None:
    """CS-13."""
    with Unit(place) as unit:
        start(unit)
        unit.world.drop_frames(5)
        unit.wait_for_words("画面有丢失，已记录", 5)
        unit.world.delay_frame(0.8)
        unit.wait_for_words("画面有延迟，已记录", 5)
        unit.world.lose_samples(4_800)
        unit.wait_for_words("声音有丢失，已记录", 5)
        assert unit.state == "recording"
        finish(unit)
    assert verified(place.spool).intact
    told = [(event.code, dict(event.values)) for event in bodies(place.spool, Event)]
    late = told[1][1]["frames"]
    assert told == [
        ("frames-lost", {"present": 1, "frames": 5}),
        ("frames-late", {"present": 1, "frames": late}),
        ("sound-lost", {"present": 1, "samples": 4_800}),
    ]
    assert 1 <= late <= 30
    fragments = bodies(place.spool, Fragment)
    assert [sum(each.dropped_frames for each in fragments), sum(each.lost_samples for each in fragments)] == [5, 4_800]
    assert only(place.spool, SessionEnd).dropped_frames == 5
    assert bodies(place.spool, Break) == []

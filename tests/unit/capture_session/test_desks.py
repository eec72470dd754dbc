"""The desks behind the machine: queue, panel, listening, words, meter."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta, timezone
from pathlib import Path
from typing import cast

import numpy as np
import pytest
from pydantic import ValidationError

from capture.conditions import Condition
from capture.cues import CUES, STATE_LAMPS, Cue
from capture.effects import OpenWindow, Phrase, Speak
from capture.events import WindowClosed
from capture.profile import CaptureProfile, RecordingSection
from capture.shell.intake import QUEUE_BYTES, End, MediaQueue, PictureWatch
from capture.shell.listening import ListeningWindow, opening_ns
from capture.shell.microphone import SoundMeter
from capture.shell.panel import FLASH_NS, Panel
from capture.shell.speaking import Speech, voice_facts
from capture.shell.voice import OwnWords
from capture.shell.wardrobe import VoiceSettings, Wardrobe
from capture.states import Action
from capture.voice.activity import CHUNK_SAMPLES, SpeechDetector
from capture.voice.cache import VoiceCache
from capture.voice.language import Language
from capture.voice.phrases import PromptBook
from capture.voice.ring import RecentSound
from capture.voice.samples import ANALYSIS_RATE_HZ
from hal.errors import PermanentHardwareError
from hal.ports import Hardware
from hal.values import AudioBlock, EncodedFrame, LampPattern, PictureStatistics, VibrationPattern
from sealing.records import PromptKind, VoicePurpose
from sealing.service import CAPACITY_BYTES
from tests.support.clocks import ManualClock
from tests.unit.capture_session.script import ASSIGNMENT, STATEMENT, profile

SECOND_NS = 1_000_000_000
CHUNK_NS = CHUNK_SAMPLES * SECOND_NS // ANALYSIS_RATE_HZ
ZONE = timezone(timedelta(hours=8))
BROKEN_UTC_NS = 1_767_225_600 * SECOND_NS
"""2026-01-01, 08:00 in China."""


def frame(size: int, sequence: int = 0) -> EncodedFrame:
    return EncodedFrame(bytes(size), sequence, keyframe=True, sensor_sequence=sequence)


def block(samples: np.ndarray, first: int, at_ns: int) -> AudioBlock:
    return AudioBlock(samples.astype("<i2").tobytes(), first, at_ns)


def test_the_media_queue_keeps_one_order() -> None:
    queue = MediaQueue(ManualClock())
    queue.deliver(frame(10))
    queue.order(End("break"))
    queue.deliver(frame(20))
    assert [type(queue.take(0)).__name__ for _ in range(3)] == ["EncodedFrame", "End", "EncodedFrame"]
    assert queue.take(0) is None


def test_what_does_not_fit_is_counted_and_room_comes_back() -> None:
    queue = MediaQueue(ManualClock())
    half = QUEUE_BYTES // 2
    queue.deliver(frame(half))
    queue.deliver(frame(half))
    queue.deliver(frame(1))
    assert queue.refused == 1
    queue.take(0)
    queue.deliver(frame(half))
    assert queue.refused == 1


@pytest.mark.requirement("R13", "all")
def test_the_queues_hold_ten_seconds_of_the_largest_bit_rate_cs_3() -> None:
    """CS-3: before the checks are through, and while the medium stalls."""
    largest = RecordingSection(bitrate_bps=50_000_000).bitrate_bps
    with pytest.raises(ValidationError):
        RecordingSection(bitrate_bps=largest + 1)
    assert 10 * (largest // 8 + 96_000) < min(QUEUE_BYTES, CAPACITY_BYTES)


def test_the_watch_over_pictures_counts_since_the_last_start() -> None:
    watch = PictureWatch()
    assert watch.add(frame(1), 5)
    assert not watch.add(frame(1), 6)
    assert (watch.frames, watch.last_ns) == (2, 6)
    statistics = PictureStatistics(1.0, 1.0, b"x")
    for number in range(20):
        watch.add(EncodedFrame(b"", number, keyframe=False, sensor_sequence=number, picture=statistics), number)
    assert len(watch.pictures) == 10
    watch.restart()
    assert (watch.frames, watch.last_ns, watch.pictures) == (0, None, ())


class FakePanel:
    def __init__(self) -> None:
        self.lamps: list[str] = []
        self.pulses: list[str] = []
        self.broken = False

    @property
    def indicators(self) -> FakePanel:
        return self

    @property
    def vibration(self) -> FakePanel:
        return self

    def show(self, pattern: LampPattern) -> None:
        if self.broken:
            raise PermanentHardwareError("no lamp")
        self.lamps.append(pattern.meaning)

    def pulse(self, pattern: VibrationPattern) -> None:
        self.pulses.append(pattern.meaning)


def test_a_flash_gives_way_to_the_state_again_cs_8() -> None:
    """CS-8."""
    parts = FakePanel()
    panel = Panel(cast("Hardware", parts))
    panel.show("recording")
    panel.answer(Cue.MARK, 100)
    panel.show("announcing")
    assert parts.lamps == ["recording", "mark"]
    assert panel.next_deadline_ns == 100 + FLASH_NS
    panel.settle(100 + FLASH_NS)
    assert parts.lamps[-1] == "announcing"
    assert parts.pulses == ["mark"]


@pytest.mark.parametrize("state", ["interrupted", "fault"])
def test_that_nothing_is_kept_is_shown_through_every_flash_cs_8(state: str) -> None:
    """CS-8: a break of 0.2 s behind «ready» has its lamp too."""
    parts = FakePanel()
    panel = Panel(cast("Hardware", parts))
    panel.show("starting")
    panel.answer(Cue.READY, 100)
    panel.show(state)
    assert parts.lamps == ["starting", "ready", state]
    assert panel.next_deadline_ns is None


def test_every_state_and_cue_can_be_given() -> None:
    parts = FakePanel()
    panel = Panel(cast("Hardware", parts))
    for state in STATE_LAMPS:
        panel.show(state)
    for cue in CUES:
        panel.answer(cue, 0)
    assert parts.pulses == [cue.value for cue in CUES]


def test_a_missing_lamp_stops_nothing() -> None:
    parts = FakePanel()
    parts.broken = True
    Panel(cast("Hardware", parts)).show("idle")
    assert parts.lamps == []


def test_the_meter_measures_level_and_clipping() -> None:
    meter = SoundMeter()
    assert meter.level() is None
    meter.add(block(np.zeros(960), 0, 0))
    silent = meter.level()
    assert silent is not None
    assert (silent.rms_dbfs, silent.clipped_permille) == (-120.0, 0)
    meter.restart()
    meter.add(block(np.full(900, 16_384), 0, 0))
    meter.add(block(np.full(100, -32_768), 900, 0))
    level = meter.level()
    assert level is not None
    assert (level.samples, level.clipped_permille) == (1000, 100)
    assert level.rms_dbfs == pytest.approx(-4.9, abs=0.2)


class ScriptedDetector:
    """Says of every chunk that it is speech when it is loud."""

    def reset(self) -> None:
        self.chunks = 0

    def probabilities(self, samples: np.ndarray) -> list[float]:
        return [1.0 if float(np.abs(samples).max()) > 0.05 else 0.0]


def heard(loud: list[tuple[float, float]], seconds: float = 12.0) -> RecentSound:
    """Microphone sound that is loud in the given stretches of seconds."""
    recent = RecentSound()
    wave = np.sin(2 * np.pi * 500 * np.arange(960) / 48_000)
    for number in range(round(seconds * 50)):
        at = number / 50
        level = 8_000 if any(start <= at < end for start, end in loud) else 10
        recent.append(block(level * wave, number * 960, round(at * SECOND_NS)))
    return recent


def window(recent: RecentSound, opened: float = 0.0, seconds: float = 10.0) -> ListeningWindow:
    wish = OpenWindow(4, VoicePurpose.EXPLANATION, seconds)
    return ListeningWindow(wish, round(opened * SECOND_NS), recent, cast("SpeechDetector", ScriptedDetector()))


def closed_by(listening: ListeningWindow, now_ns: int, own_words: Sequence[OwnWords] = ()) -> WindowClosed | None:
    """All looks that it takes until nothing waits."""
    closed = listening.advance(now_ns, own_words)
    while closed is None and listening.is_behind:
        closed = listening.advance(now_ns, own_words)
    return closed


def test_a_window_closes_early_behind_speech_and_silence() -> None:
    listening = window(heard([(1.0, 3.0)]))
    assert closed_by(listening, 3 * SECOND_NS) is None
    closed = closed_by(listening, 6 * SECOND_NS)
    assert closed is not None
    assert closed.accepted
    assert 1_700 <= closed.speech_ms <= 2_200


def test_a_silent_window_closes_at_its_end() -> None:
    listening = window(heard([]))
    assert closed_by(listening, round(9.9 * SECOND_NS)) is None
    closed = closed_by(listening, 10 * SECOND_NS)
    assert closed is not None
    assert (closed.accepted, closed.speech_ms) == (False, 0)


def test_a_window_without_any_sound_closes_at_its_end() -> None:
    closed = window(RecentSound()).advance(10 * SECOND_NS, ())
    assert closed is not None
    assert not closed.accepted


def test_the_units_own_words_are_no_speech() -> None:
    own = (OwnWords(1 * SECOND_NS, 3 * SECOND_NS), OwnWords(5 * SECOND_NS, None))
    listening = window(heard([(1.0, 3.2), (5.0, 7.0)]))
    assert closed_by(listening, 8 * SECOND_NS, own) is None
    listening.end(8 * SECOND_NS)
    closed = closed_by(listening, 8 * SECOND_NS, own)
    assert closed is not None
    assert (closed.accepted, closed.speech_ms) == (False, 0)
    without = window(heard([(1.0, 3.2), (5.0, 7.0)]))
    without.end(8 * SECOND_NS)
    closed = closed_by(without, 8 * SECOND_NS)
    assert closed is not None
    assert closed.accepted


def test_a_slow_judge_looks_at_half_a_second_at_a_time_and_ends_when_it_was_told() -> None:
    """The watch over clock, pack and camera goes on in between; the window's end does not move."""
    listening = window(heard([(8.0, 9.4)]))
    assert listening.advance(9 * SECOND_NS, ()) is None
    assert listening.is_behind
    assert listening.advance(12 * SECOND_NS, ()) is None, "its time is over, and most of it is not judged"
    looks = 0
    while (closed := listening.advance((13 + looks) * SECOND_NS, ())) is None:
        looks += 1
    assert looks > 10 * SECOND_NS // (16 * CHUNK_NS) - 4
    assert closed.closed_boottime_ns == 12 * SECOND_NS
    assert closed.accepted


def test_a_window_opens_behind_the_units_own_words() -> None:
    assert opening_ns(10 * SECOND_NS, (OwnWords(0, 9 * SECOND_NS),)) == 10 * SECOND_NS
    assert opening_ns(10 * SECOND_NS, (OwnWords(0, 10 * SECOND_NS),)) == round(10.3 * SECOND_NS)


def speech(tmp_path: Path, language: Language = Language.CHINESE, policy: CaptureProfile | None = None) -> Speech:
    book = PromptBook(voice_facts(policy or profile(statement=STATEMENT), ASSIGNMENT, language))
    return Speech(VoiceCache(tmp_path), book, ZONE)


def words(made: Speech, phrase: Phrase, **wish: object) -> str:
    speak = Speak(1, PromptKind.STATUS, phrase, **wish)  # type: ignore[arg-type]
    return made.book.text(made.utterance(speak, BROKEN_UTC_NS + 86_400 * SECOND_NS))


MARKS = {
    "key_content": ["现场环境"],
    "reminders": True,
    "categories": [{"code": "camera-fault", "zh": "现场环境", "en": "the place"}],
}
"""A category goes by the code that the test asks every phrase with."""


@pytest.mark.parametrize("language", list(Language))
@pytest.mark.parametrize("phrase", list(Phrase))
def test_there_are_words_for_every_phrase(tmp_path: Path, phrase: Phrase, language: Language) -> None:
    policy = profile(statement=STATEMENT, marks=MARKS)
    made = speech(tmp_path, language, policy)
    cause = "break" if phrase in {Phrase.ACTION, Phrase.ACTION_MENU} else "camera-fault"
    assert words(made, phrase, cause=cause, at_utc_ns=BROKEN_UTC_NS)


@pytest.mark.parametrize("one_button", [False, True])
def test_a_menu_says_how_to_choose_on_the_buttons_that_there_are_cs_35(tmp_path: Path, *, one_button: bool) -> None:
    """CS-35."""
    book = PromptBook(voice_facts(profile(), ASSIGNMENT, Language.CHINESE, one_button=one_button))
    made = Speech(VoiceCache(tmp_path), book, ZONE)
    how = "短按切换，长按确认。" if one_button else "按标记键切换，按录制键确认。"
    assert words(made, Phrase.CAUSE_MENU, cause="weather") == f"请选择中断原因。{how}天气情况恶劣。"
    entries = [words(made, Phrase.ACTION, cause=action.value) for action in Action]
    assert entries == ["中断录制。", "再次告知当事人。", "选择标记类别。", "登记不录制的情形。"]


@pytest.mark.parametrize("condition", list(Condition))
def test_a_warning_names_what_is_wrong_and_the_minutes_left(tmp_path: Path, condition: Condition) -> None:
    made = speech(tmp_path)
    said = words(made, Phrase.WARNING, cause=condition.value)
    assert words(made, Phrase.WARNING, cause=condition.value, number=12) == f"{said}还可录制十二分钟。"


@pytest.mark.requirement("R9", "wuhu")
@pytest.mark.requirement("R9", "wuhan")
@pytest.mark.parametrize("language", list(Language))
def test_a_chain_that_is_lost_sends_nobody_to_report_in_a_texts_name(tmp_path: Path, language: Language) -> None:
    """WH 8 and WU A2-16 know no report at once; what the unit says of itself is the same for all."""
    said = words(speech(tmp_path, language), Phrase.FAULT)
    assert said == (
        "存储故障，没有录制。" if language is Language.CHINESE else "The storage medium fails. Nothing is recorded."
    )


def test_words_name_time_day_cause_officers_and_checks(tmp_path: Path) -> None:
    made = speech(tmp_path)
    marker = words(made, Phrase.RESUME_MARKER, cause="camera-fault", at_utc_ns=BROKEN_UTC_NS)
    assert marker == "录制于昨日八点整因摄像头故障中断，现恢复录制。"
    assert words(made, Phrase.CAUSE, cause="weather") == "天气情况恶劣。"
    assert "甲某、乙某" in words(made, Phrase.NOTICE)
    assert "证号A001" in words(made, Phrase.OFFICERS)
    assert words(made, Phrase.STATEMENT_REQUEST) == "请语音说明时间和地点。"
    assert words(made, Phrase.PREFLIGHT, codes=("battery:degraded", "camera:fail")).startswith(
        "电池电量偏低或不明。摄像头检查未通过。"
    )
    assert words(made, Phrase.PRESS_TO_RESUME, cause="power-loss").startswith("上次录制因断电中断")


def test_a_marker_without_a_known_time_still_names_the_cause(tmp_path: Path) -> None:
    assert words(speech(tmp_path), Phrase.RESUME_MARKER, cause="crash") == "程序异常，录制中断。现恢复录制。"


def test_names_come_back_at_a_restart_only_for_the_officers_in_force(tmp_path: Path) -> None:
    settings = VoiceSettings(tmp_path)
    wardrobe = Wardrobe(settings, profile(), ZONE)
    wardrobe._store(replace(ASSIGNMENT, labels=(("party", "甲某药房"),)))
    assert (tmp_path / "assignment.json").stat().st_mode & 0o077 == 0
    assert "药房" not in (tmp_path / "assignment.json").read_text("utf-8")
    nameless = ASSIGNMENT.__class__(
        tuple(officer.__class__(officer.certificate_number, "") for officer in ASSIGNMENT.officers)
    )
    restored = Wardrobe(settings, profile(), ZONE).restore(nameless)
    assert restored is not None
    assert [officer.name for officer in restored.officers] == ["甲某", "乙某"]
    others = ASSIGNMENT.__class__((ASSIGNMENT.officers[0].__class__("B9", ""),))
    assert Wardrobe(settings, profile(), ZONE).restore(others) == others
    wardrobe.undress()
    assert Wardrobe(settings, profile(), ZONE).restore(nameless) == nameless


def test_a_damaged_assignment_is_said_and_left(tmp_path: Path) -> None:
    (tmp_path / "assignment.json").write_text("[]", encoding="utf-8")
    assert Wardrobe(VoiceSettings(tmp_path), profile(), ZONE).restore(ASSIGNMENT) == ASSIGNMENT

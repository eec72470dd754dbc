"""Somebody spoke, or nobody did: the real model and the tested rule (R5, R8)."""

from collections.abc import Callable

import numpy as np
import pytest

from capture.effects import OpenWindow
from capture.shell.listening import ListeningWindow
from capture.shell.voice import OwnWords
from capture.voice.activity import SpeechDetector, SpeechRule, judge
from capture.voice.ring import RecentSound
from capture.voice.samples import ANALYSIS_RATE_HZ, VOICE_RATE_HZ, Samples
from hal.values import AudioBlock
from sealing.records import VoicePurpose
from tests.support.listening import BEFORE_SECONDS, STARTED_NS, feed, listened

from .acoustics import NOISES, band, generator, rms, with_noise

Speech = Callable[[str], Samples]
SECOND = 1_000_000_000
REASON = "设备自动关机，现在恢复录制。"


@pytest.fixture(scope="module")
def detector() -> SpeechDetector:
    return SpeechDetector()


def chunks(pattern: str) -> list[float]:
    """`#` speech, `.` none, 32 ms each."""
    return [0.9 if sign == "#" else 0.1 for sign in pattern]


@pytest.mark.parametrize(
    ("pattern", "accepted", "dense_ms", "longest_ms"),
    [
        ("", False, 0, 0),
        ("." * 100, False, 0, 0),
        ("#" * 17, False, 544, 544),
        ("#" * 18, True, 576, 576),
        ("#######" + "." * 7 + "#" * 11, True, 576, 25 * 32),
        ("#####" + "." * 8 + "#" * 13, True, 576, 416),
        ("######" + "." * 8 + "#" * 12, False, 576, 384),
        (("#" * 6 + "." * 8) * 10, False, 30 * 32, 192),
        ("#" * 10 + "." * 42 + "#" * 10, False, 640, 320),
        ("#" * 13 + "." * 44 + "#" * 5, True, 576, 416),
        ("#" * 13 + "." * 45 + "#" * 5, False, 544, 416),
        (("#" * 13 + "." * 50) * 9, False, 416, 416),
        ("." * 10 + "#" * 20 + "." * 10, True, 640, 640),
    ],
)
def test_the_rule(pattern: str, *, accepted: bool, dense_ms: int, longest_ms: int) -> None:
    finding = judge(chunks(pattern))
    assert (finding.accepted, finding.dense_ms, finding.longest_run_ms) == (accepted, dense_ms, longest_ms)
    assert finding.speech_ms == 32 * pattern.count("#")


def test_what_a_street_is_mistaken_for_now_and_then_does_not_add_up() -> None:
    finding = judge(chunks(("#" * 14 + "." * 60) * 20))
    assert (finding.accepted, finding.speech_ms) == (False, 20 * 14 * 32)


def test_a_probability_of_six_tenths_is_no_speech() -> None:
    assert judge([0.6] * 100).speech_ms == 0
    assert judge([0.61] * 100).accepted


def test_the_silence_since_the_last_speech_is_counted() -> None:
    assert judge(chunks("###" + "." * 10)).silence_ms == 320
    assert judge(chunks("." * 10)).silence_ms == 320


def test_the_evidence_is_kept_chunk_by_chunk() -> None:
    assert list(judge([0.0, 0.5, 1.0, 1.2]).probabilities) == [0, 128, 255, 255]


def test_an_agency_may_ask_for_more() -> None:
    assert not judge(chunks("#" * 40), SpeechRule(dense_ms=1500)).accepted


def level(sound: Samples, dbfs: float) -> Samples:
    return np.asarray(sound / rms(sound) * 10 ** (dbfs / 20), dtype=np.float32)


def in_window(speech: Samples, seconds: float = 8.0) -> Samples:
    """Speech at −23 dBFS somewhere in an otherwise empty window."""
    window = np.zeros(round((BEFORE_SECONDS + seconds) * ANALYSIS_RATE_HZ), dtype=np.float32)
    begin = 2 * ANALYSIS_RATE_HZ
    loud = level(speech, -23.0)[: window.size - begin]
    window[begin : begin + loud.size] = loud
    return window


@pytest.mark.parametrize("text", [REASON, "刚才电池没有电了，所以录像中断了三分钟。"])
@pytest.mark.parametrize(("kind", "snr_db"), [("pink", 5), ("traffic", 0)])
@pytest.mark.requirement("R5", "wuhan", "inner-mongolia")
@pytest.mark.requirement("R8", "huainan", "dalian-jinpu", "wuhan", "inner-mongolia")
def test_speech_is_accepted_on_the_street(
    say: Speech, detector: SpeechDetector, text: str, kind: str, snr_db: float
) -> None:
    speech = in_window(say(text))
    noise = NOISES[kind](speech.size, generator(3)) * 10 ** ((-23.0 - snr_db) / 20)
    assert listened((speech + noise).astype(np.float32), detector).accepted


@pytest.mark.parametrize("text", ["没电了。", "换电池。", "电池没电了。", "存储卡满了。"])
@pytest.mark.parametrize("snr_db", [10, 0])
def test_three_words_are_enough(say: Speech, detector: SpeechDetector, text: str, snr_db: float) -> None:
    speech = in_window(say(text), 4.0)
    noise = NOISES["pink"](speech.size, generator(5)) * 10 ** ((-23.0 - snr_db) / 20)
    assert listened((speech + noise).astype(np.float32), detector).accepted


@pytest.mark.parametrize("kind", ["pink", "traffic", "white"])
@pytest.mark.parametrize("dbfs", [-40.0, -12.0])
@pytest.mark.requirement("R5", "wuhan", "inner-mongolia")
@pytest.mark.requirement("R8", "huainan", "dalian-jinpu", "wuhan", "inner-mongolia")
def test_noise_is_refused_at_every_level(detector: SpeechDetector, kind: str, dbfs: float) -> None:
    noise = level(NOISES[kind](9 * ANALYSIS_RATE_HZ, generator(4)).astype(np.float32), dbfs)
    closed = listened(np.clip(noise, -1, 1), detector)
    assert (closed.accepted, closed.speech_ms < 300) == (False, True)


@pytest.mark.parametrize("name", ["silence", "tone", "beeps", "knocks", "melody", "siren", "wind"])
def test_sounds_that_are_no_speech_are_refused(detector: SpeechDetector, name: str) -> None:
    """From the window's first moment on, also where nothing was heard before it."""
    time = np.arange(8 * ANALYSIS_RATE_HZ) / ANALYSIS_RATE_HZ
    beats = (time * 2).astype(int)
    notes = enumerate((262, 330, 392, 523, 659))
    melody = sum(np.sin(2 * np.pi * hz * time) * ((beats * 7 + place * 3) % 5 < 2) for place, hz in notes)
    gusts = np.maximum(0, np.sin(2 * np.pi * 0.4 * time) + 0.5 * np.sin(2 * np.pi * 1.7 * time))
    sounds = {
        "silence": np.zeros(time.size),
        "tone": 0.1 * np.sin(2 * np.pi * 1000 * time),
        "beeps": 0.2 * np.sin(2 * np.pi * 880 * time) * (time % 1 < 0.2),
        "knocks": 0.3 * np.exp(-(time % 0.7) * 60) * generator(1).normal(size=time.size),
        "melody": 0.08 * melody,
        "siren": 0.2 * np.sin(2 * np.pi * 900 * time - 800 * np.cos(2 * np.pi * 0.25 * time)),
        "wind": np.clip(4 * gusts * band(generator(2).normal(size=time.size), 20, 120), -1, 1),
    }
    assert not listened(np.asarray(sounds[name], dtype=np.float32), detector, opened_seconds=0).accepted


def test_the_unit_s_own_voice_before_the_window_is_not_counted(say: Speech, detector: SpeechDetector) -> None:
    own = level(say("没有听到说明，请再次说明中断原因。"), -20.0)
    quiet = generator(7).normal(size=5 * ANALYSIS_RATE_HZ) * 1e-3
    sound = np.concatenate([own, quiet]).astype(np.float32)
    ended = own.size / ANALYSIS_RATE_HZ
    assert not listened(sound, detector, opened_seconds=ended + 0.3).accepted
    words = OwnWords(STARTED_NS, STARTED_NS + round(ended * SECOND))
    assert not listened(sound, detector, opened_seconds=0, own_words=[words]).accepted
    assert listened(sound, detector, opened_seconds=0).accepted


def test_a_street_s_noise_is_known_when_the_window_opens(say: Speech, detector: SpeechDetector) -> None:
    """A few words in its first moment are heard, and were not without the second before it."""
    words = level(say("存储卡满了。"), -23.0)
    sound = np.zeros(6 * ANALYSIS_RATE_HZ)
    sound[2 * ANALYSIS_RATE_HZ :][: words.size] = words
    sound += NOISES["pink"](sound.size, generator(11)) * 10 ** ((-23.0 + 2) / 20)
    heard, late = sound.astype(np.float32), sound[2 * ANALYSIS_RATE_HZ :].astype(np.float32)
    known = listened(heard, detector, opened_seconds=2.0)
    unknown = listened(late, detector, opened_seconds=0.0)
    assert (known.accepted, known.speech_ms > unknown.speech_ms) == (True, True)


def test_a_dead_microphone_is_nobody_speaking(detector: SpeechDetector) -> None:
    recent = RecentSound(20)
    recent.append(AudioBlock(bytes(1920), 0, STARTED_NS))
    recent.append(AudioBlock(bytes(1920), 960 + 5 * VOICE_RATE_HZ, STARTED_NS + 5 * SECOND, 5 * VOICE_RATE_HZ))
    window = ListeningWindow(OpenWindow(1, VoicePurpose.EXPLANATION, 5.0), STARTED_NS, recent, detector)
    window.end(STARTED_NS + 5 * SECOND)
    while (closed := window.advance(STARTED_NS + 5 * SECOND, ())) is None:
        pass
    assert (closed.accepted, closed.speech_ms) == (False, 0)


def test_a_window_is_judged_while_it_is_open(say: Speech, detector: SpeechDetector) -> None:
    sound = with_noise(in_window(say(REASON)), "pink", 20, generator(6))
    recent, opened_ns = RecentSound(20), STARTED_NS + round(BEFORE_SECONDS * SECOND)
    window = ListeningWindow(OpenWindow(1, VoicePurpose.EXPLANATION, 30.0), opened_ns, recent, detector)
    part, closed = ANALYSIS_RATE_HZ // 2 // 320 * 320, None
    for start in range(0, sound.size - part, part):
        now_ns = STARTED_NS + (start + part) * SECOND // ANALYSIS_RATE_HZ
        feed(recent, sound[start : start + part], STARTED_NS + start * SECOND // ANALYSIS_RATE_HZ, start * 3)
        closed = window.advance(now_ns, ())
        if closed is not None:
            break
    assert closed is not None, "it closes behind the words, long before its time is over"
    assert closed.accepted
    spoken = 2.0 + say(REASON).size / ANALYSIS_RATE_HZ
    assert (closed.closed_boottime_ns - STARTED_NS) / SECOND == pytest.approx(spoken + 1.8, abs=0.7)

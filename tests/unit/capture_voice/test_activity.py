"""Somebody spoke, or nobody did: the real model and the tested rule (R5, R8)."""

from collections.abc import Callable

import numpy as np
import pytest

from capture.voice.activity import SETTLE_SECONDS, SpeechDetector, SpeechRule, VoiceWindow, judge
from capture.voice.ring import RecentSound
from capture.voice.samples import ANALYSIS_RATE_HZ, VOICE_RATE_HZ, Samples, to_s16
from hal.values import AudioBlock

from .acoustics import NOISES, generator, rms, with_noise

Speech = Callable[[str], Samples]
SECOND = 1_000_000_000
BOOT = 50 * SECOND
REASON = "设备自动关机，现在恢复录制。"


@pytest.fixture(scope="module")
def detector() -> SpeechDetector:
    return SpeechDetector()


def chunks(pattern: str) -> list[float]:
    """`#` speech, `.` none, 32 ms each."""
    return [0.9 if sign == "#" else 0.1 for sign in pattern]


@pytest.mark.parametrize(
    ("pattern", "accepted", "speech_ms", "longest_ms"),
    [
        ("", False, 0, 0),
        ("." * 100, False, 0, 0),
        ("#" * 31, False, 992, 992),
        ("#" * 32, True, 1024, 1024),
        ("#######" + "." * 7 + "#" * 25, True, 1024, 39 * 32),
        ("#######" + "." * 8 + "#" * 25, True, 1024, 800),
        (("#" * 6 + "." * 8) * 10, False, 1920, 192),
        (("#" * 13 + "." * 20) * 3, True, 1248, 416),
        (("#" * 12 + "." * 20) * 4, False, 1536, 384),
        ("." * 10 + "#" * 32 + "." * 10, True, 1024, 1024),
    ],
)
def test_the_rule(pattern: str, *, accepted: bool, speech_ms: int, longest_ms: int) -> None:
    finding = judge(chunks(pattern))
    assert (finding.accepted, finding.speech_ms, finding.longest_run_ms) == (accepted, speech_ms, longest_ms)


def test_a_probability_of_one_half_is_no_speech() -> None:
    assert judge([0.5] * 100).speech_ms == 0
    assert judge([0.51] * 100).accepted


def test_the_silence_since_the_last_speech_is_counted() -> None:
    assert judge(chunks("###" + "." * 10)).silence_ms == 320
    assert judge(chunks("." * 10)).silence_ms == 320


def test_the_evidence_is_kept_chunk_by_chunk() -> None:
    assert list(judge([0.0, 0.5, 1.0, 1.2]).probabilities) == [0, 128, 255, 255]


def test_an_agency_may_ask_for_more() -> None:
    assert not judge(chunks("#" * 40), SpeechRule(total_ms=1500)).accepted


def level(sound: Samples, dbfs: float) -> Samples:
    return np.asarray(sound / rms(sound) * 10 ** (dbfs / 20), dtype=np.float32)


def in_window(speech: Samples, seconds: float = 8.0) -> Samples:
    """Speech at −23 dBFS somewhere in an otherwise empty window."""
    window = np.zeros(round(seconds * ANALYSIS_RATE_HZ), dtype=np.float32)
    loud = level(speech, -23.0)[: window.size - ANALYSIS_RATE_HZ]
    window[ANALYSIS_RATE_HZ : ANALYSIS_RATE_HZ + loud.size] = loud
    return window


@pytest.mark.parametrize("text", [REASON, "刚才电池没有电了，所以录像中断了三分钟。"])
@pytest.mark.parametrize(("kind", "snr_db"), [("pink", 5), ("traffic", 0)])
@pytest.mark.requirement("R5", "wuhan", "inner-mongolia")
@pytest.mark.requirement("R8", "huainan", "dalian-jinpu", "wuhan", "inner-mongolia")
def test_speech_is_accepted_on_the_street(
    say: Speech, detector: SpeechDetector, text: str, kind: str, snr_db: float
) -> None:
    detector.reset()
    speech = in_window(say(text))
    noise = NOISES[kind](speech.size, generator(3)) * 10 ** ((-23.0 - snr_db) / 20)
    finding = judge(detector.probabilities((speech + noise).astype(np.float32)))
    assert finding.accepted


@pytest.mark.parametrize("kind", ["pink", "traffic", "white"])
@pytest.mark.parametrize("dbfs", [-40.0, -12.0])
@pytest.mark.requirement("R5", "wuhan", "inner-mongolia")
@pytest.mark.requirement("R8", "huainan", "dalian-jinpu", "wuhan", "inner-mongolia")
def test_noise_is_refused_at_every_level(detector: SpeechDetector, kind: str, dbfs: float) -> None:
    detector.reset()
    noise = level(NOISES[kind](8 * ANALYSIS_RATE_HZ, generator(4)).astype(np.float32), dbfs)
    finding = judge(detector.probabilities(noise))
    assert (finding.accepted, finding.speech_ms < 300) == (False, True)


@pytest.mark.parametrize("name", ["silence", "tone", "beeps", "knocks", "melody"])
def test_sounds_that_are_no_speech_are_refused(detector: SpeechDetector, name: str) -> None:
    detector.reset()
    time = np.arange(8 * ANALYSIS_RATE_HZ) / ANALYSIS_RATE_HZ
    beats = (time * 2).astype(int)
    notes = enumerate((262, 330, 392, 523, 659))
    melody = sum(np.sin(2 * np.pi * hz * time) * ((beats * 7 + place * 3) % 5 < 2) for place, hz in notes)
    sounds = {
        "silence": np.zeros(time.size),
        "tone": 0.1 * np.sin(2 * np.pi * 1000 * time),
        "beeps": 0.2 * np.sin(2 * np.pi * 880 * time) * (time % 1 < 0.2),
        "knocks": 0.3 * np.exp(-(time % 0.7) * 60) * generator(1).normal(size=time.size),
        "melody": 0.08 * melody,
    }
    assert not judge(detector.probabilities(np.asarray(sounds[name], dtype=np.float32))).accepted


def feed(recent: RecentSound, sound: Samples, start_ns: int, first_sample: int = 0) -> None:
    """Give 16 kHz sound to the ring as a 48 kHz card would."""
    wide = np.interp(np.arange(sound.size * 3) / 3, np.arange(sound.size), sound).astype(np.float32)
    for first in range(0, wide.size - 959, 960):
        at = start_ns + first * SECOND // VOICE_RATE_HZ
        recent.append(AudioBlock(to_s16(wide[first : first + 960]), first_sample + first, at))


def test_a_window_is_judged_while_it_is_open(say: Speech, detector: SpeechDetector) -> None:
    recent = RecentSound(20)
    window = VoiceWindow(recent, detector, BOOT)
    assert window.advance().speech_ms == 0
    sound = with_noise(in_window(say(REASON)), "pink", 20, generator(6))
    fifth = sound.size // 5 // 320 * 320
    findings = []
    for part in range(5):
        start = part * fifth
        feed(recent, sound[start : start + fifth], BOOT + start * SECOND // ANALYSIS_RATE_HZ, start * 3)
        findings.append(window.advance())
    assert [finding.accepted for finding in findings] == [False, True, True, True, True]
    assert findings[-1].silence_ms > 1_000
    judged_seconds = 5 * fifth / ANALYSIS_RATE_HZ - SETTLE_SECONDS
    assert len(findings[-1].probabilities) == pytest.approx(judged_seconds / 0.032, abs=2)


def test_the_unit_s_own_voice_before_the_window_is_not_counted(say: Speech, detector: SpeechDetector) -> None:
    recent = RecentSound(20)
    own = level(say("没有听到说明，请再次说明中断原因。"), -20.0)
    quiet = generator(7).normal(size=5 * ANALYSIS_RATE_HZ) * 1e-3
    feed(recent, np.concatenate([own, quiet]).astype(np.float32), BOOT)
    ended_ns = BOOT + own.size * SECOND // ANALYSIS_RATE_HZ
    assert not VoiceWindow(recent, detector, ended_ns).advance().accepted
    assert VoiceWindow(recent, detector, BOOT).advance().accepted


def test_a_dead_microphone_is_nobody_speaking(detector: SpeechDetector) -> None:
    recent = RecentSound(20)
    recent.append(AudioBlock(bytes(1920), 0, BOOT))
    recent.append(AudioBlock(bytes(1920), 960 + 5 * VOICE_RATE_HZ, BOOT + 5 * SECOND, 5 * VOICE_RATE_HZ))
    finding = VoiceWindow(recent, detector, BOOT).advance()
    assert (finding.accepted, finding.speech_ms) == (False, 0)

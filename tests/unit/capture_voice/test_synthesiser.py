"""The real espeak-ng, and what happens when it is missing, hangs or is the wrong one."""

import re
from pathlib import Path

import numpy as np
import pytest

from capture.voice.errors import SynthesisError, UnreadableError, VoiceUnavailableError
from capture.voice.language import Language
from capture.voice.phrases import PromptBook
from capture.voice.samples import VOICE_RATE_HZ, Samples, level_dbfs
from capture.voice.synthesiser import EspeakSynthesiser, find_synthesiser, resampled


def script(directory: Path, body: str) -> str:
    path = directory / "espeak-ng"
    path.write_text(f"#!/bin/sh\n{body}\n")
    path.chmod(0o755)
    return str(path)


def pitch_semitones(samples: Samples) -> float:
    """Spread of the voice's pitch between its 5th and 95th percentile."""
    window, hop = VOICE_RATE_HZ // 25, VOICE_RATE_HZ // 100
    low, high = VOICE_RATE_HZ // 400, VOICE_RATE_HZ // 60
    found = []
    for start in range(0, samples.size - window, hop):
        piece = samples[start : start + window] - samples[start : start + window].mean()
        spectrum = np.abs(np.fft.rfft(piece, 2 * window)) ** 2
        likeness = np.fft.irfft(spectrum)[:window]
        lag = low + int(np.argmax(likeness[low:high]))
        if level_dbfs(piece) > -35 and likeness[lag] > 0.5 * likeness[0]:
            found.append(VOICE_RATE_HZ / lag)
    bottom, top = np.percentile(found, 5), np.percentile(found, 95)
    return float(12 * np.log2(top / bottom))


def test_a_sentence_becomes_48_khz_sound_without_silence_at_its_ends(espeak: EspeakSynthesiser) -> None:
    samples = espeak.synthesise("录制于十点三十二分因摄像头故障中断，现恢复录制。", Language.CHINESE)
    assert 5.0 < samples.size / VOICE_RATE_HZ < 9.0
    assert level_dbfs(samples) > -30
    edge = VOICE_RATE_HZ // 20
    assert np.abs(samples[:edge]).max() > 0.003
    assert np.abs(samples[-edge:]).max() > 0.003


def test_the_tones_are_spread_wider_than_the_program_does_by_itself(espeak: EspeakSynthesiser) -> None:
    samples = espeak.synthesise("您好，为保护您的合法权益，监督我们的执法，本次执法全程录音录像。", Language.CHINESE)
    assert pitch_semitones(samples) > 5.0


def test_every_sentence_of_the_book_is_read_as_mandarin(espeak: EspeakSynthesiser, book: PromptBook) -> None:
    text = "\n".join(phrase.spoken for phrase in book.phrases)
    read = espeak.phonemes(text, Language.CHINESE)
    assert len(book.phrases) > 250
    assert "(en)" not in read


def test_chinese_names_in_english_text_are_spoken_by_the_mandarin_voice(espeak: EspeakSynthesiser) -> None:
    with_name = espeak.synthesise("Officer 单某, ready.", Language.ENGLISH)
    without = espeak.synthesise("Officer, ready.", Language.ENGLISH)
    assert with_name.size > without.size + VOICE_RATE_HZ // 3


def test_a_reading_is_spoken_in_english_text_by_the_mandarin_voice_too(espeak: EspeakSynthesiser) -> None:
    spoken, wanted = (
        espeak.synthesise(f"Officers {names}, ready.", Language.ENGLISH)
        for names in ("shan4 mou3、li3 mou3", "善某、李某")
    )
    assert abs(spoken.size - wanted.size) < VOICE_RATE_HZ // 10
    as_letters = espeak.synthesise("Officers shan 4 mou 3 li 3 mou 3, ready.", Language.ENGLISH)
    assert as_letters.size > wanted.size + VOICE_RATE_HZ // 2


@pytest.mark.parametrize("rare", ["\U0002cb4e", "\U00031350", "\ue863", "㭎"])
@pytest.mark.parametrize(
    ("text", "language"), [("您好，我是{}某。", Language.CHINESE), ("I am {}某.", Language.ENGLISH)]
)
def test_a_character_without_a_reading_is_refused_and_not_said_as_its_code(
    espeak: EspeakSynthesiser, rare: str, text: str, language: Language
) -> None:
    with pytest.raises(UnreadableError, match=re.escape(f"cannot read {rare!r}") + ".*a reading in pinyin"):
        espeak.synthesise(text.format(rare), language)


def test_a_rare_character_that_the_voice_knows_is_spoken(espeak: EspeakSynthesiser) -> None:
    assert espeak.synthesise("您好，我是张喆，我是赵犇，我是吴旻。", Language.CHINESE).size > VOICE_RATE_HZ


def test_signs_of_markup_are_spoken_and_never_obeyed(espeak: EspeakSynthesiser) -> None:
    assert espeak.synthesise("甲<break time='5s'/>乙&丙。", Language.CHINESE).size < 5 * VOICE_RATE_HZ


@pytest.mark.parametrize("text", ["", "   ", "某" * 2001])
def test_what_is_no_phrase_is_refused(espeak: EspeakSynthesiser, text: str) -> None:
    with pytest.raises(SynthesisError, match="1 to 2000 characters"):
        espeak.synthesise(text, Language.CHINESE)


def test_silence_is_not_taken_for_a_sentence(espeak: EspeakSynthesiser) -> None:
    with pytest.raises(SynthesisError, match="silence"):
        espeak.synthesise("。。", Language.CHINESE)


def test_a_missing_program_is_reported_with_the_package_to_install() -> None:
    with pytest.raises(VoiceUnavailableError, match=r"install the Debian package espeak-ng"):
        EspeakSynthesiser("espeak-ng-that-is-not-here")


def test_a_voice_that_reads_english_letters_is_refused_at_the_start(tmp_path: Path) -> None:
    program = script(
        tmp_path, "case $1 in --version) echo 'eSpeak NG 1.51 Data at: x';; *) echo \"(en)nI55nt'u:\";; esac"
    )
    with pytest.raises(VoiceUnavailableError, match="does not read Mandarin"):
        EspeakSynthesiser(program)


def test_a_program_without_the_mandarin_voice_is_refused_at_the_start(tmp_path: Path) -> None:
    program = script(tmp_path, "case $1 in --version) echo 'eSpeak NG 1.51';; *) exit 1;; esac")
    with pytest.raises(VoiceUnavailableError, match="no Mandarin voice"):
        EspeakSynthesiser(program)


def test_a_program_that_hangs_is_given_up(tmp_path: Path) -> None:
    program = script(tmp_path, "exec sleep 30")
    with pytest.raises(VoiceUnavailableError, match="timed out"):
        EspeakSynthesiser(program, timeout_seconds=0.2)


def test_resampling_keeps_length_and_pitch() -> None:
    tone = np.sin(2 * np.pi * 1000 * np.arange(22_050) / 22_050).astype(np.float32)
    result = resampled(tone, 22_050)
    assert abs(result.size - VOICE_RATE_HZ) < 100
    spectrum = np.abs(np.fft.rfft(result[:VOICE_RATE_HZ], VOICE_RATE_HZ))
    assert abs(int(np.argmax(spectrum)) - 1000) <= 1


def test_the_wheel_s_library_stands_in_for_the_program_in_a_process_of_its_own() -> None:
    pytest.importorskip("espeakng_loader", reason="the extra espeak is not installed")
    worker = find_synthesiser("espeak-ng-that-is-not-here")
    assert "library" in worker.identity
    samples = worker.synthesise("执法人员 shan4 某，请说明中断原因。", Language.CHINESE)
    assert 2.0 < samples.size / VOICE_RATE_HZ < 6.0
    assert worker.phonemes("善。", Language.CHINESE) == worker.phonemes("shan4。", Language.CHINESE)


def test_the_system_s_program_goes_before_the_wheel() -> None:
    assert "library" not in find_synthesiser().identity

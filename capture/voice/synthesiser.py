"""Words to sound by the program espeak-ng.

Rules of this module: the program is called as a program (its licence stays outside our process), never while a
recording runs, and never by a thread that takes part in the injected clock: it blocks for real, some 20 ms a phrase.
The Mandarin voice is always `cmn-latn-pinyin`: the plain `cmn` of Debian 12 reads Chinese as English letters.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
import wave
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol
from xml.sax.saxutils import escape

import av
import numpy as np

from capture.voice.errors import SynthesisError, UnreadableError, VoiceUnavailableError
from capture.voice.language import Language
from capture.voice.samples import VOICE_RATE_HZ, Samples, from_s16, joined, trimmed

INSTALL_HINT = "install the Debian package espeak-ng (apt-get install espeak-ng) or the extra 'espeak'"
PROGRAM = "espeak-ng"
WORKER = (sys.executable, "-m", "capture.voice.espeak_worker")
"""Stands in for the program where only the wheel `espeakng-loader` (extra `espeak`) is installed."""
TIMEOUT_SECONDS = 20.0
TEXT_MAX = 2_000
"""Characters of one phrase."""
_SELF_TEST = "您好，本次执法全程录音录像。"
_SELF_TEST_SYLLABLES = 12
_TONE_DIGITS = re.compile(r"\d{2}")
_ENGLISH_INSIDE = "(en)"
_NO_READING = "@:"
"""What the Mandarin voice says instead of a character that it does not know: a murmur, and the character's code."""
_RATE_WORDS = 160
_PITCH = 60
_RANGE = "+100%"
"""Widest intonation that the program takes: tones over 7 semitones instead of 4."""
_SEGMENT_GAP_SECONDS = 0.08
_FIRST_CHINESE = "\u2e80"
_CHINESE_SIGN = r"(?:[\u3400-\u9fff\ue000-\uf8ff\U00020000-\U0003ffff〇]|(?<![A-Za-z\d])[a-z]{1,6}[1-5](?![A-Za-z\d]))"
"""A character, or a syllable of pinyin with its tone."""
_CHINESE_RUN = re.compile(rf"{_CHINESE_SIGN}(?:[\s、·]*{_CHINESE_SIGN})*")
_SETTINGS = f"rate {_RATE_WORDS} pitch {_PITCH} range {_RANGE}"


VOICES = {Language.CHINESE: "cmn-latn-pinyin", Language.ENGLISH: "en"}


class Synthesiser(Protocol):
    """A source of spoken words."""

    @property
    def identity(self) -> str:
        """Names the voice and its settings; clips of another identity are rendered again."""
        ...

    def synthesise(self, text: str, language: Language) -> Samples:
        """Speak `text` (already `speakable`) as 48 kHz samples with little silence at the ends.

        Raises:
            SynthesisError: This text did not become sound.
        """
        ...


class EspeakSynthesiser:
    """espeak-ng, checked at construction.

    Args:
        program: Name or path of the program, or a command with its first arguments.
        timeout_seconds: Longest time for one phrase.

    Raises:
        VoiceUnavailableError: The program or its Mandarin voice is missing, or reads Chinese as English letters.
    """

    def __init__(self, program: str | Sequence[str] = PROGRAM, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._command = [program] if isinstance(program, str) else list(program)
        self._program = " ".join(self._command)
        self._timeout_seconds = timeout_seconds
        self._version = self._start_up(["--version"]).decode(errors="replace").partition("Data at")[0].strip()
        self._self_test()

    @property
    def identity(self) -> str:
        """Version of the program with voice and settings."""
        return f"{self._version}; {VOICES[Language.CHINESE]}; {_SETTINGS}"

    def phonemes(self, text: str, language: Language) -> str:
        """How the voice would say `text`, in the program's own phoneme signs.

        Raises:
            SynthesisError: The program failed.
        """
        arguments = ["-v", VOICES[language], "-q", "-x", "--stdin"]
        return self._run(arguments, text.encode()).decode(errors="replace").strip()

    def synthesise(self, text: str, language: Language) -> Samples:
        """Speak `text`; Chinese names inside English are spoken by the Mandarin voice.

        Raises:
            UnreadableError: The voice has no reading for a character.
            SynthesisError: The text is empty or too long, or the program failed, hung or gave silence.
        """
        if not text.strip() or len(text) > TEXT_MAX:
            raise SynthesisError(f"cannot speak {text[:40]!r}: a phrase needs 1 to {TEXT_MAX} characters")
        parts = [self._one_voice(part, voice) for part, voice in _by_voice(text, language)]
        return joined(parts, _SEGMENT_GAP_SECONDS)

    def _one_voice(self, text: str, language: Language) -> Samples:
        if language is Language.CHINESE:
            self._check_rare(text)
        marked = f'<speak><prosody range="{_RANGE}">{escape(text)}</prosody></speak>'
        with tempfile.TemporaryDirectory(prefix="recorder-voice-") as directory:
            target = Path(directory) / "phrase.wav"
            settings = ["-v", VOICES[language], "-m", "-s", str(_RATE_WORDS), "-p", str(_PITCH)]
            self._run([*settings, "-w", str(target), "--stdin"], marked.encode())
            samples = trimmed(_read_wav(target))
        if samples.size == 0:
            raise SynthesisError(f"{self._program} gave silence for {text!r}: reword it")
        return samples

    def _check_rare(self, text: str) -> None:
        """Ask the voice for the rare characters of a text one by one; it knows all common ones."""
        for sign in sorted(set(filter(_is_rare, text))):
            spoken = self.phonemes(sign, Language.CHINESE)
            if _NO_READING in spoken or _ENGLISH_INSIDE in spoken or not spoken:
                raise UnreadableError(
                    f"the voice cannot read {sign!r} in {text.strip()!r}: give the whole name a reading in pinyin, "
                    "姓名:证号:zhang1 san1, or reword the text"
                )

    def _run(self, arguments: Sequence[str], text: bytes) -> bytes:
        try:
            done = subprocess.run(
                [*self._command, *arguments], input=text, capture_output=True, timeout=self._timeout_seconds, check=True
            )
        except (OSError, subprocess.SubprocessError) as error:
            raise SynthesisError(f"{self._program} did not speak: {error}; {INSTALL_HINT}") from error
        return done.stdout

    def _start_up(self, arguments: Sequence[str]) -> bytes:
        try:
            return self._run(arguments, b"")
        except SynthesisError as error:
            raise VoiceUnavailableError(f"no voice: {error.__cause__}; {INSTALL_HINT}") from error

    def _self_test(self) -> None:
        """Refuse a voice that reads a fixed Chinese sentence as anything but toned Mandarin syllables."""
        try:
            spoken = self.phonemes(_SELF_TEST, Language.CHINESE)
        except SynthesisError as error:
            raise VoiceUnavailableError(f"no Mandarin voice: {error.__cause__}; {INSTALL_HINT}") from error
        if _ENGLISH_INSIDE in spoken or len(_TONE_DIGITS.findall(spoken)) < _SELF_TEST_SYLLABLES:
            raise VoiceUnavailableError(
                f"voice {VOICES[Language.CHINESE]} of {self._program} does not read Mandarin "
                f"(phonemes {spoken[:60]!r}): {INSTALL_HINT}"
            )


def find_synthesiser(program: str = PROGRAM) -> EspeakSynthesiser:
    """Give the voice of this machine: the system's espeak-ng, else the one of the wheel.

    Raises:
        VoiceUnavailableError: Neither is installed, or what is installed does not read Mandarin.
    """
    if shutil.which(program) is None and find_spec("espeakng_loader") is not None:
        return EspeakSynthesiser(WORKER)
    return EspeakSynthesiser(program)


def _is_rare(sign: str) -> bool:
    """Whether a sign is a Chinese character beyond the 6763 of GB 2312, which every voice reads."""
    if sign < _FIRST_CHINESE:
        return False
    try:
        sign.encode("gb2312")
    except UnicodeEncodeError:
        return sign.isalpha() or not sign.isprintable()
    return False


def _by_voice(text: str, language: Language) -> list[tuple[str, Language]]:
    """Cut English text at its Chinese names; Chinese text is one part."""
    if language is Language.CHINESE:
        return [(text, language)]
    parts: list[tuple[str, Language]] = []
    position = 0
    for found in _CHINESE_RUN.finditer(text):
        parts += [(text[position : found.start()], language), (found[0], Language.CHINESE)]
        position = found.end()
    parts.append((text[position:], language))
    return [(part, voice) for part, voice in parts if any(sign.isalnum() for sign in part)]


def _read_wav(path: Path) -> Samples:
    try:
        with wave.open(str(path)) as file:
            rate_hz, data = file.getframerate(), file.readframes(file.getnframes())
    except (OSError, EOFError, wave.Error) as error:
        raise SynthesisError(f"the synthesiser left no sound: {error}; {INSTALL_HINT}") from error
    return resampled(from_s16(data), rate_hz)


def resampled(samples: Samples, rate_hz: int) -> Samples:
    """Bring samples of any rate to 48 kHz."""
    if rate_hz == VOICE_RATE_HZ or samples.size == 0:
        return samples
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[np.newaxis, :]), format="flt", layout="mono")
    frame.sample_rate = rate_hz
    resampler = av.AudioResampler(format="flt", layout="mono", rate=VOICE_RATE_HZ)
    frames = [*resampler.resample(frame), *resampler.resample(None)]
    return np.concatenate([np.asarray(one.to_ndarray()[0], dtype=np.float32) for one in frames])

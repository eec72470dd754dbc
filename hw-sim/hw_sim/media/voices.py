"""Voices of the people beside the unit, spoken by espeak-ng and kept.

Rules of this module: words become sound before they are needed; nothing here knows of the world or its time. Every
speaker has a pitch and a pace of their own, always the same.
"""

from __future__ import annotations

import hashlib
import shutil
import subprocess
import tempfile
import threading
import wave
from pathlib import Path

import numpy as np

from hal.values import SoundClip
from hw_sim.media import waveforms
from hw_sim.media.errors import VoiceError
from hw_sim.media.waveforms import SAMPLE_RATE_HZ, Waveform

_PROGRAM = "espeak-ng"
_TIMEOUT_SECONDS = 120.0
"""Of a moment's work: whoever takes longer hangs, however busy the machine is."""
_SPEECH_DBFS = -20.0
"""RMS of the spoken parts at the microphone: somebody within an arm's length."""
_PEAK_LIMIT = 0.89
_SPOKEN_FRACTION_OF_PEAK = 0.1
_FRAME_SAMPLES = 960
_HAN_FIRST, _HAN_LAST = "\u3400", "\u9fff"


class Voices:
    """Turns words into clips.

    Args:
        directory: Where clips are kept over runs; None keeps them in memory alone.
    """

    def __init__(self, directory: Path | None = None) -> None:
        self._directory = directory
        self._lock = threading.Lock()
        self._kept: dict[str, SoundClip] = {}

    def clip(self, speaker: str, words: str) -> SoundClip:
        """Give the words as this speaker says them: 48 kHz, levelled, labelled with the words.

        Raises:
            VoiceError: espeak-ng is missing or refused; the message names the package to install.
        """
        key = hashlib.sha256(f"{speaker}\0{words}".encode()).hexdigest()[:32]
        with self._lock:
            if key not in self._kept:
                self._kept[key] = self._load(key, speaker, words)
            return self._kept[key]

    def _load(self, key: str, speaker: str, words: str) -> SoundClip:
        if self._directory is None:
            with tempfile.TemporaryDirectory(prefix="voices-") as directory:
                return _levelled(_spoken(Path(directory) / "words.wav", speaker, words), words)
        path = self._directory / f"{key}.wav"
        if not path.exists():
            self._directory.mkdir(parents=True, exist_ok=True)
            fresh = path.with_suffix(".new.wav")
            _spoken(fresh, speaker, words)
            fresh.replace(path)
        return _levelled(path, words)


def is_chinese(words: str) -> bool:
    """Tell whether the words hold a Chinese character, which decides the voice."""
    return any(_HAN_FIRST <= sign <= _HAN_LAST for sign in words)


def _spoken(path: Path, speaker: str, words: str) -> Path:
    if shutil.which(_PROGRAM) is None:
        raise VoiceError(f"{_PROGRAM} is not installed; install the package espeak-ng to let people speak")
    if not words.strip():
        raise VoiceError(f"{speaker!r} has nothing to say; give at least one word")
    # `-v cmn` of Debian 12 reads Chinese as English letters.
    voice = "cmn-latn-pinyin" if is_chinese(words) else "en"
    pitch, pace = _manner(speaker)
    command = [_PROGRAM, "-v", voice, "-p", str(pitch), "-s", str(pace), "-w", str(path), "--", words]
    try:
        done = subprocess.run(command, capture_output=True, timeout=_TIMEOUT_SECONDS, check=False)
    except subprocess.TimeoutExpired as error:
        raise VoiceError(f"{_PROGRAM} did not finish {words!r} in {_TIMEOUT_SECONDS} s") from error
    if done.returncode != 0:
        raise VoiceError(f"{_PROGRAM} refused {words!r}: {done.stderr.decode(errors='replace').strip()}")
    return path


def _manner(speaker: str) -> tuple[int, int]:
    """Pitch (0 to 99) and words per minute of a speaker."""
    drawn = hashlib.sha256(speaker.encode()).digest()
    return 30 + drawn[0] % 50, 145 + drawn[1] % 30


def _levelled(path: Path, words: str) -> SoundClip:
    with wave.open(str(path), "rb") as file:
        raw = SoundClip(file.readframes(file.getnframes()), file.getframerate(), words)
    sound = waveforms.resampled(raw)
    factor = waveforms.amplitude(_SPEECH_DBFS - _speech_level(sound))
    peak = float(np.abs(sound).max(initial=0.0))
    if peak == 0:
        raise VoiceError(f"{_PROGRAM} made only silence of {words!r}; use words that it can read")
    return SoundClip(waveforms.to_s16(sound * np.float32(min(factor, _PEAK_LIMIT / peak))), SAMPLE_RATE_HZ, words)


def _speech_level(sound: Waveform) -> float:
    """RMS in dBFS of the parts that are speech, not pauses."""
    frames = sound[: sound.size // _FRAME_SAMPLES * _FRAME_SAMPLES].reshape(-1, _FRAME_SAMPLES)
    powers = np.sqrt(np.mean(np.square(frames), axis=1))
    spoken = frames[powers > _SPOKEN_FRACTION_OF_PEAK * powers.max(initial=0.0)]
    return waveforms.level_dbfs(spoken) if spoken.size else waveforms.level_dbfs(sound)

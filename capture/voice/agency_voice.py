"""An agency's own voice: recorded clips and a speech engine of its own, before the built-in synthesiser (R4, R8).

The agency's folder holds `voice.toml` and WAV files. A clip stands for exactly the words that it names; an engine, any
program that reads a text and writes a WAV (a neural voice, for one), speaks what has no clip; the built-in voice
speaks the rest. What comes from the agency goes through the same loudness as everything else. A folder that is wrong in
any point is refused as a whole, so that nobody hears half of it.

Rules of this module: read at start and at check-out, never while a recording runs; an engine blocks for real.
"""

from __future__ import annotations

import hashlib
import io
import subprocess
import tomllib
import wave
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from capture.voice.errors import AgencyVoiceError, SynthesisError
from capture.voice.language import Language
from capture.voice.phrases import Phrase
from capture.voice.samples import VOICE_RATE_HZ, Samples, from_s16, level_dbfs, trimmed
from capture.voice.synthesiser import TIMEOUT_SECONDS, Synthesiser, resampled

DESCRIPTION_NAME = "voice.toml"
DESCRIPTION_BYTES_MAX = 256 * 1024
RATES_HZ = (16_000, VOICE_RATE_HZ)
"""Least and largest rate of a WAV."""
SECONDS = (0.1, 60.0)
"""Shortest and longest clip."""
LEVEL_DBFS_MIN = -45.0
"""A quieter recording would bring its noise up with it."""
CLIPPED_PERMILLE_MAX = 1.0
_FULL_SCALE = 32_766 / 32_768

Digest = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]
FileName = Annotated[str, Field(pattern=r"^[^/\\\x00]{1,100}\.wav$")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class VoiceHead(_Section):
    """Whose voice it is."""

    schema_version: Annotated[int, Field(ge=1, le=1)]
    id: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,63}$")]
    licence: Annotated[str, Field(min_length=1, max_length=200)]
    """Under which it may be used: asked, because a voice is somebody's."""


class EngineFile(_Section):
    """A file that the engine speaks by: a neural voice's model, its lexicon, its tokens."""

    file: Annotated[str, Field(pattern=r"^[^/\\\x00]{1,100}$")]
    sha256: Digest


class EngineEntry(_Section):
    """A program that speaks: text on its standard input, WAV on its standard output."""

    command: Annotated[tuple[str, ...], Field(min_length=1, max_length=32)]
    """`{folder}` in it stands for the agency's folder."""
    files: Annotated[tuple[EngineFile, ...], Field(max_length=32)] = ()
    """Files of that folder without which it is not the voice that it is said to be."""
    languages: Annotated[tuple[Language, ...], Field(min_length=1)] = (Language.CHINESE,)


class ClipEntry(_Section):
    """A recording of certain words."""

    words: Annotated[str, Field(min_length=1, max_length=400)]
    language: Language = Language.CHINESE
    file: FileName
    sha256: Digest
    """Of the file."""


class Description(_Section):
    """The file `voice.toml`."""

    voice: VoiceHead
    engine: EngineEntry | None = None
    clips: Annotated[tuple[ClipEntry, ...], Field(max_length=2_000)] = ()

    @model_validator(mode="after")
    def _words_once(self) -> Self:
        spoken = [(clip.words, clip.language) for clip in self.clips]
        twice = next((words for words, language in spoken if spoken.count((words, language)) > 1), None)
        if twice is not None:
            raise ValueError(f"clips: {twice!r} stands twice; keep one")
        return self


@dataclass(frozen=True, slots=True)
class Recording:
    """A checked clip."""

    samples: Samples
    sha256: str


class AgencyVoice:
    """What an agency's folder gives.

    Args:
        description: Its `voice.toml`.
        recordings: Checked clips by words and language.
        digest: SHA-256 of `voice.toml`, hexadecimal.
    """

    def __init__(
        self, description: Description, recordings: Mapping[tuple[str, Language], Recording], digest: str
    ) -> None:
        self.description = description
        self._recordings = recordings
        self._digest = digest

    @classmethod
    def load(cls, folder: Path) -> Self | None:
        """Read and check a folder; None where it holds no `voice.toml`.

        Raises:
            AgencyVoiceError: Something in it is wrong; the message names file, place and remedy.
        """
        path = folder / DESCRIPTION_NAME
        try:
            with path.open("rb") as file:
                data = file.read(DESCRIPTION_BYTES_MAX + 1)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise AgencyVoiceError(f"{path}: cannot be read: {error.strerror}; check its owner") from error
        description = _described(path, data)
        recordings = {(clip.words, clip.language): _checked(folder, clip) for clip in description.clips}
        return cls(_with_engine(folder, description), recordings, hashlib.sha256(data).hexdigest())

    def recording(self, words: str, language: Language) -> Recording | None:
        """The clip of exactly these words."""
        return self._recordings.get((words, language))

    def synthesiser(self, built_in: Synthesiser) -> Synthesiser:
        """The engine, with the built-in voice for what it does not speak; the latter alone where there is no engine."""
        engine = self.description.engine
        return built_in if engine is None else EngineSynthesiser(engine, self._digest, built_in)


class EngineSynthesiser:
    """An agency's program as a synthesiser.

    Args:
        engine: How it is called, and what it speaks.
        digest: Of the description that names it: another one renders every word anew.
        built_in: Speaks the other languages.
    """

    def __init__(self, engine: EngineEntry, digest: str, built_in: Synthesiser) -> None:
        self._engine = engine
        self._digest = digest
        self._built_in = built_in

    @property
    def identity(self) -> str:
        """Names the engine's description and the built-in voice."""
        return f"agency {self._digest}; {self._built_in.identity}"

    def words_of(self, phrase: Phrase) -> str:
        """What is handed to `synthesise`: characters for the engine, which reads no pinyin."""
        return (phrase.plain or phrase.text) if phrase.language in self._engine.languages else phrase.spoken

    def synthesise(self, text: str, language: Language) -> Samples:
        """Speak `text` as 48 kHz samples with little silence at the ends.

        Raises:
            SynthesisError: The program failed, hung, or gave no usable WAV.
        """
        if language not in self._engine.languages:
            return self._built_in.synthesise(text, language)
        command = " ".join(self._engine.command)
        try:
            done = subprocess.run(
                self._engine.command, input=text.encode(), capture_output=True, timeout=TIMEOUT_SECONDS, check=True
            )
            samples = trimmed(_sound_of(done.stdout))
        except (OSError, subprocess.SubprocessError, AgencyVoiceError) as error:
            raise SynthesisError(f"the agency's engine {command!r} did not speak {text!r}: {error}") from error
        if samples.size == 0:
            raise SynthesisError(f"the agency's engine {command!r} gave silence for {text!r}: reword it")
        return samples


def _described(path: Path, data: bytes) -> Description:
    if len(data) > DESCRIPTION_BYTES_MAX:
        raise AgencyVoiceError(f"{path}: more than {DESCRIPTION_BYTES_MAX} bytes; shorten it")
    try:
        table = tomllib.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise AgencyVoiceError(f"{path}: not a TOML file in UTF-8: {error}; correct that place") from error
    try:
        return Description.model_validate(table)
    except ValidationError as error:
        found = error.errors(include_url=False)[0]
        key = ".".join(str(part) for part in found["loc"]) or "(the whole table)"
        raise AgencyVoiceError(f"{path}: {key}: {found['msg']}; correct it") from error


def _with_engine(folder: Path, description: Description) -> Description:
    """See that the engine's files are those that are named, and give its command the folder."""
    engine = description.engine
    if engine is None:
        return description
    for each in engine.files:
        path = folder / each.file
        try:
            with path.open("rb") as file:
                digest = hashlib.file_digest(file, "sha256").hexdigest()
        except OSError as error:
            raise AgencyVoiceError(
                f"{path}: cannot be read: {error.strerror}; put it beside {DESCRIPTION_NAME}"
            ) from error
        if digest != each.sha256:
            raise AgencyVoiceError(f"{path}: is not the file that {DESCRIPTION_NAME} names; correct its sha256")
    command = tuple(part.replace("{folder}", str(folder)) for part in engine.command)
    return description.model_copy(update={"engine": engine.model_copy(update={"command": command})})


def _checked(folder: Path, clip: ClipEntry) -> Recording:
    path = folder / clip.file
    try:
        data = path.read_bytes()
    except OSError as error:
        raise AgencyVoiceError(f"{path}: cannot be read: {error.strerror}; put it beside {DESCRIPTION_NAME}") from error
    if hashlib.sha256(data).hexdigest() != clip.sha256:
        raise AgencyVoiceError(f"{path}: is not the file that {DESCRIPTION_NAME} names; correct its sha256")
    try:
        samples = _sound_of(data)
    except AgencyVoiceError as error:
        raise AgencyVoiceError(f"{path}: {error}") from error
    return Recording(samples, clip.sha256)


def _sound_of(data: bytes) -> Samples:
    """A WAV's samples at 48 kHz, checked."""
    try:
        with wave.open(io.BytesIO(data)) as file:
            shape = (file.getnchannels(), file.getsampwidth(), file.getframerate())
            samples = from_s16(file.readframes(file.getnframes())) if shape[:2] == (1, 2) else None
    except (EOFError, wave.Error) as error:
        raise AgencyVoiceError(f"no WAV: {error}; save it as one") from error
    channels, width, rate = shape
    if samples is None or not RATES_HZ[0] <= rate <= RATES_HZ[1]:
        raise AgencyVoiceError(
            f"{channels} channels of {8 * width} bits at {rate} Hz; "
            f"save it as one channel of 16 bits at {RATES_HZ[0]} to {RATES_HZ[1]} Hz"
        )
    _check_sound(samples, samples.size / rate)
    return resampled(samples, rate)


def _check_sound(samples: Samples, seconds: float) -> None:
    if not SECONDS[0] <= seconds <= SECONDS[1]:
        raise AgencyVoiceError(f"{seconds:.2f} s long; a clip has {SECONDS[0]} to {SECONDS[1]} s")
    level = level_dbfs(samples)
    if level < LEVEL_DBFS_MIN:
        raise AgencyVoiceError(f"level {level:.0f} dBFS; record it at {LEVEL_DBFS_MIN:.0f} dBFS or more")
    clipped = 1000 * float(np.mean(np.abs(samples) >= _FULL_SCALE))
    if clipped > CLIPPED_PERMILLE_MAX:
        raise AgencyVoiceError(f"{clipped:.1f} of 1000 samples at full scale; record it less loud")

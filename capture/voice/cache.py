"""Clips rendered beforehand: one directory of WAV files and their index.

Rules of this module: files are written beside and renamed, so that a reader finds a whole clip or none; a clip's name
is the hash of its words, language and voice, so that a later start finds it again. Rendering blocks for real and is
done at start and at check-out, by a thread that takes no part in the injected clock; speaking only reads. A clip that
is missing is never synthesised while recording: a tone answers in its place, and the log says which words are missing.
"""

from __future__ import annotations

import hashlib
import json
import logging
import os
import wave
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from pathlib import Path
from threading import Lock

from pydantic import BaseModel, ConfigDict, ValidationError

from capture.voice.agency_voice import AgencyVoice, EngineSynthesiser, Recording
from capture.voice.errors import LoudnessError, MissingClipError, SynthesisError, UnreadableError
from capture.voice.loudness import normalised
from capture.voice.phrases import Phrase, Utterance
from capture.voice.samples import VOICE_RATE_HZ, faded, from_s16, joined, to_s16
from capture.voice.sounds import Tone
from capture.voice.synthesiser import Synthesiser
from capture.voice.tones import tone
from hal.values import SoundClip

log = logging.getLogger(__name__)

GAP_SECONDS = 0.08
"""Silence between joined clips."""
INDEX_NAME = "index.json"
INDEX_VERSION = 1
_PROCESSING = "trim, -16 LUFS, -1.5 dBTP, v1"
"""Part of every clip's name: a change of the processing renders anew."""
_EDGE_SECONDS = 0.004
_WAV_HEAD_BYTES = 44
_DIRECTORY_MODE = 0o700
_REMEDY = "check the officers out again, which renders every clip"


class IndexEntry(BaseModel):
    """One clip in the index."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    key: str
    text: str
    language: str
    file: str
    sha256: str
    """Of the samples, s16le."""
    duration_ms: int


class Index(BaseModel):
    """The file `index.json`."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    version: int
    voice: str
    clips: tuple[IndexEntry, ...]


@dataclass(frozen=True, slots=True)
class SpokenClip:
    """A sentence ready to be played, with what is sealed about it."""

    clip: SoundClip
    text: str
    sha256: bytes
    """Of the clip's samples: `Prompt.clip_hash`."""
    spoken: bool
    """False when a tone stands in for words that are missing."""


@dataclass(frozen=True, slots=True)
class RenderReport:
    """What a rendering did."""

    rendered: int
    reused: int
    removed: int


class VoiceCache:
    """The clips of the officers who are checked out.

    Args:
        directory: Where the clips stand; made when it is missing.
        agency: The agency's own clips, which go before every synthesiser.
    """

    def __init__(self, directory: Path, agency: AgencyVoice | None = None) -> None:
        self._directory = directory
        self._agency = agency
        self._lock = Lock()
        self._entries: dict[str, IndexEntry] = {}
        self._voice = ""
        directory.mkdir(mode=_DIRECTORY_MODE, parents=True, exist_ok=True)
        # Clips speak the officers' names: nobody else reads them, whoever made the folder.
        directory.chmod(_DIRECTORY_MODE)
        self._load()

    def render(
        self,
        phrases: Sequence[Phrase],
        synthesiser: Synthesiser,
        on_progress: Callable[[int, int], None] = lambda _done, _total: None,
        *,
        may_lack: Collection[str] = (),
    ) -> RenderReport:
        """Make every phrase available; the clips before stay in force until all are done.

        Clips that no phrase needs any more (names of officers before) are removed.

        Args:
            phrases: What has to be said.
            synthesiser: Speaks what there is no clip of.
            on_progress: Told of clips done and clips in all.
            may_lack: Keys of phrases that are left out where the voice cannot read them.

        Raises:
            UnreadableError: The voice cannot read another phrase; the clips before stay in force.
            SynthesisError: A text did not become sound; as above.
            LoudnessError: As above.
            OSError: The directory cannot be written; as above.
        """
        voice, rendered = synthesiser.identity, 0
        entries: dict[str, IndexEntry] = {}
        known = {entry.file: entry for entry in self._entries.values()}
        for done, phrase in enumerate(phrases):
            on_progress(done, len(phrases))
            entry = self._reusable(phrase, known.get(self._name_of(phrase, voice)))
            if entry is None:
                try:
                    entry = self._render_one(phrase, synthesiser)
                except UnreadableError:
                    if phrase.key not in may_lack:
                        raise
                    log.exception("clip %r is left out: a tone stands in for it", phrase.key)
                    continue
                rendered += 1
            entries[phrase.key] = entry
        self._commit(entries, voice)
        on_progress(len(phrases), len(phrases))
        return RenderReport(rendered, len(entries) - rendered, self._remove_unused(entries))

    def render_by_first(
        self,
        phrases: Sequence[Phrase],
        voices: Sequence[Synthesiser],
        on_progress: Callable[[int, int], None],
        *,
        may_lack: Collection[str],
    ) -> RenderReport:
        """Render by the first voice that speaks; another one then speaks all of it, so that none are mixed.

        Arguments, result and errors as `render`, the errors of the last voice.
        """
        *preferred, last = voices
        for voice in preferred:
            try:
                return self.render(phrases, voice, on_progress, may_lack=may_lack)
            except (SynthesisError, LoudnessError):
                log.exception("the agency's engine does not speak; another voice does until the next check-out")
        return self.render(phrases, last, on_progress, may_lack=may_lack)

    def missing(self, phrases: Sequence[Phrase]) -> tuple[Phrase, ...]:
        """Which phrases are not in the index with exactly these words, or have no file as long as it says.

        A loss of power may take a clip that stands in the index; what is in the files is looked at when they are
        played or rendered. Words that the agency has recorded are missing as long as another voice speaks them.
        """
        with self._lock:
            known = dict(self._entries)
        return tuple(phrase for phrase in phrases if not self._stands(phrase, known.get(phrase.key)))

    def _stands(self, phrase: Phrase, entry: IndexEntry | None) -> bool:
        if entry is None or entry.text != phrase.text or not self._is_as_long(entry):
            return False
        return self._recording(phrase) is None or entry.file == self._name_of(phrase, "")

    def _is_as_long(self, entry: IndexEntry) -> bool:
        try:
            data_bytes = (self._directory / entry.file).stat().st_size - _WAV_HEAD_BYTES
        except OSError:
            return False
        return _duration_ms(data_bytes) == entry.duration_ms

    def _recording(self, phrase: Phrase) -> Recording | None:
        return None if self._agency is None else self._agency.recording(phrase.text, phrase.language)

    def _name_of(self, phrase: Phrase, voice: str) -> str:
        """Name of a clip's file; a recording is named by itself, whatever speaks the rest."""
        recording = self._recording(phrase)
        return _file_name(phrase, voice if recording is None else f"recording {recording.sha256}")

    def forget(self, keys: Collection[str]) -> int:
        """Drop clips, index entry and file: what they say must not be said, nor stand here, any more.

        Returns:
            How many there were.

        Raises:
            OSError: The directory cannot be written; the clips are not said any more all the same.
        """
        with self._lock:
            before, voice = len(self._entries), self._voice
            entries = {key: entry for key, entry in self._entries.items() if key not in keys}
            self._entries = entries
        if len(entries) < before:
            self._commit(entries, voice)
            self._remove_unused(entries)
        return before - len(entries)

    def joined(self, utterance: Utterance) -> SpokenClip:
        """Join the clips of a sentence with 80 ms between them.

        Raises:
            MissingClipError: A clip was not rendered, or its file is damaged or gone.
        """
        with self._lock:
            entries = [self._entry(key) for key in utterance]
        parts = [from_s16(self._read(entry)) for entry in entries]
        between = "" if all(entry.language == "zh" for entry in entries) else " "
        text = between.join(entry.text for entry in entries)
        return _spoken(to_s16(joined(parts, GAP_SECONDS)), text, spoken=True)

    def joined_or_tone(self, utterance: Utterance) -> SpokenClip:
        """As `joined`, but with the sound of a failure (and `spoken` false) in place of words that are missing."""
        try:
            return self.joined(utterance)
        except MissingClipError as error:
            log.error("%s; a tone is played instead", error)  # noqa: TRY400 - the words are missing, not the program
            return _spoken(tone(Tone.FAILED).samples, " ".join(utterance), spoken=False)

    def _load(self) -> None:
        path = self._directory / INDEX_NAME
        try:
            index = Index.model_validate_json(path.read_bytes())
        except FileNotFoundError:
            return
        except (OSError, ValidationError) as error:
            log.warning("voice index %s is unusable and will be made anew: %s", path, error)
            return
        if index.version == INDEX_VERSION:
            self._entries, self._voice = {entry.key: entry for entry in index.clips}, index.voice

    def _entry(self, key: str) -> IndexEntry:
        entry = self._entries.get(key)
        if entry is None:
            raise MissingClipError(f"clip {key!r} was never rendered: {_REMEDY}")
        return entry

    def _read(self, entry: IndexEntry) -> bytes:
        path = self._directory / entry.file
        try:
            with wave.open(str(path)) as file:
                data = bytes(file.readframes(file.getnframes()))
        except (OSError, EOFError, wave.Error) as error:
            raise MissingClipError(f"clip {entry.key!r} in {path} is gone ({error}): {_REMEDY}") from error
        if hashlib.sha256(data).hexdigest() != entry.sha256:
            raise MissingClipError(f"clip {entry.key!r} in {path} is damaged: {_REMEDY}")
        return data

    def _reusable(self, phrase: Phrase, known: IndexEntry | None) -> IndexEntry | None:
        """A clip of the same words and voice, under whatever key, if its file is still whole."""
        if known is None:
            return None
        try:
            self._read(known)
        except MissingClipError:
            return None
        return known.model_copy(update={"key": phrase.key, "text": phrase.text})

    def _render_one(self, phrase: Phrase, synthesiser: Synthesiser) -> IndexEntry:
        recording = self._recording(phrase)
        words = synthesiser.words_of(phrase) if isinstance(synthesiser, EngineSynthesiser) else phrase.spoken
        sound = synthesiser.synthesise(words, phrase.language) if recording is None else recording.samples
        data = to_s16(faded(normalised(sound), _EDGE_SECONDS))
        name = self._name_of(phrase, synthesiser.identity)
        _write_wav(self._directory / name, data)
        return IndexEntry(
            key=phrase.key,
            text=phrase.text,
            language=phrase.language.value,
            file=name,
            sha256=hashlib.sha256(data).hexdigest(),
            duration_ms=_duration_ms(len(data)),
        )

    def _commit(self, entries: dict[str, IndexEntry], voice: str) -> None:
        index = Index(version=INDEX_VERSION, voice=voice, clips=tuple(entries.values()))
        text = json.dumps(index.model_dump(mode="json"), ensure_ascii=False, indent=1)
        _write_atomically(self._directory / INDEX_NAME, lambda path: path.write_bytes(text.encode()), durable=True)
        with self._lock:
            self._entries, self._voice = entries, voice

    def _remove_unused(self, entries: dict[str, IndexEntry]) -> int:
        wanted = {entry.file for entry in entries.values()}
        unused = [path for path in self._directory.glob("*.wav*") if path.name not in wanted]
        for path in unused:
            path.unlink(missing_ok=True)
        return len(unused)


def _duration_ms(data_bytes: int) -> int:
    return data_bytes // 2 * 1000 // VOICE_RATE_HZ


def _file_name(phrase: Phrase, voice: str) -> str:
    content = f"{voice}\n{_PROCESSING}\n{phrase.language.value}\n{phrase.spoken}"
    return f"{hashlib.sha256(content.encode()).hexdigest()[:32]}.wav"


def _spoken(samples: bytes, text: str, *, spoken: bool) -> SpokenClip:
    clip = SoundClip(samples, VOICE_RATE_HZ, text)
    return SpokenClip(clip, text, hashlib.sha256(samples).digest(), spoken)


def _write_wav(path: Path, data: bytes) -> None:
    def write(target: Path) -> None:
        with wave.open(str(target), "wb") as file:
            file.setnchannels(1)
            file.setsampwidth(2)
            file.setframerate(VOICE_RATE_HZ)
            file.writeframes(data)

    _write_atomically(path, write, durable=False)


def _write_atomically(path: Path, write: Callable[[Path], object], *, durable: bool) -> None:
    """Write beside and rename; a clip need not be durable, its hash tells at the next start whether it is whole."""
    beside = path.with_suffix(path.suffix + ".part")
    write(beside)
    if durable:
        with beside.open("rb") as file:
            os.fsync(file.fileno())
    beside.replace(path)

"""Rendering words, and keeping to whom the unit is handed: what a check-out leaves on the unit (R2).

Rules of this module: rendering blocks for real and is called only between recordings, never on a thread of the
recorder. Names stand beside the clips that speak them, readable by the agent alone, and go with the check-in, written
and spoken (`docs/adr/0011-names-while-checked-out.md`).
"""

from __future__ import annotations

import json
import logging
from collections.abc import Callable, Collection, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import tzinfo
from pathlib import Path

from capture.assignment import Assignment, Officer
from capture.errors import AssignmentError, VoiceNotRenderedError
from capture.profile import CaptureProfile, ExemptionGround
from capture.shell.speaking import Speech, voice_facts
from capture.voice.agency_voice import AgencyVoice
from capture.voice.cache import RenderReport, VoiceCache
from capture.voice.errors import AgencyVoiceError, ReadingError, UnreadableError, VoiceError
from capture.voice.language import Language
from capture.voice.phrases import Phrase, PromptBook
from capture.voice.synthesiser import EspeakSynthesiser, Synthesiser
from capture.voice.wording import Words

log = logging.getLogger(__name__)

ASSIGNMENT_NAME = "assignment.json"
_PRIVATE_MODE = 0o600


@dataclass(frozen=True, slots=True)
class VoiceSettings:
    """How the unit speaks."""

    directory: Path
    """Where clips and the names of the check-out in force stand."""
    language: Language = Language.CHINESE
    synthesiser: Callable[[], Synthesiser] = EspeakSynthesiser
    """Made when something has to be rendered."""
    agency: Path | None = None
    """Folder of the agency's own voice; what it gives goes before the synthesiser."""


class Wardrobe:
    """Keeps the clips fitting to who wears the unit.

    Args:
        settings: How the unit speaks.
        profile: The profile's words.
        zone: Local civil time.
        grounds: On which the profile's text lets officers not record (R11).
        labels: What the profile wants recordings to be labelled with, code and words (R22).
        one_button: The unit has no mark button. Clips are the same for both.

    Raises:
        OSError: The voice directory cannot be made.
    """

    def __init__(
        self,
        settings: VoiceSettings,
        profile: CaptureProfile,
        zone: tzinfo,
        grounds: Sequence[ExemptionGround] = (),
        *,
        labels: Sequence[tuple[str, Words]] = (),
        one_button: bool = False,
    ) -> None:
        self._settings = settings
        self._one_button = one_button
        self._grounds = grounds
        self._labels = labels
        self._profile = profile
        self._agency = _agency_voice(settings.agency)
        self._cache = VoiceCache(settings.directory, self._agency)
        self.speech = Speech(self._cache, self._book(None), zone)

    def restore(self, held: Assignment | None) -> Assignment | None:
        """Give the assignment that the chain tells of its names again, as far as they stand on the unit."""
        stored = self._stored()
        if held is None or stored is None or _numbers(stored) != _numbers(held):
            return held
        self.speech.book = self._book(stored)
        return replace(held, officers=stored.officers)

    def render_missing(self, on_progress: Callable[[int, int], None] = lambda _done, _total: None) -> bool:
        """Render what the words in force lack; blocks for seconds. Without a voice the unit sounds tones instead.

        Args:
            on_progress: Told of clips done and clips in all.

        Returns:
            Whether every word is there now.
        """
        phrases = self.speech.book.phrases
        missing = self._cache.missing(phrases)
        if not missing:
            return True
        log.info("rendering %d of %d clips", len(missing), len(phrases))
        may_lack = {phrase.key for phrase in phrases}
        try:
            self._render(phrases, on_progress, may_lack)
        except (VoiceError, OSError):
            log.exception("words could not be rendered: tones stand in for them")
            return False
        return not self._cache.missing(phrases)

    def dress(self, assignment: Assignment, on_progress: Callable[[int, int], None]) -> RenderReport:
        """Render every word for new officers; blocks for seconds.

        Raises:
            AssignmentError: A name, a reading or a number cannot be spoken.
            VoiceNotRenderedError: The voice failed; the clips before stay in force.
        """
        try:
            book = self._book(assignment)
        except ReadingError as error:
            raise AssignmentError(str(error)) from error
        try:
            may_lack = {phrase.key for phrase in book.phrases} - {"notice", *book.officers()}
            report = self._render(book.phrases, on_progress, may_lack)
            self._store(assignment)
        except UnreadableError as error:
            raise AssignmentError(str(error)) from error
        except (VoiceError, OSError) as error:
            raise VoiceNotRenderedError(f"the words of the check-out were not rendered: {error}") from error
        self.speech.book = book
        return report

    def undress(self) -> None:
        """Forget the officers' names, written and spoken: a recording of nobody's must not name who had the unit.

        Blocks for a moment: the notice is rendered anew, without names.
        """
        self._path.unlink(missing_ok=True)
        named = ("notice", *self.speech.book.officers())
        self.speech.book = self._book(None)
        try:
            said = self._cache.forget(named)
        except OSError:
            log.exception("clips with names could not be taken off the medium; they are not spoken any more")
            return
        if said:
            self.render_missing()

    def _render(
        self, phrases: Sequence[Phrase], on_progress: Callable[[int, int], None], may_lack: Collection[str]
    ) -> RenderReport:
        built_in = self._settings.synthesiser()
        voices = (built_in,) if self._agency is None else (self._agency.synthesiser(built_in), built_in)
        return self._cache.render_by_first(phrases, voices, on_progress, may_lack=may_lack)

    @property
    def _path(self) -> Path:
        return self._settings.directory / ASSIGNMENT_NAME

    def _book(self, assignment: Assignment | None) -> PromptBook:
        facts = voice_facts(
            self._profile,
            assignment,
            self._settings.language,
            self._grounds,
            labels=self._labels,
            one_button=self._one_button,
        )
        return PromptBook(facts)

    def _store(self, assignment: Assignment) -> None:
        fresh = self._path.with_suffix(".part")
        fresh.touch(mode=_PRIVATE_MODE)
        # Labels are sealed by now, and nothing on the unit needs them again.
        kept = asdict(replace(assignment, labels=()))
        fresh.write_text(json.dumps(kept, ensure_ascii=False), encoding="utf-8")
        fresh.replace(self._path)

    def _stored(self) -> Assignment | None:
        try:
            table = json.loads(self._path.read_text(encoding="utf-8"))
            officers = tuple(Officer(**officer) for officer in table.pop("officers"))
            return Assignment(officers, **table)
        except FileNotFoundError:
            return None
        except (OSError, ValueError, TypeError, KeyError, AttributeError) as error:
            log.warning("%s is unusable: %s; check the officers out again", self._path, error)
            return None


def _agency_voice(folder: Path | None) -> AgencyVoice | None:
    """The agency's voice where it can be used: a wrong one must not keep a unit from speaking and recording."""
    if folder is None:
        return None
    try:
        return AgencyVoice.load(folder)
    except AgencyVoiceError:
        log.exception("the agency's voice is not used; the built-in one speaks")
        return None


def _numbers(assignment: Assignment) -> tuple[str, ...]:
    return tuple(officer.certificate_number for officer in assignment.officers)

"""What a check-out is refused for when its words cannot be made."""

from datetime import UTC
from pathlib import Path

import numpy as np
import pytest

from capture.assignment import Assignment, Officer
from capture.effects import Phrase, Speak
from capture.errors import AssignmentError, CaptureError, VoiceNotRenderedError
from capture.profile import CaptureProfile, CauseEntry, InterruptionsSection
from capture.shell.wardrobe import ASSIGNMENT_NAME, VoiceSettings, Wardrobe
from capture.voice.errors import SynthesisError, UnreadableError
from capture.voice.language import Language
from capture.voice.samples import VOICE_RATE_HZ, Samples
from sealing.records import PromptKind

OFFICERS = Assignment((Officer("皖A0001", "甲某"),))


@pytest.fixture(autouse=True)
def as_loud_as_it_comes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of clips are rendered here whose loudness is another test's matter."""
    monkeypatch.setattr("capture.voice.cache.normalised", lambda samples: samples)


class Refusing:
    """A voice that cannot say one character."""

    identity = "refusing"

    def __init__(self, error: SynthesisError, sign: str = "甲") -> None:
        self._error = error
        self._sign = sign

    def synthesise(self, text: str, language: Language) -> Samples:
        del language
        if self._sign in text:
            raise self._error
        return np.sin(2 * np.pi * 440 * np.arange(VOICE_RATE_HZ // 10) / VOICE_RATE_HZ).astype(np.float32)


@pytest.mark.parametrize(
    ("error", "refusal"),
    [
        (UnreadableError("cannot read '某': give a reading"), AssignmentError),
        (SynthesisError("the program is gone"), VoiceNotRenderedError),
    ],
)
def test_a_name_that_cannot_be_read_is_the_names_fault_and_a_failing_voice_the_units(
    tmp_path: Path, error: SynthesisError, refusal: type[CaptureError]
) -> None:
    settings = VoiceSettings(tmp_path, synthesiser=lambda: Refusing(error))
    wardrobe = Wardrobe(settings, CaptureProfile(), UTC)
    with pytest.raises(refusal, match=str(error)):
        wardrobe.dress(OFFICERS, lambda _done, _total: None)
    assert not (tmp_path / ASSIGNMENT_NAME).exists()


def test_a_word_of_the_profile_that_cannot_be_read_keeps_nobody_from_having_the_unit(tmp_path: Path) -> None:
    interruptions = InterruptionsSection(causes=(CauseEntry(code="rare", zh="㭎变化", en="rare"),))
    settings = VoiceSettings(tmp_path, synthesiser=lambda: Refusing(UnreadableError("cannot read '㭎'"), "㭎"))
    wardrobe = Wardrobe(settings, CaptureProfile(interruptions=interruptions), UTC)
    assert not wardrobe.render_missing()
    assert wardrobe.speech.clip(Speak(1, PromptKind.STATUS, Phrase.CHECKED_IN), 0).spoken
    assert not wardrobe.speech.clip(Speak(2, PromptKind.STATUS, Phrase.CAUSE, cause="rare"), 0).spoken
    wardrobe.dress(OFFICERS, lambda _done, _total: None)
    assert (tmp_path / ASSIGNMENT_NAME).exists()

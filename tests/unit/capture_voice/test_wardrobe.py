"""What a check-out is refused for when its words cannot be made."""

from datetime import UTC
from pathlib import Path

import pytest

from capture.assignment import Assignment, Officer
from capture.errors import AssignmentError, CaptureError, VoiceNotRenderedError
from capture.profile import CaptureProfile
from capture.shell.wardrobe import ASSIGNMENT_NAME, VoiceSettings, Wardrobe
from capture.voice.errors import SynthesisError, UnreadableError
from capture.voice.language import Language
from capture.voice.samples import Samples

OFFICERS = Assignment((Officer("皖A0001", "甲某"),))


class Refusing:
    """A voice that cannot speak."""

    identity = "refusing"

    def __init__(self, error: SynthesisError) -> None:
        self._error = error

    def synthesise(self, text: str, language: Language) -> Samples:
        del text, language
        raise self._error


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

"""Errors of the voice: every one derives from the room's `CaptureError`."""

from __future__ import annotations

from capture.errors import CaptureError


class VoiceError(CaptureError):
    """The unit cannot say what it should say."""


class VoiceUnavailableError(VoiceError):
    """No usable speech synthesiser: a package is missing, or the one installed reads Mandarin wrongly."""


class SynthesisError(VoiceError):
    """The synthesiser did not turn a text into sound."""


class UnreadableError(SynthesisError):
    """The synthesiser has no reading for a character, and would say its code or nothing instead."""


class ReadingError(VoiceError, ValueError):
    """A text, name or pinyin reading cannot be spoken as it stands."""


class AgencyVoiceError(VoiceError):
    """An agency's own clips, or what describes them, cannot be used."""


class LoudnessError(VoiceError):
    """A clip has no sound that could be brought to the wanted loudness."""


class MissingClipError(VoiceError, LookupError):
    """A clip that should have been rendered beforehand is not in the voice cache, or is damaged there."""

"""Errors of the way from the button to whole fragments.

Rules of this module: every error of the room derives from `CaptureError`; names end in Error; a message names the
thing, the value and the remedy.
"""

from __future__ import annotations


class CaptureError(Exception):
    """Something between the button and the sealed fragment went wrong."""


class MediaError(CaptureError):
    """Sound or picture could not be made into fragments."""


class ParameterSetError(MediaError, ValueError):
    """A key frame does not carry the parameter sets that its stream needs."""


class AudioBlockError(MediaError, ValueError):
    """A block of sound is not what a microphone may deliver; it is refused and counted."""


class BoxError(MediaError, ValueError):
    """Bytes are not the ISO base media boxes that they should be."""


class MuxError(MediaError):
    """The muxer refused a packet, or made something else of it than was given."""


class MediaLimitError(MediaError):
    """A stream went over an announced limit; end the run and start the camera anew."""


class RecorderError(CaptureError):
    """The recorder cannot do what was asked of it."""


class RecorderBusyError(RecorderError):
    """A recording is open; what was asked is for between recordings."""


class AssignmentError(RecorderError, ValueError):
    """A check-out names officers or values that cannot be taken."""


class VoiceNotRenderedError(RecorderError):
    """The words of a check-out could not be rendered; the unit was not handed over."""


class CaptionFontError(RecorderError):
    """There are no letters for the burnt-in line; pictures go without it."""

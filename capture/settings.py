"""What the agent decides about a recorder, beside the profile.

Rules of this module: values alone.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import timedelta, timezone, tzinfo
from pathlib import Path

from capture.caption import CaptionFacts
from capture.media.limits import FileLimits
from capture.profile import ExemptionGround
from capture.shell.wardrobe import VoiceSettings
from capture.voice.wording import Words
from sealing.suites import SUITE_1, Suite

CHINA = timezone(timedelta(hours=8), "CST")


@dataclass(frozen=True, slots=True)
class RecorderSettings:
    """What the agent decides about a recorder."""

    voice: VoiceSettings
    zone: tzinfo = CHINA
    """Local civil time, for words."""
    file_limits: FileLimits = field(default_factory=FileLimits)
    grounds: tuple[ExemptionGround, ...] = ()
    """On which the profile's text lets officers not record (R11)."""
    labels: tuple[tuple[str, Words], ...] = ()
    """What the profile wants recordings to be labelled with, code and words (R22)."""
    reserve_bytes: int = 64 * 1024 * 1024
    """Room that only ledger records may use (`SealingPolicy.reserve_bytes`)."""
    caption: CaptionFacts = field(default_factory=CaptionFacts)
    """What the burnt-in line says of the unit, where the profile wants one."""
    suite: Suite = SUITE_1
    """Suite in force: names each run's film header."""
    drain_path: Path | None = None
    """Where the measured drain is kept for the next start; None: it is measured anew."""

"""How the unit speaks, and its words rendered before they are needed.

Rules of this module: rendering takes seconds to minutes of computing; it is done by whoever has the state directory to
itself, never beside a running agent.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Final

from agent.assembly import make_directories
from agent.config import AgentConfig, Language, UnitPaths
from agent.errors import SpoolError
from agent.lock import only_agent
from agent.profile import Profile
from agent.signed_profile import load_for_unit
from capture.settings import CHINA
from capture.shell.wardrobe import ASSIGNMENT_NAME, VoiceSettings, Wardrobe
from capture.voice.language import Language as VoiceLanguage
from capture.voice.wording import Words
from sync.labels import labels_wanted

log = logging.getLogger(__name__)

_VOICES: Final[Mapping[Language, VoiceLanguage]] = {
    Language.ZH: VoiceLanguage.CHINESE,
    Language.EN: VoiceLanguage.ENGLISH,
}


def voice_settings(config: AgentConfig, paths: UnitPaths) -> VoiceSettings:
    """Where the clips stand and which language they speak."""
    return VoiceSettings(paths.voice, _VOICES[config.unit.language], agency=paths.agency_voice)


def spoken_labels(profile: Profile) -> tuple[tuple[str, Words], ...]:
    """What the profile wants recordings to be labelled with, as the unit says it (R22)."""
    return tuple((one.code, Words(one.zh, one.en)) for one in labels_wanted(profile.sync.labels))


def render_words(config: AgentConfig, on_progress: Callable[[int, int], None] = lambda _done, _total: None) -> bool:
    """Render every word that the unit needs before anybody is checked out; what is there already stays.

    Args:
        config: The unit's configuration.
        on_progress: Told of clips done and clips in all.

    Returns:
        Whether every word is there now. A unit that is checked out is left as it is: its words hold names, which the
        agent alone keeps.

    Raises:
        RefusedError: The agent runs; it renders what it lacks itself.
        ProfileError, SpoolError: The profile cannot be used, or the voice directory cannot be written.
    """
    paths = UnitPaths(config)
    profile = load_for_unit(config.profile, paths).profile
    with only_agent(paths.state):
        if (paths.voice / ASSIGNMENT_NAME).exists():
            log.info("the unit is checked out: the agent renders what it lacks")
            return True
        make_directories(paths)
        try:
            labels = spoken_labels(profile)
            wardrobe = Wardrobe(voice_settings(config, paths), profile.capture, CHINA, profile.grounds, labels=labels)
        except OSError as error:
            raise SpoolError(f"{paths.voice}: cannot be written: {error.strerror}; check owner and medium") from error
        return wardrobe.render_missing(on_progress)

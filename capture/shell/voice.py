"""The loudspeaker's desk: what is to be said or sounded, one after the other (CS-6).

Rules of this module: one thread plays; nothing is synthesised here. Whoever hushes it goes on at once: what is playing
stops, what waits is forgotten. A loudspeaker that fails is an answer, not an error.
"""

from __future__ import annotations

import logging
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from capture.effects import Speak
from capture.events import Event, PromptEnded
from capture.shell.speaking import Speech
from capture.voice.cache import SpokenClip
from capture.voice.heard import LATEST_SECONDS, HeardResult, chirp_heard, heard_in
from capture.voice.ring import RecentSound
from capture.voice.sounds import Tone
from capture.voice.tones import tone
from hal.errors import HardwareError
from hal.mailbox import Mailbox
from hal.ports import Clock, Signal, Speaker
from hal.values import Playback, SoundClip
from hal.worker import Worker

log = logging.getLogger(__name__)

JOBS_MAX = 256
SPEECH_ALLOWANCE_SECONDS = 120.0
"""One clip plays this long at most between two heartbeats: a notice with many names."""
SOUND_ARRIVES_SECONDS = 0.4
"""The chirp waits so long at most for the microphone to deliver, so that it can be heard back."""
_OWN_WORDS_KEPT = 64


@dataclass(frozen=True, slots=True)
class _Job:
    epoch: int
    wish: Speak | Tone | None
    """None is the chirp of the checks."""


@dataclass(frozen=True, slots=True)
class OwnWords:
    """A stretch in which the unit itself spoke."""

    started_ns: int
    ended_ns: int | None
    """None while it goes on."""


class VoiceDesk:
    """Owns the loudspeaker.

    Args:
        speaker: The loudspeaker.
        clock: The unit's clock.
        speech: Makes clips of wishes.
        recent: What the microphone hears, for the proof.
        flowing: Raised while the microphone delivers.
        post: Where the session machine hears of an end. Never blocks.
    """

    def __init__(
        self,
        speaker: Speaker,
        clock: Clock,
        speech: Speech,
        recent: RecentSound,
        flowing: Signal,
        post: Callable[[Event], None],
    ) -> None:
        self._speaker = speaker
        self._clock = clock
        self._speech = speech
        self._recent = recent
        self._flowing = flowing
        self._post = post
        self._jobs: Mailbox[_Job] = Mailbox(clock, JOBS_MAX)
        self._lock = threading.Lock()
        self._epoch = 0
        self._waiting = 0
        self._stop = clock.signal()
        self._own_words: deque[OwnWords] = deque(maxlen=_OWN_WORDS_KEPT)
        self._chirp: Playback | None = None
        self.worker = Worker("voice", clock, self._body, allowance_seconds=SPEECH_ALLOWANCE_SECONDS)

    def say(self, wish: Speak) -> None:
        """Say something behind what waits. Never blocks."""
        self._put(wish)

    def sound(self, name: Tone) -> None:
        """Play a tone now, or not at all where words are under way: they must be understood. Never blocks."""
        if self._waiting == 0:
            self._put(name)

    def chirp(self) -> None:
        """Play the chirp of the checks, whose echo shows that loudspeaker and microphone work. Never blocks."""
        self._chirp = None
        self._put(None)

    def hush(self) -> None:
        """Stop what plays, forget what waits. Never blocks."""
        with self._lock:
            self._epoch += 1
            self._stop.set()

    def chirp_heard(self) -> bool | None:
        """Whether the microphone heard the last chirp; None when it could not be played."""
        return None if self._chirp is None else chirp_heard(self._recent, self._chirp).heard

    def own_words(self) -> tuple[OwnWords, ...]:
        """When the unit spoke lately, oldest first."""
        with self._lock:
            return tuple(self._own_words)

    def _put(self, wish: Speak | Tone | None) -> None:
        with self._lock:
            self._waiting += 1
            self._jobs.put(_Job(self._epoch, wish))

    def _body(self, worker: Worker) -> None:
        while not worker.stop.is_set():
            worker.beat()
            job = self._jobs.get(1.0)
            if job is None:
                continue
            if self._begin(job):
                self._play(job.wish)
            with self._lock:
                self._waiting -= 1

    def _begin(self, job: _Job) -> bool:
        """Tell whether the job still stands; from here on a hush stops it."""
        with self._lock:
            if job.epoch != self._epoch:
                return False
            self._stop.clear()
            return True

    def _play(self, wish: Speak | Tone | None) -> None:
        if isinstance(wish, Speak):
            self._say(wish)
        elif wish is None:
            self._clock.wait(self._flowing, SOUND_ARRIVES_SECONDS)
            self._chirp = self._sound(tone(Tone.START))
        else:
            self._sound(tone(wish))

    def _say(self, wish: Speak) -> None:
        spoken = self._speech.clip(wish, self._clock.read().utc_ns)
        called_ns = self._clock.boottime_ns()
        with self._lock:
            self._own_words.append(OwnWords(called_ns, None))
        playback = self._sound(spoken.clip)
        ended_ns = self._clock.boottime_ns() if playback is None else playback.ended_boottime_ns
        with self._lock:
            self._own_words[-1] = OwnWords(called_ns, ended_ns)
        played = playback or Playback(called_ns, called_ns, complete=False)
        found = self._proof(wish, spoken, played)
        self._post(_ended(wish, spoken, played, found))

    def _sound(self, clip: SoundClip) -> Playback | None:
        try:
            return self._speaker.play(clip, self._stop)
        except HardwareError as error:
            log.error("loudspeaker: %s; not heard: %s", error, clip.label)  # noqa: TRY400 - the device's fault
            return None

    def _proof(self, wish: Speak, spoken: SpokenClip, played: Playback) -> HeardResult | None:
        """Look for the words on the track, once the sound has had time to come back."""
        if not wish.proof or not played.complete or not spoken.spoken:
            return None
        if self._clock.wait(self._stop, LATEST_SECONDS + 0.1):
            return None
        return heard_in(self._recent, spoken.clip, played)


def _ended(wish: Speak, spoken: SpokenClip, played: Playback, found: HeardResult | None) -> PromptEnded:
    return PromptEnded(
        speech=wish.speech,
        kind=wish.kind,
        started_boottime_ns=played.started_boottime_ns,
        ended_boottime_ns=played.ended_boottime_ns,
        complete=played.complete and spoken.spoken,
        clip_hash=spoken.sha256,
        words=spoken.text,
        heard=None if found is None else found.heard,
        agreement_permille=None if found is None else round(found.agreement * 1000),
        delay_ms=None if found is None else found.delay_ms,
        level_dbfs=None if found is None else round(found.level_dbfs),
    )

"""The air around the unit: what a perfect microphone at its place would hear.

Rules of this module: sound is laid on one grid of 48 kHz that counts from CLOCK_BOOTTIME 0; whoever wants to hear a
stretch of it asks afterwards. Nothing here waits, and a stretch asked for twice sounds the same.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from hal.values import SoundClip
from hw_sim.media import waveforms
from hw_sim.media.stage import Stage
from hw_sim.media.waveforms import SAMPLE_RATE_HZ, Waveform

_ROOM_NOISE_SECONDS = 21.7
_REMEMBERED_SAMPLES = 5 * SAMPLE_RATE_HZ
"""How long a sound that ended stays for whoever listens late."""
_FILTER_TAPS = 255
_FADE_SAMPLES = 240


class FilmSound(Protocol):
    """The sound that belongs to a film. Used by one thread at a time."""

    def read(self, first_sample: int, count: int) -> Waveform:
        """Give `count` samples at 48 kHz from a place in the film; a short film repeats."""
        ...

    def close(self) -> None:
        """Give back what is open. Idempotent."""
        ...


@dataclass(frozen=True, slots=True)
class Room:
    """How things sound at the microphone's place."""

    noise_dbfs: float = -60.0
    """RMS of the room when nobody speaks."""
    film_gain_db: float = -10.0
    """The film's sound comes from further away than the unit's own loudspeaker."""
    speaker_gain_db: float = -4.0
    """A full-scale loudspeaker at the microphone."""
    speaker_delay_seconds: float = 0.012
    """From `play` to the direct sound at the microphone: converter, filter and way."""
    speaker_band_hz: tuple[float, float] = (300.0, 7_000.0)
    echo_seconds: float = 0.30
    """Time in which the echo falls by 60 dB."""
    echo_gain_db: float = -14.0
    """Energy of the whole echo against the direct sound."""
    seed: int = 1


@dataclass(slots=True, eq=False)
class Sound:
    """One sound in the air."""

    first_sample: int
    wave: Waveform
    dry: Waveform

    @property
    def end_sample(self) -> int:
        """Number of the first sample after it, echo included."""
        return self.first_sample + self.wave.size


class Acoustics:
    """The sum of room, film, voices and loudspeaker.

    Args:
        room: Levels, delay and echo.
        film: The film's sound, None for a silent one.
        stage: Where in the film the world is.
    """

    def __init__(self, room: Room | None = None, film: FilmSound | None = None, stage: Stage | None = None) -> None:
        self.room = room or Room()
        self._film, self._stage = film, stage
        self._lock = threading.Lock()
        self._film_lock = threading.Lock()
        self._sounds: list[Sound] = []
        self._noise = waveforms.pink_noise(_ROOM_NOISE_SECONDS, self.room.noise_dbfs, self.room.seed)
        self._response = _speaker_response(self.room)

    def say(self, clip: SoundClip, at_boottime_ns: int) -> int:
        """Let somebody beside the unit speak; the clip's level is the level at the microphone.

        Returns:
            CLOCK_BOOTTIME of the end of the words.
        """
        wave = waveforms.resampled(clip)
        first = waveforms.grid_index(at_boottime_ns)
        self._add(Sound(first, wave, wave))
        return waveforms.grid_time_ns(first + wave.size)

    def play(self, clip: SoundClip, at_boottime_ns: int) -> Sound:
        """Let the loudspeaker play a clip from a moment on."""
        dry = waveforms.resampled(clip)
        delay = round(self.room.speaker_delay_seconds * SAMPLE_RATE_HZ) - _FILTER_TAPS // 2
        sound = Sound(waveforms.grid_index(at_boottime_ns) + delay, self._at_microphone(dry), dry)
        self._add(sound)
        return sound

    def cut(self, sound: Sound, played_ns: int) -> None:
        """Stop a played clip after so much of it; its echo dies away by itself."""
        dry = sound.dry[: waveforms.grid_index(played_ns)].copy()
        fade = min(_FADE_SAMPLES, dry.size)
        if fade:
            dry[-fade:] *= np.linspace(1, 0, fade, dtype=np.float32)
        wave = self._at_microphone(dry)
        with self._lock:
            sound.wave = wave

    def render(self, first_sample: int, count: int) -> Waveform:
        """What is to be heard in a stretch of the grid, unclipped."""
        places = np.arange(first_sample, first_sample + count) % self._noise.size
        mixed = self._noise[places]
        with self._lock:
            self._forget(first_sample)
            present = [(each.first_sample, each.wave) for each in self._sounds]
        for begin, wave in present:
            _mix(mixed, first_sample, begin, wave)
        self._mix_film(mixed, first_sample)
        return mixed

    def close(self) -> None:
        """Give the film's sound back."""
        with self._film_lock:
            if self._film is not None:
                self._film.close()

    def _add(self, sound: Sound) -> None:
        with self._lock:
            # Nobody may be listening for hours.
            self._forget(sound.first_sample)
            self._sounds.append(sound)

    def _forget(self, first_sample: int) -> None:
        self._sounds = [each for each in self._sounds if each.end_sample + _REMEMBERED_SAMPLES > first_sample]

    def _at_microphone(self, dry: Waveform) -> Waveform:
        if dry.size == 0:
            return dry
        # The small membrane gives way softly before full scale; the room acts on what it gives.
        driven = np.tanh(dry * np.float32(1.2)) / np.float32(np.tanh(1.2))
        return waveforms.convolved(driven.astype(np.float32, copy=False), self._response)

    def _mix_film(self, mixed: Waveform, first_sample: int) -> None:
        if self._film is None or self._stage is None:
            return
        begin_ns, end_ns = (waveforms.grid_time_ns(first_sample + offset) for offset in (0, mixed.size))
        gain = np.float32(waveforms.amplitude(self.room.film_gain_db))
        for piece_ns, piece_end_ns, position_ns in self._stage.sound_pieces(begin_ns, end_ns):
            # One offset for a whole stretch: rounding per block would click.
            offset = waveforms.grid_index(position_ns - piece_ns)
            first, last = waveforms.grid_index(piece_ns), waveforms.grid_index(piece_end_ns)
            with self._film_lock:
                wave = self._film.read(first + offset, last - first)
            _mix(mixed, first_sample, first, wave * gain)


def _mix(mixed: Waveform, mixed_first: int, first: int, wave: Waveform) -> None:
    begin, end = max(mixed_first, first), min(mixed_first + mixed.size, first + wave.size)
    if begin < end:
        mixed[begin - mixed_first : end - mixed_first] += wave[begin - first : end - first]


def _speaker_response(room: Room) -> Waveform:
    """Direct sound, then a decaying tail; through the band of a small loudspeaker."""
    count = max(2, round(room.echo_seconds * SAMPLE_RATE_HZ))
    rng = np.random.default_rng(room.seed + 1)
    tail = rng.standard_normal(count) * np.exp(-6.9 * np.arange(count) / count)
    tail[: SAMPLE_RATE_HZ // 500] = 0
    tail *= waveforms.amplitude(room.echo_gain_db) / np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    response = waveforms.convolved(tail.astype(np.float32), waveforms.band_filter(*room.speaker_band_hz, _FILTER_TAPS))
    return (response * waveforms.amplitude(room.speaker_gain_db)).astype(np.float32)

"""A street, a room and a small loudspeaker, computed: what lies between a clip and the microphone."""

import numpy as np
from numpy.typing import NDArray

from capture.voice.heard import EARLIEST_SECONDS, LATEST_SECONDS
from capture.voice.samples import ANALYSIS_RATE_HZ, Samples

Sound = NDArray[np.float64]

_REVERBERATION_SECONDS = 0.4


def generator(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def rms(sound: Sound | Samples) -> float:
    return float(np.sqrt(np.mean(np.square(sound, dtype=np.float64))))


def convolved(sound: Sound, response: Sound) -> Sound:
    length = sound.size + response.size - 1
    size = 1 << (length - 1).bit_length()
    product = np.fft.rfft(sound, size) * np.fft.rfft(response, size)
    return np.asarray(np.fft.irfft(product, size)[:length], dtype=np.float64)


def band(sound: Sound, low_hz: float, high_hz: float) -> Sound:
    """Second-order slopes on both sides."""
    frequency = np.fft.rfftfreq(sound.size, 1 / ANALYSIS_RATE_HZ)
    frequency[0] = 1.0
    gain = 1 / np.sqrt(1 + (low_hz / frequency) ** 4) / np.sqrt(1 + (frequency / high_hz) ** 4)
    return np.asarray(np.fft.irfft(np.fft.rfft(sound) * gain, sound.size), dtype=np.float64)


def room(noise: np.random.Generator) -> Sound:
    """Echoes of a hard room, 11 dB stronger than the direct sound."""
    count = int(_REVERBERATION_SECONDS * ANALYSIS_RATE_HZ)
    response = noise.normal(size=count) * np.exp(-6.9 * np.arange(count) / count)
    response[0] = 6.0
    return np.asarray(response / np.sqrt(np.sum(np.square(response))), dtype=np.float64)


def small_speaker(sound: Sound) -> Sound:
    """No bass, little treble, and distortion."""
    return np.tanh(band(sound, 350.0, 6000.0) * 1.5)


def pink(count: int, noise: np.random.Generator) -> Sound:
    frequency = np.fft.rfftfreq(count, 1 / ANALYSIS_RATE_HZ)
    frequency[0] = frequency[1]
    sound = np.fft.irfft(np.fft.rfft(noise.normal(size=count)) / np.sqrt(frequency), count)
    return np.asarray(sound / rms(sound), dtype=np.float64)


def traffic(count: int, noise: np.random.Generator) -> Sound:
    """Tyres, engines that pass, and a horn."""
    time = np.arange(count) / ANALYSIS_RATE_HZ
    tyres = band(noise.normal(size=count), 30.0, 700.0)
    passing = 0.4 + sum(
        gain * np.exp(-(((time - at) / 1.5) ** 2)) for at, gain in ((2, 2.0), (6, 1.5), (9.5, 2.5), (14, 1.8))
    )
    wobble = 3 * np.sin(2 * np.pi * 0.3 * time)
    engine = sum(np.sin(2 * np.pi * 55 * part * time + wobble + part) / part for part in range(1, 9))
    blown = ((time > 4) & (time < 4.6)) | ((time > 11) & (time < 12))
    horn = blown * (np.sin(2 * np.pi * 420 * time) + np.sin(2 * np.pi * 510 * time))
    sound = passing * (tyres / rms(tyres) + 0.35 * engine) + 1.2 * horn
    return np.asarray(sound / rms(sound), dtype=np.float64)


def white(count: int, noise: np.random.Generator) -> Sound:
    return noise.normal(size=count)


NOISES = {"pink": pink, "traffic": traffic, "white": white}


def with_noise(sound: Sound | Samples, kind: str, snr_db: float, noise: np.random.Generator) -> Samples:
    added = NOISES[kind](sound.size, noise) * rms(sound) * 10 ** (-snr_db / 20)
    return np.asarray(sound + added, dtype=np.float32)


def played(reference: Samples, delay_seconds: float, noise: np.random.Generator) -> Sound:
    """What a microphone in the room gets of a clip, from a little before it is played to a little after (no noise)."""
    dry = np.asarray(reference / rms(reference) * 0.3, dtype=np.float64)
    through = small_speaker(convolved(dry, room(noise)))
    total = reference.size + round((LATEST_SECONDS - EARLIEST_SECONDS) * ANALYSIS_RATE_HZ)
    start = round((delay_seconds - EARLIEST_SECONDS) * ANALYSIS_RATE_HZ)
    result = np.zeros(total)
    arrived = through[: total - start]
    result[start : start + arrived.size] = arrived
    return result


def microphone(reference: Samples, kind: str, snr_db: float, delay_seconds: float, seed: int) -> Samples:
    """The same with noise at a signal-to-noise ratio over the clip's own length."""
    noise = generator(seed)
    sound = played(reference, delay_seconds, noise)
    level = rms(sound) * np.sqrt(sound.size / reference.size)
    return np.asarray(sound + NOISES[kind](sound.size, noise) * level * 10 ** (-snr_db / 20), dtype=np.float32)

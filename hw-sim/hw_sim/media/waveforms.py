"""Sound as numbers: conversions, filters and beds of noise at 48 kHz.

Rules of this module: pure functions on float32 arrays where 1.0 is full scale; everything random is seeded.
"""

from __future__ import annotations

from collections.abc import Callable

import av
import numpy as np
import numpy.typing as npt

from hal.values import SoundClip

Waveform = npt.NDArray[np.float32]
Spectrum = npt.NDArray[np.floating]

SAMPLE_RATE_HZ = 48_000
_FULL_SCALE = 32_768.0
_SECOND_NS = 1_000_000_000


def grid_index(boottime_ns: int) -> int:
    """Number of the sample of the world's 48 kHz grid nearest to a moment."""
    return (boottime_ns * SAMPLE_RATE_HZ + _SECOND_NS // 2) // _SECOND_NS


def grid_time_ns(index: int) -> int:
    """Moment of a sample of the world's 48 kHz grid."""
    return (index * _SECOND_NS + SAMPLE_RATE_HZ // 2) // SAMPLE_RATE_HZ


def from_s16(samples: bytes) -> Waveform:
    """Turn signed 16 bit little endian into floats."""
    return np.frombuffer(samples, "<i2").astype(np.float32) / np.float32(_FULL_SCALE)


def to_s16(wave: Waveform) -> bytes:
    """Turn floats into signed 16 bit little endian; what is too loud is clipped, as a converter does."""
    whole: npt.NDArray[np.int16] = np.clip(np.rint(wave * _FULL_SCALE), -_FULL_SCALE, _FULL_SCALE - 1).astype("<i2")
    return whole.tobytes()


def amplitude(decibels: float) -> float:
    """Factor of amplitude for a level in decibels."""
    return float(10 ** (decibels / 20))


def level_dbfs(wave: Waveform) -> float:
    """RMS level against full scale; -inf for silence."""
    with np.errstate(divide="ignore"):
        return float(20 * np.log10(np.sqrt(np.mean(np.square(wave, dtype=np.float64)))))


def resampled(clip: SoundClip) -> Waveform:
    """The clip's sound at 48 kHz."""
    if clip.sample_rate_hz == SAMPLE_RATE_HZ:
        return from_s16(clip.samples)
    samples = np.frombuffer(clip.samples, "<i2").reshape(1, -1)
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples), format="s16", layout="mono")
    frame.sample_rate = clip.sample_rate_hz
    resampler = av.AudioResampler(format="flt", layout="mono", rate=SAMPLE_RATE_HZ)
    parts = [part.to_ndarray()[0] for given in (frame, None) for part in resampler.resample(given)]
    return np.concatenate(parts).astype(np.float32)


def band_filter(low_hz: float, high_hz: float, taps: int = 255) -> Waveform:
    """Linear-phase band-pass; delays by `taps // 2` samples."""
    place = np.arange(taps) - taps // 2
    low, high = (2 * edge / SAMPLE_RATE_HZ for edge in (low_hz, high_hz))
    shape = high * np.sinc(high * place) - low * np.sinc(low * place)
    response: Waveform = (shape * np.hamming(taps)).astype(np.float32)
    return response


def convolved(wave: Waveform, response: Waveform) -> Waveform:
    """Full convolution by FFT; longer than `wave` by the response's tail."""
    length = wave.size + response.size - 1
    size = 1 << (length - 1).bit_length()
    spectrum = np.fft.rfft(wave, size) * np.fft.rfft(response, size)
    return np.fft.irfft(spectrum, size)[:length].astype(np.float32)


def pink_noise(seconds: float, level: float, seed: int) -> Waveform:
    """Noise whose power falls with frequency, at a level in dBFS; its end joins its begin."""
    return _shaped_noise(seconds, level, seed, lambda hertz: 1 / np.sqrt(np.maximum(hertz, 20.0)))


def _shaped_noise(seconds: float, level: float, seed: int, shape: Callable[[Spectrum], Spectrum]) -> Waveform:
    count = round(seconds * SAMPLE_RATE_HZ)
    white = np.random.default_rng(seed).standard_normal(count)
    spectrum = np.fft.rfft(white) * shape(np.fft.rfftfreq(count, 1 / SAMPLE_RATE_HZ))
    spectrum[0] = 0
    wave = np.fft.irfft(spectrum, count).astype(np.float32)
    return (wave * amplitude(level - level_dbfs(wave))).astype(np.float32)

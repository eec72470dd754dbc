"""Plain work on sound samples: conversion, level, filtering, cutting and joining.

Rules of this module: pure numpy, no I/O, no clock. Sound is float32 mono, full scale ±1, unless the name says s16.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Samples = NDArray[np.float32]

VOICE_RATE_HZ = 48_000
"""Rate of every clip and of the microphone."""
ANALYSIS_RATE_HZ = 16_000
"""Rate at which speech and prompts are looked for."""
DECIMATION = VOICE_RATE_HZ // ANALYSIS_RATE_HZ
FILTER_TAPS = 121
FILTER_DELAY_SAMPLES = FILTER_TAPS // 2
"""Delay of the decimation filter, in samples of the input."""
SILENCE_DBFS = -120.0
"""What is reported as the level of digital silence."""

_FULL_SCALE = 32768.0
_CUTOFF_HZ = 7_600.0
_KAISER_BETA = 7.0


def from_s16(data: bytes) -> Samples:
    """Turn s16le mono bytes into samples."""
    return np.frombuffer(data, dtype="<i2").astype(np.float32) / np.float32(_FULL_SCALE)


def to_s16(samples: Samples) -> bytes:
    """Turn samples into s16le mono bytes; what exceeds full scale is clipped."""
    scaled = np.round(samples.astype(np.float64) * _FULL_SCALE)
    return np.clip(scaled, -_FULL_SCALE, _FULL_SCALE - 1).astype("<i2").tobytes()


def level_dbfs(samples: Samples) -> float:
    """RMS level in dB against a full-scale square wave; `SILENCE_DBFS` for nothing at all."""
    if samples.size == 0:
        return SILENCE_DBFS
    power = float(np.mean(np.square(samples, dtype=np.float64)))
    return max(SILENCE_DBFS, 10.0 * float(np.log10(power + 1e-12)))


def silence(seconds: float, rate_hz: int = VOICE_RATE_HZ) -> Samples:
    """Digital silence of a given length."""
    return np.zeros(round(seconds * rate_hz), dtype=np.float32)


def joined(parts: list[Samples], gap_seconds: float) -> Samples:
    """Put clips one behind the other with silence between them (48 kHz)."""
    pieces: list[Samples] = []
    for part in parts:
        pieces += [silence(gap_seconds), part] if pieces else [part]
    return np.concatenate(pieces) if pieces else silence(0.0)


def trimmed(samples: Samples, *, below_dbfs: float = -50.0, keep_seconds: float = 0.02) -> Samples:
    """Cut the silence at both ends, leaving `keep_seconds` of it (48 kHz)."""
    loud = np.flatnonzero(np.abs(samples) > 10.0 ** (below_dbfs / 20.0))
    if loud.size == 0:
        return samples[:0]
    keep = round(keep_seconds * VOICE_RATE_HZ)
    return samples[max(0, int(loud[0]) - keep) : int(loud[-1]) + 1 + keep]


def faded(samples: Samples, seconds: float, rate_hz: int = VOICE_RATE_HZ) -> Samples:
    """Round off both ends with a raised cosine, so that nothing clicks."""
    count = min(round(seconds * rate_hz), samples.size // 2)
    ramp = (0.5 - 0.5 * np.cos(np.pi * (np.arange(count) + 0.5) / max(1, count))).astype(np.float32)
    shaped = samples.copy()
    shaped[:count] *= ramp
    shaped[samples.size - count :] *= ramp[::-1]
    return shaped


def decimation_filter() -> Samples:
    """Low-pass of the 48 → 16 kHz decimation: flat to 7 kHz, what would fold back below 7 kHz is down 60 dB."""
    position = np.arange(FILTER_TAPS) - FILTER_DELAY_SAMPLES
    taps = np.sinc(2.0 * _CUTOFF_HZ / VOICE_RATE_HZ * position) * np.kaiser(FILTER_TAPS, _KAISER_BETA)
    return np.asarray(taps / taps.sum(), dtype=np.float32)


class Decimator:
    """Brings a stream from 48 to 16 kHz, whatever the sizes of its blocks.

    Output `k` stands for input sample `3k − FILTER_DELAY_SAMPLES`.
    """

    def __init__(self) -> None:
        self._taps = decimation_filter()
        self._tail = np.zeros(FILTER_TAPS - 1, dtype=np.float32)
        self._phase = 0

    def push(self, samples: Samples) -> Samples:
        """Take the next input samples and give the outputs that they complete."""
        buffer = np.concatenate([self._tail, samples])
        self._tail = buffer[buffer.size - (FILTER_TAPS - 1) :].copy()
        start = -self._phase % DECIMATION
        self._phase = (self._phase + samples.size) % DECIMATION
        if start >= samples.size:
            return silence(0.0)
        windows = np.lib.stride_tricks.sliding_window_view(buffer, FILTER_TAPS)[start::DECIMATION]
        return np.asarray(windows @ self._taps, dtype=np.float32)


def to_analysis_rate(samples: Samples) -> Samples:
    """Bring a whole clip from 48 to 16 kHz; the result starts where the clip starts (filter delay removed)."""
    padded = np.concatenate([samples, np.zeros(FILTER_DELAY_SAMPLES, dtype=np.float32)])
    return Decimator().push(padded)[FILTER_DELAY_SAMPLES // DECIMATION :]

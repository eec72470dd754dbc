"""Takes a street's steady part out of a voice, so that somebody who speaks in it is heard (R5, R8).

Rules of this module: a stream in, the same stream out, no clock. Only the unit's ears hear the result; recorded is what
the microphone gave.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from capture.voice.samples import Samples

HOP_SAMPLES = 256
"""16 ms; the result comes so much later than the sound."""
_FRAME_SAMPLES = 2 * HOP_SAMPLES
_BINS = _FRAME_SAMPLES // 2 + 1
_LOWEST_OF_FRAMES = 63
"""About a second: a voice pauses in each band within it, an engine does not."""
_LOWEST_TO_MEAN = 1.5
"""The lowest of smoothed powers lies so far below their mean."""
_SMOOTHING = 0.8
_SPEECH_MEMORY = 0.95
"""A longer one lets the first syllable of a few words pass as noise."""
_GAIN_MIN = 10 ** (-15 / 20)
"""More taken away would leave tones that are taken for voices."""
_COLOUR_KEPT = 0.5
"""So much of what sets the noise's bands apart is kept, in dB; the model knows voices in flat noise best."""
_COLOUR_GAIN_MIN = 10 ** (-12 / 20)
_POWER_MIN = 1e-10

Spectrum = NDArray[np.float64]


class NoiseReducer:
    """Wiener filter in bands of 31 Hz; noise is the lowest power of the last second, so it needs no pause to learn.

    Bands in which the noise is louder than in the mean band are turned down further: what is left of it is flatter.
    About 0.15 ms per 32 ms of sound on a desktop core. Used by one thread.
    """

    def __init__(self) -> None:
        self._window = np.sqrt(0.5 - 0.5 * np.cos(2 * np.pi * np.arange(_FRAME_SAMPLES) / _FRAME_SAMPLES))
        self.reset()

    def reset(self) -> None:
        """Forget what was heard: a new stretch of sound begins."""
        self._heard = np.zeros(_FRAME_SAMPLES)
        self._overlap = np.zeros(HOP_SAMPLES)
        self._smoothed: Spectrum | None = None
        self._recent = np.full((_LOWEST_OF_FRAMES, _BINS), np.inf)
        self._frames = 0
        self._voice = np.ones(_BINS)

    def reduced(self, samples: Samples) -> Samples:
        """The next part of the sound with less noise, `HOP_SAMPLES` later.

        Args:
            samples: 16 kHz; a multiple of `HOP_SAMPLES`, what is over is left out.
        """
        hops = samples.size // HOP_SAMPLES
        parts = [self._hop(samples[at * HOP_SAMPLES : (at + 1) * HOP_SAMPLES]) for at in range(hops)]
        return np.concatenate(parts).astype(np.float32) if parts else samples[:0]

    def _hop(self, samples: Samples) -> Spectrum:
        self._heard = np.concatenate([self._heard[HOP_SAMPLES:], samples.astype(np.float64)])
        spectrum = np.fft.rfft(self._heard * self._window)
        gain = self._gain(np.square(np.abs(spectrum)) + _POWER_MIN)
        shaped = np.fft.irfft(spectrum * gain) * self._window
        result = self._overlap + shaped[:HOP_SAMPLES]
        self._overlap = shaped[HOP_SAMPLES:]
        return np.asarray(result, dtype=np.float64)

    def _gain(self, power: Spectrum) -> Spectrum:
        """Decision-directed (Ephraim and Malah): what was voice a moment ago is believed to be voice still."""
        noise = self._noise(power)
        above = power / noise
        voice = _SPEECH_MEMORY * self._voice + (1 - _SPEECH_MEMORY) * np.maximum(above - 1, 0)
        gain = np.maximum(voice / (1 + voice), _GAIN_MIN)
        self._voice = np.square(gain) * above
        return np.asarray(gain * _flattening(noise), dtype=np.float64)

    def _noise(self, power: Spectrum) -> Spectrum:
        before = power if self._smoothed is None else self._smoothed
        self._smoothed = _SMOOTHING * before + (1 - _SMOOTHING) * power
        self._recent[self._frames % _LOWEST_OF_FRAMES] = self._smoothed
        self._frames += 1
        return np.asarray(self._recent.min(axis=0) * _LOWEST_TO_MEAN, dtype=np.float64)


def _flattening(noise: Spectrum) -> Spectrum:
    """The gain that takes half of a noise's colour away, where it is loud; nothing is turned up."""
    level = np.log(noise) / 2
    return np.asarray(np.clip(np.exp((1 - _COLOUR_KEPT) * (level.mean() - level)), _COLOUR_GAIN_MIN, 1.0))

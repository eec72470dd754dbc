"""Measuring a picture: luma, its spread, and a thumbnail that a frozen sensor repeats (DR-19).

Rules of this module: pure; works on every fourth pixel of every fourth line, which costs well under a millisecond.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from hal.values import PictureStatistics

Plane = npt.NDArray[np.uint8]

_COLUMNS, _ROWS = 16, 9
_STEP = 4


def measure(luma: Plane) -> PictureStatistics:
    """Measure a luma plane, at least 16 × 9.

    The thumbnail holds single pixels, not means: a mean of many hides the sensor's noise, and without noise a still
    scene could pass for a frozen sensor.
    """
    sample = luma[::_STEP, ::_STEP]
    height, width = luma.shape
    rows = (np.arange(_ROWS) * 2 + 1) * height // (2 * _ROWS)
    columns = (np.arange(_COLUMNS) * 2 + 1) * width // (2 * _COLUMNS)
    thumbnail: Plane = luma[np.ix_(rows, columns)]
    return PictureStatistics(float(sample.mean()), float(sample.std()), thumbnail.tobytes())

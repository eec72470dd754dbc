"""Every clip equally loud: −16 LUFS, true peak at most −1.5 dBTP (EBU R 128).

Rules of this module: sound in, sound out, no state. Measured by libavfilter's `ebur128`. A gain alone would drive the
peaks of synthetic speech over full scale, so peaks are limited, never clipped.
"""

from __future__ import annotations

from dataclasses import dataclass

import av
import numpy as np
from av.error import EOFError as StreamEnd
from av.filter import Graph

from capture.voice.errors import LoudnessError
from capture.voice.samples import VOICE_RATE_HZ, Samples

TARGET_LUFS = -16.0
TRUE_PEAK_MAX_DBTP = -1.5
TOLERANCE_LU = 0.5
_AIM_DBTP = -1.7
"""The limiter aims a little lower: its oversampled peak is not exactly that of the meter."""
_MEASURED_SECONDS = 3.0
"""A clip shorter than that is measured in a loop: the gated measure needs several blocks of 400 ms."""
_ROUNDS = 8
_CLOSE_ENOUGH_LU = 0.1
_OVERSAMPLING = 4
_INTERPOLATION_TAPS = 32
_KAISER_BETA = 6.0
_LOOK_AHEAD_SAMPLES = VOICE_RATE_HZ * 3 // 1000
_SILENT_LUFS = -60.0
_LARGEST_GAIN_DB = 40.0


@dataclass(frozen=True, slots=True)
class Loudness:
    """What the meter says."""

    integrated_lufs: float
    true_peak_dbtp: float


def measure(samples: Samples) -> Loudness:
    """Measure a clip (48 kHz).

    Raises:
        LoudnessError: The clip is empty.
    """
    if samples.size == 0:
        raise LoudnessError("an empty clip has no loudness: synthesise it again")
    graph = Graph()
    source = graph.add_abuffer(format="flt", sample_rate=VOICE_RATE_HZ, layout="mono")
    meter = graph.add("ebur128", "peak=true:metadata=1")
    sink = graph.add("abuffersink")
    source.link_to(meter)
    meter.link_to(sink)
    graph.configure()
    source.push(_frame(_looped(samples)))
    source.push(None)
    return _last_reading(graph)


def _looped(samples: Samples) -> Samples:
    wanted = int(_MEASURED_SECONDS * VOICE_RATE_HZ)
    return np.tile(samples, -(-wanted // samples.size)) if samples.size < wanted else samples


def _frame(samples: Samples) -> av.AudioFrame:
    frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(samples[np.newaxis, :]), format="flt", layout="mono")
    frame.sample_rate = VOICE_RATE_HZ
    frame.pts = 0
    return frame


def _last_reading(graph: Graph) -> Loudness:
    facts: dict[str, str] = {}
    try:
        while True:
            facts = graph.pull().metadata or facts  # the last, short frame brings none
    except StreamEnd:
        peak = float(facts.get("lavfi.r128.true_peak", "0"))
        return Loudness(float(facts.get("lavfi.r128.I", "-70")), 20.0 * float(np.log10(max(peak, 1e-6))))


def normalised(samples: Samples) -> Samples:
    """Bring a clip (48 kHz) to the target loudness without exceeding the true peak.

    Raises:
        LoudnessError: The clip is silent, or cannot reach the target.
    """
    before = measure(samples)
    gain_db = TARGET_LUFS - before.integrated_lufs
    if before.integrated_lufs < _SILENT_LUFS or gain_db > _LARGEST_GAIN_DB:
        raise LoudnessError(f"clip at {before.integrated_lufs:.1f} LUFS is silent: synthesise it again")
    shaped, after = _shaped(samples, gain_db)
    for _ in range(_ROUNDS):
        error = TARGET_LUFS - after.integrated_lufs
        if abs(error) <= _CLOSE_ENOUGH_LU:
            break
        gain_db += error
        shaped, after = _shaped(samples, gain_db)
    _check_result(after)
    return shaped


def _shaped(samples: Samples, gain_db: float) -> tuple[Samples, Loudness]:
    shaped = limited(samples * np.float32(10.0 ** (gain_db / 20.0)))
    return shaped, measure(shaped)


def _check_result(after: Loudness) -> None:
    if abs(TARGET_LUFS - after.integrated_lufs) > TOLERANCE_LU or after.true_peak_dbtp > TRUE_PEAK_MAX_DBTP:
        raise LoudnessError(
            f"clip ended at {after.integrated_lufs:.1f} LUFS, {after.true_peak_dbtp:.1f} dBTP instead of "
            f"{TARGET_LUFS} LUFS, ≤ {TRUE_PEAK_MAX_DBTP} dBTP: record or synthesise it with less crest"
        )


def limited(samples: Samples, ceiling_dbtp: float = _AIM_DBTP) -> Samples:
    """Hold the oversampled peaks below a ceiling with a gain that moves smoothly and looks 3 ms ahead."""
    ceiling = 10.0 ** (ceiling_dbtp / 20.0)
    wanted = np.minimum(1.0, ceiling / np.maximum(_oversampled_peak(samples), 1e-9))
    reach = _LOOK_AHEAD_SAMPLES
    lowest = _sliding_minimum(np.pad(wanted, reach, mode="edge"), reach + 1)
    summed = np.cumsum(np.concatenate([[0.0], lowest]))
    gain = np.minimum(1.0, (summed[reach + 1 :] - summed[: -reach - 1]) / (reach + 1))
    return np.asarray(samples * gain, dtype=np.float32)


def _sliding_minimum(values: Samples, width: int) -> Samples:
    """Least value in each window of `width`, in steps that double."""
    result, reached = values, 1
    while reached < width:
        step = min(reached, width - reached)
        result = np.minimum(result[: result.size - step], result[step:])
        reached += step
    return result


def _oversampled_peak(samples: Samples) -> Samples:
    """Largest magnitude in each sample's neighbourhood on a grid four times as fine."""
    peaks = np.abs(samples)
    position = np.arange(_INTERPOLATION_TAPS) - _INTERPOLATION_TAPS // 2
    window = np.kaiser(_INTERPOLATION_TAPS + 1, _KAISER_BETA)[:-1]
    for phase in range(1, _OVERSAMPLING):
        taps = np.sinc(position + phase / _OVERSAMPLING) * window
        between = np.abs(np.convolve(samples, taps.astype(np.float32), mode="same"))
        peaks = np.maximum(peaks, np.maximum(between, np.roll(between, 1)))
    return np.asarray(np.maximum(peaks, np.maximum(np.roll(peaks, 1), np.roll(peaks, -1))), dtype=np.float32)

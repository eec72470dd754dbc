"""Real recordings to judge ears by, from the distribution's own packages: nothing of them is kept in this repository.

Speech: `pocketsphinx-testdata` (BSD; readings from LibriVox, spoken digits and commands, several speakers, 16 kHz).
Street: `simutrans-pak64` (Artistic License; recordings of bus, lorry, diesel engine, level crossing, jackhammer, saw,
horse, aeroplane). Both are small packages of Debian; there is no Mandarin speech and no long take of one street among
what can be had so, therefore the street is put together from its parts.
"""

from __future__ import annotations

import subprocess
import wave
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from capture.voice.samples import ANALYSIS_RATE_HZ, Samples, from_s16

Sound = NDArray[np.float64]

FOLDER = Path("build") / "recordings"
SPEECH_PACKAGE = "pocketsphinx-testdata"
STREET_PACKAGE = "simutrans-pak64"
STREET_TUNED_ON = ("bus", "diesel", "jackhammer", "horse", "steam")
STREET_HELD_OUT = ("truck", "crossing", "buzzsaw", "planelow", "tree-cutting")
"""The noise reducer was tuned with one half of the street, and with other voices than `VOICES_HELD_OUT`."""
STREET = (*STREET_TUNED_ON, *STREET_HELD_OUT)
OUTDOORS = ("desert", "forest", "tropic", "Water", "seagulls", "comet-jet")
"""Wind, leaves, water, birds, a jet: no street, and no voice either."""
VOICES_HELD_OUT = ("sense_and_sensibility", "dhd.2934z")
FETCH_SECONDS = 120


class NoRecordingsError(Exception):
    """The packages could not be had."""


def speech(*, held_out: bool = False) -> tuple[Samples, ...]:
    """Spoken passages, 16 kHz.

    Args:
        held_out: Only those that nothing was tuned on.

    Raises:
        NoRecordingsError: The package could not be fetched.
    """
    root = _unpacked(SPEECH_PACKAGE)
    paths = [*sorted(root.rglob("*.wav")), *sorted(root.rglob("*.raw"))]
    wanted = [path for path in paths if not held_out or path.name.startswith(VOICES_HELD_OUT)]
    found = [_read_wav(path) if path.suffix == ".wav" else from_s16(path.read_bytes()) for path in wanted]
    return tuple(sound for sound in found if sound.size > ANALYSIS_RATE_HZ)


def street_parts(names: Sequence[str] = STREET) -> tuple[Samples, ...]:
    """Sounds of a street, one by one, 16 kHz, each at the same level.

    Args:
        names: Which of them.

    Raises:
        NoRecordingsError: The package could not be fetched.
    """
    root = _unpacked(STREET_PACKAGE)
    found = [_read_wav(path) for name in names for path in root.rglob(f"{name}.wav")]
    return tuple(sound / _rms(sound) for sound in found if sound.size)


def street(parts: Sequence[Samples], samples: int, seed: int) -> Sound:
    """A busy street of a length: its parts, over each other and again and again, at level 1."""
    random = np.random.default_rng(seed)
    bed = np.zeros(samples + 1, dtype=np.float64)
    while np.count_nonzero(bed) < bed.size or random.random() < 0.9:
        part = parts[int(random.integers(len(parts)))]
        at = int(random.integers(-part.size // 2, samples))
        begin, end = max(0, at), min(samples + 1, at + part.size)
        bed[begin:end] += part[begin - at : end - at] * random.uniform(0.3, 1.0)
    return bed[:samples] / _rms(bed)


def _unpacked(package: str) -> Path:
    target = (FOLDER / package).resolve()
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        _run(["apt-get", "download", package], target.parent)
        archive = next(iter(sorted(target.parent.glob(f"{package}_*.deb"))))
        _run(["dpkg-deb", "-x", archive.name, package], target.parent)
    return target


def _run(command: Sequence[str], folder: Path) -> None:
    try:
        subprocess.run(command, cwd=folder, check=True, capture_output=True, timeout=FETCH_SECONDS)
    except (OSError, subprocess.SubprocessError) as error:
        raise NoRecordingsError(f"{' '.join(command)}: {error}; it needs Debian's archive") from error


def _read_wav(path: Path) -> Samples:
    with wave.open(str(path)) as file:
        width, rate, channels = file.getsampwidth(), file.getframerate(), file.getnchannels()
        data = file.readframes(file.getnframes())
    plain = np.frombuffer(data, dtype="<i2" if width == 2 else "u1").astype(np.float32)
    sound = plain / 32768 if width == 2 else (plain - 128) / 128
    return _resampled(sound.reshape(-1, channels).mean(axis=1), rate)


def _resampled(sound: Samples, rate: int) -> Samples:
    count = sound.size * ANALYSIS_RATE_HZ // rate
    places = np.arange(count) * rate / ANALYSIS_RATE_HZ
    return np.interp(places, np.arange(sound.size), sound).astype(np.float32)


def _rms(sound: Samples | Sound) -> float:
    return float(np.sqrt(np.mean(np.square(sound, dtype=np.float64)))) + 1e-12


def windows(passages: Sequence[Samples], samples: int) -> Iterator[Samples]:
    """Each passage alone in a window, behind two seconds of nothing."""
    begin = 2 * ANALYSIS_RATE_HZ
    for passage in passages:
        window = np.zeros(samples, dtype=np.float32)
        spoken = passage[: samples - begin]
        window[begin : begin + spoken.size] = spoken / _rms(spoken) * 0.07
        yield window

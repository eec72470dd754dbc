"""Real recordings to judge ears by, from the distribution's own packages: nothing of them is kept in this repository.

Speech: `pocketsphinx-testdata` (BSD; readings from LibriVox, spoken digits and commands, several speakers, 16 kHz), and
a telephone exchange's announcements, `asterisk-core-sounds-*-g722` (CC BY-SA 3.0; a speaker a language, 16 kHz).
Street: `simutrans-pak64` (Artistic License; bus, lorry, diesel engine, level crossing, jackhammer, saw, horse,
aeroplane) and `openttd-opensfx` (CC BY and CC0; horns, buses, trains, helicopter, wind, saws, animals, applause).
Keys: `bucklespring-data` (GPL). Music: `asterisk-moh-opsound-g722` (CC BY-SA 3.0; waiting music). Mandarin by people is
in `mandarin.py`. All are packages of Debian, 70 MB; there is no long take of one street among what can be had so,
therefore the street is put together from its parts.
"""

from __future__ import annotations

import io
import re
import struct
import subprocess
import wave
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import BinaryIO

import av
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
ANNOUNCERS_TUNED_ON = ("en", "ru")
ANNOUNCERS_HELD_OUT = ("it", "fr")
"""A man and a woman; the other two are women."""
FEW_WORDS_BYTES = (16_000, 28_000)
"""2 to 3.5 s of an announcement at 64 kbit/s: a few words."""
MUSIC_PACKAGE = "asterisk-moh-opsound-g722"
KEYS_PACKAGE = "bucklespring-data"
EFFECTS_PACKAGE = "openttd-opensfx"
NO_EFFECTS = ("Oooh",)
"""People's voices."""
FETCH_SECONDS = 120
_WAV_HEADER_BYTES = 100
"""What is not longer is an empty sound."""


class NoRecordingsError(Exception):
    """The packages could not be had."""


def speech(*, held_out: bool = False) -> tuple[Samples, ...]:
    """Spoken passages, 16 kHz.

    Args:
        held_out: Only those that nothing was tuned on.

    Raises:
        NoRecordingsError: The package could not be fetched.
    """
    root = unpacked(SPEECH_PACKAGE)
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
    root = unpacked(STREET_PACKAGE)
    found = [_read_wav(path) for name in names for path in root.rglob(f"{name}.wav")]
    return tuple(sound / _rms(sound) for sound in found if sound.size)


def announcements(language: str, count: int) -> tuple[Samples, ...]:
    """Announcements of a few words by one speaker, spread over all there are.

    Raises:
        NoRecordingsError: The package could not be fetched.
    """
    least, most = FEW_WORDS_BYTES
    paths = sorted(unpacked(f"asterisk-core-sounds-{language}-g722").rglob("*.g722"))
    short = [path for path in paths if least <= path.stat().st_size < most]
    return tuple(_read_g722(short[place * len(short) // count]) for place in range(count))


def music() -> tuple[Samples, ...]:
    """Pieces of music, minutes long each.

    Raises:
        NoRecordingsError: The package could not be fetched.
    """
    return tuple(_read_g722(path) for path in sorted(unpacked(MUSIC_PACKAGE).rglob("*.g722")))


def keys(*, held_out: bool) -> tuple[Samples, ...]:
    """Single strokes on a loud keyboard, every other of them held out.

    Raises:
        NoRecordingsError: The package could not be fetched.
    """
    return tuple(_read_wav(path) for path in sorted(unpacked(KEYS_PACKAGE).rglob("*.wav"))[int(held_out) :: 2])


def effects(*, held_out: bool) -> dict[str, Samples]:
    """Sounds of half a second and more by name (vehicles, machines, wind, animals), every other of them held out.

    Raises:
        NoRecordingsError: The package could not be fetched.
    """
    data = next(unpacked(EFFECTS_PACKAGE).rglob("opensfx.cat")).read_bytes()
    found = [(name, sound) for name, sound in _catalogue(data) if sound.size > ANALYSIS_RATE_HZ // 2]
    return dict([one for one in found if not one[0].startswith(NO_EFFECTS)][int(held_out) :: 2])


def _catalogue(data: bytes) -> Iterator[tuple[str, Samples]]:
    """Sounds of a game's catalogue: a table of places, and at each a name and a WAV file."""
    count = (struct.unpack_from("<I", data, 0)[0] & 0x7FFFFFFF) // 8
    for number in range(count):
        at = struct.unpack_from("<I", data, 8 * number)[0] & 0x7FFFFFFF
        begin = data.find(b"RIFF", at, at + 300)
        name = re.sub(rb'^[^"]*"|".*$', b"", data[at + 1 : at + data[at]]).decode("latin-1")
        size = struct.unpack_from("<I", data, begin + 4)[0] + 8 if begin >= 0 else 0
        if size > _WAV_HEADER_BYTES:
            yield f"{name} {number}", _read_wav(io.BytesIO(data[begin : begin + size]))


def _read_g722(path: Path) -> Samples:
    with av.open(str(path), format="g722") as file:
        parts = [frame.to_ndarray().reshape(-1) for frame in file.decode(audio=0)]
    return from_s16(np.concatenate(parts).astype("<i2").tobytes())


def read_compressed(path: Path) -> Samples:
    """A recording in one of the usual formats, 16 kHz, one channel."""
    resampler = av.AudioResampler(format="s16", layout="mono", rate=ANALYSIS_RATE_HZ)
    with av.open(str(path)) as file:
        frames = [part for frame in (*file.decode(audio=0), None) for part in resampler.resample(frame)]
    return from_s16(np.concatenate([frame.to_ndarray().reshape(-1) for frame in frames]).astype("<i2").tobytes())


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


def unpacked(package: str) -> Path:
    """Where a package of the distribution lies unpacked; it is fetched once, and checked, by the distribution's tools.

    Raises:
        NoRecordingsError: It could not be fetched.
    """
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


def _read_wav(source: Path | BinaryIO) -> Samples:
    with wave.open(str(source) if isinstance(source, Path) else source) as file:
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

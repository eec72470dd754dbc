"""How long the first session of the demo lasts.

Rules of this module: the answer is found by measuring this machine with the very pictures that will be recorded, so
that the demo stays below its time on a slow one too; whatever is cut short is said.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from hal.values import CameraSettings
from hw_sim.demo.script import Course
from hw_sim.demo.telling import Both
from hw_sim.media.encoder import H264Encoder
from hw_sim.media.pictures import Moment, PictureSource
from hw_sim.media.video_file import VideoFile
from hw_sim.media.video_pictures import VideoPictures
from hw_sim.pacer import real_ns

_NS = 1_000_000_000
_PROBED_FRAMES = 60
_PROBE_SECONDS = 2.0
RECORDING_BUDGET_SECONDS = 50.0
"""Real time that the first session may take of the demo's two minutes."""
SHARE_OF_PROBE = 0.6
"""Of the speed at which pictures alone are made: sound, sealing and the disk take the rest."""
SHORTEST_FILM_SECONDS = 75.0
"""A shorter film repeats to the session's end."""
_PLACES = (0.3, 0.6, 1.0)
_ANNOUNCED_BREAK_SECONDS = 25.0
"""What lies between the last two of those places at least."""


@dataclass(frozen=True, slots=True)
class Length:
    """How long, and what is to be said about it."""

    course: Course
    remark: Both | None = None


def frames_per_second(pictures: PictureSource) -> float:
    """How fast this machine makes and encodes pictures."""
    settings = pictures.settings(CameraSettings())
    pictures.begin(settings)
    encoder = H264Encoder(settings)
    begun_ns, made = real_ns(), 0
    while made < _PROBED_FRAMES and real_ns() - begun_ns < _PROBE_SECONDS * _NS:
        position_ns = round(made * _NS / settings.frames_per_second)
        encoder.encode(pictures.picture(Moment(position_ns, made, position_ns)))
        made += 1
    return made * _NS / max(1, real_ns() - begun_ns)


def length_of(
    video: Path | None,
    wanted_seconds: float | None,
    measured: Callable[[PictureSource], float] = frames_per_second,
) -> Length:
    """Decide how long plain recording lasts.

    Args:
        video: The film, None for the drawn scene.
        wanted_seconds: What was asked for, roughly for the first session as a whole.
        measured: How fast this machine makes and encodes pictures.

    Raises:
        SimulatedMediaError: The film cannot be used.
    """
    if video is None:
        return Length(Course() if wanted_seconds is None else _course(wanted_seconds))
    film = VideoFile(video)
    film_seconds = film.loop.duration_ns / _NS
    seconds = film_seconds if wanted_seconds is None else wanted_seconds
    if seconds < SHORTEST_FILM_SECONDS:
        return Length(Course(), _repeats(film_seconds))
    possible = _possible_seconds(film, measured)
    if wanted_seconds is None and possible < seconds:
        remark = Both(
            f"片长 {film_seconds:.0f} 秒，本机两分钟内能录约 {possible:.0f} 秒，录到此处为止",
            f"the film lasts {film_seconds:.0f} s; this machine records about {possible:.0f} s of it in the time",
        )
        seconds = max(possible, SHORTEST_FILM_SECONDS)
    else:
        remark = Both(f"录制与影片等长：{seconds:.0f} 秒", f"recording as long as the film: {seconds:.0f} s")
    return Length(_course(seconds), remark)


def _course(seconds: float) -> Course:
    """A course whose first session has so much picture, as far as its fixed parts leave room."""
    if seconds < SHORTEST_FILM_SECONDS:
        return Course()
    first, second, last = (round(seconds * place, 1) for place in _PLACES)
    return Course(film_seconds=(first, min(second, last - _ANNOUNCED_BREAK_SECONDS), last))


def _repeats(film_seconds: float) -> Both:
    return Both(
        f"片长 {film_seconds:.0f} 秒，循环播放至录制结束",
        f"the film lasts {film_seconds:.0f} s and repeats to the end of the recording",
    )


def _possible_seconds(film: VideoFile, measured: Callable[[PictureSource], float]) -> float:
    """How much of a film this machine records in the time, by a short trial."""
    rate = float(film.facts.frames_per_second)
    pictures = VideoPictures(film)
    try:
        return measured(pictures) * SHARE_OF_PROBE * RECORDING_BUDGET_SECONDS / rate
    finally:
        pictures.close()

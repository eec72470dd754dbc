"""Looks at opened films as a player would, and turns the timeline's picture into a bitmap where a program can.

Rules of this module: reads and measures; what it means is decided elsewhere.
"""

from __future__ import annotations

import re
import shutil
import subprocess
from itertools import pairwise
from pathlib import Path

import av

from hw_sim.demo.comparison import Opened
from hw_sim.demo.errors import DemoError

_NAME = re.compile(r"session-(\d+)/(?:run-(\d+)|session)\.mp4")
_RENDERERS = (("rsvg-convert", "-o", "{png}", "{svg}"), ("inkscape", "{svg}", "-o", "{png}"))
_RENDER_SECONDS = 60


def opened_films(sessions: Path) -> tuple[Opened, ...]:
    """The films of runs and sessions below the folder that `recorder open` filled, in order.

    Raises:
        DemoError: A film cannot be read.
    """
    return tuple(_measured(path) for path in sorted(sessions.glob("session-*/*.mp4")))


def bitmap(svg: Path, png: Path) -> bool:
    """Render a picture when this machine has a program for it; tells whether it had."""
    for program, *arguments in _RENDERERS:
        found = shutil.which(program)
        if found is None:
            continue
        line = [found, *(part.format(svg=svg, png=png) for part in arguments)]
        done = subprocess.run(line, capture_output=True, timeout=_RENDER_SECONDS, check=False)
        if done.returncode == 0 and png.is_file():
            return True
    return False


def _measured(path: Path) -> Opened:
    named = _NAME.search(path.as_posix())
    if named is None:
        raise DemoError(f"{path}: not the name of an opened film; the commands and the demo are of different versions")
    try:
        times = _picture_times(path)
    except (av.FFmpegError, OSError) as error:
        raise DemoError(f"{path}: cannot be played: {error}") from error
    rising = all(earlier < later for earlier, later in pairwise(times))
    return Opened(int(named[1]), int(named[2]) if named[2] else None, len(times), rising)


def _picture_times(path: Path) -> list[int]:
    """Presentation times of all pictures, in the order of showing after decoding."""
    with av.open(str(path)) as film:
        if not film.streams.video:
            return []
        return [packet.pts for packet in film.demux(film.streams.video[0]) if packet.pts is not None]

"""Naps at the points where threads, processes, files and sockets meet.

Rules of this module: nothing changes but when things happen; what a wrapped call returns or raises stays as it was.
"""

import functools
import os
import random
import socket
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, ParamSpec, TypeVar

_P = ParamSpec("_P")
_R = TypeVar("_R")

LEVEL_VARIABLE: Final = "SHAKE_LEVEL"
"""Environment variable with the level; a process without it is left alone."""

_SWITCH_SECONDS: Final = (1e-5, 1e-4, 5e-3, 5e-2)
_LONG_NAP_SECONDS: Final = 0.5
_LONG_NAP_SHARE: Final = 0.01


@dataclass(frozen=True)
class Point:
    """A call around which a thread may lose its turn."""

    owner: object
    name: str
    chance: float
    """How likely a nap is, on either side of the call, at level 1."""
    longest_seconds: float


POINTS: Final = (
    Point(threading.Thread, "run", 0.5, 0.08),
    Point(threading.Thread, "start", 0.3, 0.05),
    Point(threading.Event, "set", 0.08, 0.03),
    Point(subprocess.Popen, "__init__", 0.5, 0.1),
    *(Point(os, name, 0.03, 0.03) for name in ("fdatasync", "fsync", "replace", "rename", "unlink", "pwrite", "kill")),
    *(
        Point(socket.socket, name, 0.03, 0.03)
        for name in ("connect", "accept", "listen", "sendall", "recv", "shutdown")
    ),
)


class Naps:
    """When to nap, and for how long.

    Args:
        level: A factor of every chance; 1 is mild, 3 is rude.
        drawn: Where chance comes from.
    """

    def __init__(self, level: float, drawn: random.Random) -> None:
        self._level = level
        self._drawn = drawn
        # Its own lock, held for good: whoever waits for it waits for the time alone, by nothing that is wrapped.
        self._never = threading.Lock()
        self._never.acquire()

    def nap(self, chance: float, longest_seconds: float) -> None:
        """Nap, perhaps."""
        seconds = self.seconds(chance, longest_seconds)
        if seconds > 0:
            self._never.acquire(timeout=seconds)

    def seconds(self, chance: float, longest_seconds: float) -> float:
        """Length of the next nap; 0 mostly."""
        place = self._drawn.random() / self._level
        if place >= chance:
            return 0.0
        return self._drawn.random() * (_LONG_NAP_SECONDS if place < chance * _LONG_NAP_SHARE else longest_seconds)


def shake(level: float) -> None:
    """Wrap every point of this process, and let its threads take turns in another rhythm."""
    drawn = random.Random(os.urandom(8))
    sys.setswitchinterval(drawn.choice(_SWITCH_SECONDS))
    naps = Naps(level, drawn)
    for point in POINTS:
        setattr(point.owner, point.name, _wrapped(getattr(point.owner, point.name), point, naps))


def _wrapped(call: Callable[_P, _R], point: Point, naps: Naps) -> Callable[_P, _R]:
    @functools.wraps(call)
    def shaken(*args: _P.args, **kwargs: _P.kwargs) -> _R:
        naps.nap(point.chance, point.longest_seconds)
        try:
            return call(*args, **kwargs)
        finally:
            naps.nap(point.chance, point.longest_seconds)

    return shaken

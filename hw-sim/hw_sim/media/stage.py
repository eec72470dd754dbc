"""Where in the scene or film the world is.

Rules of this module: arithmetic of times only. The picture stands still while the camera is out; its sound goes on
meanwhile, as a room does, and falls in with the picture again when that goes on, so that what is recorded together
belongs together.
"""

from __future__ import annotations

import threading

_REMEMBERED_SEGMENTS = 8


class Stage:
    """Maps world time (CLOCK_BOOTTIME) to places in the film, for the picture and for the sound.

    Args:
        position_ns: Place at which the picture goes on; a world that continues puts in what it kept.
        picture_number: Number of the next picture.
    """

    def __init__(self, position_ns: int = 0, picture_number: int = 0) -> None:
        self._lock = threading.Lock()
        self._held_ns = position_ns
        self._rolling_since_ns: int | None = None
        self._sound: list[tuple[int, int]] = []
        self.picture_number = picture_number
        """Number of the next picture that the sensor makes."""

    def roll(self, at_boottime_ns: int) -> None:
        """Let the picture go on from where it stands; its sound falls in at the same moment."""
        with self._lock:
            self._rolling_since_ns = at_boottime_ns
            self._sound.append((at_boottime_ns, self._held_ns))
            del self._sound[:-_REMEMBERED_SEGMENTS]

    def hold(self, at_boottime_ns: int) -> None:
        """Let the picture stand still. Idempotent."""
        with self._lock:
            self._held_ns = self._position_ns(at_boottime_ns)
            self._rolling_since_ns = None

    def position_ns(self, at_boottime_ns: int) -> int:
        """Place of the picture at a moment."""
        with self._lock:
            return self._position_ns(at_boottime_ns)

    def sound_pieces(self, from_boottime_ns: int, to_boottime_ns: int) -> list[tuple[int, int, int]]:
        """The film's sound in a stretch of time.

        Returns:
            Pieces without a jump: begin and end on CLOCK_BOOTTIME, and the place in the film of the begin. Before the
            picture first rolled there is none.
        """
        with self._lock:
            segments = list(self._sound)
        pieces = []
        for place, (begin, position) in enumerate(segments):
            end = segments[place + 1][0] if place + 1 < len(segments) else to_boottime_ns
            first, last = max(begin, from_boottime_ns), min(end, to_boottime_ns)
            if first < last:
                pieces.append((first, last, position + first - begin))
        return pieces

    def _position_ns(self, at_boottime_ns: int) -> int:
        if self._rolling_since_ns is None:
            return self._held_ns
        return self._held_ns + max(0, at_boottime_ns - self._rolling_since_ns)

"""The burnt-in line: keeps the letters of this second and the next ready, and lays them onto pictures (CS-34).

Rules of this module: letters are drawn ahead by a thread of their own while pictures come; the camera's thread copies
them, and draws them itself only when they are not there yet, because a picture without its line would be a silent gap.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import tzinfo
from typing import TYPE_CHECKING

from capture.assignment import Assignment
from capture.caption import CaptionFacts, caption_parts, is_time_trusted
from capture.errors import CaptionFontError
from capture.profile import CaptureProfile
from hal.ports import Clock
from hal.worker import Worker

if TYPE_CHECKING:
    from capture.shell.lettering import Letterer, Lettering, Plane

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.25
_KEPT_SECONDS = 2
_SECOND_NS = 1_000_000_000


@dataclass(frozen=True, slots=True)
class _Wanted:
    """Everything that decides how the line looks."""

    utc_seconds: int
    trusted: bool
    certificate_numbers: tuple[str, ...]
    width_pixels: int
    height_pixels: int


class CaptionDesk:
    """Draws the line into pictures; satisfies `hal.values.Caption`.

    Args:
        clock: The unit's clock.
        letterer: Draws letters.
        facts: Whose unit it is.
        zone: Local civil time.
        uncertainty_max_ms: Above this the time carries its mark, milliseconds.
        assignment: Tells who has the unit. Any thread; never blocks.
    """

    def __init__(
        self,
        clock: Clock,
        letterer: Letterer,
        facts: CaptionFacts,
        zone: tzinfo,
        uncertainty_max_ms: int,
        assignment: Callable[[], Assignment | None],
    ) -> None:
        self._clock = clock
        self._letterer = letterer
        self._facts = facts
        self._zone = zone
        self._uncertainty_max_ms = uncertainty_max_ms
        self._assignment = assignment
        self._lock = threading.Lock()
        self._ready: dict[_Wanted, Lettering] = {}
        self._last: _Wanted | None = None
        self.worker = Worker("caption", clock, self._body)

    def draw(self, luma: Plane, captured_boottime_ns: int) -> None:
        """Write the line into a picture. On the camera's thread; a copy of pixels as a rule."""
        self._last = wanted = self._wanted(luma, captured_boottime_ns)
        self._lettering(wanted).lay_on(luma)

    def _wanted(self, luma: Plane, captured_boottime_ns: int) -> _Wanted:
        now, assignment = self._clock.read(), self._assignment()
        utc_ns = now.utc_ns - (now.boottime_ns - captured_boottime_ns)
        officers = () if assignment is None else assignment.officers
        return _Wanted(
            utc_ns // _SECOND_NS,
            is_time_trusted(now, self._uncertainty_max_ms),
            tuple(officer.certificate_number for officer in officers),
            width_pixels=luma.shape[1],
            height_pixels=luma.shape[0],
        )

    def _lettering(self, wanted: _Wanted) -> Lettering:
        with self._lock:
            found = self._ready.get(wanted)
        if found is not None:
            return found
        words = caption_parts(
            self._facts, wanted.certificate_numbers, wanted.utc_seconds, self._zone, trusted=wanted.trusted
        )
        drawn = self._letterer.render(words, wanted.width_pixels, wanted.height_pixels)
        with self._lock:
            self._ready[wanted] = drawn
        return drawn

    def _body(self, worker: Worker) -> None:
        shown: _Wanted | None = None
        while not self._clock.wait(worker.stop, LOOK_SECONDS):
            worker.beat()
            last = self._last
            if last is not None and last != shown:
                self._lettering(replace(last, utc_seconds=last.utc_seconds + 1))
                self._forget_others(last)
                shown = last

    def _forget_others(self, last: _Wanted) -> None:
        """Keep the letters around the last picture's second: pictures come late by less than that."""
        with self._lock:
            far = [each for each in self._ready if abs(each.utc_seconds - last.utc_seconds) > _KEPT_SECONDS]
            for each in far:
                del self._ready[each]


def make_caption(
    clock: Clock,
    profile: CaptureProfile,
    facts: CaptionFacts,
    zone: tzinfo,
    assignment: Callable[[], Assignment | None],
) -> CaptionDesk | None:
    """Make the line if the profile wants it; None, and an error in the log, where there is nothing to write it with.

    A unit without letters records all the same: its PREFLIGHT says that the line is missing.
    """
    if not profile.recording.caption:
        return None
    try:
        from capture.shell.lettering import Letterer  # noqa: PLC0415 - Pillow is loaded only where a line is wanted

        letterer = Letterer()
    except (CaptionFontError, ImportError) as error:
        log.error(  # noqa: TRY400 - the error names the font and the remedy; a stack would not
            "the profile wants a burnt-in line (capture.recording.caption), pictures go without it: %s", error
        )
        return None
    return CaptionDesk(clock, letterer, facts, zone, profile.preflight.clock_uncertainty_ms_max, assignment)

"""The drain of the last recording, kept over a restart, so that the first press of a day has its minutes too (R1).

Rules of this module: a figure for a prediction and no evidence; what cannot be read or written is logged, and the unit
measures anew.
"""

from __future__ import annotations

import logging
import math
from pathlib import Path

log = logging.getLogger(__name__)

PERCENT_PER_HOUR_MAX = 1_000.0
"""A pack that is empty in six minutes; more is no drain of a recorder."""
_BYTES_MAX = 64
_WORTH_KEEPING = 0.02
"""A change by less than this share tells nothing new, and the medium is spared."""


class KeptDrain:
    """One small text file: percent of the pack that an hour of recording takes.

    Args:
        path: The file; None where nothing is kept.
    """

    def __init__(self, path: Path | None) -> None:
        self._path = path
        self._kept = self._read()

    @property
    def percent_per_hour(self) -> float | None:
        """What was kept; None where nothing was, or nothing that can be one."""
        return self._kept

    def keep(self, percent_per_hour: float | None) -> None:
        """Keep what was measured. Costs nothing while it says the same as before."""
        if self._path is None or percent_per_hour is None or not _is_drain(percent_per_hour):
            return
        if self._kept is not None and abs(percent_per_hour - self._kept) <= self._kept * _WORTH_KEEPING:
            return
        self._kept = percent_per_hour
        beside = self._path.with_suffix(".part")
        try:
            beside.write_text(f"{percent_per_hour:.3f}\n", encoding="ascii")
            beside.replace(self._path)
        except OSError as error:
            log.warning("the measured drain is not kept in %s: %s", self._path, error)

    def _read(self) -> float | None:
        if self._path is None:
            return None
        try:
            with self._path.open("rb") as file:
                told = float(file.read(_BYTES_MAX).decode("ascii"))
        except FileNotFoundError:
            return None
        except (OSError, ValueError) as error:
            log.warning("the drain kept in %s cannot be read, it is measured anew: %s", self._path, error)
            return None
        if not _is_drain(told):
            log.warning("%s says %s %% an hour, which is no drain; it is measured anew", self._path, told)
            return None
        return told


def _is_drain(percent_per_hour: float) -> bool:
    return math.isfinite(percent_per_hour) and 0.0 < percent_per_hour <= PERCENT_PER_HOUR_MAX

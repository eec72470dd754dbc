"""How long to wait before the next attempt.

Rules of this module: pure; the caller draws the random fraction and does the waiting. Attempts never end: there is no
limit of tries here and there must be none elsewhere (SY-20).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

BASE_SECONDS: Final = 1.0
CAP_SECONDS: Final = 300.0
_DOUBLINGS_MAX: Final = 16


@dataclass(frozen=True, slots=True)
class Backoff:
    """Full jitter between nothing and a ceiling that doubles up to a cap."""

    base_seconds: float = BASE_SECONDS
    cap_seconds: float = CAP_SECONDS

    def ceiling_seconds(self, failures: int) -> float:
        """Longest wait after `failures` failures in a row (1 or more)."""
        doublings = min(max(failures - 1, 0), _DOUBLINGS_MAX)
        return float(min(self.cap_seconds, self.base_seconds * 2**doublings))

    def delay_seconds(self, failures: int, fraction: float, retry_after_seconds: float = 0.0) -> float:
        """Wait before the next attempt.

        Args:
            failures: Failures in a row, 1 or more.
            fraction: A fresh random number from 0 to 1.
            retry_after_seconds: What the store asked for; the wait is never shorter, and never longer than the cap.
        """
        return min(self.cap_seconds, max(retry_after_seconds, fraction * self.ceiling_seconds(failures)))

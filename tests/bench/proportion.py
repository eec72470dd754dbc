"""A share, and between which values the true one lies."""

from __future__ import annotations

import math
from collections.abc import Iterable
from dataclasses import dataclass

Z_95_PERCENT = 1.959964


@dataclass(frozen=True)
class Proportion:
    """So many of so many."""

    hits: int
    of: int

    @property
    def percent(self) -> float:
        """The share."""
        return 100 * self.hits / self.of

    def interval(self) -> tuple[float, float]:
        """Wilson's interval of 95 %, in percent."""
        share, spread = self.hits / self.of, Z_95_PERCENT**2 / self.of
        middle = share + spread / 2
        reach = Z_95_PERCENT * math.sqrt(share * (1 - share) / self.of + spread / self.of / 4)
        low, high = (middle - reach) / (1 + spread), (middle + reach) / (1 + spread)
        return 100 * max(0.0, low), 100 * min(1.0, high)

    def __add__(self, other: Proportion) -> Proportion:
        """Both together."""
        return Proportion(self.hits + other.hits, self.of + other.of)

    def __str__(self) -> str:
        """For the table of figures."""
        low, high = self.interval()
        return f"{self.hits} of {self.of}, 95 % interval {low:.1f} to {high:.1f} %"


def counted(outcomes: Iterable[bool]) -> Proportion:
    """Count what is true among outcomes."""
    known = list(outcomes)
    return Proportion(sum(known), len(known))

"""What a bench says, and how it is timed.

A bench is a module `tests/bench/bench_<subject>.py` with a function `measure() -> list[Measurement]`. The runner finds
it by its name; nothing has to be registered.
"""

from __future__ import annotations

import resource
from collections.abc import Callable
from dataclasses import dataclass
from statistics import median

ROUNDS = 5


@dataclass(frozen=True)
class Measurement:
    """One figure."""

    name: str
    value: float
    unit: str
    against: str
    """What it is compared with, or how it was measured."""
    goal: str
    """What it should be, in words; empty where there is no goal."""
    met: bool | None
    """None where there is no goal."""


def at_least(name: str, value: float, unit: str, against: str, goal: float) -> Measurement:
    """A figure that should be large."""
    return Measurement(name, round(value, 4), unit, against, f"≥ {goal:g}", bool(value >= goal))


def at_most(name: str, value: float, unit: str, against: str, goal: float) -> Measurement:
    """A figure that should be small."""
    return Measurement(name, round(value, 4), unit, against, f"≤ {goal:g}", bool(value <= goal))


def figure(name: str, value: float, unit: str, against: str) -> Measurement:
    """A figure without a goal."""
    return Measurement(name, round(value, 4), unit, against, "", None)


def cpu_seconds(work: Callable[[], object]) -> float:
    """CPU seconds for one piece of work, all threads, ended child processes and the kernel's part included."""
    begin = _cpu_seconds_so_far()
    work()
    return _cpu_seconds_so_far() - begin


def medians(works: dict[str, Callable[[], object]], rounds: int = ROUNDS) -> dict[str, float]:
    """Median CPU seconds of several pieces of work, taken in turn so that a busy moment hits all of them alike."""
    taken: dict[str, list[float]] = {name: [] for name in works}
    for _ in range(rounds):
        for name, work in works.items():
            taken[name].append(cpu_seconds(work))
    return {name: median(seconds) for name, seconds in taken.items()}


def _cpu_seconds_so_far() -> float:
    used = (resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    return sum(each.ru_utime + each.ru_stime for each in used)

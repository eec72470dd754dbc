"""What a store has to bear when shifts end: units dock, stations share a line, gateways share cores.

Rules of this module: pure; costs and a fleet in, curves and needs out. Bytes flow like water: what docks at a station
waits at its line, what leaves the line waits for the store, and each is served in the order of its coming.
"""

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass

STEP_SECONDS = 60
DAY_STEPS = 86_400 // STEP_SECONDS
GIB = 1 << 30


@dataclass(frozen=True)
class Costs:
    """What was measured on one machine (`python -m tests.bench scaling`)."""

    gateway_cpu_seconds_per_gib: float
    """Receiving over mutual TLS, judging, putting: the gateway's process alone."""
    database_cpu_seconds_per_commit: float
    commits_per_second: float
    """As many as one log takes: one after the other, while it is locked."""
    database_bytes_per_file: float


@dataclass(frozen=True)
class Fleet:
    """Who docks when, with how much."""

    units: int
    units_per_station: int = 50
    shift_ends_hours: Sequence[float] = (6.0, 14.0, 22.0)
    spread_minutes: float = 25.0
    """Standard deviation of a docking around its shift's end."""
    gib_per_day: float = 28.0
    """Eight hours of 60 s files of 60 MiB."""
    files_per_day: int = 500
    station_gib_per_second: float = 0.093
    """1 Gbit/s, four fifths of it footage."""

    @property
    def stations(self) -> int:
        return math.ceil(self.units / self.units_per_station)


@dataclass(frozen=True)
class Needs:
    """What a fleet takes."""

    fleet: Fleet
    cores: int
    """Of all gateways, three quarters busy at the peak."""
    database_cores: float
    peak_gib_per_second: float
    mean_gib_per_second: float
    peak_commits_per_second: float
    longest_hours: float
    """From a docking until all of the unit's footage has its receipts."""
    curve: Sequence[float]
    """GiB/s into the store, for each step of the day."""


def docked(fleet: Fleet, seed: int = 1) -> list[list[float]]:
    """GiB that come to each station in each step of a day."""
    rolled = random.Random(seed)
    found = [[0.0] * DAY_STEPS for _ in range(fleet.stations)]
    for unit in range(fleet.units):
        end = fleet.shift_ends_hours[rolled.randrange(len(fleet.shift_ends_hours))] * 3600
        step = round((end + rolled.gauss(0, fleet.spread_minutes * 60)) / STEP_SECONDS) % DAY_STEPS
        found[unit // fleet.units_per_station][step] += fleet.gib_per_day
    return found


def served(arriving: Sequence[float], gib_per_second: float) -> list[float]:
    """What leaves a place in each step of a day that is like every other, by what arrives and how fast it serves.

    Raises:
        ValueError: More arrives in a day than it can serve.
    """
    most = gib_per_second * STEP_SECONDS
    if sum(arriving) > most * len(arriving):
        raise ValueError("more comes in a day than can be served")
    waiting = 0.0
    leaving = [0.0] * len(arriving)
    # The first day finds out what is left over from the day before.
    for _ in range(2):
        for step, came in enumerate(arriving):
            waiting += came
            leaving[step] = min(waiting, most)
            waiting -= leaving[step]
    return leaving


def longest_wait_hours(arriving: Sequence[float], leaving: Sequence[float]) -> float:
    """Longest time that anything waited, when served in the order of its coming; both days repeat."""
    came, went = _summed([*arriving, *arriving]), _summed([*leaving, *leaving, *leaving])
    # What is left over at midnight came before the first day that is looked at.
    behind = max(went[step] - came[step] for step in range(len(arriving)))
    longest, step = 0, 0
    for begin, total in enumerate(came):
        step = max(step, begin)
        while step < len(went) - 1 and went[step] - behind < total - 1e-9:
            step += 1
        longest = max(longest, step - begin)
    return longest * STEP_SECONDS / 3600


def _summed(values: Sequence[float]) -> list[float]:
    total, found = 0.0, []
    for value in values:
        total += value
        found.append(total)
    return found


def needs(fleet: Fleet, costs: Costs, within_hours: float = 8.0, seed: int = 1) -> Needs:
    """Find the fewest cores with which everything that docks is in before the shift after next ends.

    Args:
        fleet: Who docks.
        costs: What was measured.
        within_hours: Longest time from a docking to the last receipt.
        seed: Of the dockings.
    """
    stations = docked(fleet, seed)
    lines = [served(one, fleet.station_gib_per_second) for one in stations]
    arriving = [sum(step) for step in zip(*lines, strict=True)]
    at_line = max(longest_wait_hours(one, line) for one, line in zip(stations, lines, strict=True) if any(one))
    mean = sum(arriving) / 86_400
    cores = max(1, math.ceil(mean * costs.gateway_cpu_seconds_per_gib / 0.75))
    while True:
        leaving = served(arriving, _rate(cores, costs))
        longest = at_line + longest_wait_hours(arriving, leaving)
        if longest <= max(within_hours, at_line + STEP_SECONDS / 3600):
            break
        cores += max(1, cores // 20)
    curve = [step / STEP_SECONDS for step in leaving]
    files_per_gib = fleet.files_per_day / fleet.gib_per_day
    commits = max(curve) * files_per_gib
    database = commits * costs.database_cpu_seconds_per_commit
    return Needs(fleet, cores, database, max(curve), mean, commits, longest, curve)


def _rate(cores: int, costs: Costs) -> float:
    return cores * 0.75 / costs.gateway_cpu_seconds_per_gib
